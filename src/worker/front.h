/*
 * front.h
 *		The life of the HTTP front, as its supervisor sees it.
 */
#ifndef CG_FRONT_H
#define CG_FRONT_H

#include "worker/front_channel.h"

typedef enum CgFrontState
{
	CG_FRONT_STOPPED, /* not wanted; then RUNNING or WAITING */
	CG_FRONT_WAITING, /* wanted at `deadline`; then RUNNING or STOPPED */
	CG_FRONT_RUNNING, /* then WAITING when it ended by itself, DRAINING when not wanted */
	CG_FRONT_DRAINING, /* told to end, killed at `deadline`; then STOPPED */
} CgFrontState;

typedef struct CgFrontChild
{
	pid_t          pid; /* 0: none */
	CgFrontChannel channel;
	bool           settings_due; /* it must be told the settings */
	int            unanswered;   /* pings since it last said that it is alive */
	int64          ping_at;      /* not before this the next one is due */
} CgFrontChild;

typedef struct CgFront
{
	CgFrontState state;
	CgFrontChild child;      /* exactly while RUNNING or DRAINING */
	CgFrontChild spare;      /* only while RUNNING or WAITING */
	int          port;       /* on which the child says it listens; 0 before */
	int64        started_at; /* monotonic ms, as every time here */
	int64        deadline;
	int64        spare_at;   /* not before this a spare is started */
	int          failures;   /* children in a row that ended by themselves */
	bool         is_unnamed; /* was reported: no database is named */
	char         program[MAXPGPATH];
} CgFront;

/* Buffers live in the current memory context. */
extern void cg_front_init(CgFront *front);

/* To be called when settings may have changed. */
extern void cg_front_reload(CgFront *front);

/*
 * Does what the state and the clock ask for; to be called whenever a child may have
 * ended, settings or is_ending changed or cg_front_timeout() is over.  Allocates in
 * the current memory context what may be freed afterwards.
 */
extern void cg_front_step(CgFront *front, bool is_ending);

/* In how many ms the next step is due; -1: only when something happens. */
extern long cg_front_timeout(const CgFront *front);

/* Reads what the child says. */
extern void cg_front_hear(CgFront *front);

#endif /* CG_FRONT_H */
