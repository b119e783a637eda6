//! Recorded answers of real Nextclouds.

use std::fs;

/// The recorded answer with this name, from a Nextcloud of this version.
pub fn answer(version: u32, name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    let text = fs::read_to_string(format!("{root}/tests/nextcloud-{version}/{name}.http")).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let head = head.replace('\n', "\r\n");
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
