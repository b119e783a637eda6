-- The Lua half of the base64 functions. It reads the caller's tables, whose metamethods may raise
-- errors, and raises the problems that the Rust half returns.

local functions, fast_functions = ...

-- Returns a table with the same entries and without metamethods.
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

-- Also returns the bytes for the values 62 and 63.
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
for name, rust_half in pairs(functions) do
    local fast, read = fast_functions[name], read[name]

    base64[name] = function(...)
        local text, coder = ...
        if fast and not coder then
            local result = fast(text)
            if result then
                return result
            end
        end
        local result, problem
        if read and type(coder) == "table" then
            result, problem = rust_half(text, read(coder))
        else
            result, problem = rust_half(...)
        end
        if problem then
            error(problem, 2)
        end
        return result
    end
end
return base64
