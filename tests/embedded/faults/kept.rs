//! Faults of a connection that is kept between lookups.

use std::thread::sleep;
use std::time::Duration;

use rustls::HandshakeKind;

use crate::support::http::{self, Server, configuration, principal, refusal};
use crate::support::leftovers::{self, Rest};
use crate::support::world::World;

const TLS_1_2: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];
const TLS_1_3: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

fn is_ok(world: &World) {
    let (word, text) = world.verify(b"alice", b"secret", None);
    assert_eq!(word, "ok", "{text}");
}

/// Makes a client in cleartext for a server on this port.
fn client_in_clear(world: &World, port: u16) {
    world.client(port, &format!("url = 'http://localhost:{port}/'"));
}

#[test]
fn a_connection_that_ends_between_two_requests_costs_no_login() {
    let world = World::new();
    let server = Server::start(Some(&world.localhost()), |stream, next_request| {
        if next_request(stream).is_some() {
            let _ = stream.write_all(&principal("alice"));
        }
    });
    world.client(server.port, "");
    for lookups in 1..=3 {
        is_ok(&world);
        sleep(Duration::from_millis(20));
        assert_eq!((server.requests().len(), server.connections()), (lookups, lookups));
    }
}

#[test]
fn a_connection_that_ends_while_a_request_is_written_costs_no_login() {
    let world = World::new();
    let server = Server::raw(http::listener(0), |stream, log| {
        log.serve(stream, &|answered, next_request| {
            if next_request(answered).is_some() {
                let _ = answered.write_all(&principal("alice"));
            }
            // The next request has arrived. Closing without reading it sends a reset.
            let _ = stream.peek(&mut [0]);
        });
    });
    client_in_clear(&world, server.port);
    for lookups in 1..=3 {
        is_ok(&world);
        assert_eq!((server.requests().len(), server.connections()), (lookups, lookups));
    }
}

#[test]
fn a_request_whose_answer_was_cut_is_not_sent_again() {
    let world = World::new();
    let server = Server::start(Some(&world.localhost()), |stream, next_request| {
        let answer = principal("alice");
        for part in [answer.len(), 5, 100] {
            if next_request(stream).is_some() {
                let _ = stream.write_all(&answer[..part]);
            }
            if part != answer.len() {
                return;
            }
        }
    });
    world.client(server.port, "");
    is_ok(&world);
    let (word, text) = world.verify(b"alice", b"secret", None);
    assert_eq!(word, "unavailable");
    assert!(text.starts_with("protocol: "), "{text}");
    assert_eq!(server.requests().len(), 2);
    is_ok(&world);
}

#[test]
fn a_silent_kept_connection_costs_one_timeout_and_is_closed() {
    let world = World::new();
    let server = Server::start(Some(&world.localhost()), |stream, next_request| {
        if next_request(stream).is_some() {
            let _ = stream.write_all(&principal("alice"));
        }
        while next_request(stream).is_some() {}
    });
    world.client(server.port, "timeout_msecs = 200");
    is_ok(&world);
    let (word, text) = world.verify(b"alice", b"secret", None);
    assert_eq!(word, "unavailable");
    assert!(text.starts_with("timeout: gave up after 2"), "{text}");
    is_ok(&world);
    assert_eq!(server.connections(), 2);
}

/// Data that a server sends without a request must not be taken for the answer to the next request.
/// Otherwise the next user could log in with any password.
#[test]
fn data_after_an_answer_is_never_taken_for_the_next_answer() {
    let world = World::new();
    let long = [refusal(), principal("alice"), vec![b' '; 100_000]].concat();
    let short = {
        let body = [b"no".to_vec(), principal("alice")].concat();
        [&b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n"[..], &body].concat()
    };
    for (expected, pause) in [
        ([refusal(), principal("alice")].concat(), 0),
        ([refusal(), principal("alice")].concat(), 40),
        (long, 0),
        (short, 0),
        ([refusal(), b"H".to_vec()].concat(), 0),
        (
            [&b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"[..], &principal("x")]
                .concat(),
            0,
        ),
    ] {
        for tls in [true, false] {
            let (bytes, identity) = (expected.clone(), world.localhost());
            let server = Server::start(tls.then_some(&identity), move |stream, next_request| {
                while next_request(stream).is_some() {
                    let (answer, rest) = bytes.split_at(refusal().len());
                    if pause == 0 {
                        let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                        continue;
                    }
                    let _ = stream.write_all(answer).and_then(|()| stream.flush());
                    sleep(Duration::from_millis(pause));
                    let _ = stream.write_all(rest).and_then(|()| stream.flush());
                }
            });
            world.client(server.port, "timeout_msecs = 2000");
            if !tls {
                client_in_clear(&world, server.port);
            }
            for lookups in 1..=3 {
                let (word, text) = world.verify(b"alice", b"wrong", None);
                assert_ne!(word, "ok", "{text}");
                sleep(Duration::from_millis(2 * pause + 10));
                assert_eq!(server.connections(), lookups, "a new connection each");
            }
        }
    }
}

/// An incomplete TLS record is not visible as input, and could later be completed to an answer.
#[test]
fn a_partial_record_after_an_answer_is_never_completed_to_the_next_answer() {
    let world = World::new();
    for (answered, splits) in [
        ("401 Unauthorized", &[1, 3, 5, 20][..]),
        ("207 Multi-Status", &[1, 20]),
        ("204 No Content", &[1, 20]),
        ("503 Service Unavailable", &[1, 20]),
    ] {
        for (split, rest, tls) in cases(splits) {
            let bytes = match answered {
                "204 No Content" => format!("HTTP/1.1 {answered}\r\n\r\n").into_bytes(),
                _ => http::answer(answered, "no"),
            };
            let identity = world.localhost();
            let identity = tls.then_some(&identity);
            let server = leftovers::start(identity, move |_| bytes.clone(), split, rest);
            world.client(server.port, "");
            if !tls {
                client_in_clear(&world, server.port);
            }
            for lookups in 1..=2 {
                let (word, text) = world.verify(b"alice", b"wrong", None);
                assert_ne!(word, "ok", "{answered}, {split} bytes, {rest:?}, TLS {tls}: {text}");
                sleep(leftovers::PAUSE * 2);
                let connections = server.connections();
                assert_eq!(connections, lookups, "{answered}, {split} bytes, {rest:?}, TLS {tls}");
            }
        }
    }
}

/// All combinations of splits, ways to send the rest, and TLS or cleartext.
fn cases(splits: &[usize]) -> Vec<(usize, Rest, bool)> {
    let rests = [Rest::AtOnce, Rest::Later, Rest::WithNextRequest];
    let cases = splits.iter().flat_map(|split| rests.map(|rest| (*split, rest)));
    cases.flat_map(|(split, rest)| [(split, rest, true), (split, rest, false)]).collect()
}

#[test]
fn a_server_that_sends_half_records_lets_no_wrong_password_in() {
    let world = World::new();
    let identity = world.localhost();
    let server =
        leftovers::start(Some(&identity), leftovers::knows("secret"), 1, Rest::WithNextRequest);
    world.client(server.port, "");
    for _ in 0..500 {
        is_ok(&world);
        assert_eq!(world.verify(b"alice", b"wrong", None).0, "refused");
    }
}

/// After an answer, a server may send session tickets and new keys. On the socket, both look like
/// unexpected data. These tests send keys because rustls sends tickets right after the handshake.
#[test]
fn messages_of_tls_itself_do_not_end_a_kept_connection() {
    let world = World::new();
    let tls = configuration(&world.localhost(), TLS_1_3);
    let server = Server::raw(http::listener(0), move |stream, log| {
        log.serve_secured(stream, &tls, &|secured, next_request| {
            while next_request(secured).is_some() {
                let _ = secured.write_all(&principal("alice")).and_then(|()| secured.flush());
                sleep(Duration::from_millis(10));
                secured.refresh_keys();
            }
        });
    });
    // The connection is idle for longer than a deadline.
    world.client(server.port, "timeout_msecs = 200");
    for _ in 0..3 {
        is_ok(&world);
        sleep(Duration::from_millis(250));
    }
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[test]
fn endless_messages_of_tls_do_not_delay_a_lookup() {
    let world = World::new();
    let tls = configuration(&world.localhost(), TLS_1_3);
    let server = Server::raw(http::listener(0), move |stream, log| {
        log.serve_secured(stream, &tls, &|secured, next_request| {
            if next_request(secured).is_some() {
                let _ = secured.write_all(&principal("alice")).and_then(|()| secured.flush());
                // A message that arrives in one read with the answer would end the connection.
                sleep(Duration::from_millis(20));
                while secured.refresh_keys() {}
            }
        });
    });
    world.client(server.port, "timeout_msecs = 500");
    for lookups in 1..=5 {
        is_ok(&world);
        sleep(Duration::from_millis(50));
        assert_eq!(server.connections(), lookups);
    }
}

#[test]
fn a_new_connection_resumes_the_tls_session_of_the_last_one() {
    for versions in [TLS_1_2, TLS_1_3] {
        let world = World::new();
        let tls = configuration(&world.localhost(), versions);
        let server = Server::raw(http::listener(0), move |stream, log| {
            log.serve_secured(stream, &tls, &|secured, next_request| {
                if next_request(secured).is_some() {
                    let _ = secured.write_all(&principal("alice"));
                }
            });
        });
        world.client(server.port, "");
        (0..12).for_each(|_| is_ok(&world));
        let resumed = vec![HandshakeKind::Resumed; 11];
        assert_eq!(server.handshakes(), [vec![HandshakeKind::Full], resumed].concat());
    }
}

#[test]
fn a_refused_password_keeps_the_connection() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| refusal());
    world.client(server.port, "");
    for _ in 0..5 {
        assert_eq!(world.verify(b"alice", b"wrong", None).0, "refused");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_large_request_arrives_whole() {
    let world = World::new();
    let server = Server::answering(Some(&world.localhost()), |_| principal("alice"));
    world.client(
        server.port,
        &format!("url = 'https://localhost:{}/{}'", server.port, "x".repeat(9000)),
    );
    assert_eq!(world.verify(b"alice", &[b'x'; 5900], None).0, "ok");
    assert!(server.requests()[0].head.len() > 16_384);
}
