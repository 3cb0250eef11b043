/*
 * statements.c
 *		The text of the dispatcher's statements; see statements.h.
 *
 * Called by queue.c, queue_claim.c and queue_sql.c; those of the upkeep by server/upkeep.c.
 * Shown by test/t/140_outbox.pl, test/specs/outbox_order.spec and test/t/149_upkeep.pl.
 *
 * Locks:		none is waited for.  A row that another has locked is left out and taken up
 *				later; the subject of a request is locked before the request.
 *
 * CASE around a state keeps the planner from the partial indexes of that state, which are
 * smaller than the key's and lead to every row of it; see planning.c as well.
 */
#include "postgres.h"

#include "outbound/statements.h"

/*
 * $1, $2: business and id of candidates; $3: now; $4: the most failures.
 *
 * The snapshot of this statement decides on consent: a STOP that was committed before it
 * always wins.  The main query reads "judged" to its end before "changed" writes anything,
 * so that a candidate can be locked as the one that another waits for.
 *
 * verdict: send; hold (its account is not active); wait (behind an earlier request to the
 * contact, which is locked here, so that whoever ends that one sees the mark); locked (that
 * one is another's at the moment, or has just ceased to hold it back: try again); refuse
 * (row by row, by outbox_refuse()).  "k" asks again what "b" asked: once it has the lock it
 * sees the row as it is now, and nobody would take the mark of what waits for one that is
 * held by then.
 */
const char *const cg_outbox_claim_sql =
	"WITH wanted AS ("
	"    SELECT o.* FROM unnest($1::uuid[], $2::uuid[]) AS w (business_id, id)"
	"      JOIN cloudgreet_private.outbox o"
	"        ON o.business_id = w.business_id AND o.id = w.id"
	"     WHERE CASE o.state WHEN 'queued' THEN NOT o.waits AND o.next_at <= $3 END"
	"     ORDER BY o.business_id, o.id"
	"       FOR UPDATE OF o SKIP LOCKED),"
	" judged AS MATERIALIZED ("
	"    SELECT w.*, a.settings,"
	"        coalesce(w.target[3], a.secret_names ->> 'api_key') AS secret_name, CASE"
	"        WHEN (a.id IS NULL AND w.target IS NULL) OR w.deadline_at <= $3 OR "
	"w.failures >= $4"
	"          OR EXISTS (SELECT FROM cloudgreet.suppressions s"
	"                      WHERE s.business_id = w.business_id AND s.contact = w.contact"
	"                        AND s.channel IN (w.channel, 'all'))"
	"          OR EXISTS (SELECT FROM cloudgreet_private.message_causes c"
	"                      WHERE c.business_id = w.business_id"
	"                        AND c.message_id = w.subject_id"
	"                        AND c.revoked_at IS NOT NULL)"
	"             THEN 'refuse'"
	"        WHEN a.status <> 'active' THEN 'hold'"
	"        WHEN b.id IS NULL THEN 'send'"
	"        WHEN k.id IS NOT NULL THEN 'wait' ELSE 'locked' END AS verdict,"
	"        a.status AS account_status"
	"      FROM wanted w"
	"      LEFT JOIN cloudgreet.provider_accounts a"
	"        ON a.business_id = w.business_id AND a.id = w.account_id"
	"      LEFT JOIN LATERAL ("
	"           SELECT e.id FROM cloudgreet_private.outbox e"
	"            WHERE e.business_id = w.business_id AND e.channel = w.channel"
	"              AND e.contact = w.contact AND e.state IN ('queued', 'sending')"
	"              AND (e.due_at, e.id) < (w.due_at, w.id)"
	"              AND e.next_at <= $3 + interval '15 minutes'"
	"            ORDER BY e.due_at, e.id LIMIT 1) AS b ON true"
	"      LEFT JOIN LATERAL ("
	"           SELECT l.id FROM cloudgreet_private.outbox l"
	"            WHERE l.business_id = w.business_id AND l.id = b.id"
	"              AND l.state IN ('queued', 'sending')"
	"              AND l.next_at <= $3 + interval '15 minutes'"
	"              FOR SHARE SKIP LOCKED) AS k ON true),"
	" changed AS ("
	"    UPDATE cloudgreet_private.outbox o"
	"       SET state = CASE j.verdict WHEN 'send' THEN 'sending'"
	"                                  WHEN 'hold' THEN 'held' ELSE o.state END,"
	"           waits = j.verdict = 'wait',"
	"           reason = CASE WHEN j.verdict = 'hold'"
	"                         THEN 'the provider account is ' || j.account_status END,"
	"           attempts = o.attempts + CASE WHEN j.verdict = 'send' THEN 1 ELSE 0 END,"
	"           first_sent_at = CASE WHEN j.verdict = 'send'"
	"                                THEN coalesce(o.first_sent_at, $3)"
	"                                ELSE o.first_sent_at END"
	"      FROM judged j"
	"     WHERE o.business_id = j.business_id AND o.id = j.id"
	"       AND j.verdict IN ('send', 'hold', 'wait'))"
	" SELECT j.business_id, j.id, j.verdict, j.provider, j.operation, j.idempotency,"
	"        j.attempts + 1, CASE WHEN j.verdict = 'send' THEN j.body END,"
	"        s.name, s.version, s.key_id, s.nonce, s.ciphertext,"
	"        CASE WHEN jsonb_typeof(j.settings -> 'max_per_second') = 'number'"
	"             THEN round(least((j.settings -> 'max_per_second')::numeric,"
	"                              1000000), 6)::float8 END,"
	"        CASE WHEN jsonb_typeof(j.settings -> 'max_per_second_per_sender') = 'number'"
	"             THEN round(least((j.settings -> 'max_per_second_per_sender')::numeric,"
	"                              1000000), 6)::float8 END,"
	"        j.target"
	"   FROM judged j"
	"   LEFT JOIN LATERAL ("
	"        SELECT x.* FROM cloudgreet_private.secrets x"
	"         WHERE j.verdict = 'send' AND x.business_id = j.business_id"
	"           AND x.name = j.secret_name"
	"         ORDER BY x.version DESC LIMIT 1) AS s ON true";

/*
 * $1..$11: business, id, attempt, outcome, HTTP status, error code, duration, provider's
 * id, wait in ms, whether it is a fault of its own, beginning of the answer; $12: now;
 * $13: ms that an event is waited for; $14: the most failures.
 *
 * Returns for each attempt, by its number from 1: t when it is recorded or another was
 * here before (an event, another attempt), f when it or its subject is locked, and NULL
 * when it is for outbox_settle_one(): given up, a broken account, an id that another row
 * has, a subject that is no more.
 *
 * What waits for a request is locked with it, and so is the reminder that it was: the trigger
 * that lets the one go and the update of the other must not wait.  Where another has locked
 * them the result is kept for later, instead of the whole batch.
 *
 * A text or e-mail moves forward only: "wins" compares ranks as advance_message() does.
 * For an answer that says "sent", that is: nothing was told of the message before but
 * queued, sending, unknown or canceled.
 */
const char *const cg_outbox_settle_sql =
	"WITH result AS MATERIALIZED ("
	"    SELECT r.* FROM unnest($1::uuid[], $2::uuid[], $3::int4[], $4::text[],"
	"               $5::int4[], $6::text[], $7::int4[], $8::text[], $9::int8[],"
	"               $10::bool[], $11::bytea[]) WITH ORDINALITY"
	"           AS r (business_id, id, attempt, outcome, http_status, error_code,"
	"               duration_ms, answer_id, delay_ms, is_fault, response, n)),"
	" text AS ("
	"    SELECT m.business_id, m.id, m.lead_id, m.status FROM result r"
	"      JOIN cloudgreet_private.outbox o"
	"        ON o.business_id = r.business_id AND o.id = r.id"
	"      JOIN cloudgreet.sms_messages m"
	"        ON o.subject_type = 'sms_message'"
	"       AND m.business_id = o.business_id AND m.id = o.subject_id"
	"       FOR NO KEY UPDATE OF m SKIP LOCKED),"
	" mail AS ("
	"    SELECT m.business_id, m.id, m.lead_id, m.status FROM result r"
	"      JOIN cloudgreet_private.outbox o"
	"        ON o.business_id = r.business_id AND o.id = r.id"
	"      JOIN cloudgreet.emails m"
	"        ON o.subject_type = 'email'"
	"       AND m.business_id = o.business_id AND m.id = o.subject_id"
	"       FOR NO KEY UPDATE OF m SKIP LOCKED),"
	" item AS ("
	"    SELECT o.*, r.n, r.outcome, r.http_status, r.error_code, r.duration_ms,"
	"           r.answer_id, r.delay_ms, r.is_fault, r.response"
	"      FROM result r"
	"      JOIN cloudgreet_private.outbox o"
	"        ON o.business_id = r.business_id AND o.id = r.id"
	"     WHERE CASE o.state WHEN 'sending' THEN o.attempts = r.attempt END"
	"       FOR UPDATE OF o SKIP LOCKED),"
	" follower AS ("
	"    SELECT i.n, f.business_id, f.id FROM item i CROSS JOIN LATERAL ("
	"        SELECT w.business_id, w.id FROM cloudgreet_private.outbox w"
	"         WHERE w.business_id = i.business_id AND w.channel = i.channel"
	"           AND w.contact = i.contact AND w.waits"
	"         ORDER BY w.due_at, w.id LIMIT 1) AS f),"
	" ready AS ("
	"    SELECT f.n FROM follower f"
	"      JOIN cloudgreet_private.outbox w"
	"        ON w.business_id = f.business_id AND w.id = f.id"
	"       FOR UPDATE OF w SKIP LOCKED),"
	" cause AS ("
	"    SELECT i.n, r.business_id, r.id FROM item i"
	"      JOIN cloudgreet_private.message_causes c"
	"        ON c.business_id = i.business_id AND c.message_id = i.subject_id"
	"      JOIN cloudgreet.appointment_reminders r"
	"        ON r.business_id = c.business_id AND r.id = c.reminder_id"
	"     WHERE i.outcome = 'done' AND r.status IN ('queued', 'sent')),"
	" reminder AS ("
	"    SELECT c.n, r.business_id, r.id FROM cause c"
	"      JOIN cloudgreet.appointment_reminders r"
	"        ON r.business_id = c.business_id AND r.id = c.id"
	"       FOR NO KEY UPDATE OF r SKIP LOCKED),"
	" judged AS MATERIALIZED ("
	"    SELECT i.*, coalesce(t.lead_id, m.lead_id) AS lead_id,"
	"           coalesce(t.status, m.status, 'queued')"
	"             IN ('queued', 'canceled', 'sending', 'unknown') AS wins,"
	"           CAST($12 AS timestamptz)"
	"             + i.delay_ms * interval '1 millisecond' AS again_at,"
	"           CASE"
	"        WHEN f.n IS NOT NULL AND y.n IS NULL"
	"          OR c.n IS NOT NULL AND d.n IS NULL THEN 'locked'"
	"        WHEN i.subject_type = 'sms_message' AND t.id IS NULL"
	"             THEN CASE WHEN EXISTS (SELECT FROM cloudgreet.sms_messages x"
	"                                     WHERE x.business_id = i.business_id"
	"                                       AND x.id = i.subject_id)"
	"                       THEN 'locked' ELSE 'rare' END"
	"        WHEN i.subject_type = 'email' AND m.id IS NULL"
	"             THEN CASE WHEN EXISTS (SELECT FROM cloudgreet.emails x"
	"                                     WHERE x.business_id = i.business_id"
	"                                       AND x.id = i.subject_id)"
	"                       THEN 'locked' ELSE 'rare' END"
	"        WHEN i.outcome = 'done'"
	"             THEN CASE WHEN EXISTS (SELECT FROM cloudgreet.sms_messages x"
	"                                     WHERE i.subject_type = 'sms_message'"
	"                                       AND x.business_id = i.business_id"
	"                                       AND x.provider = i.provider"
	"                                       AND x.provider_message_id = i.answer_id"
	"                                       AND x.id <> i.subject_id)"
	"                         OR EXISTS (SELECT FROM cloudgreet.emails x"
	"                                     WHERE i.subject_type = 'email'"
	"                                       AND x.business_id = i.business_id"
	"                                       AND x.provider = i.provider"
	"                                       AND x.provider_email_id = i.answer_id"
	"                                       AND x.id <> i.subject_id)"
	"                       THEN 'rare' ELSE 'done' END"
	"        WHEN i.outcome = 'unknown' THEN 'unknown'"
	"        WHEN i.outcome = 'retry'"
	"         AND $12 + i.delay_ms * interval '1 millisecond' <= i.deadline_at"
	"         AND i.failures + i.is_fault::integer < $14 THEN 'queued'"
	"        ELSE 'rare' END AS verdict"
	"      FROM item i"
	"      LEFT JOIN text t ON i.subject_type = 'sms_message'"
	"       AND t.business_id = i.business_id AND t.id = i.subject_id"
	"      LEFT JOIN mail m ON i.subject_type = 'email'"
	"       AND m.business_id = i.business_id AND m.id = i.subject_id"
	"      LEFT JOIN follower f ON f.n = i.n"
	"      LEFT JOIN ready y ON y.n = i.n"
	"      LEFT JOIN cause c ON c.n = i.n"
	"      LEFT JOIN reminder d ON d.n = i.n),"
	" finished AS ("
	"    DELETE FROM cloudgreet_private.outbox o USING judged j"
	"     WHERE o.business_id = j.business_id AND o.id = j.id AND j.verdict = 'done'),"
	" kept AS ("
	"    INSERT INTO cloudgreet_private.outbox_history"
	"        (business_id, id, account_id, provider, operation, idempotency, channel,"
	"         contact, subject_type, subject_id, state, attempts, deadline_at,"
	"         first_sent_at, retry_of, created_at, finished_at, http_status, provider_id,"
	"         target, response)"
	"    SELECT j.business_id, j.id, j.account_id, j.provider, j.operation,"
	"           j.idempotency, j.channel, j.contact, j.subject_type, j.subject_id,"
	"           'done', j.attempts, j.deadline_at, j.first_sent_at, j.retry_of,"
	"           j.created_at, $12, j.http_status, j.answer_id,"
	"           j.target[1:2], j.response"
	"      FROM judged j WHERE j.verdict = 'done'),"
	" again AS ("
	"    UPDATE cloudgreet_private.outbox o"
	"       SET state = j.verdict, failures = o.failures + j.is_fault::integer,"
	"           reason = left(concat_ws(' ', j.http_status, j.error_code), 200),"
	"           next_at = CASE j.verdict WHEN 'unknown'"
	"                     THEN $12 + $13 * interval '1 millisecond' ELSE j.again_at END"
	"      FROM judged j"
	"     WHERE o.business_id = j.business_id AND o.id = j.id"
	"       AND j.verdict IN ('queued', 'unknown')),"
	" failed AS ("
	"    INSERT INTO cloudgreet_private.outbox_attempts"
	"        (business_id, outbox_id, attempt, outcome, http_status, error_code,"
	"         duration_ms, response)"
	"    SELECT j.business_id, j.id, j.attempts, j.outcome, j.http_status, j.error_code,"
	"           j.duration_ms, j.response"
	"      FROM judged j WHERE j.verdict IN ('queued', 'unknown')),"
	" told_text AS ("
	"    UPDATE cloudgreet.sms_messages m"
	"       SET status = CASE WHEN NOT j.wins THEN m.status"
	"                         WHEN j.verdict = 'done' THEN 'sent' ELSE 'unknown' END,"
	"           status_at = CASE WHEN j.wins THEN $12 ELSE m.status_at END,"
	"           error_code = CASE WHEN j.wins THEN j.error_code ELSE m.error_code END,"
	"           sent_at = CASE WHEN j.verdict = 'done'"
	"                          THEN least(m.sent_at, $12) ELSE m.sent_at END,"
	"           provider = CASE WHEN j.answer_id IS NOT NULL"
	"                            AND (m.provider_message_id IS NULL OR j.wins)"
	"                           THEN j.provider ELSE m.provider END,"
	"           provider_message_id = CASE WHEN j.answer_id IS NOT NULL"
	"                                       AND (m.provider_message_id IS NULL OR j.wins)"
	"                                      THEN j.answer_id"
	"                                      ELSE m.provider_message_id END"
	"      FROM judged j"
	"     WHERE j.subject_type = 'sms_message' AND j.verdict IN ('done', 'unknown')"
	"       AND m.business_id = j.business_id AND m.id = j.subject_id),"
	" told_mail AS ("
	"    UPDATE cloudgreet.emails m"
	"       SET status = CASE WHEN NOT j.wins THEN m.status"
	"                         WHEN j.verdict = 'done' THEN 'sent' ELSE 'unknown' END,"
	"           status_at = CASE WHEN j.wins THEN $12 ELSE m.status_at END,"
	"           error_code = CASE WHEN j.wins THEN j.error_code ELSE m.error_code END,"
	"           sent_at = CASE WHEN j.verdict = 'done'"
	"                          THEN least(m.sent_at, $12) ELSE m.sent_at END,"
	"           provider = CASE WHEN j.answer_id IS NOT NULL"
	"                            AND (m.provider_email_id IS NULL OR j.wins)"
	"                           THEN j.provider ELSE m.provider END,"
	"           provider_email_id = CASE WHEN j.answer_id IS NOT NULL"
	"                                     AND (m.provider_email_id IS NULL OR j.wins)"
	"                                    THEN j.answer_id"
	"                                    ELSE m.provider_email_id END"
	"      FROM judged j"
	"     WHERE j.subject_type = 'email' AND j.verdict IN ('done', 'unknown')"
	"       AND m.business_id = j.business_id AND m.id = j.subject_id),"
	" reminded AS ("
	"    UPDATE cloudgreet.appointment_reminders r SET status = 'sent', sent_at = $12"
	"      FROM judged j JOIN reminder d ON d.n = j.n"
	"     WHERE j.verdict = 'done' AND r.business_id = d.business_id"
	"       AND r.id = d.id AND r.status IN ('queued', 'sent')),"
	" noted AS ("
	"    INSERT INTO cloudgreet.events"
	"        (business_id, event_type, subject_type, subject_id, lead_id, data)"
	"    SELECT j.business_id, coalesce(j.channel, 'request') || '.sent',"
	"           j.subject_type, j.subject_id,"
	"           j.lead_id, '{}'"
	"      FROM judged j WHERE j.verdict = 'done' AND j.wins)"
	" SELECT CASE j.verdict WHEN 'locked' THEN false WHEN 'rare' THEN NULL"
	"             ELSE j.verdict IS NOT NULL OR NOT EXISTS ("
	"                  SELECT FROM cloudgreet_private.outbox o"
	"                   WHERE o.business_id = r.business_id AND o.id = r.id"
	"                     AND CASE o.state WHEN 'sending'"
	"                              THEN o.attempts = r.attempt END) END"
	"   FROM result r LEFT JOIN judged j ON j.n = r.n ORDER BY r.n";

/*
 * $1: how many of each lane; $2, $3: the lane after which to begin; $4: how many lanes.  The
 * earliest of lanes, whether due or not: for a start, when the ring overflowed, and when the
 * time of something has come.  Each step of the recursion is one descent of the index
 * outbox_lanes, however many rows a lane has; no more are taken than are asked for.
 */
const char *const cg_outbox_lanes_sql =
	"WITH RECURSIVE lane AS ("
	"    (SELECT o.account_id, o.lane FROM cloudgreet_private.outbox o"
	"      WHERE o.state = 'queued' AND NOT o.waits"
	"        AND (o.account_id, o.lane) > ($2, $3)"
	"      ORDER BY o.account_id, o.lane LIMIT 1)"
	"    UNION ALL"
	"    SELECT n.account_id, n.lane FROM lane l CROSS JOIN LATERAL ("
	"        SELECT o.account_id, o.lane FROM cloudgreet_private.outbox o"
	"         WHERE o.state = 'queued' AND NOT o.waits"
	"           AND (o.account_id, o.lane) > (l.account_id, l.lane)"
	"         ORDER BY o.account_id, o.lane LIMIT 1) AS n)"
	" SELECT d.* FROM (SELECT a.account_id, a.lane FROM lane a LIMIT $4) AS l"
	" CROSS JOIN LATERAL ("
	"     SELECT o.business_id, o.id, o.account_id, o.lane,"
	"            o.provider, o.next_at"
	"       FROM cloudgreet_private.outbox o"
	"      WHERE o.state = 'queued' AND NOT o.waits"
	"        AND o.account_id = l.account_id AND o.lane = l.lane"
	"      ORDER BY o.next_at, o.id LIMIT $1) AS d";

/* $1, $2: lanes; $3: how many of each.  The earliest of lanes that are known to have more. */
const char *const cg_outbox_refill_sql =
	"SELECT d.* FROM unnest($1::uuid[], $2::bigint[]) AS l (account_id, lane)"
	" CROSS JOIN LATERAL ("
	"     SELECT o.business_id, o.id, o.account_id, o.lane, o.provider, o.next_at"
	"       FROM cloudgreet_private.outbox o"
	"      WHERE o.state = 'queued' AND NOT o.waits"
	"        AND o.account_id = l.account_id AND o.lane = l.lane"
	"      ORDER BY o.next_at, o.id LIMIT $3) AS d";

/* $1: what a dispatcher before this one had under way; all of it, at the start. */
const char *const cg_outbox_sending_sql =
	"SELECT o.business_id, o.id FROM cloudgreet_private.outbox o"
	" WHERE o.state = 'sending' LIMIT $1";

/* $1: now.  An answer that nobody brought: a person decides, for it may have been sent. */
const char *const cg_outbox_expire_sql =
	"UPDATE cloudgreet_private.outbox o"
	"   SET state = 'held', reason = 'sent, perhaps: no answer and no event came'"
	"  FROM (SELECT u.business_id, u.id FROM cloudgreet_private.outbox u"
	"         WHERE u.state = 'unknown' AND u.next_at <= $1"
	"         ORDER BY u.next_at LIMIT 500 FOR UPDATE SKIP LOCKED) AS late"
	" WHERE o.business_id = late.business_id AND o.id = late.id";

/* $1: how many.  A key answers with what it made for 30 days. */
const char *const cg_prune_keys_sql =
	"WITH gone AS ("
	"    DELETE FROM cloudgreet_private.idempotency_keys k USING ("
	"        SELECT o.business_id, o.operation, o.key"
	"          FROM cloudgreet_private.idempotency_keys o"
	"         WHERE o.created_at < cloudgreet.clock() - interval '30 days'"
	"         ORDER BY o.created_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS old"
	"     WHERE k.business_id = old.business_id AND k.operation = old.operation"
	"       AND k.key = old.key RETURNING 1)"
	" SELECT count(*)::integer FROM gone";

/*
 * $1: how many.  By then its request is finished or given up; but a text is the question of
 * whoever answers it for as long as its appointment is ahead.
 */
const char *const cg_prune_causes_sql =
	"WITH gone AS ("
	"    DELETE FROM cloudgreet_private.message_causes c USING ("
	"        SELECT o.business_id, o.message_id FROM cloudgreet_private.message_causes o"
	"         WHERE o.message_id < cloudgreet.uuid_v7_floor("
	"                   cloudgreet.clock() - interval '90 days')"
	"           AND NOT EXISTS (SELECT FROM cloudgreet.appointments a"
	"                            WHERE a.business_id = o.business_id"
	"                              AND a.id = o.cause_id"
	"                              AND a.scheduled_date >"
	"                                  cloudgreet.clock() - interval '30 days')"
	"         ORDER BY o.message_id LIMIT $1 FOR UPDATE SKIP LOCKED) AS old"
	"     WHERE c.business_id = old.business_id AND c.message_id = old.message_id"
	"    RETURNING 1)"
	" SELECT count(*)::integer FROM gone";

/* $1: how many.  Times that nobody has, once they are past for 30 days. */
const char *const cg_prune_allocations_sql =
	"WITH gone AS ("
	"    DELETE FROM cloudgreet.appointment_allocations a USING ("
	"        SELECT o.business_id, o.id FROM cloudgreet.appointment_allocations o"
	"         WHERE o.state <> 'booked'"
	"           AND o.ends_at < cloudgreet.clock() - interval '30 days'"
	"         ORDER BY o.ends_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS old"
	"     WHERE a.business_id = old.business_id AND a.id = old.id RETURNING 1)"
	" SELECT count(*)::integer FROM gone";
