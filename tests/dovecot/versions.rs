//! A script and a library of different versions, in a real Dovecot.

use std::fs;

use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::nextcloud::{Nextcloud, User};

on_each_dovecot! {
    a_library_that_is_older_than_the_script_verifies_no_login_and_the_log_says_why
    an_older_script_works_and_the_log_says_so
    a_script_of_the_librarys_version_logs_nothing
}

const USER: User = ("alice", "alice@example.com", "correct horse");

const LIBRARY: &str = env!("CARGO_PKG_VERSION");

/// Starts Dovecot with a script of this version.
fn start(version: Version, nextcloud: &Nextcloud, of_script: &str) -> Dovecot {
    let setup = Setup::new(&nextcloud.url(), None).with("domain", "example.com");
    Dovecot::start_after(version, &setup, |folder| {
        let path = folder.join("lua/auth-httpbasic.lua");
        let line = |version: &str| format!("local VERSION = \"{version}\"\n");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(&line(LIBRARY)), "the script has the version of Cargo.toml");
        fs::write(path, text.replace(&line(LIBRARY), &line(of_script))).unwrap();
    })
}

/// What the log says about this version of the script.
fn versions(of_script: &str) -> String {
    format!("auth-httpbasic.lua is version {of_script}, httpbasic.so {LIBRARY}: ")
}

fn a_library_that_is_older_than_the_script_verifies_no_login_and_the_log_says_why(
    version: Version,
) {
    let nextcloud = Nextcloud::start(&[USER]);
    let numbers: Vec<u32> = LIBRARY.split('.').map(|it| it.parse().unwrap()).collect();
    let [major, minor, patch] = numbers[..] else { panic!("{LIBRARY}") };
    for of_script in [format!("{major}.{minor}.{}", patch + 1), format!("{major}.{}.0", minor + 10)]
    {
        let dovecot = start(version, &nextcloud, &of_script);
        assert!(!dovecot.auth_test(None, USER.1, USER.2).succeeded);
        let text = versions(&of_script) + "the library is too old";
        assert!(dovecot.has_logged("auth: Fatal: ", 1), "{}", dovecot.log());
        assert!(dovecot.has_logged(&text, 1), "{}", dovecot.log());
    }
    assert_eq!(nextcloud.asked(), []);
}

fn an_older_script_works_and_the_log_says_so(version: Version) {
    let nextcloud = Nextcloud::start(&[USER]);
    let dovecot = start(version, &nextcloud, "0.0.10");
    assert!(dovecot.auth_test(None, USER.1, USER.2).succeeded, "{}", dovecot.log());
    let text = format!("Warning: {}the script is old", versions("0.0.10"));
    assert!(dovecot.has_logged(&text, 1), "{}", dovecot.log());
}

fn a_script_of_the_librarys_version_logs_nothing(version: Version) {
    let nextcloud = Nextcloud::start(&[USER]);
    let dovecot = start(version, &nextcloud, LIBRARY);
    assert!(dovecot.auth_test(None, USER.1, USER.2).succeeded, "{}", dovecot.log());
    assert!(!dovecot.log().contains("is version"), "{}", dovecot.log());
}
