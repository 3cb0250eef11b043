/*
 * front.h
 *		What the parts of the front share: one of each, in one thread.
 */
#ifndef CG_GATE_FRONT_H
#define CG_GATE_FRONT_H

#include <stdbool.h>

#include "gate/loop.h"
#include "gate/pool.h"
#include "gate/settings.h"

typedef struct CgFront
{
	CgLoop     loop;
	CgSettings settings;
	CgPool     pool;
	bool       is_draining; /* no new connections; answers close theirs */
} CgFront;

extern CgFront cg_front;

#endif /* CG_GATE_FRONT_H */
