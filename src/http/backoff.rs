//! A server that was unreachable a moment ago is not tried again at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// The last failure to reach the server, if it is recent.
#[derive(Debug)]
pub struct Backoff {
    length: Duration,
    failure: Mutex<Option<(Instant, Error)>>,
}

impl Backoff {
    /// The server is not tried for `length` after a failure; 0 always tries it.
    pub fn new(length: Duration) -> Self {
        Self { length, failure: Mutex::default() }
    }

    /// Whether the server may be tried.
    ///
    /// # Errors
    /// [`Error::Backoff`] when it was unreachable shortly before `now`.
    pub fn check(&self, now: Instant) -> Result<(), Error> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failure {
            Some((since, error)) if now.saturating_duration_since(*since) < self.length => {
                Err(Error::Backoff {
                    msecs: now.saturating_duration_since(*since).as_millis(),
                    error: Box::new(error.clone()),
                })
            }
            _ => Ok(()),
        }
    }

    /// The server was unreachable, as `error` says; with `None` it was not.
    pub fn note(&self, now: Instant, error: Option<&Error>) {
        let failure = error.map(|error| (now, error.clone()));
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Error {
        Error::Connect("refused".into())
    }

    fn after(start: Instant, msecs: u64) -> Instant {
        start + Duration::from_millis(msecs)
    }

    #[test]
    fn an_unreachable_server_is_not_tried_again_for_as_long_as_configured() {
        let (backoff, start) = (Backoff::new(Duration::from_millis(2000)), Instant::now());
        assert_eq!(backoff.check(start), Ok(()));
        backoff.note(start, Some(&refused()));
        for msecs in [0, 1, 1999] {
            let error = backoff.check(after(start, msecs)).unwrap_err();
            let said =
                format!("connect: refused; that was {msecs} ms ago, too recently to ask again");
            assert_eq!(error.to_string(), said);
        }
        assert_eq!(backoff.check(after(start, 2000)), Ok(()));
    }

    #[test]
    fn each_failure_begins_a_new_wait_and_success_ends_it() {
        let (backoff, start) = (Backoff::new(Duration::from_millis(2000)), Instant::now());
        backoff.note(start, Some(&refused()));
        backoff.note(after(start, 2500), Some(&refused()));
        assert!(backoff.check(after(start, 4499)).is_err());
        backoff.note(after(start, 4499), None);
        assert_eq!(backoff.check(after(start, 4499)), Ok(()));
    }

    #[test]
    fn a_length_of_zero_always_tries_it() {
        let (backoff, start) = (Backoff::new(Duration::ZERO), Instant::now());
        backoff.note(start, Some(&refused()));
        assert_eq!(backoff.check(start), Ok(()));
    }
}
