//! More than one passdb: service accounts in a file, and two mail domains with a Nextcloud each.
//! The passdbs are those of `examples/more-than-one-passdb`, in both versions of Dovecot.

use std::fs;
use std::path::Path;

use crate::support::configuration;
use crate::support::dovecot::{self, Dovecot, Setup, Version};
use crate::support::http::answer;
use crate::support::nextcloud::{Nextcloud, User};

on_each_dovecot! {
    a_good_login_reaches_its_own_passdb_and_leaves_no_line_that_counts_as_a_failure
    a_wrong_login_is_refused_by_one_passdb_and_reaches_no_other
    an_outage_of_one_server_concerns_its_own_domain
}

/// Users of the two servers. Both have an Alice.
const COM: &[User] = &[("alice", "alice@example.com", "Alice's at example.com")];
const ORG: &[User] = &[("alice", "alice@example.org", "Alice's at example.org")];

/// A service account in the domain of a server, and one without a domain.
const SCANNER: (&str, &str) = ("service-scanner@example.com", "the scanner's");
const MONITORING: (&str, &str) = ("monitoring", "the monitoring's");

/// The login names and passwords that these servers were asked about.
fn asked(servers: [&Nextcloud; 2]) -> [Vec<(String, String)>; 2] {
    servers.map(Nextcloud::asked)
}

/// A request for this login.
fn request(login: &str, password: &str) -> (String, String) {
    (login.into(), password.into())
}

/// Replaces a text that must be there.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in\n{text}");
    text.replace(from, to)
}

/// The passdbs of the example, with the paths and the servers of this test.
fn passdbs(version: Version, folder: &Path, com: &Nextcloud, org: &Nextcloud) -> String {
    let name = match version {
        Version::V2_3 => "dovecot-2.3.conf",
        Version::V2_4 => "dovecot-2.4.conf",
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = fs::read_to_string(root.join("examples/more-than-one-passdb").join(name));
    let text = replaced(&example.unwrap(), "/etc/dovecot/", &format!("{}/", folder.display()));
    match version {
        // The script contains the URL.
        Version::V2_3 => text,
        Version::V2_4 => {
            let text = replaced(&text, "https://nextcloud.example.com/remote.php/dav/", &com.url());
            replaced(&text, "https://nextcloud.example.org/remote.php/dav/", &org.url())
        }
    }
}

/// A Dovecot with these passdbs and with the auth cache, for these servers.
fn start(version: Version, com: &Nextcloud, org: &Nextcloud) -> Dovecot {
    let script = |server: &Nextcloud, domain: &str| {
        let setup = Setup::new(&server.url(), None).with("domain", domain);
        dovecot::script(version, &setup.with("cache_key_has_password", "true"))
    };
    Dovecot::start_on(version, &script(com, "example.com"), |folder, imap_port| {
        fs::write(folder.join("lua/auth-example-org.lua"), script(org, "example.org")).unwrap();
        let accounts = [SCANNER, MONITORING].map(|(user, it)| format!("{user}:{{PLAIN}}{it}\n"));
        fs::write(folder.join("service-accounts"), accounts.concat()).unwrap();
        let text = [
            configuration::base(version, folder, imap_port),
            "auth_verbose = yes\nauth_cache_size = 10M\n".into(),
            passdbs(version, folder, com, org),
            mailboxes(version, folder),
        ];
        fs::write(folder.join("dovecot.conf"), text.concat()).unwrap();
    })
}

/// A mailbox for every user.
fn mailboxes(version: Version, folder: &Path) -> String {
    let mail = folder.join("mail");
    let mail = mail.display();
    match version {
        Version::V2_3 => format!(
            "userdb {{\n  driver = static\n  \
             args = uid=65534 gid=65534 home={mail}/%u allow_all_users=yes\n}}\n"
        ),
        Version::V2_4 => format!(
            "userdb static {{\n  fields {{\n    uid = 65534\n    gid = 65534\n    \
             home = {mail}/%{{user}}\n  }}\n}}\n"
        ),
    }
}

fn a_good_login_reaches_its_own_passdb_and_leaves_no_line_that_counts_as_a_failure(
    version: Version,
) {
    let (com, org) = (Nextcloud::start(COM), Nextcloud::start(ORG));
    let dovecot = start(version, &com, &org);
    // The second time, from the cache.
    for _ in 0..2 {
        for (user, password) in [
            SCANNER,
            MONITORING,
            (COM[0].1, COM[0].2),
            (ORG[0].1, ORG[0].2),
            ("Alice@Example.ORG", ORG[0].2),
        ] {
            let answer = dovecot.imap_login(user, password);
            assert!(answer.starts_with("OK "), "{user}: {answer}\n{}", dovecot.log());
        }
    }
    let expected = [COM, ORG].map(|users| vec![request(users[0].1, users[0].2)]);
    assert_eq!(asked([&com, &org]), expected, "{}", dovecot.log());
    // A login that is refused comes last, so that the log is complete.
    assert!(dovecot.imap_login(COM[0].1, "wrong").starts_with("NO [AUTHENTICATIONFAILED]"));
    assert!(dovecot.has_logged("refused: ", 1), "{}", dovecot.log());
    let log = dovecot.log().to_lowercase();
    // fail2ban counts the first with the filter of the examples, and the others with its own.
    for (line, times) in [("refused: ", 1), ("unknown user", 0), ("password mismatch", 0)] {
        assert_eq!(log.matches(line).count(), times, "{line}\n{log}");
    }
}

fn a_wrong_login_is_refused_by_one_passdb_and_reaches_no_other(version: Version) {
    let (com, org) = (Nextcloud::start(COM), Nextcloud::start(ORG));
    let dovecot = start(version, &com, &org);
    let (alice_com, alice_org) = (COM[0].1, ORG[0].1);
    let nobody = [Vec::new(), Vec::new()];
    for (user, password, [expected_com, expected_org], said) in [
        (alice_com, "wrong", [vec![request(alice_com, "wrong")], vec![]], "refused: 401"),
        (alice_org, "wrong", [vec![], vec![request(alice_org, "wrong")]], "refused: 401"),
        // The password of the other domain's Alice.
        (alice_org, COM[0].2, [vec![], vec![request(alice_org, COM[0].2)]], "refused: 401"),
        (SCANNER.0, "wrong", nobody.clone(), "assword mismatch"),
        ("service-none@example.com", "wrong", nobody.clone(), "unknown user"),
        (MONITORING.0, "wrong", nobody.clone(), "assword mismatch"),
        // Another domain, a domain below, and no domain.
        ("alice@example.net", COM[0].2, nobody.clone(), "unknown user"),
        ("alice@mail.example.com", COM[0].2, nobody.clone(), "unknown user"),
        ("alice", COM[0].2, nobody.clone(), "unknown user"),
    ] {
        let (before, logged) = (asked([&com, &org]), dovecot.log().matches(said).count());
        let answer = dovecot.imap_login(user, password);
        assert!(
            answer.starts_with("NO [AUTHENTICATIONFAILED]"),
            "{user}: {answer}\n{}",
            dovecot.log()
        );
        let [after_com, after_org] = asked([&com, &org]);
        assert_eq!(after_com[before[0].len()..], expected_com, "{user}");
        assert_eq!(after_org[before[1].len()..], expected_org, "{user}");
        assert!(dovecot.has_logged(said, logged + 1), "{user}\n{}", dovecot.log());
        assert_eq!(dovecot.log().matches(said).count(), logged + 1, "{user}\n{}", dovecot.log());
    }
}

fn an_outage_of_one_server_concerns_its_own_domain(version: Version) {
    let (com, org) = (Nextcloud::start(COM), Nextcloud::start(ORG));
    let dovecot = start(version, &com, &org);
    com.answers(Some(answer("502 Bad Gateway", "")));
    let answer = dovecot.imap_login(COM[0].1, COM[0].2);
    assert!(answer.starts_with("NO [UNAVAILABLE]"), "{answer}\n{}", dovecot.log());
    for (user, password) in [(ORG[0].1, ORG[0].2), SCANNER] {
        let answer = dovecot.imap_login(user, password);
        assert!(answer.starts_with("OK "), "{user}: {answer}\n{}", dovecot.log());
    }
    assert_eq!(org.asked(), [request(ORG[0].1, ORG[0].2)], "{}", dovecot.log());
    assert!(!dovecot.log().contains("unknown user"), "{}", dovecot.log());
}
