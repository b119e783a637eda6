rockspec_format = "3.0"
package = "dovecot-lua-httpbasic"
version = "scm-1"
-- For `luarocks make` in a checkout.
source = { url = "git+file://." }
description = {
   summary = "Lets Dovecot ask a web server whether a password is right",
   license = "MIT",
}
dependencies = { "lua >= 5.1, < 5.5" }
build = {
   type = "command",
   -- Cargo builds; the Lua is that of the rocks.
   build_command = [[
      make build CARGO_TARGET_DIR=target \
         LUA="$("$(LUA)" -e 'io.write(jit and "luajit" or _VERSION:match("%d.%d"))')"
   ]],
   install_command = [[install -D -m 644 target/release/libhttpbasic.so "$(LIBDIR)/httpbasic.so"]],
   install = { conf = { "lua/auth-httpbasic.lua", "lua/base64.lua" } },
   copy_directories = { "docs", "examples" },
}
