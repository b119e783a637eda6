//! What the tests of httpbasic-check have in common: a user, a password and servers that know it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::http::{Request, answer, principal, refusal};

pub const USER: &str = "alice@example.com";
pub const PASSWORD: &str = "correct horse battery";

/// The end of a report on a login that succeeds.
pub const SUCCEEDS: &str = "\nThis login succeeds.\n";

/// Each text must be there, in this order.
pub fn says<T: AsRef<str>>(text: &str, expected: &[T]) {
    let mut rest = text;
    for expected_text in expected.iter().map(AsRef::as_ref) {
        let at = rest
            .find(expected_text)
            .unwrap_or_else(|| panic!("it does not say {expected_text:?}:\n{text}"));
        rest = &rest[at..];
    }
}

/// Neither the password nor the Authorization value may be there.
pub fn shows_no_secret(text: &str) {
    for secret in [PASSWORD, "horse", "Y29ycmVjdCBob3JzZ", "b3JyZWN0IGhvcnNl", "jb3JyZWN0IGhvcn"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

/// A web server that knows one password, and calls USER `alice`.
pub fn honest(request: &Request) -> Vec<u8> {
    knows(request, |request| {
        if request.head.contains("/files/") { file_id("-1") } else { principal("alice") }
    })
}

/// Answers by `answer` where the password is right, whatever the name.
pub fn knows(request: &Request, answer: impl Fn(&Request) -> Vec<u8>) -> Vec<u8> {
    let is_right = sent(request).ends_with(&format!(":{PASSWORD}"));
    if is_right { answer(request) } else { refusal() }
}

/// The name and the password that were sent, with a colon between them; empty without credentials.
pub fn sent(request: &Request) -> String {
    let value = request.header("authorization").and_then(|it| it.strip_prefix("Basic "));
    let pair = value.map(|it| STANDARD.decode(it).unwrap()).unwrap_or_default();
    String::from_utf8(pair).unwrap()
}

/// Nextcloud's answer about files.
pub fn file_id(id: &str) -> Vec<u8> {
    let body = format!(
        "<multistatus xmlns='DAV:'><response><propstat><prop><fileid \
         xmlns='http://owncloud.org/ns'>{id}</fileid></prop><status>HTTP/1.1 200 OK</status>\
         </propstat></response></multistatus>"
    );
    answer("207 Multi-Status", &body)
}
