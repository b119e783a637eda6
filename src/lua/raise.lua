-- The Lua half of a function. It calls the Rust half, writes the log lines that this returns, and
-- raises the problem if there is one.

local rust_half = ...
local functions = { ERROR = "i_error", WARN = "i_warning", INFO = "i_info", DEBUG = "i_debug" }

-- Writes to Dovecot's log, or to standard error outside of Dovecot.
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
    -- This must not be a tail call: after one, Lua 5.1 does not know the script's position.
    local problem, lines, first, second, third, fourth = rust_half(...)
    if lines then
        log(lines)
    end
    if problem then
        error(problem, 2)
    end
    return first, second, third, fourth
end
