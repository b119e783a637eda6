#!/bin/bash
# Dovecot 2.4 takes variables of 2.3 for text, so that everybody becomes one user.
#
# Versions: Dovecot 2.4.1 (Debian 13)
# Expected: `auth_username_format = %Lu`, which every 2.3 has by default, is refused at the start, as unknown settings
#           are; 2.4 writes it `%{user|lower}`.
# Seen:     Dovecot starts, without a word. Every login is looked up as a user whose name is the three characters
#           `%Lu`, so nobody is found.
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
printf 'alice:{PLAIN}secret\n' >/etc/dovecot/users
cat >/etc/dovecot/dovecot.conf <<'CONF'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols =
log_path = /var/log/dovecot.log
auth_username_format = %Lu
auth_failure_delay = 0
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
CONF
changed() { echo 'This has changed.'; exit 1; }
doveconf >/tmp/doveconf 2>&1 && dovecot || changed
seen=$(doveadm auth test alice secret) && changed
echo "$seen"
grep -iE 'warning|error' /tmp/doveconf /var/log/dovecot.log && changed
[[ $seen == *user=%Lu* ]] || changed
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
