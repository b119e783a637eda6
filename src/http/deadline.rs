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
        Self::with_left(limit, limit)
    }

    /// The deadline of a lookup that may take `limit` in total and has `left` left.
    pub fn with_left(limit: Duration, left: Duration) -> Self {
        let end = Instant::now() + left;
        Self { start: end.checked_sub(limit).unwrap_or(end), end }
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

/// When to stop waiting for the body of an answer whose status says enough. The client sets it when
/// the head has arrived, and its connection waits no longer.
#[derive(Clone, Debug, Default)]
pub struct BodyDeadline(Arc<Mutex<Option<Instant>>>);

impl BodyDeadline {
    /// Sets the end. Without one, only the deadline of the lookup counts.
    pub fn set(&self, end: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }

    /// The earlier of this end and `other`.
    pub fn or(&self, other: Instant) -> Instant {
        let end = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        end.map_or(other, |end| end.min(other))
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
    fn elapsed_time_includes_the_time_already_spent() {
        let second = Duration::from_secs(1);
        let deadline = Deadline::with_left(10 * second, 4 * second);
        assert!(deadline.elapsed() >= 6 * second && deadline.left() <= 4 * second);
        assert_eq!(Deadline::with_left(second, Duration::ZERO).left(), Duration::ZERO);
    }
}
