#!/bin/bash
# rustls refuses the certificate that `openssl req -x509` makes, although it is itself the trusted one.
#
# Versions: rustls 0.23.46 and rustls-webpki 0.103.17, against OpenSSL 3.5 (Debian 13)
# Expected: a self-signed certificate is accepted once it is in the list of trusted certificates. OpenSSL does so.
# Seen:     CaUsedAsEndEntity. `openssl req -x509` writes basicConstraints CA:TRUE, and webpki lets no CA certificate be
#           a server's own, trusted or not. With CA:FALSE in the same command, rustls accepts it too. So the certificate
#           of a home-made server fails although the usual remedy, to trust it, is already applied.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=openssl trixie "$work/debian" || exit 2
mkdir "$work/src"
cd "$work"

in_debian() { chroot debian "$@"; }
[[ $(in_debian openssl version) == 'OpenSSL 3.5.'* ]] || exit 2
for ca in TRUE FALSE; do
    # CA:TRUE is the default, so only the other one is asked for.
    other=()
    [ $ca = TRUE ] || other=(-addext basicConstraints=CA:FALSE)
    in_debian openssl req -x509 -newkey rsa:2048 -noenc -keyout key -out $ca.pem -days 30 -subj /CN=mail.example.org \
        -addext subjectAltName=DNS:mail.example.org "${other[@]}" 2>log || exit 2
    in_debian openssl verify -CAfile $ca.pem -purpose sslserver -verify_hostname mail.example.org $ca.pem || exit 2
done

cat >Cargo.toml <<'END'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
rustls = { version = "=0.23.46", default-features = false, features = ["ring", "std"] }
rustls-webpki = "=0.103.17"
END

cat >src/main.rs <<'END'
use rustls::client::danger::ServerCertVerifier;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{pem::PemObject, CertificateDer, UnixTime};
use rustls::RootCertStore;

fn main() {
    for ca in ["TRUE", "FALSE"] {
        let certificate = CertificateDer::from_pem_file(format!("debian/{ca}.pem")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), default_provider().into());
        let name = "mail.example.org".try_into().unwrap();
        match verifier.build().unwrap().verify_server_cert(&certificate, &[], &name, &[], UnixTime::now()) {
            Ok(_) => println!("CA:{ca}: accepted"),
            Err(error) => println!("CA:{ca}: {error}"),
        }
    }
}
END

expected='CA:TRUE: invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))
CA:FALSE: accepted'
seen=$(cargo run --quiet) || exit 2
echo "$seen"
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
