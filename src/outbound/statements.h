/*
 * statements.h
 *		Statements over rows of many businesses, as role cloudgreet_worker: the dispatcher's, and
 *		those of upkeep.
 *
 * They join rows of many businesses on (business_id, id), which no row security could
 * follow; so the role passes it by, and is granted only the columns that stand in them
 * (sql/api/840_worker_grants.sql).  Nothing is added to their text: they are constants.
 */
#ifndef CG_OUTBOUND_STATEMENTS_H
#define CG_OUTBOUND_STATEMENTS_H

extern const char *const cg_outbox_claim_sql;
extern const char *const cg_outbox_settle_sql;
extern const char *const cg_outbox_lanes_sql;
extern const char *const cg_outbox_refill_sql;
extern const char *const cg_outbox_sending_sql;
extern const char *const cg_outbox_expire_sql;

/* What upkeep takes away, $1 rows at most; they return how many. */
extern const char *const cg_prune_keys_sql;
extern const char *const cg_prune_causes_sql;
extern const char *const cg_prune_allocations_sql;

#endif /* CG_OUTBOUND_STATEMENTS_H */
