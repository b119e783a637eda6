//! TLS: the certificate is shown, and the words are those of the library.

use crate::mounted::{Mounted, honest};
use crate::support::ca::{Identity, self_signed};
use crate::support::http::Server;
use crate::support::openssl::OpenSsl;

fn check(mounted: &Mounted, identity: &Identity) -> (i32, String) {
    let server = Server::answering(Some(identity), honest);
    mounted.configure(server.port, "");
    mounted.check(&[])
}

#[test]
fn a_certificate_that_is_not_trusted_is_shown_with_the_remedy() {
    let mounted = Mounted::new();
    let other = crate::support::ca::Ca::new();
    for (identity, said, shown) in [
        (
            other.issue(&["localhost"]),
            "set ca_file",
            "(it is a certificate for localhost from CN=httpbasic throwaway CA, ",
        ),
        (self_signed(&["localhost"]), "self-signed", "certificate for localhost from CN=rcgen"),
        (
            mounted.ca.issue(&["a.example", "b.example", "c.example", "d.example", "e.example"]),
            "",
            "certificate for a.example, b.example, c.example, d.example and 1 more from ",
        ),
        (mounted.ca.issue_expired(&["localhost"]), "expired on 2020-12-31", "expired "),
        (mounted.ca.issue(&["127.0.0.1"]), "", "certificate for 127.0.0.1 from "),
    ] {
        let (status, text) = check(&mounted, &identity);
        let tells = text.contains("✗ TLS         tls: the certificate ") && text.contains(said);
        assert!(status == 1 && tells && text.contains(shown), "{said} {shown}\n{text}");
    }
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of() {
    let mounted = Mounted::new();
    for (days, is_warned) in [(3, true), (13, true), (20, false)] {
        let (status, text) = check(&mounted, &mounted.ca.issue_for_days(&["localhost"], days));
        assert_eq!(status, 0, "{text}");
        assert_eq!(text.contains("! the certificate has only "), is_warned, "{text}");
    }
}

#[test]
fn what_only_openssl_makes_is_told_in_the_librarys_words() {
    let mounted = Mounted::new();
    let made = OpenSsl::new();
    made.make_ca("ca", "rsa:2048");
    made.issue("ca", "rsa:2048", "");
    let weak = "-cipher ALL:@SECLEVEL=0";
    for (key, more, how, said) in [
        ("rsa:1024", "", weak, "the RSA key of the certificate or of its issuer is too weak"),
        ("rsa:2048", "-sha1", weak, "SHA-1"),
        ("ed448", "", "", "the server supports no common TLS version"),
        ("rsa:2048", "", "-tls1_1 -cipher ALL:@SECLEVEL=0", "the server's TLS is too old"),
        ("rsa:2048", "", "-tls1_3 -Verify 1", "the server requires a client certificate"),
    ] {
        made.issue("ca", key, more);
        let (_process, port) = made.serve("server", how);
        mounted.configure(port, "");
        let ca_file = made.path("ca.pem");
        let (status, text) = mounted.check(&["--ca-file", ca_file.to_str().unwrap()]);
        assert!(status == 1 && text.contains(said), "{said}\n{text}");
        assert!(!text.contains(['{', '}']), "{text}");
    }
}
