#!/bin/bash
# Dovecot 2.3 ignores unknown options of dovecot.http.client, such as `timeout`.
#
# Versions: Dovecot 2.3.19.1 (Debian 12). 2.4.1 refuses unknown options when the script is loaded.
# Expected: `timeout = 1000` ends a request after a second, or the script does not load.
# Seen:     the request to a silent server goes on: for 60 s, when Dovecot gives up the whole lookup. The option is
#           `request_timeout_msecs` in 2.3, and nothing says so. Published scripts have `timeout`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,dovecot-core,dovecot-auth-lua bookworm "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(dovecot --version) == 2.3.19.1* ]] || exit 2
cat >/etc/dovecot/finding.lua <<'LUA'
local clients
function script_init()
    clients = {
        timeout = dovecot.http.client { timeout = 1000, max_attempts = 1 },
        request_timeout_msecs = dovecot.http.client { request_timeout_msecs = 1000, max_attempts = 1 },
    }
    return 0
end
function auth_passdb_lookup(req)
    local response = clients[req.user]:request({ url = "http://127.0.0.1:8080/", method = "GET" }):submit()
    local file = assert(io.open("/tmp/" .. req.user, "w"))
    file:write(response:status())
    file:close()
    return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, response:reason()
end
LUA
cat >/etc/dovecot/dovecot.conf <<'CONF'
protocols =
log_path = /var/log/dovecot.log
passdb {
  driver = lua
  args = file=/etc/dovecot/finding.lua
}
CONF
# A server that accepts connections and never answers.
perl -MIO::Socket::INET -e '
    my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8080", Listen => 9) or die;
    my @connections;
    while (my $connection = $listener->accept) { push @connections, $connection }' &
dovecot
doveadm auth test timeout secret >/dev/null 2>&1 &
doveadm auth test request_timeout_msecs secret >/dev/null 2>&1 &
# Twenty times the limit, and a third of what Dovecot allows.
sleep 20
for option in timeout request_timeout_msecs; do
    echo "$option: $([ -e /tmp/$option ] && echo ended || echo waits)" | tee -a /tmp/seen
done
[ "$(cat /tmp/seen)" = $'timeout: waits\nrequest_timeout_msecs: ended' ] || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
