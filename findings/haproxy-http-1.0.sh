#!/bin/bash
# HAProxy passes on the version HTTP/1.0 of a server, and adds "Connection: keep-alive".
#
# Versions: HAProxy 3.0, Radicale 3.5 (Debian 13); HAProxy 2.6 does the same
# Expected: an intermediary answers with its own version (RFC 9110, 6.2; RFC 9112, 2.3), so HTTP/1.1, in which
#           connections are kept by default.
# Seen:     Radicale speaks HTTP/1.0 and closes after each answer. Behind HAProxy, the status line is still HTTP/1.0,
#           and the connection is kept. A client that takes HTTP/1.0 for "closes" opens a connection, and TLS, for
#           each request.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,haproxy,radicale trixie "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(haproxy -v) == 'HAProxy version 3.0.'* && $(radicale --version) == 3.5.* ]] || exit 2
cat >/etc/haproxy/haproxy.cfg <<'CONF'
defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
listen radicale
    bind 127.0.0.1:8080
    server radicale 127.0.0.1:5232
CONF
radicale --server-hosts 127.0.0.1:5232 --auth-type none --storage-filesystem-folder /tmp/radicale 2>/tmp/log &
for _ in {1..100}; do (: <>/dev/tcp/127.0.0.1/5232) 2>/dev/null && break; sleep 0.2; done
haproxy -q -D -f /etc/haproxy/haproxy.cfg

exec {http}<>/dev/tcp/127.0.0.1/8080
for _ in 1 2; do
    printf '%s\r\n' 'OPTIONS / HTTP/1.1' 'Host: localhost' '' >&"$http"
    length=0
    while read -r -t 60 line <&"$http" && line=${line%$'\r'} && [ -n "$line" ]; do
        case ${line,,} in
        http/* | connection:*) echo "${line,,}" ;;
        content-length:*) length=${line#*: } ;;
        esac
    done
    [ "$length" = 0 ] || read -r -N "$length" -t 60 line <&"$http"
done | tee /tmp/seen
expected=$'http/1.0 200 ok\nconnection: keep-alive'
[ "$(cat /tmp/seen)" = "$expected"$'\n'"$expected" ] || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
