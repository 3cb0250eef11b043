# shellcheck shell=bash
# lib.sh
#		What the benchmarks share: a scratch directory, a cluster, figures, and how busy the
#		machine was with other things.
#
# Sourced by all of them.  A figure is a line: name, tab, value.  What is in $helpers is
# ended with the benchmark, and the cluster and the directory are removed.

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(mktemp -d /tmp/cloudgreet-bench.XXXXXX)
chmod 755 "$dir"
helpers=()

cleanup() {
    [ "${#helpers[@]}" = 0 ] || kill "${helpers[@]}" 2>/dev/null || true
    [ ! -e "$dir/cluster/sockets" ] || "$tree/test/lib/cluster" stop "$dir/cluster" >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap cleanup EXIT

# SETTING=VALUE...: a cluster whose environment (see test/lib/cluster) is this benchmark's from now on.
start_cluster() {
    "$tree/test/lib/cluster" start "$dir/cluster" "$@" >"$dir/env"
    set -a
    # shellcheck disable=SC1091
    . "$dir/env"
    set +a
}

# Workers would take part in what is measured without them.
stop_workers() {
    ask "ALTER SYSTEM SET cloudgreet.databases = ''"
    ask 'SELECT pg_reload_conf()' >/dev/null
    until_is 0 "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'cloudgreet %' AND datname IS NOT NULL"
}

ask() { psql -AtqX -v ON_ERROR_STOP=1 -c "$1"; }

# VALUE SQL [SECONDS]: waits until the statement answers with the value, for a minute if not told otherwise.
until_is() {
    local end=$((SECONDS + ${3:-60}))
    until [ "$(ask "$2")" = "$1" ]; do
        [ "$SECONDS" -lt "$end" ] || { echo "not $1 after ${3:-60} s: $2" >&2; exit 1; }
        # To ask costs a connection, and it is the machine of what is measured.
        sleep 0.1
    done
}

figure() { printf '%s\t%s\n' "$1" "$2"; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

median() { quantile 0.5; }

# The value of the share given (such as 0.99) of the numbers of the input.
quantile() { sort -g | awk -v q="$1" '{ v[NR] = $1 } END { i = int(NR * q + 0.999999); if (NR) print v[i < 1 ? 1 : i] }'; }

now_ms() { date +%s%3N; }

# Milliseconds, and the clock ticks used by all processes and by those of the benchmark: its own with what they
# started, and the cluster's.
cpu_used() {
    { now_ms
      awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat
      { cat /proc/[0-9]*/stat 2>/dev/null || true; } | sed 's/^\([0-9]*\) (.*) /\1 /'
    } | awk -v roots="$$ $(head -n 1 "$dir/cluster/data/postmaster.pid" 2>/dev/null)" '
        NR == 1 { ms = $1; next }
        NR == 2 { total = $1; next }
        { parent[$1] = $3; used[$1] = $13 + $14 + $15 + $16 }
        END {
            n = split(roots, list, " ")
            for (i = 1; i <= n; i++) is_root[list[i]] = 1
            for (p in parent) {
                for (q = p; q in parent && !(q in is_root); q = parent[q]) ;
                if (q in is_root) own += used[p]
            }
            print ms, total, own + 0
        }'
}

# other_cpu_pct: of the machine, what others used since the line of cpu_used that is given.
figure_other_cpu() {
    figure other_cpu_pct "$(echo "$1 $(cpu_used)" | awk -v hz="$(getconf CLK_TCK)" -v cores="$(nproc)" '{
        others = ($5 - $2) - ($6 - $3)
        printf "%.1f", (others < 0 ? 0 : others) * 100000 / hz / cores / ($4 > $1 ? $4 - $1 : 1) }')"
}
