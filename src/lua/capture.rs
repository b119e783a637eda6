//! Collects the log records of a call. They are written to Dovecot's log when the call ends.

use std::cell::RefCell;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::text::one_line;

/// One log record: its level, and its text as one line.
pub type Line = (Level, String);

/// The maximum number of lines of one call. Further lines are dropped.
const MAX_LINES: usize = 100;

/// The maximum length of a line, in characters. Longer lines are cut.
const MAX_CHARS: usize = 1000;

/// The prefix of the targets of this crate's own records.
const OWN_TARGET: &str = "httpbasic";

struct Collected {
    level: LevelFilter,
    lines: Vec<Line>,
}

thread_local! {
    static COLLECTED: RefCell<Option<Collected>> = const { RefCell::new(None) };
}

/// The logger of the process. All Lua states that loaded this library share it.
struct Collector;

impl Log for Collector {
    fn enabled(&self, metadata: &Metadata) -> bool {
        COLLECTED.with_borrow(|collected| {
            collected.as_ref().is_some_and(|collected| {
                let is_wanted =
                    metadata.target().starts_with(OWN_TARGET) || metadata.level() <= Level::Warn;
                is_wanted && metadata.level() <= collected.level
            })
        })
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = one_line(&format!("{}: {}", record.target(), record.args()), MAX_CHARS);
        COLLECTED.with_borrow_mut(|collected| {
            if let Some(collected) =
                collected.as_mut().filter(|collected| collected.lines.len() < MAX_LINES)
            {
                collected.lines.push((record.level(), line));
            }
        });
    }

    fn flush(&self) {}
}

/// Runs `call` and returns its result and the records that this thread logged meanwhile: warnings
/// and errors, and with `debug` also this crate's own debug records.
///
/// Debug records of the libraries are left out because they do not help an administrator. Trace
/// records are left out because they may contain passwords.
pub fn collect<T>(debug: bool, call: impl FnOnce() -> T) -> (T, Vec<Line>) {
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        // This fails only if another logger is set, and this library has no other.
        let _ = log::set_logger(&Collector);
        log::set_max_level(LevelFilter::Warn);
    });
    let level = if debug { LevelFilter::Debug } else { LevelFilter::Warn };
    if debug {
        log::set_max_level(LevelFilter::Debug);
    }
    COLLECTED.set(Some(Collected { level, lines: Vec::new() }));
    let result = call();
    let lines = COLLECTED.take().map(|collected| collected.lines).unwrap_or_default();
    (result, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_at_every_level() {
        log::error!("error");
        log::warn!("warning");
        log::debug!("one\nline");
        log::debug!(target: "ureq::run", "a library's");
        log::warn!(target: "rustls", "a library's");
        log::trace!("trace");
    }

    #[test]
    fn without_debug_only_warnings_and_errors_are_collected() {
        let (_, lines) = collect(false, log_at_every_level);
        assert_eq!(
            lines.iter().map(|line| line.0).collect::<Vec<_>>(),
            [Level::Error, Level::Warn, Level::Warn]
        );
    }

    #[test]
    fn with_debug_our_own_debug_records_are_collected_too_as_single_lines() {
        let (_, lines) = collect(true, log_at_every_level);
        let levels: Vec<_> = lines.iter().map(|line| line.0).collect();
        assert_eq!(levels, [Level::Error, Level::Warn, Level::Debug, Level::Warn]);
        assert!(lines[2].1.ends_with(": one line"), "{lines:?}");
    }

    #[test]
    fn records_are_collected_only_during_a_call_and_up_to_a_limit() {
        log_at_every_level();
        let (_, lines) = collect(true, || (0..1000).for_each(|_| log_at_every_level()));
        assert_eq!(lines.len(), MAX_LINES);
    }
}
