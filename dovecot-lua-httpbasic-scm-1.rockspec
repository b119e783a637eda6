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
   -- Cargo builds the library for the Lua of the rocks, and the checker with a Lua of its own.
   build_command = [[
      make build checker CARGO_TARGET_DIR=target \
         LUA="$("$(LUA)" -e 'io.write(jit and "luajit" or _VERSION:match("%d.%d"))')"
   ]],
   install_command = [[
      install -D -m 644 target/httpbasic.so "$(LIBDIR)/httpbasic.so" &&
      install -D -m 755 target/httpbasic-check "$(BINDIR)/httpbasic-check" &&
      echo "Copy the script for Dovecot to /etc/dovecot/lua: $(CONFDIR)/auth-httpbasic.lua"
   ]],
   install = { conf = { "lua/auth-httpbasic.lua", "lua/base64.lua" } },
   copy_directories = { "docs", "examples" },
}
