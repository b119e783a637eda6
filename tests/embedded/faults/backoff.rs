//! An unreachable server is not retried for a while. A server that answers is always asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustls::ALL_VERSIONS;

use crate::support::ca::Ca;
use crate::support::faults::{Fault, Faulty, wait};
use crate::support::http::{self, Server, answer, configuration, principal, refusal};
use crate::support::world::World;

const BACKOFF: &str = "backoff_msecs = 1500, timeout_msecs = 1000, connect_timeout_msecs = 500";

fn propfind(world: &World) -> String {
    let script = "local response, error = client:propfind('alice', 'secret') return error or 'ok'";
    world.lua.load(script).eval().unwrap()
}

#[test]
fn after_a_failure_to_reach_the_server_every_lookup_fails_at_once_with_the_reason() {
    for (fault, expected) in [
        (Fault::Refused, "connect: Connection refused (os error 111); that was "),
        (Fault::Unaccepted, "timeout: gave up after 5"),
        (Fault::Raw(|stream| wait(stream)), "timeout: gave up after 5"),
        (Fault::Raw(|_| {}), "tls: the connection was lost: "),
        (Fault::Certificate(Ca::new().issue(&["localhost"])), "tls: the certificate is signed by "),
    ] {
        let world = World::new();
        let mut server = Faulty::start(fault, world.localhost());
        world.client(server.port, BACKOFF);
        let (word, first) = world.verify(b"alice", b"secret", None);
        assert_eq!(word, "unavailable");
        let failed = Instant::now();
        server.heal();
        let text = propfind(&world);
        assert!(
            text.starts_with(expected) && text.ends_with(" ms ago, too recently to ask again"),
            "{text}"
        );
        for _ in 0..100 {
            let (word, text) = world.verify(b"alice", b"secret", None);
            assert_eq!(word, "unavailable");
            assert!(text.starts_with(first.split(" [").next().unwrap()), "{text} after {first}");
        }
        assert!(failed.elapsed() < Duration::from_millis(1000), "{:?}", failed.elapsed());
        sleep(Duration::from_millis(1500).saturating_sub(failed.elapsed()));
        assert_eq!(world.verify(b"alice", b"secret", None).0, "ok", "{expected}");
    }
}

#[test]
fn a_name_that_cannot_be_resolved_is_not_retried_either() {
    let world = World::new();
    world.client(1, &format!("url = 'https://host.invalid/', {BACKOFF}, timeout_msecs = 5000, connect_timeout_msecs = 5000"));
    assert!(propfind(&world).starts_with("dns: host.invalid: "));
    let text = propfind(&world);
    assert!(text.starts_with("dns: host.invalid: ") && text.contains(" ms ago"), "{text}");
}

#[test]
fn no_connection_is_opened_during_the_backoff() {
    let world = World::new();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let _server = Server::raw(http::listener(0), move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    world.client(_server.port, BACKOFF);
    for _ in 0..100 {
        assert_eq!(world.verify(b"alice", b"secret", None).0, "unavailable");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn neither_an_answer_nor_a_missing_one_starts_the_backoff() {
    let world = World::new();
    let silence = Vec::new();
    for expected in [
        silence,
        refusal(),
        answer("429 Too Many Requests", ""),
        answer("500 Internal Server Error", ""),
        answer("503 Service Unavailable", ""),
        b"garbage\r\n\r\n".to_vec(),
        principal("alice")[..100].to_vec(),
    ] {
        let server = Server::start(Some(&world.localhost()), {
            let expected = expected.clone();
            move |stream, next_request| {
                if next_request(stream).is_some_and(|request| request.head.contains("Basic bWFs")) {
                    let _ = stream.write_all(&expected).and_then(|()| stream.flush());
                    if expected.is_empty() {
                        wait(stream);
                    }
                    return;
                }
                let _ = stream.write_all(&principal("alice"));
            }
        });
        world.client(server.port, BACKOFF);
        for _ in 0..2 {
            assert_ne!(world.verify(b"mallory", b"x", None).0, "ok");
            let (word, text) = world.verify(b"alice", b"secret", None);
            assert_eq!(word, "ok", "{text} after {}", String::from_utf8_lossy(&expected));
        }
    }
}

#[test]
fn without_backoff_every_lookup_tries_the_server() {
    let world = World::new();
    let mut server = Faulty::start(Fault::Refused, world.localhost());
    world.client(server.port, "backoff_msecs = 0");
    assert_eq!(world.verify(b"alice", b"secret", None).0, "unavailable");
    server.heal();
    assert_eq!(world.verify(b"alice", b"secret", None).0, "ok");
}

#[test]
fn the_return_of_a_server_after_three_seconds_is_noticed_within_the_backoff() {
    let world = World::new();
    let mut server = Faulty::start(Fault::Refused, world.localhost());
    server.heal();
    world.client(server.port, "backoff_msecs = 500");
    assert_eq!(world.verify(b"alice", b"secret", None).0, "ok");
    server.fail();
    let gone = Instant::now();
    while gone.elapsed() < Duration::from_secs(3) {
        let start = Instant::now();
        let (word, text) = world.verify(b"alice", b"secret", None);
        assert_eq!(word, "unavailable");
        assert!(text.starts_with("connect: Connection refused"), "{text}");
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
        sleep(Duration::from_millis(10));
    }
    server.heal();
    let back = Instant::now();
    while world.verify(b"alice", b"secret", None).0 != "ok" {
        assert!(back.elapsed() < Duration::from_millis(1000), "{:?}", back.elapsed());
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_timeout_of_a_lookup_with_little_time_left_starts_no_backoff() {
    let world = World::new();
    let identity = configuration(&world.localhost(), ALL_VERSIONS);
    let connections = AtomicUsize::new(0);
    let server = Server::raw(http::listener(0), move |stream, log| {
        // The second request of the first lookup meets a handshake that does not end in time.
        if connections.fetch_add(1, Ordering::SeqCst) == 1 {
            return wait(stream);
        }
        log.serve_secured(stream, &identity, &|secured, next_request| {
            if next_request(secured).is_some() {
                sleep(Duration::from_millis(700));
                let _ = secured.write_all(&principal("alice"));
            }
        });
    });
    world.client(
        server.port,
        "file_access = 'none', timeout_msecs = 1000, connect_timeout_msecs = 900, backoff_msecs = 60000",
    );
    for _ in 0..2 {
        let (word, text) = world.verify(b"alice", b"secret", None);
        assert_eq!(word, "unavailable");
        assert!(text.starts_with("timeout: ") && !text.contains("too recently"), "{text}");
    }
}
