//! Reads the access log of a web server.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The lines of the log, once there are `count` of them. Servers write the line after the answer.
pub fn lines(path: &Path, count: usize) -> Vec<String> {
    let start = Instant::now();
    loop {
        let log = fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<_> = log.lines().map(String::from).collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "not {count} requests:\n{log}");
        sleep(Duration::from_millis(10));
    }
}
