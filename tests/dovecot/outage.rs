//! The effect of web server outages on logins to a real Dovecot, with both versions.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::ca::Ca;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::faults::{Fault, Faulty, trickle, wait};
use crate::support::http::principal;

on_each_dovecot! {
    a_server_that_refuses_connections_is_a_temporary_failure_in_time
    a_silent_server_is_a_temporary_failure_in_time
    a_stalled_handshake_is_a_temporary_failure_in_time
    headers_that_never_end_are_a_temporary_failure_in_time
    an_answer_that_is_cut_is_a_temporary_failure_in_time
    a_mail_client_waits_as_long_as_the_readme_says
    thirty_logins_at_a_time_survive_an_outage_of_three_seconds
    a_worker_needs_at_most_a_quarter_of_its_address_space
}

const USER: &str = "alice@example.com";
const PASSWORD: &str = "correct horse";

/// Extra time for Dovecot itself, for starting processes and for a busy machine.
const TOLERANCE: Duration = Duration::from_secs(1);

struct Web {
    server: Faulty,
    folder: tempfile::TempDir,
}

impl Web {
    fn start(fault: Fault) -> Self {
        let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
        let server = Faulty::start(fault, ca.issue(&["localhost"]));
        let web = Self { server, folder };
        std::fs::write(web.ca_file(), ca.pem()).unwrap();
        // Makes the CA's certificate readable for Dovecot's users.
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(web.folder.path(), mode).unwrap();
        web
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn setup(&self) -> Setup {
        let url = format!("https://localhost:{}/dav/", self.server.port);
        Setup::new(&url, Some(&self.ca_file())).with("domain", "example.com")
    }
}

/// Checks that each login ends within the deadline, that the log has the reason, and that the same
/// worker accepts logins when the server works again.
fn meets(version: Version, fault: Fault, expected_text: &str) {
    let mut web = Web::start(fault);
    let setup = web.setup().with("timeout_msecs", "600").with("connect_timeout_msecs", "400");
    let dovecot = Dovecot::start(version, &setup.with("backoff_msecs", "0"));
    let mut client = AuthClient::open(&dovecot.auth_socket());
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(client.login(USER, PASSWORD), Outcome::Temporary);
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_millis(600) + TOLERANCE, "{elapsed:?}\n{}", dovecot.log());
    }
    assert!(dovecot.has_logged(&format!("db-lua: {expected_text}"), 3), "{}", dovecot.log());
    web.server.heal();
    assert_eq!(client.login(USER, PASSWORD), Outcome::Succeeded, "{}", dovecot.log());
    assert_no_worker_died(&dovecot);
}

fn assert_no_worker_died(dovecot: &Dovecot) {
    let log = dovecot.log();
    for word in ["Fatal: ", "Panic: ", "killed with signal", "Lookup timed out"] {
        assert!(!log.contains(word), "{log}");
    }
}

fn a_server_that_refuses_connections_is_a_temporary_failure_in_time(version: Version) {
    meets(
        version,
        Fault::Refused,
        "connect: Connection refused (os error 111) [https://localhost:",
    );
}

fn a_silent_server_is_a_temporary_failure_in_time(version: Version) {
    meets(version, Fault::Answer(|stream| wait(stream)), "timeout: gave up after 6");
}

fn a_stalled_handshake_is_a_temporary_failure_in_time(version: Version) {
    meets(version, Fault::Raw(|stream| wait(stream)), "timeout: gave up after 4");
}

fn headers_that_never_end_are_a_temporary_failure_in_time(version: Version) {
    let endless = Fault::Answer(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 207 Multi-Status\r\nX: ");
        trickle(stream, b"x");
    });
    meets(version, endless, "timeout: gave up after 6");
}

fn an_answer_that_is_cut_is_a_temporary_failure_in_time(version: Version) {
    let cut = Fault::Answer(|stream| drop(stream.write_all(&principal("alice")[..200])));
    meets(version, cut, "protocol: ");
}

/// With the default deadline and with Dovecot's own delays.
fn a_mail_client_waits_as_long_as_the_readme_says(version: Version) {
    let readme = include_str!("../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let promise = "within 8 seconds if Nextcloud is silent, and within 3 if it refuses connections";
    assert!(readme.contains(promise));
    for (fault, expected_secs) in
        [(Fault::Refused, 0..=3), (Fault::Answer(|stream| wait(stream)), 5..=8)]
    {
        let web = Web::start(fault);
        let setup = web.setup().with("backoff_msecs", "0");
        let dovecot = Dovecot::start(version, &Setup { default_delays: true, ..setup });
        let waits = || {
            let start = Instant::now();
            let answer = dovecot.imap_login(USER, PASSWORD);
            assert!(answer.starts_with("NO [UNAVAILABLE]"), "{answer}\n{}", dovecot.log());
            start.elapsed()
        };
        // The first login also starts Dovecot's processes.
        let elapsed = waits().min(waits());
        println!("{version:?}: a mail client waits {elapsed:?}");
        let [least, most] =
            [expected_secs.start(), expected_secs.end()].map(|it| Duration::from_secs(*it));
        assert!(elapsed >= least && elapsed < most + TOLERANCE, "{elapsed:?}\n{}", dovecot.log());
    }
}

/// Starts 30 logins at the same time. Those of ten users in the cache must succeed, and those of
/// twenty others must fail temporarily. Returns the time of the slowest login of each group.
fn thirty_logins(client: &mut AuthClient) -> [Duration; 2] {
    let start = Instant::now();
    let numbers: Vec<_> = (0..30)
        .map(|i| {
            let user = if i < 10 { cached(i) } else { format!("stranger-{i}@example.com") };
            client.begin(&user, PASSWORD)
        })
        .collect();
    let mut slowest = [Duration::ZERO; 2];
    for _ in &numbers {
        let (number, outcome) = client.end();
        let is_cached = number - numbers[0] < 10;
        let expected = if is_cached { Outcome::Succeeded } else { Outcome::Temporary };
        assert_eq!(outcome, expected);
        slowest[usize::from(!is_cached)] = start.elapsed();
    }
    slowest
}

fn cached(i: u32) -> String {
    format!("cached-{i}@example.com")
}

fn thirty_logins_at_a_time_survive_an_outage_of_three_seconds(version: Version) {
    let mut web = Web::start(Fault::Refused);
    web.server.heal();
    let setup = web.setup().with("principal", "any").with("connect_timeout_msecs", "400");
    let setup = Setup {
        args: "cache_key=%u:%w",
        // Expired entries are the hard case: Dovecot asks the server before it falls back to them.
        cache_secs: Some((1, 1)),
        ..setup.with("cache_key_has_password", "true")
    };
    let dovecot = Dovecot::start(version, &setup);
    let mut client = AuthClient::open(&dovecot.auth_socket());
    for i in 0..10 {
        assert_eq!(client.login(&cached(i), PASSWORD), Outcome::Succeeded, "{}", dovecot.log());
    }
    sleep(Duration::from_millis(2100));

    // The server sends nothing any more, as if its machine had crashed.
    web.server.vanish();
    let gone = Instant::now();
    // Every worker has its own back-off, and retries the server from time to time.
    let mut slowest = Vec::new();
    // On a busy machine, the first logins take long, because they start the workers.
    while gone.elapsed() < Duration::from_secs(3) || slowest.len() < 10 {
        slowest.push(thirty_logins(&mut client));
        sleep(Duration::from_millis(100));
    }
    println!("thirty logins in an outage, time after time: {slowest:?}");
    // Without the back-off, each lookup would wait for the time limit of the connection.
    let is_at_once = |[known, _]: &[Duration; 2]| *known < Duration::from_millis(300);
    assert!(slowest.iter().any(is_at_once), "{slowest:?}\n{}", dovecot.log());
    let limit = Duration::from_millis(400) + 3 * TOLERANCE;
    assert!(
        slowest.iter().flatten().all(|elapsed| *elapsed < limit),
        "{slowest:?}\n{}",
        dovecot.log()
    );

    web.server.heal();
    let back = Instant::now();
    while client.login(USER, PASSWORD) != Outcome::Succeeded {
        assert!(
            back.elapsed() < Duration::from_millis(2000 + 400) + TOLERANCE,
            "{}",
            dovecot.log()
        );
        sleep(Duration::from_millis(20));
    }
    println!("the first login {:?} after the server's return", back.elapsed());
    assert_no_worker_died(&dovecot);
}

/// The limit is 256 MB by default. Most of the memory is the heap of the resolver thread, which
/// reserves up to 64 MB of address space.
fn a_worker_needs_at_most_a_quarter_of_its_address_space(version: Version) {
    let mut web = Web::start(Fault::Refused);
    web.server.heal();
    let extra = "service auth-worker {\n  vsz_limit = 64M\n}\n";
    let dovecot = Dovecot::start(version, &Setup { extra, ..web.setup() });
    let mut client = AuthClient::open(&dovecot.auth_socket());
    assert_eq!(client.login(USER, PASSWORD), Outcome::Succeeded, "{}", dovecot.log());
    assert_no_worker_died(&dovecot);
}
