#!/bin/bash
# Postfix answers 535, "authentication failed", to a temporary failure of Dovecot.
#
# Versions: Postfix 3.10, Dovecot 2.4.1 (Debian 13); Postfix 3.7 with Dovecot 2.3.19.1 does the same
# Expected: 454, "temporary authentication failure" (RFC 4954, 6), since Dovecot tells Postfix that the failure is
#           temporary. IMAP says [UNAVAILABLE] in the same case.
# Seen:     535 5.7.8. So while the password database is out of reach, mail clients say that the password is wrong
#           and ask for another. Postfix's log has "(reason unavailable)", and nothing about an outage.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=iproute2,dovecot-core,dovecot-auth-lua,postfix
mmdebstrap --quiet --variant=minbase --include=$packages trixie "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(dovecot --version) == 2.4.1-* && $(postconf -h mail_version) == 3.10.* ]] || exit 2
cat >/etc/dovecot/finding.lua <<'LUA'
function auth_passdb_lookup(req)
    return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, "the database is out of reach"
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
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
  }
}
CONF
postconf -e inet_interfaces=loopback-only myhostname=mail.example.org maillog_file=/var/log/postfix.log \
    smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth smtpd_sasl_auth_enable=yes
# Postfix first, which makes the folder for the socket.
postfix start 2>/dev/null
dovecot

doveadm auth test alice secret >/tmp/dovecot 2>&1 && exit 2
grep code=temp_fail /tmp/dovecot || exit 2
exec {smtp}<>/dev/tcp/127.0.0.1/25
reply() {
    local line
    while read -r -t 60 line <&$smtp && [[ $line == ???-* ]]; do :; done
    echo "$line"
}
reply
echo -en 'EHLO client.example.org\r\n' >&$smtp
reply
echo -en "AUTH PLAIN $(echo -en '\0alice\0secret' | base64)\r\n" >&$smtp
reply | tee /tmp/seen
[[ $(cat /tmp/seen) == '535 5.7.8 '* ]] || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
