//! The answers of servers, and what the program says about them.

use super::mounted::{Mounted, run};
use crate::support::checker::{PASSWORD, SUCCEEDS, USER, file_id, honest, knows, says, sent};
use crate::support::http::{Server, principal, refusal};
use crate::support::{findings, recording};

#[test]
fn a_right_login_passes_every_step() {
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
            "✓ user        \"alice\", which is \"alice@example.com\" by domain = \"example.com\"",
            "✓ files       this password opens none",
            "✓ again       a second login, on the same connection",
            "– refusal     a Nextcloud is sent no wrong password, because it counts them",
            SUCCEEDS,
        ],
    );
    assert!(status == 0 && !text.contains(['!', '→', '✗', '\u{1b}']), "{text}");
    // The steps up to TLS have a connection of their own, and all requests share another.
    assert_eq!(server.connections(), 2);
    let right: Vec<_> =
        server.requests().iter().map(|request| request.header("authorization").is_some()).collect();
    assert_eq!(right, [false, true, true, true, true]);
}

#[test]
fn every_fault_is_found_with_the_advice_that_helps() {
    let mounted = Mounted::new();
    mounted.configure_without_server();
    findings::find_all(|| {
        |arguments| {
            let mut command = mounted.command(&[]);
            command.args(arguments);
            run(command)
        }
    });
}

#[test]
fn the_owner_of_the_password_is_shown_with_the_settings_that_fit() {
    let mounted = Mounted::new();
    let server = mounted.serve(|request| knows(request, |_| principal("alice")));
    let url = format!("https://localhost:{}/dav/", server.port);
    let ca_file = mounted.path().join("ca.pem");
    mounted.set_options(&format!("url = '{url}', ca_file = '{}',", ca_file.display()));
    let (status, text) = mounted.check(&[]);
    says(
        &text,
        &["✗ user        the password belongs to \"alice\", ", "set domain = \"example.com\""],
    );
    assert_eq!(status, 1);

    let any = ["--principal", "any"];
    let (status, text) = mounted.check(&any);
    says(
        &text,
        &[
            "✓ user        \"alice\", whom principal = \"any\" accepts",
            "! principal = \"any\" is safe only",
        ],
    );
    assert_eq!(status, 0);
    let (status, text) = mounted.check(&[&any[..], &["--domain", "example.com"]].concat());
    says(
        &text,
        &[
            "✓ user        \"alice\", which",
            "! principal = \"any\" accepts the passwords of other users",
        ],
    );
    assert_eq!(status, 0);
    let (status, text) = mounted.check(&["--domain", "example.com", "--login-name", "username"]);
    says(
        &text,
        &["✓ password    207 Multi-Status for alice (", "✓ user        \"alice\", which is"],
    );
    assert_eq!(status, 0);
}

#[test]
fn a_nextcloud_is_sent_no_wrong_password() {
    let mounted = Mounted::new();
    let server = mounted.serve(|_| refusal());
    mounted.configure(server.port, "");
    let (status, text) = mounted.check(&[]);
    says(&text, &["✗ password    401 Unauthorized: wrong user name or password", "--login-name"]);
    assert_eq!(status, 1);
    let with_password: Vec<_> =
        server.requests().iter().map(|it| it.header("authorization").is_some()).collect();
    // Once without a password, and once with the one that was typed.
    assert_eq!(with_password, [false, true]);

    // It is known by its URL, its namespaces or its cookies.
    let cookie = "Set-Cookie: __Host-nc_sameSiteCookielax=true; path=/\r\nContent-Length";
    let cookies = String::from_utf8(principal("alice")).unwrap();
    let cookies = cookies.replace("Content-Length", cookie);
    let namespaces = recording::answer("34", "ok-principal");
    for (path, user, answer) in [
        ("/remote.php/dav/", "alice", principal("alice")),
        ("/dav/", "alice", cookies.into_bytes()),
        ("/dav/", "bob", namespaces),
    ] {
        let server = mounted.serve(move |request| knows(request, |_| answer.clone()));
        mounted.configure(server.port, "");
        let url = format!("https://localhost:{}{path}", server.port);
        let (status, text) = mounted.check_as(user, &["--url", &url]);
        says(&text, &["– refusal     a Nextcloud is sent no wrong password", SUCCEEDS]);
        assert_eq!(status, 0);
        let is_right = |request: &_| [":", PASSWORD].concat() == sent(request)[user.len()..];
        let requests = server.requests();
        let mut with_credentials =
            requests.iter().filter(|it| it.header("authorization").is_some());
        assert!(with_credentials.all(is_right), "{requests:?}");
    }
}

#[test]
fn another_server_is_sent_one_wrong_password_and_at_most_one_wrong_name() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let url = format!("https://localhost:{}/dav/", server.port);
    let mut passwords = Vec::new();
    for _ in 0..2 {
        let (status, text) = mounted.check(&["--url", &url]);
        says(&text, &["… sends the login name with a random password", "✓ refusal     a random"]);
        assert_eq!(status, 0, "{text}");
        let last = sent(server.requests().last().unwrap());
        let (name, password) = last.split_once(':').unwrap();
        assert!(name == USER && password.len() == 32 && !text.contains(password), "{last}");
        passwords.push(password.to_string());
    }
    assert_ne!(passwords[0], passwords[1]);
    let wrong = server.requests().iter().filter(|it| !sent(it).ends_with(PASSWORD)).count();
    // Twice without credentials, and twice with a random password.
    assert_eq!(wrong, 4);
}

#[test]
fn a_server_that_closes_each_connection_is_noticed_at_the_second_login() {
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
fn json_is_one_object_with_every_step() {
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
        "refusal",
    ];
    assert_eq!(names, expected);
    assert!(steps.iter().all(|step| step["msecs"].is_u64()), "{text}");

    let (status, text) = mounted.check_as("bob", &["--json"]);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &object["ok"]), (1, &false.into()));
    assert_eq!(object["steps"][7]["state"], "failed");
    assert_eq!(object["steps"][9]["state"], "not reached");
}
