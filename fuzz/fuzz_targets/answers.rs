//! Answers as bytes, through the whole client. Two users log in, one after the other.
//!
//! The input is what the server sends to the first user, to the first user's request for files, and
//! the same for the second user, with lines of four dashes between them. If there are fewer parts,
//! they are repeated. The last byte also chooses options, and whether connections stay open.

#![no_main]

use std::cell::RefCell;
use std::sync::{LazyLock, Once};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use httpbasic::dav::{CurrentUser, principal_name};
use httpbasic::denial::Denial;
use httpbasic::http::Client;
use httpbasic::login::{self, Hash};
use httpbasic::options::Options;
use httpbasic::options::value::Value;
use httpbasic_fuzz::server::{Plan, Server};
use httpbasic_fuzz::xml::{self, Found};
use httpbasic_fuzz::{check_text, contains, http};
use libfuzzer_sys::fuzz_target;
use log::{LevelFilter, Log, Metadata, Record};

const SEPARATOR: &[u8] = b"\n----\n";

const USERS: [(&str, &str); 2] =
    [("bob", "Wm7#kQ9!vT2$xR5&"), ("alice@example.com", "pL3^nH8*cY6(jD1)")];

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

thread_local! {
    /// The log lines of the current login.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(vec![]) };
}

/// Collects the log lines of the library.
struct Collector;

impl Log for Collector {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target().starts_with("httpbasic")
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

/// The choices of the last byte.
struct Choices {
    keeps_open: bool,
    any_principal: bool,
    no_files: bool,
    get: bool,
    short_names: bool,
}

fuzz_target!(|input: &[u8]| {
    let Some(last) = input.last() else { return };
    let choices = Choices {
        keeps_open: last & 1 == 1,
        any_principal: last & 2 == 0,
        no_files: last & 4 == 4 && last & 8 == 8,
        get: last & 48 == 0,
        short_names: last & 64 == 64,
    };
    let parts = parts(input);
    let answers = USERS.iter().zip(parts.chunks(2));
    let answers = answers.map(|((user, password), parts)| {
        let user = if choices.short_names { user.trim_end_matches("@example.com") } else { user };
        (authorization(user, password), [parts[0].clone(), parts[1].clone()])
    });
    SERVER.set(Plan { answers: answers.collect(), keeps_open: choices.keeps_open });

    let client = client(&choices);
    let verdicts = [0, 1].map(|place| verify(&client, place, input));
    // The requests of two logins, and a second try of each.
    assert!(client.connections() <= 8);
    // The server serves one connection at a time.
    drop(client);
    for (place, verdict) in verdicts.iter().enumerate() {
        if verdict.is_ok() {
            check_proof(&choices, USERS[place].0, &parts[place * 2..]);
        }
    }
    // What was sent to the first user decides nothing about the second.
    let fresh = verify(&self::client(&choices), 1, input);
    let is_late = |verdict: &Result<_, Denial>| {
        verdict.as_ref().is_err_and(|denial| denial.text().starts_with("timeout"))
    };
    if !is_late(&fresh) && !is_late(&verdicts[1]) {
        assert_eq!(kind(&verdicts[1]), kind(&fresh), "{verdicts:?} {fresh:?}");
    }
});

fn parts(input: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![];
    let mut rest = input;
    while let Some(end) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(rest[..end].to_vec());
        rest = &rest[end + SEPARATOR.len()..];
    }
    parts.push(rest.to_vec());
    parts.into_iter().cycle().take(4).collect()
}

fn authorization(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn client(choices: &Choices) -> Client {
    let port = SERVER.port;
    let mut options = vec![
        ("url", format!("http://127.0.0.1:{port}/dav/")),
        ("timeout_msecs", "2000".into()),
        ("backoff_msecs", "0".into()),
        ("domain", "example.com".into()),
        ("debug", "yes".into()),
    ];
    if choices.get {
        options.extend([("method", "GET".into()), ("success_status", "200".into())]);
    } else {
        options.extend([
            ("principal", if choices.any_principal { "any" } else { "user" }.into()),
            ("file_access", if choices.no_files { "none" } else { "any" }.into()),
        ]);
    }
    if choices.short_names {
        options.push(("login_name", "username".into()));
    }
    let options =
        options.into_iter().map(|(name, value)| (name.into(), Value::String(value.into())));
    Client::new(Options::new(options).unwrap())
}

/// A login. Checks the texts that leave it.
fn verify(client: &Client, place: usize, input: &[u8]) -> Result<Hash, Denial> {
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        log::set_logger(&Collector).unwrap();
        log::set_max_level(LevelFilter::Debug);
    });
    let (user, password) = USERS[place];
    let (verdict, _) =
        login::verify(client, user.as_bytes(), password.as_bytes(), Some(b"192.0.2.1"));
    let mut texts = LINES.take();
    if let Err(denial) = &verdict {
        texts.push(denial.text().into());
    }
    texts.push(format!("{verdict:?}"));
    let encoded = authorization(user, password);
    // The first and the last group are not those of the password alone.
    let encoded = &encoded["Basic ".len() + 4..encoded.len() - 4];
    for text in texts {
        check_text(&text, 1000);
        for secret in [password, encoded] {
            assert!(!text.contains(secret) || contains(input, secret.as_bytes()), "{text}");
        }
    }
    verdict
}

fn kind(verdict: &Result<Hash, Denial>) -> &'static str {
    match verdict {
        Ok(_) => "ok",
        Err(Denial::Refused(_)) => "refused",
        Err(Denial::Disabled(_)) => "disabled",
        Err(Denial::Throttled(_)) => "throttled",
        Err(Denial::Unavailable(..)) => "unavailable",
    }
}

/// Checks that these answers prove a password to be that of `user`.
fn check_proof(choices: &Choices, user: &str, parts: &[Vec<u8>]) {
    let answer = http::read(&parts[0]).expect("an answer");
    if choices.get {
        assert_eq!(answer.status, 200);
        return;
    }
    assert_eq!(answer.status, 207);
    let Some((current_user, _)) = read(answer.body) else { return };
    match current_user {
        CurrentUser::Unauthenticated => panic!("the server did not look at the password"),
        _ if choices.any_principal => {}
        CurrentUser::Principal(href) => {
            let name = principal_name(&href).expect("a name");
            let whole = |name: &str| match name.contains('@') {
                true => name.to_ascii_lowercase(),
                false => format!("{name}@example.com").to_ascii_lowercase(),
            };
            assert_eq!(whole(&name), whole(user));
        }
        CurrentUser::Unknown => {}
        CurrentUser::Unclear => panic!("it is not clear whose password it is"),
    }
    if choices.no_files {
        let answer = http::read(&parts[1]).expect("an answer");
        assert_eq!(answer.status, 207);
        if let Some((_, file_id)) = read(answer.body) {
            assert_eq!(file_id.as_deref(), Some("-1"));
        }
    }
}

/// Reads a body. `None` if it breaks only a rule that is not checked.
fn read(body: Option<Vec<u8>>) -> Option<(CurrentUser, Option<String>)> {
    let text = String::from_utf8(body.expect("a complete body")).expect("UTF-8");
    match xml::read(&text).expect("a well-formed body")? {
        Found::Multistatus(user, file_id) => Some((user, file_id)),
        other => panic!("{other:?}"),
    }
}
