-- Dovecot passdb: a web server says whether a password is right.

-- Dovecot 2.3 is configured here; Dovecot 2.4 by lua_settings { } in dovecot.conf.
-- README.md, "Options", has them all.
local settings = {
    url = "https://nextcloud.example.com/remote.php/dav/",
    -- domain = "example.com",        -- the mail domain of Nextcloud's user names that have none
    -- cache_key_has_password = true, -- for Dovecot 2.3 with cache_key=%u:%w
}

-- httpbasic.so lies beside this file, or where Lua looks anyway.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
package.cpath = folder .. "?.so;" .. package.cpath
local loaded, httpbasic = pcall(require, "httpbasic")
if not loaded then
    -- Lua takes a library that it may not read for one that is missing.
    local _, problem, code = io.open(folder .. "httpbasic.so")
    local EACCES = 13
    if code == EACCES then
        error("cannot load httpbasic.so: " .. problem .. ": run chmod -R a+rX " .. folder)
    end
    error("cannot load httpbasic.so: is it there, and built for " .. _VERSION .. "? " .. httpbasic)
end

local auth = dovecot.auth
local client

-- What each verdict means to Dovecot. Only an outage is an internal failure, because
-- then Dovecot takes the login from its cache, even from an expired entry.
local results = {
    ok = auth.PASSDB_RESULT_OK,
    refused = auth.PASSDB_RESULT_PASSWORD_MISMATCH,
    disabled = auth.PASSDB_RESULT_USER_DISABLED,
    throttled = auth.PASSDB_RESULT_PASSWORD_MISMATCH,
    unavailable = auth.PASSDB_RESULT_INTERNAL_FAILURE,
}

-- Where the key of Dovecot's cache holds the password, "unknown" is said of the two together.
-- It alone replaces what the cache has for them: a revoked password that is only called
-- wrong would come back in an outage.
local function cache_key_has_password()
    results.refused = auth.PASSDB_RESULT_USER_UNKNOWN
    results.disabled = auth.PASSDB_RESULT_USER_UNKNOWN
end

-- Dovecot 2.4 has no booleans.
local function is_yes(value)
    return value == true or value == "yes" or value == "true"
end

-- Dovecot 2.4 hands over lua_settings, Dovecot 2.3 nothing.
function script_init(lua_settings)
    for name, value in pairs(lua_settings or {}) do
        settings[name] = value
    end
    if is_yes(settings.cache_key_has_password) then
        cache_key_has_password()
    end
    settings.cache_key_has_password = nil
    client = httpbasic.client(settings)
    return 0
end

function script_deinit()
end

-- Dovecot 2.4 asks which logins are the same to its cache, Dovecot 2.3 never.
function auth_passdb_get_cache_key()
    cache_key_has_password()
    return "%{user}:%{password}"
end

function auth_passdb_lookup(req)
    -- A master user has logged in with his own password: there is none to check.
    if req.skip_password_check then
        return auth.PASSDB_RESULT_OK, {}
    end
    -- Dovecot 2.3 works out all fields of req whenever one is read.
    local user, password = req.user, req.password
    -- A lookup without a password: CRAM-MD5, SCRAM, doveadm auth lookup.
    if not password then
        return auth.PASSDB_RESULT_INTERNAL_FAILURE, "a web server can only be asked with a password"
    end
    -- Only debug lines show it.
    local session = is_yes(settings.debug) and req.session or nil
    local verdict, detail = client:verify(user, password, req.remote_ip, session)
    -- Dovecot logs the reason of an internal failure itself, but of nothing else.
    if verdict ~= "ok" and verdict ~= "unavailable" then
        req:log_info(verdict .. ": " .. detail)
    end
    return results[verdict], detail
end
