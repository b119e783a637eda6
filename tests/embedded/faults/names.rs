//! Faults of the name server, and of one of two addresses.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustls::ALL_VERSIONS;

use super::servers::begins;
use crate::support::alone::{is_alone, possessions};
use crate::support::faults::{unaccepted_at, wait};
use crate::support::http::{Server, configuration, principal};
use crate::support::names::{Answer, HOST, NAMESPACES, Names, are_available};
use crate::support::world::World;

const ONE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// A port that no test uses.
const DEAD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const PORT: u16 = 443;

/// Whether this process has namespaces of its own for the test `name` of this file.
fn is_apart(name: &str) -> bool {
    are_available() && is_alone(&format!("faults::names::{name}"), NAMESPACES)
}

/// A server without faults at this address. It closes each connection after one answer.
fn server(world: &World, address: Ipv4Addr) -> Server {
    let tls = configuration(&world.ca.issue(&[HOST]), ALL_VERSIONS);
    let listener = TcpListener::bind((address, PORT)).unwrap();
    Server::raw(listener, move |stream, log| {
        log.serve_secured(stream, &tls, &|secured, next_request| {
            if next_request(secured).is_some() {
                let _ = secured.write_all(&principal("alice"));
            }
        });
    })
}

fn client(world: &World) {
    let deadlines = "timeout_msecs = 900, connect_timeout_msecs = 500, backoff_msecs = 0";
    world.client(PORT, &format!("url = 'https://{HOST}/', {deadlines}"));
}

/// The verdict, its text and the time it took.
fn verify(world: &World) -> (String, String, Duration) {
    let start = Instant::now();
    let (word, text) = world.verify(b"alice", b"secret", None);
    (word, text, start.elapsed())
}

fn is_ok(world: &World) -> Duration {
    let (word, text, elapsed) = verify(world);
    assert_eq!(word, "ok", "{text}");
    elapsed
}

fn fails(world: &World, expected: &str) -> Duration {
    let (word, text, elapsed) = verify(world);
    assert_eq!(word, "unavailable", "{text}");
    assert!(begins(&text, expected), "{text}");
    elapsed
}

#[test]
fn a_silent_name_server_costs_one_thread_and_the_time_limit() {
    if !is_apart("a_silent_name_server_costs_one_thread_and_the_time_limit") {
        return;
    }
    let world = World::new();
    let _server = server(&world, ONE);
    let names = Names::start(Answer::Silence);
    let (threads, files) = possessions();
    let before = blocked_signals("/proc/thread-self");
    client(&world);
    for _ in 0..4 {
        let elapsed =
            fails(&world, "timeout: gave up after 5?? ms while looking up the server's address");
        assert!(elapsed < Duration::from_millis(600), "{elapsed:?}");
        assert_eq!(possessions().0, threads + 1, "one thread asks");
    }
    assert_eq!(blocked_signals("/proc/thread-self"), before, "in the thread that made the lookup");
    let resolving = tasks().find(|task| name_of(task) == "httpbasic-dns").unwrap();
    for signal in [Signal::HUP, Signal::INT, Signal::ALARM, Signal::TERM, Signal::CHILD] {
        let bit = 1 << (signal.as_raw() - 1);
        assert_ne!(blocked_signals(&resolving) & bit, 0, "{signal:?} is not blocked");
    }
    names.answers(Answer::Addresses(vec![ONE]));
    // getaddrinfo repeats its query within a second.
    let start = Instant::now();
    while verify(&world).0 != "ok" {
        assert!(start.elapsed() < Duration::from_secs(3));
    }
    world.run("client = nil collectgarbage() collectgarbage()");
    let start = Instant::now();
    while possessions() != (threads, files) {
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", possessions());
        sleep(Duration::from_millis(5));
    }
}

/// The folders of this process's threads.
fn tasks() -> impl Iterator<Item = String> {
    let folders = std::fs::read_dir("/proc/self/task").unwrap();
    folders.map(|folder| folder.unwrap().path().to_str().unwrap().into())
}

fn name_of(task: &str) -> String {
    std::fs::read_to_string(format!("{task}/comm")).unwrap().trim_end().into()
}

/// The signals that a thread blocks; the lowest bit is signal 1.
fn blocked_signals(task: &str) -> u64 {
    let status = std::fs::read_to_string(format!("{task}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}

#[test]
fn an_unknown_name_or_a_failing_name_server_is_a_dns_error() {
    if !is_apart("an_unknown_name_or_a_failing_name_server_is_a_dns_error") {
        return;
    }
    let world = World::new();
    let _server = server(&world, ONE);
    let names = Names::start(Answer::NoSuchName);
    client(&world);
    for answer in [Answer::NoSuchName, Answer::Failure, Answer::Addresses(vec![])] {
        names.answers(answer);
        let elapsed = fails(&world, &format!("dns: {HOST}: "));
        assert!(elapsed < Duration::from_millis(100), "{elapsed:?}");
    }
    names.answers(Answer::Addresses(vec![ONE]));
    is_ok(&world);
}

#[test]
fn expired_addresses_are_used_if_the_name_server_fails_until_they_fail_themselves() {
    if !is_apart("expired_addresses_are_used_if_the_name_server_fails_until_they_fail_themselves") {
        return;
    }
    let world = World::new();
    let first = server(&world, ONE);
    let names = Names::start(Answer::Addresses(vec![ONE]));
    client(&world);
    is_ok(&world);
    let asked = names.questions();
    is_ok(&world);
    assert_eq!(names.questions(), asked, "the address is remembered");

    // Both the server and the name server are gone. The next lookups query the name server in vain.
    drop(first);
    names.answers(Answer::NoSuchName);
    fails(&world, "connect: Connection refused");
    fails(&world, "connect: Connection refused");
    assert!(names.questions() > asked);
    names.answers(Answer::Silence);
    let elapsed = fails(&world, "connect: Connection refused");
    assert!(elapsed < Duration::from_millis(600), "{elapsed:?}");
    let back = server(&world, ONE);
    is_ok(&world);
    drop(back);

    // The server has moved to another address.
    let _second = server(&world, TWO);
    names.answers(Answer::Addresses(vec![TWO]));
    let start = Instant::now();
    while verify(&world).0 != "ok" {
        assert!(start.elapsed() < Duration::from_secs(4), "the new address is not noticed");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn one_dead_address_of_two_costs_no_login_and_not_every_connection() {
    if !is_apart("one_dead_address_of_two_costs_no_login_and_not_every_connection") {
        return;
    }
    let world = World::new();
    let names = Names::start(Answer::Silence);
    for (alive, dead) in [(ONE, TWO), (TWO, ONE)] {
        let both = Answer::Addresses(vec![dead, alive]);
        names.answers(both);
        let right = server(&world, alive);
        // One address refuses connections, drops packets, or is silent.
        meets(&world);
        let queue = unaccepted_at((dead, PORT));
        meets(&world);
        drop(queue);
        let silent =
            Server::raw(TcpListener::bind((dead, PORT)).unwrap(), |stream, _| wait(stream));
        meets(&world);
        // No address works. The error comes from the latest phase.
        drop(right);
        client(&world);
        fails(&world, "timeout: gave up after ??? ms while negotiating TLS");
        // The same with the addresses exchanged.
        drop(silent);
        let _right = server(&world, dead);
        is_ok(&world);
    }
    names.answers(Answer::Addresses(vec![DEAD, TWO, ONE]));
    client(&world);
    fails(&world, "connect: Connection refused");
}

/// Checks that a new client finds the working address, and then uses it at once.
fn meets(world: &World) {
    client(world);
    is_ok(world);
    let times: Vec<_> = (0..6).map(|_| is_ok(world)).collect();
    let quick = times.iter().filter(|elapsed| **elapsed < Duration::from_millis(150)).count();
    assert!(quick >= 4, "{times:?}");
}

/// What it takes to accept a connection is shared among the addresses, and what TLS takes is not.
#[test]
fn a_slow_handshake_succeeds_although_the_server_has_eight_addresses() {
    if !is_apart("a_slow_handshake_succeeds_although_the_server_has_eight_addresses") {
        return;
    }
    let world = World::new();
    let all: Vec<_> = (11..19).map(|last| Ipv4Addr::new(127, 0, 0, last)).collect();
    let names = Names::start(Answer::Addresses(all.clone()));
    let slow = |address| {
        let tls = configuration(&world.ca.issue(&[HOST]), ALL_VERSIONS);
        Server::raw(TcpListener::bind((address, PORT)).unwrap(), move |stream, log| {
            sleep(Duration::from_millis(300));
            log.serve_secured(stream, &tls, &|secured, next_request| {
                if next_request(secured).is_some() {
                    let _ = secured.write_all(&principal("alice"));
                }
            });
        })
    };
    let new_client = || {
        let deadlines = "connect_timeout_msecs = 800, backoff_msecs = 0";
        world.client(PORT, &format!("url = 'https://{HOST}/', {deadlines}"));
    };
    // All addresses are slow. An eighth of the time is not enough.
    let servers: Vec<_> = all.iter().map(|address| slow(*address)).collect();
    new_client();
    is_ok(&world);
    assert_eq!(servers.iter().map(Server::connections).sum::<usize>(), 1);
    drop(servers);
    // Only one works. The others drop packets and take most of the time for connecting.
    for alive in [all[0], all[7]] {
        let others = all.iter().filter(|address| **address != alive);
        let _queues: Vec<_> = others.map(|address| unaccepted_at((*address, PORT))).collect();
        let _server = slow(alive);
        names.answers(Answer::Addresses(all.clone()));
        new_client();
        is_ok(&world);
    }
}

#[test]
fn a_lack_of_file_descriptors_is_reported_as_such() {
    let name = "faults::names::a_lack_of_file_descriptors_is_reported_as_such";
    if !is_alone(name, &["prlimit", "--nofile=64:64"]) {
        return;
    }
    let world = World::new();
    world.client(PORT, "backoff_msecs = 0");
    let mut files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(files.len() < 64);
    fails(&world, "dns: localhost: Too many open files");
    // With enough descriptors, a name that does not exist is reported as such.
    files.truncate(files.len() / 2);
    world.client(PORT, "url = 'https://host.invalid/', backoff_msecs = 0");
    let (_, text, _) = verify(&world);
    assert!(text.starts_with("dns: host.invalid: ") && !text.contains("open files"), "{text}");
}
