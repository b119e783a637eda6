-- Measures encoding and decoding by several implementations in turn. The arguments are sizes in
-- bytes. Each line of output has the direction, size, implementation and CPU nanoseconds per call.

local digits, values = {}, {}
for value, byte in pairs(require("httpbasic.base64").makeencoder()) do
    digits[value], values[byte] = string.char(byte), value < 64 and value or nil
end

-- A simple implementation in Lua.
local plain = {}

function plain.encode(text)
    return (text:gsub("..?.?", function(group)
        local a, b, c = group:byte(1, 3)
        local bits = a << 16 | (b or 0) << 8 | (c or 0)
        return digits[bits >> 18] .. digits[bits >> 12 & 63]
            .. (b and digits[bits >> 6 & 63] or "=") .. (c and digits[bits & 63] or "=")
    end))
end

function plain.decode(text)
    return (text:gsub("....", function(group)
        local a, b, c, d = group:byte(1, 4)
        local c_value, d_value = values[c], values[d]
        local bits = values[a] << 18 | values[b] << 12 | (c_value or 0) << 6 | (d_value or 0)
        local octets = string.char(bits >> 16, bits >> 8 & 255, bits & 255)
        return octets:sub(1, d_value and 3 or c_value and 2 or 1)
    end))
end

local mime = require("mime")
local implementations = {
    { "httpbasic", require("httpbasic.base64") },
    { "mime", { encode = mime.b64, decode = mime.unb64 } },
    { "plain Lua", plain },
}
local lbase64 = os.getenv("LBASE64")
if lbase64 then
    table.insert(implementations, { "lbase64", dofile(lbase64) })
end

local function time(run, text)
    collectgarbage()
    local calls = 1
    while true do
        local start = os.clock()
        for _ = 1, calls do
            run(text)
        end
        local seconds = os.clock() - start
        if seconds > 0.01 then
            return seconds / calls * 1e9
        end
        calls = calls * 2
    end
end

for _, size in ipairs(arg) do
    local bytes = {}
    for position = 1, math.tointeger(size) do
        bytes[position] = string.char(math.random(0, 255))
    end
    local text = { encode = table.concat(bytes) }
    text.decode = plain.encode(text.encode)
    for _, direction in ipairs({ "encode", "decode" }) do
        for _, implementation in ipairs(implementations) do
            local name, run = implementation[1], implementation[2][direction]
            assert(run(text[direction]) == text[direction == "encode" and "decode" or "encode"])
            print(direction, size, name, math.floor(time(run, text[direction])))
        end
    end
end
