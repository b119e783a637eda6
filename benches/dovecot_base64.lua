-- Measures encoding and decoding beside Dovecot's own functions, in Dovecot 2.4.2 or newer. The name
-- of each login says what to measure, as in encode.30.httpbasic; the log gets the CPU nanoseconds per call.

local folder = debug.getinfo(1, "S").source:match("^@(.*/)")
package.cpath = folder .. "?.so;" .. package.cpath

local ours = require("httpbasic.base64")
local implementations = { httpbasic = ours, dovecot = dovecot.base64 }
local found, lbase64 = pcall(dofile, folder .. "lbase64.lua")
if found then
    implementations.lbase64 = lbase64
end

local function time(run, text, calls)
    local start = os.clock()
    for _ = 1, calls do
        run(text)
    end
    return (os.clock() - start) / calls * 1e9
end

function auth_passdb_lookup(req)
    local direction, size, name = req.user:match("^(%l+)%.(%d+)%.(%w+)$")
    size = math.tointeger(size)
    local bytes = {}
    for position = 1, size do
        bytes[position] = string.char(position * 167 % 251)
    end
    local text = { encode = table.concat(bytes) }
    text.decode = ours.encode(text.encode)
    local run = implementations[name][direction]
    assert(run(text[direction]) == text[direction == "encode" and "decode" or "encode"])
    -- Dovecot frees what its functions allocate only after the lookup, so that there are not many calls.
    local nanoseconds = time(run, text[direction], 600000 // size)
    req:log_info(string.format("took %s %d %s %d", direction, size, name, math.floor(nanoseconds)))
    return dovecot.auth.PASSDB_RESULT_USER_UNKNOWN, "measured"
end

function script_init()
    return 0
end

function script_deinit()
end
