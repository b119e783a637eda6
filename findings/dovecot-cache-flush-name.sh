#!/bin/bash
# `doveadm auth cache flush` misses a user whose name is not written as Dovecot normalizes it, and reports success.
#
# Versions: Dovecot 2.4.1 (Debian 13); 2.3.19.1 does the same
# Expected: the name is treated like the name of a login: `Alice@Example.ORG` logs in as alice@example.org, and can be
#           flushed by that name.
# Seen:     "0 cache entries flushed", exit status 0, and the entry stays. Whoever revokes a password must know and
#           repeat auth_username_format by hand.
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
dovecot
for name in Alice@Example.ORG alice@example.org; do
    doveadm auth test Alice@Example.ORG secret >/dev/null || exit 2
    echo "$name: $(doveadm auth cache flush $name), status $?" | tee -a /tmp/seen
done
expected='Alice@Example.ORG: 0 cache entries flushed, status 0
alice@example.org: 1 cache entries flushed, status 0'
[ "$(cat /tmp/seen)" = "$expected" ] || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
