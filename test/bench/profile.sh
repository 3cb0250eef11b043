#!/usr/bin/env bash
# profile.sh
#
# Where the CPU of a message goes: perf on the dispatcher while it sends what is queued.
# KIND=mail or text, COUNT, CALLERS=1 for the tree of callers.
set -euo pipefail

# shellcheck source=test/bench/outbox_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/outbox_lib.sh"
kind=${KIND:-mail}
count=${COUNT:-10000}

start_receiver
start_sender
drain "$kind" 2000
perf record -q -F 2000 -g -p "$(dispatcher)" -o "$dir/perf" >/dev/null 2>&1 &
drain "$kind" "$count"
kill -INT $!
wait $! || true
figure "cpu_us_per_message_$kind" "$cpu"
figure "throughput_$kind" "$rate"
[ -z "${CALLERS:-}" ] || perf report -i "$dir/perf" --stdio --no-inline -g caller,0.5,callee --percent-limit "$CALLERS" 2>/dev/null | grep -v '^$' | head -n 400
perf report -i "$dir/perf" --stdio --no-inline --no-children -g none --sort dso,symbol 2>/dev/null | grep -v '^#' | grep -v '^$' | head -n "${LINES_SHOWN:-60}"
perf report -i "$dir/perf" --stdio --no-inline --children -g none --sort symbol 2>/dev/null | grep -v '^#' | grep -v '^$' | head -n "${LINES_SHOWN:-120}"
