//! Back-off: an unreachable server is not retried for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;

/// Remembers the last failure to reach the server.
#[derive(Debug)]
pub struct Backoff {
    length: Duration,
    failure: Mutex<Option<(Instant, Arc<Error>)>>,
}

impl Backoff {
    /// A back-off of `length` after each failure. Zero turns it off.
    pub fn new(length: Duration) -> Self {
        Self { length, failure: Mutex::default() }
    }

    /// Checks that the server may be tried.
    ///
    /// # Errors
    /// [`Error::Backoff`] if the server was unreachable less than the back-off before `now`.
    pub fn check(&self, now: Instant) -> Result<(), Error> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failure {
            Some((since, error)) if now.saturating_duration_since(*since) < self.length => {
                Err(Error::Backoff {
                    msecs: now.saturating_duration_since(*since).as_millis(),
                    source: error.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Records the outcome of an attempt: the error, or `None` if the server was reached.
    pub fn record(&self, now: Instant, error: Option<&Error>) {
        let failure = error.map(|error| (now, Arc::new(error.clone())));
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Error {
        Error::Protocol("refused".into())
    }

    fn after(start: Instant, msecs: u64) -> Instant {
        start + Duration::from_millis(msecs)
    }

    #[test]
    fn an_unreachable_server_is_not_retried_during_the_backoff() {
        let (backoff, start) = (Backoff::new(Duration::from_millis(2000)), Instant::now());
        assert!(backoff.check(start).is_ok());
        backoff.record(start, Some(&refused()));
        for msecs in [0, 1, 1999] {
            let error = backoff.check(after(start, msecs)).unwrap_err();
            let expected =
                format!("protocol: refused; that was {msecs} ms ago, too recently to ask again");
            assert_eq!(error.to_string(), expected);
        }
        assert!(backoff.check(after(start, 2000)).is_ok());
    }

    #[test]
    fn each_failure_restarts_the_backoff_and_success_ends_it() {
        let (backoff, start) = (Backoff::new(Duration::from_millis(2000)), Instant::now());
        backoff.record(start, Some(&refused()));
        backoff.record(after(start, 2500), Some(&refused()));
        assert!(backoff.check(after(start, 4499)).is_err());
        backoff.record(after(start, 4499), None);
        assert!(backoff.check(after(start, 4499)).is_ok());
    }

    #[test]
    fn a_length_of_zero_turns_the_backoff_off() {
        let (backoff, start) = (Backoff::new(Duration::ZERO), Instant::now());
        backoff.record(start, Some(&refused()));
        assert!(backoff.check(start).is_ok());
    }
}
