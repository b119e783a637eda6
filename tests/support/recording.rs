//! Recorded answers of real Nextclouds.

use std::collections::BTreeSet;
use std::fs;

const VERSIONS: [u32; 2] = [31, 34];

fn folder(version: u32) -> String {
    format!("{}/tests/nextcloud-{version}", env!("CARGO_MANIFEST_DIR"))
}

/// The answer of this name, as a Nextcloud of this version gave it.
pub fn answer(version: u32, name: &str) -> Vec<u8> {
    let text = fs::read_to_string(format!("{}/{name}.http", folder(version))).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let head = head.replace('\n', "\r\n");
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Whether there is an answer of this name by this version.
pub fn exists(version: u32, name: &str) -> bool {
    fs::exists(format!("{}/{name}.http", folder(version))).unwrap()
}

/// The names of all answers.
pub fn names() -> BTreeSet<String> {
    let files = VERSIONS.iter().flat_map(|version| fs::read_dir(folder(*version)).unwrap());
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".http").map(String::from)).collect()
}
