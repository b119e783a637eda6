//! What Dovecot's auth cache may and must not remember, with both versions.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::ca::Ca;
use crate::support::configuration;
use crate::support::dovecot::{self, Dovecot, MASTER, Setup, Version};
use crate::support::http::{Request, Server, answer, principal, refusal};
use crate::support::parallel;

on_each_dovecot! {
    a_wrong_password_after_a_good_one_is_refused
    the_cache_keeps_the_hash_that_verify_returned
    two_app_passwords_of_one_user_both_stay_cached
    a_login_survives_an_outage_on_its_expired_entry
    a_refused_password_does_not_come_back_in_an_outage
    a_refused_password_does_not_come_back_when_the_server_throttles
    a_disabled_account_does_not_come_back_in_an_outage
    a_password_that_one_protocol_refused_is_gone_from_all_after_a_flush
    the_page_says_what_a_flush_prints
    a_reload_empties_the_cache
    a_wrong_password_locks_nobody_out
    a_master_user_sends_no_request_and_leaves_nothing_in_the_cache
    a_mechanism_without_a_password_fails_with_a_reason
    a_key_with_the_password_itself_works_too
    a_key_of_the_user_alone_lets_a_refused_password_come_back
    a_missing_hash_is_a_temporary_failure_with_a_reason
    with_a_hash_in_the_key_the_auth_process_keeps_no_passwords
}

const USER: &str = "alice@example.com";
const OTHER: &str = "bob@example.com";
const PHONE: &str = "the phone's app password";
const LAPTOP: &str = "the laptop's app password";
const WRONG: &str = "a wrong password";

/// Times with which nothing expires during a test.
const LONG: Option<(u32, u32)> = Some((3600, 3600));
/// Times with which everything expires after a second.
const SHORT: Option<(u32, u32)> = Some((1, 1));

fn expire() {
    sleep(Duration::from_millis(2100));
}

/// A web server with app passwords. A test can replace its answers.
struct Web {
    server: Server,
    state: Arc<Mutex<State>>,
    folder: tempfile::TempDir,
}

struct State {
    /// The answer to every request, instead of the right one.
    fixed_answer: Option<Vec<u8>>,
    passwords: Vec<&'static str>,
}

impl Web {
    fn start() -> Self {
        let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
        let state =
            Arc::new(Mutex::new(State { fixed_answer: None, passwords: vec![PHONE, LAPTOP] }));
        let shared = state.clone();
        let server =
            Server::answering(Some(&ca.issue(&["localhost"])), move |request: &Request| {
                let state = shared.lock().unwrap();
                let pair = String::from_utf8(request.credentials()).unwrap();
                let (user, password) = pair.split_once(':').unwrap();
                match &state.fixed_answer {
                    Some(answer) => answer.clone(),
                    None if [USER, OTHER].contains(&user)
                        && state.passwords.contains(&password) =>
                    {
                        principal(user)
                    }
                    None => refusal(),
                }
            });
        let web = Self { server, state, folder };
        std::fs::write(web.ca_file(), ca.pem()).unwrap();
        web.readable();
        web
    }

    /// Makes the CA's certificate readable for Dovecot's users.
    fn readable(&self) {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.folder.path(), mode).unwrap();
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A Dovecot with the cache settings of the examples, except the times.
    fn setup(&self, cache_secs: Option<(u32, u32)>) -> Setup {
        let url = format!("https://localhost:{}/dav/", self.server.port);
        let setup = Setup::new(&url, Some(&self.ca_file()));
        Setup { hashed_key: true, cache_secs, ..setup.with("cache_key_has_password", "true") }
    }

    fn answers(&self, fixed_answer: Option<Vec<u8>>) {
        self.state.lock().unwrap().fixed_answer = fixed_answer;
    }

    fn is_down(&self) {
        self.answers(Some(answer("502 Bad Gateway", "")));
    }

    fn revokes(&self, password: &str) {
        self.state.lock().unwrap().passwords.retain(|kept| *kept != password);
    }

    fn requests(&self) -> usize {
        self.server.requests().len()
    }
}

fn succeeds(dovecot: &Dovecot, password: &str) {
    let test = dovecot.auth_test(None, USER, password);
    assert!(test.succeeded, "{test:?}\n{}", dovecot.log());
}

fn is_refused(dovecot: &Dovecot, password: &str) {
    let test = dovecot.auth_test(None, USER, password);
    assert!(test.is_refused(), "{test:?}\n{}", dovecot.log());
}

fn a_wrong_password_after_a_good_one_is_refused(version: Version) {
    let web = Web::start();
    let dovecot = Dovecot::start(version, &web.setup(LONG));
    succeeds(&dovecot, PHONE);
    succeeds(&dovecot, PHONE);
    assert_eq!(web.requests(), 1, "the second login came from the cache");
    is_refused(&dovecot, WRONG);
    assert_eq!(web.requests(), 2);
    let answer = dovecot.imap_login(USER, WRONG);
    assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}");
    succeeds(&dovecot, PHONE);
}

fn the_cache_keeps_the_hash_that_verify_returned(version: Version) {
    let web = Web::start();
    let setup = Setup { extra: "auth_debug_passwords = yes\n", ..web.setup(LONG) };
    let dovecot = Dovecot::start(version, &setup);
    succeeds(&dovecot, PHONE);
    succeeds(&dovecot, PHONE);
    assert!(dovecot.has_logged("cache hit: {SSHA256}", 1), "{}", dovecot.log());
}

fn two_app_passwords_of_one_user_both_stay_cached(version: Version) {
    let web = Web::start();
    let dovecot = Dovecot::start(version, &web.setup(LONG));
    for _ in 0..3 {
        succeeds(&dovecot, PHONE);
        succeeds(&dovecot, LAPTOP);
    }
    assert_eq!(web.requests(), 2);
}

fn a_login_survives_an_outage_on_its_expired_entry(version: Version) {
    let web = Web::start();
    let dovecot = Dovecot::start(version, &web.setup(SHORT));
    succeeds(&dovecot, PHONE);
    expire();
    web.is_down();
    succeeds(&dovecot, PHONE);
    assert!(dovecot.has_logged("Falling back to expired data from cache", 1));
    for unknown in [LAPTOP, WRONG] {
        let test = dovecot.auth_test(None, USER, unknown);
        assert!(test.is_temporary(), "{test:?}");
    }
}

fn a_refused_password_does_not_come_back_in_an_outage(version: Version) {
    let web = Web::start();
    let dovecot = Dovecot::start(version, &web.setup(SHORT));
    succeeds(&dovecot, PHONE);
    expire();
    web.revokes(PHONE);
    is_refused(&dovecot, PHONE);
    web.is_down();
    is_refused(&dovecot, PHONE);
    // The same holds when the cache's entry "unknown user" has expired as well.
    expire();
    is_refused(&dovecot, PHONE);
}

fn a_refused_password_does_not_come_back_when_the_server_throttles(version: Version) {
    let web = Web::start();
    let dovecot = Dovecot::start(version, &web.setup(SHORT));
    succeeds(&dovecot, PHONE);
    succeeds(&dovecot, LAPTOP);
    expire();
    web.revokes(PHONE);
    is_refused(&dovecot, PHONE);
    web.answers(Some(answer("429 Too Many Requests", "")));
    is_refused(&dovecot, PHONE);
    expire();
    is_refused(&dovecot, PHONE);
    // Nothing is known about the other password. This is not an outage, so there is no fallback.
    is_refused(&dovecot, LAPTOP);
    assert!(dovecot.has_logged("throttled: 429 Too Many Requests", 1), "{}", dovecot.log());
}

fn a_disabled_account_does_not_come_back_in_an_outage(version: Version) {
    for recording in [
        include_str!("../nextcloud-31/account-disabled.http"),
        include_str!("../nextcloud-34/account-disabled.http"),
    ] {
        let web = Web::start();
        let dovecot = Dovecot::start(version, &web.setup(SHORT));
        succeeds(&dovecot, PHONE);
        expire();
        let body = recording.split_once("\n\n").unwrap().1;
        web.answers(Some(answer("503 Service Unavailable", body)));
        is_refused(&dovecot, PHONE);
        assert!(dovecot.has_logged("disabled: 503 Service Unavailable", 1), "{}", dovecot.log());
        web.is_down();
        is_refused(&dovecot, PHONE);
        expire();
        is_refused(&dovecot, PHONE);
    }
}

fn a_password_that_one_protocol_refused_is_gone_from_all_after_a_flush(version: Version) {
    for blocks in [&[][..], &["imap", "lmtp"]] {
        let web = Web::start();
        let dovecot = Dovecot::start_after(version, &web.setup(SHORT), |folder| {
            configuration::add_protocol_blocks(folder, blocks);
        });
        let logs_in = || dovecot.imap_login(USER, PHONE).starts_with("OK ");
        assert!(logs_in(), "{}", dovecot.log());
        expire();
        web.revokes(PHONE);
        // A service other than IMAP, without a block.
        is_refused(&dovecot, PHONE);
        web.is_down();
        // On Dovecot 2.4, a protocol with a block has a cache of its own. See SECURITY.md.
        let is_separate = version == Version::V2_4 && !blocks.is_empty();
        assert_eq!(logs_in(), is_separate, "{}", dovecot.log());
        assert!(dovecot.doveadm(&["auth", "cache", "flush", USER]).succeeded);
        assert!(!logs_in(), "{}", dovecot.log());
    }
}

fn the_page_says_what_a_flush_prints(version: Version) {
    let page = include_str!("../../docs/options.md");
    let section = page.split_once("## Revoke a password now\n").unwrap().1;
    let lines: Vec<_> = section.lines().map(str::trim).collect();
    let shown = lines.windows(2).filter_map(|it| Some((it[0].strip_prefix("$ doveadm ")?, it[1])));
    let web = Web::start();
    let dovecot = Dovecot::start(version, &web.setup(LONG));
    let mut shown_count = 0;
    for (command, printed) in shown {
        succeeds(&dovecot, PHONE);
        assert!(dovecot.auth_test(None, OTHER, PHONE).succeeded, "{}", dovecot.log());
        let requests = web.requests();
        let flush = dovecot.doveadm(&command.split(' ').collect::<Vec<_>>());
        assert_eq!((flush.succeeded, flush.output.trim()), (true, printed), "{command}");
        // The next login asks the web server again, unless nothing was flushed.
        succeeds(&dovecot, PHONE);
        assert_eq!(web.requests() > requests, !printed.starts_with('0'), "{command}");
        shown_count += 1;
    }
    assert_eq!(shown_count, 3);
}

fn a_reload_empties_the_cache(version: Version) {
    let web = Web::start();
    let dovecot = Dovecot::start(version, &web.setup(LONG));
    succeeds(&dovecot, PHONE);
    web.is_down();
    succeeds(&dovecot, PHONE);
    assert!(dovecot.doveadm(&["reload"]).succeeded);
    assert!(dovecot.has_logged("SIGHUP", 1), "{}", dovecot.log());
    let test = dovecot.auth_test(None, USER, PHONE);
    assert!(test.is_temporary(), "{test:?}\n{}", dovecot.log());
}

fn a_wrong_password_locks_nobody_out(version: Version) {
    let web = Web::start();
    let mut setup = web.setup(LONG);
    if version == Version::V2_3 {
        // Dovecot's default key, which the guide uses. It does not include the password.
        setup.hashed_key = false;
        setup.settings.retain(|setting| setting.0 != "cache_key_has_password");
    }
    let dovecot = Dovecot::start(version, &setup);
    is_refused(&dovecot, WRONG);
    succeeds(&dovecot, PHONE);
    is_refused(&dovecot, WRONG);
    succeeds(&dovecot, PHONE);
}

fn a_master_user_sends_no_request_and_leaves_nothing_in_the_cache(version: Version) {
    let web = Web::start();
    let dovecot = Dovecot::start(version, &Setup { master: true, ..web.setup(LONG) });
    let login = format!("{USER}*{}", MASTER.0);
    for _ in 0..2 {
        let answer = dovecot.imap_login(&login, MASTER.1);
        assert!(answer.starts_with("OK "), "{answer}\n{}", dovecot.log());
    }
    assert_eq!(web.requests(), 0);
    let answer = dovecot.imap_login(&login, WRONG);
    assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}");
    assert_eq!(web.requests(), 0);
    // The master's password must not work as the user's, whatever is cached.
    is_refused(&dovecot, MASTER.1);
    assert_eq!(web.requests(), 1);
    let answer = dovecot.imap_login(&login, MASTER.1);
    assert!(answer.starts_with("OK "), "{answer}\n{}", dovecot.log());
    succeeds(&dovecot, PHONE);
}

fn a_mechanism_without_a_password_fails_with_a_reason(version: Version) {
    let web = Web::start();
    let extra = "auth_mechanisms = plain login cram-md5 scram-sha-256\n";
    let dovecot = Dovecot::start(version, &Setup { extra, ..web.setup(None) });
    for (mechanism, words) in [
        ("CRAM-MD5", format!("{USER} 0123456789abcdef0123456789abcdef")),
        ("SCRAM-SHA-256", format!("n,,n={USER},r=0123456789abcdef")),
    ] {
        let answer = dovecot.imap_authenticate(mechanism, &words);
        assert!(answer.starts_with("NO "), "{mechanism}: {answer}");
    }
    let expected = "no password to verify; httpbasic needs auth_mechanisms = plain login";
    assert!(dovecot.has_logged(expected, 2), "{}", dovecot.log());
    assert_eq!(web.requests(), 0);
}

/// A setup whose cache key has the password, as before there was a hash.
fn with_the_password(setup: Setup) -> Setup {
    Setup { hashed_key: false, args: "cache_key=%u:%w", ..setup }
}

fn a_key_with_the_password_itself_works_too(version: Version) {
    let web = Web::start();
    let dovecot = Dovecot::start(version, &with_the_password(web.setup(SHORT)));
    succeeds(&dovecot, PHONE);
    succeeds(&dovecot, LAPTOP);
    expire();
    web.revokes(PHONE);
    is_refused(&dovecot, PHONE);
    web.is_down();
    is_refused(&dovecot, PHONE);
    succeeds(&dovecot, LAPTOP);
}

/// So the script offers no such key. See docs/options.md.
fn a_key_of_the_user_alone_lets_a_refused_password_come_back(version: Version) {
    let key = "return cache_key_has_hash and \"%{user}:%{passdb:password_hash}\" or \"%{user}:%{password}\"";
    for unknown in [false, true] {
        let web = Web::start();
        let mut setup = Setup { hashed_key: false, args: "cache_key=%u", ..web.setup(LONG) };
        setup.settings.retain(|setting| setting.0 != "cache_key_has_password");
        if unknown {
            setup = setup.with("cache_key_has_password", "true");
        } else {
            setup.cache_secs = SHORT;
        }
        let script = dovecot::script(version, &setup).replace(key, "return \"%{user}\"");
        let aware = "function auth_passdb_get_cache_key()\n    cache_key_has_password()\n";
        let script = match unknown {
            true => script,
            false => script.replace(aware, "function auth_passdb_get_cache_key()\n"),
        };
        let dovecot = Dovecot::start(version, &Setup { script: Some(script), ..setup });
        if unknown {
            // A refusal replaces the entry: a mistyped password locks the user out.
            is_refused(&dovecot, WRONG);
            is_refused(&dovecot, PHONE);
        } else {
            // A refusal leaves the entry: the revoked password works again.
            succeeds(&dovecot, PHONE);
            expire();
            web.revokes(PHONE);
            is_refused(&dovecot, PHONE);
            web.is_down();
            succeeds(&dovecot, PHONE);
        }
    }
}

fn a_missing_hash_is_a_temporary_failure_with_a_reason(version: Version) {
    let web = Web::start();
    let setup = Setup { hashed_key: false, ..web.setup(LONG) };
    let dovecot = Dovecot::start(version, &setup.with("cache_key_has_hash", "true"));
    let test = dovecot.auth_test(None, USER, PHONE);
    assert!(test.is_temporary(), "{test:?}");
    let expected = "cache_key_has_hash is set, but no passdb before this one sets password_hash";
    assert!(dovecot.has_logged(expected, 1), "{}", dovecot.log());
    assert_eq!(web.requests(), 0);
}

/// How many of these texts are in the writable memory of a process.
fn found_in_memory(id: u32, texts: &[String]) -> usize {
    let mut file = std::fs::File::open(format!("/proc/{id}/mem")).unwrap();
    let mut memory = Vec::new();
    for line in std::fs::read_to_string(format!("/proc/{id}/maps")).unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        if rest.starts_with("rw") {
            file.seek(SeekFrom::Start(start)).unwrap();
            // Some mappings cannot be read to their end.
            let _ = (&mut file).take(end - start).read_to_end(&mut memory);
        }
    }
    // All of these texts begin alike.
    let starts = memory.windows(SECRET.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == SECRET.as_bytes()).map(|(at, _)| at);
    let starts: Vec<_> = starts.collect();
    let is_found =
        |text: &&String| starts.iter().any(|at| memory[*at..].starts_with(text.as_bytes()));
    texts.iter().filter(is_found).count()
}

/// The beginning of each password of the next test.
const SECRET: &str = "secret-";

fn with_a_hash_in_the_key_the_auth_process_keeps_no_passwords(version: Version) {
    let good: Vec<_> = (0..50).map(|i| format!("{SECRET}good-{i:02}-{:x}", i * 7919)).collect();
    let bad: Vec<_> = (0..50).map(|i| format!("{SECRET}bad-{i:02}-{:x}", i * 7919)).collect();
    let passwords = good.clone();
    let server = Server::answering(None, move |request: &Request| {
        let pair = String::from_utf8(request.credentials()).unwrap();
        let (user, password) = pair.split_once(':').unwrap();
        if passwords.iter().any(|it| it == password) { principal(user) } else { refusal() }
    });
    let url = format!("http://localhost:{}/dav/", server.port);
    let setup = Setup::new(&url, None).with("cache_key_has_password", "true");
    let hashed = Setup { hashed_key: true, cache_secs: LONG, ..setup.clone() };
    let table = [
        ("hash", hashed.clone(), 0..=5),
        ("password", with_the_password(hashed), 95..=100),
        ("no cache", Setup { args: "cache_key=%u:%w", ..setup }, 0..=5),
    ];
    // Dovecot 2.3 takes half a second for each refusal, so each row has a thread.
    parallel::each(table, || {
        |(key, setup, expected)| {
            let dovecot = Dovecot::start(version, &setup);
            let mut client = AuthClient::open(&dovecot.auth_socket());
            for (i, (good, bad)) in good.iter().zip(&bad).enumerate() {
                let user = format!("user-{i}@example.com");
                assert_eq!(client.login(&user, good), Outcome::Succeeded, "{}", dovecot.log());
                assert_eq!(client.login(&user, bad), Outcome::Refused, "{}", dovecot.log());
            }
            let found = found_in_memory(dovecot.auth(), &[&good[..], &bad].concat());
            println!("{version:?}, {key} in the key: {found} of 100 passwords");
            assert!(expected.contains(&found), "{key}: {found}");
        }
    });
}
