//! Very many lookups in one process, faults among them: its memory, files and threads stay as they
//! are. 20,000 lookups each time; HTTPBASIC_SOAK says how many by hand:
//!
//!     HTTPBASIC_SOAK=1000000 cargo test --release --no-default-features --features lua54,vendored \
//!         --test soak -- --nocapture

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustls::ALL_VERSIONS;

use support::alone::{is_alone, possessions};
use support::ca::Identity;
use support::faults::wait;
use support::http::{self, Server, Stream, answer, configuration, principal, refusal};
use support::world::World;

/// Counts what is allocated and not freed.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size as isize - layout.size() as isize, Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What this process holds.
#[derive(Clone, Copy, Debug)]
struct Holding {
    rss_kib: usize,
    /// By Rust; Lua has an allocator of its own, and is collected before.
    live_bytes: isize,
    /// Threads and files.
    possessions: (usize, usize),
}

impl Holding {
    /// Without a client: with one, a kept connection comes and goes.
    fn now(world: &World) -> Self {
        world.run("client = nil collectgarbage() collectgarbage()");
        // A thread that asked for addresses may have just begun.
        sleep(Duration::from_millis(100));
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
        Self { rss_kib: pages * 4, live_bytes: LIVE.load(Relaxed), possessions: possessions() }
    }
}

#[test]
fn a_process_stays_as_large_as_it_is_whatever_the_server_does() {
    if !is_alone("a_process_stays_as_large_as_it_is_whatever_the_server_does", &[]) {
        return;
    }
    let lookups = std::env::var("HTTPBASIC_SOAK").map_or(20_000, |n| n.parse().unwrap());
    let world = World::new();
    let server = ServerProcess::start(&world.localhost());
    let (start, mut verdicts) = (Instant::now(), [0; 3]);
    let mut holdings = Vec::new();
    for lookup in 0..lookups {
        // A new client now and then, as if Dovecot had started another worker.
        if lookup % (lookups / 40) == 0 {
            // Most without a backoff, which would answer nearly all of the lookups.
            let backoff = usize::from(lookup % (lookups / 4) == 0);
            let limits = "timeout_msecs = 100, connect_timeout_msecs = 100";
            world.client(server.port, &format!("{limits}, backoff_msecs = {backoff}"));
        }
        let (word, text) = world.verify(b"alice", b"secret", Some("192.0.2.1"));
        let verdict = ["ok", "refused", "unavailable"].iter().position(|known| *known == word);
        verdicts[verdict.unwrap_or_else(|| panic!("{word}: {text}"))] += 1;
        if [lookups / 10, lookups / 2, lookups].contains(&(lookup + 1)) {
            let holding = Holding::now(&world);
            println!("{} lookups: {holding:?}", lookup + 1);
            holdings.push(holding);
        }
    }
    println!("{verdicts:?} ok, refused, unavailable in {:?}", start.elapsed());
    assert!(verdicts.iter().all(|count| *count > lookups / 50), "every verdict was among them");
    let (early, late) = (holdings[0], holdings[2]);
    assert!(late.live_bytes - early.live_bytes < 4 << 10, "{holdings:?}");
    assert!(late.rss_kib < early.rss_kib + 1024, "{holdings:?}");
    assert_eq!(late.possessions, early.possessions, "{holdings:?}");
}

/// The server, whose memory is not measured, in a process of its own.
struct ServerProcess {
    child: Child,
    port: u16,
}

impl ServerProcess {
    fn start(identity: &Identity) -> Self {
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "serve", "--ignored", "--nocapture"])
            .env("HTTPBASIC_SOAK_CERTIFICATE", &identity.certificate)
            .env("HTTPBASIC_SOAK_KEY", &identity.key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let port = lines.find_map(|line| line.split_once("port ")?.1.parse().ok()).unwrap();
        Self { child, port }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "the server of the other test"]
fn serve() {
    let variable = |name| std::env::var(name).expect("started by the other test");
    let identity = Identity {
        certificate: variable("HTTPBASIC_SOAK_CERTIFICATE"),
        key: variable("HTTPBASIC_SOAK_KEY"),
    };
    let tls = configuration(&identity, ALL_VERSIONS);
    let (connections, requests) = (AtomicUsize::new(1), AtomicUsize::new(1));
    let server = Server::raw(http::listener(0), move |stream, log| {
        match connections.fetch_add(1, Relaxed) % 100 {
            10 | 30 | 50 => return,
            70 => return drop((&mut &*stream).write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
            _ => {}
        }
        log.serve_secured(stream, &tls, &|secured, next_request| {
            while next_request(secured).is_some() {
                if !answers(requests.fetch_add(1, Relaxed), secured) {
                    return;
                }
            }
        });
    });
    println!("\nport {}", server.port);
    // Until the other test ends.
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Answers request number `number`, right or wrong; whether the connection is kept.
fn answers(number: usize, stream: &mut dyn Stream) -> bool {
    let right = principal("alice");
    let body = String::from_utf8_lossy(&right).split_once("\r\n\r\n").unwrap().1.to_string();
    let bytes = match number % 200 {
        0 | 100 => return false,
        // Longer than the deadline, but not often.
        1 if number % 1000 == 1 => {
            wait(stream);
            return false;
        }
        2 => right[..300].to_vec(),
        4 => b"garbage\r\n\r\n".to_vec(),
        6 => vec![b'x'; 100_000],
        8 => format!("HTTP/1.1 207 Multi-Status\r\n\r\n{}", "x".repeat(100_000)).into_bytes(),
        10 | 110 => [&b"HTTP/1.1 103 Early Hints\r\n\r\n"[..], &right].concat(),
        12 | 112 => format!(
            "HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n\
             0\r\nX-Trailer: 1\r\n\r\n",
            body.len()
        )
        .into_bytes(),
        14 => [&right[..], &right].concat(),
        16 => answer("503 Service Unavailable", "<d:error xmlns:d='DAV:'/>"),
        18 => answer("207 Multi-Status", &"<a>".repeat(10_000)),
        n if n % 10 == 5 => refusal(),
        _ => right,
    };
    let sent = stream.write_all(&bytes).and_then(|()| stream.flush());
    sent.is_ok() && ![2, 4, 6, 8].contains(&(number % 200))
}
