//! TLS beyond the table of findings.

use super::mounted::Mounted;
use crate::support::checker::honest;
use crate::support::http::Server;

#[test]
fn a_certificate_that_expires_soon_gets_a_warning() {
    let mounted = Mounted::new();
    for (days, expected) in [
        (0, "! the certificate has only 0 days left: "),
        (1, "! the certificate has only 1 day left: "),
        (13, "! the certificate has only 13 days left: "),
        (20, ""),
    ] {
        let identity = mounted.ca.issue_for_days(&["localhost"], days);
        let server = Server::answering(Some(&identity), honest);
        mounted.configure(server.port, "");
        let (status, text) = mounted.check(&[]);
        assert_eq!(status, 0, "{text}");
        assert!(text.contains(expected) && text.contains('!') != expected.is_empty(), "{text}");
    }
}
