//! A demonstration: real logins against nginx or the user's own server, in one table.
//!
//! `make demo` runs it. `make test` runs it as a test, because it fails if an answer is not the
//! expected one. DEMO_URL and DEMO_USER name another server and an account there, DEMO_DOVECOT the
//! version of Dovecot.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use support::ca::Ca;
use support::dovecot::{Dovecot, Setup, Version};
use support::nginx::Nginx;
use support::port;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A server, and an account there.
struct Target {
    url: String,
    ca_file: Option<PathBuf>,
    user: String,
    password: String,
}

fn main() -> ExitCode {
    let (version, own) = match choices() {
        Ok(choices) => choices,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    // After Ctrl-C, the current step ends soon, and then everything is cleaned up as usual.
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst)).expect("no other handler");
    let result = catch_unwind(AssertUnwindSafe(|| demonstrate(version, own)));
    if INTERRUPTED.load(Ordering::SeqCst) {
        println!("interrupted; everything is cleaned up");
        return ExitCode::from(130);
    }
    match result {
        Ok(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// An environment variable, unless it is empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The version of Dovecot, which is prepared, and the user's own server. The error is a text.
fn choices() -> Result<(Version, Option<Target>), String> {
    let version = match variable("DEMO_DOVECOT").as_deref() {
        None => Version::own(),
        Some("2.3") => Version::V2_3,
        Some("2.4") => Version::V2_4,
        Some(other) => return Err(format!("DOVECOT is 2.3 or 2.4, not {other}")),
    };
    let own = match (variable("DEMO_URL"), variable("DEMO_USER")) {
        (Some(url), Some(user)) => {
            let prompt = format!("Password of {user} at {url}: ");
            let password = rpassword::prompt_password(prompt)
                .map_err(|error| format!("the password is asked for at a terminal: {error}"))?;
            Some(Target { url, ca_file: None, user, password })
        }
        (None, None) => None,
        _ => return Err("URL=… and USER=… go together".into()),
    };
    if !version.prepare() {
        return Err("this Dovecot is not at hand".into());
    }
    Ok((version, own))
}

fn demonstrate(version: Version, own: Option<Target>) -> bool {
    let ca = Ca::new();
    let mut nginx = None;
    let target = own.unwrap_or_else(|| {
        let (user, password) = ("alice@example.com", "correct horse battery staple");
        println!("Starting nginx with WebDAV behind TLS …");
        let server = nginx.insert(Nginx::start(&ca, &[(user, password)]));
        Target {
            url: server.url(),
            ca_file: Some(server.ca_file()),
            user: user.into(),
            password: password.into(),
        }
    });
    let name = match version {
        Version::V2_3 => "Dovecot 2.3",
        Version::V2_4 => "Dovecot 2.4",
    };
    println!("Starting {name} with lua/auth-httpbasic.lua and httpbasic.so …");
    let dovecot = Dovecot::start(version, &Setup::new(&target.url, target.ca_file.as_deref()));
    println!("Dovecot asks {}\n", target.url);

    let mut table = Table::new();
    let (user, password) = (&*target.user, &*target.password);
    let wrong = "this is not the password";
    table.row("doveadm auth test, right password", "auth succeeded", || {
        auth_test(&dovecot, user, password)
    });
    table.row("IMAP LOGIN, right password", "OK", || imap_login(&dovecot, user, password));
    table.row("doveadm auth test, wrong password", "auth failed", || {
        auth_test(&dovecot, user, wrong)
    });
    table.row("IMAP LOGIN, wrong password", "NO [AUTHENTICATIONFAILED]", || {
        imap_login(&dovecot, user, wrong)
    });
    table.row("doveadm auth test, unknown user", "auth failed", || {
        auth_test(&dovecot, "nobody@example.com", wrong)
    });
    // The user's own server cannot be stopped. Instead, another Dovecot uses a port without a
    // server.
    let dovecot = match &mut nginx {
        Some(nginx) => {
            nginx.switch_off();
            dovecot
        }
        None => {
            let nobody = format!("https://localhost:{}/", port::free());
            Dovecot::start(version, &Setup::new(&nobody, None))
        }
    };
    table.row("doveadm auth test, server switched off", "code=temp_fail", || {
        auth_test(&dovecot, user, password)
    });
    table.row("IMAP LOGIN, server switched off", "NO [UNAVAILABLE]", || {
        imap_login(&dovecot, user, password)
    });
    table.end(&dovecot)
}

/// A table with one row per login: the request, Dovecot's answer, and the time.
struct Table {
    all_as_expected: bool,
}

impl Table {
    fn new() -> Self {
        println!("     {:<42} {:<58} {:>8}", "asked", "Dovecot's answer", "time");
        Self { all_as_expected: true }
    }

    fn row(&mut self, asked: &str, expected: &str, ask: impl FnOnce() -> String) {
        if INTERRUPTED.load(Ordering::SeqCst) {
            return;
        }
        let start = Instant::now();
        let answer = ask();
        let msecs = start.elapsed().as_millis();
        let as_expected = answer.contains(expected);
        self.all_as_expected &= as_expected;
        let mark = if as_expected { "✓" } else { "✗" };
        println!("  {mark}  {asked:<42} {answer:<58} {msecs:>5} ms");
    }

    fn end(self, dovecot: &Dovecot) -> bool {
        if self.all_as_expected {
            println!("\nEvery answer is the expected one.");
        } else {
            println!("\nNot every answer is the expected one. Dovecot's log:\n{}", dovecot.log());
        }
        self.all_as_expected
    }
}

/// The answer of `doveadm auth test`, shortened.
fn auth_test(dovecot: &Dovecot, user: &str, password: &str) -> String {
    let output = dovecot.auth_test(Some("192.0.2.7"), user, password).output;
    let detail = output.lines().find(|line| line.trim().starts_with("code="));
    let verdict = if output.contains("auth succeeded") { "auth succeeded" } else { "auth failed" };
    format!("{verdict} {}", detail.unwrap_or_default().trim())
}

/// The answer to an IMAP LOGIN, shortened.
fn imap_login(dovecot: &Dovecot, user: &str, password: &str) -> String {
    let answer = dovecot.imap_login(user, password);
    match answer.split_once("] ") {
        Some((code, text)) if code.starts_with("OK") => format!("OK {text}"),
        // Without the hostname and the time.
        _ => answer.split(" [").take(2).collect::<Vec<_>>().join(" ["),
    }
}
