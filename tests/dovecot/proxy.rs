//! The examples for a proxy in front of backends: the proxy asks the web server, and the backends trust nobody but
//! the proxy.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::ca::Ca;
use crate::support::configuration;
use crate::support::dovecot::{self, Dovecot, Setup, Version};
use crate::support::nextcloud::{Nextcloud, User};

on_each_dovecot! {
    each_login_reaches_the_users_own_backend_and_asks_the_web_server_once
    a_refused_login_reaches_no_backend
    a_backend_accepts_only_the_proxys_password_and_only_from_the_proxy
    the_proxy_sends_no_password_to_a_server_without_the_right_certificate
}

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
/// Has a password on the web server, but no mailbox.
const CAROL: &str = "carol@example.com";
const USERS: &[User] = &[
    (ALICE, "alice@example.org", "alice's password"),
    (BOB, "bob@example.org", "bob's password"),
    (CAROL, "carol@example.org", "carol's password"),
];

/// The proxy's password for the backends.
const SECRET: &str = "7d0c5be1e4d54b27";

/// The addresses of the proxy, a mail client and another machine. All belong to this machine.
const PROXY: &str = "127.0.0.1";
const CLIENT: &str = "127.0.0.5";
const ELSEWHERE: &str = "127.0.0.9";

/// The name in the certificates of the proxy and the backends.
const NAME: &str = "localhost";

/// A web server, a proxy and two backends.
struct Machines {
    version: Version,
    nextcloud: Nextcloud,
    proxy: Dovecot,
    backends: [Dovecot; 2],
}

impl Machines {
    /// Starts them. Alice's mailbox is on the first backend, and Bob's on the second.
    fn start(version: Version) -> Self {
        let (nextcloud, ca) = (Nextcloud::start(USERS), Ca::new());
        let hash = hash_of_the_secret(version);
        let backends = [(); 2].map(|()| start_backend(version, &ca, &hash));
        let proxy = start_proxy(version, &ca, &nextcloud);
        let machines = Self { version, nextcloud, proxy, backends };
        machines.set_mailboxes(&[(ALICE, NAME, 0), (BOB, NAME, 1)]);
        machines
    }

    /// Writes the file of the mailboxes: whose, and the name and the number of the backend.
    fn set_mailboxes(&self, mailboxes: &[(&str, &str, usize)]) {
        let lines = mailboxes.iter().map(|(user, host, number)| {
            format!("{user}:::::::host={host} port={}\n", self.backends[*number].imap_port())
        });
        fs::write(self.proxy.folder().join("mailboxes"), lines.collect::<String>()).unwrap();
        // Dovecot looks at the file at most once a second.
        sleep(Duration::from_millis(1100));
    }

    /// A mail client's login at the proxy.
    fn login(&self, user: &str, password: &str) -> String {
        login(&self.proxy, CLIENT, &[], user, password)
    }

    fn logs_in(&self, user: &str, password: &str) {
        let answer = self.login(user, password);
        assert!(answer.starts_with("OK "), "{user}: {answer}\n{}", self.proxy.log());
    }

    /// Checks how many logins of a mail client each backend has accepted, and that the log has the client's address.
    fn have_accepted(&self, user: &str, times: [usize; 2]) {
        let words = if self.version == Version::V2_3 { "Login" } else { "Logged in" };
        let line = format!("Info: {words}: user=<{user}>, method=PLAIN, rip={CLIENT}, ");
        for (backend, times) in self.backends.iter().zip(times) {
            assert!(backend.has_logged(&line, times), "{user}\n{}", backend.log());
            assert_eq!(backend.log().matches(&line).count(), times, "{user}\n{}", backend.log());
        }
    }

    /// Checks that no log shows the proxy's password.
    fn logs_are_clean(&self) {
        for dovecot in self.backends.iter().chain([&self.proxy]) {
            let log = dovecot.log();
            assert!(!log.contains(SECRET), "{log}");
        }
    }
}

/// The hash in the configuration of a backend.
fn hash_of_the_secret(version: Version) -> String {
    assert!(version.prepare(), "there is no Dovecot of this version");
    let command = version.command(&["doveadm", "pw", "-s", "SSHA512", "-p", SECRET]);
    let output = Command::new(command[0]).args(&command[1..]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// Starts a Dovecot with a certificate of `ca` and with these lines of the examples.
fn start(version: Version, script: &str, ca: &Ca, lines: impl FnOnce(&Path) -> String) -> Dovecot {
    let identity = ca.issue(&[NAME]);
    Dovecot::start_on(version, script, |folder, imap_port| {
        fs::write(folder.join("certificate.pem"), identity.certificate).unwrap();
        fs::write(folder.join("key.pem"), identity.key).unwrap();
        fs::write(folder.join("backends-ca.pem"), ca.pem()).unwrap();
        fs::write(folder.join("mailboxes"), "").unwrap();
        let here = format!("{}/", folder.display());
        let (debug, tls) = match version {
            Version::V2_3 => (
                "auth_debug = yes\n",
                "ssl_cert = </etc/dovecot/certificate.pem\nssl_key = </etc/dovecot/key.pem\n",
            ),
            Version::V2_4 => (
                "log_debug = category=auth\n",
                "ssl_server_cert_file = /etc/dovecot/certificate.pem\n\
                 ssl_server_key_file = /etc/dovecot/key.pem\n",
            ),
        };
        let text = [debug, "ssl = yes\n", tls, &lines(folder)].concat();
        let text = text.replace("/etc/dovecot/", &here).replace("192.0.2.1/32", "127.0.0.1/32");
        let base = configuration::base(version, folder, imap_port);
        // By default, Dovecot accepts no password without TLS.
        let base = base.replace("disable_plaintext_auth = no\n", "");
        let base = base.replace("auth_allow_cleartext = yes\n", "");
        fs::write(folder.join("dovecot.conf"), base + &text).unwrap();
    })
}

fn start_proxy(version: Version, ca: &Ca, nextcloud: &Nextcloud) -> Dovecot {
    let setup = Setup::new(&nextcloud.url(), None)
        .with("domain", "example.com")
        .with("cache_key_has_password", "true");
    start(version, &dovecot::script(version, &setup), ca, |_| {
        let proxy = example(version, "proxy/DOVECOT/auth-proxy.conf.ext");
        let httpbasic = example(version, "DOVECOT/auth-httpbasic.conf.ext");
        let httpbasic = without_userdb(&httpbasic)
            .replace("https://nextcloud.example.com/remote.php/dav/", &nextcloud.url());
        [proxy.replace("CHANGE-ME-TOO", SECRET), httpbasic].concat()
    })
}

fn start_backend(version: Version, ca: &Ca, hash: &str) -> Dovecot {
    start(version, "", ca, |folder| {
        let backend = example(version, "proxy/DOVECOT/auth-backend.conf.ext");
        let userdb = match version {
            Version::V2_3 => format!(
                "userdb {{\n  driver = static\n  args = uid=65534 gid=65534 home={}/mail/%u\n}}\n",
                folder.display()
            ),
            Version::V2_4 => format!(
                "userdb static {{\n  fields {{\n    uid = 65534\n    gid = 65534\n    \
                 home = {}/mail/%{{user}}\n  }}\n}}\n",
                folder.display()
            ),
        };
        without_userdb(&backend).replace("CHANGE-ME", hash) + &userdb
    })
}

/// A file of the examples. `DOVECOT` in its path stands for the version.
fn example(version: Version, path: &str) -> String {
    let folder = if version == Version::V2_3 { "dovecot-2.3" } else { "dovecot-2.4" };
    let path = path.replace("DOVECOT", folder);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text without the section of the system's users, which the proxy does not need, and which have no mailboxes here.
fn without_userdb(text: &str) -> String {
    let (before, rest) = text.split_once("\nuserdb ").expect("a userdb");
    let (_, after) = rest.split_once("}\n").unwrap();
    format!("{before}\n{after}")
}

/// Logs in over TLS from this address, after these lines. Returns the server's answer without its tag.
fn login(dovecot: &Dovecot, from: &str, lines: &[&str], user: &str, password: &str) -> String {
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-starttls", "imap", "-verify_return_error"])
        .args(["-connect", &format!("{PROXY}:{}", dovecot.imap_port())])
        .args(["-bind", &format!("{from}:0"), "-verify_hostname", NAME])
        .arg("-CAfile")
        .arg(dovecot.folder().join("backends-ca.pem"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    for line in lines {
        writeln!(input, "{line}\r").unwrap();
    }
    writeln!(input, "a LOGIN \"{user}\" \"{password}\"\r").unwrap();
    let mut output = BufReader::new(client.stdout.take().unwrap()).lines().map_while(Result::ok);
    let answer = output.find_map(|line| Some(line.strip_prefix("a ")?.to_owned()));
    client.kill().unwrap();
    let errors = client.wait_with_output().unwrap().stderr;
    answer.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(&errors)))
}

fn each_login_reaches_the_users_own_backend_and_asks_the_web_server_once(version: Version) {
    let machines = Machines::start(version);
    // The second time, from the cache.
    for _ in 0..2 {
        for (user, _, password) in &USERS[..2] {
            machines.logs_in(user, password);
        }
    }
    machines.have_accepted(ALICE, [2, 0]);
    machines.have_accepted(BOB, [0, 2]);
    let asked = || machines.nextcloud.asked();
    let expected = [0, 1].map(|i| (USERS[i].0.to_owned(), USERS[i].2.to_owned()));
    assert_eq!(asked(), expected, "{}", machines.proxy.log());
    // Postfix on the proxy may ask its Dovecot.
    let test = ["auth", "test", "-x", "service=smtp", BOB, USERS[1].2];
    let test = machines.proxy.doveadm(&test);
    assert!(test.succeeded, "{test:?}");
    // The cache remembers passwords, and no backends.
    machines.set_mailboxes(&[(ALICE, NAME, 1)]);
    machines.logs_in(ALICE, USERS[0].2);
    machines.have_accepted(ALICE, [2, 1]);
    let answer = machines.login(BOB, USERS[1].2);
    assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}");
    assert_eq!(asked(), expected, "{}", machines.proxy.log());
    machines.logs_are_clean();
}

fn a_refused_login_reaches_no_backend(version: Version) {
    let machines = Machines::start(version);
    for (user, password) in
        [(ALICE, "wrong"), (ALICE, USERS[1].2), (ALICE, SECRET), (CAROL, USERS[2].2)]
    {
        let answer = machines.login(user, password);
        assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{user}, {password}: {answer}");
    }
    // Nobody is asked about a user without a mailbox.
    let asked: Vec<_> = machines.nextcloud.asked().into_iter().map(|(user, _)| user).collect();
    assert_eq!(asked, [ALICE; 3]);
    // In an outage, an answer that is not in the cache is a temporary failure.
    machines.nextcloud.answers(Some(crate::support::http::answer("502 Bad Gateway", "")));
    let answer = machines.login(BOB, USERS[1].2);
    assert!(answer.starts_with("NO [UNAVAILABLE]"), "{answer}");
    for user in [ALICE, BOB, CAROL] {
        for backend in &machines.backends {
            assert!(!backend.log().contains(user), "{}", backend.log());
        }
    }
}

fn a_backend_accepts_only_the_proxys_password_and_only_from_the_proxy(version: Version) {
    let machines = Machines::start(version);
    let backend = &machines.backends[0];
    let forged = "i ID (\"x-originating-ip\" \"127.0.0.1\" \"x-proxy-ttl\" \"5\")";
    for (from, lines, password) in [
        (PROXY, &[][..], USERS[0].2),
        (PROXY, &[], ""),
        (PROXY, &[], "wrong"),
        (ELSEWHERE, &[], USERS[0].2),
        (ELSEWHERE, &[], SECRET),
        (ELSEWHERE, &[forged], SECRET),
    ] {
        let answer = login(backend, from, lines, ALICE, password);
        assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{from}, {password}: {answer}");
    }
    let answer = login(backend, PROXY, &[], ALICE, SECRET);
    assert!(answer.starts_with("OK "), "{answer}\n{}", backend.log());
    assert_eq!(machines.nextcloud.asked(), []);
}

fn the_proxy_sends_no_password_to_a_server_without_the_right_certificate(version: Version) {
    let machines = Machines::start(version);
    // Dovecot 2.4.5 has another code for it.
    let is_temporary = |answer: &str| {
        ["NO [UNAVAILABLE]", "NO [SERVERBUG]"].iter().any(|it| answer.starts_with(it))
    };
    // This is not the name in the backend's certificate.
    machines.set_mailboxes(&[(ALICE, PROXY, 0)]);
    let answer = machines.login(ALICE, USERS[0].2);
    assert!(is_temporary(&answer), "{answer}\n{}", machines.proxy.log());
    assert!(!machines.backends[0].log().contains(ALICE), "{}", machines.backends[0].log());
    // A server with a certificate of another CA.
    let (other, hash) = (Ca::new(), hash_of_the_secret(version));
    let impostor = start_backend(version, &other, &hash);
    let line = format!("{ALICE}:::::::host={NAME} port={}\n", impostor.imap_port());
    fs::write(machines.proxy.folder().join("mailboxes"), line).unwrap();
    let answer = machines.login(ALICE, USERS[0].2);
    assert!(is_temporary(&answer), "{answer}\n{}", machines.proxy.log());
    assert!(!impostor.log().contains(ALICE), "{}", impostor.log());
}
