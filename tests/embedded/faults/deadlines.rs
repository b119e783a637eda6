//! A lookup ends by its deadline, whatever the deadline is and wherever the server stalls.

use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::faults::{Fault, Faulty, wait};
use crate::support::http::{Stream, principal};
use crate::support::world::World;

const TIMEOUTS_MSECS: [u64; 5] = [400, 1000, 3000, 5000, 8000];

/// 20 ms, and what a busy machine may add.
const TOLERANCE: Duration = Duration::from_millis(60);

/// A busy machine may delay a lookup, but not in every attempt.
const ATTEMPTS: usize = 4;

const HANDSHAKING: &str = "negotiating TLS";
const WAITING: &str = "waiting for the answer";

/// A name, the fault, and what the lookup then waits for.
type Stall = (&'static str, fn() -> Fault, &'static str);

/// Where a server stalls.
const STALLS: [Stall; 7] = [
    ("connection", || Fault::Unaccepted, "connecting"),
    ("handshake", || Fault::Raw(|stream| wait(stream)), HANDSHAKING),
    ("handshake, dripping", || Fault::Raw(drip_handshake), HANDSHAKING),
    ("head", || Fault::Answer(|stream| wait(stream)), WAITING),
    ("head, dripping", || Fault::Answer(|stream| drip(stream, 0)), WAITING),
    ("body", || Fault::Answer(stall_in_body), WAITING),
    ("body, dripping", || Fault::Answer(|stream| drip(stream, 200)), WAITING),
];

fn drip_handshake(mut stream: &TcpStream) {
    let _ = stream.read(&mut [0; 2048]);
    drip_bytes(&mut stream, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc");
}

fn stall_in_body(stream: &mut dyn Stream) {
    let _ = stream.write_all(&principal("alice")[..200]).and_then(|()| stream.flush());
    wait(stream);
}

/// Sends this much of an answer, and then one byte a second.
fn drip(stream: &mut dyn Stream, at_once: usize) {
    let answer = principal("alice");
    let _ = stream.write_all(&answer[..at_once]);
    drip_bytes(stream, &answer[at_once..]);
}

fn drip_bytes(stream: &mut dyn Stream, bytes: &[u8]) {
    for byte in bytes {
        if stream.write_all(&[*byte]).and_then(|()| stream.flush()).is_err() {
            return;
        }
        thread::sleep(Duration::from_secs(1));
    }
    wait(stream);
}

#[test]
fn a_lookup_ends_by_its_deadline_wherever_the_server_stalls() {
    thread::scope(|scope| {
        for msecs in TIMEOUTS_MSECS {
            for stall in STALLS {
                scope.spawn(move || ends_by(Duration::from_millis(msecs), stall));
            }
        }
    });
}

fn ends_by(timeout: Duration, (place, fault, expected): (&str, fn() -> Fault, &str)) {
    let world = World::new();
    let server = Faulty::start(fault(), world.localhost());
    let msecs = timeout.as_millis();
    world.client(
        server.port,
        &format!("timeout_msecs = {msecs}, connect_timeout_msecs = {msecs}, backoff_msecs = 0"),
    );
    let expected = format!(" ms while {expected} [");
    let mut attempts = Vec::new();
    loop {
        let start = Instant::now();
        let (word, text) = world.verify(b"alice", b"secret", None);
        let elapsed = start.elapsed();
        assert!(word == "unavailable" && text.starts_with("timeout: "), "{place}: {word}, {text}");
        assert!(elapsed >= timeout, "{place}, {msecs} ms: {elapsed:?}");
        attempts.push((elapsed - timeout, text));
        let (delay, text) = attempts.last().unwrap();
        if *delay <= TOLERANCE && text.contains(&expected) {
            println!("{place}, {msecs} ms: late by {delay:?}, attempt {}", attempts.len());
            return;
        }
        assert!(attempts.len() < ATTEMPTS, "{place}, {msecs} ms: late by {attempts:?}");
    }
}
