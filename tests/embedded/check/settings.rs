//! The settings are those that Dovecot reads, and unwise ones get a warning.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::mounted::{Mounted, run};
use crate::support::checker::honest;
use crate::support::library;

/// What a doveconf prints.
fn prints(text: &str) -> String {
    format!("cat <<'E'\n{text}E")
}

#[test]
fn settings_of_dovecot_2_4_are_read_by_doveconf() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    let script = mounted.path().join("auth-httpbasic.lua");
    // Our passdb, between two others.
    let passdb = |name: &str, file: &str, url: &str| {
        format!(
            "passdb {name} {{\n  lua_file = {file}\n  lua_settings {{\n    domain = example.com\n    \
             ca_file = {}\n    url = {url}\n    user_agent = a b\n  }}\n  driver = lua\n}}\n",
            mounted.path().join("ca.pem").display()
        )
    };
    let url = format!("https://localhost:{}/dav/", server.port);
    let printed = [
        "# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\nauth_verbose = yes\n".into(),
        passdb("before", "/before.lua", "https://before.invalid/"),
        passdb("httpbasic", script.to_str().unwrap(), &url),
        passdb("after", "/after.lua", "https://after.invalid/"),
    ];
    mounted.set_doveconf(&prints(&printed.concat()));
    let (status, text) = mounted.check(&[]);
    assert!(status == 0 && text.contains(", in a passdb of Dovecot 2.4.1 ("), "{text}");
    assert!(!text.contains('!'), "{text}");
    assert_eq!(server.requests()[0].header("user-agent"), Some("a b"));
    // Those of the command line replace them.
    mounted.check(&["--user-agent", "mine"]);
    assert_eq!(server.requests().last().unwrap().header("user-agent"), Some("mine"));
}

#[test]
fn a_cache_key_of_dovecot_2_3_that_does_not_fit_gets_a_warning() {
    let mounted = Mounted::new();
    let script = mounted.path().join("auth-httpbasic.lua");
    let lacks = "! the cache key lacks the password: add cache_key=%u:%w";
    let unaware = "! the cache key has the password, but the script is not told so";
    for (args, size, is_aware, expected_text) in [
        ("", "10 M", false, Some(lacks)),
        ("cache_key=%u", "10 M", true, Some(lacks)),
        ("cache_key=%u:%w", "10 M", false, Some(unaware)),
        ("cache_key=%u:%w", "10 M", true, None),
        ("", "0", false, None),
        ("cache_key=", "10 M", false, None),
    ] {
        mounted.configure(1, if is_aware { "cache_key_has_password = true," } else { "" });
        mounted.set_doveconf(&prints(&format!(
            "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\nauth_cache_size = {size}\n\
             auth_verbose = yes\npassdb {{\n  args = file={} blocking=yes {args}\n  driver = lua\n}}\n",
            script.display()
        )));
        let (_, text) = mounted.check(&[]);
        assert!(text.contains(", in a passdb of Dovecot 2.3.19.1 ("), "{text}");
        assert_eq!(
            text.lines().find(|line| line.contains('!')).is_some(),
            expected_text.is_some(),
            "{text}"
        );
        assert!(expected_text.is_none_or(|expected_text| text.contains(expected_text)), "{text}");
    }
}

#[test]
fn settings_that_are_legal_but_unwise_get_a_warning() {
    let mounted = Mounted::new();
    mounted.set_doveconf(&prints("# 2.4.1 (x): /etc/dovecot/dovecot.conf\n"));
    mounted.configure_without_server();
    let in_clear = ["--url", "http://192.0.2.1/", "--allow-cleartext", "yes"];
    let limit = ["--connect-timeout-msecs", "100"];
    let (status, text) = mounted.check(&[&in_clear[..], &limit].concat());
    assert_eq!(status, 1);
    assert!(text.contains("! auth_verbose is off"), "{text}");
    assert!(!text.contains("! method"), "{text}");
    assert!(text.contains("! passwords cross the network in cleartext"), "{text}");
    assert!(text.contains(", in no passdb of Dovecot 2.4.1"), "{text}");
    let (_, text) = mounted.check(&["--method", "GET", "--success-status", "200"]);
    assert!(text.contains("! method = \"GET\" does not show whose password it is"), "{text}");
}

#[test]
fn a_script_that_dovecot_could_not_run_is_reported() {
    let mounted = Mounted::new();
    let script = mounted.path().join("auth-httpbasic.lua");
    for (text, expected_text) in [
        ("local settings = {", "✗ settings    "),
        ("function script_init() error('no way') end", ": no way"),
        (
            "function script_init() return 0 end function auth_passdb_lookup() end",
            "makes no httpbasic.client",
        ),
        ("require('httpbasic').client { url = 'https://host/' }", "has no function script_init"),
    ] {
        fs::write(&script, text).unwrap();
        let (status, text) = mounted.check(&[]);
        assert!(
            status == 1 && text.contains("✗ settings    ") && text.contains(expected_text),
            "{text}"
        );
        assert!(text.contains("→ Dovecot cannot run this script either"), "{text}");
    }
    let (status, text) = mounted.check(&["--script", "/nonexistent.lua"]);
    let expected_text = "✗ settings    the script cannot be read: /nonexistent.lua: No such file";
    assert!(
        status == 1 && text.contains(expected_text) && text.contains("→ is the path right?"),
        "{text}"
    );
    // The library is looked at all the same.
    fs::write(&script, "error('no')").unwrap();
    let (_, text) = mounted.check(&[]);
    assert!(
        text.contains("✓ library     ") && text.contains("– name        not reached"),
        "{text}"
    );
}

#[test]
fn a_script_that_does_harm_is_stopped() {
    let mounted = Mounted::new();
    let script = mounted.path().join("auth-httpbasic.lua");
    for (text, expected_text) in [
        ("while true do pcall(error) end".into(), "the script has not ended after 5 s"),
        (
            "string.find(('a'):rep(99), ('a*'):rep(30) .. 'b')".into(),
            "the script has not ended after 5 s",
        ),
        ("string.rep('x', 1 << 28)".into(), "not enough memory"),
        ("local t = {} while true do t[#t + 1] = {} end".into(), "not enough memory"),
        ("os.exit(0)".into(), "os.exit() would end a process of Dovecot"),
        ("error('\\27[31mred\\226\\128\\174')".into(), ":  [31mred"),
        ("error(('x'):rep(1 << 20))".into(), "xxx"),
        ("-- much\n".repeat(1 << 18), "the script is larger than 1 MiB"),
    ] {
        fs::write(&script, text).unwrap();
        let (status, text) = mounted.check(&[]);
        assert!(
            status == 1 && text.contains("✗ settings    ") && text.contains(expected_text),
            "{text}"
        );
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && text.len() < 2000, "{text}");
    }
    fs::remove_file(&script).unwrap();
    fs::create_dir(&script).unwrap();
    let (status, text) = mounted.check(&[]);
    let expected_text = "✗ settings    the script is a directory, not a file: ";
    assert!(status == 1 && text.contains(expected_text), "{text}");
    assert!(
        text.contains("→ Docker makes a folder where a file to be mounted is missing"),
        "{text}"
    );
}

#[test]
fn a_script_neither_prints_nor_reads() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let script = mounted.path().join("auth-httpbasic.lua");
    let original = fs::read_to_string(&script).unwrap();
    let noise = "print('noise') io.write('noise') io.stdout:write('noise') io.stderr:write('noise')\n\
                 os.execute('echo noise') assert(io.read('a') == '') assert(io.stdin:read('a') == '')\n";
    fs::write(&script, [noise, &original].concat()).unwrap();
    let (status, text) = mounted.check(&["--json"]);
    assert!(status == 0 && text.starts_with('{') && !text.contains("noise"), "{text}");
}

#[test]
fn a_script_may_use_more_of_dovecot_than_there_is_here() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let script = mounted.path().join("auth-httpbasic.lua");
    let original = fs::read_to_string(&script).unwrap();
    for login in ["req.service:lower()", "client:propfind(req.user, req.password)"] {
        let added = format!("function auth_passdb_lookup(req)\n{login}\nend\n");
        fs::write(&script, [&original, &added[..]].concat()).unwrap();
        let (status, text) = mounted.check(&[]);
        assert_eq!(status, 0, "{text}");
    }
}

#[test]
fn a_doveconf_that_fails_or_hangs_gets_a_warning() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let pid = mounted.path().join("pid");
    let hangs = format!("echo $$ >{}; exec sleep 60", pid.display());
    for (script, expected_text) in [
        (
            "echo 'doveconf: Fatal: a\x1b[31m' >&2; echo b >&2; exit 89",
            "doveconf fails: doveconf: Fatal: a",
        ),
        ("exit 0", "doveconf prints no configuration"),
        ("yes", "doveconf fails: "),
        (&hangs, "doveconf has not ended after 10 s"),
    ] {
        mounted.set_doveconf(script);
        let (status, text) = mounted.check(&[]);
        let expected_text = format!("! Dovecot's configuration is not checked: {expected_text}");
        assert!(status == 0 && text.contains(&expected_text) && !text.contains('\u{1b}'), "{text}");
    }
    let pid = fs::read_to_string(pid).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap(), "it is left behind");
}

#[test]
fn a_script_with_a_relative_path_has_its_library_beside_it() {
    let mounted = Mounted::new();
    mounted.configure_without_server();
    let mut command = mounted.command(&["--script", "auth-httpbasic.lua"]);
    command.current_dir(mounted.path());
    let (_, text) = run(command);
    let library = mounted.path().join("httpbasic.so");
    assert!(text.contains(&format!("✓ library     {}, ", library.display())), "{text}");
}

#[test]
fn a_wrong_option_is_named_wherever_it_comes_from() {
    let mounted = Mounted::new();
    mounted.configure(1, "timeout = 5,");
    let (status, text) = mounted.check(&[]);
    assert!(status == 1 && text.contains(": timeout is an unknown setting"), "{text}");
    mounted.configure(1, "");
    let (status, text) = mounted.check(&["--timeout-msecs", "5s"]);
    let expected_text = "timeout_msecs expected a whole number from 100 to 55000, got \"5s\"";
    assert!(
        status == 1 && text.contains(expected_text) && text.contains("→ docs/options.md"),
        "{text}"
    );
}

#[test]
fn a_url_needs_no_script() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    fs::remove_file(mounted.path().join("auth-httpbasic.lua")).unwrap();
    if fs::exists("/etc/dovecot/lua/auth-httpbasic.lua").unwrap() {
        return;
    }
    let (status, text) = mounted.check(&[]);
    assert!(status == 1 && text.contains("✗ settings    no auth-httpbasic.lua beside"), "{text}");
    let url = format!("https://localhost:{}/dav/", server.port);
    let ca_file = mounted.path().join("ca.pem");
    let (_, text) = mounted.check(&["--url", &url, "--ca-file", ca_file.to_str().unwrap()]);
    assert!(text.contains("✓ settings    https://localhost:"), "{text}");
    assert!(text.contains("✓ password"), "{text}");
}

#[test]
fn an_unsuitable_library_is_distinguished_from_a_missing_or_damaged_one() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let library = mounted.path().join("httpbasic.so");
    let whole = fs::read(&library).unwrap();
    let mut of_arm = whole.clone();
    of_arm[18..20].copy_from_slice(&183_u16.to_le_bytes());
    for (bytes, expected_text) in [
        (&b"#!/bin/sh\n"[..], "✗ library     "),
        (&whole[..5000], "cannot be used: "),
        (&of_arm[..], "is for another processor (AARCH64) than this one (X86_64)"),
        (&fs::read("/proc/self/exe").unwrap(), "it has no function luaopen_httpbasic"),
    ] {
        fs::write(&library, bytes).unwrap();
        let (status, text) = mounted.check(&[]);
        assert!(
            status == 1 && text.contains("✗ library     ") && text.contains(expected_text),
            "{text}"
        );
        // The server is checked all the same.
        assert!(text.contains("✓ again"), "{text}");
    }
    fs::write(&library, whole).unwrap();
    for (mode, is_warned) in [(0o600, true), (0o644, false)] {
        fs::set_permissions(&library, fs::Permissions::from_mode(mode)).unwrap();
        let (status, text) = mounted.check(&[]);
        assert!(status == 0 && text.contains("! not every user may read ") == is_warned, "{text}");
    }
    fs::copy(library::for_lua_5_3(), &library).unwrap();
    let (_, text) = mounted.check(&[]);
    assert!(text.contains("for Lua 5.3"), "{text}");
    fs::remove_file(&library).unwrap();
    fs::create_dir(&library).unwrap();
    let (status, text) = mounted.check(&[]);
    let expected_text = "✗ library     the library is a directory, not a file: ";
    assert!(
        status == 1 && text.contains(expected_text) && text.contains("→ Docker makes"),
        "{text}"
    );
    fs::remove_dir(&library).unwrap();
    let (status, text) = mounted.check(&[]);
    let is_missing = text.contains("✗ library     no httpbasic.so in ");
    assert!(status == 1 && is_missing || text.contains("✓ library     /usr/"), "{text}");
}

#[test]
fn wrong_usage_is_explained() {
    let mounted = Mounted::new();
    for arguments in [&["--uri", "x"][..], &["--url"], &["x"], &["--password-stdin"]] {
        let (status, text) = run(mounted.command(arguments));
        assert!(status == 2 && text.starts_with("error: "), "{text}");
    }
    for arguments in [["--help"], ["--version"]] {
        let (status, text) = run(mounted.command(&arguments));
        assert!(status == 0 && text.contains("httpbasic-check"), "{text}");
    }
}
