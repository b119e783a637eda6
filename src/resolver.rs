//! Remembered addresses: the name service is asked rarely, and never waited for longer than told.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Phase};

/// How long addresses are used before the name service is asked again.
const FRESH: Duration = Duration::from_secs(60);

/// How long old addresses wait for the name service before they are used once more.
const PATIENCE: Duration = Duration::from_millis(500);

/// `getaddrinfo` and the modules it loads need some; each thread counts against `vsz_limit`.
const STACK_BYTES: usize = 256 << 10;

/// The addresses of one server.
#[derive(Debug)]
pub struct Resolver {
    host: String,
    port: u16,
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
    known_since: Option<Instant>,
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
        let resolver = Self { host: host.into(), port, shared: Arc::default() };
        if let Ok(address) = host.parse::<IpAddr>() {
            resolver.shared.lock().addresses.push(SocketAddr::new(address, port));
        }
        resolver
    }

    /// Addresses that are at most 60 s old; older ones while the name service does not answer.
    ///
    /// # Errors
    /// [`Error::Dns`] when there is no address, [`Error::Timeout`] when none came within `limit`.
    pub fn addresses(&self, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
        let start = Instant::now();
        let mut state = self.shared.lock();
        let is_literal = state.known_since.is_none() && !state.addresses.is_empty();
        if is_literal || state.known_since.is_some_and(|since| since.elapsed() < FRESH) {
            return Ok(state.addresses.clone());
        }
        if !state.asking {
            self.ask(&mut state)?;
        }
        let limit = if state.addresses.is_empty() { limit } else { limit.min(PATIENCE) };
        let (state, timeout) = self
            .shared
            .answered
            .wait_timeout_while(state, limit, |state| state.asking)
            .unwrap_or_else(PoisonError::into_inner);
        if !state.addresses.is_empty() {
            return Ok(state.addresses.clone());
        }
        if timeout.timed_out() {
            let msecs = start.elapsed().as_millis();
            return Err(Error::Timeout { phase: Phase::Resolving, msecs });
        }
        let failure = state.failure.as_deref().unwrap_or("no address");
        Err(Error::Dns(format!("{}: {failure}", self.host)))
    }

    /// Starts the one thread that asks.
    fn ask(&self, state: &mut State) -> Result<(), Error> {
        let (host, port, shared) = (self.host.clone(), self.port, self.shared.clone());
        let asked = thread::Builder::new()
            .name("httpbasic-dns".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let found = (host.as_str(), port).to_socket_addrs();
                shared.lock().learn(found.map(Iterator::collect));
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
    fn learn(&mut self, found: std::io::Result<Vec<SocketAddr>>) {
        self.asking = false;
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                self.addresses = addresses;
                self.known_since = Some(Instant::now());
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

    const LIMIT: Duration = Duration::from_secs(5);

    fn old_address() -> Resolver {
        let resolver = Resolver::new("host.invalid", 443);
        let mut state = resolver.shared.lock();
        state.addresses = vec!["192.0.2.1:443".parse().unwrap()];
        state.known_since = Instant::now().checked_sub(FRESH);
        drop(state);
        resolver
    }

    #[test]
    fn an_ip_address_needs_no_name_service() {
        for host in ["127.0.0.1", "::1"] {
            let resolver = Resolver::new(host, 80);
            let expected = SocketAddr::new(host.parse().unwrap(), 80);
            assert_eq!(resolver.addresses(Duration::ZERO), Ok(vec![expected]));
            assert!(!resolver.shared.lock().asking);
        }
    }

    #[test]
    fn a_name_is_resolved_once_and_remembered() {
        let resolver = Resolver::new("localhost", 80);
        let addresses = resolver.addresses(LIMIT).unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        let since = resolver.shared.lock().known_since;
        assert_eq!(resolver.addresses(Duration::ZERO), Ok(addresses));
        assert_eq!(resolver.shared.lock().known_since, since);
    }

    #[test]
    fn a_name_without_address_is_a_dns_error() {
        let error = Resolver::new("host.invalid", 80).addresses(LIMIT).unwrap_err();
        assert!(error.to_string().starts_with("dns: host.invalid: "), "{error}");
    }

    #[test]
    fn the_last_addresses_serve_when_the_name_service_fails() {
        let resolver = old_address();
        assert_eq!(resolver.addresses(LIMIT).unwrap(), ["192.0.2.1:443".parse().unwrap()]);
    }

    #[test]
    fn a_silent_name_service_costs_no_second_thread_and_no_more_than_the_limit() {
        let resolver = Resolver::new("host.invalid", 80);
        resolver.shared.lock().asking = true; // a thread that never comes back
        let limit = Duration::from_millis(20);
        let error = resolver.addresses(limit).unwrap_err();
        assert!(matches!(error, Error::Timeout { phase: Phase::Resolving, .. }), "{error}");

        let resolver = old_address();
        resolver.shared.lock().asking = true;
        assert_eq!(resolver.addresses(limit).unwrap().len(), 1);
    }
}
