//! The first command of the README: in a clean Debian 13, as a normal user, and with mistakes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::PROJECT;
use crate::builds::{checkout_on_debian_13, in_checkout};

const DONE: &str = "Every answer is the expected one.";

/// Whether a command succeeds, and its output.
fn attempt(command: &mut Command) -> (bool, String) {
    let output = command.current_dir(PROJECT).stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn make_demo_works_for_a_normal_user_without_sbin_in_the_path() {
    // The user of this process, without its rights and with another id. The files still belong to that user.
    let cargo = Path::new(env!("CARGO")).parent().unwrap().display();
    let mut make = Command::new("unshare");
    make.args(["--user", "--map-user=1000", "--map-group=1000", "make", "demo"])
        .env("PATH", format!("{cargo}:/usr/bin:/bin"));
    let (succeeded, text) = attempt(&mut make);
    assert!(succeeded && text.contains(DONE), "{text}");
}

#[test]
fn mistakes_in_the_first_command_are_explained() {
    for (arguments, expected_text) in [
        (&["URL=https://localhost/"][..], "URL=… and USER=… go together"),
        (&["USER=alice"], "URL=… and USER=… go together"),
        (&["URL=https://localhost/", "USER=alice"], "the password is asked for at a terminal"),
        (&["DOVECOT=2.2"], "DOVECOT is 2.3 or 2.4, not 2.2"),
    ] {
        // In a session of its own, it has no terminal.
        let (succeeded, text) =
            attempt(Command::new("setsid").args(["--wait", "make", "demo"]).args(arguments));
        assert!(!succeeded && text.contains(expected_text) && !text.contains("panicked"), "{text}");
    }
}

#[test]
fn an_error_about_a_missing_or_old_rust_names_the_package_to_install() {
    let packages =
        |cargo: &Path| attempt(Command::new("tools/packages").arg("rust").env("CARGO", cargo));
    let (succeeded, text) = packages(Path::new("/no/such/cargo"));
    assert!(!succeeded && text.contains("apt-get install cargo on Debian 13, cargo-web"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("cargo");
    fs::write(&old, "#!/bin/sh\necho cargo 1.63.0\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let (succeeded, text) = packages(&old);
    assert!(!succeeded && text.contains("needed, and this is 1.63.0: cargo-web"), "{text}");
}

mod on_debian_13 {
    use super::*;

    #[test]
    fn make_demo_is_all_that_a_clean_debian_with_rust_needs() {
        let mut debian = checkout_on_debian_13();
        debian.run("apt-get purge --quiet --quiet --yes dovecot-core");
        // In a pipe, the list might contain the commands of the pipe itself.
        let processes = "names=$(cat /proc/[0-9]*/comm); sort -u <<<\"$names\"";
        let before = debian.run(processes);
        let text = in_checkout(&mut debian, "make demo");
        assert!(text.contains(DONE) && text.contains("Dovecot 2.4"), "{text}");
        assert_eq!(debian.run(processes), before);
        let (installed, text) = debian.attempt("dpkg --status lintian || dpkg --status apache2");
        assert!(!installed, "a demo needs neither: {text}");
    }
}
