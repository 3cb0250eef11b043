#!/usr/bin/env bash
# gateway_faults.sh
#
# What a fault of the HTTP side costs: how soon the gate answers again after it was
# killed by SIGSEGV under load, and what a slow call that somebody repeats without end
# costs the fast requests beside it.  Both on a machine with nothing else to do.
set -euo pipefail

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$tree/test/lib/packages" "$tree/test/client"
start_cluster cloudgreet.gate_executors=4
psql -qX -v ON_ERROR_STOP=1 -f "$tree/test/lib/sample_data.sql" -f "$tree/test/lib/mint.sql" -f - <<'SQL'
CREATE FUNCTION cloudgreet.wait_long() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(0.3)';
CREATE FUNCTION cloudgreet.work_long() RETURNS bigint LANGUAGE sql AS 'SELECT sum(n) FROM generate_series(1, 4000000) n';
GRANT EXECUTE ON FUNCTION cloudgreet.wait_long(), cloudgreet.work_long() TO authenticated;
SQL
TOKEN=$(psql -AtX -c "SELECT public.mint(public.claims('aaaaaaaa-0000-7000-8000-000000000001', 'user'), '$JWT_SECRET')")
export TOKEN
node "$tree/test/bench/gateway_faults.mjs"
