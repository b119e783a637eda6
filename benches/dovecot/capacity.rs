//! How many logins a Dovecot takes whose web server needs its time: by that time and by the number of
//! workers, with many logins at once, and after a restart.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::ca::Ca;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::http::{Server, principal};

/// The times that the web server takes for a login, in milliseconds: a small server, and Nextcloud with an
/// app password and with an account password.
const SERVER_MSECS: [u64; 3] = [35, 160, 1300];
/// The numbers of workers. 30 is Dovecot's default.
const WORKERS: [usize; 3] = [10, 30, 100];
/// The number of logins at once.
const AT_ONCE: [usize; 3] = [200, 1000, 4000];
/// After a restart.
const USERS: usize = 2000;
const CONNECTIONS: usize = 4;

const DEFAULT_WORKERS: usize = WORKERS[1];
const APP_PASSWORD_MSECS: u64 = SERVER_MSECS[1];

/// Three tables.
pub fn tables(version: Version) -> String {
    [by_workers(version), at_once(version), after_a_restart(version)].join("\n")
}

fn by_workers(version: Version) -> String {
    let header = WORKERS.map(|workers| format!(" {workers} workers |")).concat();
    let mut text =
        format!("| logins per second |{header}\n|---|{}\n", "--:|".repeat(WORKERS.len()));
    for msecs in SERVER_MSECS {
        text += &format!("| the server takes {msecs} ms |");
        for workers in WORKERS {
            let mut world = World::start(version, msecs, workers, false);
            // So that each worker has several logins, for a second or longer.
            let count = workers * usize::try_from((1000 / msecs).max(3)).unwrap();
            let run = world.log_in(0..count, 1, Arrival::AtOnce);
            text += &format!(" {:.0} |", count as f64 / run.elapsed().as_secs_f64());
        }
        text.push('\n');
    }
    text
}

fn at_once(version: Version) -> String {
    let mut text = "| logins at once | the server takes, ms | succeeded | failed temporarily | \
                    the first, s | the median, s | the last, s |\n|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for msecs in SERVER_MSECS {
        for count in AT_ONCE {
            let mut world = World::start(version, msecs, DEFAULT_WORKERS, false);
            let run = world.log_in(0..count, 1, Arrival::AtOnce);
            let [first, median, last] =
                [0, count / 2, count - 1].map(|place| run.ends[place].as_secs_f64());
            text += &format!(
                "| {count} | {msecs} | {} | {} | {first:.1} | {median:.1} | {last:.1} |\n",
                run.succeeded, run.temporary
            );
        }
    }
    text
}

fn after_a_restart(version: Version) -> String {
    let mut text = format!(
        "| {USERS} users with {CONNECTIONS} connections each | requests to the web server | the last, s |\n\
         |---|--:|--:|\n"
    );
    for (name, has_cache, arrival) in [
        ("without the cache", false, Arrival::AtOnce),
        ("with the cache, all at once", true, Arrival::AtOnce),
        ("with the cache, each user's one after the other", true, Arrival::InTurn),
    ] {
        let mut world = World::start(version, APP_PASSWORD_MSECS, DEFAULT_WORKERS, has_cache);
        let before = world.requests();
        let run = world.log_in(0..USERS, CONNECTIONS, arrival);
        let (requests, last) = (world.requests() - before, run.elapsed().as_secs_f64());
        text += &format!("| {name} | {requests} | {last:.1} |\n");
    }
    text
}

/// How the logins of one user arrive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    AtOnce,
    /// The next one begins when the last one has ended.
    InTurn,
}

/// A Dovecot, and a web server that takes its time.
struct World {
    requests: Arc<AtomicUsize>,
    client: AuthClient,
    _dovecot: Dovecot,
    _server: Server,
    _folder: TempDir,
}

/// The results of many logins.
struct Run {
    succeeded: usize,
    temporary: usize,
    /// The times from the start of all logins to the end of each, in the order of their ends.
    ends: Vec<Duration>,
}

impl Run {
    fn elapsed(&self) -> Duration {
        self.ends[self.ends.len() - 1]
    }
}

impl World {
    /// Each worker has a connection to the server before this returns.
    fn start(version: Version, msecs: u64, workers: usize, has_cache: bool) -> Self {
        let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
        // Makes the CA's certificate readable for Dovecot's users.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let ca_file = folder.path().join("ca.pem");
        fs::write(&ca_file, ca.pem()).unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = requests.clone();
        let server = Server::answering(Some(&ca.issue(&["localhost"])), move |request| {
            counter.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(msecs));
            let credentials = String::from_utf8(request.credentials()).unwrap();
            principal(credentials.split(':').next().unwrap())
        });
        let url = format!("https://localhost:{}/", server.port);
        let setup = Setup::new(&url, Some(&ca_file));
        let setup = Setup {
            cache_secs: has_cache.then_some((3600, 3600)),
            hashed_key: has_cache,
            extra: settings(version, workers).leak(),
            ..if has_cache { setup.with("cache_key_has_password", "true") } else { setup }
        };
        let dovecot = Dovecot::start(version, &setup);
        let client = AuthClient::open(&dovecot.auth_socket());
        let mut world =
            Self { requests, client, _dovecot: dovecot, _server: server, _folder: folder };
        for _ in 0..2 {
            world.log_in(USERS..USERS + workers, 1, Arrival::AtOnce);
        }
        world
    }

    /// The number of requests that the web server has received.
    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Logs in these users, each several times.
    fn log_in(&mut self, users: Range<usize>, times: usize, arrival: Arrival) -> Run {
        let start = Instant::now();
        let mut run = Run { succeeded: 0, temporary: 0, ends: Vec::new() };
        let begun = if arrival == Arrival::AtOnce { times } else { 1 };
        // The user of each login that has not ended, and how often the user logs in again afterwards.
        let mut pending = HashMap::new();
        for user in users {
            for _ in 0..begun {
                pending.insert(self.begin(user), (user, times - begun));
            }
        }
        while !pending.is_empty() {
            let (number, outcome) = self.client.end();
            run.ends.push(start.elapsed());
            match outcome {
                Outcome::Succeeded => run.succeeded += 1,
                Outcome::Temporary => run.temporary += 1,
                Outcome::Refused => panic!("every password is right"),
            }
            let (user, more) = pending.remove(&number).expect("it was begun");
            if more > 0 {
                pending.insert(self.begin(user), (user, more - 1));
            }
        }
        run
    }

    fn begin(&mut self, user: usize) -> u32 {
        self.client.begin(&format!("user-{user}@example.com"), "password")
    }
}

/// As in production, without a line for each successful login.
fn settings(version: Version, workers: usize) -> String {
    match version {
        Version::V2_3 => {
            format!("auth_debug = no\nauth_verbose = no\nauth_worker_max_count = {workers}\n")
        }
        Version::V2_4 => format!(
            "log_debug =\nauth_verbose = no\nservice auth-worker {{\n  process_limit = {workers}\n}}\n"
        ),
    }
}
