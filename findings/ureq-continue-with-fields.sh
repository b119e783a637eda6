#!/bin/bash
# ureq refuses an answer if a "100 Continue" with header fields precedes it.
#
# Versions: ureq 3.5.2, ureq-proto 0.7.1
# Expected: the interim answer is skipped. By RFC 9110 (15.2), each interim answer ends with its header section, and
#           a client must be able to parse one that it did not ask for. ureq skips a bare 100, and a 103 with a field.
# Seen:     a 100 with a Date field is the error Protocol(HeadersWith100). The final answer is not read.
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

fn answer(interim: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut connection = listener.accept().unwrap().0;
        connection.read(&mut [0; 4096]).unwrap();
        let answer = format!("HTTP/1.1 {interim}\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
        connection.write_all(answer.as_bytes()).unwrap();
    });
    let config = ureq::config::Config::builder().proxy(None).build();
    match ureq::Agent::new_with_config(config).get(url).call() {
        Ok(response) => response.status().as_u16().to_string(),
        Err(error) => format!("{error:?}"),
    }
}

fn main() {
    println!("100: {}", answer("100 Continue"));
    println!("103 with a field: {}", answer("103 Early Hints\r\nLink: </style.css>; rel=preload"));
    println!("100 with a field: {}", answer("100 Continue\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT"));
}
END

expected='100: 204
103 with a field: 204
100 with a field: Protocol(HeadersWith100)'
seen=$(cargo run --quiet) || exit 2
echo "$seen"
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
