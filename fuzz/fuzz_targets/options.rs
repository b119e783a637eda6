//! Options. The input has one in each part between zero bytes: a letter for its name, then its
//! value. A value is a number after `#`, a boolean or another type after `!`, and otherwise a string.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use httpbasic::http::Client;
use httpbasic::options::value::Value;
use httpbasic::options::{LoginName, Options};
use httpbasic_fuzz::check_text;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|input: &[u8]| {
    let names: Vec<_> = Options::names().collect();
    let mut given: Vec<(String, Value)> = vec![];
    for part in input.split(|byte| *byte == 0).take(20) {
        let [letter, value @ ..] = part else { continue };
        let place = usize::from(letter.wrapping_sub(b'a'));
        let name =
            names.get(place).map_or_else(|| String::from_utf8_lossy(part), |name| (*name).into());
        let value = match value {
            value if name == "ca_file" => file(value),
            [b'#', number @ ..] => {
                Value::Number(String::from_utf8_lossy(number).parse().unwrap_or(1.5))
            }
            b"!true" => Value::Boolean(true),
            b"!false" => Value::Boolean(false),
            [b'!', ..] => Value::Other("table"),
            text => Value::String(text.to_vec()),
        };
        given.push((name.into(), value));
    }
    if given.iter().all(|(name, _)| name != "url") {
        given.push(("url".into(), Value::String(b"https://host/dav/".to_vec())));
    }
    match Options::new(given.clone()) {
        Ok(options) => {
            check(&options, &given);
            // With TLS, a client takes a hundred times as long.
            if !options.url.is_https() {
                Client::new(options);
            }
        }
        Err(problem) => {
            let problem = problem.to_string();
            check_text(&problem, 1000);
        }
    }
});

/// A file with this content.
fn file(content: &[u8]) -> Value {
    let path: PathBuf = FOLDER.path().join("ca.pem");
    std::fs::write(&path, content).unwrap();
    Value::String(path.to_str().unwrap().into())
}

/// Checks what the documentation promises of valid options.
fn check(options: &Options, given: &[(String, Value)]) {
    let is_given = |option: &str| given.iter().any(|(name, _)| name == option);
    assert!(options.url.is_https() || options.url.is_loopback() || options.allow_cleartext);
    assert!(options.allow_cleartext <= is_given("allow_cleartext"));
    assert!((200..400).contains(&options.success_status));
    assert!(options.failure_status.iter().all(|status| (300..500).contains(status)));
    assert!(!options.failure_status.is_empty());
    assert!(!options.failure_status.contains(&options.success_status));
    let time = Duration::from_millis(100)..=Duration::from_millis(55_000);
    assert!(time.contains(&options.timeout) && time.contains(&options.connect_timeout));
    assert!(options.backoff <= Duration::from_secs(60));
    assert!((1..=1000).contains(&options.user_agent.len()));
    assert!(options.user_agent.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)));
    let method = options.method.as_str();
    assert!(options.is_propfind() || !method.eq_ignore_ascii_case("PROPFIND"), "{method}");
    assert!(method.bytes().all(|byte| byte.is_ascii_graphic()));
    if let Some(name) = &options.forwarded_header {
        let taken = ["authorization", "host", "content-length", "transfer-encoding", "connection"];
        assert!(!taken.contains(&name.as_str()), "{name}");
    }
    let domains = options.domain.as_ref().map_or(String::new(), |it| it.to_string());
    check_text(&domains, usize::MAX);
    assert!(!domains.contains(['@', '/', '"']), "{domains}");
    let count = options.domain.as_ref().map_or(0, |it| it.count());
    assert!(options.login_name == LoginName::User || count == 1);
    assert_eq!(options.sent_name(b"bob"), Ok(&b"bob"[..]));
}
