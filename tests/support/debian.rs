//! A throwaway Debian with its own Dovecot. All changes to it are discarded at the end, and all its
//! processes are killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Marks the end of the output of each call.
const END: &str = "-- that was all:";

/// A shell in one of the test hosts, with an overlay for changes.
pub struct Debian {
    shell: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Debian {
    /// Opens a shell as root. `release` is 12 or 13.
    pub fn start(release: &str) -> Self {
        let mut shell = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/debian"))
            .args([release, "try", "bash"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = shell.stdin.take();
        let output = BufReader::new(shell.stdout.take().unwrap());
        Self { shell, input, output }
    }

    /// Runs commands up to the first one that fails. Returns whether all succeeded, and the output.
    pub fn attempt(&mut self, commands: &str) -> (bool, String) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "(set -e\n{commands}\n) </dev/null 2>&1; printf '\\n%s\\n' \"{END} $?\"")
            .unwrap();
        let mut lines: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "{commands}: the shell ended");
            if let Some(status) = line.strip_prefix(END) {
                return (status.trim() == "0", lines.concat().trim_end().to_owned());
            }
            lines.push(line);
        }
    }

    /// Runs commands, which must succeed, and returns their output.
    pub fn run(&mut self, commands: &str) -> String {
        let (succeeded, text) = self.attempt(commands);
        assert!(succeeded, "{commands}\n{text}");
        text
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        // The shell ends when its input is closed, and its process namespace ends with the shell.
        self.input = None;
        let _ = self.shell.wait();
    }
}
