# shellcheck shell=bash
# lib.sh
#		What the benchmarks share: figures, medians, and whether the machine was theirs alone.
#
# A figure is a line: name, tab, value.  A run during which processes that are not of the
# benchmark used more than 5 % of the machine's CPU is disturbed: it is said so and run
# again, five times at most; of all runs the median counts, of undisturbed ones if there are any.

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export tree

figure() { printf '%s\t%s\n' "$1" "$2"; }

median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# The value of the share given (such as 0.99) of the numbers of the input.
quantile() { sort -n | awk -v q="$1" '{ v[NR] = $1 } END { i = int(NR * q + 0.999999); print v[i < 1 ? 1 : i] }'; }

# Clock ticks used by all processes, and by those of the benchmark: its own, with what they started, and those named.
cpu_used() {
    { awk '/^cpu / { print "total", $2 + $3 + $4 }' /proc/stat
      { cat /proc/[0-9]*/stat 2>/dev/null || true; } | sed 's/^\([0-9]*\) (.*) /\1 /'
    } | awk -v roots="$$ $*" '
        $1 == "total" { total = $2; next }
        { parent[$1] = $3; used[$1] = $13 + $14 + $15 + $16 }
        END {
            n = split(roots, list, " ")
            for (i = 1; i <= n; i++) is_root[list[i]] = 1
            for (p in parent) {
                for (q = p; q in parent && !(q in is_root); q = parent[q]) ;
                if (q in is_root) own += used[p]
            }
            print total, own + 0, systime()
        }'
}

# Percent of the machine that others used between two lines of cpu_used.
other_cpu() {
    awk -v before="$1" -v after="$2" -v ms="$3" -v ticks="$(getconf CLK_TCK)" -v cores="$(nproc)" 'BEGIN {
        split(before, b, " "); split(after, a, " ")
        others = (a[1] - b[1]) - (a[2] - b[2])
        printf "%.1f", (others < 0 ? 0 : others) * 100000 / ticks / cores / (ms > 0 ? ms : 1) }'
}

now_ms() { date +%s%3N; }

# quietly NAME COMMAND...: the command prints "figure value" lines; prints their medians.
# The processes of $own_roots (such as a server's) are the benchmark's too.
quietly() {
    local name=$1 dir before after from share i
    shift
    dir=$(mktemp -d)
    for i in 1 2 3 4 5; do
        before=$(cpu_used "$own_roots")
        from=$(now_ms)
        "$@" >"$dir/run"
        after=$(cpu_used "$own_roots")
        share=$(other_cpu "$before" "$after" $(($(now_ms) - from)))
        echo "$share" >>"$dir/shares"
        if awk -v s="$share" 'BEGIN { exit s <= 5 }'; then
            echo "$name: run $i disturbed, others used $share % ($(tr '\t\n' '= ' <"$dir/run"))" >&2
            cat "$dir/run" >>"$dir/disturbed"
        else
            cat "$dir/run" >>"$dir/good"
            [ $((++undisturbed)) -lt "${QUIET_RUNS:-1}" ] || break
        fi
        [ "$i" -lt "${MAX_RUNS:-5}" ] || break
    done
    undisturbed=0
    if [ -e "$dir/good" ]; then :; else
        mv "$dir/disturbed" "$dir/good"
        figure "${name}_disturbed" "all runs"
    fi
    figure "${name}_other_cpu_pct" "$(median <"$dir/shares")"
    cut -f1 "$dir/good" | awk '!seen[$0]++' | while read -r one; do
        figure "$one" "$(awk -F'\t' -v n="$one" '$1 == n { print $2 }' "$dir/good" | median)"
    done
    rm -rf "$dir"
}
undisturbed=0
own_roots=
