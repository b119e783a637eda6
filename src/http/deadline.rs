//! The deadline of a lookup.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When a lookup started and when it must end.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    end: Instant,
}

impl Deadline {
    /// The deadline of a lookup that starts now and may take `limit`.
    pub fn new(limit: Duration) -> Self {
        let start = Instant::now();
        Self { start, end: start + limit }
    }

    /// The deadline of a part of this lookup. The part starts now and may take at most `limit`.
    pub fn within(self, limit: Duration) -> Self {
        Self { end: self.end.min(Instant::now() + limit), ..self }
    }

    /// When it passes.
    pub fn end(self) -> Instant {
        self.end
    }

    /// The time left; zero if the deadline has passed.
    pub fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// The time since the lookup started.
    pub fn elapsed(self) -> Duration {
        self.start.elapsed()
    }
}

/// The deadline of the current request. The client sets it; its connector and its connection obey it.
/// ureq's own timeouts are off: they would begin anew with each request of a lookup, and take 1 % of
/// its instructions.
#[derive(Clone, Debug)]
pub struct CurrentDeadline(Arc<Mutex<Deadline>>);

impl CurrentDeadline {
    /// Sets the deadline.
    pub fn set(&self, deadline: Deadline) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// The deadline that was set last.
    pub fn get(&self) -> Deadline {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A deadline that has passed, so that nothing waits before the first request.
impl Default for CurrentDeadline {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Deadline::new(Duration::ZERO))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_no_later_than_the_whole() {
        let second = Duration::from_secs(1);
        let whole = Deadline::new(10 * second);
        assert!(whole.left() > 9 * second && whole.elapsed() < second);
        assert!(whole.within(second).left() <= second);
        assert_eq!(whole.within(60 * second).end(), whole.end());
    }

    #[test]
    fn no_time_is_left_after_the_end() {
        assert_eq!(Deadline::new(Duration::ZERO).left(), Duration::ZERO);
        assert_eq!(CurrentDeadline::default().get().left(), Duration::ZERO);
    }
}
