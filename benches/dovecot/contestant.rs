//! The passdb scripts to compare, each in a Dovecot of its own.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::load::Logins;
use crate::support::auth_client::AuthClient;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::nginx::Nginx;
use crate::system_calls;
use crate::usage::{self, Memory};

/// The number of logins per measurement, unless they take longer than [`LIMIT`].
const LOGINS: usize = 2000;
const LIMIT: Duration = Duration::from_millis(1500);
/// The number of logins before a measurement, so that every worker has a connection.
const WARM_UP: usize = 100;
/// How many times a failed measurement is repeated.
const ATTEMPTS: usize = 5;
/// The number of logins that are traced, unless they take longer than [`LIMIT`].
const TRACED: usize = 200;

/// A passdb script in its Dovecot, and its results.
pub struct Contestant {
    pub name: &'static str,
    pub rounds: Vec<Round>,
    /// The worker's system calls per login, if tracing is permitted.
    pub system_calls: Option<f64>,
    dovecot: Dovecot,
    client: AuthClient,
}

/// The results of one round. Times are in milliseconds, CPU times in microseconds per login.
pub struct Round {
    /// The first login of a new worker, which opens a connection.
    pub first: f64,
    /// Logins one after the other.
    pub single: Run,
    /// Eight logins at a time.
    pub parallel: Run,
    /// The average per worker; `None` if no worker was needed.
    pub memory: Option<Memory>,
}

/// A series of logins.
pub struct Run {
    pub worker_cpu: f64,
    pub auth_cpu: f64,
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
}

/// All scripts. The first one sends no request. Those of this library come last.
pub fn all(version: Version, nginx: &Nginx) -> Vec<Contestant> {
    let ours = Setup::new(&nginx.url(), Some(&nginx.ca_file()));
    let cached = Setup {
        hashed_key: true,
        cache_secs: Some((3600, 3600)),
        ..ours.clone().with("cache_key_has_password", "true")
    };
    [
        ("no request", Setup::of_script(include_str!("nothing.lua"))),
        ("dovecot.http.client", asking(include_str!("http_client.lua"), version, nginx)),
        ("luasocket, luasec", asking(include_str!("luasocket.lua"), version, nginx)),
        ("httpbasic", ours),
        ("httpbasic, auth cache on", cached),
    ]
    .map(|(name, setup)| Contestant::start(name, version, setup, &nginx.ca_file()))
    .into()
}

/// A script of this bench, with the URL and the CA.
fn asking(script: &str, version: Version, nginx: &Nginx) -> Setup {
    let (url, ca_file, is_2_4) = (nginx.url(), nginx.ca_file(), version == Version::V2_4);
    Setup::of_script(&format!(
        "local url, ca_file, is_2_4 = {url:?}, {ca_file:?}, {is_2_4}\n{script}"
    ))
}

impl Contestant {
    fn start(name: &'static str, version: Version, setup: Setup, ca_file: &Path) -> Self {
        // As in production: successful logins are not logged.
        let extra = match version {
            Version::V2_3 => format!(
                "auth_debug = no\nauth_verbose = no\nssl_client_ca_file = {}\n",
                ca_file.display()
            ),
            Version::V2_4 => "log_debug =\nauth_verbose = no\n".into(),
        };
        let dovecot = Dovecot::start(version, &Setup { extra: extra.leak(), ..setup });
        let client = AuthClient::open(&dovecot.auth_socket());
        Self { name, rounds: Vec::new(), system_calls: None, dovecot, client }
    }

    /// One round, with new workers.
    pub fn run(&mut self) {
        self.end_workers();
        let first = self.log_in(1, 1).percentile(1.0);
        let single = self.measure(1);
        let parallel = self.measure(8);
        let memory = usage::memory(&self.dovecot.auth_workers());
        self.rounds.push(Round { first, single, parallel, memory });
    }

    /// Measures again if Dovecot started another worker meanwhile.
    fn measure(&mut self, concurrency: usize) -> Run {
        (0..ATTEMPTS)
            .find_map(|_| self.try_measure(concurrency))
            .unwrap_or_else(|| panic!("{}: workers come and go\n{}", self.name, self.dovecot.log()))
    }

    fn try_measure(&mut self, concurrency: usize) -> Option<Run> {
        self.log_in(concurrency, WARM_UP);
        let workers = self.dovecot.auth_workers();
        let auth = usage::auth(self.dovecot.id());
        let before = (usage::cpu(&workers), usage::cpu(&[auth]));
        let logins = self.log_in(concurrency, LOGINS);
        if self.dovecot.auth_workers() != workers {
            return None;
        }
        let cpu = |processes: &[u32], before: Duration| {
            let used = usage::cpu(processes) - before;
            used.as_secs_f64() * 1e6 / logins.count()
        };
        Some(Run {
            worker_cpu: cpu(&workers, before.0),
            auth_cpu: cpu(&[auth], before.1),
            per_second: logins.per_second(),
            p50: logins.percentile(0.50),
            p99: logins.percentile(0.99),
        })
    }

    /// Counts system calls. This is not part of a round because tracing is slow.
    pub fn count_system_calls(&mut self) {
        self.end_workers();
        self.log_in(1, WARM_UP);
        let workers = self.dovecot.auth_workers();
        let mut count = 0.0;
        let calls = system_calls::count(&workers, || count = self.log_in(1, TRACED).count());
        self.system_calls = calls.map(|calls| calls as f64 / count);
    }

    /// Ends the workers and waits until Dovecot has started a new one.
    fn end_workers(&self) {
        self.dovecot.auth_workers().into_iter().for_each(usage::end);
        sleep(Duration::from_millis(100));
    }

    fn log_in(&mut self, concurrency: usize, count: usize) -> Logins {
        Logins::run(&mut self.client, concurrency, count, LIMIT).unwrap_or_else(|outcome| {
            panic!("{}: a login is {outcome:?}\n{}", self.name, self.dovecot.log())
        })
    }

    /// The median of `value` over the rounds that have it.
    pub fn median(&self, value: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(value))
    }
}

/// The median; `None` without values.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
