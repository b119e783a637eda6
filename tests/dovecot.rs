//! The library and the script in a real Dovecot, against real web servers.

mod support;

use std::fs;

use support::apache::Apache;
use support::ca::Ca;
use support::dovecot::{Dovecot, Setup};
use support::nginx::Nginx;

const ACCOUNTS: &[(&str, &str)] = &[("alice@example.com", "correct horse"), ("bob", "grüß:Gott")];

/// A CA and its certificate in a file.
fn ca() -> (Ca, tempfile::NamedTempFile) {
    use std::os::unix::fs::PermissionsExt;
    let ca = Ca::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), ca.pem()).unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    (ca, file)
}

#[test]
fn a_right_password_logs_in_and_a_wrong_one_does_not() {
    let (ca, ca_file) = ca();
    let mut nginx = Nginx::start(&ca, ACCOUNTS);
    let dovecot = Dovecot::start(&Setup::new(&nginx.url(), ca_file.path()).with("debug", "true"));
    let t = dovecot.auth_test(Some("192.0.2.7"), "alice@example.com", "correct horse");
    println!("{t:?}");
    println!("{}", dovecot.imap_login("bob", "grüß:Gott"));
    println!("{}", dovecot.imap_login("bob", "x"));
    println!("{:?}", dovecot.auth_test(None, "bob", "x"));
    println!("{:?}", dovecot.doveadm(&["auth", "lookup", "bob"]));
    nginx.switch_off();
    println!("{:?}", dovecot.auth_test(None, "bob", "x"));
    println!("{}", nginx.requests().join("\n"));
    println!("{}", dovecot.log());
    let apache = Apache::start(&ca, ACCOUNTS);
    let dovecot = Dovecot::start(&Setup::new(&apache.url(), ca_file.path()));
    println!("{:?}", dovecot.auth_test(Some("192.0.2.7"), "alice@example.com", "correct horse"));
    println!("{:?}", dovecot.auth_test(Some("192.0.2.7"), "alice@example.com", "x"));
    println!("{}", apache.requests().join("\n"));
    println!("{}", dovecot.log());
}
