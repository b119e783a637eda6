//! Describes the machine of a measurement.

use std::fs;
use std::process::Command;

use crate::support::dovecot::Version;

/// One line with processor, kernel, versions, and the load before the measurement.
pub fn describe(version: Version) -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |text| text.trim_start_matches(['\t', ':', ' ']));
    let cores = match std::thread::available_parallelism().unwrap().get() {
        1 => "one core".into(),
        several => format!("{several} cores"),
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let kernel = kernel.split('-').next().unwrap().trim();
    let load = fs::read_to_string("/proc/loadavg").unwrap();
    let load = load.split(' ').next().unwrap();
    let dovecot = first_line(&version.command(&["dovecot", "--version"]));
    let dovecot = dovecot.split(' ').next().unwrap();
    let nginx = first_line(&["/usr/sbin/nginx", "-v"]);
    let nginx = nginx.rsplit('/').next().unwrap();
    format!(
        "{model}, {cores}, Linux {kernel}, Dovecot {dovecot}, nginx {nginx}; load before {load}"
    )
}

/// The first line that a command prints, to standard output or standard error.
fn first_line(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().unwrap_or("?").into()
}
