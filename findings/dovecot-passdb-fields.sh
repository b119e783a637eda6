#!/bin/bash
# `fields` of a passdb in Dovecot 2.4 are set before the lookup, so that a user name there is what is looked up.
#
# Versions: Dovecot 2.4.1 (Debian 13)
# Expected: passdb lua { fields { user = … } } renames the user after the password was found right, as the user name
#           that a lookup returns does.
# Seen:     the lookup is asked about the new name. What the mail client sent is in original_user only.
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
function auth_passdb_lookup(req)
    local file = assert(io.open("/tmp/seen", "a"))
    file:write("asked about ", req.user, ", logged in as ", req.original_user, "\n")
    file:close()
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
  fields {
    user = mailbox-of-%{user}
  }
}
CONF
dovecot
doveadm auth test alice secret >/dev/null || exit 2
cat /tmp/seen
[ "$(cat /tmp/seen)" = 'asked about mailbox-of-alice, logged in as alice' ] || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
