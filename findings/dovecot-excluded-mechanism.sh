#!/bin/bash
# Dovecot answers a login by a mechanism that no passdb takes with a temporary failure.
#
# Versions: Dovecot 2.4.1 (Debian 13); 2.3.19.1 does the same, where the setting is `mechanisms`
# Expected: with auth_mechanisms = plain login, and the only passdb limited to PLAIN, a login by LOGIN is refused,
#           as with a passdb that does not know the user; or LOGIN is not offered.
# Seen:     LOGIN is offered, and answered with [UNAVAILABLE], whatever the password. The log says "All password
#           databases were skipped". So a client reports an outage, and another one, which chooses PLAIN, logs in.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,dovecot-imapd trixie "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(dovecot --version) == 2.4.1-* ]] || exit 2
printf 'alice:{PLAIN}secret\n' >/etc/dovecot/users
cat >/etc/dovecot/dovecot.conf <<'CONF'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols = imap
listen = 127.0.0.1
ssl = no
log_path = /var/log/dovecot.log
auth_mechanisms = plain login
auth_allow_cleartext = yes
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
  mechanisms_filter = plain
}
CONF
dovecot
for password in secret wrong; do
    exec {imap}<>/dev/tcp/127.0.0.1/143
    printf '%s\r\n' 'a AUTHENTICATE LOGIN' "$(echo -n alice | base64)" "$(echo -n $password | base64)" \
        'b LOGOUT' >&"$imap"
    timeout 60 cat <&"$imap" >/tmp/answer
    grep -qE '^\* .*AUTH=LOGIN' /tmp/answer || { echo 'LOGIN is not offered any more.'; exit 1; }
    grep '^a ' /tmp/answer
    grep -q '^a NO \[UNAVAILABLE\]' /tmp/answer || { echo 'This has changed.'; exit 1; }
done
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
