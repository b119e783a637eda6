#!/bin/bash
# Dovecot 2.3's proxy verifies a backend's certificate by `ssl_ca`, and ignores `ssl_client_ca_file`.
#
# Versions: Dovecot 2.3.19.1 (Debian 12)
# Expected: a proxy is a client of the backend, so `ssl_client_ca_file` names the CA to trust, as the documentation of
#           proxying says. In Dovecot 2.4, it does.
# Seen:     "unable to get local issuer certificate (check ssl_client_ca_* settings?)". With `ssl_ca`, which otherwise
#           verifies the certificates of mail clients, and `ssl_require_crl = no`, the login succeeds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,openssl,dovecot-core,dovecot-imapd bookworm "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END_OF_FINDING'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
echo 127.0.0.1 localhost >/etc/hosts
[[ $(dovecot --version) == 2.3.19.1\ * ]] || exit 2
cd /etc/dovecot
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request.pem 2>/dev/null
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out certificate.pem \
    -extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null

# Makes the configuration of one server: configure NAME PORT
configure() {
    cat <<CONF >"$1.conf"
base_dir = /run/$1
state_dir = /run/$1/state
log_path = /var/log/$1.log
protocols = imap
listen = 127.0.0.1
disable_plaintext_auth = no
ssl_cert = </etc/dovecot/certificate.pem
ssl_key = </etc/dovecot/key.pem
mail_location = maildir:/tmp/mail/%u
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/tmp/mail/%u
}
service imap-login {
  inet_listener imap {
    port = $2
  }
  inet_listener imaps {
    port = 0
  }
}
CONF
}
install -d -m 777 /tmp/mail
configure backend 2143
cat >>backend.conf <<'CONF'
passdb {
  driver = static
  args = password=secret
}
CONF
dovecot -c backend.conf

# Logs in to a proxy with this setting: login SETTING
login() {
    rm -f /var/log/proxy.log
    configure proxy 1143
    cat >>proxy.conf <<CONF
$1
passdb {
  driver = static
  args = password=secret proxy=y host=localhost port=2143 starttls=yes
}
CONF
    dovecot -c proxy.conf
    exec 3<>/dev/tcp/127.0.0.1/1143
    printf 'a login alice secret\r\n' >&3
    grep --max-count=1 '^a ' <&3
    doveadm -c proxy.conf stop
}
login 'ssl_client_ca_file = /etc/dovecot/ca.pem' | grep -o '^a NO \[UNAVAILABLE\]' || { echo 'This has changed.'; exit 1; }
grep -o 'unable to get local issuer certificate' /var/log/proxy.log | head -n 1
login $'ssl_ca = </etc/dovecot/ca.pem\nssl_require_crl = no' | grep -o '^a OK' || { echo 'This has changed.'; exit 1; }
END_OF_FINDING
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
