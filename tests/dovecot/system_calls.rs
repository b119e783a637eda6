//! Counts the system calls of a real auth worker for one lookup.

use std::fs;

use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::ca::Ca;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::nginx::Nginx;
use crate::support::process::Process;

on_each_dovecot! {
    a_warm_lookup_is_one_write_and_one_read_and_no_thread_and_no_file
}

const ALICE: (&str, &str) = ("alice@example.com", "correct horse");
const LOOKUPS: usize = 20;

/// Includes Dovecot's own calls: it waits, reads the lookup, and writes its result and five debug
/// lines.
const MOST: usize = 12;
/// The module's calls: one to check the connection, one write, one read.
const OURS: usize = 3;
/// On a busy machine, the two timeouts of the socket must sometimes be set again.
const LIMITS: usize = 2;

fn a_warm_lookup_is_one_write_and_one_read_and_no_thread_and_no_file(version: Version) {
    let nginx = Nginx::start(&Ca::new(), &[ALICE]);
    let dovecot = Dovecot::start(version, &Setup::new(&nginx.url(), Some(&nginx.ca_file())));
    let mut client = AuthClient::open(&dovecot.auth_socket());
    let mut login = || assert_eq!(client.login(ALICE.0, ALICE.1), Outcome::Succeeded);
    // The first lookup opens the connection. The second one reads the TLS session tickets first.
    login();
    login();
    let workers = dovecot.auth_workers();
    let trace = traced(workers[0], || (0..LOOKUPS).for_each(|_| login()));
    assert_eq!(dovecot.auth_workers(), workers, "one worker did it all");

    let lookups: Vec<Vec<&str>> = trace
        .split(" epoll_wait(")
        .map(|calls| calls.lines().filter(|line| line.contains('(')).collect())
        .filter(|calls: &Vec<&str>| calls.iter().any(|call| call.contains("\\tPASSV\\t")))
        .collect();
    assert_eq!(lookups.len(), LOOKUPS, "{trace}");
    let all: Vec<&str> = lookups.concat();
    for unwanted in ["clone", "open", "socket(", "connect(", "fork", "stat"] {
        let call = all.iter().find(|call| name(call).contains(unwanted));
        assert_eq!(call, None, "{unwanted}");
    }
    let mut counts = Vec::new();
    for calls in &lookups {
        let listing = calls.join("\n");
        let dovecots = ["read(", "write("];
        let ours = calls.iter().filter(|call| !dovecots.contains(&name(call))).count();
        let is_fine = calls.len() < MOST && ours <= OURS + LIMITS;
        assert!(is_fine, "{} calls, {ours} of them ours:\n{listing}", calls.len() + 1);
        counts.push((ours, calls.len() + 1));
        let count = |wanted: &str| calls.iter().filter(|call| name(call) == wanted).count();
        assert_eq!((count("sendto("), count("recvfrom(")), (1, 1), "{listing}");
    }
    counts.sort();
    let (ours, all) = counts[LOOKUPS / 2];
    println!("{all} system calls a lookup, {ours} of them the module's");
    assert_eq!(ours, OURS, "{counts:?}");
}

/// The name of the system call in a line of strace, which begins with the process id.
fn name(line: &str) -> &str {
    let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    &call[..call.find('(').map_or(0, |end| end + 1)]
}

/// The system calls of the process `id` during `work`.
fn traced(id: u32, work: impl FnOnce()) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, id) = (folder.path().join("trace"), id.to_string());
    let mut strace =
        Process::start(&["strace", "-f", "-s", "80", "-p", &id, "-o", file.to_str().unwrap()]);
    strace.wait_until("tracing", || {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        !status.contains("TracerPid:\t0\n")
    });
    work();
    drop(strace);
    fs::read_to_string(file).unwrap()
}
