//! The Lua interface in an embedded Lua, against web servers in this process.

use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mlua::{Lua, MultiValue, Table, Value};

use crate::support::ca::{self, Ca};
use crate::support::embedded;
use crate::support::http::{Request, Server, answer, principal, refusal};
use crate::support::nginx::Nginx;
use crate::support::port;
use crate::support::world::World;

#[test]
fn the_module_has_a_version_and_its_functions() {
    let world = World::new();
    let script = "return httpbasic._VERSION, type(httpbasic.client), type(httpbasic.base64)";
    let (version, client, base64): (String, String, String) =
        world.lua.load(script).eval().unwrap();
    assert_eq!(
        (version.as_str(), client.as_str(), base64.as_str()),
        (env!("CARGO_PKG_VERSION"), "function", "table")
    );
}

#[test]
fn a_right_password_is_ok_and_comes_back_as_a_hash() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(server.port, "");
    let (word, field) = world.verify(b"alice", b"correct horse", Some("192.0.2.1"));
    assert_eq!(word, "ok");
    let hash = STANDARD.decode(field.strip_prefix("{SSHA256}").unwrap()).unwrap();
    assert!(hash.len() > 32, "a hash and its salt");
}

#[test]
fn the_request_has_exactly_the_expected_lines() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(server.port, "");
    world.verify(b"alice", "grüß:Gott\u{a0}".as_bytes(), Some("2001:db8::1"));
    let request = &server.requests()[0];
    assert!(request.head.starts_with("PROPFIND /dav/ HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("depth"), Some("0"));
    assert_eq!(request.header("host"), Some(&*format!("localhost:{}", server.port)));
    assert_eq!(request.header("x-forwarded-for"), Some("2001:db8::1"));
    assert_eq!(
        request.header("user-agent"),
        Some(concat!("httpbasic/", env!("CARGO_PKG_VERSION")))
    );
    assert!(
        request.body.contains("<prop><current-user-principal/><resourcetype/></prop>"),
        "{}",
        request.body
    );
    assert_eq!(request.credentials(), "alice:grüß:Gott\u{a0}".as_bytes());
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    for unwanted in ["cookie", "accept", "referer", "expect", "connection"] {
        assert_eq!(request.header(unwanted), None);
    }
}

#[test]
fn passwords_are_bytes_and_credentials_that_cannot_be_sent_are_refused() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(server.port, "");
    for (user, password) in [
        (&b""[..], &b"x"[..]),
        (b"a:b", b"x"),
        (b"a\nb", b"x"),
        (b"a\0b", b"x"),
        (b"a", b""),
        (b"a", b"x\r\nX-Injected: y"),
        (b"a", b"x\0"),
        (&[b'a'; 6000], b"x"),
    ] {
        let (word, text) = world.verify(user, password, None);
        assert_eq!(word, "refused");
        assert!(text.starts_with("credentials: "), "{text}");
    }
    assert_eq!(server.connections(), 0);
    for password in [&b"\xff\xfe\x80"[..], b"a:b:c", "пароль".as_bytes(), b" "] {
        assert_eq!(world.verify(b"alice", password, None).0, "ok");
        let last = server.requests().pop().unwrap();
        assert_eq!(last.credentials(), [b"alice:", password].concat());
    }
}

#[test]
fn only_a_valid_ip_address_is_sent() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    let forwarded = |remote_ip, header: &str| {
        assert_eq!(world.verify(b"alice", b"x", remote_ip).0, "ok");
        server.requests().pop().unwrap().header(header).map(String::from)
    };
    world.client(server.port, "");
    assert_eq!(forwarded(Some("192.0.2.1"), "x-forwarded-for").as_deref(), Some("192.0.2.1"));
    assert_eq!(
        forwarded(Some("::ffff:192.0.2.1"), "x-forwarded-for").as_deref(),
        Some("192.0.2.1")
    );
    for nothing in [
        None,
        Some(""),
        Some("host"),
        Some("192.0.2.1\r\nX-Injected: y"),
        Some("192.0.2.1, 10.0.0.1"),
    ] {
        assert_eq!(forwarded(nothing, "x-forwarded-for"), None, "{nothing:?}");
    }
    world.client(server.port, "forwarded_header = 'X-Real-IP'");
    assert_eq!(forwarded(Some("192.0.2.1"), "x-real-ip").as_deref(), Some("192.0.2.1"));
    world.client(server.port, "forwarded_header = ''");
    assert_eq!(forwarded(Some("192.0.2.1"), "x-forwarded-for"), None);
}

#[test]
fn the_connection_is_kept_and_a_dead_one_costs_no_login() {
    let world = World::new();
    let closing = Server::start(Some(&world.localhost()), |stream, next_request| {
        // Two answers, then the connection ends without a word.
        for _ in 0..2 {
            if next_request(stream).is_some() {
                let _ = stream.write_all(&principal("alice"));
            }
        }
    });
    world.client(closing.port, "");
    for _ in 0..6 {
        assert_eq!(world.verify(b"alice", b"x", None).0, "ok");
    }
    assert_eq!(closing.connections(), 3);
}

#[test]
fn each_status_has_its_verdict() {
    let world = World::new();
    for (answered, expected, expected_text) in [
        (refusal(), "refused", "401 Unauthorized"),
        (
            answer("429 Too Many Requests", ""),
            "throttled",
            "429 Too Many Requests: too many failed logins",
        ),
        (
            answer("503 Service Unavailable", ""),
            "unavailable",
            "503 Service Unavailable: the server is overloaded or not ready; see its log [https://",
        ),
        (answer("200 OK", "hello"), "unavailable", "200 OK: the body is not XML"),
        (answer("207 Multi-Status", "<html/>"), "unavailable", "the body is a web page (HTML)"),
        (answer("301 Moved Permanently", ""), "unavailable", "301 Moved Permanently"),
        (answer("599 Odd", ""), "unavailable", "599 ["),
    ] {
        let server = Server::answering(Some(&world.localhost()), move |_| answered.clone());
        world.client(server.port, "");
        let (word, text) = world.verify(b"alice", b"x", None);
        assert_eq!(word, expected, "{text}");
        assert!(text.starts_with(expected_text) || text.contains(expected_text), "{text}");
    }
}

#[test]
fn another_method_may_have_another_success_status() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |request| {
        let right = request.credentials() == b"alice:secret";
        if right { answer("200 OK", "welcome") } else { answer("403 Forbidden", "") }
    });
    world.client(server.port, "method = 'GET', success_status = 200, failure_status = '403'");
    assert_eq!(world.verify(b"alice", b"secret", None).0, "ok");
    assert_eq!(world.verify(b"alice", b"wrong", None).0, "refused");
    assert_eq!(server.connections(), 1);
    let request = &server.requests()[0];
    assert!(request.head.starts_with("GET /dav/ HTTP/1.1\r\n") && request.body.is_empty());
    assert_eq!((request.header("depth"), request.header("content-length")), (None, None));
}

#[test]
fn with_get_a_long_page_is_not_read() {
    let world = World::new();
    let page = "<html>".repeat(1 << 20);
    for head in [format!("Content-Length: {}", page.len()), "X: until the end".into()] {
        let page = page.clone();
        let server = Server::start(Some(&world.localhost()), move |stream, next_request| {
            if next_request(stream).is_some() {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{page}");
            }
        });
        world.client(server.port, "method = 'GET', success_status = 200");
        let (word, text) = world.verify(b"alice", b"secret", None);
        assert_eq!(word, "ok", "{text}");
    }
}

#[test]
fn the_name_can_be_sent_without_the_domain() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |request| {
        let credentials = String::from_utf8(request.credentials()).unwrap();
        principal(credentials.split_once(':').unwrap().0)
    });
    let domain = "domain = 'example.com, example.org'";
    let username = "login_name = 'username', domain = 'example.com'";
    for (settings, login, sent) in [
        (domain, "bob@example.com", "bob@example.com"),
        (domain, "bob@example.org", "bob@example.org"),
        (username, "bob@example.com", "bob"),
        (username, "bob@Example.Com", "bob"),
        (username, "bob", "bob"),
    ] {
        world.client(server.port, settings);
        let (word, text) = world.verify(login.as_bytes(), b"x", None);
        assert_eq!(word, "ok", "{settings} {login}: {text}");
        let last = server.requests().pop().unwrap();
        assert_eq!(last.credentials(), format!("{sent}:x").as_bytes(), "{settings} {login}");
        world.run(&format!("client:propfind('{login}', 'y')"));
        let last = server.requests().pop().unwrap();
        assert_eq!(last.credentials(), format!("{sent}:y").as_bytes(), "{settings} {login}");
    }
}

#[test]
fn a_login_in_another_domain_is_refused_without_a_request() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |request| {
        let credentials = String::from_utf8(request.credentials()).unwrap();
        principal(credentials.split_once(':').unwrap().0)
    });
    let username = "login_name = 'username', domain = 'example.com'";
    let domain = "is not a login in the domain of this passdb (domain = \"example.com\")";
    for (settings, login, expected) in [
        ("domain = 'example.com'", "bob@example.org", domain),
        ("domain = 'example.com', principal = 'any'", "bob@example.org", domain),
        (username, "bob@example.org", domain),
        (username, "bob@a@example.com", domain),
        (username, "@example.com", domain),
        (username, "bob @example.com", "ends with white space, so it is not sent"),
    ] {
        world.client(server.port, settings);
        let (word, text) = world.verify(login.as_bytes(), b"x", None);
        assert_eq!(word, "refused", "{settings} {login}: {text}");
        assert!(text.contains(expected), "{text}");
        let script = format!("return select(2, client:propfind('{login}', 'x'))");
        let error: String = world.lua.load(script).eval().unwrap();
        assert!(error.starts_with("credentials: ") && error.contains(expected), "{error}");
    }
    assert_eq!(server.requests().len(), 0);
}

/// A Nextcloud that names the user and reports whether the password gives access to files.
fn nextcloud(request: &Request) -> Vec<u8> {
    let credentials = String::from_utf8(request.credentials()).unwrap();
    let (user, password) = credentials.split_once(':').unwrap();
    if request.head.starts_with("PROPFIND /dav/ ") {
        return principal(user);
    }
    let id = match password {
        "for mail" => "<fileid xmlns='http://owncloud.org/ns'>-1</fileid>",
        "for files" => "<fileid xmlns='http://owncloud.org/ns'>13</fileid>",
        _ => "",
    };
    let body = format!(
        "<multistatus xmlns='DAV:'><response><propstat><prop>{id}</prop>\
         <status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
    );
    answer("207 Multi-Status", &body)
}

#[test]
fn with_file_access_none_a_password_for_files_opens_no_mailbox() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), nextcloud);
    world.client(server.port, "file_access = 'none'");
    assert_eq!(world.verify(b"o'hara jo@example.com", b"for mail", Some("192.0.2.1")).0, "ok");
    let asked = server.requests();
    assert_eq!((asked.len(), server.connections()), (2, 1));
    let path = "PROPFIND /dav/files/o%27hara%20jo%40example.com/ HTTP/1.1\r\n";
    assert!(asked[1].head.starts_with(path), "{}", asked[1].head);
    assert!(asked[1].body.contains("<fileid xmlns=\"http://owncloud.org/ns\"/>"));
    assert_eq!(asked[1].header("depth"), Some("0"));
    assert_eq!(asked[1].header("x-forwarded-for"), Some("192.0.2.1"));
    for (password, expected_text) in [
        ("for files", "turn off \"Allow filesystem access\" for it"),
        ("other", "no clear answer whether the password may read files: 207 Multi-Status without"),
    ] {
        let (word, text) = world.verify(b"bob", password.as_bytes(), None);
        assert_eq!(word, "refused");
        assert!(text.contains(expected_text), "{text}");
    }
    world.client(server.port, "");
    assert_eq!(world.verify(b"bob", b"for files", None).0, "ok");
}

#[test]
fn both_requests_of_a_lookup_have_one_deadline() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |request| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        nextcloud(request)
    });
    world.client(server.port, "file_access = 'none', timeout_msecs = 450");
    let start = std::time::Instant::now();
    let (word, text) = world.verify(b"bob", b"for mail", None);
    assert_eq!(word, "unavailable");
    assert!(text.starts_with("timeout: "), "{text}");
    assert!(start.elapsed().as_millis() < 550, "{:?}", start.elapsed());
}

#[test]
fn propfind_returns_an_answer_with_any_status() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |request| {
        if request.credentials().starts_with(b"alice") {
            return principal("alice");
        }
        let body = "<d:error xmlns:d='DAV:' xmlns:s='http://sabredav.org/ns'><s:exception>A\\B</s:exception>\
                    <s:message>no&#10;entry</s:message></d:error>";
        answer("401 Unauthorized", body)
    });
    world.client(server.port, "");
    let response: Table = world.lua.load("client:propfind('alice', 'x')").eval().unwrap();
    assert_eq!(response.get::<u16>("status").unwrap(), 207);
    assert_eq!(response.get::<String>("reason").unwrap(), "Multi-Status");
    assert_eq!(response.get::<String>("principal").unwrap(), "/principals/users/alice/");
    assert_eq!(response.get::<Value>("exception").unwrap(), Value::Nil);
    assert!(response.get::<u64>("elapsed_msecs").unwrap() < 60_000);
    let response: Table = world.lua.load("client:propfind('bob', 'x', nil)").eval().unwrap();
    assert_eq!(response.get::<u16>("status").unwrap(), 401);
    assert_eq!(response.get::<String>("exception").unwrap(), "A\\B");
    assert_eq!(response.get::<String>("message").unwrap(), "no entry");
    assert_eq!(response.get::<Value>("principal").unwrap(), Value::Nil);
}

#[test]
fn propfind_returns_an_error_that_begins_with_its_kind() {
    let world = World::new();
    let error = |expression: &str| {
        let (none, error): (Value, String) = world.lua.load(expression).eval().unwrap();
        assert_eq!(none, Value::Nil);
        error
    };
    world.client(1, "");
    assert_eq!(error("client:propfind('', 'x')"), "credentials: the user id is empty");
    assert!(error("client:propfind('alice', 'x')").starts_with("connect: "));
    world.run("client = httpbasic.client { url = 'https://host.invalid/' }");
    assert!(error("client:propfind('alice', 'x')").starts_with("dns: host.invalid: "));
    let silent =
        Server::start(None, |stream, next_request| while next_request(stream).is_some() {});
    world.run(&format!(
        "client = httpbasic.client {{ url = 'http://127.0.0.1:{}/', timeout_msecs = 200 }}",
        silent.port
    ));
    assert!(error("client:propfind('alice', 'x')").starts_with("timeout: gave up after 2"));
    let garbage = Server::answering(None, |_| b"220 smtp.example.com ESMTP\r\n\r\n".to_vec());
    world.run(&format!(
        "client = httpbasic.client {{ url = 'http://127.0.0.1:{}/' }}",
        garbage.port
    ));
    assert!(error("client:propfind('alice', 'x')").starts_with("protocol: "));
}

#[test]
fn a_certificate_must_be_trusted_valid_and_for_the_host() {
    let world = World::new();
    for (identity, expected_text) in [
        (ca::self_signed(&["localhost"]), "tls: the certificate is self-signed and not in ca_file"),
        (Ca::new().issue(&["localhost"]), "tls: the certificate is signed by another CA"),
        (world.ca.issue_expired(&["localhost"]), "tls: the certificate expired on 2020-12-31"),
        (
            world.ca.issue(&["mail.example.com"]),
            "tls: the certificate does not match the URL's host",
        ),
    ] {
        let server = Server::answering(Some(&identity), |_| principal("alice"));
        world.client(server.port, "");
        let (word, text) = world.verify(b"alice", b"x", None);
        assert_eq!(word, "unavailable");
        assert!(text.starts_with(expected_text), "{text}");
        assert!(server.requests().is_empty(), "no password was sent");
    }
    let plain = Server::answering(None, |_| principal("alice"));
    world.client(plain.port, "");
    let (word, text) = world.verify(b"alice", b"x", None);
    assert_eq!(word, "unavailable");
    assert!(text.starts_with("tls: "), "{text}");
    // Our CA is not among Mozilla's.
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.run(&format!(
        "client = httpbasic.client {{ url = 'https://localhost:{}/' }}",
        server.port
    ));
    assert_eq!(world.verify(b"alice", b"x", None).0, "unavailable");
}

#[test]
fn tls_is_1_2_or_1_3_and_nothing_older() {
    let world = World::new();
    let body = String::from_utf8(principal("alice")).unwrap();
    let body = body.split_once("\r\n\r\n").unwrap().1;
    for (version, expected) in [("TLSv1.3", "ok"), ("TLSv1.2", "ok"), ("TLSv1.1", "unavailable")] {
        let nginx = Nginx::start_tls(&world.ca, version, body);
        world.run(&format!(
            "client = httpbasic.client {{ url = {:?}, ca_file = {:?} }}",
            nginx.url(),
            world.ca_file()
        ));
        let (word, text) = world.verify(b"alice", b"x", None);
        assert_eq!(word, expected, "{version}: {text}");
        assert!(word == "ok" || text.starts_with("tls: "), "{text}");
    }
}

#[test]
fn a_redirect_takes_the_password_nowhere() {
    let world = World::new();
    let elsewhere = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    for status in
        ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let location = format!("https://localhost:{}/dav/", elsewhere.port);
        let server = Server::answering(Some(&world.localhost()), move |_| {
            format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into()
        });
        world.client(server.port, "");
        let (word, text) = world.verify(b"alice", b"x", None);
        assert_eq!(word, "unavailable");
        assert!(text.starts_with(&status[..3]), "{text}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn states_with_the_same_options_share_a_connection_and_others_do_not() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    let states = [Lua::new(), Lua::new(), Lua::new()];
    let options = ["", "", "timeout_msecs = 4999"];
    let verify = |lua: &Lua| {
        let script = "return client:verify('alice', 'x')";
        lua.load(script).eval::<(String, Value, String)>().unwrap()
    };
    for (lua, more) in states.iter().zip(options) {
        lua.globals().set("httpbasic", embedded::httpbasic(lua)).unwrap();
        let options = world.options(server.port, more);
        lua.load(format!("client = httpbasic.client {options}")).exec().unwrap();
    }
    let used = states.each_ref().map(|lua| verify(lua).2);
    assert_eq!(used, ["new", "kept", "new"]);
    assert_eq!(server.connections(), 2);
    // The client lives as long as one state uses it.
    let [first, second, _] = states;
    drop(first);
    assert_eq!(verify(&second).2, "kept");
}

#[test]
fn a_lookup_says_which_connection_it_used_and_why_there_is_no_answer() {
    let world = World::new();
    let verify = || {
        let script = "local verdict, _, connection, reason = client:verify('alice', 'x')
            return verdict, connection, reason";
        let (verdict, connection, reason) =
            world.lua.load(script).eval::<(String, String, Option<String>)>().unwrap();
        (verdict, connection, reason.unwrap_or_default())
    };
    let is = |verdict: &str, connection: &str, reason: &str| {
        (verdict.to_owned(), connection.to_owned(), reason.to_owned())
    };
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(server.port, "");
    assert_eq!(verify(), is("ok", "new", ""));
    assert_eq!(verify(), is("ok", "kept", ""));
    world.client(server.port, "domain = 'example.com'");
    assert_eq!(verify(), is("ok", "new", ""));
    world.run("client = httpbasic.client { url = 'http://127.0.0.1:1/', domain = 'example.org' }");
    let script = "return client:verify('alice@example.com', 'x')";
    let refused = world.lua.load(script).eval::<(String, String, String)>().unwrap();
    assert_eq!((&*refused.0, &*refused.2), ("refused", "none"));

    let reason = |address: &str, more: &str| {
        world.run(&format!("client = httpbasic.client {{ url = '{address}', {more} }}"));
        verify()
    };
    let closed = format!("http://127.0.0.1:{}/", port::free());
    assert_eq!(reason(&closed, ""), is("unavailable", "none", "connect"));
    assert_eq!(verify(), is("unavailable", "none", "backoff"));
    let unknown = "https://unknown.invalid/";
    assert_eq!(reason(unknown, ""), is("unavailable", "none", "dns"));
    // Mozilla's CAs do not include the CA of this test.
    let untrusted = format!("https://localhost:{}/", server.port);
    assert_eq!(reason(&untrusted, ""), is("unavailable", "none", "tls"));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    assert_eq!(
        reason(&format!("http://{address}/"), "timeout_msecs = 200"),
        is("unavailable", "new", "timeout")
    );
    assert_eq!(
        reason(&format!("https://{address}/"), "timeout_msecs = 200"),
        is("unavailable", "none", "timeout")
    );
    for (text, expected) in [("503 Service Unavailable", "answer"), ("9", "protocol")] {
        let server = Server::answering(None, move |_| answer(text, ""));
        let url = format!("http://127.0.0.1:{}/", server.port);
        assert_eq!(reason(&url, ""), is("unavailable", "new", expected));
    }
}

#[test]
fn no_cookie_of_one_login_comes_with_the_next() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| {
        let answer = String::from_utf8(principal("alice")).unwrap();
        answer.replacen("\r\n", "\r\nSet-Cookie: session=alice; path=/\r\n", 1).into()
    });
    world.client(server.port, "");
    for _ in 0..2 {
        assert_eq!(world.verify(b"alice", b"x", None).0, "ok");
    }
    assert!(server.requests().iter().all(|request| request.header("cookie").is_none()));
    assert_eq!(server.connections(), 1, "on one connection");
}

#[test]
fn half_an_answer_proves_nothing() {
    let world = World::new();
    let whole = principal("alice");
    let body = whole.len() - whole.windows(4).position(|end| end == b"\r\n\r\n").unwrap() - 4;
    for missing in [1, 10, body / 2, body - 1, body] {
        let cut = whole[..whole.len() - missing].to_vec();
        let server = Server::start(Some(&world.localhost()), move |stream, next_request| {
            if next_request(stream).is_some() {
                let _ = stream.write_all(&cut);
            }
        });
        world.client(server.port, "");
        let (word, text) = world.verify(b"alice", b"x", None);
        assert_eq!(word, "unavailable", "{missing}: {text}");
        assert!(text.starts_with("protocol: "), "{text}");
    }
}

#[test]
fn a_refusal_does_not_wait_for_its_body() {
    let world = World::new();
    let head = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000\r\n\r\n";
    for is_slow in [false, true] {
        let server = Server::start(Some(&world.localhost()), move |stream, next_request| {
            if next_request(stream).is_some() {
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.flush());
                // The body stalls, or arrives a byte at a time.
                for _ in 0..100 {
                    sleep(Duration::from_millis(100));
                    if is_slow && stream.write_all(b"x").and_then(|()| stream.flush()).is_err() {
                        break;
                    }
                }
            }
        });
        world.client(server.port, "timeout_msecs = 30000, connect_timeout_msecs = 30000");
        let start = Instant::now();
        let (word, text) = world.verify(b"alice", b"x", None);
        assert_eq!(word, "refused", "{text}");
        assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    }
}

#[test]
fn a_body_that_stalls_is_a_timeout_unless_the_status_says_enough() {
    let world = World::new();
    for (status, word, text) in [
        ("200 OK", "unavailable", "timeout: gave up after "),
        ("404 Not Found", "unavailable", "timeout: gave up after "),
        ("503 Service Unavailable", "unavailable", "timeout: gave up after "),
        ("207 Multi-Status", "unavailable", "timeout: gave up after "),
        ("302 Found", "unavailable", "302 Found: redirects to https://host/"),
        ("429 Too Many Requests", "throttled", "429 Too Many Requests"),
    ] {
        let head =
            format!("HTTP/1.1 {status}\r\nLocation: https://host/\r\nContent-Length: 9\r\n\r\n");
        let server = Server::start(Some(&world.localhost()), move |stream, next_request| {
            if next_request(stream).is_some() {
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.flush());
                let _ = next_request(stream);
            }
        });
        world.client(server.port, "timeout_msecs = 1500");
        let (found, said) = world.verify(b"alice", b"x", None);
        assert_eq!(found, word, "{status}: {said}");
        assert!(said.starts_with(text), "{status}: {said}");
    }
}

#[test]
fn a_text_of_the_server_with_the_password_is_not_logged() {
    let world = World::new();
    let secret = "grüß \"Gott\" 100%";

    for echo in [
        "grüß &quot;Gott&quot; 100%",
        "gr%C3%BC%C3%9F%20%22Gott%22%20100%25",
        "Z3LDvMOfICJHb3R0IiAxMDAl",
        "Basic YWxpY2U6Z3LDvMOfICJHb3R0IiAxMDAl",
    ] {
        let error = format!(
            "<d:error xmlns:d='DAV:' xmlns:s='http://sabredav.org/ns'><s:exception>A</s:exception>\
             <s:message>{echo}</s:message></d:error>"
        );
        let answer = answer("503 Service Unavailable", &error);
        let server = Server::answering(Some(&world.localhost()), move |_| answer.clone());
        world.client(server.port, "");
        let (word, text) = world.verify(b"alice", secret.as_bytes(), None);
        assert_eq!(word, "unavailable");
        let expected = "503 Service Unavailable (its text contains the password) [";
        assert!(text.starts_with(expected), "{text}");
        let script = format!("client:propfind('alice', {secret:?}).message == nil");
        assert!(world.lua.load(script).eval::<bool>().unwrap());
        let (_, text) = world.verify(b"alice", b"another one", None);
        assert!(text.starts_with("503 Service Unavailable (A: "), "{text}");
    }
    let redirect = "HTTP/1.1 302 Found\r\nLocation: https://host/gr%c3%bc%c3%9f%20%22Gott%22%20100%\r\n\
                    Content-Length: 0\r\n\r\n";
    let server = Server::answering(Some(&world.localhost()), |_| redirect.into());
    world.client(server.port, "");
    let (_, text) = world.verify(b"alice", secret.as_bytes(), None);
    assert!(text.starts_with("302 Found: redirects to a URL with the password in it"), "{text}");
}

#[test]
fn a_head_with_too_much_in_it_is_an_error_that_says_so() {
    let world = World::new();
    for (fields, expected) in [
        ("X: y\r\n".repeat(129), "protocol: the answer has more than 128 header fields"),
        (
            format!("WWW-Authenticate: Negotiate {}\r\n", "x".repeat(64 << 10)),
            "protocol: the answer's head is longer than 32 KiB",
        ),
    ] {
        let answer =
            format!("HTTP/1.1 401 Unauthorized\r\n{fields}Content-Length: 0\r\n\r\n").into_bytes();
        let server = Server::answering(Some(&world.localhost()), move |_| answer.clone());
        world.client(server.port, "");
        let (word, text) = world.verify(b"alice", b"x", None);
        assert_eq!(word, "unavailable");
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn a_wrong_option_raises_a_string_that_names_it_and_the_scripts_line() {
    let world = World::new();
    for (options, expected_text) in [
        ("", "bad argument #1 to 'client' (table expected, got no value)"),
        ("nil", "bad argument #1 to 'client' (table expected, got nil)"),
        ("{}", "httpbasic.client: url is missing"),
        ("{ url = 5 }", "httpbasic.client: url expected an absolute http or https URL, got 5"),
        ("{ url = '/dav' }", "httpbasic.client: url must be an absolute URL"),
        ("{ url = 'ftp://h/' }", "httpbasic.client: url must begin with https:// or http://"),
        (
            "{ url = 'https://u:p@h/' }",
            "httpbasic.client: url must not have a user name or password",
        ),
        ("{ url = 'http://192.0.2.1/' }", "httpbasic.client: url must begin with https:// unless"),
        ("{ url = 'https://h/', timeout = 1 }", "httpbasic.client: timeout is an unknown setting"),
        (
            "{ url = 'https://h/', i = 1, h = 1, g = 1, f = 1, e = 1 }",
            "httpbasic.client: e is an unknown setting",
        ),
        ("{ url = 'https://h/', [1] = 'x' }", "httpbasic.client: 1 is an unknown setting"),
        ("{ url = 'https://h/', [true] = 'x' }", "httpbasic.client: true is an unknown setting"),
        ("{ url = 'https://h/', [{}] = 'x' }", "httpbasic.client: a table is an unknown setting"),
        (
            "{ url = 'https://h/', failure_status = '401,' }",
            "httpbasic.client: failure_status expected 1 to 8 whole numbers from 300 to 499",
        ),
        (
            "{ url = 'https://h/', failure_status = { 401, 403 } }",
            "httpbasic.client: failure_status expected 1 to 8 whole numbers from 300 to 499, separated \
             by commas, got a table",
        ),
        (
            "{ url = 'https://h/', failure_status = '401, 429' }",
            "httpbasic.client: failure_status cannot contain 429",
        ),
        (
            "{ url = 'https://h/', debug = {} }",
            "httpbasic.client: debug expected true or false, got a table",
        ),
        (
            "{ url = 'https://h/', timeout_msecs = 99 }",
            "httpbasic.client: timeout_msecs expected a whole number from 100 to 55000, got 99",
        ),
        (
            "{ url = 'https://h/', ca_file = '/nonexistent' }",
            "httpbasic.client: ca_file cannot be read: /nonexistent",
        ),
        ("{ url = 'https://h/' }, 1", "too many arguments to 'client' (1 expected, got 2)"),
    ] {
        let raised = world.raised(&format!("httpbasic.client({options})"));
        assert!(
            raised.starts_with(&format!("script.lua:1: {expected_text}")),
            "{options}: {raised}"
        );
    }
}

#[test]
fn a_wrong_call_raises_a_string_and_the_client_survives() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(server.port, "");
    for method in ["verify", "propfind"] {
        for (call, expected_text) in [
            ("client:METHOD()", "bad argument #1 to 'METHOD' (string expected, got no value)"),
            ("client:METHOD('a')", "bad argument #2 to 'METHOD' (string expected, got no value)"),
            ("client:METHOD('a', nil)", "bad argument #2 to 'METHOD' (string expected, got nil)"),
            ("client:METHOD(1, 'b')", "bad argument #1 to 'METHOD' (string expected, got number)"),
            (
                "client:METHOD('a', 'b', 1)",
                "bad argument #3 to 'METHOD' (string or nil expected, got number)",
            ),
            (
                "client:METHOD('a', 'b', 'c', 'd', 'e')",
                "too many arguments to 'METHOD' (4 expected, got 5)",
            ),
            (
                "client.METHOD('a', 'b', 'c')",
                "calling 'METHOD' on bad self (httpbasic.client expected, got string)",
            ),
            (
                "client.METHOD({}, 'b', 'c')",
                "calling 'METHOD' on bad self (httpbasic.client expected, got table)",
            ),
            (
                "client.METHOD(io.stdout, 'b', 'c')",
                "calling 'METHOD' on bad self (httpbasic.client expected, got userdata)",
            ),
            (
                "client.METHOD()",
                "calling 'METHOD' on bad self (httpbasic.client expected, got no value)",
            ),
        ] {
            let raised = world.raised(&call.replace("METHOD", method));
            let expected_text =
                format!("script.lua:1: {}", expected_text.replace("METHOD", method));
            assert!(raised.starts_with(&expected_text), "{call}: {raised}");
        }
    }
    assert_eq!(world.verify(b"alice", b"x", None).0, "ok");
}

#[test]
fn debug_lines_go_to_dovecot_and_show_no_secret() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.run(
        "lines = {} dovecot = {}
        for _, name in ipairs { 'i_debug', 'i_info', 'i_warning', 'i_error' } do
            dovecot[name] = function(line) lines[#lines + 1] = name .. ' ' .. line end
        end",
    );
    world.client(server.port, "debug = 'yes'");
    world.run("client:verify('alice', 'open sesame', '192.0.2.1', 'session\\n1')");
    let lines: Vec<String> = world.lua.globals().get("lines").unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let introduction = format!("i_debug httpbasic {version} for Lua");
    assert!(lines[0].starts_with(&introduction), "{}", lines[0]);
    assert!(lines[0].ends_with(" asks localhost"), "{}", lines[0]);
    assert!(lines[1..].iter().all(|line| line.starts_with("i_debug <session 1> ")), "{lines:?}");
    let log = lines.join("\n");
    assert!(log.contains(" httpbasic::http::client: PROPFIND https://localhost:"), "{log}");
    assert!(log.contains(" 207 Multi-Status"), "{log}");
    for secret in ["open sesame", "b3BlbiBzZXNhbWU", &STANDARD.encode("alice:open sesame")] {
        assert!(!log.contains(secret), "{log}");
    }
    world.run("lines = {}");
    world.client(server.port, "debug = false");
    world.verify(b"alice", b"open sesame", None);
    assert_eq!(world.lua.globals().get::<Vec<String>>("lines").unwrap(), [""; 0]);
}

#[test]
fn a_client_survives_garbage_collection_and_its_own_end() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(server.port, "");
    for _ in 0..3 {
        assert_eq!(world.verify(b"alice", b"x", None).0, "ok");
        world.run("collectgarbage()");
    }
    assert_eq!(server.connections(), 1);
    world.run("client = nil collectgarbage() collectgarbage()");
    let other = Lua::new();
    other.globals().set("httpbasic", embedded::httpbasic(&other)).unwrap();
    other
        .load(format!("client = httpbasic.client {}", world.options(server.port, "debug = true")))
        .exec()
        .unwrap();
    let word: String = other.load("return (client:verify('alice', 'x'))").eval().unwrap();
    assert_eq!(word, "ok");
}

#[test]
fn a_failing_log_function_is_an_error_and_the_client_survives() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(server.port, "debug = true");
    world.run("dovecot = { i_debug = function() error('the log is full', 0) end }");
    assert_eq!(world.raised("client:verify('alice', 'x')"), "the log is full");
    world.run("dovecot = {}");
    let raised = world.raised("client:verify('alice', 'x')");
    assert!(raised.contains("attempt to call"), "{raised}");
    world.run("dovecot = nil");
    assert_eq!(world.verify(b"alice", b"x", None).0, "ok");
}

#[test]
fn lua_may_run_out_of_memory_at_any_point_of_a_call() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(server.port, "");
    let options = world.options(server.port, "");
    let mut failures = 0;
    for script in [
        "return client:verify('alice', 'x')".to_string(),
        "return client:propfind('alice', 'x')".to_string(),
        format!("return httpbasic.client {options}"),
    ] {
        let function = world.lua.load(script).into_function().unwrap();
        for room in (0..3000).step_by(20) {
            world.lua.gc_collect().unwrap();
            let used = world.lua.used_memory();
            if world.lua.set_memory_limit(used + room).is_err() {
                // LuaJIT has no such limit.
                return;
            }
            let result = function.call::<MultiValue>(());
            world.lua.set_memory_limit(0).unwrap();
            match result {
                Err(error) => {
                    failures += 1;
                    assert!(error.to_string().contains("not enough memory"), "{error}");
                }
                Ok(values) => assert!(!values[0].is_nil(), "{values:?}"),
            }
        }
    }
    assert!(failures > 20, "{failures}");
    assert_eq!(world.verify(b"alice", b"x", None).0, "ok");
}
