#!/bin/bash
# A metric of Dovecot 2.3 that groups events by a field leaves out the events that lack it.
#
# Versions: Dovecot 2.3.19 (Debian 12)
# Expected: with `group_by = colour shade`, an event that has only a colour is counted with this colour and an empty shade,
#           as in Dovecot 2.4.
# Seen:     of three red events, two have no shade. The endpoint shows three with the colour red, and one with a shade.
#           The other two are in no series with a shade. A histogram in the last place would lack them too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,dovecot-core,dovecot-auth-lua bookworm "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(dovecot --version) == 2.3.19.* ]] || exit 2
cat >/etc/dovecot/passdb.lua <<'LUA'
function auth_passdb_lookup(req)
  local event = req:event()
  event:set_name("painted")
  event:add_str("colour", "red")
  if req.user == "shady" then
    event:add_str("shade", "dark")
  end
  event:log_debug("painted")
  return dovecot.auth.PASSDB_RESULT_OK, { password = "{PLAIN}secret" }
end
LUA
cat >/etc/dovecot/dovecot.conf <<'CONF'
protocols =
log_path = /var/log/dovecot.log
passdb {
  driver = lua
  args = file=/etc/dovecot/passdb.lua blocking=yes
}
metric painted {
  filter = event=painted
  group_by = colour shade
}
service stats {
  inet_listener http {
    address = 127.0.0.1
    port = 9900
  }
}
CONF
changed() { echo 'This has changed.'; exit 1; }
dovecot
until [ -S /run/dovecot/auth-client ]; do sleep 0.1; done
for user in shady plain bare; do doveadm auth test "$user" secret >/dev/null; done
sleep 1
exec 3<>/dev/tcp/127.0.0.1/9900
printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
shown=$(grep '^dovecot_painted_\(total\|count\)' <&3)
echo "$shown"
[[ $shown == *'dovecot_painted_total{colour="red",shade="dark"} 1'* ]] || changed
[[ $shown == *'dovecot_painted_total{colour="red"} 3'* ]] || changed
[[ $(grep --count 'colour="red",shade=' <<<"$shown") == 1 ]] || changed
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
