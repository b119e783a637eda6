-- The half in Lua of base64's functions: reads encoders and decoders, whose metamethods may raise
-- anything, and raises what the other half says is wrong.

local natives, quick = ...

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

local read = { encode = plain }

-- Adds the bytes of 62 and 63.
function read.decode(decoder)
    local bytes = {}
    for byte, value in next, decoder do
        if value == 62 or value == 63 then
            bytes[value] = byte
        end
    end
    return plain(decoder), bytes[62], bytes[63]
end

local base64 = {}
for name, native in pairs(natives) do
    local quick, read = quick[name], read[name]

    base64[name] = function(...)
        local text, coder = ...
        if quick and not coder then
            local result = quick(text)
            if result then
                return result
            end
        end
        local result, problem
        if read and type(coder) == "table" then
            result, problem = native(text, read(coder))
        else
            result, problem = native(...)
        end
        if problem then
            error(problem, 2)
        end
        return result
    end
end
return base64
