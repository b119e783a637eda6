-- The half in Lua of base64's functions: reads encoders and decoders, whose metamethods may raise
-- anything, and raises the problems that the other half returns.

local natives = ...

-- The same entries without metamethods.
local function plain(coder)
    if getmetatable(coder) == nil then
        return coder
    end
    local entries = {}
    for key = 0, 255 do
        entries[key] = coder[key]
    end
    return entries
end

-- The bytes of 62 and 63.
local function specials(decoder)
    local s62, s63
    for byte, value in next, decoder do
        if value == 62 then
            s62 = byte
        elseif value == 63 then
            s63 = byte
        end
    end
    return s62, s63
end

local read = { encode = plain }

function read.decode(decoder)
    return plain(decoder), specials(decoder)
end

local base64 = {}
for name, native in pairs(natives) do
    local read = read[name]
    base64[name] = function(...)
        local problem, result
        local text, coder = ...
        if read and type(coder) == "table" then
            problem, result = native(text, read(coder))
        else
            problem, result = native(...)
        end
        if problem then
            error(problem, 2)
        end
        return result
    end
end
return base64
