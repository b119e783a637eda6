-- Encodes a text of some bytes with one of several implementations.

local count, implementation, size = table.unpack(arg)
local encode
if implementation == "mime" then
    encode = require("mime").b64
elseif implementation == "httpbasic" then
    encode = require("httpbasic.base64").encode
else
    encode = dofile(implementation).encode
end
local bytes = {}
for position = 1, size do
    bytes[position] = string.char(position * 167 % 251)
end
local text = table.concat(bytes)
for _ = 1, count do
    encode(text)
end
