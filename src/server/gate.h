/*
 * gate.h
 *		The life of the HTTP gate, as its supervisor sees it.
 */
#ifndef CG_SERVER_GATE_H
#define CG_SERVER_GATE_H

#include "server/gate_channel.h"

typedef enum CgGateState
{
	CG_GATE_STOPPED,  /* not wanted; then RUNNING or WAITING */
	CG_GATE_WAITING,  /* wanted at `deadline`; then RUNNING or STOPPED */
	CG_GATE_RUNNING,  /* then WAITING when it ended by itself, DRAINING when not wanted */
	CG_GATE_DRAINING, /* told to end, killed at `deadline`; then STOPPED */
} CgGateState;

typedef struct CgGateChild
{
	pid_t         pid; /* 0: none */
	CgGateChannel channel;
	bool          settings_due; /* it must be told the settings */
	int           unanswered;   /* pings since it last said that it is alive */
	int64         ping_at;      /* not before this the next one is due */
} CgGateChild;

typedef struct CgGate
{
	CgGateState state;
	CgGateChild child;      /* exactly while RUNNING or DRAINING */
	CgGateChild spare;      /* only while RUNNING or WAITING */
	int         port;       /* on which the child says it listens; 0 before */
	int64       started_at; /* monotonic ms, as every time here */
	int64       deadline;
	int64       spare_at;   /* not before this a spare is started */
	int         failures;   /* children in a row that ended by themselves */
	bool        is_unnamed; /* was reported: no database is named */
	char        program[MAXPGPATH];
} CgGate;

/* Buffers live in the current memory context. */
extern void cg_gate_init(CgGate *gate);

/* To be called when settings may have changed. */
extern void cg_gate_reload(CgGate *gate);

/*
 * Does what the state and the clock ask for; to be called whenever a child may have
 * ended, settings or is_ending changed or cg_gate_timeout() is over.  Allocates in
 * the current memory context what may be freed afterwards.
 */
extern void cg_gate_step(CgGate *gate, bool is_ending);

/* In how many ms the next step is due; -1: only when something happens. */
extern long cg_gate_timeout(const CgGate *gate);

/* Reads what the child says. */
extern void cg_gate_hear(CgGate *gate);

#endif /* CG_SERVER_GATE_H */
