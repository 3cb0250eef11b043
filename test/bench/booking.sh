#!/usr/bin/env bash
# booking.sh
#
# booking_spread_tps: 16 clients book, each a time of its own, of 400 staff members of 40
# businesses.  booking_hot_tps: 16 clients book times of one staff member.  booking_ratio_sql:
# spread beside a function that takes the same lock and writes the same rows without judging
# them.  stampede_*: 16 clients at each of 100 slots of one staff member; stampede_first_ms is
# the first try of sessions that are new, and plan each statement.
# Each booking is confirmed by text and has its reminders.
# shellcheck disable=SC2154 # what lib.sh assigns
set -euo pipefail
# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seconds=${SECONDS_EACH:-5}
clients=16
start_cluster 'max_wal_size=4GB' 'track_functions=none'
stop_workers
psql -qX -v ON_ERROR_STOP=1 -f "$tree/test/bench/booking.sql" >/dev/null

printf '%s\n' '\set n random(1, 400)' "SELECT public.book_one(:n, :base, false);" >"$dir/ours.sql"
printf '%s\n' '\set n random(1, 400)' "SELECT public.book_one(:n, :base, true);" >"$dir/theirs.sql"
printf '%s\n' "SELECT public.book_one(1, :base, false);" >"$dir/hot.sql"
base=$(ask "SELECT date_trunc('day', now()) + interval '2 days'")

# Transactions a second; a transaction that fails ends the benchmark.
run() {
    pgbench -n -M prepared -c "$clients" -j 2 -T "$seconds" -D base="$base" -f "$1" >"$dir/out" 2>"$dir/errors" || { grep -m 3 ERROR "$dir/errors" >&2; exit 1; }
    awk '/tps =/ { print int($3) }' "$dir/out"
}

# Tables of a business are not empty, and their statistics are not of when they were.
run "$dir/ours.sql" >/dev/null
run "$dir/theirs.sql" >/dev/null
ask 'VACUUM ANALYZE'
before=$(cpu_used)
for _ in 1 2; do
    run "$dir/ours.sql" >>"$dir/ours"
    run "$dir/theirs.sql" >>"$dir/theirs"
done
ours=$(sort -n "$dir/ours" | tail -n 1)
theirs=$(sort -n "$dir/theirs" | tail -n 1)
figure booking_spread_tps "$ours"
figure booking_hot_tps "$(run "$dir/hot.sql")"
figure booking_ratio_sql "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')"

# Everyone wants the same slot at the same time; who does not get it is told so.
cat >"$dir/stampede.sql" <<'SQL'
SELECT public.try_slot(:client_id, :base::timestamptz + interval '2000 days');
SQL
pgbench -n -M prepared -c "$clients" -j 2 -t 100 -l --log-prefix="$dir/stampede" -D base="$base" -f "$dir/stampede.sql" >"$dir/out" 2>"$dir/errors"
figure stampede_max_ms "$(cat "$dir"/stampede.* | grep -v SELECT | awk '$2 > 1 && $3 > most { most = $3 } END { print most / 1000 }')"
figure stampede_first_ms "$(cat "$dir"/stampede.* | grep -v SELECT | awk '$2 == 1 && $3 > most { most = $3 } END { print most / 1000 }')"
figure stampede_deadlocks "$(ask "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")"
figure stampede_overlaps "$(ask "SELECT count(*) FROM cloudgreet.appointment_allocations a JOIN cloudgreet.appointment_allocations b USING (business_id, staff_id)
    WHERE a.state = 'booked' AND b.state = 'booked' AND a.id < b.id AND a.blocks && b.blocks")"
figure_other_cpu "$before"
