#!/bin/bash
# Dovecot 2.3 takes half a second for each of several refused logins in a row, even with `auth_failure_delay = 0`.
#
# Versions: Dovecot 2.3.19.1 (Debian 12) and 2.4.1 (Debian 13)
# Expected: without a delay, a wrong password is answered as soon as a right one, in both versions.
# Seen:     2.3 takes 0.5 s for each of ten wrong passwords, and 0.03 s for a right one. 2.4 takes 0.03 s for both. So
#           whoever measures refused logins with 2.3 measures this delay.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints the median duration of ten logins in a row, in ms: with the right password, and with a wrong one.
cat >"$work/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(dovecot --version) == "$1"[\ -]* ]] || exit 2
printf 'alice:{PLAIN}secret\n' >/etc/dovecot/users
if [[ $1 == 2.3.* ]]; then
    settings='disable_plaintext_auth = no'
    passdb='passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}'
else
    settings='dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1'
    passdb='passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}'
fi
cat >/etc/dovecot/dovecot.conf <<CONF
$settings
protocols = imap
listen = 127.0.0.1
ssl = no
log_path = /var/log/dovecot.log
auth_failure_delay = 0
$passdb
CONF
dovecot
for password in secret wrong; do
    for ((i = 0; i < 10; i++)); do
        start=$(date +%s%N)
        # From no address, so that Dovecot adds no penalty for it.
        doveadm auth test alice "$password" >/tmp/answer 2>&1 || true
        end=$(date +%s%N)
        grep -qE 'auth (succeeded|failed)' /tmp/answer || { cat /tmp/answer >&2; exit 2; }
        echo $(((end - start) / 1000000))
    done | sort --numeric-sort | sed -n 5p
done | paste --serial --delimiters=' '
END

# Runs it in a Debian with this Dovecot: measure SUITE VERSION
measure() {
    mmdebstrap --quiet --variant=minbase --include=iproute2,dovecot-imapd "$1" "$work/$1" || exit 2
    cp "$work/finding" "$work/$1/finding"
    # In namespaces of its own, with loopback only. All processes end with it.
    unshare --mount --net --pid --fork --kill-child chroot "$work/$1" bash /finding "$2"
}
old=$(measure bookworm 2.3.19.1)
new=$(measure trixie 2.4.1)
read -r old_right old_wrong <<<"$old"
read -r new_right new_wrong <<<"$new"
echo "Dovecot 2.3: right $old_right ms, wrong $old_wrong ms; 2.4: right $new_right ms, wrong $new_wrong ms"
((old_wrong - old_right > 250 && new_wrong - new_right < 250)) || { echo 'This has changed.'; exit 1; }
