//! At a terminal: what is shown, and that the terminal is restored.

use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::mounted::{Mounted, seen};
use crate::support::checker::{PASSWORD, USER, honest, shows_no_secret};
use crate::support::http::{principal, refusal};
use crate::support::pty::Pty;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

#[test]
fn the_password_is_asked_for_without_echo() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let mut pty = Pty::start(&mounted.command(&[]), 100);
    pty.wait_for("User: ");
    pty.send(&format!("{USER}\n"));
    pty.wait_for("Password of alice@example.com: ");
    pty.wait_for_echo(false);
    pty.send(&format!("{PASSWORD}\n"));
    assert_eq!(pty.end(), 0, "{}", pty.shown());
    assert!(pty.has_echo());
    let shown = pty.shown();
    shows_no_secret(&shown);
    assert!(shown.contains("\u{1b}[32m✓ again"), "{shown}");
    assert!(seen(&shown).contains(&"This login succeeds.".into()), "{shown}");
}

#[test]
fn a_wrong_password_is_shown_in_red_unless_colour_is_off() {
    let mounted = Mounted::new();
    let server = mounted.serve(|_| refusal());
    mounted.configure(server.port, "");
    for (variable, value, has_colour, has_escapes) in [
        ("NO_COLOR", "", true, true),
        ("NO_COLOR", "1", false, true),
        ("TERM", "dumb", false, false),
    ] {
        let mut command = mounted.command(&["--user", USER]);
        let mut pty = Pty::start(command.env(variable, value), 100);
        pty.wait_for("Password of ");
        pty.wait_for_echo(false);
        pty.send("not the one\n");
        assert_eq!(pty.end(), 1);
        let shown = pty.shown();
        assert!(!shown.contains("not the one"), "{shown}");
        assert_eq!(shown.contains("\u{1b}[31m✗ password"), has_colour, "{shown}");
        assert_eq!(shown.contains('\u{1b}'), has_escapes, "{shown}");
        assert_eq!(shown.replace("\u{1b}[K", "").contains('\u{1b}'), has_colour, "{shown}");
    }
}

#[test]
fn ctrl_c_and_the_end_of_input_restore_the_terminal() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    for (typed, status) in [(CTRL_C, 130), (CTRL_D, 2), ("\n", 2)] {
        for with_user in [true, false] {
            let user = ["--user", USER];
            let mut pty = Pty::start(&mounted.command(if with_user { &user } else { &[] }), 100);
            pty.wait_for(if with_user { "Password of " } else { "User: " });
            pty.wait_for_echo(!with_user);
            pty.send(typed);
            assert_eq!(pty.end(), status, "{typed:?} {}", pty.shown());
            assert!(pty.has_echo(), "{typed:?}");
        }
    }
    // A signal from elsewhere, such as that of docker stop.
    let mut pty = Pty::start(&mounted.command(&["--user", USER]), 100);
    pty.wait_for("Password of ");
    pty.wait_for_echo(false);
    pty.signal("TERM");
    assert_eq!(pty.end(), 130);
    assert!(pty.has_echo());
}

#[test]
fn ctrl_c_in_the_middle_of_a_step_ends_the_program() {
    let mounted = Mounted::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    mounted.configure(silent.local_addr().unwrap().port(), "");
    let mut pty = Pty::start(&mounted.command(&[]), 100);
    pty.wait_for("… TLS");
    let start = Instant::now();
    pty.send(CTRL_C);
    assert_eq!(pty.end(), 130, "{}", pty.shown());
    // Its limits are 20 s.
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(pty.has_echo() && !pty.shown().contains("✗"), "{}", pty.shown());
}

#[test]
fn a_terminal_that_is_closed_ends_the_program() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let pty = Pty::start(&mounted.command(&["--user", USER]), 100);
    pty.wait_for("Password of ");
    let status = pty.close();
    assert!([2, 130].contains(&status), "{status}");
}

#[test]
fn lines_fit_into_60_columns() {
    let mounted = Mounted::new();
    let server = mounted.serve(|_| refusal());
    mounted.configure(server.port, "");
    let mut pty = Pty::start(&mounted.command(&["--user", USER]), 60);
    pty.wait_for("Password of ");
    pty.wait_for_echo(false);
    pty.send("x\n");
    assert_eq!(pty.end(), 1);
    let lines = seen(&pty.shown());
    let mut wrapped = 0;
    for line in &lines {
        wrapped += usize::from(line.starts_with(&" ".repeat(14)) && !line.contains('→'));
        let words = line.get(14..).unwrap_or_default().split(' ').count();
        assert!(line.chars().count() <= 60 || words < 2, "{line}");
    }
    assert!(wrapped > 3, "{lines:#?}");
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    for arguments in [&[][..], &["--user", USER]] {
        // In a session of its own it has no terminal, whatever the one of this test is.
        let mut command = std::process::Command::new("setsid");
        let program = mounted.command(&[]);
        command.arg("--wait").arg(program.get_program()).args(arguments).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with("httpbasic-check: no "), "{text}");
        let shown = String::from_utf8_lossy(&output.stdout);
        let is_told = shown.ends_with("This login was not checked to its end.\n");
        assert!(shown.contains("✓ server") && is_told, "{shown}");
    }
}

#[test]
fn standard_input_must_hold_a_password_and_is_not_read_forever() {
    let mounted = Mounted::new();
    let server = mounted.serve(honest);
    mounted.configure(server.port, "");
    let mut command = mounted.command(&["--user", USER, "--password-stdin"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("httpbasic-check: no password\n"));
    // It is read only as far as a password may be long: here neither its line nor the input ends.
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(&[b'x'; 20_000]).unwrap();
    let input = child.stdin.take();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(30) {
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let expected =
        "✗ password    credentials: the user id and the password are longer than 6000 bytes";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("→ HTTP Basic authentication (RFC 7617) cannot send it"), "{text}");
}

#[test]
fn the_first_line_is_there_at_once() {
    let mounted = Mounted::new();
    mounted.set_doveconf("sleep 20; exit 1");
    let pty = Pty::start(&mounted.command(&[]), 100);
    // It is there while doveconf is still at work.
    pty.wait_for("httpbasic-check ");
    pty.wait_for("… settings");
    assert!(!pty.shown().contains("✓"), "{}", pty.shown());
    drop(pty);
    // On a busy machine, some starts are slower.
    let mut times = (0..50).map(|_| {
        let start = Instant::now();
        let pty = Pty::start(&mounted.command(&[]), 100);
        pty.wait_for("httpbasic-check ");
        start.elapsed()
    });
    assert!(times.any(|time| time < Duration::from_millis(100)));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let mounted = Mounted::new();
    let server = mounted.serve(|request| match request.header("authorization") {
        None => refusal(),
        Some(_) => principal("a%1B%5B2J%E2%80%AEb"),
    });
    mounted.configure(server.port, "");
    let folder = mounted.path().join("a\u{1b}[31m\u{202e}b");
    std::os::unix::fs::symlink(mounted.path(), &folder).unwrap();
    let script = folder.join("auth-httpbasic.lua");
    let script = ["--script", script.to_str().unwrap()];
    for more in [&[][..], &["--json"]] {
        let (status, text) = mounted.check(&[&script[..], more].concat());
        assert!(status == 1 && text.contains("/a [31m b/auth-httpbasic.lua"), "{text}");
        assert!(text.contains("a [2J b@example.com"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("\\u"), "{text}");
    }
}

#[test]
fn readers_may_stop_reading() {
    let mounted = Mounted::new();
    mounted.configure_without_server();
    for arguments in [&[][..], &["--json"]] {
        let mut command = mounted.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}
