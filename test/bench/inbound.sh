#!/usr/bin/env bash
# inbound.sh
#
# Webhooks: taking them in over HTTP, processing them, and how long a function that another
# business's agent calls is waited for meanwhile.  Prints name<TAB>value:
#   ingest_rps               Telnyx's receipts, signed beforehand, at 16 connections
#   process_rps              half Telnyx's receipts, half Resend's events
#   process_call_rps         events of whole calls of Telnyx and Retell, with transcripts
#   tool_p99_ms_under_flood  a tool call of business B while A's events are processed
set -euo pipefail

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=${SECONDS_EACH:-5}
events=${EVENTS:-10000}

start_cluster cloudgreet.gate_access_log=off
openssl genpkey -algorithm ed25519 -out "$dir/key.pem" 2>/dev/null
key=$(openssl pkey -in "$dir/key.pem" -pubout -outform DER | tail -c 32 | base64)
psql -qAtX -v ON_ERROR_STOP=1 -v key="$key" -f "$tree/test/bench/inbound.sql" >"$dir/ids"
telnyx=$(sed -n 's/^telnyx //p' "$dir/ids")
retell=$(sed -n 's/^retell //p' "$dir/ids")

pending() { ask "SELECT count(*) FROM cloudgreet_private.webhook_inbox WHERE state = 'pending'"; }

# Stores events by a function of inbound.sql while the processor pauses, and times it.
process() {
    local began ended
    ask 'ALTER TABLE cloudgreet_private.webhook_inbox DISABLE TRIGGER webhook_inbox_handoff' >/dev/null
    ask "SELECT public.$1($events)" >/dev/null
    ask 'ALTER TABLE cloudgreet_private.webhook_inbox ENABLE TRIGGER webhook_inbox_handoff' >/dev/null
    ask 'VACUUM ANALYZE cloudgreet_private.webhook_inbox' >/dev/null
    ask 'VACUUM ANALYZE cloudgreet.sms_messages' >/dev/null
    ask "UPDATE cloudgreet_private.webhook_inbox SET next_at = now() WHERE state = 'pending'; SELECT cloudgreet.wake_workers()" >/dev/null
    began=$(date +%s%N)
    until [ "$(pending)" = 0 ]; do sleep 0.05; done
    ended=$(date +%s%N)
    [ "$(ask "SELECT count(*) FROM cloudgreet_private.webhook_inbox WHERE dedup_key LIKE '$1%' AND state = 'processed'")" = "$events" ] || { echo "inbound: $1: not all were processed" >&2; exit 1; }
    awk -v n="$events" -v ns=$((ended - began)) 'BEGIN { printf "%.0f", n * 1e9 / ns }'
}

node "$tree/test/bench/inbound_sign.mjs" "$dir/key.pem" $((seconds * 8000)) "$dir/deliveries.lua"
export DELIVERIES=$dir/deliveries.lua
out=$(wrk -t1 -c16 -d"${seconds}s" -s "$tree/test/bench/inbound.lua" "$GATE_URL/api/sms/webhook/$telnyx")
! grep -q 'Non-2xx' <<<"$out" || { echo "$out" >&2; exit 1; }
figure ingest_rps "$(awk '/Requests\/sec/ { printf "%.0f", $2 }' <<<"$out")"
until [ "$(pending)" = 0 ]; do sleep 0.2; done

figure process_rps "$(process message_events)"
figure process_call_rps "$(process call_events)"

ask "SELECT public.call_events($events)" >/dev/null
figure tool_p99_ms_under_flood "$(node "$tree/test/bench/inbound_tool.mjs" "$GATE_URL/api/retell/webhook/$retell" 200)"
