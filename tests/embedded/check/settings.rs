//! The settings are those that Dovecot reads, and unwise ones get a warning.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::mounted::{Mounted, run};
use crate::support::checker::honest;
use crate::support::library;

/// What a doveconf prints.
fn prints(text: &str) -> String {
    format!("cat <<'E'\n{text}E")
}

/// A passdb of Dovecot 2.4 with this script. `settings` are more lines of `lua_settings`.
fn lua_passdb(mounted: &Mounted, name: &str, script: &Path, settings: &str) -> String {
    format!(
        "passdb {name} {{\n  lua_file = {}\n  lua_settings {{\n    domain = example.com\n    \
         ca_file = {}\n{settings}  }}\n  driver = lua\n}}\n",
        script.display(),
        mounted.path().join("ca.pem").display()
    )
}

#[test]
fn settings_of_dovecot_2_4_are_read_by_doveconf() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    let script = mounted.path().join("auth-httpbasic.lua");
    // Our passdb, between two others.
    let passdb = |name: &str, file: &str, url: &str| {
        let more = format!("    url = {url}\n    user_agent = a b\n");
        lua_passdb(&mounted, name, Path::new(file), &more)
    };
    let url = format!("https://localhost:{}/dav/", server.port);
    let printed = [
        "# 2.4.5-1 (7d8c0e5759): /etc/dovecot/dovecot.conf\nauth_verbose = yes\n".into(),
        passdb("before", "/before.lua", "https://before.invalid/"),
        passdb("httpbasic", script.to_str().unwrap(), &url),
        passdb("after", "/after.lua", "https://after.invalid/"),
    ];
    mounted.set_doveconf(&prints(&printed.concat()));
    let (status, text) = mounted.check(&[]);
    assert!(status == 0 && text.contains(", in a passdb of Dovecot 2.4.5 ("), "{text}");
    assert!(!text.contains('!'), "{text}");
    assert_eq!(server.requests()[0].header("user-agent"), Some("a b"));
    // Those of the command line replace them.
    mounted.check(&["--user-agent", "mine"]);
    assert_eq!(server.requests().last().unwrap().header("user-agent"), Some("mine"));
}

#[test]
fn a_second_passdb_with_other_settings_is_named() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    let script = mounted.path().join("auth-httpbasic.lua");
    let passdb = |name: &str, host: &str| {
        let url = format!("    url = https://{host}:{}/dav/\n", server.port);
        lua_passdb(&mounted, name, &script, &url)
    };
    let named =
        "! the settings of passdb com are checked, and not those of passdb org: give them as";
    for (second, expected_text) in [
        // Dovecot asks the same server twice.
        (passdb("again", "localhost"), None),
        (passdb("org", "org.invalid"), Some(named)),
    ] {
        let head = "# 2.4.5-1 (7d8c0e5759): /etc/dovecot/dovecot.conf\nauth_verbose = yes\n";
        mounted.set_doveconf(&prints(&[head, &passdb("com", "localhost"), &second].concat()));
        let (status, text) = mounted.check(&[]);
        assert_eq!(status, 0, "{text}");
        warns(&text, expected_text);
    }
    // Whoever gives a URL has chosen.
    let (_, text) = mounted.check(&["--url", &format!("https://localhost:{}/dav/", server.port)]);
    warns(&text, None);
}

#[test]
fn a_cache_key_of_dovecot_2_3_that_does_not_fit_gets_a_warning() {
    let mounted = Mounted::new();
    mounted.set_package("1:2.3.19.1+dfsg1-2.1+deb12u7");
    let script = mounted.path().join("auth-httpbasic.lua");
    let lacks = "! the cache key lacks the password: add cache_key=%u:%{sha256;rounds=100,";
    let unaware = "! the cache key has the password, but the script is not told so";
    let in_memory =
        "! the cache key has the password itself, so Dovecot's memory shows it: cache_key=";
    let nobodys = "does not name the user, so one user's password may log in another: cache_key=";
    let salt = "! the salt in cache_key is still CHANGE-ME";
    let hashed = "cache_key=%u:%{sha256;rounds=100,salt=0f1e2d3c:password}";
    for (args, size, is_aware, expected_text) in [
        (hashed, "10 M", true, None),
        (hashed, "10 M", false, Some(unaware)),
        ("cache_key=%u:%{sha256;rounds=100,salt=CHANGE-ME:password}", "10 M", true, Some(salt)),
        // Dovecot's hash without a round is the same for all passwords.
        ("cache_key=%u:%{sha256;rounds=0,salt=0f1e2d3c:password}", "10 M", true, Some(lacks)),
        ("", "10 M", false, Some(lacks)),
        ("cache_key=%u", "10 M", true, Some(lacks)),
        ("cache_key=%u:%w", "10 M", false, Some(unaware)),
        ("cache_key=%u:%w", "10 M", true, Some(in_memory)),
        ("cache_key=%Lu:%{password}", "10 M", true, Some(in_memory)),
        ("cache_key=all", "10 M", true, Some(nobodys)),
        ("cache_key=%w", "10 M", true, Some(nobodys)),
        ("", "0", false, None),
        ("cache_key=", "10 M", false, None),
    ] {
        // The script's other settings change nothing about this.
        let aware = if is_aware { "cache_key_has_password = true," } else { "metrics = true," };
        mounted.configure(1, aware);
        mounted.set_doveconf(&prints(&format!(
            "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\nauth_cache_size = {size}\n\
             auth_verbose = yes\npassdb {{\n  args = file={} blocking=yes {args}\n  driver = lua\n}}\n",
            script.display()
        )));
        let (_, text) = mounted.check(&[]);
        assert!(text.contains(", in a passdb of Dovecot 2.3.19.1 ("), "{text}");
        warns(&text, expected_text);
    }
}

/// Checks that there is this warning, or none.
fn warns(text: &str, expected_text: Option<&str>) {
    assert_eq!(text.contains('!'), expected_text.is_some(), "{text}");
    assert!(expected_text.is_none_or(|expected_text| text.contains(expected_text)), "{text}");
}

/// The passdb of the examples that hashes the password, with this salt.
fn hash(salt: &str) -> String {
    format!(
        "passdb hash {{\n  driver = static\n  fields {{\n    noauthenticate = yes\n    password_hash = \
         %{{password | sha256(rounds=100, salt=\"{salt}\") | hexlify}}\n  }}\n}}\n"
    )
}

#[test]
fn settings_of_dovecot_2_4_that_are_legal_but_unwise_get_a_warning() {
    let mounted = Mounted::new();
    mounted.configure(1, "");
    let script = mounted.path().join("auth-httpbasic.lua");
    let cache = "auth_cache_size = 10 M\n";
    let has_hash = "lua_settings {\ncache_key_has_hash = yes\n}\n";
    let good = hash("0f1e2d3c");
    for (global, passdb, expected_text) in [
        ("", "", None),
        (&[cache, &good].concat(), has_hash, None),
        (
            &[cache, &hash("CHANGE-ME")].concat(),
            has_hash,
            Some("! the salt in password_hash is still"),
        ),
        (
            cache,
            has_hash,
            Some("! the cache key needs the field password_hash, and no passdb sets it"),
        ),
        (
            cache,
            "",
            Some(
                "! the cache key has the password itself, so Dovecot's memory shows it: cache_key_has_hash",
            ),
        ),
        (
            &[cache, &good].concat(),
            &[has_hash, "use_cache = no\n"].concat(),
            Some("! use_cache = no: nobody can"),
        ),
        ("", "use_cache = no\n", None),
        (
            "",
            "fields {\nuser = %{user | username}\n}\n",
            Some("! fields { user = %{user | username} } changes"),
        ),
        (
            "",
            "result_failure = return-ok\n",
            Some("! result_failure = return-ok accepts a wrong password"),
        ),
        ("", "result_failure = continue\n", None),
        (
            "",
            "result_internalfail = return-ok\n",
            Some("! result_internalfail = return-ok accepts in an outage, any"),
        ),
        (
            "auth_username_format = %Lu\n",
            "",
            Some("! auth_username_format = %Lu is of Dovecot 2.3"),
        ),
        ("auth_username_format = %{user | lower}\n", "", None),
        (
            "",
            "mechanisms_filter = login xoauth2\n",
            Some("! mechanisms_filter = login xoauth2 excludes plain"),
        ),
        ("", "mechanisms_filter = plain login\n", None),
    ] {
        mounted.set_doveconf(&prints(&format!(
            "# 2.4.5 (x): /etc/dovecot/dovecot.conf\nauth_verbose = yes\n{global}passdb a {{\n  \
             lua_file = {}\n  driver = lua\n{passdb}}}\n",
            script.display()
        )));
        let (_, text) = mounted.check(&[]);
        warns(&text, expected_text);
    }
}

#[test]
fn a_cache_key_of_a_script_that_names_nobody_gets_a_warning() {
    let mounted = Mounted::new();
    mounted.configure(1, "");
    let script = mounted.path().join("auth-httpbasic.lua");
    let text = fs::read_to_string(&script).unwrap();
    let key = "function auth_passdb_get_cache_key() return 'all' end\n";
    fs::write(&script, [&text, key].concat()).unwrap();
    mounted.set_doveconf(&prints(&format!(
        "# 2.4.5 (x): /etc/dovecot/dovecot.conf\nauth_verbose = yes\nauth_cache_size = 10 M\npassdb a {{\n  \
         lua_file = {}\n}}\n",
        script.display()
    )));
    let (_, text) = mounted.check(&[]);
    warns(
        &text,
        Some("! the cache key all does not name the user, so one user's password may log in"),
    );
}

#[test]
fn a_dovecot_with_known_faults_gets_a_warning() {
    let mounted = Mounted::new();
    mounted.configure(1, "");
    for (version, package, expected_text) in [
        (
            "2.4.4",
            "",
            Some("! Dovecot 2.4.4 has known faults in authentication (CVE-2026-42008): update"),
        ),
        ("2.4.5", "", None),
        ("2.4.1", "1:2.4.1+dfsg1-6+deb13u7", None),
        // The program's own Debian may have another Dovecot.
        ("2.4.5", "1:2.3.19.1+dfsg1-2.1+deb12u1", None),
    ] {
        mounted.set_package(package);
        mounted.set_doveconf(&prints(&format!("# {version} (x): /d.conf\nauth_verbose = yes\n")));
        let (_, text) = mounted.check(&[]);
        warns(&text, expected_text);
    }
}

#[test]
fn values_that_dovecot_expands_are_expanded_or_left_out_with_a_warning() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let script = mounted.path().join("auth-httpbasic.lua");
    let agent = || server.requests().last().unwrap().header("user-agent").map(String::from);
    for (environment, setting, expected_agent, expected_text) in [
        (
            "HB = mine",
            "user_agent = a-%{env:HB}",
            Some("a-mine"),
            ", with user_agent = a-mine from a-%{env:HB} (",
        ),
        (
            "HB = mine",
            "user_agent = $ENV:HB",
            Some("mine"),
            ", with user_agent = mine from $ENV:HB (",
        ),
        (
            "TERM = %{env:TERM}",
            "user_agent = %{env:TERM}",
            Some("xterm"),
            ", with user_agent = xterm from %{env:TERM} (",
        ),
        (
            "HB = %{env:HB}",
            "user_agent = %{env:HB}",
            None,
            "! user_agent = %{env:HB} is not checked, since this program does not have the variable HB: --user-agent VALUE",
        ),
        (
            "X = y",
            "user_agent = %{env:HB}",
            None,
            "! user_agent = %{env:HB} is not checked, since Dovecot does not have HB: import_environment",
        ),
        (
            "X = y",
            "user_agent = %{user}",
            None,
            "! user_agent = %{user} is not checked, since Dovecot expands %{env:…} alone",
        ),
    ] {
        mounted.set_doveconf(&prints(&format!(
            "# 2.4.5 (x): /d.conf\nauth_verbose = yes\nimport_environment {{\n  {environment}\n}}\npassdb a {{\n  \
             lua_file = {}\n  lua_settings {{\n    {setting}\n  }}\n}}\n",
            script.display()
        )));
        let (status, text) = mounted.check(&[]);
        assert!(status == 0 && text.contains(expected_text), "{text}");
        assert_eq!(text.contains('!'), expected_text.starts_with('!'), "{text}");
        let is_own = agent().is_some_and(|it| it.starts_with("httpbasic"));
        assert!(
            expected_agent.is_some_and(|it| agent().as_deref() == Some(it)) || is_own,
            "{text}"
        );
    }
    for (setting, expected_text) in [
        ("url = %{env:HB}", "✗ settings    url = %{env:HB}: Dovecot does not have HB"),
        (
            "ca_file = </etc/ca.pem",
            "✗ settings    ca_file = </etc/ca.pem: Dovecot puts the text of the file",
        ),
    ] {
        mounted.set_doveconf(&prints(&format!(
            "# 2.4.5 (x): /d.conf\nauth_verbose = yes\npassdb a {{\n  lua_file = {}\n  lua_settings {{\n    \
             {setting}\n  }}\n}}\n",
            script.display()
        )));
        let (status, text) = mounted.check(&[]);
        assert!(status == 1 && text.contains(expected_text), "{text}");
    }
}

#[test]
fn settings_that_are_legal_but_unwise_get_a_warning() {
    let mounted = Mounted::new();
    mounted.set_doveconf(&prints("# 2.4.5 (x): /etc/dovecot/dovecot.conf\n"));
    mounted.configure_without_server();
    let in_clear = ["--url", "http://192.0.2.1/", "--allow-cleartext", "yes"];
    let limit = ["--connect-timeout-msecs", "100"];
    let (status, text) = mounted.check(&[&in_clear[..], &limit].concat());
    assert_eq!(status, 1);
    assert!(text.contains("! auth_verbose is off"), "{text}");
    assert!(!text.contains("! method"), "{text}");
    assert!(text.contains("! passwords cross the network in cleartext"), "{text}");
    assert!(text.contains(", in no passdb of Dovecot 2.4.5"), "{text}");
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
