//! Counts the instructions and the allocations of the library in a real Lua, under valgrind's callgrind. Unlike
//! times, they are almost the same in each run.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::ca::Ca;
use super::http::Server;
use super::nginx::Nginx;
use super::recording;

/// The account that logs in, with a name and a password as long as real ones.
const USER: (&str, &str) = ("alice@example.com", "ABCDE-fghij-KLMNO-pqrst-UVWXY");

/// What a task costs each time.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub instructions: f64,
    /// The calls of `malloc`, Lua's among them.
    pub allocations: f64,
}

/// A script of `benches/costs`. Its first argument says how often it does its task. The cost of one time is the
/// difference between many times and few, which leaves out the start and the end of the process.
struct Task<'a> {
    script: &'a str,
    arguments: Vec<&'a str>,
    few: usize,
    many: usize,
}

impl Task<'_> {
    /// Counts with the library in `folder`.
    fn cost(&self, folder: &Path) -> Cost {
        let [few, many] = [self.few, self.many].map(|times| self.run(folder, times));
        let each = |few: u64, many: u64| (many - few) as f64 / (self.many - self.few) as f64;
        Cost { instructions: each(few.0, many.0), allocations: each(few.1, many.1) }
    }

    /// The instructions and the allocations of a process that does the task so many times.
    fn run(&self, folder: &Path, times: usize) -> (u64, u64) {
        let profile = tempfile::NamedTempFile::new().unwrap();
        let script = format!("{}/benches/costs/{}.lua", env!("CARGO_MANIFEST_DIR"), self.script);
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--compress-strings=no"])
            .arg(format!("--callgrind-out-file={}", profile.path().display()))
            .args(["lua5.4", &script, &times.to_string()])
            .args(&self.arguments)
            .env("LUA_CPATH_5_4", format!("{}/?.so;;", folder.display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        read(&fs::read_to_string(profile.path()).unwrap())
    }
}

/// The instructions and the calls of `malloc` in a profile of callgrind.
fn read(profile: &str) -> (u64, u64) {
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    let (mut called, mut allocations) = ("", 0);
    for line in profile.lines() {
        if let Some(function) = line.strip_prefix("cfn=") {
            called = function;
        } else if let Some(calls) = line.strip_prefix("calls=").filter(|_| called == "malloc") {
            allocations += calls.split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    (total.parse().unwrap(), allocations)
}

/// What each row of the table in docs/speed.md costs with the library in `folder`.
pub fn of_library(folder: &Path) -> Vec<(&'static str, Cost)> {
    let ca = Ca::new();
    let nginx = Nginx::start_for_load(&ca, &[USER]);
    let [resuming, forgetting] =
        [true, false].map(|resumes| Nginx::start_closing(&ca, &[USER], resumes));
    let answer = recording::answer("34", "ok-principal");
    let recorded = Server::answering(Some(&ca.issue(&["localhost"])), move |_| answer.clone());
    let recorded = format!("https://localhost:{}/remote.php/dav/", recorded.port);
    let ca_file = nginx.ca_file();
    let ca_file = ca_file.to_str().unwrap();
    let [nginx, resuming, forgetting] = [&nginx, &resuming, &forgetting].map(Nginx::url);

    let lookups = |url, user, collects, few, many| {
        let arguments = vec![url, ca_file, user, USER.1, collects];
        Task { script: "lookups", arguments, few, many }
    };
    let warm = |url, user, collects| lookups(url, user, collects, 100, 300);
    let connecting = |url| lookups(url, USER.0, "collects", 5, 45);
    let once = |script, arguments| Task { script, arguments, few: 0, many: 1 };
    let login = vec![&*nginx, ca_file, USER.0, USER.1];
    let tasks = [
        ("lookup, nginx", warm(&nginx, USER.0, "collects")),
        ("lookup, nginx, without the collection", warm(&nginx, USER.0, "")),
        ("lookup, Nextcloud's answer", warm(&recorded, "bob", "collects")),
        ("lookup, Nextcloud's answer, without the collection", warm(&recorded, "bob", "")),
        ("lookup with a full TLS handshake", connecting(&forgetting)),
        ("lookup with a resumed TLS handshake", connecting(&resuming)),
        ("`require`", once("require", vec![])),
        ("`client`", Task { script: "clients", arguments: vec![], few: 5, many: 45 }),
        (
            "first login: `require`, `client`, lookup with a full TLS handshake",
            once("first_login", login),
        ),
        ("`encode` of 24 bytes", encoding("httpbasic", "24")),
        ("`encode` of 64 bytes", encoding("httpbasic", "64")),
        ("`encode` of 1024 bytes", encoding("httpbasic", "1024")),
    ];
    tasks.map(|(name, task)| (name, task.cost(folder))).into()
}

/// What encoding a text of `size` bytes costs with an implementation: `httpbasic`, `mime`, or the file of lbase64.
pub fn of_encoding(implementation: &str, size: &str, folder: &Path) -> Cost {
    encoding(implementation, size).cost(folder)
}

fn encoding<'a>(implementation: &'a str, size: &'a str) -> Task<'a> {
    Task { script: "encode", arguments: vec![implementation, size], few: 1000, many: 5000 }
}

/// The versions that the numbers depend on.
pub fn versions() -> String {
    let upstream = |package| {
        let query = ["--show", "--showformat=${source:Upstream-Version}", package];
        let output = Command::new("dpkg-query").args(query).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let [lua, glibc, nginx] = ["lua5.4", "libc6", "nginx"].map(upstream);
    let rustc = Command::new("rustc").arg("--version").output().unwrap().stdout;
    let rustc = String::from_utf8(rustc).unwrap();
    let rustc = rustc.split(' ').nth(1).unwrap();
    let processor = std::env::consts::ARCH;
    format!("Lua {lua}, glibc {glibc}, nginx {nginx}, Rust {rustc}, {processor}")
}
