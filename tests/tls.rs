//! The error texts for outdated servers and certificates, which OpenSSL makes. Certificates that
//! rcgen can make are tested in `src/http/verifier.rs`.

mod support;

use support::nginx::Nginx;
use support::openssl::OpenSsl;
use support::world::World;

const RSA: &str = "rsa:2048";
const P_256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const P_521: &str = "ec -pkeyopt ec_paramgen_curve:P-521";

/// A generous timeout, because only the texts are tested.
const DEADLINES: &str = "timeout_msecs = 30000, connect_timeout_msecs = 20000";

/// All ciphers of OpenSSL, including weak ones.
const WEAK: &str = "-cipher ALL:@SECLEVEL=0";

const KEY_SIZE: &str = "the RSA key of the certificate or of its issuer is too weak, ";
const SIGNATURE: &str = "the certificate is signed by an algorithm that is not supported, ";
const VERSION_1: &str = "the certificate is of X.509 version 1; ";
const NOTHING_IN_COMMON: &str =
    "the server supports no common TLS version, cipher or key type; it needs TLS 1.3, or 1.2 with ";
const TOO_OLD: &str = "the server's TLS is too old; ";
const CLIENT_CERTIFICATE: &str = "the server requires a client certificate, ";
const TOO_LONG: &str = "the server's certificate chain is too long; ";

/// The verdict. If it is not `ok`, also the text after `tls: `.
fn verify(made: &OpenSsl, ca_file: &str, port: u16) -> (String, String) {
    let world = World::new();
    let ca_file = made.path(ca_file);
    let get = "method = 'GET', success_status = 200, principal = 'any'";
    world.client(port, &format!("ca_file = {ca_file:?}, {get}, {DEADLINES}"));
    let (word, text) = world.verify(b"alice", b"secret", None);
    println!("{word}: {text}");
    if word == "ok" {
        return (word, String::new());
    }
    let said = text.strip_prefix("tls: ").unwrap_or_else(|| panic!("{text}"));
    assert!(said.chars().count() <= 250 && !said.contains(['{', '\n']), "{said}");
    (word, said.into())
}

/// Asserts that the error for a server with the certificate `server` begins with `said`. If `said`
/// is empty, asserts that the verdict is `ok`.
fn tells(made: &OpenSsl, ca_file: &str, server: &str, how: &str, said: &str) {
    let (_process, port) = made.serve(server, how);
    let (word, text) = verify(made, ca_file, port);
    assert_eq!(word == "ok", said.is_empty(), "{text}");
    assert!(text.starts_with(said), "{said}: {text}");
}

#[test]
fn keys_and_signatures_that_are_not_supported_are_named() {
    let made = OpenSsl::new();
    made.make_ca("ca", RSA);
    made.make_ca("weak-ca", "rsa:1024");
    made.make_ca("p521-ca", P_521);
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:";
    for (ca, key, more, how, said) in [
        ("ca", RSA, "", "", ""),
        ("ca", P_256, &*format!("-sha256 {pss}32"), "", ""),
        ("ca", "rsa:1024", "", &*format!("{WEAK} -tls1_3"), KEY_SIZE),
        ("ca", "rsa:1024", "", &format!("{WEAK} -tls1_2"), KEY_SIZE),
        ("weak-ca", P_256, "", "", KEY_SIZE),
        ("p521-ca", P_256, "-sha256", "", "the certificate, or its issuer, has a key that is not "),
        ("p521-ca", P_256, "-sha512", "", SIGNATURE),
        ("ca", P_256, "-sha1", WEAK, SIGNATURE),
        ("ca", P_256, &format!("-sha256 {pss}20"), "", SIGNATURE),
        ("ca", P_521, "", "", NOTHING_IN_COMMON),
        ("ca", "ed448", "", "", NOTHING_IN_COMMON),
    ] {
        made.issue(ca, key, more);
        tells(&made, &format!("{ca}.pem"), "server", how, said);
    }
    made.run(
        "req -x509 -CA ca.pem -CAkey ca.key -newkey rsa:1024 -nodes -keyout between.key \
         -out between.pem -days 30 -subj /CN=between -extensions ca",
    );
    made.issue("between", P_256, "");
    let how = format!("{WEAK} -cert_chain {}", made.path("between.pem").display());
    tells(&made, "ca.pem", "server", &how, KEY_SIZE);
}

#[test]
fn versions_and_ciphers_that_are_not_supported_are_named() {
    let made = OpenSsl::new();
    made.make_ca("ca", P_256);
    made.issue("ca", RSA, "");
    for (how, said) in [
        ("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", ""),
        ("-tls1_2 -cipher ECDHE-RSA-AES128-SHA", NOTHING_IN_COMMON),
        ("-tls1_2 -cipher AES128-GCM-SHA256", NOTHING_IN_COMMON),
        ("-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", NOTHING_IN_COMMON),
        ("-tls1_2 -curves X448", NOTHING_IN_COMMON),
        ("-tls1_1 -cipher ALL:@SECLEVEL=0", TOO_OLD),
        ("-tls1 -cipher ALL:@SECLEVEL=0", TOO_OLD),
        ("-tls1_3 -Verify 1", CLIENT_CERTIFICATE),
        // With TLS 1.2, the server sends the same alert as if it had no common cipher.
        ("-tls1_2 -Verify 1", NOTHING_IN_COMMON),
        // A server that only requests a client certificate accepts connections without one.
        ("-verify 1", ""),
    ] {
        tells(&made, "ca.pem", "server", how, said);
    }
}

#[test]
fn a_chain_that_is_too_long_is_named() {
    let made = OpenSsl::new();
    made.make_ca("ca", P_256);
    made.issue("ca", P_256, "");
    let certificate = std::fs::read_to_string(made.path("ca.pem")).unwrap();
    for (certificates, said) in [(20, ""), (300, TOO_LONG)] {
        let chain = made.path("chain.pem");
        std::fs::write(&chain, certificate.repeat(certificates)).unwrap();
        let how = format!("-cert_chain {}", chain.display());
        tells(&made, "ca.pem", "server", &how, said);
    }
}

#[test]
fn home_made_certificates_in_ca_file_are_trusted_or_the_reason_is_named() {
    let made = OpenSsl::new();
    made.make_ca("ca", P_256);
    // Made as in most guides, with Debian's configuration. The certificate claims to be a CA.
    for (name, extensions) in [("ca-itself", "ca"), ("leaf", "server"), ("bare", "nameless")] {
        made.run(&format!(
            "req -x509 -newkey {RSA} -nodes -keyout {name}.key -out {name}.pem -days 30 \
             -subj /CN=localhost -extensions {extensions}"
        ));
    }
    made.run(&format!(
        "req -x509 -newkey {RSA} -nodes -keyout guide.key -out guide.pem -days 30 \
         -subj /CN=localhost -extensions ca -addext subjectAltName=DNS:localhost"
    ));
    made.make_version_1("version-1");
    made.run("x509 -in guide.pem -outform der -out guide.der");
    made.run("x509 -in guide.pem -trustout -addtrust serverAuth -out guide.trusted");
    let self_signed = "the certificate is self-signed and not in ca_file; ";
    let nameless = "the certificate has no host name in a subjectAltName ";
    for (server, ca_file, said) in [
        ("guide", "guide.pem", ""),
        ("guide", "guide.der", ""),
        ("leaf", "leaf.pem", ""),
        ("guide", "ca.pem", self_signed),
        ("leaf", "ca.pem", self_signed),
        // Another certificate of the same name.
        ("leaf", "guide.pem", self_signed),
        ("guide", "leaf.pem", self_signed),
        ("bare", "bare.pem", nameless),
        ("ca-itself", "ca-itself.pem", nameless),
        ("version-1", "version-1.pem", VERSION_1),
        ("version-1", "ca.pem", VERSION_1),
    ] {
        tells(&made, ca_file, server, "", said);
    }
    // A root of version 1 cannot say what it is for, and is accepted as an issuer.
    made.issue("version-1", P_256, "");
    tells(&made, "version-1.pem", "server", "", "");

    let world = World::new();
    let trusted = made.path("guide.trusted");
    let raised = world.raised(&format!(
        "httpbasic.client {{ url = 'https://localhost/', ca_file = {trusted:?} }}"
    ));
    assert!(raised.contains("ca_file holds a certificate in OpenSSL's own format"), "{raised}");
}

#[test]
fn a_server_may_require_a_client_certificate_by_the_status_400() {
    let world = World::new();
    let nginx = Nginx::start_requiring_client_certificate(&world.ca);
    world.run(&format!(
        "client = httpbasic.client {{ url = {:?}, ca_file = {:?}, {DEADLINES} }}",
        nginx.url(),
        world.ca_file()
    ));
    let (word, text) = world.verify(b"alice", b"secret", None);
    assert_eq!(word, "unavailable");
    let said = "400 Bad Request: the server may require a client certificate, which httpbasic does not send";
    assert!(text.starts_with(said), "{text}");
}
