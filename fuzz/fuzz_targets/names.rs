//! Whose name is whose, and what is sent of a name and a password.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use httpbasic::credentials::Credentials;
use httpbasic::login;
use httpbasic_fuzz::check_text;
use libfuzzer_sys::fuzz_target;
use names::{Difference, Domains, are_same, difference, username};
use unicode_normalization::UnicodeNormalization;

#[allow(dead_code, reason = "the options use the rest")]
#[path = "../../src/names.rs"]
mod names;
#[path = "../../src/text.rs"]
mod text;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (one, other, names) = (line(), line(), String::from_utf8_lossy(line()));
    let domains = Domains::new(names.split_whitespace().map(String::from).collect());

    for domains in [None, domains.as_ref()] {
        let same = are_same(one, other, domains);
        assert_eq!(same, are_same(other, one, domains));
        assert!(are_same(one, one, domains));
        assert_eq!(same, whole(one, domains) == whole(other, domains));
        // Names that are the same without a domain are the same with any.
        assert!(same || !are_same(one, other, None));
        if !same {
            check_difference(one, other, domains);
        }
    }

    if let Some(domains) = &domains {
        let is_in = |domain: &str| {
            let name = one.to_ascii_lowercase();
            let end = format!("@{domain}").to_ascii_lowercase();
            name.strip_suffix(end.as_bytes())
                .is_some_and(|it| !it.is_empty() && !it.contains(&b'@'))
        };
        let is_short = !one.is_empty() && !one.contains(&b'@');
        let admitted = domains.admit(one);
        assert_eq!(admitted.is_ok(), is_short || names.split_whitespace().any(is_in));
        if let Err(problem) = admitted {
            check_text(&problem.to_string(), 500);
        }
    }
    match username(one) {
        Ok(name) => {
            assert!(one.starts_with(name) && !name.contains(&b'@'));
            let text = std::str::from_utf8(name).expect("UTF-8");
            assert!(text.nfkc().eq(text.chars()), "{text:?} has another spelling");
            assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
        }
        Err(problem) => check_text(&problem.to_string(), 500),
    }

    match Credentials::new(one, other) {
        Ok(credentials) => {
            let value = credentials.authorization();
            let encoded = value.as_bytes().strip_prefix(b"Basic ").expect("the scheme");
            let pair = STANDARD.decode(encoded).expect("base64");
            let colon = pair.iter().position(|byte| *byte == b':').expect("a colon");
            assert_eq!((&pair[..colon], &pair[colon + 1..]), (one, other));
            assert!(value.is_sensitive());
            assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
        }
        Err(problem) => {
            check_text(&problem.to_string(), 100);
            let is_fine = |part: &[u8]| !part.is_empty() && !part.iter().any(u8::is_ascii_control);
            let fits = one.len() + other.len() <= 6000;
            assert!(!(is_fine(one) && is_fine(other) && fits) || one.contains(&b':'));
        }
    }

    if let Some(address) = login::address(one) {
        let text = address.to_string();
        assert!(
            text.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:".contains(&byte)),
            "{text}"
        );
        assert_eq!(login::address(text.as_bytes()), Some(address));
    }
});

fn check_difference(server: &[u8], user: &[u8], domains: Option<&Domains>) {
    let Difference::Domain(domain) = difference(server, user, domains) else { return };
    check_text(&domain, 200);
    // With this domain, they are the same, unless its text was changed or cut.
    let is_cut = domain.contains([' ', '\u{fffd}']) || domain.chars().count() == 200;
    let fitting = Domains::new(vec![domain]);
    assert!(is_cut || are_same(server, user, fitting.as_ref()));
}

/// The name in lower case, with its domain.
fn whole(name: &[u8], domains: Option<&Domains>) -> Vec<u8> {
    let mut name = name.to_vec();
    if let (false, Some(domains)) = (name.contains(&b'@'), domains) {
        name.push(b'@');
        name.extend(domains.first().bytes());
    }
    name.make_ascii_lowercase();
    name
}
