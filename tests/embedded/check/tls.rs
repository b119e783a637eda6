//! TLS beyond the table of findings.

use std::time::Duration;

use super::mounted::Mounted;
use crate::support::checker::honest;
use crate::support::http::Server;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn a_certificate_that_expires_soon_for_its_lifetime_gets_a_warning() {
    let mounted = Mounted::new();
    for (lifetime, left, expected) in [
        (90 * DAY, HOUR / 2 - HOUR / 100, "! the certificate has only 29 minutes left: "),
        (90 * DAY, 14 * DAY - HOUR, "! the certificate has only 13 days left: "),
        (90 * DAY, 15 * DAY, ""),
        // Certificates for some days, as Let's Encrypt issues them, and for hours.
        (6 * DAY, 3 * DAY, ""),
        (6 * DAY, 2 * DAY - HOUR / 2, "! the certificate has only 47 hours left: "),
        (12 * HOUR, 5 * HOUR, ""),
        (12 * HOUR, 4 * HOUR - HOUR / 2, "! the certificate has only 3 hours left: "),
    ] {
        let identity = mounted.ca.issue_for(&["localhost"], lifetime - left, left);
        let server = Server::answering(Some(&identity), honest);
        mounted.configure(server.port, "");
        let (status, text) = mounted.check(&[]);
        assert_eq!(status, 0, "{text}");
        assert!(text.contains(expected) && text.contains('!') != expected.is_empty(), "{text}");
    }
}
