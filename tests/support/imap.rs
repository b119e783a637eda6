//! A mail client's login.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Logs in and returns the server's answer without its tag, such as "OK [CAPABILITY …] Logged in".
pub fn login(port: u16, user: &str, password: &str) -> String {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("* OK"));
    write!(&stream, "a LOGIN {} {}\r\n", quoted(user), quoted(password)).unwrap();
    let answer = lines.map(Result::unwrap).find(|line| line.starts_with("a "));
    answer.expect("an answer to LOGIN")[2..].to_string()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
