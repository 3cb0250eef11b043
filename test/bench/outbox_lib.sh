# shellcheck shell=bash
# outbox_lib.sh
#		A server whose providers are an nginx that answers at once, and loads for its outbox.
#
# For outbox.sh and profile.sh.  receiver_start and server_start set what the others use.

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bench_dir=$(mktemp -d /tmp/cloudgreet-bench.XXXXXX)
chmod 755 "$bench_dir"
receiver_port=${RECEIVER_PORT:-18789}

bench_cleanup() {
    [ -z "${receiver_pid:-}" ] || kill "$receiver_pid" 2>/dev/null || true
    "$tree/test/lib/cluster" stop "$bench_dir/cluster" >/dev/null 2>&1 || true
    rm -rf "$bench_dir"
}

receiver_start() {
    mkdir -p "$bench_dir/nginx"
    cat >"$bench_dir/nginx/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $bench_dir/nginx/pid;
error_log $bench_dir/nginx/error.log;
events { worker_connections 4096; }
http {
    log_format wire '\$request_id \$msec';
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path $bench_dir/nginx/body;
    proxy_temp_path $bench_dir/nginx/proxy;
    fastcgi_temp_path $bench_dir/nginx/fastcgi;
    uwsgi_temp_path $bench_dir/nginx/uwsgi;
    scgi_temp_path $bench_dir/nginx/scgi;
    server {
        listen 127.0.0.1:$receiver_port backlog=4096;
        default_type application/json;
        location / { return 200 '{"data":{"id":"\$request_id"},"id":"\$request_id"}'; }
        location /wire/ {
            access_log $bench_dir/nginx/wire.log wire;
            return 200 '{"data":{"id":"\$request_id"},"id":"\$request_id"}';
        }
    }
}
CONF
    "${NGINX:-/usr/sbin/nginx}" -p "$bench_dir/nginx" -c "$bench_dir/nginx/nginx.conf" 2>"$bench_dir/nginx/start.log" &
    receiver_pid=$!
    until curl -so /dev/null "http://127.0.0.1:$receiver_port/"; do kill -0 "$receiver_pid"; done
}

# PATH: below the receiver; "wire" is logged.  More settings follow.
server_start() {
    local url="http://127.0.0.1:$receiver_port${1:+/$1}"
    shift
    "$tree/test/lib/cluster" start "$bench_dir/cluster" "cloudgreet.resend_url=$url" "cloudgreet.telnyx_url=$url" \
        synchronous_commit=off shared_buffers=256MB max_wal_size=4GB track_commit_timestamp=on "$@" >"$bench_dir/env"
    set -a
    # shellcheck disable=SC1091
    . "$bench_dir/env"
    set +a
    own_roots="$(head -n 1 "$bench_dir/cluster/data/postmaster.pid") $receiver_pid"
    business=$(ask "SELECT cloudgreet.create_business('Lakeside', 'America/Chicago')")
    ask "SELECT cloudgreet.set_secret('key', 'a key of a provider', '$business'), cloudgreet.set_secret('hook', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', '$business');
         SELECT cloudgreet.add_phone_number('+13125550100', business_id => '$business'),
                cloudgreet.connect_provider('telnyx', '{\"api_key\": \"key\"}', business_id => '$business'),
                cloudgreet.connect_provider('resend', '{\"api_key\": \"key\"}', '{\"from\": \"Desk <desk@example.com>\"}', business_id => '$business')" >/dev/null
}

ask() { psql -AtqX -v ON_ERROR_STOP=1 -c "$1"; }

# The process of the dispatcher, once it serves.
dispatcher() {
    local pid=
    until [ -n "$pid" ]; do
        pid=$(ask "SELECT pid FROM pg_stat_activity WHERE backend_type = 'cloudgreet dispatcher' AND datname = current_database() AND application_name = 'cloudgreet dispatcher'")
    done
    echo "$pid"
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

# Returns once nothing is queued or under way.
outbox_empty() {
    local end=$((SECONDS + 120))
    until [ "$(ask "SELECT EXISTS (SELECT FROM cloudgreet_private.outbox WHERE state IN ('queued', 'sending'))")" = f ]; do
        [ "$SECONDS" -lt "$end" ] || { echo 'the outbox does not get empty' >&2; exit 1; }
    done
}

no_faults() {
    local faults
    faults=$(ask "SELECT * FROM cloudgreet_private.outbox_faults() LIMIT 5")
    [ -z "$faults" ] || { printf 'outbox_faults():\n%s\n' "$faults" >&2; exit 1; }
}

# KIND COUNT: sends so many; sets rate (messages a second from the commit to the last result) and cpu (of the dispatcher, us a message).
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
    no_faults
}
