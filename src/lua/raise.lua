-- The half in Lua of a function: raises the problem that the other half, `native`, returns.

local native = ...
local functions = { ERROR = "i_error", WARN = "i_warning", INFO = "i_info", DEBUG = "i_debug" }

-- To Dovecot's log, or to standard error where there is no Dovecot.
local function log(lines)
    for _, line in ipairs(lines) do
        local level, text = line[1], line[2]
        if type(dovecot) == "table" then
            dovecot[functions[level]](text)
        else
            io.stderr:write(level, " ", text, "\n")
        end
    end
end

return function(...)
    -- Not in one `return`: behind a tail call, Lua 5.1 does not know where the script is.
    local problem, lines, first, second = native(...)
    if lines then
        log(lines)
    end
    if problem then
        error(problem, 2)
    end
    return first, second
end
