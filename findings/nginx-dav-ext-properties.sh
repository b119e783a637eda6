#!/bin/bash
# nginx's dav-ext module answers PROPFIND by local names, and is silent about properties that it does not have.
#
# Versions: nginx 1.26.3, libnginx-mod-http-dav-ext 3.0.0 (Debian 13)
# Expected: a property that a resource does not have is listed with 404 (RFC 4918, 9.1), and `resourcetype` of another
#           namespace is such a property.
# Seen:     current-user-principal is left out, beside a 200 for nothing. `resourcetype` in urn:example is answered with
#           DAV:resourcetype. So no client can tell "does not have it" from "was not asked", and the name in the answer
#           is not the name in the question.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=iproute2,nginx,libnginx-mod-http-dav-ext trixie "$work/debian" || exit 2

cat >"$work/debian/finding" <<'END'
set -euo pipefail
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
ip link set lo up
[[ $(nginx -v 2>&1) == *nginx/1.26.3 && $(dpkg-query -W libnginx-mod-http-dav-ext) == *:3.0.0-* ]] || exit 2
cat >/etc/nginx/nginx.conf <<'CONF'
include /etc/nginx/modules-enabled/*.conf;
events {}
http {
    server {
        listen 127.0.0.1:8080;
        root /var/www;
        dav_ext_methods PROPFIND OPTIONS;
    }
}
CONF
nginx

ask() {
    local body="<d:propfind xmlns:d='DAV:' xmlns:x='urn:example'><d:prop>$1</d:prop></d:propfind>"
    echo "$1:"
    exec {http}<>/dev/tcp/127.0.0.1/8080
    printf '%s\r\n' 'PROPFIND / HTTP/1.1' 'Host: localhost' 'Depth: 0' 'Content-Type: application/xml' \
        "Content-Length: ${#body}" 'Connection: close' '' >&"$http"
    echo -n "$body" >&"$http"
    timeout 60 cat <&"$http" | tr -d '\n' | grep -o '<D:prop>.*</D:status>'
}
{ ask '<d:current-user-principal/>' && ask '<x:resourcetype/>'; } | tee /tmp/seen
cat >/tmp/expected <<'XML'
<d:current-user-principal/>:
<D:prop></D:prop><D:status>HTTP/1.1 200 OK</D:status>
<x:resourcetype/>:
<D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status>
XML
cmp /tmp/seen /tmp/expected || { echo 'This has changed.'; exit 1; }
END
# In namespaces of its own, with loopback only. All processes end with it.
unshare --mount --net --pid --fork --kill-child chroot "$work/debian" bash /finding
