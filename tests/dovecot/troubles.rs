//! Mistakes in the setup, and the log lines by which the README explains them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::ca::Ca;
use crate::support::configuration;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::nginx::Nginx;
use crate::support::{library, port};

on_each_dovecot! {
    a_missing_library_is_named
    a_library_for_another_lua_is_explained
    installing_a_library_over_a_loaded_one_crashes_no_process
}

const USER: &str = "alice@example.com";
const PASSWORD: &str = "correct horse";

/// A setup with an unreachable web server. None of these tests needs one.
fn unasked() -> Setup {
    Setup::new(&format!("https://localhost:{}/", port::free()), None)
}

/// The fatal line in Dovecot's log after a login that fails because the passdb does not work.
fn fatal_line(dovecot: &Dovecot) -> String {
    assert!(!dovecot.auth_test(None, USER, PASSWORD).succeeded);
    dovecot.has_logged("auth: Fatal: ", 1);
    let log = dovecot.log();
    let line = log.lines().find(|line| line.contains("auth: Fatal: "));
    line.unwrap_or_else(|| panic!("no fatal error:\n{log}")).into()
}

fn a_missing_library_is_named(version: Version) {
    let dovecot = Dovecot::start_after(version, &unasked(), |folder| {
        fs::remove_file(folder.join("lua/httpbasic.so")).unwrap();
    });
    let line = fatal_line(&dovecot);
    let expected = "cannot load httpbasic.so: is it there, and built for Lua 5.4? \
                module 'httpbasic' not found";
    assert!(line.contains(expected), "{line}");
}

fn a_library_for_another_lua_is_explained(version: Version) {
    let dovecot = Dovecot::start_after(version, &unasked(), |folder| {
        fs::copy(library::for_lua_5_3(), folder.join("lua/httpbasic.so")).unwrap();
    });
    let line = fatal_line(&dovecot);
    let expected =
        "cannot load httpbasic.so: is it there, and built for Lua 5.4? error loading module";
    assert!(line.contains(expected), "{line}");
}

/// A Dovecot with a file in `lua/` that only root can read, and a web server that accepts the user.
fn with_roots(file: &str, version: Version) -> (Nginx, Dovecot) {
    let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
    let setup = Setup::new(&nginx.url(), Some(&nginx.ca_file()));
    let dovecot = Dovecot::start_after(version, &setup, |folder| {
        let file = folder.join("lua").join(file);
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    });
    (nginx, dovecot)
}

#[test]
fn a_script_that_only_root_may_read_is_named_by_dovecot_2_3() {
    let (_nginx, dovecot) = with_roots("auth-httpbasic.lua", Version::V2_3);
    let line = fatal_line(&dovecot);
    assert!(line.contains("lua/auth-httpbasic.lua: Permission denied"), "{line}");
}

#[test]
fn a_library_that_only_root_may_read_is_told_apart_from_a_missing_one() {
    let (_nginx, dovecot) = with_roots("httpbasic.so", Version::V2_3);
    let line = fatal_line(&dovecot);
    let expected = "lua/httpbasic.so: Permission denied: run chmod -R a+rX /";
    assert!(line.contains("cannot load httpbasic.so: /") && line.contains(expected), "{line}");
}

fn installing_a_library_over_a_loaded_one_crashes_no_process(version: Version) {
    let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
    let setup = Setup::new(&nginx.url(), Some(&nginx.ca_file()));
    let mut loaded = None;
    let dovecot = Dovecot::start_after(version, &setup, |folder| {
        loaded = Some(folder.join("lua/httpbasic.so"));
    });
    assert!(dovecot.auth_test(None, USER, PASSWORD).succeeded, "{}", dovecot.log());
    let workers = dovecot.auth_workers();
    let mut install = Command::new("install");
    install.args(["-m", "644"]).arg(library::path()).arg(loaded.unwrap());
    assert!(install.status().unwrap().success());
    assert!(dovecot.auth_test(None, USER, PASSWORD).succeeded, "{}", dovecot.log());
    assert_eq!(dovecot.auth_workers(), workers, "{}", dovecot.log());
    let has_former = |worker: &u32| {
        let maps = fs::read_to_string(format!("/proc/{worker}/maps")).unwrap_or_default();
        maps.contains("httpbasic.so (deleted)")
    };
    assert!(workers.iter().all(has_former));
    // A reload loads the new one.
    assert!(dovecot.doveadm(&["reload"]).succeeded);
    assert!(dovecot.has_logged("SIGHUP", 1), "{}", dovecot.log());
    assert!(dovecot.auth_test(None, USER, PASSWORD).succeeded, "{}", dovecot.log());
    let new: Vec<_> =
        dovecot.auth_workers().into_iter().filter(|worker| !workers.contains(worker)).collect();
    assert!(!new.is_empty() && !new.iter().any(has_former), "{}", dovecot.log());
}

mod only_dovecot_2_4 {
    use super::*;

    #[test]
    fn files_that_only_root_may_read_are_read_as_root() {
        for file in ["auth-httpbasic.lua", "httpbasic.so"] {
            let (_nginx, dovecot) = with_roots(file, Version::V2_4);
            assert!(dovecot.auth_test(None, USER, PASSWORD).succeeded, "{}", dovecot.log());
        }
    }

    #[test]
    fn a_configuration_of_2_3_keeps_dovecot_2_4_from_starting_and_the_log_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dovecot.conf");
        let passdb =
            "passdb {\n  driver = lua\n  args = file=/etc/dovecot/lua/auth-httpbasic.lua\n}\n";
        for (passdb, expected) in [
            (passdb, "passdb { } is missing section name"),
            (&passdb.replace("passdb {", "passdb httpbasic {"), "Unknown setting: args"),
        ] {
            let base = configuration::base(Version::V2_4, folder.path(), port::free());
            fs::write(&file, base + passdb).unwrap();
            let command = Version::V2_4.command(&["dovecot", "-F", "-c", file.to_str().unwrap()]);
            let output = Command::new(command[0]).args(&command[1..]).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && text.contains(expected), "{text}");
        }
    }
}
