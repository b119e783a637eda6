//! Logs in like a mail client, with each protocol of a mail server.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::imap;

/// A protocol to log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Imap,
    Pop3,
    ManageSieve,
    Submission,
}

impl Protocol {
    pub const ALL: [Protocol; 4] =
        [Protocol::Imap, Protocol::Pop3, Protocol::ManageSieve, Protocol::Submission];

    /// Logs in on this port and returns the server's answer.
    pub fn login(self, port: u16, user: &str, password: &str) -> Answer {
        let plain = STANDARD.encode(format!("\0{user}\0{password}"));
        match self {
            Protocol::Imap => Answer::new(imap::login(port, user, password), "OK"),
            Protocol::Pop3 => {
                let mut conversation = Conversation::open(port);
                conversation.next();
                Answer::new(conversation.send(&format!("AUTH PLAIN {plain}")), "+OK")
            }
            Protocol::ManageSieve => {
                let mut conversation = Conversation::open(port);
                while !conversation.next().starts_with("OK") {}
                let line = format!("AUTHENTICATE \"PLAIN\" \"{plain}\"");
                Answer::new(conversation.send(&line), "OK")
            }
            Protocol::Submission => {
                let mut conversation = Conversation::open(port);
                conversation.next();
                let mut line = conversation.send("EHLO client.example.com");
                while line.starts_with("250-") {
                    line = conversation.next();
                }
                Answer::new(conversation.send(&format!("AUTH PLAIN {plain}")), "235")
            }
        }
    }
}

/// The server's answer, and whether the login succeeded.
#[derive(Debug)]
pub struct Answer {
    pub succeeded: bool,
    pub text: String,
}

impl Answer {
    fn new(text: String, success: &str) -> Self {
        Self { succeeded: text.starts_with(success), text }
    }
}

/// An IMAP login with an OAuth2 token, by XOAUTH2 or OAUTHBEARER.
pub fn imap_login_with_token(port: u16, mechanism: &str, user: &str, token: &str) -> Answer {
    let words = match mechanism {
        "XOAUTH2" => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
        _ => format!("n,a={user},\x01auth=Bearer {token}\x01\x01"),
    };
    let mut conversation = Conversation::open(port);
    conversation.next();
    let line = format!("a AUTHENTICATE {mechanism} {}", STANDARD.encode(words));
    let mut answer = conversation.send(&line);
    // After the reason of a refusal, the client must send an empty response.
    if answer.starts_with('+') {
        answer = conversation.send("AQ==");
    }
    while !answer.starts_with("a ") {
        answer = conversation.next();
    }
    Answer::new(answer[2..].into(), "OK")
}

struct Conversation(BufReader<TcpStream>);

impl Conversation {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        Self(BufReader::new(stream))
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server hung up");
        line.trim_end().into()
    }

    fn send(&mut self, line: &str) -> String {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.next()
    }
}
