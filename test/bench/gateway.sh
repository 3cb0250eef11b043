#!/usr/bin/env bash
# gateway.sh
#
# A list of ten rows under row security at 16 connections: the HTTP surface against
# Node.js and pg running the same transaction with the same pool size, in turn, in one
# run.  Prints the median of each figure and list10_ratio_node_pg.
set -euo pipefail

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-5}
executors=4

"$tree/test/lib/packages" "$tree/test/client"

start_cluster "cloudgreet.gate_executors=$executors"
psql -qX -f "$tree/test/lib/sample_data.sql" -f "$tree/test/lib/mint.sql"
BUSINESS=aaaaaaaa-0000-7000-8000-000000000001
psql -qX -c "INSERT INTO cloudgreet.leads (business_id, name, email, source) SELECT '$BUSINESS', 'Lead ' || n, 'lead' || n || '@example.com', 'web' FROM generate_series(1, 20000) n" -c "VACUUM ANALYZE cloudgreet.leads"
token=$(psql -AtX -c "SELECT public.mint(public.claims('$BUSINESS', 'user'), '$JWT_SECRET')")
export BUSINESS NODE_PORT=18788 POOL=$executors
node "$tree/test/bench/node_server.mjs" >"$dir/node.log" 2>&1 &
helpers+=($!)
until grep -q listening "$dir/node.log"; do kill -0 $!; done

ours="$GATE_URL/rest/v1/leads?select=id,name,phone,email,status,source,created_at&status=eq.new&order=created_at.desc&limit=10"
theirs="http://127.0.0.1:$NODE_PORT/"

# CPU microseconds used so far by the server's processes and, for the other side, Node.
cpu_ticks() {
    { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v names="$1" '{ name = $2; if (name ~ names) total += $14 + $15 } END { print total + 0 }'
}

measure() {
    local url=$1 names=$2 before after out requests
    before=$(cpu_ticks "$names")
    out=$(wrk -t2 -c16 -d"${seconds}s" -H "Authorization: Bearer $token" "$url")
    after=$(cpu_ticks "$names")
    ! grep -q 'Non-2xx' <<<"$out" || { echo "$out" >&2; exit 1; }
    requests=$(awk '/requests in/ { print $1 }' <<<"$out")
    echo "$(awk '/Requests\/sec/ { print $2 }' <<<"$out") $(awk -v t=$((after - before)) -v n="$requests" -v hz="$(getconf CLK_TCK)" 'BEGIN { print t * 1000000 / hz / n }')"
}

measure "$ours" '(postgres|cloudgreet)' >/dev/null # warm up
measure "$theirs" '(postgres|node)' >/dev/null
for _ in $(seq "$rounds"); do
    measure "$ours" '(postgres|cloudgreet)' >>"$dir/ours"
    measure "$theirs" '(postgres|node)' >>"$dir/theirs"
done
ours_rate=$(cut -d' ' -f1 "$dir/ours" | median)
theirs_rate=$(cut -d' ' -f1 "$dir/theirs" | median)
figure list10_requests_per_second "$ours_rate"
figure list10_requests_per_second_node_pg "$theirs_rate"
figure list10_ratio_node_pg "$(ratio "$ours_rate" "$theirs_rate")"
figure cpu_us_per_request "$(cut -d' ' -f2 "$dir/ours" | median)"
figure cpu_us_per_request_node_pg "$(cut -d' ' -f2 "$dir/theirs" | median)"
