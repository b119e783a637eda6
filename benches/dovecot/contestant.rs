//! The passdb scripts that are compared, each in a Dovecot of its own.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::load::Logins;
use crate::support::auth_client::AuthClient;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::nginx::Nginx;
use crate::system_calls;
use crate::usage::{self, Memory};

/// How many logins are measured at a time, unless they last longer than [`LIMIT`].
const LOGINS: usize = 2000;
const LIMIT: Duration = Duration::from_millis(1500);
/// How many come before them, so that every worker has its connection.
const WARM_UP: usize = 100;
/// How often a measurement that went wrong is repeated.
const ATTEMPTS: usize = 5;
/// How many are traced, if not fewer for the same reason.
const TRACED: usize = 200;

/// A passdb script in its Dovecot, and what was measured of it.
pub struct Contestant {
    pub name: &'static str,
    pub rounds: Vec<Round>,
    /// System calls of the worker per login, if it may be traced.
    pub system_calls: Option<f64>,
    dovecot: Dovecot,
    client: AuthClient,
}

/// What was measured in one round. Times are in milliseconds, CPU times in microseconds a login.
pub struct Round {
    /// The first login of a new worker, which has no connection yet.
    pub first: f64,
    /// Logins one after the other.
    pub single: Run,
    /// Eight logins at a time.
    pub parallel: Run,
    /// Of a worker on average; none if no worker was needed.
    pub memory: Option<Memory>,
}

/// A row of logins.
pub struct Run {
    pub worker_cpu: f64,
    pub auth_cpu: f64,
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
}

/// All scripts; the one that asks nobody comes first, those of the library come last.
pub fn all(version: Version, nginx: &Nginx) -> Vec<Contestant> {
    let ours = Setup::new(&nginx.url(), Some(&nginx.ca_file()));
    let cached = Setup {
        args: "cache_key=%u:%w",
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

/// A script of the bench, told where to ask.
fn asking(script: &str, version: Version, nginx: &Nginx) -> Setup {
    let (url, ca_file, is_2_4) = (nginx.url(), nginx.ca_file(), version == Version::V2_4);
    Setup::of_script(&format!(
        "local url, ca_file, is_2_4 = {url:?}, {ca_file:?}, {is_2_4}\n{script}"
    ))
}

impl Contestant {
    fn start(name: &'static str, version: Version, setup: Setup, ca_file: &Path) -> Self {
        // As on a server in use: nothing is logged of a login that succeeds.
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

    /// Dovecot starts another worker when it thinks that it needs one; then all is measured again.
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

    /// Apart from the rounds, since tracing takes its time.
    pub fn count_system_calls(&mut self) {
        self.end_workers();
        self.log_in(1, WARM_UP);
        let workers = self.dovecot.auth_workers();
        let mut count = 0.0;
        let calls = system_calls::count(&workers, || count = self.log_in(1, TRACED).count());
        self.system_calls = calls.map(|calls| calls as f64 / count);
    }

    /// Dovecot then starts one at once, and has time to.
    fn end_workers(&self) {
        self.dovecot.auth_workers().into_iter().for_each(usage::end);
        sleep(Duration::from_millis(100));
    }

    fn log_in(&mut self, concurrency: usize, count: usize) -> Logins {
        Logins::run(&mut self.client, concurrency, count, LIMIT).unwrap_or_else(|outcome| {
            panic!("{}: a login is {outcome:?}\n{}", self.name, self.dovecot.log())
        })
    }

    /// The median over the rounds of what `value` finds in each, if anything.
    pub fn median(&self, value: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(value))
    }
}

/// The median, if there are values.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
