/*
 * sqlstate.h
 *		What an error of the database means over HTTP.
 */
#ifndef CG_GATE_SQLSTATE_H
#define CG_GATE_SQLSTATE_H

#include <libpq-fe.h>

#include "gate/refusal.h"

/*
 * Fills the refusal for a result that is no row.  The message is the server's only
 * where it is of class ZG; it lives as long as the result.
 */
extern void cg_sqlstate_refusal(const PGresult *result, CgRefusal *refusal);

#endif /* CG_GATE_SQLSTATE_H */
