//! The time that a lookup has.

use std::time::{Duration, Instant};

/// When a lookup began and when it must end.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    end: Instant,
}

impl Deadline {
    /// The deadline of a lookup that begins now and may take this long.
    pub fn new(limit: Duration) -> Self {
        Self::with_left(limit, limit)
    }

    /// The deadline of a lookup that may take `limit` in all, of which `left` is left.
    pub fn with_left(limit: Duration, left: Duration) -> Self {
        let end = Instant::now() + left;
        Self { start: end.checked_sub(limit).unwrap_or(end), end }
    }

    /// The same lookup, with at most this much time for a part of it that begins now.
    pub fn within(self, limit: Duration) -> Self {
        Self { end: self.end.min(Instant::now() + limit), ..self }
    }

    /// The time that is left, which may be none.
    pub fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// The time since the lookup began.
    pub fn elapsed(self) -> Duration {
        self.start.elapsed()
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
        assert_eq!(whole.within(60 * second).end, whole.end);
    }

    #[test]
    fn the_time_that_was_spent_counts() {
        let second = Duration::from_secs(1);
        let deadline = Deadline::with_left(10 * second, 4 * second);
        assert!(deadline.elapsed() >= 6 * second && deadline.left() <= 4 * second);
        assert_eq!(Deadline::with_left(second, Duration::ZERO).left(), Duration::ZERO);
    }
}
