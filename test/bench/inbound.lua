-- inbound.lua
--		For wrk: each delivery of the file that DELIVERIES names once, by one thread.
local at, deliveries = dofile(os.getenv("DELIVERIES"))
local n = 0
local headers = { ["Content-Type"] = "application/json", ["telnyx-timestamp"] = at }

function request()
    n = n + 1
    local delivery = deliveries[(n - 1) % #deliveries + 1]
    headers["telnyx-signature-ed25519"] = delivery[1]
    return wrk.format("POST", nil, headers, delivery[2])
end
