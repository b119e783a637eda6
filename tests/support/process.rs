//! The process of a server. It is ended when the value is dropped.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `command` in the foreground. The kernel also ends it when the calling thread ends.
    pub fn start(command: &[&str]) -> Self {
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .args(command)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command[0]));
        Self { child, name: command[0].into() }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` returns true. `what` describes that in the error.
    pub fn wait_until(&mut self, what: &str, ready: impl Fn() -> bool) {
        let start = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended with {status} instead of {what}", self.name);
            }
            assert!(start.elapsed() < PATIENCE, "{} is not {what} after {PATIENCE:?}", self.name);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the server accepts connections.
    pub fn wait_for_port(&mut self, port: u16) {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        self.wait_until("listening", || TcpStream::connect(address).is_ok());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let id = self.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status();
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
