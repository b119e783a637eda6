//! TLS that an administrator may meet, as OpenSSL makes it, and what is expected of it.

use std::fs;

use super::openssl::OpenSsl;

const RSA: &str = "rsa:2048";
const P_256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const P_521: &str = "ec -pkeyopt ec_paramgen_curve:P-521";
const RSA_PSS: &str = "rsa-pss -pkeyopt rsa_keygen_bits:2048";

/// The cause, which the log and httpbasic-check begin with, and the remedy, which follows in the log
/// and is the checker's advice.
pub type Said = (&'static str, &'static str);

/// The server is trusted.
const TRUSTED: Said = ("", "");

const ALGORITHM: Said = (
    "the certificate is signed by an algorithm that is not supported, such as SHA-1",
    "have it issued again, signed with SHA-256",
);
const CLIENT: Said = (
    "the server requires a client certificate, which httpbasic does not send",
    "configure the server not to require one at this URL",
);
const CONSTRAINED: Said = (
    "the certificate's issuer may not issue it for this host (name constraints)",
    "have another CA issue it",
);
const CRITICAL: Said =
    ("the certificate has a critical extension that is not supported", "have it issued without it");
const ELSEWHERE: Said = (
    "the certificate does not match the URL's host: it is for mail.example.com",
    "use that name in the URL",
);
const FOR_CLIENTS: Said = (
    "the certificate is not for servers (extended key usage)",
    "have it issued for server authentication",
);
const ISSUER: Said = (
    "the certificate's issuer is not trusted",
    "if it is your own CA, set ca_file to its certificate; otherwise the server may not send an \
     intermediate certificate",
);
const ISSUER_P_521: Said =
    ("the issuer of the certificate has a key that is not supported (P-521)", ISSUER_KEY);
const ISSUER_ED448: Said =
    ("the issuer of the certificate has a key that is not supported (Ed448)", ISSUER_KEY);
const ISSUER_RSA_PSS: Said =
    ("the issuer of the certificate has a key that is not supported (RSA-PSS)", ISSUER_KEY);
const ISSUER_KEY: &str =
    "have it issued by a CA with an RSA (not RSA-PSS), P-256, P-384 or Ed25519 key";
const INTERMEDIATE_ED448: Said = (
    "the issuer of the intermediate certificate \"of-ed448\" has a key that is not supported (Ed448)",
    FROM_CA,
);
const INTERMEDIATE_FOR_CLIENTS: Said = (
    "the intermediate certificate \"for-clients-ca\" is not for servers (extended key usage)",
    FROM_CA,
);
const INTERMEDIATE_SHA_1: Said = (
    "the intermediate certificate \"sha-1-ca\" is signed by an algorithm that is not supported, \
     such as SHA-1",
    FROM_CA,
);
const FROM_CA: &str = "have the server send the one that its CA uses now";
const KEY_SIZE: Said = (
    "the RSA key of the certificate or of its issuer is too weak, or too long",
    "it needs 2048 to 8192 bits",
);
const LONG_CHAIN: Said =
    ("the server's certificate chain is too long", "have the server send less than 64 KiB");
const ADDRESSES: Said = (
    "the certificate does not match the URL's host: it is for fe80::1:0:0:5, ::1, 192.0.2.1",
    "use that name in the URL",
);
const WILDCARD: Said = (
    "the certificate does not match the URL's host: it is for *.localhost",
    "use a name in the URL that has one label in place of the *",
);
const NAMELESS: Said = (
    "the certificate has no host name in a subjectAltName (a common name does not count)",
    "have it issued again with one",
);
const NO_CA: Said = (
    "the certificate's issuer is in ca_file, but it is not a CA (basic constraints)",
    "make it again as a CA, or put the server's own certificate into ca_file",
);
const NOTHING_IN_COMMON: Said = (
    "the server supports no common TLS version, cipher, key exchange or key type",
    "it needs TLS 1.3, or 1.2 with AES-GCM or ChaCha20; ECDHE with X25519, P-256 or P-384; an RSA \
     (not RSA-PSS), P-256, P-384 or Ed25519 key; or it requires a client certificate",
);
const PSS_PARAMETERS: Said = (
    "the certificate has an RSA-PSS signature with parameters that are not supported",
    "have it issued again, with a salt as long as the hash (SHA-256: 32 bytes)",
);
const SELF_SIGNED: Said =
    ("the certificate is self-signed and not in ca_file", "if it is your server's, put it there");
const UNKNOWN_NAME: Said = (
    "the server has no certificate for the URL's host name (SNI)",
    "is the host right, and does the server know it?",
);
const TOO_OLD: Said = ("the server's TLS is too old", "it needs TLS 1.2 or 1.3");
const VERSION_1: Said = (
    "the certificate is of X.509 version 1",
    "have it issued as version 3, with the host's name as subjectAltName",
);

/// A server's certificate, `ca_file`, how the server speaks TLS, and what is expected.
pub type Case = (&'static str, &'static str, &'static str, Said);

pub const CASES: [Case; 59] = [
    // Keys and signatures.
    ("rsa", "ca.pem", "", TRUSTED),
    ("pss", "ca.pem", "", TRUSTED),
    ("odd-pss", "ca.pem", "", PSS_PARAMETERS),
    ("max-pss", "ca.pem", "", PSS_PARAMETERS),
    ("sha-1", "ca.pem", "-cipher ALL:@SECLEVEL=0", ALGORITHM),
    ("rsa-1024", "ca.pem", "-cipher ALL:@SECLEVEL=0 -tls1_3", KEY_SIZE),
    ("rsa-1024", "ca.pem", "-cipher ALL:@SECLEVEL=0 -tls1_2", KEY_SIZE),
    ("of-weak-ca", "weak-ca.pem", "", KEY_SIZE),
    ("of-weak", "ca.pem", "-cipher ALL:@SECLEVEL=0 -cert_chain weak.pem", KEY_SIZE),
    ("of-p521-ca", "p521-ca.pem", "", ISSUER_P_521),
    ("of-p521-ca-by-sha-512", "p521-ca.pem", "", ISSUER_P_521),
    ("of-ed448-ca", "ed448-ca.pem", "", ISSUER_ED448),
    ("of-pss-ca", "pss-ca.pem", "", ISSUER_RSA_PSS),
    ("pss-key", "ca.pem", "", NOTHING_IN_COMMON),
    ("p521", "ca.pem", "", NOTHING_IN_COMMON),
    ("ed448", "ca.pem", "", NOTHING_IN_COMMON),
    // Versions and ciphers.
    ("rsa", "ca.pem", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", TRUSTED),
    ("rsa", "ca.pem", "-tls1_2 -cipher ECDHE-RSA-AES128-SHA", NOTHING_IN_COMMON),
    ("rsa", "ca.pem", "-tls1_2 -cipher AES128-GCM-SHA256", NOTHING_IN_COMMON),
    ("rsa", "ca.pem", "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", NOTHING_IN_COMMON),
    ("rsa", "ca.pem", "-tls1_2 -curves X448", NOTHING_IN_COMMON),
    ("rsa", "ca.pem", "-tls1_3 -curves P-521:X448:ffdhe2048", NOTHING_IN_COMMON),
    ("rsa", "ca.pem", "-tls1_3 -curves P-384", TRUSTED),
    ("rsa", "ca.pem", "-tls1_1 -cipher ALL:@SECLEVEL=0", TOO_OLD),
    ("rsa", "ca.pem", "-tls1 -cipher ALL:@SECLEVEL=0", TOO_OLD),
    // A client certificate. With TLS 1.2, the server sends the same alert as if it had no common cipher.
    ("rsa", "ca.pem", "-tls1_3 -Verify 1", CLIENT),
    ("rsa", "ca.pem", "-tls1_2 -Verify 1", NOTHING_IN_COMMON),
    ("rsa", "ca.pem", "-verify 1", TRUSTED),
    // Chains.
    ("rsa", "ca.pem", "-cert_chain long-chain.pem", TRUSTED),
    ("rsa", "ca.pem", "-cert_chain too-long-chain.pem", LONG_CHAIN),
    ("of-between", "ca.pem", "-cert_chain between.pem", TRUSTED),
    ("of-between", "ca.pem", "", ISSUER),
    ("rsa", "weak-ca.pem", "", ISSUER),
    ("of-for-clients-ca", "ca.pem", "-cert_chain for-clients-ca.pem", INTERMEDIATE_FOR_CLIENTS),
    (
        "of-sha-1-ca",
        "ca.pem",
        "-cipher ALL:@SECLEVEL=0 -cert_chain sha-1-ca.pem",
        INTERMEDIATE_SHA_1,
    ),
    ("of-of-ed448", "ed448-ca.pem", "-cert_chain of-ed448.pem", INTERMEDIATE_ED448),
    // Certificates that sign themselves: as in most guides, and by Debian's openssl.cnf, they say
    // that they are a CA's.
    ("guide", "guide.pem", "", TRUSTED),
    ("guide", "guide.der", "", TRUSTED),
    ("guide", "ca.pem", "", SELF_SIGNED),
    ("guide", "leaf.pem", "", SELF_SIGNED),
    ("leaf", "leaf.pem", "", TRUSTED),
    ("leaf", "ca.pem", "", SELF_SIGNED),
    // The server's own certificate, which a CA has issued.
    ("rsa", "rsa.pem", "", TRUSTED),
    // Names.
    ("elsewhere", "ca.pem", "", ELSEWHERE),
    ("addresses", "ca.pem", "", ADDRESSES),
    ("wildcard", "ca.pem", "", WILDCARD),
    (
        "rsa",
        "ca.pem",
        "-servername other.example -servername_fatal -cert2 rsa.pem -key2 rsa.key",
        UNKNOWN_NAME,
    ),
    ("nameless", "nameless.pem", "", NAMELESS),
    ("nameless-ca", "nameless-ca.pem", "", NAMELESS),
    // What a certificate says beside.
    ("version-1", "version-1.pem", "", VERSION_1),
    ("version-1", "ca.pem", "", VERSION_1),
    // A root of version 1 says nothing about what it is for, and may issue.
    ("of-version-1", "version-1.pem", "", TRUSTED),
    ("critical", "ca.pem", "", CRITICAL),
    ("for-clients", "ca.pem", "", FOR_CLIENTS),
    ("of-constrained-ca", "constrained-ca.pem", "", CONSTRAINED),
    ("guide-for-clients", "guide-for-clients.pem", "", FOR_CLIENTS),
    // Issuers that are no CA by their basic constraints.
    ("of-leaf", "leaf.pem", "", NO_CA),
    ("of-key-usage", "key-usage.pem", "", NO_CA),
    ("of-critical-leaf", "critical-leaf.pem", "", NO_CA),
];

/// Makes the certificates.
pub fn certificates() -> OpenSsl {
    let made = OpenSsl::new();
    for (name, key, section, common_name) in [
        ("ca", RSA, "ca", "ca"),
        ("weak-ca", "rsa:1024", "ca", "weak-ca"),
        ("p521-ca", P_521, "ca", "p521-ca"),
        ("constrained-ca", P_256, "constrained-ca", "constrained-ca"),
        ("ed448-ca", "ed448", "ca", "ed448-ca"),
        ("pss-ca", RSA_PSS, "ca", "pss-ca"),
        ("guide", RSA, "guide", "localhost"),
        ("guide-for-clients", P_256, "guide-for-clients", "localhost"),
        ("key-usage", P_256, "key-usage", "key-usage"),
        ("critical-leaf", P_256, "critical", "critical-leaf"),
        ("leaf", RSA, "server", "localhost"),
        ("nameless", RSA, "nameless", "localhost"),
        ("nameless-ca", RSA, "ca", "localhost"),
    ] {
        made.make(name, key, section, common_name);
    }
    made.make_version_1("version-1");
    made.run("x509 -in guide.pem -outform der -out guide.der");
    made.run("x509 -in guide.pem -trustout -addtrust serverAuth -out guide.trusted");
    let pss =
        |salt: &str| format!("-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt}");
    for (issuer, name, key, section, more) in [
        ("ca", "rsa", RSA, "server", ""),
        ("ca", "pss", P_256, "server", &*pss("32")),
        ("ca", "odd-pss", P_256, "server", &pss("20")),
        ("ca", "max-pss", P_256, "server", &pss("max")),
        ("ca", "sha-1", P_256, "server", "-sha1"),
        ("ca", "rsa-1024", "rsa:1024", "server", ""),
        ("ca", "weak", "rsa:1024", "ca", ""),
        ("weak", "of-weak", P_256, "server", ""),
        ("weak-ca", "of-weak-ca", P_256, "server", ""),
        ("p521-ca", "of-p521-ca", P_256, "server", "-sha256"),
        ("p521-ca", "of-p521-ca-by-sha-512", P_256, "server", "-sha512"),
        ("ed448-ca", "of-ed448-ca", P_256, "server", ""),
        ("ed448-ca", "of-ed448", P_256, "ca", ""),
        ("of-ed448", "of-of-ed448", P_256, "server", ""),
        ("pss-ca", "of-pss-ca", P_256, "server", ""),
        ("ca", "pss-key", RSA_PSS, "server", ""),
        ("ca", "p521", P_521, "server", ""),
        ("ca", "ed448", "ed448", "server", ""),
        ("ca", "between", P_256, "ca", ""),
        ("between", "of-between", P_256, "server", ""),
        ("ca", "for-clients-ca", P_256, "client-ca", ""),
        ("for-clients-ca", "of-for-clients-ca", P_256, "server", ""),
        ("ca", "sha-1-ca", P_256, "ca", "-sha1"),
        ("sha-1-ca", "of-sha-1-ca", P_256, "server", ""),
        ("ca", "elsewhere", P_256, "elsewhere", ""),
        ("ca", "addresses", P_256, "addresses", ""),
        ("ca", "named-address", P_256, "named-address", ""),
        ("ca", "wildcard", P_256, "wildcard", ""),
        ("ca", "critical", P_256, "critical", ""),
        ("ca", "for-clients", P_256, "for-clients", ""),
        ("constrained-ca", "of-constrained-ca", P_256, "server", ""),
        ("version-1", "of-version-1", P_256, "server", ""),
        ("leaf", "of-leaf", P_256, "server", ""),
        ("key-usage", "of-key-usage", P_256, "server", ""),
        ("critical-leaf", "of-critical-leaf", P_256, "server", ""),
    ] {
        made.issue(issuer, name, key, section, more);
    }
    let certificate = fs::read_to_string(made.path("ca.pem")).unwrap();
    fs::write(made.path("long-chain.pem"), certificate.repeat(20)).unwrap();
    fs::write(made.path("too-long-chain.pem"), certificate.repeat(300)).unwrap();
    made
}
