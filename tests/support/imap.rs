//! A mail client's login.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Logs in and returns the server's answer without its tag, such as "OK [CAPABILITY …] Logged in".
pub fn login(port: u16, user: &str, password: &str) -> String {
    let mut connection = Connection::open(port);
    connection.send(&format!("a LOGIN {} {}", quoted(user), quoted(password)));
    connection.answer()
}

/// Authenticates by a mechanism without an initial response: the server sends a challenge first,
/// which may be empty.
pub fn authenticate(port: u16, mechanism: &str, words: &str) -> String {
    let mut connection = Connection::open(port);
    connection.send(&format!("a AUTHENTICATE {mechanism}"));
    let challenge = connection.line();
    assert!(challenge.starts_with('+'), "{challenge}");
    connection.send(&STANDARD.encode(words));
    connection.answer()
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        let mut connection = Self(BufReader::new(stream));
        let greeting = connection.line();
        assert!(greeting.starts_with("* OK"), "{greeting}");
        connection
    }

    fn send(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server hung up");
        line.trim_end().into()
    }

    fn answer(&mut self) -> String {
        loop {
            if let Some(answer) = self.line().strip_prefix("a ") {
                return answer.into();
            }
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
