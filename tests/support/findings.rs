//! What httpbasic-check must find, and what it must advise. The table is run on this machine and in
//! clean Debian folders.

use std::any::Any;
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

use super::ca::{Ca, Identity, self_signed};
use super::checker::{SUCCEEDS, USER, file_id, knows, says, sent, shows_no_secret};
use super::http::{Request, Server, answer, principal, refusal};
use super::nginx::Nginx;
use super::old_tls;
use super::openssl::OpenSsl;
use super::{parallel, port, recording};

/// The name of the test's own CA among the certificates that OpenSSL makes.
const CA_FILE: &str = "own-ca.pem";

const PATH: &str = "Nextcloud's URL ends in /remote.php/dav/";

type Answer = Box<dyn Fn(&Request) -> Vec<u8> + Send + Sync>;

/// The server that the program asks.
enum Asked {
    /// None: nobody listens on the port.
    Nobody,
    /// A server that accepts connections and says nothing.
    Silent,
    /// OpenSSL, with this certificate and TLS.
    OpenSsl(&'static str, &'static str),
    /// A server with this certificate, which refuses everybody.
    Certificate(Identity),
    /// A server with these answers.
    Answers(Answer),
    /// A server that names the user, and closes the connection without the end of TLS.
    HangsUp,
    /// nginx that wants a client certificate.
    Nginx,
}

/// A row of the table.
struct Case {
    asked: Asked,
    user: &'static str,
    /// With `{port}` and `{folder}` in them.
    options: Vec<String>,
    /// What is expected, in this order.
    expected: Vec<String>,
    /// What must not be there.
    unexpected: &'static [&'static str],
}

impl Case {
    fn new(asked: Asked, expected: &[&str]) -> Self {
        let expected = expected.iter().map(|text| text.to_string()).collect();
        Self { asked, user: USER, options: Vec::new(), expected, unexpected: &[] }
    }

    fn answering(
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
        expected: &[&str],
    ) -> Self {
        Self::new(Asked::Answers(Box::new(answer)), expected)
    }

    fn of(self, user: &'static str) -> Self {
        Self { user, ..self }
    }

    fn without(self, unexpected: &'static [&'static str]) -> Self {
        Self { unexpected, ..self }
    }

    fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|option| option.to_string()));
        self
    }
}

/// A server that ends with the case.
#[derive(Default)]
struct Running {
    server: Option<Server>,
    port: u16,
    _rest: Option<Box<dyn Any>>,
}

impl From<Server> for Running {
    fn from(server: Server) -> Self {
        Self { port: server.port, server: Some(server), _rest: None }
    }
}

/// Tries each case. `checker` is called once in each thread and returns the function that runs the
/// program: with these arguments and the password on standard input, it returns the exit status and the
/// output.
pub fn find_all<F: FnMut(&[String]) -> (i32, String)>(checker: impl Fn() -> F + Sync) {
    let (ca, made) = (Ca::new(), old_tls::certificates());
    fs::write(made.path(CA_FILE), ca.pem()).unwrap();
    let cases = [places(), tls(&ca), recordings(), answers(), checks(), people(), files()];
    parallel::each(cases.into_iter().flatten(), || {
        let (mut run, ca, made) = (checker(), &ca, &made);
        move |case| {
            let running = start(case.asked, ca, made);
            let folder = made.path(".");
            let filled = |text: &str| {
                let text = text.replace("{port}", &running.port.to_string());
                text.replace("{folder}", folder.to_str().unwrap())
            };
            let mut arguments: Vec<String> = case.options.iter().map(|it| filled(it)).collect();
            for (name, value) in [
                ("--url", "https://localhost:{port}/remote.php/dav/"),
                ("--ca-file", &format!("{{folder}}/{CA_FILE}")),
                ("--domain", "example.com"),
                ("--timeout-msecs", "30000"),
                ("--connect-timeout-msecs", "30000"),
            ] {
                if !arguments.iter().any(|it| it == name) {
                    arguments.extend([name.into(), filled(value)]);
                }
            }
            arguments.extend(["--password-stdin", "--user", case.user].map(String::from));
            let (status, text) = run(&arguments);
            println!("{text}\n");
            let expected: Vec<_> = case.expected.iter().map(|text| filled(text)).collect();
            says(&text, &expected);
            shows_no_secret(&text);
            assert!(!case.unexpected.iter().any(|it| text.contains(it)), "{text}");
            let succeeds = expected.iter().any(|it| it == SUCCEEDS);
            assert_eq!(status, if succeeds { 0 } else { 1 }, "{text}");
            assert_eq!(text.contains("\nThis login does not succeed.\n"), !succeeds, "{text}");
            // A wrong server gets no password, and no server gets many wrong ones.
            if let Some(server) = &running.server {
                let requests = server.requests();
                let sent = requests.iter().filter(|it| it.header("authorization").is_some());
                let most = match (text.contains("✓ server"), text.contains("✓ password")) {
                    (false, _) => 0,
                    (true, false) => 1,
                    (true, true) => 6,
                };
                assert!(sent.count() <= most, "{text}");
            }
        }
    });
}

fn start(asked: Asked, ca: &Ca, made: &OpenSsl) -> Running {
    let identity = ca.issue(&["localhost", "127.0.0.1"]);
    match asked {
        Asked::Nobody => Running { port: port::free(), ..Running::default() },
        Asked::Silent => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            Running { port, _rest: Some(Box::new(listener)), server: None }
        }
        Asked::OpenSsl(certificate, how) => {
            let (process, port) = made.serve(certificate, how);
            Running { port, _rest: Some(Box::new(process)), server: None }
        }
        Asked::Certificate(identity) => Server::answering(Some(&identity), |_| refusal()).into(),
        Asked::Answers(answer) => Server::answering(Some(&identity), answer).into(),
        Asked::HangsUp => Server::start(Some(&identity), |stream, next_request| {
            if let Some(request) = next_request(stream) {
                let answer = knows(&request, |_| principal("alice"));
                let answer = String::from_utf8(answer).unwrap();
                // Only the end of the connection says where the body ends.
                let answer = match answer.split_once("Content-Length: ") {
                    Some((head, rest)) if !rest.starts_with("0\r\n") => {
                        let rest = rest.split_once("\r\n").unwrap().1;
                        format!("{head}Connection: close\r\n{rest}")
                    }
                    _ => answer.clone(),
                };
                let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
            }
            stream.hang_up();
        })
        .into(),
        Asked::Nginx => {
            let nginx = Nginx::start_requiring_client_certificate(ca);
            Running { port: nginx.server().port(), _rest: Some(Box::new(nginx)), server: None }
        }
    }
}

/// No server is reached.
fn places() -> Vec<Case> {
    let impatient = ["--connect-timeout-msecs", "2000", "--timeout-msecs", "2000"];
    vec![
        Case::new(Asked::Nobody, &["✗ connection  connect: Connection refused", "→ does the web"]),
        Case::new(
            Asked::Nobody,
            &["✗ name        dns: host.invalid: ", "→ is the host in the URL"],
        )
        .with(&["--url", "https://host.invalid/"]),
        Case::new(
            Asked::Nobody,
            &[
                "✗ settings    ",
                "url has a host with other letters than a to z",
                "xn--",
                "→ docs/options.md",
            ],
        )
        .with(&["--url", "https://m%C3%BCller.example/"]),
        Case::new(Asked::Nobody, &["✗ settings    ", "ca_file is a directory, not a file: "])
            .with(&["--ca-file", "{folder}"]),
        Case::new(
            Asked::Nobody,
            &["✗ settings    ", "in OpenSSL's own format", "openssl x509 -in OLD -out NEW"],
        )
        .with(&["--ca-file", "{folder}/guide.trusted"]),
        Case::new(
            Asked::Silent,
            &["✗ TLS         timeout: ", "negotiating TLS", "→ the port accepts connections and"],
        )
        .with(&["--url", "https://127.0.0.1:{port}/"])
        .with(&impatient),
        Case::new(
            Asked::Silent,
            &[
                "– name        none: the URL has an address",
                "– TLS         none",
                "✗ server      timeout: ",
                "→ the web server accepts requests and does not answer",
            ],
        )
        .with(&["--url", "http://127.0.0.1:{port}/"])
        .with(&impatient),
    ]
}

/// What is wrong with TLS: the cause as the log has it, and the remedy as advice.
fn tls(ca: &Ca) -> Vec<Case> {
    let told = |asked, cause: &str, shown: &str, remedy: &str| {
        // In TLS 1.3, a server asks for a client certificate after the client has finished.
        let step = if cause.contains("client certificate") { "server     " } else { "TLS        " };
        let (cause, remedy) = (format!("✗ {step} tls: {cause}"), format!("→ {remedy}"));
        Case::new(asked, &[&cause, shown, &remedy, "– password    not reached"])
    };
    // OpenSSL's server answers nothing but GET.
    let get = ["--method", "GET", "--success-status", "200", "--principal", "any"];
    let by_openssl = old_tls::CASES.map(|(certificate, ca_file, how, (cause, remedy))| {
        let asked = Asked::OpenSsl(certificate, how);
        let case = match cause {
            "" => Case::new(
                asked,
                &["✓ TLS         TLSv1.", "✓ server      answers 200 OK", "✗ refusal"],
            ),
            _ => told(asked, cause, "", remedy),
        };
        case.with(&["--ca-file", &format!("{{folder}}/{ca_file}")]).with(&get)
    });
    let other = Ca::new();
    let elsewhere = ["a.example", "b.example", "c.example", "d.example", "e.example"];
    let many = "certificate for a.example, b.example, c.example, d.example and 1 more from ";
    let by_rcgen = [
        (
            other.issue(&["localhost"]),
            "the certificate is signed by another CA of the same name",
            " (the server's certificate for localhost from CN=httpbasic throwaway CA, ",
            "set ca_file to the certificate of the one that issued it",
        ),
        (
            self_signed(&["localhost"]),
            "the certificate is self-signed and not in ca_file",
            " (the server's certificate for localhost from CN=rcgen",
            "if it is your server's, put it there",
        ),
        (
            ca.issue_expired(&["localhost"]),
            "the certificate expired on 2020-12-31",
            " (the server's certificate for localhost from CN=httpbasic throwaway CA, expired ",
            "have it renewed",
        ),
        (
            ca.issue(&elsewhere),
            "the certificate does not match the URL's host: it is for a.example, ",
            many,
            "use that name in the URL",
        ),
    ];
    let by_rcgen = by_rcgen.map(|(identity, cause, shown, remedy)| {
        told(Asked::Certificate(identity), cause, shown, remedy)
    });
    let rest = [
        Case::new(
            Asked::Nginx,
            &[
                "✗ server      400 Bad Request: the server may require a client certificate",
                "→ if the web server wants a client certificate, have it ask for none at this URL",
            ],
        )
        .with(&["--url", "https://localhost:{port}/dav/"]),
        Case::new(Asked::HangsUp, &["✓ password", "✓ user", "on a new connection", SUCCEEDS]),
    ];
    by_openssl.into_iter().chain(by_rcgen).chain(rest).collect()
}

/// A Nextcloud that gives this recorded answer to every password.
fn nextcloud(
    folder: &'static str,
    name: &'static str,
    files: &'static str,
) -> impl Fn(&Request) -> Vec<u8> {
    move |request| {
        let (folder, recorded) = match (request.header("authorization"), name) {
            // Then nobody is served.
            (
                None,
                "maintenance" | "throttled" | "untrusted-domain" | "needs-upgrade" | "fpm-down",
            ) => (folder, name),
            (None, _) => ("34", "no-credentials"),
            _ if request.head.contains("/files/") => ("34", files),
            _ => (folder, name),
        };
        recording::answer(folder, recorded)
    }
}

const FULL: &str = "files-full-app-password";
const WITHOUT_FILES: &str = "files-app-password-without-file-access";

/// Each recorded answer of a Nextcloud.
fn recordings() -> Vec<Case> {
    let bob = "bob@example.com";
    let app_password =
        "→ log in to Nextcloud in a browser as bob@example.com and make an app password";
    let says_not_whose = "✗ user        this Nextcloud does not say whose password it is";
    let table: [(&str, &str, &[&str]); 20] = [
        ("ok-principal", bob, &["✓ user        \"bob\", which is", SUCCEEDS]),
        ("ok-principal-odd-uid", "o'hara jo@example.com", &[SUCCEEDS]),
        ("ok-principal-umlaut", "jürgen", &["✓ user        \"jürgen\", ", SUCCEEDS]),
        ("carddav-principal", bob, &[SUCCEEDS]),
        (
            "ok-principal-email-login",
            "victim@example.com",
            &[
                "✗ user        the password belongs to \"bob@example.com\", not to \"victim@example.com\"",
                "→ if \"bob\" is another user: log in as \"bob@example.com\", or with a password of \"victim@example.com\"",
                "→ Nextcloud lets users set any e-mail address",
            ],
        ),
        ("ok-allprop", bob, &[says_not_whose]),
        ("ok-no-depth-no-body", bob, &[says_not_whose]),
        ("webdav-no-principal", bob, &[says_not_whose]),
        (
            "no-credentials",
            bob,
            &[
                "✗ password    401 Unauthorized: a proxy in front of the server drops the",
                "→ let it pass the header on (with Apache and PHP-FPM: CGIPassAuth On)",
            ],
        ),
        (
            "wrong-password",
            bob,
            &[
                "✗ password    401 Unauthorized: wrong user name or password, or an app password \
                 that was made under another login name (login_name)",
                app_password,
                "it works only for the name that made it",
                "→ if the server knows bob, not bob@example.com, try --domain example.com \
                 --login-name username",
            ],
        ),
        ("unknown-user", bob, &["✗ password    401 Unauthorized: wrong user", app_password]),
        (
            "account-password-forbidden",
            bob,
            &[
                "✗ password    401",
                "this account needs an app password, and this one is none, or is mistyped or revoked",
                "→ make a new app password in Nextcloud",
            ],
        ),
        (
            "account-disabled",
            bob,
            &["✗ password    503", "→ the account is disabled", "occ user:enable bob@example"],
        ),
        ("account-disabled-account-password", bob, &["→ the account is disabled"]),
        (
            "token-password-expired",
            bob,
            &["✗ password    503", "TokenPasswordExpired", "make a new app password"],
        ),
        (
            "account-removed-email-login",
            bob,
            &["✗ password    500", "→ see the web server's log, and Nextcloud's"],
        ),
        ("maintenance", bob, &["✗ server      503", "→ if it is in maintenance mode", "--off"]),
        (
            "throttled",
            bob,
            &[
                "✗ server      429",
                "→ is the mail server among Nextcloud's trusted_proxies?",
                "→ wait half an hour; or, at the Nextcloud: occ security:bruteforce:reset ADDRESS",
            ],
        ),
        ("get-instead-of-propfind", bob, &["✗ password    200 OK", PATH]),
        (FULL, bob, &[says_not_whose]),
    ];
    let mut cases = Vec::new();
    let mut used = BTreeSet::from(["files-plus-in-uid".into(), WITHOUT_FILES.into()]);
    for (name, user, expected) in table {
        for folder in ["31", "34"].into_iter().filter(|folder| recording::exists(folder, name)) {
            cases.push(Case::answering(nextcloud(folder, name, FULL), expected).of(user));
            used.insert(name.to_string());
        }
    }
    assert_eq!(used, recording::names(), "each recording is in the table");
    let more: [(&str, &[&str]); 5] = [
        (
            "untrusted-domain",
            &[
                "✗ server      400 Bad Request: Nextcloud does not trust the URL's host",
                "→ add localhost to its trusted_domains",
            ],
        ),
        (
            "needs-upgrade",
            &["✗ server      503 Service Unavailable: Nextcloud is not ready", "→ run occ upgrade"],
        ),
        ("fpm-down", &["✗ server      502", "→ see the logs of both"]),
        (
            "password-policy-expired-app",
            &[
                "✗ password    503",
                "Password is expired",
                "its password has expired",
                "a new password",
            ],
        ),
        ("token-auth-enforced-short-typo", &["✗ password    401", "mistyped or revoked"]),
    ];
    for (name, expected) in more {
        cases.push(Case::answering(nextcloud("34-more", name, FULL), expected).of(bob));
    }
    cases
}

/// Wrong servers.
fn answers() -> Vec<Case> {
    let page = "<html><body>hello</body></html>";
    let redirect = "HTTP/1.1 302 Found\r\nLocation: https://sso.example.com/login?x=y\r\n\
                    Content-Length: 0\r\n\r\n";
    let gzip =
        "HTTP/1.1 207 Multi-Status\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f?";
    let hostile = "<d:error xmlns:d='DAV:' xmlns:s='http://sabredav.org/ns'><s:exception>A\u{9b}31m\
                   </s:exception><s:message>b\u{202e}c&#155;[2Jd</s:message></d:error>";
    let table: [(Vec<u8>, &[&str]); 13] = [
        (answer("404 Not Found", page), &["✗ server      404 Not Found: the body is a web", PATH]),
        (answer("200 OK", page), &["✗ server      200 OK: the body is a web page", PATH]),
        (answer("405 Method Not Allowed", ""), &["✗ server      405", PATH]),
        (
            answer("405 Method Not Allowed", page),
            &[
                "✗ server      405 Method Not Allowed: a firewall, WAF or proxy may forbid PROPFIND",
                PATH,
            ],
        ),
        (answer("403 Forbidden", ""), &["✗ server      403", "→ the web server denies access"]),
        (
            redirect.into(),
            &[
                "✗ server      302 Found: redirects to https://sso.example.com/login,",
                "→ set the final URL",
                "→ if that is a login page",
                PATH,
            ],
        ),
        (gzip.into(), &["✗ server      207", "Content-Encoding: gzip", "→ switch compression off"]),
        (
            answer("502 Bad Gateway", page),
            &["✗ server      502", "the web server runs, but", "→ see"],
        ),
        (answer("504 Gateway Timeout", page), &["✗ server      504", "the web server runs, but"]),
        (answer("500 Internal Server Error", ""), &["✗ server      500", "→ see its log"]),
        (
            b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(),
            &["✗ server      protocol: ", "→ is there a web server"],
        ),
        (
            [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; 40_000], b"\r\n\r\n"].concat(),
            &["✗ server      protocol: the answer's head is longer than 32 KiB"],
        ),
        (answer("503 Service Unavailable", hostile), &["✗ server      503", "A 31m: b c"]),
    ];
    let cases = table.into_iter().map(|(answer, expected)| {
        let end = ["– password    not reached", "– again       not reached"];
        Case::answering(move |_| answer.clone(), &[expected, &end].concat())
    });
    cases.collect()
}

const UUID: &str = "6c1156a0-7ffc-1041-86b2-8939fe2205b2";

/// A Nextcloud that knows the password, and names its owner in this way.
fn names_by(name: &'static str) -> impl Fn(&Request) -> Vec<u8> {
    let is_nextcloud = "<d:multistatus xmlns:nc='http://nextcloud.org/ns'";
    move |request| {
        knows(request, |request| match request.head.contains("/files/") {
            true => file_id("-1"),
            false => {
                let text = String::from_utf8(principal(name)).unwrap();
                let body = text.split_once("\r\n\r\n").unwrap().1;
                answer("207 Multi-Status", &body.replace("<d:multistatus", is_nextcloud))
            }
        })
    }
}

/// Whether the server checks passwords and names.
fn checks() -> Vec<Case> {
    let other = ["--url", "https://localhost:{port}/dav/"];
    let get = ["--method", "GET", "--success-status", "200", "--principal", "any"];
    let digest: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\"\r\n\
                          WWW-Authenticate: Digest realm=\"y\"\r\nContent-Length: 0\r\n\r\n";
    let nobody = || answer("207 Multi-Status", &unnamed());
    let any_password = "✗ refusal     this server accepts any password: everybody could log in";
    let announced = "… sends the login name with a random password";
    let is_public = "✓ server      answers 207 Multi-Status without a password";
    let any_with_credentials = |request: &Request| match request.header("authorization") {
        Some(_) => principal("alice"),
        None => refusal(),
    };
    vec![
        Case::answering(|_| principal("alice"), &[is_public, "✓ again", any_password]),
        Case::answering(|_| principal("alice"), &[is_public, announced, any_password]).with(&other),
        Case::answering(|_| answer("200 OK", ""), &["✓ server      answers 200 OK without", any_password])
            .with(&other)
            .with(&get),
        Case::answering(any_with_credentials, &["✓ server      asks", announced, any_password])
            .with(&other),
        Case::answering(
            move |request| match request.header("authorization") {
                Some(_) => knows(request, |_| nobody()),
                None => nobody(),
            },
            &[
                is_public,
                "✓ user        the server names no user",
                "and a random name with this password",
                "✗ refusal     this server looks at the password alone: any name would open its mailbox",
                "→ let the server check the name as well; copyparty",
            ],
        )
        .with(&other),
        Case::answering(
            |request| knows(request, |it| match sent(it).starts_with("alice@") {
                true => answer("207 Multi-Status", &unnamed()),
                false => refusal(),
            }),
            &[
                "✓ refusal     a random password is refused: 401 Unauthorized; a random name is refused",
                SUCCEEDS,
            ],
        )
        .with(&other),
        Case::answering(
            |request| match knows(request, |_| principal("alice")) {
                refused if refused == refusal() && request.header("authorization").is_some() => {
                    answer("403 Forbidden", "")
                }
                answer => answer,
            },
            &[
                "✗ refusal     a random password gets no refusal, so a changed password may keep working",
                "403 Forbidden",
                "→ if the server refuses passwords like this, add the status to failure_status",
            ],
        )
        .with(&other),
        Case::answering(
            |request| match knows(request, |_| principal("alice")) {
                refused if refused == refusal() && request.header("authorization").is_some() => {
                    answer("403 Forbidden", "")
                }
                answer => answer,
            },
            &["✓ refusal     a random password is refused: 403 Forbidden", SUCCEEDS],
        )
        .with(&other)
        .with(&["--failure-status", "401, 403"]),
        Case::answering(
            move |_| digest.to_vec(),
            &[
                "✓ server      asks for a password: 401 Unauthorized",
                "! the server offers only Digest, but may take Basic all the same",
                "✗ password    401 Unauthorized: wrong user name or password",
                "→ the server offers only Digest: if nobody can log in, allow Basic",
            ],
        ),
        Case::answering(
            nextcloud("34", "carddav-principal", FULL),
            &["– refusal     a Nextcloud is sent no wrong password", SUCCEEDS],
        )
        .with(&other)
        .of("bob"),
    ]
}

/// A multistatus answer that names nobody.
fn unnamed() -> String {
    "<multistatus xmlns='DAV:'><response><href>/</href><propstat><prop/><status>HTTP/1.1 200 OK\
     </status></propstat></response></multistatus>"
        .into()
}

/// Whose password it is.
fn people() -> Vec<Case> {
    let knows_alice = |request: &Request| -> Vec<u8> { knows(request, |_| principal("alice")) };
    let at_webdav = ["--url", "https://localhost:{port}/remote.php/webdav/"];
    let is_right_there = "set url = \"https://localhost:{port}/remote.php/dav/\"";
    vec![
        Case::answering(
            knows_alice,
            &[
                "✗ password    \"alice@example.com\" is not a login in the domain of this passdb \
                 (domain = \"example.org\")",
                "– user        not reached",
            ],
        )
        .with(&["--domain", "example.org"]),
        Case::answering(
            knows_alice,
            &[
                "✗ user        the password belongs to \"alice@example.com\", not to \"bob@example.com\"",
                "→ if \"alice\" is another user: log in as \"alice@example.com\", or with a password of \
                 \"bob@example.com\"",
                "→ if \"alice\" is the server's internal name for this login, as with accounts in LDAP: set \
                 login_name = \"username\" and principal = \"any\"",
                "– again       not reached",
            ],
        )
        .of("bob@example.com"),
        Case::answering(
            knows_alice,
            &["✓ user        \"alice\", ", "! principal = \"any\" accepts the passwords", SUCCEEDS],
        )
        .with(&["--principal", "any"]),
        Case::answering(
            names_by(UUID),
            &[
                "✗ user        \"6c1156a0-7ffc-1041-86b2-8939fe2205b2\" looks like the server's \
                 internal name for the login \"alice@example.com\"",
                "→ set login_name = \"username\" and principal = \"any\"",
                "→ or set the Internal Username Attribute in Nextcloud's LDAP settings",
            ],
        )
        .without(&["log in as", "another user"]),
        Case::answering(
            names_by(UUID),
            &["\", whom principal = \"any\" accepts", "! principal = \"any\" is safe only if", SUCCEEDS],
        )
        .with(&["--principal", "any"]),
        Case::answering(
            names_by(UUID),
            &[
                "✓ password    207 Multi-Status for alice (",
                "✓ user        \"6c1156a0-7ffc-1041-86b2-8939fe2205b2\", whom principal = \"any\" accepts",
                SUCCEEDS,
            ],
        )
        .with(&["--principal", "any", "--login-name", "username"])
        .without(&["! principal"]),
        Case::answering(
            names_by("jurgen"),
            &[
                "✗ user        the password belongs to \"jurgen@example.com\", not to \
                 \"jürgen@example.com\"",
                "→ they differ by accents or width only; if the server writes this login so, set",
                "→ or set the Internal Username Attribute",
            ],
        )
        .of("jürgen@example.com")
        .without(&["log in as", "another user"]),
        Case::answering(
            names_by("alice"),
            &["not to \" alice@example.com\"", "→ they differ by white space only, so log in without it"],
        )
        .of(" alice"),
        Case::answering(
            names_by("alice"),
            &["✗ password    the user name \" alice\" begins or ends with white space"],
        )
        .of(" alice")
        .with(&["--login-name", "username"]),
        Case::answering(
            nextcloud("34", "webdav-no-principal", FULL),
            &["✗ user        this Nextcloud does not say whose password", is_right_there],
        )
        .with(&at_webdav)
        .of("bob"),
        Case::answering(
            nextcloud("34", "webdav-no-principal", FULL),
            &[
                "✓ user        the server names no user",
                "! this Nextcloud",
                is_right_there,
                SUCCEEDS,
            ],
        )
        .with(&at_webdav)
        .with(&["--principal", "any"])
        .of("bob"),
    ]
}

/// Which files the password opens.
fn files() -> Vec<Case> {
    let none = ["--file-access", "none"];
    let mut cases = vec![
        Case::answering(
            nextcloud("34", "ok-principal", "files-plus-in-uid"),
            &["✗ files       the server gives no clear answer"],
        )
        .with(&none)
        .of("bob"),
        Case::answering(
            |request| knows(request, |_| principal("alice")),
            &["– files       only a Nextcloud is asked", SUCCEEDS],
        ),
        Case::answering(
            |request| {
                knows(request, |it| match it.head.contains("/files/") {
                    true => file_id("-1"),
                    false => principal("alice"),
                })
            },
            &["✓ files       this password opens none", SUCCEEDS],
        )
        .with(&none),
    ];
    for folder in ["31", "34"] {
        for (files, options, expected) in [
            (FULL, &none[..], &["✗ files       the password may read files: make an app"][..]),
            (FULL, &[], &["✓ files       ", "file_access = \"none\" would refuse it", SUCCEEDS]),
            (WITHOUT_FILES, &none, &["✓ files       this password opens none", SUCCEEDS]),
            (WITHOUT_FILES, &[], &["file_access = \"none\" would accept it", SUCCEEDS]),
        ] {
            let answering = nextcloud(folder, "ok-principal", files);
            cases.push(Case::answering(answering, expected).with(options).of("bob"));
        }
    }
    cases
}
