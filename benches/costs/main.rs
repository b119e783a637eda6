//! Counts the instructions and the allocations of lookups, of a first login and of base64 under valgrind's callgrind,
//! and prints the tables of docs/speed.md. Takes less than three minutes.
//!
//! `BASE=COMMIT` builds the library of that commit too, and puts its numbers beside those of this one.

#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{costs, library};

const SIZES: [&str; 3] = ["24", "64", "1024"];

fn main() {
    let base = std::env::var("BASE").ok().filter(|commit| !commit.is_empty());
    let base = base.map(|commit| (library_of(&commit), commit));
    let bytes = |library: &Path| fs::metadata(library).unwrap().len();
    let rows = costs_of(library::path());
    println!("{}\n", costs::versions());
    match base {
        None => {
            println!("| each time | instructions | allocations |\n|---|--:|--:|");
            for (name, cost) in &rows {
                println!("| {name} | {:.0} | {:.0} |", cost.instructions, cost.allocations);
            }
            println!("\nThe library has {} bytes.", bytes(library::path()));
        }
        Some((older, commit)) => {
            println!(
                "| each time | instructions | allocations | instructions of {commit} | allocations of {commit} | part |"
            );
            println!("|---|--:|--:|--:|--:|--:|");
            for ((name, new), (_, old)) in rows.iter().zip(costs_of(&older)) {
                println!(
                    "| {name} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} |",
                    new.instructions,
                    new.allocations,
                    old.instructions,
                    old.allocations,
                    new.instructions / old.instructions
                );
            }
            let [new, old] = [library::path(), &older].map(bytes);
            println!("\nThe library has {new} bytes, and that of {commit} {old}.");
        }
    }
    println!("\n{}", encoding());
}

/// The costs with this library.
fn costs_of(library: &Path) -> Vec<(&'static str, costs::Cost)> {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(library, folder.path().join("httpbasic.so")).unwrap();
    costs::of_library(folder.path())
}

/// Builds the library of a commit in a folder of its own, and returns its path.
fn library_of(commit: &str) -> PathBuf {
    let folder = library::target().join("costs").join(commit);
    if !folder.exists() {
        let mut git = Command::new("git");
        git.args(["worktree", "add", "--quiet", "--detach"]).arg(&folder).arg(commit);
        assert!(git.status().unwrap().success(), "{git:?}");
    }
    let mut build = Command::new(folder.join("packages/library"));
    build.arg("5.4").env("CARGO_TARGET_DIR", folder.join("target")).env_remove("TARGET");
    let output = build.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

/// A table with the instructions of each implementation of base64, and how many times ours they are.
fn encoding() -> String {
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    let lbase64 = std::env::var("LBASE64").ok();
    let others: Vec<_> =
        [("mime", Some("mime".into())), ("lbase64", lbase64)].into_iter().collect();
    let mut text =
        String::from("| `encode`, bytes | httpbasic | mime | lbase64 |\n|--:|--:|--:|--:|\n");
    for size in SIZES {
        let ours = costs::of_encoding("httpbasic", size, folder.path()).instructions;
        text += &format!("| {size} | {ours:.0} |");
        for (_, implementation) in &others {
            text += &match implementation {
                Some(name) => {
                    let theirs = costs::of_encoding(name, size, folder.path()).instructions;
                    format!(" {theirs:.0} ({:.2}×) |", theirs / ours)
                }
                None => " |".into(),
            };
        }
        text.push('\n');
    }
    text
}
