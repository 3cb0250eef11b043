/*
 * statements.h
 *		The dispatcher's statements over batches, as role cloudgreet_worker.
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

#endif /* CG_OUTBOUND_STATEMENTS_H */
