//! Runs a test in a process of its own, so that it shares no threads, open files or namespaces with
//! other tests.

use std::process::Command;

const VARIABLE: &str = "HTTPBASIC_TEST_ALONE";

/// Whether this process runs only the test `name`. If not, starts another process that does, and
/// that must succeed. `wrapper` is a command to start it with, and may be empty.
pub fn is_alone(name: &str, wrapper: &[&str]) -> bool {
    if std::env::var(VARIABLE).is_ok_and(|alone| alone == name) {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let test = [program.to_str().unwrap(), "--exact", name, "--include-ignored", "--nocapture"];
    let command = [wrapper, &test, &["--test-threads=1"]].concat();
    let output = Command::new(command[0])
        .args(&command[1..])
        .env(VARIABLE, name)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command[0]));
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{name} failed in its process");
    false
}

/// The numbers of threads and open files of this process.
pub fn possessions() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}
