//! Random hostile answers and arguments: nothing crashes or hangs, and no secret gets out.
//! `ROUNDS=10000000 cargo test --release … --test embedded hostile::` runs longer than `make test`.

use std::panic::catch_unwind;

use httpbasic::credentials::{Credentials, MAX_BYTES};
use httpbasic::dav::{Body, CurrentUser, principal_name};
use httpbasic::options::Options;
use httpbasic::options::value::Value as Given;
use mlua::{Function, Lua, MultiValue, Value};

use crate::support::embedded;

/// An xorshift64 generator. It returns the same numbers in every run, so a failure is reproducible.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn bytes(&mut self, bound: usize) -> Vec<u8> {
        (0..self.below(bound)).map(|_| self.next() as u8).collect()
    }

    fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

fn rounds(default: u64) -> u64 {
    std::env::var("ROUNDS").map_or(default, |rounds| rounds.parse().expect("a number"))
}

/// Bodies of a real Nextcloud, and some hostile ones.
fn seeds() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nextcloud-31");
    let recordings = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut seeds: Vec<Vec<u8>> = recordings
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .map(|text| text.split_once("\n\n").unwrap().1.into())
        .collect();
    assert!(seeds.len() > 10);
    seeds.push(b"<!DOCTYPE d [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><d>&b;</d>".to_vec());
    seeds.push(b"<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><d>&a;</d>".to_vec());
    seeds.push([&b"<d:multistatus xmlns:d='DAV:'>"[..], &b"<d:response>".repeat(4000)].concat());
    seeds
}

const XML: [&[u8]; 14] = [
    b"<",
    b">",
    b"/",
    b"&#0;",
    b"&#x1b;",
    b"&lt;",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"xmlns:d='DAV:'",
    b"<d:href>",
    b"</d:propstat>",
    b"HTTP/1.1 200 OK",
    b"\xff",
];

/// Changes a body slightly, as a broken proxy or an attacker could.
fn mutate(random: &mut Random, body: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=random.below(4) {
        let (start, end) = (random.below(body.len() + 1), random.below(body.len() + 1));
        let (start, end) = (start.min(end), start.max(end));
        match random.below(7) {
            0 => body.truncate(start),
            1 => drop(body.drain(start..end)),
            2 => drop(body.splice(start..start, random.choose(&XML).iter().copied())),
            3 => drop(body.splice(start..end, other.iter().copied().take(1000))),
            4 => drop(body.splice(start..start, random.bytes(20))),
            5 => body.extend_from_within(start..end),
            _ => {
                if let Some(byte) = body.get_mut(start) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
        body.truncate(64 << 10);
    }
}

#[test]
fn no_body_makes_the_parser_panic_or_returns_more_than_a_log_line() {
    let (seeds, mut random) = (seeds(), Random(0x5eed));
    let mut seen = [0_u32; 4];
    for round in 0..rounds(60_000) {
        let mut body = random.choose(&seeds).clone();
        let other = random.choose(&seeds);
        mutate(&mut random, &mut body, other);
        let parsed = catch_unwind(|| Body::parse(&body)).unwrap_or_else(|_| {
            panic!("round {round}: {}", String::from_utf8_lossy(&body));
        });
        let fits = |text: &str| text.chars().count() <= 200 && !text.contains(char::is_control);
        match &parsed {
            Body::Multistatus(properties) => match &properties.current_user {
                CurrentUser::Principal(href) => {
                    seen[0] += 1;
                    assert_eq!(parsed.principal(), Some(&**href));
                    let _ = principal_name(href);
                }
                _ => seen[1] += 1,
            },
            Body::Exception { name, message } => {
                seen[2] += 1;
                assert!(fits(name) && message.as_deref().is_none_or(fits), "{parsed:?}");
            }
            _ => seen[3] += 1,
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "each kind of answer was met: {seen:?}");
}

#[test]
fn every_wrong_option_gets_a_clear_error() {
    const OPTIONS: [&str; 17] = [
        "url",
        "method",
        "success_status",
        "failure_status",
        "forwarded_header",
        "timeout_msecs",
        "connect_timeout_msecs",
        "backoff_msecs",
        "ca_file",
        "allow_cleartext",
        "domain",
        "login_name",
        "principal",
        "file_access",
        "user_agent",
        "debug",
        "unknown",
    ];
    const TEXTS: [&[u8]; 12] = [
        b"https://host/dav/",
        b"https://[::1]:8443/",
        b"http://",
        b"://",
        b"[",
        b"%",
        b"@",
        b"user",
        b"5000",
        b"-1",
        b"\xff\xfe",
        b"\r\nX: y",
    ];
    let mut random = Random(0x0b7);
    let mut seen = [0_u32; 2];
    for _ in 0..rounds(40_000) {
        let value = |random: &mut Random| match random.below(6) {
            0 => Given::Number(f64::from_bits(random.next())),
            1 => Given::Boolean(random.below(2) == 0),
            2 => Given::Other("table"),
            _ => {
                let parts = (0..random.below(4)).map(|_| match random.below(4) {
                    0 => random.bytes(300),
                    _ => random.choose(&TEXTS).to_vec(),
                });
                Given::String(parts.collect::<Vec<_>>().concat())
            }
        };
        let mut given: Vec<(String, _)> = (0..random.below(3))
            .map(|_| ((*random.choose(&OPTIONS)).to_string(), value(&mut random)))
            .collect();
        if random.below(4) > 0 {
            let url = Given::String(b"https://host/dav/".to_vec());
            given.insert(0, ("url".into(), url));
        }
        match Options::new(given) {
            Ok(options) => {
                seen[0] += 1;
                let name = random.bytes(40);
                let sent = options.sent_name(&name);
                assert!(sent.is_err() || name.starts_with(sent.unwrap()));
            }
            Err(error) => {
                seen[1] += 1;
                let text = error.to_string();
                let is_line = text.chars().count() < 600 && !text.contains(char::is_control);
                assert!(is_line, "{text}");
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 1000), "both were met: {seen:?}");
}

#[test]
fn credentials_are_refused_or_sent_unchanged() {
    use base64::Engine;
    let mut random = Random(0xc0de);
    for _ in 0..rounds(100_000) {
        let bound = *random.choose(&[2, 20, 9000]);
        let (user, password) = (random.bytes(bound), random.bytes(bound));
        let control = |bytes: &[u8]| bytes.iter().any(|byte| *byte < 32 || *byte == 127);
        let wrong = user.is_empty()
            || password.is_empty()
            || user.contains(&b':')
            || control(&user)
            || control(&password)
            || user.len() + password.len() > MAX_BYTES;
        match Credentials::new(&user, &password) {
            Err(error) => assert!(wrong && error.to_string().starts_with("credentials: ")),
            Ok(credentials) => {
                assert!(!wrong);
                let value = credentials.authorization();
                let encoded = value.as_bytes().strip_prefix(b"Basic ").unwrap();
                let engine = base64::engine::general_purpose::STANDARD;
                let pair = engine.decode(encoded).unwrap();
                assert_eq!(pair, [&user[..], b":", &password].concat());
            }
        }
    }
}

#[test]
fn every_call_of_verify_returns_a_verdict_or_raises_a_string() {
    let lua = Lua::new();
    lua.globals().set("httpbasic", embedded::httpbasic(&lua)).unwrap();
    // Port 1 refuses connections, so every call that passes the checks is unavailable.
    let script = "client = httpbasic.client { url = 'http://127.0.0.1:1/' }
        return function(method, ...) return pcall(client[method], ...) end";
    let call: Function = lua.load(script).eval().unwrap();
    let client: Value = lua.globals().get("client").unwrap();
    let mut random = Random(0xa46);
    for _ in 0..rounds(5_000) {
        let mut arguments = vec![client.clone()];
        for _ in 0..random.below(6) {
            let string = |bytes: Vec<u8>| Value::String(lua.create_string(bytes).unwrap());
            arguments.push(match random.below(9) {
                0 => Value::Nil,
                1 => Value::Boolean(true),
                2 => Value::Integer(random.next() as i32 as _),
                3 => Value::Number(f64::NAN),
                4 => Value::Table(lua.globals()),
                5 => client.clone(),
                6 => string(b"192.0.2.1".to_vec()),
                7 => string(random.bytes(10_000)),
                _ => string(b"alice".to_vec()),
            });
        }
        if random.below(20) == 0 {
            arguments.remove(0);
        }
        let method = *random.choose(&["verify", "propfind"]);
        let arguments = MultiValue::from_iter(arguments);
        let (done, first, second): (bool, Value, Value) = call.call((method, arguments)).unwrap();
        match (done, method) {
            (false, _) => assert!(first.is_string(), "raised a {}", first.type_name()),
            (true, "verify") => {
                let word = first.to_string().unwrap();
                assert!(["refused", "unavailable"].contains(&&*word), "{word}");
                assert!(second.is_string());
            }
            (true, _) => assert!(first.is_nil() && second.is_string()),
        }
    }
}
