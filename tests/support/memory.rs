//! The memory of a process, from /proc.

use std::fs;

/// The resident set, in bytes.
pub fn resident(process: u32) -> u64 {
    rollup(process, "Rss:")
}

/// The part that no file and no other process has, in bytes. Pages of a file that only this process
/// has read are not counted, because the kernel can drop them.
pub fn private(process: u32) -> u64 {
    rollup(process, "Anonymous:")
}

fn rollup(process: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = value.and_then(|value| value.split_whitespace().next());
    kibibytes.expect("the kernel reports it").parse::<u64>().unwrap() << 10
}
