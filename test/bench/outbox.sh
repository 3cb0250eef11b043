#!/usr/bin/env bash
# outbox.sh
#
# Sending, to a receiver that answers at once.  Prints name<TAB>value:
#   throughput_rps, cpu_us_per_message  e-mails a second from their commit to the last result,
#                                       and the CPU of the dispatcher for each
#   throughput_none_rps, cpu_us_per_text  the same of texts, whose claims are flushed
#   throughput_ratio_graphile, throughput_ratio_graphile_batched
#                                       beside graphile-worker: a message a job, 64 messages a job
#   wire_p50_ms, wire_p99_ms            of a lone e-mail, 20 a second: from its commit until its
#                                       request has come
#   wire_p99_over_bare_ms               that beside a bare worker, each in turn (bare_sender.c)
#   wire_p99_slow_ms                    while each twentieth answer takes 3 s
#   backlog_1m_rss_mb, due_scan_ms_1m   while a million wait: the dispatcher's memory, and what it
#                                       asks when a time has come
#   stop_ms                             a fast stop while an answer takes 9 s
# COUNT, RUNS, ROUNDS, WAITING: how many are sent, and how often; are timed on the wire; wait.
set -euo pipefail

# shellcheck source=test/bench/outbox_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/outbox_lib.sh"
count=${COUNT:-10000}
runs=${RUNS:-3}
rounds=${ROUNDS:-300}
waiting=${WAITING:-1000000}
[ -e "$tree/test/bench/graphile/node_modules/.package-lock.json" ] || "$tree/test/lib/packages" "$tree/test/bench/graphile"

# The median of some runs: autovacuum and checkpoints fall into one or the other.
drains() {
    for _ in $(seq "$runs"); do
        drain "$1" "$count"
        echo "$rate" >>"$dir/$1.rate"
        echo "$cpu" >>"$dir/$1.cpu"
    done
    rate=$(median <"$dir/$1.rate")
    cpu=$(median <"$dir/$1.cpu")
}

throughput() {
    local one batched
    drains mail
    one=$(timeout 60 node "$tree/test/bench/graphile/worker.mjs" $((count / 2)) 1)
    batched=$(timeout 60 node "$tree/test/bench/graphile/worker.mjs" "$count" 64)
    figure throughput_rps "$rate"
    figure cpu_us_per_message "$cpu"
    figure graphile_rps "$one"
    figure graphile_batched_rps "$batched"
    figure throughput_ratio_graphile "$(ratio "$rate" "$one")"
    figure throughput_ratio_graphile_batched "$(ratio "$rate" "$batched")"
    drains text
    figure throughput_none_rps "$rate"
    figure cpu_us_per_text "$cpu"
    no_faults
}

# Milliseconds from the commit of each e-mail of the script until its request came.
waits_of_mails() {
    ask "CREATE TEMP TABLE arrived (id text, at double precision);
         COPY arrived FROM '$arrivals' WITH (DELIMITER ' ');
         SELECT 1000 * (a.at - extract(epoch FROM pg_xact_commit_timestamp(e.xmin)))
           FROM arrived a JOIN cloudgreet.emails m ON m.provider_email_id = a.id
           JOIN cloudgreet.events e ON e.business_id = m.business_id AND e.subject_id = m.id AND e.event_type = 'email.queued'"
}

# The bare worker's requests come in the order of the commits, between those of the e-mails.
waits_of_bare() {
    ask "CREATE TEMP TABLE arrived (id text, at double precision);
         COPY arrived FROM '$arrivals' WITH (DELIMITER ' ');
         SELECT 1000 * (a.at - extract(epoch FROM pg_xact_commit_timestamp(b.commit)))
           FROM (SELECT xmin AS commit, row_number() OVER (ORDER BY n) AS n FROM public.bare) b
           JOIN (SELECT at, row_number() OVER (ORDER BY at) AS n FROM arrived a
                  WHERE NOT EXISTS (SELECT FROM cloudgreet.emails m WHERE m.provider_email_id = a.id)) a USING (n)"
}

mail() { echo "SELECT cloudgreet.send_email('w$1@example.org', 'Hello', 'How are you?', business_id => '$business') \\g /dev/null"; }
pause() { echo "SELECT pg_sleep(0.0$1) \\g /dev/null"; }

build_bare_sender() {
    cc -O2 -shared -fPIC -isystem "$("${PG_CONFIG:-pg_config}" --includedir-server)" -D_GNU_SOURCE -o "$dir/bare_sender.so" "$tree/test/bench/bare_sender.c" -lcurl
    ask "CREATE FUNCTION public.bare_start(text, text) RETURNS void LANGUAGE c AS '$dir/bare_sender.so';
         CREATE FUNCTION public.bare_send() RETURNS void LANGUAGE c AS '$dir/bare_sender.so';
         CREATE TABLE public.bare (n integer, at timestamptz)"
}

wire() {
    local n
    build_bare_sender
    send_mail_to /wire
    {
        echo "SELECT public.bare_start('$dir/bare_sender', '$receiver/wire/emails'), pg_sleep(1) \\g /dev/null"
        for n in $(seq "$rounds"); do
            mail "$n"
            pause 25
            echo "INSERT INTO public.bare SELECT $n, now() FROM public.bare_send();"
            pause 25
        done
    } | psql -AtqX -v ON_ERROR_STOP=1
    outbox_empty
    waits_of_mails >"$dir/ours"
    waits_of_bare >"$dir/bare"
    [ "$(wc -l <"$dir/ours") $(wc -l <"$dir/bare") $(wc -l <"$arrivals")" = "$rounds $rounds $((2 * rounds))" ] || { echo "wire: not all arrived" >&2; exit 1; }
    figure wire_p50_ms "$(quantile 0.5 <"$dir/ours")"
    figure wire_p99_ms "$(quantile 0.99 <"$dir/ours")"
    figure wire_p50_bare_ms "$(quantile 0.5 <"$dir/bare")"
    figure wire_p99_bare_ms "$(quantile 0.99 <"$dir/bare")"
    figure wire_p99_over_bare_ms "$(awk -v a="$(quantile 0.99 <"$dir/ours")" -v b="$(quantile 0.99 <"$dir/bare")" 'BEGIN { print a - b }')"
    ask "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bare sender'" >/dev/null
}

wire_slow() {
    local n
    send_mail_to /slow
    for n in $(seq "$rounds"); do
        mail "s$n"
        pause 50
    done | psql -AtqX -v ON_ERROR_STOP=1
    outbox_empty
    waits_of_mails >"$dir/slow"
    [ "$(wc -l <"$dir/slow")" = "$rounds" ] || { echo "wire_slow: not all arrived" >&2; exit 1; }
    figure wire_p99_slow_ms "$(quantile 0.99 <"$dir/slow")"
}

# E-mails that wait for a time to come, as rows of the queue alone.
backlog() {
    send_mail_to /wire
    ask "SET session_replication_role = replica;
         INSERT INTO cloudgreet_private.outbox (business_id, account_id, lane, provider, operation, idempotency, channel, contact, subject_type, subject_id, body, due_at, next_at, deadline_at)
         SELECT '$business', a.id, n % 10, 'resend', 'send_email', 'native', 'email', 'b' || n || '@example.org', 'email', cloudgreet.uuid_v7(), '{}', t, t, t + interval '1 day'
           FROM cloudgreet.provider_accounts a, generate_series(1, $waiting) n, LATERAL (SELECT clock_timestamp() + interval '1 day') AS later (t)
          WHERE a.business_id = '$business' AND a.provider = 'resend'"
    drain mail 2000
    figure cpu_us_per_message_1m "$cpu"
    figure throughput_1m_rps "$rate"
    figure backlog_1m_rss_mb "$(awk '/^RssAnon/ { printf "%.1f", $2 / 1024 }' "/proc/$(dispatcher)/status")"
    # What the dispatcher asks, as it stands in the source, with what it takes of a lane.
    perl -0777 -ne '/cg_outbox_lanes_sql =(.*?);/s or die; print "PREPARE look (integer, uuid, bigint, integer) AS ", join(" ", $1 =~ /"(.*)"/g), ";\n"' \
        "$tree/src/outbound/statements.c" >"$dir/look.sql"
    # As a worker plans it.
    printf '%s\n' 'SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off;' "EXPLAIN (ANALYZE, TIMING off) EXECUTE look(129, '00000000-0000-0000-0000-000000000000', 0, 128);" "EXPLAIN (ANALYZE, TIMING off) EXECUTE look(129, '00000000-0000-0000-0000-000000000000', 0, 128);" >>"$dir/look.sql"
    figure due_scan_ms_1m "$(psql -AtqX -v ON_ERROR_STOP=1 -f "$dir/look.sql" | sed -n 's/^Execution Time: \(.*\) ms/\1/p' | tail -n 1)"
}

stop_pending() {
    local before
    ask "ALTER SYSTEM SET cloudgreet.resend_url = '$receiver/late'"
    ask 'SELECT pg_reload_conf()' >/dev/null
    until [ "$(ask "SELECT count(*) FROM cloudgreet_private.outbox WHERE state = 'sending'")" -gt 0 ]; do
        ask "SELECT cloudgreet.send_email('stop@example.org', 'Hello', 'How are you?', business_id => '$business'), pg_sleep(0.1)" >/dev/null
    done
    # What a million rows left to be written is not what is measured.
    ask CHECKPOINT
    before=$(now_ms)
    "$tree/test/lib/as_server_user" timeout 60 "$("${PG_CONFIG:-pg_config}" --bindir)/pg_ctl" -D "$dir/cluster/data" -m fast -w stop >/dev/null
    figure stop_ms $(($(now_ms) - before))
}

start_receiver
start_sender
export BUSINESS=$business RECEIVER_URL=$receiver/emails
drain mail 2000 # warm
before=$(cpu_used)
throughput
wire
wire_slow
backlog
figure_other_cpu "$before"
stop_pending
