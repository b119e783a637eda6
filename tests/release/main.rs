//! From nothing to a login: the first command in a checkout, the packages for both processors, other
//! ways to build, and a login with each of them.
//!
//! They are in one process, so that several packages are built at the same time.

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod arm64;
mod builds;
mod costs;
mod first_command;
mod memory;
mod packages;
mod prometheus;
mod sources;

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const USER: &str = "alice";
const PASSWORD: &str = "correct horse";

/// Runs a command, which must succeed, and returns its output.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}");
    text
}

/// Runs a script, which must succeed, in a folder, and returns its output.
fn shell(script: &str, folder: &Path) -> String {
    run(Command::new("bash").args(["-euc", script]).current_dir(folder))
}

/// The files of an archive, in a folder that other users can read.
fn unpack(archive: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let unpack = "tar --extract --strip-components=1 --file=\"$0\"; chmod 755 .";
    run(Command::new("bash").args(["-euc", unpack]).arg(archive).current_dir(&folder));
    folder
}
