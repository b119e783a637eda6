//! Real servers in Dovecot with its cache on: who gets in, and that a password or a right that the
//! server has withdrawn stays out, also in an outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use crate::support::apache::Apache;
use crate::support::asgiwebdav::AsgiWebdav;
use crate::support::ca::Ca;
use crate::support::copyparty::Copyparty;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::http::{Server, answer, principal, refusal};
use crate::support::web_server::WebServer;
use crate::support::{dav_server, radicale};

on_each_dovecot! {
    a_changed_password_stays_out_with_a_server_that_offers_only_digest
    a_changed_password_stays_out_with_a_server_that_offers_only_bearer
    a_misspelt_boolean_keeps_dovecot_from_authenticating
    a_refused_password_stays_out_with_each_word_for_yes
}

const USER: &str = "alice@example.com";
const PASSWORD: &str = "correct horse";
const OTHER: (&str, &str) = ("bob@example.com", "battery staple");
const ACCOUNTS: [(&str, &str); 2] = [(USER, PASSWORD), OTHER];

/// A Dovecot with the cache settings of the examples, but everything expires after a second.
fn dovecot(version: Version, url: &str, settings: &[(&'static str, &str)]) -> Dovecot {
    let setup = Setup::new(url, None).with("cache_key_has_password", "true");
    let setup = settings.iter().fold(setup, |setup, (name, value)| setup.with(name, value));
    let setup = Setup { args: "cache_key=%u:%w", cache_secs: Some((1, 1)), ..setup };
    Dovecot::start(version, &setup)
}

/// The same for one of the web servers, with the machine's own version.
fn of(server: &WebServer, settings: &[(&'static str, &str)]) -> Dovecot {
    let ca_file = server.ca_file();
    let ca_file = [("ca_file", ca_file.to_str().unwrap())];
    dovecot(Version::own(), &server.url(), &[&ca_file, settings].concat())
}

fn expire() {
    sleep(Duration::from_millis(2100));
}

fn is_refused(dovecot: &Dovecot, user: &str, password: &str) {
    let test = dovecot.auth_test(None, user, password);
    assert!(test.is_refused(), "{user}, {password}: {test:?}\n{}", dovecot.log());
}

fn succeeds(dovecot: &Dovecot, user: &str, password: &str) {
    let test = dovecot.auth_test(None, user, password);
    assert!(test.succeeded, "{user}, {password}: {test:?}\n{}", dovecot.log());
}

/// Only the right password gets in, before and after the cache expires.
fn only_the_right_password_gets_in(dovecot: &Dovecot) {
    succeeds(dovecot, USER, PASSWORD);
    is_refused(dovecot, USER, "wrong");
    is_refused(dovecot, "nobody@example.com", PASSWORD);
    is_refused(dovecot, OTHER.0, PASSWORD);
    succeeds(dovecot, USER, PASSWORD);
}

/// The former password stays out, now and in an outage.
fn stays_out(dovecot: &Dovecot, stop: impl FnOnce()) {
    is_refused(dovecot, USER, PASSWORD);
    stop();
    is_refused(dovecot, USER, PASSWORD);
    expire();
    is_refused(dovecot, USER, PASSWORD);
}

fn a_changed_password_stays_out_with_a_server_that_offers_only_digest(version: Version) {
    let mut server = AsgiWebdav::start(&Ca::new(), &ACCOUNTS, false);
    let dovecot = dovecot(version, &server.server().url(), &[]);
    only_the_right_password_gets_in(&dovecot);
    expire();
    server.restart(&[(USER, "a new one"), OTHER]);
    stays_out(&dovecot, || drop(server));
}

fn a_changed_password_stays_out_with_a_server_that_offers_only_bearer(version: Version) {
    use std::sync::Arc;
    let is_changed = Arc::new(AtomicBool::new(false));
    let shared = is_changed.clone();
    let server = Server::answering(None, move |request| {
        let is_right = request.credentials() == b"alice@example.com:correct horse";
        match is_right && !shared.load(Relaxed) {
            true => principal(USER),
            false => b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n\
                       Content-Length: 0\r\n\r\n"
                .to_vec(),
        }
    });
    let dovecot = dovecot(version, &format!("http://127.0.0.1:{}/dav/", server.port), &[]);
    only_the_right_password_gets_in(&dovecot);
    expire();
    is_changed.store(true, Relaxed);
    stays_out(&dovecot, || drop(server));
}

#[test]
fn a_removed_account_stays_out_with_copyparty() {
    let mut server = Copyparty::start(&Ca::new(), &ACCOUNTS, true);
    let dovecot = of(server.server(), &[]);
    only_the_right_password_gets_in(&dovecot);
    expire();
    server.restart(&[OTHER]);
    stays_out(&dovecot, || drop(server));
}

#[test]
fn a_removed_account_stays_out_with_a_server_on_the_crate_dav_server() {
    let server = dav_server::start(&Ca::new(), &ACCOUNTS);
    let dovecot = of(&server, &[]);
    only_the_right_password_gets_in(&dovecot);
    expire();
    dav_server::set_accounts(&server, &[OTHER]);
    stays_out(&dovecot, || drop(server));
}

#[test]
fn a_withdrawn_right_stays_out_if_failure_status_contains_its_status() {
    let server = Apache::start_subversion(&Ca::new(), &ACCOUNTS, &[USER, OTHER.0]);
    let dovecot = of(server.server(), &[("failure_status", "401, 403")]);
    only_the_right_password_gets_in(&dovecot);
    expire();
    server.set_readers(&[OTHER.0]);
    stays_out(&dovecot, || drop(server));
}

/// Dovecot cannot know this. httpbasic-check finds out.
#[test]
fn a_server_that_does_not_check_passwords_or_names_lets_others_in() {
    let ca = Ca::new();
    let (radicale, anonymous) =
        (radicale::start_without_authentication(&ca), Apache::start_anonymous(&ca));
    for server in [&radicale, anonymous.server()] {
        let dovecot = of(server, &[]);
        succeeds(&dovecot, USER, PASSWORD);
        succeeds(&dovecot, USER, "wrong");
        succeeds(&dovecot, "nobody@example.com", PASSWORD);
    }
    let copyparty = Copyparty::start(&ca, &ACCOUNTS, false);
    let dovecot = of(copyparty.server(), &[]);
    succeeds(&dovecot, USER, PASSWORD);
    is_refused(&dovecot, USER, "wrong");
    succeeds(&dovecot, "nobody@example.com", PASSWORD);
    succeeds(&dovecot, OTHER.0, PASSWORD);
}

/// Such a server's URL. None of these settings needs an answer.
fn with_boolean(version: Version, url: &str, value: &str) -> Dovecot {
    let setup = Setup::new(url, None).with("cache_key_has_password", value);
    Dovecot::start(version, &Setup { args: "cache_key=%u:%w", cache_secs: Some((1, 1)), ..setup })
}

fn a_misspelt_boolean_keeps_dovecot_from_authenticating(version: Version) {
    for value in ["ja", "0", "on", ""] {
        let dovecot = with_boolean(version, "http://127.0.0.1:1/", value);
        assert!(!dovecot.auth_test(None, USER, PASSWORD).succeeded);
        let expected = format!("cache_key_has_password expected true or false, got {value}");
        assert!(dovecot.has_logged(&expected, 1), "{}", dovecot.log());
    }
}

fn a_refused_password_stays_out_with_each_word_for_yes(version: Version) {
    for value in ["Yes", "1", "y", "TRUE"] {
        let is_down = Arc::new(AtomicBool::new(false));
        let shared = is_down.clone();
        let server = Server::answering(None, move |_| match shared.load(Relaxed) {
            true => answer("502 Bad Gateway", ""),
            false => refusal(),
        });
        let url = format!("http://127.0.0.1:{}/", server.port);
        let dovecot = with_boolean(version, &url, value);
        is_refused(&dovecot, USER, PASSWORD);
        is_down.store(true, Relaxed);
        expire();
        // Dovecot falls back to the expired entry, which says that the user is unknown.
        is_refused(&dovecot, USER, PASSWORD);
    }
}
