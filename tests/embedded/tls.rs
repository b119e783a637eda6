//! The error texts for outdated servers and certificates, which OpenSSL makes. Certificates that
//! rcgen can make are tested in `src/tls/verifier.rs`.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::debian::Debian;
use crate::support::nginx::Nginx;
use crate::support::old_tls::{CASES, certificates};
use crate::support::openssl::OpenSsl;
use crate::support::parallel;
use crate::support::port;
use crate::support::world::World;

/// Generous, since only the texts are tested.
const DEADLINES: &str = "timeout_msecs = 30000, connect_timeout_msecs = 20000";

/// For the web server of OpenSSL.
const GET: &str = "method = 'GET', success_status = 200, principal = 'any'";

#[test]
fn what_is_wrong_with_a_servers_tls_is_named_with_the_remedy() {
    let made = certificates();
    parallel::each(CASES, || {
        |(server, ca_file, how, (cause, remedy))| {
            let (_process, port) = made.serve(server, how);
            let world = World::new();
            let ca_file = made.path(ca_file);
            world.client(port, &format!("ca_file = {ca_file:?}, {GET}, {DEADLINES}"));
            let (word, text) = world.verify(b"alice", b"secret", None);
            if cause.is_empty() {
                assert_eq!(word, "ok", "{server} {how}: {text}");
                return;
            }
            let expected = format!("tls: {cause}; {remedy}");
            assert!(word == "unavailable" && text.starts_with(&expected), "{server} {how}: {text}");
            assert!(text.chars().count() <= 300 && !text.contains(['{', '\n']), "{text}");
        }
    });
}

#[test]
fn an_address_as_a_dns_name_is_told_from_one_as_an_ip_address() {
    let made = certificates();
    let (_process, port) = made.serve("named-address", "");
    let (world, ca_file) = (World::new(), made.path("ca.pem"));
    world.run(&format!(
        "client = httpbasic.client {{ url = 'https://127.0.0.1:{port}/', ca_file = {ca_file:?}, \
         {GET}, {DEADLINES} }}"
    ));
    let (word, text) = world.verify(b"alice", b"secret", None);
    let expected = "tls: the certificate has 127.0.0.1 as a DNS name, not as an IP address; have it \
                    issued again with IP:127.0.0.1 as subjectAltName";
    assert!(word == "unavailable" && text.starts_with(expected), "{text}");
}

#[test]
fn a_changed_ca_file_counts_for_clients_that_are_made_later() {
    let (world, made) = (World::new(), certificates());
    let (_process, port) = made.serve("rsa", "");
    let ca_file = made.path("changing.pem");
    let options = format!("ca_file = {ca_file:?}, {GET}, {DEADLINES}");
    fs::copy(made.path("ca.pem"), &ca_file).unwrap();
    world.client(port, &options);
    for content in [&fs::read(made.path("weak-ca.pem")).unwrap()[..], b"half a file", b""] {
        fs::write(&ca_file, content).unwrap();
        let (word, text) = world.verify(b"alice", b"secret", None);
        assert_eq!(word, "ok", "{text}");
    }
    let raised = world.raised(&format!("httpbasic.client {}", world.options(port, &options)));
    assert!(raised.contains("ca_file is empty: "), "{raised}");
    fs::copy(made.path("weak-ca.pem"), &ca_file).unwrap();
    world.client(port, &options);
    let (word, text) = world.verify(b"alice", b"secret", None);
    assert!(word == "unavailable" && text.contains("issuer is not trusted; "), "{text}");
}

#[test]
fn a_session_is_resumed_until_the_certificate_expires() {
    parallel::each(["-tls1_2", "-tls1_3"], || {
        |version| {
            let (world, made) = (World::new(), OpenSsl::new());
            let left = Duration::from_secs(20);
            let identity = world.ca.issue_for(&["localhost"], left, left);
            let expired = Instant::now() + left + Duration::from_secs(2);
            fs::write(made.path("short.pem"), identity.certificate).unwrap();
            fs::write(made.path("short.key"), identity.key).unwrap();
            // It closes each connection after the answer.
            let (_process, port) =
                made.serve("short", &format!("{version} -msg -msgfile messages"));
            world.client(port, &format!("{GET}, {DEADLINES}"));
            for _ in 0..3 {
                let (word, text) = world.verify(b"alice", b"secret", None);
                assert_eq!(word, "ok", "{text}\n{}", made.log(port));
            }
            let messages = fs::read_to_string(made.path("messages")).unwrap();
            let shown = messages.lines().filter(|line| line.ends_with(", Certificate")).count();
            assert_eq!(shown, 1, "of 3 handshakes, one is full: {messages}");
            std::thread::sleep(expired.saturating_duration_since(Instant::now()));
            let (word, text) = world.verify(b"alice", b"secret", None);
            assert_eq!(word, "unavailable", "{text}");
            assert!(text.starts_with("tls: the certificate expired on "), "{text}");
        }
    });
}

/// The OpenSSL of Debian 12 knows none of it.
#[test]
fn on_debian_13_a_post_quantum_server_is_told_what_it_lacks() {
    let (mut debian, made) = (Debian::start("13"), OpenSsl::new());
    made.make("ca", "ec -pkeyopt ec_paramgen_curve:P-256", "ca", "ca");
    let folder = made.path("");
    for (issuer, ca_key) in [("ml-dsa", "ML-DSA-65"), ("slh-dsa", "SLH-DSA-SHA2-128f")] {
        debian.run(&format!(
            "cd {folder:?}; export OPENSSL_CONF=openssl.cnf; \
             openssl req -x509 -newkey {ca_key} -nodes -keyout {issuer}.key -out {issuer}.pem \
             -days 30 -subj /CN={issuer} -extensions ca"
        ));
    }
    for issuer in ["ca", "ml-dsa", "slh-dsa"] {
        debian.run(&format!(
            "cd {folder:?}; export OPENSSL_CONF=openssl.cnf; \
             openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
             -keyout of-{issuer}.key -out of-{issuer}.pem -days 30 -subj /CN=of-{issuer} \
             -extensions server -CA {issuer}.pem -CAkey {issuer}.key"
        ));
    }
    let key = "tls: the issuer of the certificate has a key that is not supported (post-quantum); ";
    let nothing =
        "tls: the server supports no common TLS version, cipher, key exchange or key type; ";
    for (issuer, groups, word, expected) in [
        ("ca", "X25519MLKEM768:X25519", "ok", ""),
        ("ca", "X25519MLKEM768", "unavailable", nothing),
        ("ca", "MLKEM768", "unavailable", nothing),
        ("ml-dsa", "X25519", "unavailable", key),
        ("slh-dsa", "X25519", "unavailable", key),
    ] {
        let port = port::free();
        debian.run(&format!(
            "cd {folder:?}; openssl s_server -www -quiet -accept 127.0.0.1:{port} \
             -cert of-{issuer}.pem -key of-{issuer}.key -groups {groups} >{port}.log 2>&1 &
             until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done"
        ));
        let (world, ca_file) = (World::new(), made.path(&format!("{issuer}.pem")));
        world.client(port, &format!("ca_file = {ca_file:?}, {GET}, {DEADLINES}"));
        let (found, text) = world.verify(b"alice", b"secret", None);
        assert!(found == word && text.starts_with(expected), "{issuer} {groups}: {found} {text}");
    }
}

#[test]
fn a_certificate_in_openssls_own_format_is_named() {
    let made = certificates();
    let (world, trusted) = (World::new(), made.path("guide.trusted"));
    let raised = world.raised(&format!(
        "httpbasic.client {{ url = 'https://localhost/', ca_file = {trusted:?} }}"
    ));
    assert!(raised.contains("ca_file contains a certificate in OpenSSL's own format"), "{raised}");
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
    let expected = "400 Bad Request: the server may require a client certificate, which httpbasic does not send";
    assert!(text.starts_with(expected), "{text}");
}
