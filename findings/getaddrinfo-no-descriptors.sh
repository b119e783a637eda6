#!/bin/bash
# Without a free file descriptor, the first getaddrinfo of a process says that the name does not exist.
#
# Versions: glibc 2.36 (Debian 12), 2.41 (Debian 13)
# Expected: EAI_SYSTEM with errno EMFILE, "Too many open files", for a name that is in /etc/hosts.
# Seen:     EAI_NONAME, "Name or service not known", the same as for a misspelt name. If the process has resolved a name
#           before, it is EAI_SYSTEM as expected. So a mail server that reached its limit of open files reports a
#           problem of DNS, or does not, depending on its past.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/finding.pl" <<'END'
use strict;
use warnings;
use Socket qw(getaddrinfo);

my ($when) = @ARGV;
getaddrinfo("localhost", 80) if $when eq "later";
my @files;
while (open my $file, "<", "/dev/null") { push @files, $file }
my ($error) = getaddrinfo("localhost", 80);
my $reason = $!;
# Closed first, since Perl may have to open files of its own.
@files = ();
print "$when: $error", $error == Socket::EAI_SYSTEM() ? ", $reason" : "", "\n";
END

expected='first: Name or service not known
later: System error, Too many open files'
for release in bookworm:2.36 trixie:2.41; do
    root=$work/${release%:*}
    mmdebstrap --quiet --variant=minbase "${release%:*}" "$root" || exit 2
    echo 127.0.0.1 localhost >"$root/etc/hosts"
    cp "$work/finding.pl" "$root/"
    [[ $(chroot "$root" ldd --version) == *"GLIBC ${release#*:}"* ]] || exit 2
    seen=$(ulimit -n 30; for when in first later; do chroot "$root" perl /finding.pl $when; done) || exit 2
    echo "glibc ${release#*:}"
    echo "$seen"
    [ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
done
