#!/bin/bash
# ureq calls its resolver for every request, even if the request then uses a connection from the pool.
#
# Versions: ureq 3.5.2
# Expected: a name is resolved when a connection is opened. Three requests on one connection need one resolution.
# Seen:     three requests, one connection, three calls of the resolver. A slow or failing name service therefore
#           delays or fails requests for which an open connection exists.
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
END

cat >src/main.rs <<'END'
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
static RESOLUTIONS: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Counting(DefaultResolver);

impl Resolver for Counting {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        RESOLUTIONS.fetch_add(1, SeqCst);
        self.0.resolve(uri, config, timeout)
    }
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            CONNECTIONS.fetch_add(1, SeqCst);
            // A request without a body arrives in one piece here.
            while connection.read(&mut [0; 4096]).unwrap_or(0) > 0 {
                connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            }
        }
    });
    let config = Config::builder().proxy(None).build();
    let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), Counting(DefaultResolver::default()));
    for _ in 0..3 {
        assert_eq!(agent.get(&url).call().unwrap().body_mut().read_to_string().unwrap(), "ok");
    }
    println!("3 requests, {CONNECTIONS:?} connections, {RESOLUTIONS:?} resolutions");
}
END

seen=$(cargo run --quiet) || exit 2
echo "$seen"
[ "$seen" = '3 requests, 1 connections, 3 resolutions' ] || { echo 'This has changed.'; exit 1; }
