//! The error texts for outdated servers and certificates, which OpenSSL makes. Certificates that
//! rcgen can make are tested in `src/tls/verifier.rs`.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::nginx::Nginx;
use crate::support::old_tls::{CASES, certificates};
use crate::support::openssl::OpenSsl;
use crate::support::parallel;
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
                assert_eq!(word, "ok", "{text}");
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
