#!/bin/bash
# ureq refuses a chunk whose size line is longer than 20 bytes.
#
# Versions: ureq 3.5.2, ureq-proto 0.7.1
# Expected: a chunk extension is skipped, whatever its length, since RFC 9112 (7.1.1) wants unknown ones to be ignored.
# Seen:     one byte more, and it is the error ChunkExpectedCrLf, after the status was already returned: `call`
#           succeeds, and reading the body fails.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cd "$work"

cat >Cargo.toml <<'END'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
ureq = { version = "=3.5.2", default-features = false }
ureq-proto = { version = "=0.7.1", default-features = false }
END

cat >src/main.rs <<'END'
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

fn body(size_line: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut connection = listener.accept().unwrap().0;
        connection.read(&mut [0; 4096]).unwrap();
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        write!(connection, "{head}{size_line}\r\nok\r\n0\r\n\r\n").unwrap();
    });
    let config = ureq::config::Config::builder().proxy(None).build();
    let mut response = ureq::Agent::new_with_config(config).get(url).call().unwrap();
    match response.body_mut().read_to_string() {
        Ok(body) => body,
        Err(error) => format!("{error:?}"),
    }
}

fn main() {
    println!("none: {}", body("2"));
    println!("20 bytes: {}", body("2;name=abcdefghijklm"));
    println!("21 bytes: {}", body("2;name=abcdefghijklmn"));
}
END

expected='none: ok
20 bytes: ok
21 bytes: Protocol(ChunkExpectedCrLf)'
seen=$(cargo run --quiet) || exit 2
echo "$seen"
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
