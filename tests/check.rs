//! `httpbasic-check` tells apart what may be wrong, and gives no secret away.

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use support::ca::Ca;
use support::http::{Request, Server, answer, principal, refusal};
use support::{library, port};

const USER: &str = "alice@example.com";
const PASSWORD: &str = "correct horse battery";

/// A folder with what an administrator mounts, and the program.
struct Mounted {
    folder: tempfile::TempDir,
    ca: Ca,
}

impl Mounted {
    fn new() -> Self {
        let mounted = Self { folder: tempfile::tempdir().unwrap(), ca: Ca::new() };
        let path = mounted.folder.path();
        library::install(path);
        for name in ["httpbasic-check", "auth-httpbasic.lua"] {
            let lua = concat!(env!("CARGO_MANIFEST_DIR"), "/lua/");
            fs::copy(format!("{lua}{name}"), path.join(name)).unwrap();
        }
        fs::write(path.join("ca.pem"), mounted.ca.pem()).unwrap();
        mounted
    }

    fn serve(&self, answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Server {
        Server::answering(Some(&self.ca.issue(&["localhost"])), answer)
    }

    /// Sets the script's options, as its reader would.
    fn configure(&self, port: u16, more: &str) {
        let path = self.folder.path().join("auth-httpbasic.lua");
        let script = fs::read_to_string(&path).unwrap();
        let (before, rest) = script.split_once("local settings = {\n").unwrap();
        let (_, after) = rest.split_once("\n}\n").unwrap();
        let url = format!("url = 'https://localhost:{port}/dav/', timeout_msecs = 1000,");
        let settings = format!("local settings = {{\n{url}{more}\n}}\n");
        fs::write(path, [before, &settings, after].concat()).unwrap();
    }

    /// The program's exit status and what it says; the password comes from standard input.
    fn check(&self, arguments: &[&str]) -> (i32, String) {
        self.check_by(&mut Command::new("lua5.4"), arguments)
    }

    fn check_by(&self, lua: &mut Command, arguments: &[&str]) -> (i32, String) {
        let mut child = lua
            .arg(self.folder.path().join("httpbasic-check"))
            .args(["--user", USER])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It does not come so far as to ask in every case.
        let _ = writeln!(child.stdin.take().unwrap(), "{PASSWORD}");
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!text.contains(PASSWORD) && !text.contains("Y29ycmVjdCBob3JzZ"), "{text}");
        (output.status.code().unwrap(), text)
    }
}

/// The settings of a server that is trusted and calls USER `alice`.
fn ca_file(mounted: &Mounted) -> String {
    let path = mounted.folder.path().join("ca.pem");
    format!("ca_file = '{}', domain = 'example.com',", path.display())
}

/// A web server that knows one password.
fn honest(request: &Request) -> Vec<u8> {
    use base64::Engine;
    let pair = format!("{USER}:{PASSWORD}");
    let expected = base64::engine::general_purpose::STANDARD.encode(pair);
    if request.header("authorization") != Some(&format!("Basic {expected}")) {
        return refusal();
    }
    if request.head.contains("/files/") {
        let body = "<multistatus xmlns='DAV:'><response><propstat><prop><fileid \
                    xmlns='http://owncloud.org/ns'>-1</fileid></prop><status>HTTP/1.1 200 OK\
                    </status></propstat></response></multistatus>";
        return answer("207 Multi-Status", body);
    }
    principal("alice")
}

#[test]
fn a_right_login_is_right_in_every_step() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, &ca_file(&mounted));
    let (status, text) = mounted.check(&[]);
    assert_eq!(status, 0, "{text}");
    for said in [
        "✓ library     httpbasic ",
        "for Lua 5.4",
        "✓ name        localhost is 127.0.0.1",
        "✓ connection  127.0.0.1:",
        "✓ TLS         TLSv1.3; certificate from CN = httpbasic throwaway CA, ",
        "✓ protection  refused: 401 Unauthorized",
        "✓ password    ok",
        "✓ principal   /principals/users/alice/: domain = \"example.com\" fits",
        "✓ files       this password opens none: file_access = \"none\" can be used",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn what_is_wrong_is_told_apart() {
    let forbidden = include_str!("nextcloud-31/account-password-forbidden.http");
    let forbidden = forbidden.split_once("\n\n").unwrap().1;
    let mounted = Mounted::new();
    let trusted = ca_file(&mounted);
    let anybody = format!("{trusted} principal = 'any',");
    for (answer, more, said) in [
        (answer("404 Not Found", ""), &*trusted, "✗ protection  unavailable: 404 Not Found"),
        (answer("200 OK", ""), &trusted, "→ is the URL that of a WebDAV server?"),
        (refusal(), &trusted, "✗ password    refused: 401 Unauthorized"),
        (answer("401 Unauthorized", forbidden), &trusted, "→ make an app password in Nextcloud"),
        (answer("429 Too Many Requests", ""), &trusted, "✗ protection  throttled: 429"),
        (principal("alice"), &anybody, "✗ protection  the server says yes to a user who does not"),
        (refusal(), "", "✗ TLS         tls: the certificate's issuer is not trusted"),
        (refusal(), "timeout = 5,", "✗ settings    "),
    ] {
        let server = mounted.serve(move |_| answer.clone());
        mounted.configure(server.port, more);
        let (status, text) = mounted.check(&[]);
        assert!(status == 1 && text.contains(said), "{said}\n{text}");
    }
    mounted.configure(port::free(), "");
    let (status, text) = mounted.check(&[]);
    let said = "✗ connection  connect: Connection refused";
    assert!(status == 1 && text.contains(said), "{text}");
    let (status, text) = mounted.check(&["--url", "https://host.invalid/"]);
    assert!(status == 1 && text.contains("✗ name        dns: host.invalid: "), "{text}");
}

#[test]
fn a_library_for_another_lua_is_told() {
    let mounted = Mounted::new();
    fs::copy(library::for_lua_5_3(), mounted.folder.path().join("httpbasic.so")).unwrap();
    let (status, text) = mounted.check(&[]);
    assert_eq!(status, 1, "{text}");
    assert!(text.starts_with("✗ library     cannot be loaded by Lua 5.4: "), "{text}");
    assert!(text.contains("→ is httpbasic.so there, and built for this Lua?"), "{text}");
    let (_, text) = mounted.check_by(&mut Command::new("lua5.3"), &[]);
    assert!(
        text.starts_with("✓ library     httpbasic ") && text.contains(" for Lua 5.3, "),
        "{text}"
    );
}

#[test]
fn settings_of_dovecot_2_4_are_read_by_doveconf() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    let path = mounted.folder.path();
    let script = path.join("auth-httpbasic.lua");
    // What Dovecot 2.4's doveconf prints of a passdb before ours, ours, and one after it.
    let passdb = |name: &str, file: &str, url: &str| {
        format!(
            "passdb {name} {{\n  lua_file = {file}\n  lua_settings {{\n    domain = example.com\n    ca_file = {}\n    \
             url = {url}\n    user_agent = a b\n  }}\n  driver = lua\n}}\n",
            path.join("ca.pem").display()
        )
    };
    let url = format!("https://localhost:{}/dav/", server.port);
    let printed = [
        passdb("before", "/before.lua", "https://before.invalid/"),
        passdb("httpbasic", script.to_str().unwrap(), &url),
        passdb("after", "/after.lua", "https://after.invalid/"),
    ];
    let doveconf = format!("#!/bin/sh\ncat <<'E'\n{}E\n", printed.concat());
    fs::write(path.join("doveconf"), doveconf).unwrap();
    fs::set_permissions(path.join("doveconf"), fs::Permissions::from_mode(0o755)).unwrap();
    let paths = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    let (status, text) = mounted.check_by(Command::new("lua5.4").env("PATH", paths), &[]);
    assert_eq!(status, 0, "{text}");
    assert_eq!(server.requests()[0].header("user-agent"), Some("a b"));
}

#[test]
fn machines_read_json() {
    let mounted = Mounted::new();
    let server = mounted.serve(|_| refusal());
    mounted.configure(server.port, &ca_file(&mounted));
    let (status, text) = mounted.check(&["--json"]);
    assert_eq!(status, 1);
    assert!(
        text.starts_with("{\n  \"ok\": false,\n  \"steps\": [\n    { \"name\": \"library\""),
        "{text}"
    );
    assert!(
        text.contains("\"name\": \"password\", \"ok\": false, \"text\": \"refused: 401"),
        "{text}"
    );
}

#[test]
fn a_wrong_use_is_explained() {
    let mounted = Mounted::new();
    for arguments in [&["--uri", "x"][..], &["--url"], &["x"]] {
        let (status, text) = mounted.check(arguments);
        assert!(status == 2 && text.starts_with("usage: httpbasic-check "), "{text}");
    }
}
