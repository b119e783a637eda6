//! A client of Dovecot's auth service, like Dovecot's own login processes. It can run many logins
//! at a time without starting a process for each.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The address of the mail clients.
const REMOTE_IP: &str = "192.0.2.7";

const PATIENCE: Duration = Duration::from_secs(90);

/// The outcome of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Refused,
    Temporary,
}

/// A connection to the auth service.
pub struct AuthClient {
    stream: BufReader<UnixStream>,
    next: u32,
}

impl AuthClient {
    /// Connects to this socket.
    pub fn open(socket: &Path) -> Self {
        let stream = reach(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { stream: BufReader::new(stream), next: 1 };
        client.send(&format!("VERSION\t1\t1\nCPID\t{}\n", std::process::id()));
        while client.line() != "DONE" {}
        client
    }

    /// Starts an IMAP login and returns its number. A successful login is not used any further.
    pub fn begin(&mut self, user: &str, password: &str) -> u32 {
        self.begin_for("imap", user, password)
    }

    /// The same for this protocol.
    pub fn begin_for(&mut self, protocol: &str, user: &str, password: &str) -> u32 {
        let number = self.next;
        self.next += 1;
        let response = STANDARD.encode(format!("\0{user}\0{password}"));
        self.send(&format!(
            "AUTH\t{number}\tPLAIN\tservice={protocol}\tsecured\tnologin\trip={REMOTE_IP}\t\
             resp={response}\n"
        ));
        number
    }

    /// Waits until some login ends.
    pub fn end(&mut self) -> (u32, Outcome) {
        let line = self.line();
        let mut fields = line.split('\t');
        let word = fields.next().unwrap();
        let number = fields.next().and_then(|number| number.parse().ok()).unwrap();
        let is_temporary = fields.any(|field| ["temp", "code=temp_fail"].contains(&field));
        match (word, is_temporary) {
            ("OK", _) => (number, Outcome::Succeeded),
            ("FAIL", true) => (number, Outcome::Temporary),
            ("FAIL", false) => (number, Outcome::Refused),
            _ => panic!("{line}"),
        }
    }

    /// Runs one IMAP login.
    pub fn login(&mut self, user: &str, password: &str) -> Outcome {
        self.login_for("imap", user, password)
    }

    /// The same for this protocol.
    pub fn login_for(&mut self, protocol: &str, user: &str, password: &str) -> Outcome {
        let number = self.begin_for(protocol, user, password);
        let (ended, outcome) = self.end();
        assert_eq!(ended, number);
        outcome
    }

    fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the auth service hung up");
        line.trim_end().into()
    }
}

/// Connects to the socket, which Dovecot opens a moment after the ports for mail clients.
fn reach(socket: &Path) -> UnixStream {
    let start = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return stream,
            Err(_) if start.elapsed() < PATIENCE => sleep(Duration::from_millis(10)),
            Err(problem) => panic!("{}: {problem}", socket.display()),
        }
    }
}
