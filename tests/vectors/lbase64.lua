-- Compares a table of lbase64's functions with the answers of the original in lbase64.tsv.
-- Arguments: the table, the path of the answers. Returns how many there are.

local base64, path = ...

local function bytes(hex)
    return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function hex(text)
    return (text:gsub(".", function(character) return ("%02x"):format(character:byte()) end))
end

local show = { encode = hex, decode = hex }

function show.makeencoder(encoder)
    return table.concat(encoder, ",", 0, 64)
end

function show.makedecoder(decoder)
    local entries = {}
    for byte = 0, 255 do
        if decoder[byte] then
            entries[#entries + 1] = byte .. ":" .. decoder[byte]
        end
    end
    return table.concat(entries, ",")
end

local function answer(name, alphabet, usecaching, text)
    if name:find("^make") then
        return base64[name](alphabet[1], alphabet[2], alphabet[3])
    end
    local make = base64[name == "encode" and "makeencoder" or "makedecoder"]
    local coder = next(alphabet) and make(alphabet[1], alphabet[2], alphabet[3])
    return base64[name](text, coder or nil, usecaching)
end

local count = 0
for line in io.lines(path) do
    count = count + 1
    local name, s62, s63, spad, more = line:match("^(%a+)\t(%x*)\t(%x*)\t(%x*)\t(.*)$")
    local usecaching, input, expected = more:match("^(%a+)\t(%x*)\t(.*)$")
    local alphabet = {}
    for position, character in pairs({ s62, s63, spad }) do
        alphabet[position] = character ~= "" and bytes(character) or nil
    end
    local ok, got = pcall(answer, name, alphabet, usecaching == "true", input and bytes(input))
    local shown = ok and show[name](got) or type(got) == "string" and "ERROR" or type(got)
    if shown ~= (expected or more) then
        error(("line %d: %s is %s (%s)"):format(count, line, shown, tostring(got)))
    end
end
return count
