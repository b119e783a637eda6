//! The examples for docker-mailserver, in mail servers with its structure, with every protocol.

mod configuration;
mod mail_server;

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::dovecot::Version;
use crate::support::http::{Server, answer};
use crate::support::mail_client::{Protocol, imap_login_with_token};
use crate::support::metrics;
use crate::support::nextcloud::{Nextcloud, User};
use crate::support::port;
use configuration::{ALIAS, ALICE, FORMER, HOME, MASTER};
use mail_server::{Example, MailServer};

/// Turns each of these functions into four tests, one per example.
macro_rules! examples {
    ($($name:ident)*) => {
        mod on_debian_12 {
            mod ldap {
                $(#[test] fn $name() { crate::dms::$name(crate::dms::Example("dms-debian12/ldap")) })*
            }
            mod file {
                $(#[test] fn $name() { crate::dms::$name(crate::dms::Example("dms-debian12/file")) })*
            }
        }
        mod on_debian_13 {
            mod ldap {
                $(#[test] fn $name() { crate::dms::$name(crate::dms::Example("dms-debian13/ldap")) })*
            }
            mod file {
                $(#[test] fn $name() { crate::dms::$name(crate::dms::Example("dms-debian13/file")) })*
            }
        }
    };
}

examples! {
    the_web_servers_password_opens_the_mailbox_by_every_protocol
    an_email_address_never_opens_the_mailbox_of_another_user
    a_login_in_another_domain_opens_no_mailbox_and_asks_nobody
    internal_names_of_the_server_open_the_mailbox_under_the_documented_settings
    a_token_that_the_identity_provider_refuses_never_reaches_the_web_server
    an_outage_is_a_temporary_failure_except_for_submission
    fail2ban_finds_the_address_of_each_refusal_and_of_nothing_else
}

#[test]
fn the_metrics_count_lookups_on_debian_12() {
    the_metrics_count_lookups(Example("dms-debian12/file"), "dovecot-2.3.conf");
}

#[test]
fn the_metrics_count_lookups_on_debian_13() {
    the_metrics_count_lookups(Example("dms-debian13/file"), "dovecot-2.4.conf");
}

const PASSWORD: &str = "the web server's password";
const MALLORYS: &str = "mallory's own password";
const OSCARS: &str = "oscar's own password";
const OTHER_DOMAIN: &str = "alice@example.org";

/// Most of Nextcloud's user names have no domain. Two users have set e-mail addresses that are not
/// theirs.
const USERS: &[User] = &[
    ("alice", ALICE, PASSWORD),
    ("mallory", ALIAS, MALLORYS),
    ("oscar", ALICE, OSCARS),
    (OTHER_DOMAIN, "guest@example.org", MALLORYS),
];

fn the_web_servers_password_opens_the_mailbox_by_every_protocol(example: Example) {
    let nextcloud = Nextcloud::start(USERS);
    let mut server = MailServer::start(example, &nextcloud, None);
    for protocol in Protocol::ALL {
        for _ in 0..2 {
            let answer = server.login(protocol, ALICE, PASSWORD);
            assert!(answer.succeeded, "{protocol:?}: {answer:?}\n{}", server.log());
        }
    }
    // Dovecot 2.4 has a cache for each protocol with a block of settings, and one for the others.
    let caches = if example.version() == Version::V2_3 { 1 } else { 4 };
    assert_eq!(nextcloud.asked().len(), caches, "{}", server.log());
    for protocol in Protocol::ALL {
        for password in [FORMER, "another one"] {
            let answer = server.login(protocol, ALICE, password);
            assert!(!answer.succeeded, "{protocol:?}: {answer:?}");
        }
    }
    server.log_with("refused: 401 Unauthorized: wrong user name or password", 2 * caches);
    let asked = nextcloud.asked().len();
    let answer = server.login(Protocol::Imap, &format!("{ALICE}*{}", MASTER.0), MASTER.1);
    assert!(answer.succeeded, "{answer:?}\n{}", server.log());
    assert_eq!(nextcloud.asked().len(), asked, "a master user is not asked about");
}

fn an_email_address_never_opens_the_mailbox_of_another_user(example: Example) {
    let nextcloud = Nextcloud::start(USERS);
    let mut server = MailServer::start(example, &nextcloud, None);
    let (address, user, password) = match example.has_ldap() {
        true => (ALICE, "oscar", OSCARS),
        false => (ALIAS, "mallory", MALLORYS),
    };
    let home = server.run(&format!("doveadm user -f home {address}"));
    assert_eq!(home.trim(), HOME, "the address leads to Alice's mailbox");
    for protocol in Protocol::ALL {
        let answer = server.login(protocol, address, password);
        assert!(!answer.succeeded, "{protocol:?}: {answer:?}\n{}", server.log());
    }
    let expected_text =
        format!("refused: the password belongs to \"{user}@example.com\", not to \"{address}\"");
    server.log_with(&expected_text, 1);
    assert!(nextcloud.asked().contains(&(address.into(), password.into())));
    assert!(server.login(Protocol::Imap, ALICE, PASSWORD).succeeded, "{}", server.log());
}

fn a_login_in_another_domain_opens_no_mailbox_and_asks_nobody(example: Example) {
    let nextcloud = Nextcloud::start(USERS);
    let mut server = MailServer::start(example, &nextcloud, None);
    if example.has_ldap() {
        let home = server.run(&format!("doveadm user -f home {OTHER_DOMAIN}"));
        assert_eq!(home.trim(), HOME, "the address leads to Alice's mailbox");
    }
    for protocol in Protocol::ALL {
        let answer = server.login(protocol, OTHER_DOMAIN, MALLORYS);
        assert!(!answer.succeeded, "{protocol:?}: {answer:?}\n{}", server.log());
    }
    let expected_text = format!(
        "refused: \"{OTHER_DOMAIN}\" is not a login in the domain of this passdb (domain = \"example.com\")"
    );
    server.log_with(&expected_text, 1);
    assert_eq!(nextcloud.asked(), []);
    assert!(server.login(Protocol::Imap, ALICE, PASSWORD).succeeded, "{}", server.log());
}

fn internal_names_of_the_server_open_the_mailbox_under_the_documented_settings(example: Example) {
    let nextcloud = Nextcloud::with_internal_names(USERS);
    let settings = [("login_name", "username"), ("principal", "any")];
    let mut server = MailServer::with_settings(example, &nextcloud, None, &settings);
    let answer = server.login(Protocol::Imap, ALICE, PASSWORD);
    assert!(answer.succeeded, "{answer:?}\n{}", server.log());
    assert_eq!(nextcloud.asked(), [("alice".into(), PASSWORD.into())]);
    for (user, password) in [
        (OTHER_DOMAIN, PASSWORD),
        ("victim@example.com", PASSWORD),
        ("bob@example.com", PASSWORD),
        (OTHER_DOMAIN, MALLORYS),
        // The address that a user has set as their own.
        (ALICE, OSCARS),
        (ALIAS, MALLORYS),
    ] {
        let answer = server.login(Protocol::Imap, user, password);
        assert!(!answer.succeeded, "{user}: {answer:?}\n{}", server.log());
    }
    assert!(nextcloud.asked().iter().all(|(name, _)| !name.contains('@')));
}

/// An identity provider that knows the token "alice's token".
fn identity_provider() -> Server {
    Server::answering(None, |request| match request.header("authorization") {
        Some("Bearer alices.token") => {
            answer("200 OK", &format!("{{\"email\":\"{ALICE}\",\"active\":true}}"))
        }
        _ => answer("401 Unauthorized", "{\"error\":\"invalid_token\"}"),
    })
}

fn a_token_that_the_identity_provider_refuses_never_reaches_the_web_server(example: Example) {
    let (nextcloud, identity_provider) = (Nextcloud::start(USERS), identity_provider());
    let mut server = MailServer::start(example, &nextcloud, Some(identity_provider.port));
    let port = server.ports.imap;
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        let answer = imap_login_with_token(port, mechanism, ALICE, "alices.token");
        assert!(answer.succeeded, "{mechanism}: {answer:?}\n{}", server.log());
        let asked = identity_provider.requests().len();
        let answer = imap_login_with_token(port, mechanism, ALICE, "a.live.token");
        assert!(!answer.succeeded, "{mechanism}: {answer:?}");
        assert!(identity_provider.requests().len() > asked, "{}", server.log());
    }
    assert_eq!(nextcloud.requests().len(), 0, "{:?}", nextcloud.requests());
    // Dovecot 2.4 passes no token to a passdb.
    server.run(&format!("doveadm auth lookup {ALICE} || true"));
    assert!(!server.log().contains("no password to verify"), "{}", server.log());
    assert!(server.login(Protocol::Imap, ALICE, PASSWORD).succeeded, "{}", server.log());
}

fn an_outage_is_a_temporary_failure_except_for_submission(example: Example) {
    let nextcloud = Nextcloud::start(USERS);
    let mut server = MailServer::start(example, &nextcloud, None);
    nextcloud.answers(Some(answer("502 Bad Gateway", "")));
    for (protocol, expected_text) in [
        (Protocol::Imap, "NO [UNAVAILABLE]"),
        (Protocol::Pop3, "-ERR [SYS/TEMP]"),
        (Protocol::ManageSieve, "NO (TRYLATER)"),
        // Postfix converts a temporary failure to this.
        (Protocol::Submission, "535 5.7.8 "),
    ] {
        let answer = server.login(protocol, ALICE, PASSWORD);
        assert!(
            answer.text.starts_with(expected_text),
            "{protocol:?}: {answer:?}\n{}",
            server.log()
        );
    }
    server.log_with("db-lua: 502 Bad Gateway", 4);
}

/// Appends the example's settings to `dovecot.cf`, as docs/monitoring.md says.
fn the_metrics_count_lookups(example: Example, settings: &str) {
    let nextcloud = Nextcloud::start(USERS);
    let on = [("metrics", "yes")];
    let mut server = MailServer::with_settings(example, &nextcloud, None, &on);
    let port = port::free();
    let file = format!("{}/examples/metrics/{settings}", env!("CARGO_MANIFEST_DIR"));
    let change = format!("sed 's/9900/{port}/' {file} >>/etc/dovecot/local.conf");
    server.run(&format!("{change}\ndoveadm reload"));
    for protocol in Protocol::ALL {
        let answer = server.login(protocol, ALICE, "another one");
        assert!(!answer.succeeded, "{protocol:?}: {answer:?}");
    }
    // With Dovecot 2.3, the cache answers all but the first.
    let lookups = if example.version() == Version::V2_3 { 1 } else { 4 };
    let expected = format!("dovecot_httpbasic_lookups_count{{verdict=\"refused\"}} {lookups}\n");
    let start = Instant::now();
    while !metrics::get(port).is_some_and(|text| text.contains(&expected)) {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", server.log());
        sleep(Duration::from_millis(100));
    }
}

/// Dovecot's log as written by syslog or the journal, with the time and the program in this form.
fn as_syslog(log: &str, time: &str, program: &str) -> String {
    log.lines()
        // After "Nov 25 01:36:57 ".
        .map(|line| format!("{time} mail {program}: {}\n", line[16..].replacen("Info: ", "", 1)))
        .collect()
}

fn fail2ban_finds_the_address_of_each_refusal_and_of_nothing_else(example: Example) {
    let nextcloud = Nextcloud::start(USERS);
    let mut server = MailServer::start(example, &nextcloud, None);
    for (number, protocol) in Protocol::ALL.into_iter().enumerate() {
        assert!(!server.login(protocol, ALICE, &format!("wrong {number}")).succeeded);
    }
    assert!(!server.login_from("192.0.2.1", ALICE, "wrong"));
    assert!(!server.login_from("2001:db8::2", "nobody@example.com", "wrong"));
    let recording = include_str!("../../nextcloud-34/account-disabled.http");
    let disabled = answer("503 Service Unavailable", recording.split_once("\n\n").unwrap().1);
    for (address, fixed_answer) in [
        ("192.0.2.3", disabled),
        ("192.0.2.4", answer("429 Too Many Requests", "")),
        ("192.0.2.5", answer("502 Bad Gateway", "")),
    ] {
        nextcloud.answers(Some(fixed_answer));
        assert!(!server.login_from(address, ALICE, address));
    }
    nextcloud.answers(None);
    assert!(server.login_from("192.0.2.6", ALICE, PASSWORD));
    let log = server.log_with("db-lua: 502 Bad Gateway", 1);

    let mut expected = vec!["127.0.0.1"; 4];
    expected.extend(["192.0.2.1", "2001:db8::2", "192.0.2.3"]);
    for log in [
        log.clone(),
        as_syslog(&log, "Nov 25 01:36:57", "dovecot"),
        as_syslog(&log, "2026-11-25T01:36:57.123456+00:00", "dovecot"),
        as_syslog(&log, "2026-11-25T01:36:57.123456+00:00", "dovecot[123]"),
    ] {
        assert_eq!(server.banned(&log), expected, "{log}");
    }
    let jail = server.jail("fail2ban-jail.cf", "/etc/fail2ban/jail.d/user-jail.local");
    assert!(jail.contains("['set', 'httpbasic', 'addlogpath', '/var/log/mail.log'"), "{jail}");
    let jail = server.jail("jail.conf", "/etc/fail2ban/jail.d/httpbasic.conf");
    assert!(jail.contains("['add', 'httpbasic', 'systemd']"), "{jail}");
    // Names that are possible only if the administrator allows all characters.
    for name in [
        "a,192.0.2.9,<x>): db-lua: refused: b",
        "a,192.0.2.9)<1>: request [1]: httpbasic: db-lua: refused: b",
        "a auth-worker(b,192.0.2.9)<1>: request [1]: httpbasic: db-lua: refused: c",
        "a,192.0.2.9,<",
    ] {
        let banned = server.banned(&log.replace(ALICE, name));
        assert!(!banned.contains(&"192.0.2.9".into()), "{name}: {banned:?}");
    }
}
