//! Thousands of logins at once. There are 30 workers, so most logins wait in Dovecot's queue.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::faults::wait;
use crate::support::http::{self, Server, answer, principal};
use crate::support::memory;

on_each_dovecot! {
    each_of_4000_logins_at_once_gets_its_own_answer_and_leaves_no_memory_behind
    each_of_4000_logins_at_a_silent_server_ends_in_its_turn
}

const LOGINS: u32 = 4000;
const WORKERS: u32 = 30;

/// How much later a login may end than its turn, on a busy machine.
const TOLERANCE: Duration = Duration::from_secs(30);

/// A client of a Dovecot that has a worker. Dovecot 2.4 learns the limit of workers from the first one;
/// before that, it fails the logins that are too many for them.
fn connect(dovecot: &Dovecot) -> AuthClient {
    let mut client = AuthClient::open(&dovecot.auth_socket());
    client.login("first", "password");
    client
}

/// Starts all logins, and returns the outcome and the end of each, in the order of their ends.
fn log_in(client: &mut AuthClient, password: fn(u32) -> String) -> Vec<(u32, Outcome, Duration)> {
    let start = Instant::now();
    let begin = |i| client.begin(&format!("user-{i}"), &password(i));
    let numbers: Vec<_> = (0..LOGINS).map(begin).collect();
    let end = |_: &u32| {
        let (number, outcome) = client.end();
        (number - numbers[0], outcome, start.elapsed())
    };
    let ends: Vec<_> = numbers.iter().map(end).collect();
    let ended: HashSet<_> = ends.iter().map(|end| end.0).collect();
    assert_eq!(ended.len(), numbers.len(), "each login ends once");
    ends
}

/// Every fourth password is wrong.
fn is_right(i: u32) -> bool {
    i % 4 != 0
}

/// The memory of the largest worker, in KiB. A sum would depend on how many workers Dovecot has at the moment, and the
/// auth process keeps a part of its own queue that varies.
fn memory_of_a_worker(dovecot: &Dovecot) -> u64 {
    dovecot.auth_workers().into_iter().map(memory::private).max().unwrap() >> 10
}

fn each_of_4000_logins_at_once_gets_its_own_answer_and_leaves_no_memory_behind(version: Version) {
    let server = Server::answering(None, |request| {
        let pair = String::from_utf8(request.credentials()).unwrap();
        match pair.split_once(':').unwrap() {
            (user, "right") => principal(user),
            _ => answer("401 Unauthorized", ""),
        }
    });
    let url = format!("http://127.0.0.1:{}/", server.port);
    let quiet = match version {
        Version::V2_3 => "auth_debug = no\nauth_verbose = no\n",
        Version::V2_4 => "log_debug =\nauth_verbose = no\n",
    };
    let dovecot = Dovecot::start(version, &Setup { extra: quiet, ..Setup::new(&url, None) });
    let mut client = connect(&dovecot);
    let password = |i| if is_right(i) { "right".into() } else { format!("wrong-{i}") };
    let mut used = Vec::new();
    for _ in 0..4 {
        for (i, outcome, _) in log_in(&mut client, password) {
            let expected = if is_right(i) { Outcome::Succeeded } else { Outcome::Refused };
            assert_eq!(outcome, expected, "user-{i}\n{}", dovecot.log());
        }
        used.push(memory_of_a_worker(&dovecot));
    }
    println!("{version:?}: {used:?} KiB");
    // In the first round, a worker may have had little to do, or have started late.
    assert!(used[3] <= used[1] + used[1] / 20, "it grows: {used:?} KiB");
}

fn each_of_4000_logins_at_a_silent_server_ends_in_its_turn(version: Version) {
    let server = Server::raw(http::listener(0), |stream, _| wait(stream));
    let deadline = Duration::from_millis(100);
    let setup = Setup::new(&format!("http://127.0.0.1:{}/", server.port), None);
    let dovecot = Dovecot::start(version, &setup.with("timeout_msecs", "100"));
    let mut client = connect(&dovecot);
    for (turn, (i, outcome, end)) in (0..).zip(log_in(&mut client, |_| "password".into())) {
        assert_eq!(outcome, Outcome::Temporary, "user-{i}\n{}", dovecot.log());
        let latest = deadline * (turn / WORKERS + 1) + TOLERANCE;
        assert!(end < latest, "the login number {turn} ended after {end:?}, not {latest:?}");
    }
}
