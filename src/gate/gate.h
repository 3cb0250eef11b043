/*
 * gate.h
 *		What the parts of the gate share: one of each, in one thread.
 */
#ifndef CG_GATE_GATE_H
#define CG_GATE_GATE_H

#include <stdbool.h>

#include "gate/loop.h"
#include "gate/pool.h"
#include "gate/settings.h"

typedef struct CgGate
{
	CgLoop     loop;
	CgSettings settings;
	CgPool     pool;
	bool       is_draining; /* no new connections; answers close theirs */
} CgGate;

extern CgGate cg_gate;

#endif /* CG_GATE_GATE_H */
