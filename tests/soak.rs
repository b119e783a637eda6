//! A long run of lookups in one process, some with faults. The memory, files and threads of the
//! process must not grow. The default is 20,000 lookups; HTTPBASIC_SOAK sets another number:
//!
//!     HTTPBASIC_SOAK=1000000 cargo test --release --no-default-features --features lua54,vendored \
//!         --test soak -- --nocapture

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustls::ALL_VERSIONS;

use support::alone::{is_alone, possessions};
use support::ca::Identity;
use support::faults::wait;
use support::http::{self, Server, Stream, answer, configuration, principal, refusal};
use support::world::World;

/// Counts the bytes that are allocated and not freed.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
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

/// The resources of this process.
#[derive(Clone, Copy, Debug)]
struct Holding {
    rss_kib: usize,
    /// Bytes allocated by Rust. Lua has its own allocator, and is garbage-collected first.
    live_bytes: isize,
    /// The numbers of threads and open files.
    possessions: (usize, usize),
}

impl Holding {
    /// Measured without a client, because a client may or may not have a connection.
    fn now(world: &World) -> Self {
        world.run("client = nil collectgarbage() collectgarbage()");
        // A resolver thread may just have been started.
        sleep(Duration::from_millis(100));
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
        Self { rss_kib: pages * 4, live_bytes: LIVE.load(Relaxed), possessions: possessions() }
    }
}

#[test]
fn a_process_does_not_grow_whatever_the_server_does() {
    if !is_alone("a_process_does_not_grow_whatever_the_server_does", &[]) {
        return;
    }
    let lookups = std::env::var("HTTPBASIC_SOAK").map_or(20_000, |n| n.parse().unwrap());
    let world = World::new();
    let server = ServerProcess::start(&world.localhost());
    let (start, mut verdicts) = (Instant::now(), [0; 3]);
    let mut holdings = Vec::new();
    for lookup in 0..lookups {
        // Creates a new client from time to time, as if Dovecot had started another worker.
        if lookup % (lookups / 40) == 0 {
            // Most clients have no back-off, because otherwise nearly all lookups would fail at
            // once.
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

/// The server in a process of its own, so that its memory is not measured.
struct ServerProcess {
    child: Child,
    port: u16,
    /// Kept open: the test runner prints a message after a minute, and would fail if nothing
    /// read its output.
    _output: BufReader<ChildStdout>,
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
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = output.by_ref().lines().map(Result::unwrap);
        let port = lines.find_map(|line| line.split_once("port ")?.1.parse().ok()).unwrap();
        Self { child, port, _output: output }
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
    // Runs until the other test ends.
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Answers request number `number`, rightly or wrongly. Returns whether the connection is kept.
fn answers(number: usize, stream: &mut dyn Stream) -> bool {
    let right = principal("alice");
    let body = String::from_utf8_lossy(&right).split_once("\r\n\r\n").unwrap().1.to_string();
    let bytes = match number % 200 {
        0 | 100 => return false,
        // Takes longer than the deadline, but rarely.
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
