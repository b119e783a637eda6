//! Real servers, and what the program says about them: whether they check passwords and names.

use super::mounted::Mounted;
use crate::support::apache::Apache;
use crate::support::asgiwebdav::AsgiWebdav;
use crate::support::checker::{PASSWORD, SUCCEEDS, USER, says};
use crate::support::copyparty::Copyparty;
use crate::support::web_server::WebServer;
use crate::support::{dav_server, radicale};

const ACCOUNTS: [(&str, &str); 2] = [(USER, PASSWORD), ("bob@example.com", "battery staple")];

/// Checks a login with the right password.
fn finds(mounted: &Mounted, server: &WebServer, options: &[&str], status: i32, expected: &[&str]) {
    mounted.configure_without_server();
    let (url, ca_file) = (server.url(), server.ca_file());
    let own = ["--url", &url, "--ca-file", ca_file.to_str().unwrap()];
    let (found, text) = mounted.check(&[&own, options].concat());
    says(&text, expected);
    assert_eq!(found, status, "{text}");
}

#[test]
fn servers_that_accept_any_password_are_found() {
    let mounted = Mounted::new();
    let radicale = radicale::start_without_authentication(&mounted.ca);
    let apache = Apache::start_anonymous(&mounted.ca);
    let any = "✗ refusal     this server accepts any password";
    for server in [&radicale, apache.server()] {
        finds(&mounted, server, &[], 1, &["✓ server      asks for a password", "✓ again", any]);
    }
}

#[test]
fn a_server_that_looks_at_the_password_alone_is_found() {
    let mounted = Mounted::new();
    let alone = "✗ refusal     this server looks at the password alone";
    let copyparty = Copyparty::start(&mounted.ca, &ACCOUNTS, false);
    finds(&mounted, copyparty.server(), &[], 1, &["✓ again", alone, "its option usernames"]);
    let mut copyparty = Copyparty::start(&mounted.ca, &ACCOUNTS, true);
    let both = "✓ refusal     a random password is refused: 401";
    finds(&mounted, copyparty.server(), &[], 0, &[both, "a random name is refused", SUCCEEDS]);
    copyparty.restart(&ACCOUNTS[1..]);
    finds(&mounted, copyparty.server(), &[], 1, &["✗ password    401"]);
}

#[test]
fn a_server_that_offers_only_digest_or_nothing_is_fit_if_it_refuses_wrong_passwords() {
    let mounted = Mounted::new();
    let refused = "✓ refusal     a random password is refused: 401 Unauthorized; a random name is";
    for (is_public, server) in [
        (false, "! the server offers only Digest, but may take Basic all the same"),
        (true, "✓ server      answers 207 Multi-Status without a password"),
    ] {
        let mut asgiwebdav = AsgiWebdav::start(&mounted.ca, &ACCOUNTS, is_public);
        finds(&mounted, asgiwebdav.server(), &[], 0, &[server, refused, SUCCEEDS]);
        asgiwebdav.restart(&[(USER, "another one"), ACCOUNTS[1]]);
        finds(&mounted, asgiwebdav.server(), &[], 1, &["✗ password    401"]);
    }
}

#[test]
fn a_server_on_the_crate_dav_server_is_fit() {
    let mounted = Mounted::new();
    let server = dav_server::start(&mounted.ca, &ACCOUNTS);
    let refused = "✓ refusal     a random password is refused: 401 Unauthorized; a random name is";
    finds(&mounted, &server, &[], 0, &[refused, SUCCEEDS]);
    dav_server::set_accounts(&server, &[(USER, "another one")]);
    finds(&mounted, &server, &[], 1, &["✗ password    401"]);
}

#[test]
fn a_withdrawn_right_is_explained_by_the_status() {
    let mounted = Mounted::new();
    let apache = Apache::start_subversion(&mounted.ca, &ACCOUNTS, &[USER]);
    finds(&mounted, apache.server(), &[], 0, &["✓ refusal", SUCCEEDS]);
    apache.set_readers(&[]);
    let expected = ["✗ password    403 Forbidden: a firewall, WAF or proxy may forbid PROPFIND"];
    finds(&mounted, apache.server(), &[], 1, &expected);
    let list = ["--failure-status", "401, 403"];
    let expected = ["✗ password    403 Forbidden: wrong user name or password"];
    finds(&mounted, apache.server(), &list, 1, &expected);
}
