#!/bin/bash
# Until its first auth worker has started, Dovecot 2.4 opens a connection to a worker for each login, and many fail.
#
# Versions: Dovecot 2.4.1 (Debian 13)
# Expected: with more logins at once than `service auth-worker { process_limit }`, which is 30, the others wait in a
#           queue, as they do in Dovecot 2.3 and later on.
# Seen:     the auth process learns the limit from the first worker. Until then it has none: of 60 logins at once after
#           the start, 30 or more fail temporarily, with "Worker process died unexpectedly" in the log. A second later,
#           60 logins at once all succeed.
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
cat >/etc/dovecot/passdb.lua <<'LUA'
function auth_passdb_lookup(req)
  os.execute("sleep 0.1")
  return dovecot.auth.PASSDB_RESULT_OK, { password = "{PLAIN}secret" }
end
LUA
cat >/etc/dovecot/dovecot.conf <<'CONF'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols =
log_path = /var/log/dovecot.log
passdb lua {
  lua_file = /etc/dovecot/passdb.lua
}
CONF
cat >/tmp/logins.pl <<'PERL'
use IO::Socket::UNIX;
my $auth = IO::Socket::UNIX->new(Peer => "/run/dovecot/auth-client") or exit 2;
print $auth "VERSION\t1\t1\nCPID\t$$\n";
while (<$auth>) { last if /^DONE/ }
my $response = "AGFsaWNlAHNlY3JldA==";  # alice, secret
my $succeeded = 0;
print $auth join "", map { "AUTH\t$_\tPLAIN\tservice=imap\tsecured\tnologin\tresp=$response\n" } 1 .. 60;
for (1 .. 60) { my $line = <$auth>; $succeeded++ if $line =~ /^OK\t/ }
print "$succeeded\n";
PERL
changed() { echo 'This has changed.'; exit 1; }
dovecot
until [ -S /run/dovecot/auth-client ]; do sleep 0.1; done
first=$(perl /tmp/logins.pl)
sleep 1
second=$(perl /tmp/logins.pl)
echo "of 60 logins at once: $first after the start, $second later"
grep -m 1 'Worker process died unexpectedly' /var/log/dovecot.log || changed
(( first <= 30 )) && (( second == 60 )) || changed
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
