#!/bin/bash
# Dovecot empties weak tables of a Lua script after every lookup.
#
# Versions: Dovecot 2.4.1 (Debian 13); 2.3.19.1 does the same
# Expected: a script may remember results in a weak table, which Lua clears when its garbage collector comes by.
# Seen:     nothing survives from one lookup to the next in the same process, since Dovecot runs a full collection
#           after each. So weak tables are no cache here, and all that a script keeps is walked through each time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,dovecot-core,dovecot-auth-lua trixie "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(dovecot --version) == 2.4.1-* ]] || exit 2
cat >/etc/dovecot/finding.lua <<'LUA'
local weak, strong = setmetatable({}, { __mode = "v" }), {}
function auth_passdb_lookup(req)
    local file = assert(io.open("/tmp/seen", "a"))
    file:write("weak: ", tostring(weak.last ~= nil), ", strong: ", tostring(strong.last ~= nil), "\n")
    file:close()
    weak.last, strong.last = {}, {}
    return dovecot.auth.PASSDB_RESULT_OK, { password = "{PLAIN}secret" }
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
for _ in 1 2 3; do doveadm auth test alice secret >/dev/null || exit 2; done
cat /tmp/seen
expected='weak: false, strong: false
weak: false, strong: true
weak: false, strong: true'
[ "$(cat /tmp/seen)" = "$expected" ] || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
