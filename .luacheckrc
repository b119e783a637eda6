-- The scripts must run in every Lua that Dovecot can be built with.
std = "min"
read_globals = { "dovecot" }
files["lua/auth-httpbasic.lua"] = {
    -- Dovecot calls these by name.
    globals = { "script_init", "script_deinit", "auth_passdb_lookup", "auth_passdb_get_cache_key" },
}
files["lua/types/httpbasic.lua"] = {
    -- Functions without a body, and long lines, because an annotation must be on one line.
    ignore = { "212", "241", "631" },
}
