//! A Dovecot that counts its lookups with the settings of `examples/metrics`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::dovecot::{Dovecot, Setup, Version};
use super::nextcloud::{Nextcloud, User};
use super::{configuration, port};

const PATIENCE: Duration = Duration::from_secs(20);

/// The example's settings for this Dovecot, with this port.
pub fn example(version: Version, port: u16) -> String {
    let name = match version {
        Version::V2_3 => "dovecot-2.3.conf",
        Version::V2_4 => "dovecot-2.4.conf",
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/metrics").join(name);
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("port = 9900\n"), "{text}");
    text.replace("port = 9900\n", &format!("port = {port}\n"))
}

/// What the endpoint at this port shows, if it answers.
pub fn get(port: u16) -> Option<String> {
    let url = format!("http://127.0.0.1:{port}/metrics");
    let output = Command::new("curl").args(["--silent", "--fail", &url]).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// A Dovecot, its web server, and the port of its endpoint.
pub struct Lookups {
    pub nextcloud: Nextcloud,
    pub dovecot: Dovecot,
    pub port: u16,
}

impl Lookups {
    /// The only user of the web server.
    pub const USER: User = ("alice", "alice@example.com", "correct horse");

    /// Starts all. `change` may change the example's settings.
    pub fn start(version: Version, change: impl FnOnce(String) -> String) -> Self {
        let (nextcloud, port) = (Nextcloud::start(&[Self::USER]), port::free());
        let setup = Setup::new(&nextcloud.url(), None)
            .with("domain", "example.com")
            .with("backoff_msecs", "0")
            .with("metrics", "true");
        let dovecot = Dovecot::start_after(version, &setup, |folder| {
            configuration::append(folder, &change(example(version, port)));
        });
        Self { nextcloud, dovecot, port }
    }

    /// A mail client's login.
    pub fn login(&self) {
        self.dovecot.imap_login(Self::USER.1, Self::USER.2);
    }

    /// What the endpoint shows.
    pub fn text(&self) -> String {
        get(self.port).expect("the endpoint answers")
    }

    /// Waits until the endpoint shows this.
    pub fn wait_for(&self, expected: &str) {
        let start = Instant::now();
        while !self.text().contains(expected) {
            let log = || self.dovecot.log();
            assert!(start.elapsed() < PATIENCE, "no {expected} in\n{}{}", self.text(), log());
            sleep(Duration::from_millis(100));
        }
    }
}
