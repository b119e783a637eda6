//! Resolves and caches the addresses of one server, within a deadline.
//!
//! `getaddrinfo` has no time limit, so it runs in a thread of its own.

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow};

use super::deadline::Deadline;
use super::error::{Error, Phase};

/// How long cached addresses are used before the name is resolved again.
const TTL: Duration = Duration::from_secs(60);

/// How long a lookup with expired addresses waits for new ones before it uses the expired ones.
const STALE_WAIT: Duration = Duration::from_millis(500);

/// How long the expired addresses are then used before a lookup waits again.
const STALE_TTL: Duration = Duration::from_secs(10);

/// The maximum number of addresses that are tried. With more, each would get too little time.
const MAX_ADDRESSES: usize = 8;

/// The stack size of the thread, in bytes. It is enough for `getaddrinfo` and the modules that it
/// loads, and small because it counts against Dovecot's `vsz_limit`.
const STACK_BYTES: usize = 256 << 10;

/// The addresses of one server.
#[derive(Debug)]
pub struct Resolver {
    host: String,
    port: u16,
    /// The address, if the host is an IP address.
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
    /// The address that worked last.
    preferred: Option<SocketAddr>,
    fresh_until: Option<Instant>,
    /// Whether the thread is running. There is never a second one, even if name resolution hangs.
    is_resolving: bool,
    failure: Option<Arc<io::Error>>,
}

impl Shared {
    /// Ignores poisoning: no code panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver {
    /// A resolver for `host`, which is a name or an IP address without brackets. Does not resolve
    /// it yet.
    pub fn new(host: &str, port: u16) -> Self {
        let literal = host.parse().ok().map(|address: IpAddr| SocketAddr::new(address, port));
        Self { host: host.into(), port, literal, shared: Arc::default() }
    }

    /// At most 8 addresses, the one that worked last first. They are at most 60 seconds old, or
    /// older if name resolution fails or takes too long.
    ///
    /// # Errors
    /// [`Error::Dns`] if there is no address, [`Error::Timeout`] if name resolution took too long.
    pub fn addresses(&self, deadline: Deadline) -> Result<Vec<SocketAddr>, Error> {
        if let Some(address) = self.literal {
            return Ok(vec![address]);
        }
        let mut state = self.shared.lock();
        if state.fresh_until.is_some_and(|end| Instant::now() < end) {
            return Ok(state.ordered());
        }
        if !state.is_resolving {
            self.start(&mut state)?;
        }
        let left = deadline.left();
        let patience = if state.addresses.is_empty() { left } else { left.min(STALE_WAIT) };
        let (mut state, timeout) = self
            .shared
            .answered
            .wait_timeout_while(state, patience, |state| state.is_resolving)
            .unwrap_or_else(PoisonError::into_inner);
        if !state.addresses.is_empty() {
            let end = Instant::now() + STALE_TTL;
            state.fresh_until = state.fresh_until.max(Some(end));
            return Ok(state.ordered());
        }
        if timeout.timed_out() {
            let msecs = deadline.elapsed().as_millis();
            return Err(Error::Timeout { phase: Phase::Resolving, msecs });
        }
        Err(self.failed(state.failure.clone().unwrap_or_else(no_address)))
    }

    /// Puts this address first from now on, because it works.
    pub fn prefer(&self, address: SocketAddr) {
        self.shared.lock().preferred = Some(address);
    }

    /// Makes the cached addresses expire. To be called if none of them works: the server may have
    /// moved.
    pub fn invalidate(&self) {
        self.shared.lock().fresh_until = None;
    }

    fn failed(&self, source: Arc<io::Error>) -> Error {
        Error::Dns { host: self.host.clone(), source }
    }

    /// Starts the thread that resolves the name.
    fn start(&self, state: &mut State) -> Result<(), Error> {
        let (host, port, shared) = (self.host.clone(), self.port, self.shared.clone());
        // A new thread inherits the signals that are blocked. The handlers of the process expect to
        // run in its own thread.
        let unblocked = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
        let started = thread::Builder::new()
            .name("httpbasic-dns".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let found = (host.as_str(), port).to_socket_addrs();
                // Without a free file descriptor, getaddrinfo reports an unknown name. Opening a
                // file gives the real reason.
                let found = found.map_err(|problem| File::open("/").err().unwrap_or(problem));
                shared.lock().update(found.map(Iterator::collect), Instant::now());
                shared.answered.notify_all();
            });
        let _ = unblocked.map(|signals| signals.thread_set_mask());
        match started {
            Ok(_) => state.is_resolving = true,
            // Without a thread, the expired addresses are used.
            Err(_) if !state.addresses.is_empty() => {}
            Err(problem) => {
                let text = format!("cannot start a thread: {problem}");
                return Err(self.failed(Arc::new(io::Error::new(problem.kind(), text))));
            }
        }
        Ok(())
    }
}

fn no_address() -> Arc<io::Error> {
    Arc::new(io::Error::other("no address"))
}

impl State {
    fn ordered(&self) -> Vec<SocketAddr> {
        let mut addresses = self.addresses.clone();
        addresses.sort_by_key(|address| Some(*address) != self.preferred);
        addresses.truncate(MAX_ADDRESSES);
        addresses
    }

    fn update(&mut self, found: io::Result<Vec<SocketAddr>>, now: Instant) {
        self.is_resolving = false;
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                self.addresses = addresses;
                self.fresh_until = Some(now + TTL);
                self.failure = None;
            }
            Ok(_) => self.failure = Some(no_address()),
            Err(problem) => self.failure = Some(Arc::new(problem)),
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
        state.update(Ok(vec![address(1)]), Instant::now());
        state.fresh_until = Some(Instant::now());
        drop(state);
        resolver
    }

    #[test]
    fn an_ip_address_is_not_resolved() {
        for host in ["127.0.0.1", "::1"] {
            let resolver = Resolver::new(host, 80);
            let expected = SocketAddr::new(host.parse().unwrap(), 80);
            for _ in 0..2 {
                assert_eq!(resolver.addresses(at_once()).unwrap(), [expected]);
                assert!(!resolver.shared.lock().is_resolving);
                resolver.invalidate();
            }
        }
    }

    #[test]
    fn a_name_is_resolved_once_and_cached_until_its_addresses_fail() {
        let resolver = Resolver::new("localhost", 80);
        let addresses = resolver.addresses(soon()).unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        let until = resolver.shared.lock().fresh_until;
        assert_eq!(resolver.addresses(at_once()).unwrap(), addresses);
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
    fn the_address_that_worked_last_comes_first_also_among_new_ones() {
        let resolver = Resolver::new("host.invalid", 443);
        let learn = |last: &[u8]| {
            let addresses = last.iter().copied().map(address).collect();
            resolver.shared.lock().update(Ok(addresses), Instant::now());
        };
        let expect = |last: &[u8]| {
            let addresses: Vec<_> = last.iter().copied().map(address).collect();
            assert_eq!(resolver.addresses(at_once()).unwrap(), addresses);
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
    fn expired_addresses_are_used_if_name_resolution_fails() {
        let resolver = old_address();
        assert_eq!(resolver.addresses(soon()).unwrap(), [address(1)]);
        // The name is not resolved again at once.
        assert!(resolver.shared.lock().failure.take().is_some());
        assert_eq!(resolver.addresses(soon()).unwrap(), [address(1)]);
        assert!(resolver.shared.lock().failure.is_none());
    }

    #[test]
    fn a_silent_name_server_costs_one_thread_and_no_more_than_the_deadline() {
        let resolver = Resolver::new("host.invalid", 80);
        resolver.shared.lock().is_resolving = true; // by a thread that never ends
        let error = resolver.addresses(Deadline::new(Duration::from_millis(20))).unwrap_err();
        assert!(matches!(error, Error::Timeout { phase: Phase::Resolving, .. }), "{error}");

        // Only the first lookup with expired addresses waits.
        let resolver = old_address();
        resolver.shared.lock().is_resolving = true;
        let start = Instant::now();
        for _ in 0..10 {
            assert_eq!(resolver.addresses(soon()).unwrap(), [address(1)]);
        }
        assert!(start.elapsed() >= STALE_WAIT && start.elapsed() < STALE_WAIT * 5);
    }
}
