//! A folder with the files that an administrator mounts, and the program.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::ca::{Ca, Identity};
use crate::support::checker::{PASSWORD, USER, shows_no_secret};
use crate::support::http::{Request, Server};
use crate::support::{library, port};

pub struct Mounted {
    folder: tempfile::TempDir,
    pub ca: Ca,
}

impl Mounted {
    pub fn new() -> Self {
        let mounted = Self { folder: tempfile::tempdir().unwrap(), ca: Ca::new() };
        library::install(mounted.path());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/lua/auth-httpbasic.lua");
        fs::copy(script, mounted.path().join("auth-httpbasic.lua")).unwrap();
        copy_program(Path::new(env!("CARGO_BIN_EXE_httpbasic-check")), &mounted.program());
        fs::write(mounted.path().join("ca.pem"), mounted.ca.pem()).unwrap();
        mounted
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn program(&self) -> PathBuf {
        self.path().join("httpbasic-check")
    }

    /// Makes this shell script the doveconf that is found. Without it, there is none.
    pub fn set_doveconf(&self, script: &str) {
        self.set_program("doveconf", script);
    }

    /// Makes this the version of Debian's Dovecot. Without it, Dovecot is not Debian's.
    pub fn set_package(&self, version: &str) {
        self.set_program("dpkg-query", &format!("printf %s '{version}'"));
    }

    fn set_program(&self, name: &str, script: &str) {
        let path = self.path().join("program.sh");
        fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        copy_program(&path, &self.path().join(name));
    }

    /// A certificate that the settings trust.
    pub fn identity(&self) -> Identity {
        self.ca.issue(&["localhost"])
    }

    pub fn serve(&self, answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Server {
        Server::answering(Some(&self.identity()), answer)
    }

    /// Sets the script's options, as an administrator would, for a server that is trusted and knows
    /// names without the domain. The last of two options with one name counts.
    pub fn configure(&self, port: u16, more: &str) {
        let ca_file = self.path().join("ca.pem");
        self.set_options(&format!(
            "url = 'https://localhost:{port}/remote.php/dav/', ca_file = '{}', \
             domain = 'example.com', timeout_msecs = 20000, connect_timeout_msecs = 20000, {more}",
            ca_file.display()
        ));
    }

    /// Sets these options alone.
    pub fn set_options(&self, options: &str) {
        let path = self.path().join("auth-httpbasic.lua");
        let script = fs::read_to_string(&path).unwrap();
        let (before, rest) = script.split_once("local settings = {\n").unwrap();
        let (_, after) = rest.split_once("\n}\n").unwrap();
        let settings = format!("local settings = {{\n{options}\n}}\n");
        fs::write(path, [before, &settings, after].concat()).unwrap();
    }

    /// Sets the options for a port that nobody listens on.
    pub fn configure_without_server(&self) {
        self.configure(port::free(), "");
    }

    /// The program with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        // The doveconf of this machine is not found.
        command.args(arguments).env("PATH", self.path());
        command.env("TERM", "xterm").env_remove("NO_COLOR");
        command
    }

    /// Checks a login by this name, with the password on standard input. Returns the exit status and
    /// the output.
    pub fn check_as(&self, user: &str, arguments: &[&str]) -> (i32, String) {
        let mut command = self.command(&["--user", user, "--password-stdin"]);
        command.args(arguments);
        run(command)
    }

    pub fn check(&self, arguments: &[&str]) -> (i32, String) {
        self.check_as(USER, arguments)
    }
}

/// Copies in a process of its own. A file that this process has open for writing is also open in the
/// processes that other tests start meanwhile, and cannot be executed then.
fn copy_program(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-p").args([from, to]).status().unwrap().success());
}

/// Runs the program where there is no terminal; the password comes from standard input.
pub fn run(mut command: Command) -> (i32, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it reads the password.
    let _ = writeln!(child.stdin.take().unwrap(), "{PASSWORD}");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    shows_no_secret(&text);
    (output.status.code().unwrap(), text)
}

/// The lines without escape sequences, as a terminal shows them.
pub fn seen(shown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in shown.replace("\r\n", "\n").split('\n') {
        let line = line.rsplit("\r\u{1b}[K").next().unwrap();
        let mut text = String::new();
        let mut parts = line.split("\u{1b}[");
        text.push_str(parts.next().unwrap());
        for part in parts {
            text.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
        }
        lines.push(text);
    }
    lines
}
