//! No copy of a password that this code makes remains in memory after a lookup.
//!
//! Every block of memory is searched for the password when it is freed. At the end, all writable
//! memory of the process is searched, including the unused part of the stack.

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
use zeroize::Zeroize;

use support::ca::Ca;
use support::nginx::Nginx;

/// The secrets to search for. Each byte is complemented, so that the search does not find them
/// here.
static SECRETS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();

/// The number of blocks that contained a secret when they were freed.
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

// SAFETY: the system's allocator does the work. A block is only read, before it is freed.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed because the whole block is read later, and parts may never have been written.
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

/// The places in this process's writable memory that contain a secret.
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
            // The parts overlap, so that no secret is missed at an edge.
            let step = if length < buffer.len() { length } else { length - 100 };
            start += step as u64;
        }
    }
    places
}

#[test]
fn no_copy_of_a_password_outlives_its_lookup() {
    // The server is another process because it receives the password too. It gets two requests.
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
    // One request with a body, which follows the head in the same buffer, and one without.
    let clients = [client("PROPFIND", "none"), client("GET", "any")];

    // The password is computed here, so that no constant of the program contains it.
    let mut password: Vec<u8> = (0..24_u32).map(|n| b'!' + ((n * 37 + 11) % 90) as u8).collect();
    let mut pair = [&b"alice:"[..], &password].concat();
    let mut encoded = STANDARD.encode(&pair).into_bytes();
    let complement = |bytes: &[u8]| bytes.iter().map(|byte| !byte).collect::<Vec<_>>();
    // Skips the first letters, which encode the user id. That is not secret.
    SECRETS.set([complement(&password), complement(&encoded[8..encoded.len() - 4])]).unwrap();
    pair.zeroize();
    encoded.zeroize();
    assert!(holds_a_secret(&password), "the search works");

    for client in clients.iter().cycle().take(6) {
        let (verdict, _) = login::verify(client, b"alice", &password, Some(b"192.0.2.1"));
        assert!(verdict.is_ok(), "{verdict:?}");
    }
    assert_eq!(places().len(), 1, "the test's own password is found, and nothing else");
    password.zeroize();
    assert_eq!(LEFT_BEHIND.load(Ordering::Relaxed), 0);
    assert_eq!(places(), [""; 0]);
}
