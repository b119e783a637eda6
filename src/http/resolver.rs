//! Remembered addresses: the name service is asked rarely, and never waited for longer than told.

use std::fs::File;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::deadline::Deadline;
use crate::error::{Error, Phase};

/// How long addresses are used before the name service is asked again.
const FRESH: Duration = Duration::from_secs(60);

/// How long old addresses wait for the name service before they are used once more.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long they are then used without waiting for it again.
const RESPITE: Duration = Duration::from_secs(10);

/// How many addresses are tried, so that each has some time.
const MAX_ADDRESSES: usize = 8;

/// `getaddrinfo` and the modules it loads need some; each thread counts against `vsz_limit`.
const STACK_BYTES: usize = 256 << 10;

/// The addresses of one server.
#[derive(Debug)]
pub struct Resolver {
    host: String,
    port: u16,
    /// The host itself, if it is an address.
    literal: Option<SocketAddr>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    addresses: Vec<SocketAddr>,
    /// The one that worked last.
    preferred: Option<SocketAddr>,
    fresh_until: Option<Instant>,
    /// A thread is at it. There is never a second one, however long the name service hangs.
    asking: bool,
    failure: Option<String>,
}

impl Shared {
    /// No code panics while it holds the lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver {
    /// A resolver for `host`, a name or an IP address without brackets. Asks nobody yet.
    pub fn new(host: &str, port: u16) -> Self {
        let literal = host.parse().ok().map(|address: IpAddr| SocketAddr::new(address, port));
        Self { host: host.into(), port, literal, shared: Arc::default() }
    }

    /// Addresses that are at most 60 s old; older ones while the name service does not answer. The
    /// one that worked last comes first.
    ///
    /// # Errors
    /// [`Error::Dns`] when there is no address, [`Error::Timeout`] when none came in time.
    pub fn addresses(&self, deadline: Deadline) -> Result<Vec<SocketAddr>, Error> {
        if let Some(address) = self.literal {
            return Ok(vec![address]);
        }
        let mut state = self.shared.lock();
        if state.fresh_until.is_some_and(|end| Instant::now() < end) {
            return Ok(state.ordered());
        }
        if !state.asking {
            self.ask(&mut state)?;
        }
        let left = deadline.left();
        let patience = if state.addresses.is_empty() { left } else { left.min(PATIENCE) };
        let (mut state, timeout) = self
            .shared
            .answered
            .wait_timeout_while(state, patience, |state| state.asking)
            .unwrap_or_else(PoisonError::into_inner);
        if !state.addresses.is_empty() {
            let end = Instant::now() + RESPITE;
            state.fresh_until = state.fresh_until.max(Some(end));
            return Ok(state.ordered());
        }
        if timeout.timed_out() {
            let msecs = deadline.elapsed().as_millis();
            return Err(Error::Timeout { phase: Phase::Resolving, msecs });
        }
        let failure = state.failure.as_deref().unwrap_or("no address");
        Err(Error::Dns(format!("{}: {failure}", self.host)))
    }

    /// This address works: it is the first to be tried from now on.
    pub fn prefer(&self, address: SocketAddr) {
        self.shared.lock().preferred = Some(address);
    }

    /// No address works: the server may have moved, so the name service is asked next time.
    pub fn invalidate(&self) {
        self.shared.lock().fresh_until = None;
    }

    /// Starts the one thread that asks.
    fn ask(&self, state: &mut State) -> Result<(), Error> {
        let (host, port, shared) = (self.host.clone(), self.port, self.shared.clone());
        let asked = thread::Builder::new()
            .name("httpbasic-dns".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let found = (host.as_str(), port).to_socket_addrs();
                // Without a free file descriptor glibc finds no name, and does not say why.
                let found = found.map_err(|problem| File::open("/").err().unwrap_or(problem));
                shared.lock().learn(found.map(Iterator::collect), Instant::now());
                shared.answered.notify_all();
            });
        match asked {
            Ok(_) => state.asking = true,
            // Without a thread the old addresses serve on.
            Err(_) if !state.addresses.is_empty() => {}
            Err(problem) => return Err(Error::Dns(format!("no thread to ask with: {problem}"))),
        }
        Ok(())
    }
}

impl State {
    fn ordered(&self) -> Vec<SocketAddr> {
        let mut addresses = self.addresses.clone();
        addresses.sort_by_key(|address| Some(*address) != self.preferred);
        addresses.truncate(MAX_ADDRESSES);
        addresses
    }

    fn learn(&mut self, found: std::io::Result<Vec<SocketAddr>>, now: Instant) {
        self.asking = false;
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                self.addresses = addresses;
                self.fresh_until = Some(now + FRESH);
                self.failure = None;
            }
            Ok(_) => self.failure = Some("no address".into()),
            Err(problem) => self.failure = Some(problem.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Deadline {
        Deadline::new(Duration::from_secs(5))
    }

    fn at_once() -> Deadline {
        Deadline::new(Duration::ZERO)
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 443))
    }

    fn old_address() -> Resolver {
        let resolver = Resolver::new("host.invalid", 443);
        let mut state = resolver.shared.lock();
        state.learn(Ok(vec![address(1)]), Instant::now());
        state.fresh_until = Some(Instant::now());
        drop(state);
        resolver
    }

    #[test]
    fn an_ip_address_needs_no_name_service() {
        for host in ["127.0.0.1", "::1"] {
            let resolver = Resolver::new(host, 80);
            let expected = SocketAddr::new(host.parse().unwrap(), 80);
            for _ in 0..2 {
                assert_eq!(resolver.addresses(at_once()), Ok(vec![expected]));
                assert!(!resolver.shared.lock().asking);
                resolver.invalidate();
            }
        }
    }

    #[test]
    fn a_name_is_resolved_once_and_remembered_until_its_addresses_fail() {
        let resolver = Resolver::new("localhost", 80);
        let addresses = resolver.addresses(soon()).unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        let until = resolver.shared.lock().fresh_until;
        assert_eq!(resolver.addresses(at_once()), Ok(addresses));
        assert_eq!(resolver.shared.lock().fresh_until, until);
        resolver.invalidate();
        resolver.addresses(soon()).unwrap();
        assert!(resolver.shared.lock().fresh_until > until);
    }

    #[test]
    fn a_name_without_address_is_a_dns_error() {
        let error = Resolver::new("host.invalid", 80).addresses(soon()).unwrap_err();
        assert!(error.to_string().starts_with("dns: host.invalid: "), "{error}");
    }

    #[test]
    fn the_address_that_worked_comes_first_also_among_new_ones() {
        let resolver = Resolver::new("host.invalid", 443);
        let learn = |last: &[u8]| {
            let addresses = last.iter().copied().map(address).collect();
            resolver.shared.lock().learn(Ok(addresses), Instant::now());
        };
        let expect = |last: &[u8]| {
            let addresses: Vec<_> = last.iter().copied().map(address).collect();
            assert_eq!(resolver.addresses(at_once()), Ok(addresses));
        };
        learn(&[1, 2, 3]);
        expect(&[1, 2, 3]);
        resolver.prefer(address(2));
        expect(&[2, 1, 3]);
        learn(&[3, 1, 2]);
        expect(&[2, 3, 1]);
        learn(&[3, 4]);
        expect(&[3, 4]);
        learn(&[1, 3, 4, 5, 6, 7, 8, 9, 2]);
        expect(&[2, 1, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn the_last_addresses_serve_when_the_name_service_fails() {
        let resolver = old_address();
        assert_eq!(resolver.addresses(soon()), Ok(vec![address(1)]));
        // Nor is it asked again at once.
        assert!(resolver.shared.lock().failure.take().is_some());
        assert_eq!(resolver.addresses(soon()), Ok(vec![address(1)]));
        assert_eq!(resolver.shared.lock().failure, None);
    }

    #[test]
    fn a_silent_name_service_costs_no_second_thread_and_no_more_than_the_limit() {
        let resolver = Resolver::new("host.invalid", 80);
        resolver.shared.lock().asking = true; // a thread that never comes back
        let error = resolver.addresses(Deadline::new(Duration::from_millis(20))).unwrap_err();
        assert!(matches!(error, Error::Timeout { phase: Phase::Resolving, .. }), "{error}");

        // Old addresses are waited with once, and then no more.
        let resolver = old_address();
        resolver.shared.lock().asking = true;
        let start = Instant::now();
        for _ in 0..10 {
            assert_eq!(resolver.addresses(soon()), Ok(vec![address(1)]));
        }
        assert!(start.elapsed() >= PATIENCE && start.elapsed() < PATIENCE * 5);
    }
}
