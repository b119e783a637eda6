#!/bin/bash
# The Dovecot filter of Debian 13's fail2ban matches no line of Debian 13's Dovecot.
#
# Versions: fail2ban 1.1.0, Dovecot 2.4.1 (Debian 13)
# Expected: the filter `dovecot` finds failed logins in Dovecot's log, since both come with the same release.
# Seen:     no match, in either mode, for a wrong password and an unknown user: Dovecot 2.4 changed its lines. The jail
#           starts, reports nothing, and bans nobody. fail2ban-regex exits with 0 also when nothing matches.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,dovecot-imapd,fail2ban trixie "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(dovecot --version) == 2.4.1-* && $(fail2ban-client --version) == *v1.1.0 ]] || exit 2
printf 'alice:{PLAIN}secret\n' >/etc/dovecot/users
cat >/etc/dovecot/dovecot.conf <<'CONF'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols = imap
listen = 127.0.0.1
ssl = no
log_path = /var/log/dovecot.log
auth_verbose = yes
auth_allow_cleartext = yes
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
CONF
dovecot
for user in alice nobody-known; do
    exec {imap}<>/dev/tcp/127.0.0.1/143
    printf 'a LOGIN %s wrong\r\nb LOGOUT\r\n' $user >&"$imap"
    timeout 60 cat <&"$imap" | grep '^a NO' || exit 2
done
for _ in {1..100}; do
    [ "$(grep -c 'imap-login: .*auth failed' /var/log/dovecot.log)" = 2 ] && break
    sleep 0.2
done
cat /var/log/dovecot.log
for mode in normal aggressive; do
    fail2ban-regex /var/log/dovecot.log "dovecot[mode=$mode]" >/tmp/seen || { echo 'The status has changed.'; exit 1; }
    grep '^Lines:' /tmp/seen
    grep -q '^Lines: .* 0 matched' /tmp/seen || { echo 'This has changed.'; exit 1; }
done
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
