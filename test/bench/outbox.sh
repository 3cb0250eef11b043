#!/usr/bin/env bash
# outbox.sh
#
# Sending, against an nginx that answers at once: messages a second and the dispatcher's
# CPU of each, for e-mails and for texts (whose claims are flushed one by one); the same
# work done by graphile-worker in the same run; how soon a message is on the wire; a stop
# with an answer pending; a million that wait.
# COUNT, WAITING, ROUNDS: how many are sent, wait, and are timed on the wire.
set -euo pipefail

# shellcheck source=test/bench/outbox_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/outbox_lib.sh"
trap bench_cleanup EXIT
count=${COUNT:-10000}
waiting=${WAITING:-1000000}
rounds=${ROUNDS:-200}
here=$tree/test/bench
[ -e "$here/graphile/node_modules/.package-lock.json" ] || "$tree/test/lib/packages" "$here/graphile"

receiver_start
server_start wire
export BUSINESS=$business RECEIVER_URL="http://127.0.0.1:$receiver_port/emails"

mails() {
    local graphile batched
    drain mail "$count"
    graphile=$(node "$here/graphile/worker.mjs" $((count / 5)) 1)
    batched=$(node "$here/graphile/worker.mjs" "$count" 64)
    figure throughput_rps "$rate"
    figure cpu_us_per_message "$cpu"
    figure graphile_rps "$graphile"
    figure graphile_batched_rps "$batched"
    figure throughput_ratio_graphile "$(awk -v a="$rate" -v b="$graphile" 'BEGIN { printf "%.2f", a / b }')"
    figure throughput_ratio_graphile_batched "$(awk -v a="$rate" -v b="$batched" 'BEGIN { printf "%.2f", a / b }')"
}

texts() {
    drain text "$count"
    figure throughput_none_rps "$rate"
    figure cpu_us_per_text "$cpu"
}

# A lone message, 20 a second: from its commit until its request has come.
wire() {
    : >"$bench_dir/nginx/wire.log"
    for n in $(seq "$rounds"); do
        echo "SELECT cloudgreet.send_email('w$n@example.org', 'Hello', 'How are you?', business_id => '$business') \\g /dev/null"
        echo 'SELECT pg_sleep(0.05) \g /dev/null'
    done | psql -AtqX -v ON_ERROR_STOP=1
    outbox_empty
    ask "CREATE TEMP TABLE arrived (id text, at double precision);
         COPY arrived FROM '$bench_dir/nginx/wire.log' WITH (DELIMITER ' ');
         SELECT 1000 * (a.at - extract(epoch FROM pg_xact_commit_timestamp(e.xmin)))
           FROM arrived a JOIN cloudgreet.emails m ON m.provider_email_id = a.id
           JOIN cloudgreet.events e ON e.business_id = m.business_id AND e.subject_id = m.id AND e.event_type = 'email.queued'" >"$bench_dir/waits"
    figure wire_p50_ms "$(quantile 0.5 <"$bench_dir/waits")"
    figure wire_p99_slow_ms "$(quantile 0.99 <"$bench_dir/waits")"
}

# Texts that wait for a time to come, as rows of the queue alone.
backlog() {
    local pid
    ask "INSERT INTO cloudgreet_private.outbox (business_id, account_id, lane, provider, operation, idempotency, channel, contact, subject_type, subject_id, body, due_at, next_at, deadline_at)
         SELECT '$business', a.id, n % 10, 'resend', 'send_email', 'native', 'email', 'b' || n || '@example.org', 'email', cloudgreet.uuid_v7(), '{}', t, t, t + interval '1 day'
           FROM cloudgreet.provider_accounts a, generate_series(1, $waiting) n, LATERAL (SELECT clock_timestamp() + interval '1 day') AS later (t)
          WHERE a.business_id = '$business' AND a.provider = 'resend'"
    drain mail 1000
    figure cpu_us_per_message_1m "$cpu"
    figure throughput_1m_rps "$rate"
    pid=$(dispatcher)
    figure backlog_1m_rss_mb "$(awk '/^RssAnon/ { printf "%.1f", $2 / 1024 }' "/proc/$pid/status")"
    # What the dispatcher asks when a time has come, as it stands in the source.
    perl -0777 -ne '/cg_outbox_lanes_sql =(.*?);/s or die; print "PREPARE look (integer) AS ", join(" ", $1 =~ /"(.*)"/g), ";\n"' \
        "$tree/src/outbound/statements.c" >"$bench_dir/look.sql"
    printf '%s\n' 'SET plan_cache_mode = force_generic_plan;' "EXPLAIN (ANALYZE, TIMING off) EXECUTE look(129);" "EXPLAIN (ANALYZE, TIMING off) EXECUTE look(129);" >>"$bench_dir/look.sql"
    figure due_scan_ms_1m "$(psql -AtqX -f "$bench_dir/look.sql" | sed -n 's/^Execution Time: \(.*\) ms/\1/p' | tail -n 1)"
}

# A stop while a provider is silent: a listener that takes connections and says nothing.
stop_pending() {
    local port=$((receiver_port + 1)) silent before
    perl -MIO::Socket::INET -e '$l = IO::Socket::INET->new(Listen => 16, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], ReuseAddr => 1); push @c, $l->accept while 1' "$port" &
    silent=$!
    ask "ALTER SYSTEM SET cloudgreet.resend_url = 'http://127.0.0.1:$port'"
    ask 'SELECT pg_reload_conf()' >/dev/null
    ask "SELECT pg_sleep(0.5), cloudgreet.send_email('stop@example.org', 'Hello', 'How are you?', business_id => '$business')" >/dev/null
    until [ "$(ask "SELECT count(*) FROM cloudgreet_private.outbox WHERE state = 'sending'")" -gt 0 ]; do :; done
    before=$(now_ms)
    "$tree/test/lib/as_server_user" "$("${PG_CONFIG:-pg_config}" --bindir)/pg_ctl" -D "$bench_dir/cluster/data" -m fast -w stop >/dev/null
    figure stop_ms $(($(now_ms) - before))
    kill "$silent"
}

drain mail 2000 # warm
quietly outbox mails
quietly texts texts
quietly wire wire
backlog
stop_pending
