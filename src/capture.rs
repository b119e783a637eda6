//! Log records on their way to Dovecot: collected while a call runs, logged when it ends.

use std::cell::RefCell;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::text::one_line;

/// One record as Dovecot logs it: its level and one line.
pub type Line = (Level, String);

/// The most lines that one call keeps; what else is said is dropped.
const MAX_LINES: usize = 100;

/// The longest line, in characters.
const MAX_CHARS: usize = 1000;

/// What the targets of this crate's own records begin with.
const OWN: &str = "httpbasic";

struct Collected {
    level: LevelFilter,
    lines: Vec<Line>,
}

thread_local! {
    static COLLECTED: RefCell<Option<Collected>> = const { RefCell::new(None) };
}

/// The process's one logger, whatever the number of Lua states that loaded this library.
struct Collector;

impl Log for Collector {
    fn enabled(&self, metadata: &Metadata) -> bool {
        COLLECTED.with_borrow(|collected| {
            collected.as_ref().is_some_and(|collected| {
                let is_wanted =
                    metadata.target().starts_with(OWN) || metadata.level() <= Level::Warn;
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

/// Runs `call` and returns what was logged meanwhile by this thread: warnings and errors, and with
/// `debug` this crate's own debug records. Those of the libraries say nothing to an administrator, and
/// trace records may hold more than a log should.
pub fn collect<T>(debug: bool, call: impl FnOnce() -> T) -> (T, Vec<Line>) {
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        // Only another logger in this library could be in the way, and there is none.
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

    fn say_everything() {
        log::error!("error");
        log::warn!("warning");
        log::debug!("one\nline");
        log::debug!(target: "ureq::run", "a library's");
        log::warn!(target: "rustls", "a library's");
        log::trace!("trace");
    }

    #[test]
    fn without_debug_only_warnings_and_errors_are_collected() {
        let (_, lines) = collect(false, say_everything);
        assert_eq!(
            lines.iter().map(|line| line.0).collect::<Vec<_>>(),
            [Level::Error, Level::Warn, Level::Warn]
        );
    }

    #[test]
    fn with_debug_our_own_debug_records_are_collected_too_as_single_lines() {
        let (_, lines) = collect(true, say_everything);
        let levels: Vec<_> = lines.iter().map(|line| line.0).collect();
        assert_eq!(levels, [Level::Error, Level::Warn, Level::Debug, Level::Warn]);
        assert!(lines[2].1.ends_with(": one line"), "{lines:?}");
    }

    #[test]
    fn nothing_is_collected_outside_of_a_call_and_not_without_bound() {
        say_everything();
        let (_, lines) = collect(true, || (0..1000).for_each(|_| say_everything()));
        assert_eq!(lines.len(), MAX_LINES);
    }
}
