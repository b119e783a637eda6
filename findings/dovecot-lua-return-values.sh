#!/bin/bash
# Dovecot 2.3 and 2.4 want different second values from auth_passdb_lookup; each refuses some that the other wants.
#
# Versions: Dovecot 2.3.19.1 (Debian 12), 2.4.1 (Debian 13)
# Expected: a Lua passdb script that works on 2.3 works on 2.4, once its settings are renamed.
# Seen:     the table below. Only a table after OK, and a text after a failure, do the same on both. What is right on
#           one of them alone is a temporary failure on the other.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
case $(dovecot --version) in
2.3.19.1*)
    passdb='args = file=/etc/dovecot/finding.lua'
    versions=
    ;;
2.4.1-*)
    passdb='lua_file = /etc/dovecot/finding.lua'
    versions=$'dovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\n'
    ;;
*) exit 2 ;;
esac
cat >/etc/dovecot/finding.lua <<'LUA'
local OK, MISMATCH = dovecot.auth.PASSDB_RESULT_OK, dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH
function script_init() return 0 end
function auth_passdb_lookup(req)
    if req.user == "ok-text" then return OK, "password={PLAIN}secret" end
    if req.user == "ok-table" then return OK, { password = "{PLAIN}secret" } end
    if req.user == "mismatch-nil" then return MISMATCH, nil end
    if req.user == "mismatch-text" then return MISMATCH, "the text" end
    if req.user == "mismatch-table" then return MISMATCH, {} end
end
LUA
# The last service is Dovecot's delay after failures.
cat >/etc/dovecot/dovecot.conf <<CONF
${versions}protocols =
log_path = /var/log/dovecot.log
auth_failure_delay = 0
passdb lua {
  driver = lua
  $passdb
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
CONF
dovecot
for user in ok-text ok-table mismatch-nil mismatch-text mismatch-table; do
    output=$(doveadm auth test $user secret 2>&1) && result=accepted || result=refused
    [[ $output == *code=temp_fail* ]] && result='temporary failure'
    echo "${user/-/ and }: $result"
done
END

for release in bookworm trixie; do
    mmdebstrap --quiet --variant=minbase --include=iproute2,dovecot-core,dovecot-auth-lua $release \
        "$work/$release" || exit 2
    cp "$work/finding" "$work/$release/"
    # In namespaces of its own, with loopback only. All processes end with it.
    unshare --mount --net --pid --fork --kill-child chroot "$work/$release" bash /finding \
        >"$work/$release.seen" || exit 2
done
seen=$(join -t: "$work/bookworm.seen" "$work/trixie.seen" --nocheck-order)
echo "$seen"

expected='ok and text: accepted: temporary failure
ok and table: accepted: accepted
mismatch and nil: temporary failure: refused
mismatch and text: refused: refused
mismatch and table: refused: temporary failure'
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
