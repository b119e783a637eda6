#!/bin/bash
# The error of a Rust function reaches Lua as userdata, so that Dovecot logs it as "(null)".
#
# Versions: mlua 0.11.6, Lua 5.4, Dovecot 2.4.1 (Debian 13)
# Expected: what a Rust function returns as Err(mlua::Error) is an error message in Lua, as luaL_error would make it
#           in C.
# Seen:     it is userdata with a __tostring. `print` shows its text, so it goes unnoticed in tests. A host that uses
#           lua_tostring, as Dovecot does, gets NULL. And `"failed: " .. err` in a script is an error itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,dovecot-core,dovecot-auth-lua trixie "$work/debian" || exit 2
mkdir "$work/src"
cd "$work"

cat >Cargo.toml <<'END'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]

[dependencies]
mlua = { version = "=0.11.6", features = ["lua54", "module"] }
END

cat >src/lib.rs <<'END'
use mlua::{Error, Function, Lua, Result};

#[mlua::lua_module]
fn finding(lua: &Lua) -> Result<Function> {
    lua.create_function(|_, ()| Err::<(), _>(Error::runtime("the text")))
}
END
CARGO_TARGET_DIR=target cargo build --quiet || exit 2
cp target/debug/libfinding.so debian/etc/dovecot/finding.so

cat >debian/finding <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(dovecot --version) == 2.4.1-* ]] || exit 2
cat >/etc/dovecot/finding.lua <<'LUA'
package.cpath = "/etc/dovecot/?.so"
local fail = require("finding")
function auth_passdb_lookup(req)
    local _, err = pcall(fail)
    local can_concatenate = pcall(function() return "failed: " .. err end)
    dovecot.i_info(("%s, concatenation: %s, %s"):format(type(err), tostring(can_concatenate), tostring(err)))
    fail()
end
LUA
cat >/etc/dovecot/dovecot.conf <<'CONF'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols =
log_path = /var/log/dovecot.log
passdb lua {
  lua_file = /etc/dovecot/finding.lua
}
CONF
dovecot
doveadm auth test alice secret >/dev/null 2>&1 && exit 2
for _ in {1..100}; do grep -q failed: /var/log/dovecot.log && break; sleep 0.2; done
grep -E 'userdata|failed:' /var/log/dovecot.log
grep -q 'userdata, concatenation: false, runtime error: the text' /var/log/dovecot.log &&
    grep -q 'lua_pcall(auth_passdb_lookup, 1, 2) failed: (null)' /var/log/dovecot.log ||
    { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot debian bash /finding
