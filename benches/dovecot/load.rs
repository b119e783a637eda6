//! Many logins through one connection to Dovecot's auth service.

use std::time::{Duration, Instant};

use crate::USER;
use crate::support::auth_client::{AuthClient, Outcome};

/// The result of a series of logins.
pub struct Logins {
    /// The time of each login, sorted.
    latencies: Vec<Duration>,
    /// The total time.
    elapsed: Duration,
}

impl Logins {
    /// Logs in `count` times, or until `limit` has passed, with `concurrency` logins at a time. All
    /// must succeed.
    pub fn run(
        client: &mut AuthClient,
        concurrency: usize,
        count: usize,
        limit: Duration,
    ) -> Result<Self, Outcome> {
        let start = Instant::now();
        let (mut pending, mut latencies) = (Vec::new(), Vec::new());
        let mut begun = 0;
        loop {
            let is_due = begun < count && (begun == 0 || start.elapsed() < limit);
            if is_due && pending.len() < concurrency {
                let now = Instant::now();
                pending.push((client.begin(USER.0, USER.1), now));
                begun += 1;
                continue;
            }
            if pending.is_empty() {
                break;
            }
            let (number, outcome) = client.end();
            if outcome != Outcome::Succeeded {
                return Err(outcome);
            }
            let place = pending.iter().position(|login| login.0 == number).expect("it was begun");
            latencies.push(pending.swap_remove(place).1.elapsed());
        }
        let elapsed = start.elapsed();
        latencies.sort();
        Ok(Self { latencies, elapsed })
    }

    /// The number of logins.
    pub fn count(&self) -> f64 {
        self.latencies.len() as f64
    }

    /// The time within which this share of the logins finished, in milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let place = (self.count() * share) as usize;
        self.latencies[place.min(self.latencies.len() - 1)].as_secs_f64() * 1e3
    }

    /// The number of logins per second.
    pub fn per_second(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }
}
