//! The error texts for outdated servers and certificates, which OpenSSL makes. Certificates that
//! rcgen can make are tested in `src/tls/verifier.rs`.

use crate::support::nginx::Nginx;
use crate::support::old_tls::{CASES, certificates};
use crate::support::parallel;
use crate::support::world::World;

/// Generous, since only the texts are tested.
const DEADLINES: &str = "timeout_msecs = 30000, connect_timeout_msecs = 20000";

#[test]
fn what_is_wrong_with_a_servers_tls_is_named_with_the_remedy() {
    let made = certificates();
    let get = "method = 'GET', success_status = 200, principal = 'any'";
    parallel::each(CASES, || {
        |(server, ca_file, how, (cause, remedy))| {
            let (_process, port) = made.serve(server, how);
            let world = World::new();
            let ca_file = made.path(ca_file);
            world.client(port, &format!("ca_file = {ca_file:?}, {get}, {DEADLINES}"));
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
