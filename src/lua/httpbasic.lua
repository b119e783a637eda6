-- The Lua half of the module. Each function calls its Rust half, writes the log lines that this returns,
-- and raises the problem if there is one.

local rust = ...

-- Writes lines to Dovecot's log, or to standard error outside of Dovecot. Raises the problem at the
-- position of the script, which called the function that calls this one.
local function report(lines, problem)
    local log = { ERROR = "i_error", WARN = "i_warning", INFO = "i_info", DEBUG = "i_debug" }
    for _, line in ipairs(lines or {}) do
        local level, text = line[1], line[2]
        if type(dovecot) == "table" then
            dovecot[log[level]](text)
        else
            io.stderr:write(level, " ", text, "\n")
        end
    end
    if problem then
        error(problem, 3)
    end
end

local httpbasic, client = {}, {}

-- None of these functions may end with a tail call: after one, Lua 5.1 does not know the script's position.

function httpbasic.client(...)
    local lines, problem, new = rust.client(...)
    if lines or problem then
        report(lines, problem)
    end
    return new
end

function client.verify(...)
    local lines, problem, verdict, detail, kept, reason = rust.verify(...)
    if lines or problem then
        report(lines, problem)
    end
    if verdict == "ok" then
        detail = { password = detail }
    end
    local connection = kept == nil and "none" or kept and "kept" or "new"
    return verdict, detail, connection, reason
end

function client.propfind(...)
    local lines, problem, response, err = rust.propfind(...)
    if lines or problem then
        report(lines, problem)
    end
    return response, err
end

return httpbasic, client
