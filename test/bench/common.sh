# common.sh
#
# What the benchmarks that work in SQL have in common; sourced by them.  Starts a cluster
# without workers (NO_WORKERS settings may be added), and says how busy the machine was
# with other things.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(mktemp -d /tmp/cloudgreet-bench.XXXXXX)
chmod 755 "$dir"

cleanup() {
    "$root/test/lib/cluster" stop "$dir/cluster" >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap cleanup EXIT

start_cluster() {
    "$root/test/lib/cluster" start "$dir/cluster" "$@" >"$dir/env"
    set -a
    # shellcheck disable=SC1091
    . "$dir/env"
    set +a
    # The workers would take part in what is measured.
    psql -qX -c "ALTER SYSTEM SET cloudgreet.databases = ''" -c 'SELECT pg_reload_conf()' >/dev/null
    until [ "$(ask "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'cloudgreet %' AND datname IS NOT NULL")" = 0 ]; do :; done
}

ask() {
    psql -AtqX -v ON_ERROR_STOP=1 -c "$1"
}

say() {
    printf '%s\t%s\n' "$1" "$2"
}

# Clock ticks of the machine, and of this benchmark's processes.
ticks() {
    local all own
    all=$(awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat)
    own=$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v server="$(head -n 1 "$dir/cluster/data/postmaster.pid")" -v shell="$$" '
        { sub(/^[0-9]+ \(.*\) /, $1 " "); if ($1 == server || $3 == server || $1 == shell || $3 == shell) total += $12 + $13 + $14 + $15 } END { print total + 0 }')
    echo "$all $own"
}

# other_cpu_pct since the ticks given: of one core's time, what was not ours.
say_other_cpu() {
    local before=$1 started=$2 after
    after=$(ticks)
    say other_cpu_pct "$(echo "$before $after $started $(date +%s.%N)" |
        awk -v hz="$(getconf CLK_TCK)" '{ other = ($3 - $1) - ($4 - $2); print int(100 * (other > 0 ? other : 0) / hz / ($6 - $5) + 0.5) }')"
}
