//! What is left of a password in memory after a lookup: nothing that this code made.
//!
//! Every block of memory that is given back is searched for the password, and so is, at the end, all
//! that the process may write to. The stack below this test's own frame is part of that.

#![allow(unsafe_code, reason = "an allocator is unsafe by nature")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use httpbasic::http::Client;
use httpbasic::login;
use httpbasic::options::Options;
use httpbasic::options::value::Value;
use httpbasic::verdict::Verdict;
use zeroize::Zeroize;

use support::ca::Ca;
use support::nginx::Nginx;

/// What must not be found, each byte complemented so that it is not found here.
static SECRETS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();

/// How many blocks were given back with a secret in them.
static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

fn holds_a_secret(memory: &[u8]) -> bool {
    let found = |secret: &Vec<u8>| {
        let starts = (0..memory.len()).filter(|start| memory[*start] == !secret[0]);
        let same = |window: &[u8]| window.iter().zip(secret).all(|(a, b)| *a == !b);
        starts.filter_map(|start| memory.get(start..start + secret.len())).any(same)
    };
    SECRETS.get().is_some_and(|secrets| secrets.iter().any(found))
}

struct Watching;

// SAFETY: the system's allocator does the work; a block is only read, and before it is given back.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, since a block is read whole although not all of it was written.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if holds_a_secret(unsafe { std::slice::from_raw_parts(block, layout.size()) }) {
            LEFT_BEHIND.fetch_add(1, Ordering::Relaxed);
        }
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// The places in this process's writable memory that hold a secret.
fn places() -> Vec<String> {
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut places = Vec::new();
    for line in std::fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let bound = |text| u64::from_str_radix(text, 16).unwrap();
        let (mut start, end) = (bound(start), bound(end));
        while rest.starts_with("rw") && start < end {
            let length = buffer.len().min((end - start) as usize);
            memory.seek(SeekFrom::Start(start)).unwrap();
            if memory.read_exact(&mut buffer[..length]).is_err() {
                break;
            }
            if holds_a_secret(&buffer[..length]) {
                places.push(format!("{start:x} {rest}"));
            }
            buffer[..].zeroize();
            // Overlapping, so that nothing hides at an edge.
            let step = if length < buffer.len() { length } else { length - 100 };
            start += step as u64;
        }
    }
    places
}

#[test]
fn no_copy_of_a_password_outlives_its_lookup() {
    // A server in a process of its own, since it sees the password too. It is asked twice.
    let body = "<multistatus xmlns=\"DAV:\"><response><propstat><prop><current-user-principal>\
                <href>/alice/</href></current-user-principal><fileid \
                xmlns=\"http://owncloud.org/ns\">-1</fileid></prop><status>HTTP/1.1 200 OK</status>\
                </propstat></response></multistatus>";
    let nginx = Nginx::start_answering(&Ca::new(), body);
    let option = |name: &str, value: &str| (name.into(), Value::String(value.into()));
    let client = |method: &str, file_access: &str| {
        let options = Options::new([
            option("url", &nginx.url()),
            option("ca_file", nginx.ca_file().to_str().unwrap()),
            option("method", method),
            option("file_access", file_access),
        ]);
        Client::new(options.unwrap())
    };
    // A request with a body, which goes into the same buffer behind the head, and one without.
    let clients = [client("PROPFIND", "none"), client("GET", "any")];

    // The password is made here, so that no constant of the program holds it.
    let mut password: Vec<u8> = (0..24_u32).map(|n| b'!' + ((n * 37 + 11) % 90) as u8).collect();
    let mut pair = [&b"alice:"[..], &password].concat();
    let mut encoded = STANDARD.encode(&pair).into_bytes();
    let complement = |bytes: &[u8]| bytes.iter().map(|byte| !byte).collect::<Vec<_>>();
    // The first letters depend on the user id, which is no secret.
    SECRETS.set([complement(&password), complement(&encoded[8..encoded.len() - 4])]).unwrap();
    pair.zeroize();
    encoded.zeroize();
    assert!(holds_a_secret(&password), "the search works");

    for client in clients.iter().cycle().take(6) {
        let verdict = login::verify(client, b"alice", &password, Some(b"192.0.2.1"));
        assert!(matches!(verdict, Verdict::Ok(_)), "{verdict:?}");
    }
    assert_eq!(places().len(), 1, "the test's own password is found, and nothing else");
    password.zeroize();
    assert_eq!(LEFT_BEHIND.load(Ordering::Relaxed), 0);
    assert_eq!(places(), [""; 0]);
}
