#!/bin/bash
# Any setting in a `protocol` block gives that protocol a passdb and an auth cache of its own in Dovecot 2.4.
#
# Versions: Dovecot 2.4.1 (Debian 13). In 2.3 there is one of each.
# Expected: `protocol imap { mail_max_userip_connections = 20 }`, a limit of the IMAP service, does not touch
#           authentication. One user with one password is looked up once while the cache keeps it.
# Seen:     with the block, IMAP has its own cache, so the same login is looked up once for IMAP and once for all
#           other protocols. A Lua script is loaded twice in each process. Debian's own configuration has seven blocks.
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
local function count(file)
    file = assert(io.open(file, "a"))
    file:write("x")
    file:close()
end
function auth_passdb_get_cache_key() return "%{user}%{password}" end
function auth_passdb_lookup(req)
    count("/tmp/lookups")
    return dovecot.auth.PASSDB_RESULT_OK, { password = "{PLAIN}secret" }
end
LUA
cat >/etc/dovecot/dovecot.conf <<'CONF'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols =
log_path = /var/log/dovecot.log
auth_cache_size = 1M
auth_cache_ttl = 1 hours
passdb lua {
  lua_file = /etc/dovecot/finding.lua
}
CONF
login_by_each() {
    local protocol
    rm -f /tmp/lookups
    dovecot
    for protocol in imap pop3 submission sieve imap pop3 submission sieve; do
        doveadm auth test -x protocol=$protocol alice secret >/dev/null || exit 2
    done
    doveadm stop
    echo "$1: $(wc -c </tmp/lookups) lookups for 8 logins by 4 protocols" | tee -a /tmp/seen
}
login_by_each without
printf 'protocol imap {\n  mail_max_userip_connections = 20\n}\n' >>/etc/dovecot/dovecot.conf
login_by_each with
[ "$(cut -d' ' -f-2 /tmp/seen)" = $'without: 1\nwith: 2' ] || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
