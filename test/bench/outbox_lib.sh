# shellcheck shell=bash
# outbox_lib.sh
#		A server whose providers are a program that answers at once, and loads for its outbox.
#
# For outbox.sh and profile.sh.

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Those who send are beside a receiver that takes next to nothing of the machine; see receiver.c.
start_receiver() {
    receiver_port=${RECEIVER_PORT:-18789}
    receiver=http://127.0.0.1:$receiver_port
    arrivals=$dir/arrivals
    cc -O2 -D_GNU_SOURCE -o "$dir/receiver" "$tree/test/bench/receiver.c"
    "$dir/receiver" "$receiver_port" "$arrivals" &
    helpers+=($!)
    until curl -so /dev/null "$receiver/"; do kill -0 $!; done
}

# SETTING=VALUE...: a cluster, and in it a business that sends to the receiver.
start_sender() {
    start_cluster "cloudgreet.resend_url=$receiver" "cloudgreet.telnyx_url=$receiver" \
        synchronous_commit=off shared_buffers=256MB max_wal_size=4GB track_commit_timestamp=on "$@"
    business=$(ask "SELECT cloudgreet.create_business('Lakeside', 'America/Chicago')")
    ask "SELECT cloudgreet.set_secret('key', 'a key of a provider', '$business'), cloudgreet.set_secret('hook', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', '$business');
         SELECT cloudgreet.add_phone_number('+13125550100', business_id => '$business'),
                cloudgreet.connect_provider('telnyx', '{\"api_key\": \"key\"}', business_id => '$business'),
                cloudgreet.connect_provider('resend', '{\"api_key\": \"key\"}', '{\"from\": \"Desk <desk@example.com>\"}', business_id => '$business')" >/dev/null
}

# PATH: where below the receiver e-mails go from now on ("/wire", "/slow", "/late").
send_mail_to() {
    ask "ALTER SYSTEM SET cloudgreet.resend_url = '$receiver$1'"
    ask 'SELECT pg_reload_conf()' >/dev/null
    # The dispatcher has read it when a message has gone by it.
    : >"$arrivals"
    until [ -s "$arrivals" ]; do
        ask "SELECT cloudgreet.send_email('first@example.org', 'Hello', 'How are you?', business_id => '$business')" >/dev/null
        outbox_empty
    done
    : >"$arrivals"
}

# The process of the dispatcher, once it serves.
dispatcher() {
    local serves="SELECT pid FROM pg_stat_activity WHERE backend_type = 'cloudgreet dispatcher' AND datname = current_database() AND application_name = 'cloudgreet dispatcher'"
    until_is t "SELECT EXISTS ($serves)"
    ask "$serves"
}

# Microseconds of CPU of a process.
cpu_us() { awk '{ printf "%d", $1 / 1000 }' "/proc/$1/schedstat"; }

# KIND COUNT: the statement that sends as many e-mails ("mail") or texts, each to another contact.
sends() {
    if [ "$1" = mail ]; then
        echo "SELECT count(cloudgreet.send_email('c' || n || '@example.org', 'Hello ' || n, 'How are you?', business_id => '$business')) FROM generate_series(1, $2) n"
    else
        echo "SELECT count(cloudgreet.send_sms('+1312' || 5600000 + n, 'Hello ' || n, business_id => '$business')) FROM generate_series(1, $2) n"
    fi
}

# Returns once nothing that is due is queued or under way.
outbox_empty() {
    until_is f "SELECT EXISTS (SELECT FROM cloudgreet_private.outbox WHERE state = 'sending' OR state = 'queued' AND next_at <= clock_timestamp())"
}

no_faults() {
    local faults
    faults=$(ask "SELECT * FROM cloudgreet_private.outbox_faults() LIMIT 5")
    [ -z "$faults" ] || { printf 'outbox_faults():\n%s\n' "$faults" >&2; exit 1; }
}

# KIND COUNT: sends so many; sets rate (messages a second from the commit to the last result) and cpu (of the
# dispatcher, us a message).
# shellcheck disable=SC2034
drain() {
    local pid before from
    pid=$(dispatcher)
    ask 'VACUUM ANALYZE'
    before=$(cpu_us "$pid")
    from=$(psql -AtqX -v ON_ERROR_STOP=1 -c "$(sends "$1" "$2")" -c 'SELECT clock_timestamp()' | tail -n 1)
    outbox_empty
    cpu=$((($(cpu_us "$pid") - before) / $2))
    rate=$(ask "SELECT round($2 / extract(epoch FROM max(finished_at) - '$from'::timestamptz)) FROM cloudgreet_private.outbox_history")
}
