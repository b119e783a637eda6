#!/bin/bash
# Dovecot never caches a Lua passdb's PASSWORD_MISMATCH, only its USER_UNKNOWN.
#
# Versions: Dovecot 2.4.1 (Debian 13); 2.3.19.1 does the same
# Expected: a refused password is kept for auth_cache_negative_ttl, which the documentation defines as the time for
#           unknown users and for password mismatches.
# Seen:     with a cache key of user and password, three logins with the same wrong password are three lookups if the
#           script returns PASSWORD_MISMATCH, and one if it returns USER_UNKNOWN.
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
function auth_passdb_get_cache_key() return "%{user}%{password}" end
function auth_passdb_lookup(req)
    local file = assert(io.open("/tmp/lookups", "a"))
    file:write(req.user, "\n")
    file:close()
    if req.user == "mismatch" then return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, "wrong" end
    return dovecot.auth.PASSDB_RESULT_USER_UNKNOWN, "unknown"
end
LUA
cat >/etc/dovecot/dovecot.conf <<'CONF'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols =
log_path = /var/log/dovecot.log
auth_cache_size = 1M
auth_cache_ttl = 1 hours
auth_cache_negative_ttl = 1 hours
auth_failure_delay = 0
passdb lua {
  lua_file = /etc/dovecot/finding.lua
}
CONF
dovecot
for user in mismatch unknown; do
    for _ in 1 2 3; do doveadm auth test $user wrong >/dev/null && exit 2; done
    echo "$user: $(grep -c $user /tmp/lookups) lookups for 3 logins" | tee -a /tmp/seen
done
expected='mismatch: 3 lookups for 3 logins
unknown: 1 lookups for 3 logins'
[ "$(cat /tmp/seen)" = "$expected" ] || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
