#!/usr/bin/env bash
# tick.sh
#
# due_per_s: reminders by text that tick() releases a second, of 40 businesses that have 500
# each due.  steps_per_s: first steps of sequences, of the same leads.  idle_tick_ms: a call of tick() when a million wait that are not due.
# shellcheck disable=SC2154 # what lib.sh assigns
set -euo pipefail
# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

businesses=${BUSINESSES:-40}
each=${EACH:-500}
waiting=${WAITING:-1000000}
start_cluster 'cloudgreet.tick_time_limit=60s' 'max_wal_size=4GB'
stop_workers

psql -qX -v ON_ERROR_STOP=1 -v businesses="$businesses" -v each="$each" >/dev/null <<'SQL'
CREATE TABLE public.bench AS
SELECT cloudgreet.create_business('Business ' || n, 'America/New_York') AS business_id, n FROM generate_series(1, :businesses) n;
SELECT cloudgreet.set_secret('telnyx', 'x', business_id), cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => business_id),
       cloudgreet.add_phone_number('+1212555' || to_char(n, 'FM0000'), business_id => business_id),
       cloudgreet.create_service('Cleaning', 60, business_id => business_id), cloudgreet.add_staff('Dana', business_id => business_id)
  FROM public.bench;
SET session_replication_role = replica;
INSERT INTO cloudgreet.leads (business_id, name, phone)
SELECT business_id, 'Ana ' || k, '+1' || (2125560000 + k) FROM public.bench, generate_series(1, :each) k;
INSERT INTO cloudgreet.appointments (business_id, lead_id, service_id, staff_id, scheduled_date, ends_at, time_zone)
SELECT l.business_id, l.id, s.id, st.id, now() + interval '24 hours', now() + interval '25 hours', 'America/New_York'
  FROM public.bench b JOIN cloudgreet.leads l USING (business_id) JOIN cloudgreet.services s USING (business_id) JOIN cloudgreet.staff st USING (business_id);
INSERT INTO cloudgreet.appointment_reminders (business_id, appointment_id, type, channel, due_at)
SELECT a.business_id, a.id, '24h', 'sms', now() FROM public.bench b JOIN cloudgreet.appointments a USING (business_id);
INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at)
SELECT r.business_id, 'reminder', r.id, r.due_at FROM cloudgreet.appointment_reminders r;
RESET session_replication_role;
VACUUM ANALYZE;
CHECKPOINT;
SQL

started=$(date +%s.%N)
before=$(cpu_used)
released=$(ask 'SELECT cloudgreet.tick()')
ended=$(date +%s.%N)
[ "$released" -eq $((businesses * each)) ] || { echo "tick: released $released" >&2; exit 1; }
[ "$(ask 'SELECT count(*) FROM cloudgreet_private.outbox')" -eq "$released" ] || { echo 'tick: not all are queued' >&2; exit 1; }
figure due_per_s "$(echo "$released $started $ended" | awk '{ print int($1 / ($3 - $2)) }')"

psql -qX -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
SELECT cloudgreet.create_follow_up(business_id => business_id) FROM public.bench;
TRUNCATE cloudgreet_private.outbox;
SET session_replication_role = replica;
WITH enrolled AS (
    INSERT INTO cloudgreet.sequence_enrollments (business_id, sequence_id, lead_id, next_due_at, anchor_at)
    SELECT l.business_id, s.id, l.id, now(), now() FROM public.bench b JOIN cloudgreet.leads l USING (business_id) JOIN cloudgreet.sequences s USING (business_id)
    RETURNING business_id, id, next_due_at)
INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at) SELECT business_id, 'enrollment', id, next_due_at FROM enrolled;
UPDATE cloudgreet.sequences SET stop_on = '{reply}';
RESET session_replication_role;
VACUUM ANALYZE;
CHECKPOINT;
SQL
stepped=$(date +%s.%N)
released=$(ask 'SELECT cloudgreet.tick()')
ended=$(date +%s.%N)
[ "$released" -eq $((businesses * each)) ] || { echo "tick: released $released steps" >&2; exit 1; }
[ "$(ask 'SELECT count(*) FROM cloudgreet_private.outbox')" -eq "$released" ] || { echo 'tick: not all steps are queued' >&2; exit 1; }
figure steps_per_s "$(echo "$released $stepped $ended" | awk '{ print int($1 / ($3 - $2)) }')"

ask "SET session_replication_role = replica; INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at)
     SELECT b.business_id, 'reminder', cloudgreet.uuid_v7(), now() + interval '1 day' + k * interval '1 second' FROM public.bench b, generate_series(1, $waiting / $businesses) k"
ask 'VACUUM ANALYZE cloudgreet_private.due_work'
echo 'SELECT cloudgreet.tick();' >"$dir/tick.sql"
figure idle_tick_ms "$(pgbench -n -M prepared -t 500 -f "$dir/tick.sql" 2>/dev/null | awk '/latency average/ { print $4 }')"
figure_other_cpu "$before"
