//! What the server says, and what is told of it.

use std::net::TcpListener;

use crate::mounted::{Mounted, file_id, honest, knows};
use crate::support::http::{Request, Server, answer, principal, refusal};
use crate::support::recording;

const SUCCEEDS: &str = "\nThis login succeeds.\n";

/// Whether each text is there in this order.
fn says(text: &str, expected: &[&str]) {
    let mut rest = text;
    for said in expected {
        let at = rest.find(said).unwrap_or_else(|| panic!("{said}\n{text}"));
        rest = &rest[at..];
    }
}

#[test]
fn a_right_login_is_right_in_every_step() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "file_access = 'none',");
    let (status, text) = mounted.check(&[]);
    says(
        &text,
        &[
            "✓ settings    https://localhost:",
            "✓ library     ",
            "httpbasic.so, for Lua 5.4 and glibc 2.",
            "✓ name        localhost is 127.0.0.1",
            "✓ connection  127.0.0.1:",
            "✓ TLS         TLSv1.3, certificate for localhost from CN=httpbasic throwaway CA, ",
            " days left",
            "✓ server      asks for a password: 401 Unauthorized",
            "✓ password    207 Multi-Status for alice@example.com",
            "✓ user        alice, which is alice@example.com by domain = \"example.com\"",
            "✓ files       this password opens none",
            "✓ again       a second login, on the same connection",
            SUCCEEDS,
        ],
    );
    assert!(status == 0 && !text.contains(['!', '→', '✗', '–', '\u{1b}']), "{text}");
    // The way is gone once without credentials, and then there is one connection.
    assert_eq!(server.connections(), 2);
    let right: Vec<_> =
        server.requests().iter().map(|request| request.header("authorization").is_some()).collect();
    assert_eq!(right, [false, true, true, true, true]);
}

/// A Nextcloud of this version that answers right and wrong passwords by this recording.
fn nextcloud(
    version: u32,
    name: &'static str,
    files: &'static str,
) -> impl Fn(&Request) -> Vec<u8> {
    move |request| {
        let recorded = match (request.header("authorization"), name) {
            // Nobody is served then.
            (None, "maintenance" | "throttled") => name,
            (None, _) => "no-credentials",
            _ if request.head.contains("/files/") => files,
            _ => name,
        };
        recording::answer(version, recorded)
    }
}

#[test]
fn each_recorded_answer_of_nextcloud_is_told_with_what_helps() {
    let mounted = Mounted::new();
    let bob = "bob@example.com";
    let app_password = "make an app password (Settings, Security)";
    let without_domain = "--domain example.com --login-name username";
    for (versions, name, user, said) in [
        (&[31, 34][..], "ok-principal", bob, &["✓ user        bob, which is", SUCCEEDS][..]),
        (&[31, 34], "ok-principal-odd-uid", "o'hara jo@example.com", &[SUCCEEDS]),
        (&[34], "ok-principal-umlaut", "jürgen", &["✓ user        jürgen, ", SUCCEEDS]),
        (&[34], "carddav-principal", bob, &[SUCCEEDS]),
        (
            &[31, 34],
            "ok-principal-email-login",
            "victim@example.com",
            &["✗ user        the password is that of bob@example.com, not of victim@example.com"],
        ),
        (
            &[31, 34],
            "wrong-password",
            bob,
            &["✗ password    401 Unauthorized: wrong user name", app_password, without_domain],
        ),
        (&[31, 34], "unknown-user", bob, &["✗ password    401 Unauthorized: wrong", app_password]),
        (
            &[31, 34],
            "account-password-forbidden",
            bob,
            &["this account needs an app password", "make one in Nextcloud, Settings, Security"],
        ),
        (
            &[31, 34],
            "account-disabled",
            bob,
            &["✗ password    503", "the account is disabled: ", "occ user:enable bob@example.com"],
        ),
        (&[34], "account-disabled-account-password", bob, &["the account is disabled: "]),
        (
            &[34],
            "token-password-expired",
            bob,
            &["TokenPasswordExpired", "log in to Nextcloud in a browser once"],
        ),
        (
            &[34],
            "account-removed-email-login",
            bob,
            &["✗ password    500", "see the web server's log, and Nextcloud's"],
        ),
        (&[31, 34], "maintenance", bob, &["✗ server      503", "occ maintenance:mode --off"]),
        (
            &[31, 34],
            "throttled",
            bob,
            &["✗ server      429", "trusted_proxies", "occ security:bruteforce:reset ADDRESS"],
        ),
        (&[31, 34], "get-instead-of-propfind", bob, &["✗ password    200 OK", "/remote.php/dav/"]),
        (&[34], "webdav-no-principal", bob, &["✗ user        this Nextcloud does not say whose"]),
    ] {
        for version in versions {
            let files = "files-full-app-password";
            let server = mounted.serve(nextcloud(*version, name, files));
            mounted.configure(server.port, "");
            let (status, text) = mounted.check_as(user, &[]);
            println!("{version} {name}\n{text}");
            says(&text, said);
            assert_eq!(status == 0, said.contains(&SUCCEEDS), "{text}");
        }
    }
}

#[test]
fn a_nextcloud_that_names_nobody_is_told_its_url_and_warned_of_where_it_is_let_pass() {
    let mounted = Mounted::new();
    let server = mounted.serve(nextcloud(34, "webdav-no-principal", "files-full-app-password"));
    mounted.configure(server.port, "");
    let base = format!("https://localhost:{}/remote.php/", server.port);
    let (url, right) = (format!("{base}webdav/"), format!("set url = \"{base}dav/\""));
    let (status, text) = mounted.check_as("bob", &["--url", &url]);
    says(&text, &["✗ user        this Nextcloud does not say whose password", &right]);
    assert_eq!(status, 1);
    let (status, text) = mounted.check_as("bob", &["--url", &url, "--principal", "any"]);
    says(
        &text,
        &["✓ user        the server names nobody", "! this Nextcloud does not say", &right],
    );
    assert_eq!(status, 0, "{text}");
}

#[test]
fn files_are_what_file_access_is_about() {
    let mounted = Mounted::new();
    let none = "file_access = 'none',";
    for (recorded, more, expected, said) in [
        (
            "files-full-app-password",
            none,
            1,
            "✗ files       the password may read files: make an app",
        ),
        ("files-full-app-password", "", 0, "file_access = \"none\" would refuse it"),
        (
            "files-app-password-without-file-access",
            none,
            0,
            "✓ files       this password opens none",
        ),
        (
            "files-app-password-without-file-access",
            "",
            0,
            "file_access = \"none\" would demand that",
        ),
    ] {
        for version in [31, 34] {
            let server = mounted.serve(nextcloud(version, "ok-principal", recorded));
            mounted.configure(server.port, more);
            let (status, text) = mounted.check_as("bob", &[]);
            assert!(status == expected && text.contains(said), "{said}\n{text}");
        }
    }
    let server = mounted.serve(nextcloud(34, "ok-principal", "files-plus-in-uid"));
    mounted.configure(server.port, none);
    let (status, text) = mounted.check_as("bob", &[]);
    assert!(status == 1 && text.contains("gives no clear answer"), "{text}");
    // A server that is no Nextcloud is not asked.
    let server = mounted.serve(|request| knows(request, |_| principal("alice")));
    mounted.configure(server.port, "");
    let (status, text) = mounted.check(&[]);
    assert!(
        status == 0 && text.contains("– files       asked about at a Nextcloud only"),
        "{text}"
    );
}

#[test]
fn servers_that_are_not_the_right_one_are_told_apart() {
    let mounted = Mounted::new();
    let page = "<html><body>hello</body></html>";
    let path = "Nextcloud's URL ends in /remote.php/dav/";
    let redirect = b"HTTP/1.1 302 Found\r\nLocation: https://sso.example.com/login?x=y\r\n\
                     Content-Length: 0\r\n\r\n";
    let digest = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\"\r\n\
                   Content-Length: 0\r\n\r\n";
    for (answer, said) in [
        (
            answer("404 Not Found", page),
            &["✗ server      404 Not Found: the body is a web", path][..],
        ),
        (answer("200 OK", page), &["✗ server      200 OK: the body is a web page", path]),
        (answer("405 Method Not Allowed", ""), &["✗ server      405", path]),
        (answer("403 Forbidden", ""), &["✗ server      403", "the web server lets nobody in"]),
        (redirect.to_vec(), &["redirects to https://sso.example.com/login,", "no WebDAV", path]),
        (
            digest.to_vec(),
            &["does not accept Basic authentication here, only Digest", "let the web"],
        ),
        (answer("502 Bad Gateway", page), &["✗ server      502", "what is behind it"]),
        (answer("500 Internal Server Error", ""), &["✗ server      500", "the web server's log"]),
        (principal("alice"), &["✗ server      answers 207 Multi-Status to anybody", "everybody"]),
        (
            b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(),
            &["✗ server      protocol: ", "is there a web server"],
        ),
    ] {
        let server = mounted.serve(move |_| answer.clone());
        mounted.configure(server.port, "");
        let (status, text) = mounted.check(&[]);
        says(&text, said);
        says(
            &text,
            &["– password    not reached", "– again       not reached", "does not succeed"],
        );
        assert_eq!(status, 1, "{text}");
        // Who is not the right one gets no password.
        let requests = server.requests();
        assert!(requests.iter().all(|it| it.header("authorization").is_none()), "{text}");
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_told_with_what_to_look_at() {
    let mounted = Mounted::new();
    mounted.configure_without_server();
    let (status, text) = mounted.check(&[]);
    says(&text, &["✗ connection  connect: Connection refused", "→ does the web server run"]);
    assert_eq!(status, 1);
    let (status, text) = mounted.check(&["--url", "https://host.invalid/"]);
    says(&text, &["✗ name        dns: host.invalid: ", "→ is the host in the URL right"]);
    assert_eq!(status, 1);
    // It accepts connections, and says nothing: neither of TLS nor of HTTP.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let limits = ["--connect-timeout-msecs", "300", "--timeout-msecs", "300"];
    let (_, text) =
        mounted.check(&[&["--url", &format!("https://{address}/")], &limits[..]].concat());
    says(&text, &["✗ TLS         timeout: ", "negotiating TLS", "→ is there TLS on this port?"]);
    let (_, text) =
        mounted.check(&[&["--url", &format!("http://{address}/")], &limits[..]].concat());
    says(&text, &["– TLS         none", "✗ server      timeout: ", "→ the web server accepts"]);
}

#[test]
fn whoever_the_password_belongs_to_is_told_with_the_settings_that_fit() {
    let mounted = Mounted::new();
    let server = mounted.serve(|request| knows(request, |_| principal("alice")));
    let url = format!("https://localhost:{}/dav/", server.port);
    let ca_file = mounted.path().join("ca.pem");
    mounted.set_options(&format!("url = '{url}', ca_file = '{}',", ca_file.display()));
    let (status, text) = mounted.check(&[]);
    says(&text, &["✗ user        the password is that of alice, ", "set domain = \"example.com\""]);
    assert_eq!(status, 1);

    let any = ["--principal", "any"];
    let (status, text) = mounted.check(&any);
    says(
        &text,
        &["✓ user        alice, whom principal = \"any\" accepts", "! the password is that"],
    );
    assert_eq!(status, 0);
    let (status, text) = mounted.check(&[&any[..], &["--domain", "example.com"]].concat());
    says(
        &text,
        &["✓ user        alice, which", "! principal = \"any\" lets other users in as this"],
    );
    assert_eq!(status, 0);
    let (status, text) = mounted.check(&["--domain", "example.com", "--login-name", "username"]);
    says(&text, &["✓ password    207 Multi-Status for alice (", "✓ user        alice, which is"]);
    assert_eq!(status, 0);
}

#[test]
fn no_wrong_password_is_ever_sent() {
    let mounted = Mounted::new();
    let server = mounted.serve(|_| refusal());
    mounted.configure(server.port, "");
    let (status, text) = mounted.check(&[]);
    says(&text, &["✗ password    401 Unauthorized: wrong user name or password", "--login-name"]);
    assert_eq!(status, 1);
    let sent: Vec<_> =
        server.requests().iter().map(|it| it.header("authorization").is_some()).collect();
    // Once without a password, and once with the one that was typed.
    assert_eq!(sent, [false, true]);
}

#[test]
fn a_server_that_closes_each_connection_is_told_at_the_second_login() {
    let mounted = Mounted::new();
    let server = Server::start(Some(&mounted.identity()), |stream, next_request| {
        if let Some(request) = next_request(stream) {
            let _ = stream.write_all(&honest(&request));
        }
    });
    mounted.configure(server.port, "");
    let (status, text) = mounted.check(&[]);
    says(&text, &["✓ again       a second login, on a new connection", SUCCEEDS]);
    assert_eq!(status, 0);
}

#[test]
fn machines_read_json() {
    let mounted = Mounted::new();
    let server = mounted.serve(|request| {
        knows(request, |request| match request.head.contains("/files/") {
            true => file_id("7"),
            false => principal("alice"),
        })
    });
    mounted.configure(server.port, "");
    let (status, text) = mounted.check(&["--json"]);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &object["ok"]), (0, &true.into()));
    let steps = object["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    let expected = [
        "settings",
        "library",
        "name",
        "connection",
        "TLS",
        "server",
        "password",
        "user",
        "files",
        "again",
    ];
    assert_eq!(names, expected);
    assert!(steps.iter().all(|step| step["msecs"].is_u64()), "{text}");

    let (status, text) = mounted.check_as("bob", &["--json"]);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &object["ok"]), (1, &false.into()));
    assert_eq!(object["steps"][7]["state"], "failed");
    assert_eq!(object["steps"][9]["state"], "not reached");
}
