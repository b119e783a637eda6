//! The examples for docker-mailserver in mail servers of its structure, by every protocol.

#[path = "../support/mod.rs"]
mod support;

mod configuration;
mod mail_server;

use configuration::{ALIAS, ALICE, FORMER, HOME, MASTER};
use mail_server::{Example, MailServer};
use support::http::{Server, answer};
use support::mail_client::{Protocol, imap_login_with_token};
use support::nextcloud::{Nextcloud, User};

/// Makes each of these functions a test of the four examples.
macro_rules! examples {
    ($($name:ident)*) => {
        mod on_debian_12 {
            mod ldap {
                $(#[test] fn $name() { crate::$name(crate::Example("dms-debian12/ldap")) })*
            }
            mod file {
                $(#[test] fn $name() { crate::$name(crate::Example("dms-debian12/file")) })*
            }
        }
        mod on_debian_13 {
            mod ldap {
                $(#[test] fn $name() { crate::$name(crate::Example("dms-debian13/ldap")) })*
            }
            mod file {
                $(#[test] fn $name() { crate::$name(crate::Example("dms-debian13/file")) })*
            }
        }
    };
}

examples! {
    the_web_servers_password_opens_the_mailbox_by_every_protocol
    an_address_that_leads_to_anothers_mailbox_opens_it_to_nobody_else
    a_token_that_the_identity_provider_refuses_never_reaches_the_web_server
}

const PASSWORD: &str = "the web server's password";
const MALLORYS: &str = "mallory's own password";
const OTHER_DOMAIN: &str = "alice@example.org";

/// Nextcloud's names lack the domain. Two users have set addresses that are not theirs.
const USERS: &[User] = &[
    ("alice", ALICE, PASSWORD),
    ("mallory", ALIAS, MALLORYS),
    ("oscar", OTHER_DOMAIN, MALLORYS),
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
    let caches = if example.release() == "12" { 1 } else { 4 };
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

fn an_address_that_leads_to_anothers_mailbox_opens_it_to_nobody_else(example: Example) {
    let nextcloud = Nextcloud::start(USERS);
    let mut server = MailServer::start(example, &nextcloud, None);
    let (address, user) =
        if example.has_ldap() { (OTHER_DOMAIN, "oscar") } else { (ALIAS, "mallory") };
    let home = server.run(&format!("doveadm user -f home {address}"));
    assert_eq!(home.trim(), HOME, "the address leads to Alice's mailbox");
    for protocol in Protocol::ALL {
        let answer = server.login(protocol, address, MALLORYS);
        assert!(!answer.succeeded, "{protocol:?}: {answer:?}\n{}", server.log());
    }
    let said = format!("refused: the password is that of {user}@example.com, not of {address}");
    server.log_with(&said, 1);
    assert!(nextcloud.asked().contains(&(address.into(), MALLORYS.into())));
    assert!(server.login(Protocol::Imap, ALICE, PASSWORD).succeeded, "{}", server.log());
}

/// An identity provider that knows the token "alice's token".
fn identity_provider() -> Server {
    Server::answering(None, |request| {
        match request.header("authorization") {
            Some("Bearer alices.token") => {
                answer("200 OK", &format!("{{\"email\":\"{ALICE}\",\"active\":true}}"))
            }
            _ => answer("401 Unauthorized", "{\"error\":\"invalid_token\"}"),
        }
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
    assert!(server.login(Protocol::Imap, ALICE, PASSWORD).succeeded, "{}", server.log());
}
