//! Packets that are lost without an error: a router or a firewall has forgotten a connection.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustls::ALL_VERSIONS;

use crate::support::alone::is_alone;
use crate::support::http::{self, Server, configuration, principal};
use crate::support::names::{NAMESPACES, are_available};
use crate::support::nginx::Nginx;
use crate::support::world::World;

const DEADLINES: &str = "timeout_msecs = 6000, connect_timeout_msecs = 500";

/// A server without faults, and the ports of its clients.
struct Web {
    server: Server,
    clients: Arc<Mutex<Vec<u16>>>,
}

impl Web {
    fn start(world: &World) -> Self {
        let tls = configuration(&world.localhost(), ALL_VERSIONS);
        let clients = Arc::<Mutex<Vec<u16>>>::default();
        let seen = clients.clone();
        let server = Server::raw(http::listener(0), move |stream, log| {
            seen.lock().unwrap().push(stream.peer_addr().unwrap().port());
            log.serve_secured(stream, &tls, &|secured, next_request| {
                while next_request(secured).is_some() {
                    let _ = secured.write_all(&principal("alice")).and_then(|()| secured.flush());
                }
            });
        });
        Self { server, clients }
    }

    fn last_client(&self) -> u16 {
        *self.clients.lock().unwrap().last().unwrap()
    }
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}: {status}");
}

/// Lets rules come before the table of local addresses, which is consulted first otherwise.
fn allow_rules() {
    ip("rule add pref 100 lookup local");
    ip("rule del pref 0");
}

/// Drops all packets from or to a port, until it is dropped itself. Works only in [`NAMESPACES`],
/// after [`allow_rules`].
struct Loss(String);

impl Loss {
    fn of(selector: &str, port: u16) -> Self {
        let rule = format!("pref 50 {selector} {port} blackhole");
        ip(&format!("rule add {rule}"));
        Self(rule)
    }
}

impl Drop for Loss {
    fn drop(&mut self) {
        ip(&format!("rule del {}", self.0));
    }
}

/// The verdict, its text and the time it took.
fn verify(world: &World) -> (String, String, Duration) {
    let start = Instant::now();
    let (word, text) = world.verify(b"alice", b"secret", None);
    (word, text, start.elapsed())
}

fn is_ok(world: &World) -> Duration {
    let (word, text, elapsed) = verify(world);
    assert_eq!(word, "ok", "{text} after {elapsed:?}");
    elapsed
}

#[test]
fn a_kept_connection_that_died_silently_costs_no_login() {
    let name = "faults::lost_packets::a_kept_connection_that_died_silently_costs_no_login";
    if !are_available() || !is_alone(name, NAMESPACES) {
        return;
    }
    allow_rules();
    // Everything that the server sends is lost, or the client's own machine drops what it sends.
    for (selector, options) in [("dport", ""), ("dport", DEADLINES), ("sport", DEADLINES)] {
        let world = World::new();
        let web = Web::start(&world);
        world.client(web.server.port, options);
        is_ok(&world);
        is_ok(&world);
        let _loss = Loss::of(selector, web.last_client());
        let elapsed = is_ok(&world);
        println!("{selector}, {options:?}: {elapsed:?}");
        assert!(elapsed >= Duration::from_millis(500), "{elapsed:?}: no packet was lost");
        assert_eq!(web.server.connections(), 2);
        is_ok(&world);
        assert_eq!(web.server.connections(), 2, "the second connection is kept");
    }
}

#[test]
fn a_server_that_is_cut_off_is_a_timeout_by_the_deadline() {
    let name = "faults::lost_packets::a_server_that_is_cut_off_is_a_timeout_by_the_deadline";
    if !are_available() || !is_alone(name, NAMESPACES) {
        return;
    }
    allow_rules();
    let world = World::new();
    let web = Web::start(&world);
    world.client(web.server.port, DEADLINES);
    is_ok(&world);
    let _loss = Loss::of("sport", web.server.port);
    let (word, text, elapsed) = verify(&world);
    assert_eq!(word, "unavailable");
    assert!(text.starts_with("timeout: ") && text.contains("while connecting"), "{text}");
    assert!(elapsed < Duration::from_millis(6000), "{elapsed:?}");
    assert!(verify(&world).1.contains("too recently to ask again"));
}

#[test]
fn a_server_that_acknowledges_is_waited_for() {
    let world = World::new();
    let server = Server::start(Some(&world.localhost()), |stream, next_request| {
        for pause in [0, 4] {
            if next_request(stream).is_some() {
                sleep(Duration::from_secs(pause));
                let _ = stream.write_all(&principal("alice")).and_then(|()| stream.flush());
            }
        }
    });
    world.client(server.port, DEADLINES);
    is_ok(&world);
    assert!(is_ok(&world) >= Duration::from_secs(4));
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_server_process_that_is_stopped_is_waited_for() {
    const ALICE: (&str, &str) = ("alice", "secret");
    let world = World::new();
    let nginx = Nginx::start(&world.ca, &[ALICE]);
    let ca_file = nginx.ca_file();
    world.client(1, &format!("url = '{}', ca_file = {ca_file:?}, {DEADLINES}", nginx.url()));
    is_ok(&world);
    let pid = std::fs::read_to_string(nginx.server().file("nginx.pid")).unwrap();
    let signal = |name| {
        let status = Command::new("kill").args([name, pid.trim()]).status().unwrap();
        assert!(status.success(), "kill {name}: {status}");
    };
    signal("-STOP");
    let (word, text, elapsed) = std::thread::scope(|scope| {
        scope.spawn(|| {
            sleep(Duration::from_secs(3));
            signal("-CONT");
        });
        verify(&world)
    });
    assert_eq!(word, "ok", "{text}");
    assert!(elapsed >= Duration::from_millis(2500), "{elapsed:?}");
    let requests = nginx.requests(2);
    assert_eq!(requests.len(), 2, "{requests:?}");
}
