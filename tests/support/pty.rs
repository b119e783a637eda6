//! A program in a pseudo-terminal: what it shows, and what is typed.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running program and its terminal.
pub struct Pty {
    master: File,
    /// The program's side, kept open so that it can be looked at when the program has ended.
    slave: File,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    /// Starts `command` in a terminal with this many columns.
    pub fn start(command: &Command, columns: u16) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let slave = File::options().read(true).write(true).open(path).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let mut outer = Command::new("/usr/bin/setsid");
        outer.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        let end = || slave.try_clone().unwrap();
        let child = outer.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let master = File::from(master);
        let shown = Arc::<Mutex<Vec<u8>>>::default();
        let (mut from, to) = (master.try_clone().unwrap(), shown.clone());
        // Ends with the last descriptor of the other side.
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(amount @ 1..) = from.read(&mut buffer) {
                to.lock().unwrap().extend(&buffer[..amount]);
            }
        });
        Self { master, slave, child, shown }
    }

    /// All that was shown so far.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until this is shown.
    pub fn wait_for(&self, text: &str) {
        self.wait(text, || self.shown().contains(text));
    }

    /// Waits until what is typed is shown, or not.
    pub fn wait_for_echo(&self, is_on: bool) {
        self.wait("the echo", || self.has_echo() == is_on);
    }

    fn wait(&self, what: &str, is_done: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_done() {
            assert!(start.elapsed() < PATIENCE, "waiting for {what}:\n{}", self.shown());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types.
    pub fn send(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Whether what is typed is shown.
    pub fn has_echo(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// The exit status, when the program has ended.
    pub fn end(&mut self) -> i32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it wrote last may still be on its way.
                thread::sleep(Duration::from_millis(50));
                return status.code().unwrap_or_else(|| panic!("{status}\n{}", self.shown()));
            }
            assert!(start.elapsed() < PATIENCE, "does not end:\n{}", self.shown());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Closes the terminal under the program, and returns its exit status.
    pub fn close(mut self) -> i32 {
        let null = || File::options().read(true).write(true).open("/dev/null").unwrap();
        (self.master, self.slave) = (null(), null());
        // The reader has a copy of the master, so the kernel's own signal does not come.
        self.signal("HUP");
        self.end()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
