/*
 * planning.h
 *		How the planner sees the tables that the dispatcher works on.
 */
#ifndef CG_OUTBOUND_PLANNING_H
#define CG_OUTBOUND_PLANNING_H

/* From now on this process plans for large tables; called by the dispatcher once. */
extern void cg_outbox_plan_for_many_rows(void);

#endif /* CG_OUTBOUND_PLANNING_H */
