//! The users of a web server, in a file for nginx and Apache.

use std::path::Path;
use std::process::Command;

/// Writes an htpasswd file with these user ids and passwords.
pub fn write(path: &Path, users: &[(&str, &str)]) {
    write_lines(path, users, hash);
}

/// Writes a file with plain passwords, which save nginx the hashing. Apache cannot read it.
pub fn write_plain(path: &Path, users: &[(&str, &str)]) {
    write_lines(path, users, |password| format!("{{PLAIN}}{password}"));
}

fn write_lines(path: &Path, users: &[(&str, &str)], field: impl Fn(&str) -> String) {
    let lines: String =
        users.iter().map(|(user, password)| format!("{user}:{}\n", field(password))).collect();
    // Renamed, so that a server never reads an incomplete file.
    let new = path.with_extension("new");
    std::fs::write(&new, lines).unwrap();
    std::fs::rename(new, path).unwrap();
}

fn hash(password: &str) -> String {
    let output = Command::new("openssl").args(["passwd", "-apr1", password]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().into()
}
