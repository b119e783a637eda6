//! Faults of a server, one per row. Each must give its verdict in time and leave nothing behind,
//! and the next lookup must succeed as soon as the server works.

use std::io::{Read, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::alone::{is_alone, possessions};
use crate::support::ca::{Ca, self_signed};
use crate::support::faults::{Fault, Faulty, flood, trickle, wait};
use crate::support::http::principal;
use crate::support::world::World;

const DEADLINES: &str = "timeout_msecs = 400, connect_timeout_msecs = 300, backoff_msecs = 0";
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);
const TIMEOUT: Duration = Duration::from_millis(400);
const TOLERANCE: Duration = Duration::from_millis(100);

/// A busy machine may delay a lookup, but not in every attempt.
const ATTEMPTS: usize = 4;

struct Row {
    fault: &'static str,
    what: Fault,
    verdict: &'static str,
    /// The beginning of the text; empty for `ok`.
    expected: &'static str,
}

fn row(fault: &'static str, what: Fault, verdict: &'static str, expected: &'static str) -> Row {
    Row { fault, what, verdict, expected }
}

/// Sends these bytes and closes the connection.
macro_rules! ends_after {
    ($bytes:expr) => {
        Fault::Answer(|stream| drop(stream.write_all($bytes)))
    };
}

/// Sends these bytes and keeps the connection open.
macro_rules! waits_after {
    ($bytes:expr) => {
        Fault::Answer(|stream| {
            let _ = stream.write_all($bytes).and_then(|()| stream.flush());
            wait(stream);
        })
    };
}

/// Sends these bytes and resets the connection. Closing it with unread data does that.
macro_rules! resets_after {
    ($fault:path, $bytes:expr) => {
        $fault(|mut stream| {
            let _ = stream.read(&mut [0; 10]);
            let _ = stream.write_all($bytes);
        })
    };
}

/// Sends these bytes and closes the connection without a TLS close_notify.
macro_rules! hangs_up_after {
    ($bytes:expr) => {
        Fault::Answer(|stream| {
            let _ = stream.write_all($bytes).and_then(|()| stream.flush());
            stream.hang_up();
        })
    };
}

const CONNECTING: &str = "timeout: gave up after 3?? ms while connecting";
const HANDSHAKING: &str = "timeout: gave up after 3?? ms while negotiating TLS";
const WAITING: &str = "timeout: gave up after 4?? ms while waiting for the answer";
const LOST: &str = "protocol: the connection was lost";
const CLOSED: &str =
    "protocol: the connection was lost: the server closed it without a complete answer";
const NOT_HTTP: &str = "protocol: the server does not speak HTTP/1.1";
const AMBIGUOUS: &str = "protocol: the answer's Transfer-Encoding is ambiguous";

fn connections(world: &World) -> Vec<Row> {
    let unavailable = "unavailable";
    let issued_by = |ca: &Ca| ca.issue(&["localhost"]);
    vec![
        row("refused", Fault::Refused, unavailable, "connect: Connection refused"),
        row("SYN dropped", Fault::Unaccepted, unavailable, CONNECTING),
        row("accepts and is silent", Fault::Raw(|stream| wait(stream)), unavailable, HANDSHAKING),
        row("closes at once", Fault::Raw(|_| {}), unavailable, "tls: the connection was lost: "),
        row(
            "resets at once",
            resets_after!(Fault::Raw, b""),
            unavailable,
            "tls: the connection was lost: ",
        ),
        row(
            "resets in the middle of the handshake",
            resets_after!(Fault::Raw, b"\x16\x03\x03\x01\x00\x02"),
            unavailable,
            "tls: the connection was lost: ",
        ),
        row(
            "closes in the middle of the handshake",
            Fault::Raw(|mut stream| {
                let _ = stream.read(&mut [0; 2048]);
                let _ = stream.write_all(b"\x16\x03\x03\x01\x00\x02");
            }),
            unavailable,
            "tls: the connection was lost: ",
        ),
        row(
            "TLS stalls in the middle of its first record",
            Fault::Raw(|mut stream| {
                let _ = stream.read(&mut [0; 2048]);
                let _ = stream.write_all(b"\x16\x03\x03\x01\x00\x02");
                wait(stream);
            }),
            unavailable,
            HANDSHAKING,
        ),
        row(
            "TLS one byte at a time",
            Fault::Raw(|mut stream| {
                trickle(&mut stream, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc");
            }),
            unavailable,
            HANDSHAKING,
        ),
        row(
            "TLS alert",
            Fault::Raw(|mut stream| {
                let _ = stream.read(&mut [0; 2048]);
                let _ = stream.write_all(b"\x15\x03\x03\x00\x02\x02\x28");
                wait(stream);
            }),
            unavailable,
            "tls: the server supports no common TLS version, cipher, key exchange or key type; ",
        ),
        row(
            "TLS alert of Caddy without a certificate for the name",
            Fault::Raw(|mut stream| {
                let _ = stream.read(&mut [0; 2048]);
                let _ = stream.write_all(b"\x15\x03\x03\x00\x02\x02\x50");
                wait(stream);
            }),
            unavailable,
            "tls: the server aborted TLS with an alert (internal error); it may have no certificate ",
        ),
        row(
            "plain HTTP on the TLS port",
            Fault::Raw(|mut stream| {
                let _ = stream.read(&mut [0; 2048]);
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
                wait(stream);
            }),
            unavailable,
            "tls: the server does not speak TLS on this port",
        ),
        row(
            "certificate for another host",
            Fault::Certificate(world.ca.issue(&["mail.example.com"])),
            unavailable,
            "tls: the certificate does not match the URL's host",
        ),
        row(
            "certificate expired",
            Fault::Certificate(world.ca.issue_expired(&["localhost"])),
            unavailable,
            "tls: the certificate expired on 2020-12-31 ",
        ),
        row(
            "certificate of an unknown CA",
            Fault::Certificate(issued_by(&Ca::new())),
            unavailable,
            "tls: the certificate is signed by another CA of the same name",
        ),
        row(
            "self-signed certificate",
            Fault::Certificate(self_signed(&["localhost"])),
            unavailable,
            "tls: the certificate is self-signed and not in ca_file; ",
        ),
    ]
}

fn heads() -> Vec<Row> {
    let unavailable = "unavailable";
    vec![
        row("silent after the request", waits_after!(b""), unavailable, WAITING),
        row("closes after the request", ends_after!(b""), unavailable, CLOSED),
        row("closes without close_notify", hangs_up_after!(b""), unavailable, CLOSED),
        row("resets after the request", resets_after!(Fault::Clear, b""), unavailable, LOST),
        row(
            "closes in the middle of the head",
            ends_after!(b"HTTP/1.1 207 Multi-Status\r\nX: "),
            unavailable,
            "protocol: ",
        ),
        row(
            "resets in the middle of the head",
            resets_after!(Fault::Clear, b"HTTP/1.1 207 Multi-Status\r\nX: "),
            unavailable,
            LOST,
        ),
        row(
            "status line garbage",
            waits_after!(b"220 smtp.example.com ESMTP\r\n\r\n"),
            unavailable,
            "protocol: ",
        ),
        row(
            "status line with a status of four digits",
            waits_after!(b"HTTP/1.1 2070 Multi-Status\r\n\r\n"),
            unavailable,
            "protocol: ",
        ),
        row(
            "HTTP/0.9",
            ends_after!(b"<multistatus xmlns='DAV:'><response/></multistatus>"),
            unavailable,
            "protocol: ",
        ),
        row("status 007", waits_after!(b"HTTP/1.1 007 Bond\r\n\r\n"), unavailable, NOT_HTTP),
        row("an empty head", waits_after!(b"\r\n\r\n\r\n\r\n"), unavailable, WAITING),
        row(
            "too many headers",
            waits_after!(&[&b"HTTP/1.1 207 X\r\n"[..], &b"X: y\r\n".repeat(200), b"\r\n"].concat()),
            unavailable,
            "protocol: the answer has more than 128 header fields",
        ),
        row(
            "frames of HTTP/2",
            waits_after!(
                b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff"
            ),
            unavailable,
            NOT_HTTP,
        ),
        row("HTTP/2", waits_after!(b"HTTP/2 207\r\n\r\n"), unavailable, "protocol: "),
        row(
            "a header one byte at a time",
            Fault::Answer(|stream| {
                let _ = stream.write_all(b"HTTP/1.1 207 Multi-Status\r\nX: ");
                trickle(stream, b"x");
            }),
            unavailable,
            WAITING,
        ),
        row(
            "headers without end",
            Fault::Answer(|stream| {
                let _ = stream.write_all(b"HTTP/1.1 207 Multi-Status\r\n");
                flood(stream, b"X-Header: and another one\r\n");
            }),
            unavailable,
            "protocol: ",
        ),
        row(
            "a header without end",
            Fault::Answer(|stream| {
                let _ = stream.write_all(b"HTTP/1.1 207 Multi-Status\r\nX: ");
                flood(stream, &[b'x'; 1000]);
            }),
            unavailable,
            "protocol: the answer's head is longer than 32 KiB",
        ),
        row("100 first", ends_after!(&after(b"HTTP/1.1 100 Continue\r\n\r\n")), "ok", ""),
        row(
            "102, 100 and 103 first",
            ends_after!(&after(
                b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n\
                  HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
            )),
            "ok",
            "",
        ),
        row(
            "103 first, and then a pause",
            Fault::Answer(|stream| {
                let _ = stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                let _ = stream.flush();
                sleep(Duration::from_millis(50));
                let _ = stream.write_all(&principal("alice"));
            }),
            "ok",
            "",
        ),
        row(
            "103 and nothing else",
            waits_after!(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
            unavailable,
            WAITING,
        ),
        row(
            "102 without end",
            Fault::Answer(|stream| trickle(stream, b"HTTP/1.1 102 Processing\r\n\r\n")),
            unavailable,
            WAITING,
        ),
        row(
            "102 without end and without pause",
            Fault::Answer(|stream| flood(stream, b"HTTP/1.1 102 Processing\r\n\r\n")),
            unavailable,
            WAITING,
        ),
        row(
            "101",
            waits_after!(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
            unavailable,
            "protocol: ",
        ),
    ]
}

fn bodies() -> Vec<Row> {
    let unavailable = "unavailable";
    vec![
        row(
            "cut in the middle of the body",
            ends_after!(&principal("alice")[..200]),
            unavailable,
            "protocol: ",
        ),
        row(
            "reset in the middle of the body",
            resets_after!(Fault::Clear, &principal("alice")[..200]),
            unavailable,
            LOST,
        ),
        row(
            "body one byte at a time",
            Fault::Answer(|stream| trickle(stream, &principal("alice"))),
            unavailable,
            WAITING,
        ),
        row("chunked", ends_after!(&chunked("", "0\r\n\r\n")), "ok", ""),
        row(
            "chunked, with trailers",
            ends_after!(&chunked(";extension=1", "0\r\nX-Checksum: 1\r\nX-More: 2\r\n\r\n")),
            "ok",
            "",
        ),
        row("chunked, without end", waits_after!(&chunked("", "")), unavailable, WAITING),
        row("chunked, cut", ends_after!(&chunked("", "")), unavailable, "protocol: "),
        row(
            "chunked, broken size",
            waits_after!(&chunked("", "zz\r\n")),
            unavailable,
            "protocol: ",
        ),
        row(
            "chunked, enormous size",
            waits_after!(&chunked("", "fffffffffffffffff\r\n")),
            unavailable,
            "protocol: ",
        ),
        row(
            "chunked, endless",
            Fault::Answer(|stream| {
                let _ = stream.write_all(&chunked("", ""));
                let chunk = [&b"400\r\n"[..], &[b'x'; 0x400], b"\r\n"].concat();
                flood(stream, &chunk);
            }),
            unavailable,
            "protocol: the answer's body is longer than 64 KiB",
        ),
        row(
            "chunked, trailers without end",
            Fault::Answer(|stream| {
                let _ = stream.write_all(&chunked("", "0\r\n"));
                flood(stream, b"X-Trailer: and another one\r\n");
            }),
            unavailable,
            WAITING,
        ),
        row(
            "Content-Length too long, closed",
            ends_after!(&sized(&["999"])),
            unavailable,
            "protocol: ",
        ),
        row("Content-Length too long, kept", waits_after!(&sized(&["999"])), unavailable, WAITING),
        row(
            "Content-Length too short",
            waits_after!(&sized(&["100"])),
            unavailable,
            "207 Multi-Status: the body is broken XML; is the URL right?",
        ),
        row(
            "Content-Length twice",
            waits_after!(&sized(&["100", "200"])),
            unavailable,
            "protocol: ",
        ),
        row("Content-Length no number", waits_after!(&sized(&["-1"])), unavailable, "protocol: "),
        row(
            "Content-Length beyond all numbers",
            waits_after!(&sized(&["99999999999999999999"])),
            unavailable,
            "protocol: ",
        ),
        row("Content-Length with a sign", waits_after!(&sized(&["+9"])), unavailable, NOT_HTTP),
        row("Content-Length empty", waits_after!(&sized(&[""])), unavailable, NOT_HTTP),
        row(
            "Content-Length twice, the same",
            ends_after!(&sized(&[&body().len().to_string(), &body().len().to_string()])),
            "ok",
            "",
        ),
        row(
            "Content-Length and Transfer-Encoding",
            waits_after!(&coded("HTTP/1.1", "chunked\r\nContent-Length: 5")),
            unavailable,
            AMBIGUOUS,
        ),
        row(
            "Transfer-Encoding gzip, chunked",
            waits_after!(&coded("HTTP/1.1", "gzip, chunked")),
            unavailable,
            AMBIGUOUS,
        ),
        row(
            "Transfer-Encoding chunked, twice",
            waits_after!(&coded("HTTP/1.1", "chunked\r\nTransfer-Encoding: chunked")),
            unavailable,
            AMBIGUOUS,
        ),
        row(
            "chunked in HTTP/1.0",
            waits_after!(&coded("HTTP/1.0", "chunked")),
            unavailable,
            AMBIGUOUS,
        ),
        row(
            "a refusal whose length is ambiguous is a refusal",
            waits_after!(
                b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\
                  Content-Length: 5\r\n\r\n0\r\n\r\n"
            ),
            "refused",
            "401 Unauthorized",
        ),
        row("no length, closed without close_notify", hangs_up_after!(&sized(&[])), "ok", ""),
        row(
            "no length, cut, closed without close_notify",
            hangs_up_after!(&sized(&[])[..200]),
            unavailable,
            "207 Multi-Status: the body is broken XML",
        ),
        row(
            "cut, closed without close_notify",
            hangs_up_after!(&principal("alice")[..200]),
            unavailable,
            LOST,
        ),
        row("no length, closed", ends_after!(&sized(&[])), "ok", ""),
        row("no length, kept", waits_after!(&sized(&[])), unavailable, WAITING),
        row(
            "no length, endless",
            Fault::Answer(|stream| {
                let _ = stream.write_all(b"HTTP/1.1 207 Multi-Status\r\n\r\n");
                flood(stream, &[b'x'; 1000]);
            }),
            unavailable,
            "protocol: the answer's body is longer than 64 KiB",
        ),
        row(
            "gzip announced",
            ends_after!(
                b"HTTP/1.1 207 Multi-Status\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\
                  \x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
            ),
            unavailable,
            "207 Multi-Status: the body is encoded (Content-Encoding: gzip)",
        ),
        row(
            "a refusal whose body is cut is a refusal",
            ends_after!(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 99\r\n\r\n<d:error"),
            "refused",
            "401 Unauthorized",
        ),
        row(
            "HTTP/1.0",
            ends_after!(&String::from_utf8(sized(&[])).unwrap().replace("1.1", "1.0").into_bytes()),
            "ok",
            "",
        ),
    ]
}

/// A right answer after these bytes.
fn after(bytes: &[u8]) -> Vec<u8> {
    [bytes, &principal("alice")].concat()
}

fn body() -> String {
    String::from_utf8(principal("alice")).unwrap().split_once("\r\n\r\n").unwrap().1.into()
}

/// A right body with these lengths announced.
fn sized(lengths: &[&str]) -> Vec<u8> {
    let lines: String = lengths.iter().map(|n| format!("Content-Length: {n}\r\n")).collect();
    format!("HTTP/1.1 207 Multi-Status\r\n{lines}\r\n{}", body()).into_bytes()
}

/// A right body in one chunk, with this version and these codings announced.
fn coded(version: &str, codings: &str) -> Vec<u8> {
    let body = body();
    format!(
        "{version} 207 Multi-Status\r\nTransfer-Encoding: {codings}\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    )
    .into_bytes()
}

/// A right body in two chunks with this extension, and what comes after them.
fn chunked(extension: &str, end: &str) -> Vec<u8> {
    let body = body();
    let (one, two) = body.split_at(20);
    format!(
        "HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}{extension}\r\n{one}\r\n{:X}\r\n{two}\r\n{end}",
        one.len(),
        two.len()
    )
    .into_bytes()
}

/// Whether `text` begins with `expected`, where each ? stands for a digit.
pub fn begins(text: &str, expected: &str) -> bool {
    text.len() >= expected.len()
        && text.chars().zip(expected.chars()).all(|(c, s)| c == s || s == '?' && c.is_ascii_digit())
}

#[test]
fn every_fault_has_its_verdict_in_time_and_leaves_nothing_behind() {
    if !is_alone(
        "faults::servers::every_fault_has_its_verdict_in_time_and_leaves_nothing_behind",
        &[],
    ) {
        return;
    }
    let world = World::new();
    let before = possessions();
    for row in connections(&world).into_iter().chain(heads()).chain(bodies()) {
        meet(&world, row);
        nothing_is_left(before);
    }
}

fn meet(world: &World, Row { fault, what, verdict, expected }: Row) {
    let limit =
        if [CONNECTING, HANDSHAKING].contains(&expected) { CONNECT_TIMEOUT } else { TIMEOUT };
    let scheme = if what.is_in_clear() { "http" } else { "https" };
    let mut server = Faulty::start(what, world.localhost());
    world.client(
        server.port,
        &format!("url = '{scheme}://localhost:{}/dav/', {DEADLINES}", server.port),
    );
    let lookup = || {
        let start = Instant::now();
        let (word, text) = world.verify(b"alice", b"secret", Some("192.0.2.1"));
        (word, text, start.elapsed())
    };
    let mut times = Vec::new();
    while times.last().is_none_or(|elapsed| *elapsed > limit + TOLERANCE) {
        assert!(times.len() < ATTEMPTS, "{fault}: {times:?}");
        let (word, text, elapsed) = lookup();
        assert_eq!(word, verdict, "{fault}: {text}");
        // A delayed lookup names a longer time.
        let any_time = expected.replace("3??", "???").replace("4??", "???");
        let expected = if elapsed > limit + TOLERANCE { &any_time } else { expected };
        assert!(word == "ok" || begins(&text, expected), "{fault}: {text}");
        times.push(elapsed);
    }
    println!("{fault}: {verdict} {times:?}");
    server.heal();
    let (word, text, _) = lookup();
    assert_eq!(word, "ok", "{fault}, healed: {text}");
    world.run("client = nil collectgarbage() collectgarbage()");
}

/// Checks that the threads and files of the last row are gone.
fn nothing_is_left(before: (usize, usize)) {
    let start = Instant::now();
    while possessions() != before {
        let late = start.elapsed() > Duration::from_secs(2);
        assert!(!late, "{:?} threads and files, {before:?} before", possessions());
        sleep(Duration::from_millis(5));
    }
}
