-- A Dovecot passdb script that verifies passwords against a web server by HTTP Basic authentication.

-- Dovecot 2.3 takes its settings from this table. Dovecot 2.4 takes them from lua_settings { } in
-- dovecot.conf; a setting there replaces the one here. docs/options.md describes all settings.
local settings = {
    url = "https://nextcloud.example.com/remote.php/dav/",
    -- domain = "example.com",        -- your mail domain; logins in any other are refused
    -- cache_key_has_password = true, -- for Dovecot 2.3 with the cache_key of the examples
    -- metrics = true,                -- an event for each lookup, for Dovecot's metrics
}

-- Load httpbasic.so from the folder of this script, or else from where Lua searches by default.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
package.cpath = folder .. "?.so;" .. package.cpath
local loaded, httpbasic = pcall(require, "httpbasic")
if not loaded then
    -- Lua reports an unreadable library as a missing one.
    local _, problem, code = io.open(folder .. "httpbasic.so")
    local EACCES = 13
    if code == EACCES then
        error("cannot load httpbasic.so: " .. problem .. ": run chmod -R a+rX " .. folder)
    end
    error("cannot load httpbasic.so: is it there, and built for " .. _VERSION .. "? " .. httpbasic)
end

-- The version of this script. The library may be newer, but not older.
local VERSION = "0.1.0"

-- Returns a version as a number that can be compared.
local function number(version)
    local major, minor, patch = version:match("^(%d+)%.(%d+)%.(%d+)")
    return major and (major * 1000 + minor) * 1000 + patch or 0
end

local library = tostring(httpbasic._VERSION)
local versions = "auth-httpbasic.lua is version " .. VERSION .. ", httpbasic.so " .. library .. ": "
if number(library) < number(VERSION) then
    error(versions .. "the library is too old; install the one of the script's release")
elseif library ~= VERSION then
    dovecot.i_warning(versions .. "the script is old; install the one of the library's release")
end

local auth = dovecot.auth
local client, logs_debug, sends_events, cache_key_has_hash

-- What Dovecot is told for each verdict. Only an outage is an internal failure: after an internal
-- failure, Dovecot falls back to its cache and accepts even an expired entry.
local results = {
    ok = auth.PASSDB_RESULT_OK,
    refused = auth.PASSDB_RESULT_PASSWORD_MISMATCH,
    disabled = auth.PASSDB_RESULT_USER_DISABLED,
    throttled = auth.PASSDB_RESULT_PASSWORD_MISMATCH,
    unavailable = auth.PASSDB_RESULT_INTERNAL_FAILURE,
}

-- Changes the results for a cache whose key includes the password or its hash. Such a cache has one
-- entry for each user and password. Only USER_UNKNOWN replaces that entry; after a mismatch the old entry
-- would stay, and a revoked password would work again in the next outage.
local function cache_key_has_password()
    results.refused = auth.PASSDB_RESULT_USER_UNKNOWN
    results.disabled = auth.PASSDB_RESULT_USER_UNKNOWN
end

-- Dovecot's own words for booleans, in upper or lower case. Dovecot 2.4 passes booleans as strings.
local booleans = { yes = true, y = true, ["1"] = true, ["true"] = true, no = false, ["false"] = false }

-- Returns whether a setting is on. An unknown word is an error: it must not turn a protection off.
local function is_on(name)
    local value = settings[name]
    if value == nil then
        return false
    end
    local on = booleans[tostring(value):lower()]
    if on == nil then
        error(name .. " expected true or false, got " .. tostring(value))
    end
    return on
end

-- Dovecot calls this once, before the first lookup. Dovecot 2.3 passes no settings.
function script_init(lua_settings)
    for name, value in pairs(lua_settings or {}) do
        settings[name] = value
    end
    if is_on("cache_key_has_password") then
        cache_key_has_password()
    end
    logs_debug = is_on("debug")
    sends_events = is_on("metrics")
    cache_key_has_hash = is_on("cache_key_has_hash")
    -- The library does not know the script's own settings.
    settings.cache_key_has_password, settings.cache_key_has_hash, settings.metrics = nil, nil, nil
    client = httpbasic.client(settings)
    return 0
end

function script_deinit()
end

-- Returns the cache key. Only Dovecot 2.4 calls this; Dovecot 2.3 reads cache_key from dovecot.conf.
-- Dovecot 2.4 ignores filters in the key, so the hash comes from a passdb before this one.
function auth_passdb_get_cache_key()
    cache_key_has_password()
    return cache_key_has_hash and "%{user}:%{passdb:password_hash}" or "%{user}:%{password}"
end

-- Sends the event that Dovecot's metrics count. Its fields must not contain names or addresses.
local function send(event, verdict, connection, reason)
    event:set_name("httpbasic_lookup_finished")
    event:add_str("verdict", verdict)
    event:add_str("connection", connection)
    if reason then
        event:add_str("reason", reason)
    end
    event:log_debug("lookup finished: " .. verdict)
end

function auth_passdb_lookup(req)
    -- A master user has already logged in with the master password.
    if req.skip_password_check then
        return auth.PASSDB_RESULT_OK, {}
    end
    -- Read each field once: Dovecot 2.3 computes all fields of req whenever one is read.
    local user, password = req.user, req.password
    -- CRAM-MD5, SCRAM and doveadm auth lookup provide no password.
    if not password then
        return auth.PASSDB_RESULT_INTERNAL_FAILURE,
            "no password to verify; httpbasic needs auth_mechanisms = plain login"
    end
    -- Without the hash, all passwords of a user would share one entry of the cache.
    if cache_key_has_hash and (req.passdb.password_hash or "") == "" then
        return auth.PASSDB_RESULT_INTERNAL_FAILURE,
            "cache_key_has_hash is set, but no passdb before this one sets password_hash"
    end
    -- Only debug lines show the session.
    local session = logs_debug and req.session or nil
    -- Its duration begins here.
    local event = sends_events and req:event()
    local verdict, detail, connection, reason = client:verify(user, password, req.remote_ip, session)
    if event then
        send(event, verdict, connection, reason)
    end
    -- Dovecot logs the reason of an internal failure, but not that of a refusal.
    if verdict ~= "ok" and verdict ~= "unavailable" then
        req:log_info(verdict .. ": " .. detail)
    end
    return results[verdict], detail
end
