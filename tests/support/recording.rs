//! Recorded answers of real Nextclouds.

use std::collections::BTreeSet;
use std::fs;

/// The folders whose answers the checker is tried with. `src/verdict.rs` has the verdicts on all.
const FOLDERS: [&str; 2] = ["31", "34"];

fn path(folder: &str) -> String {
    format!("{}/tests/nextcloud-{folder}", env!("CARGO_MANIFEST_DIR"))
}

/// The answer of this name in this folder.
pub fn answer(folder: &str, name: &str) -> Vec<u8> {
    let text = fs::read_to_string(format!("{}/{name}.http", path(folder))).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let head = head.replace('\n', "\r\n");
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Whether there is an answer of this name in this folder.
pub fn exists(folder: &str, name: &str) -> bool {
    fs::exists(format!("{}/{name}.http", path(folder))).unwrap()
}

/// The names of all answers in the folders 31 and 34.
pub fn names() -> BTreeSet<String> {
    let files = FOLDERS.iter().flat_map(|folder| fs::read_dir(path(folder)).unwrap());
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".http").map(String::from)).collect()
}
