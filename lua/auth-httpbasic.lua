-- Dovecot passdb: a web server says whether a password is right.
-- Dovecot 2.4 can set everything in lua_settings { } instead of here.

local settings = {
    url = "https://nextcloud.example.com/remote.php/dav/",
    -- All other options: https://… README, "Options". Two that many need:
    -- principal = "username",            -- whose password it must be
    -- ca_file = "/etc/dovecot/ca.pem",   -- a CA of your own
}

-- httpbasic.so lies beside this file, or where Lua looks anyway.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
package.cpath = folder .. "?.so;" .. package.cpath
local httpbasic = require("httpbasic")

local auth = dovecot.auth
local client

-- What each verdict means to Dovecot. Only an outage is an internal failure, because
-- on that Dovecot takes the login from its cache, expired or not.
local results = {
    ok = auth.PASSDB_RESULT_OK,
    refused = auth.PASSDB_RESULT_PASSWORD_MISMATCH,
    disabled = auth.PASSDB_RESULT_USER_DISABLED,
    throttled = auth.PASSDB_RESULT_PASSWORD_MISMATCH,
    unavailable = auth.PASSDB_RESULT_INTERNAL_FAILURE,
}

-- Dovecot 2.4 hands over lua_settings, Dovecot 2.3 nothing.
function script_init(lua_settings)
    for name, value in pairs(lua_settings or {}) do
        settings[name] = value
    end
    client = httpbasic.client(settings)
    return 0
end

function script_deinit()
end

function auth_passdb_lookup(req)
    -- A master user has logged in with his own password: nobody's is left to check.
    if req.skip_password_check then
        return auth.PASSDB_RESULT_OK, {}
    end
    -- A lookup without a password: CRAM-MD5, SCRAM, doveadm auth lookup.
    if not req.password then
        return auth.PASSDB_RESULT_INTERNAL_FAILURE, "a web server can only be asked with a password"
    end
    local verdict, detail = client:verify(req.user, req.password, req.remote_ip)
    -- Dovecot logs the reason of an internal failure itself, but of nothing else.
    if verdict ~= "ok" and verdict ~= "unavailable" then
        req:log_info(verdict .. ": " .. detail)
    end
    return results[verdict], detail
end
