//! The answer to a request.

use std::time::Duration;

use ureq::http::header::{
    AsHeaderName, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE,
};

use crate::dav::Body;
use crate::text::printable_bytes;

/// The answer to a request, with any status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status, 200 to 999.
    pub status: u16,
    /// The standard phrase of the status (RFC 9110, section 15), if it has one.
    pub reason: Option<&'static str>,
    /// The header fields.
    pub headers: HeaderMap,
    /// The parsed body.
    pub body: Body,
    /// The time from the start of the lookup to the end of the answer.
    pub elapsed: Duration,
}

impl Answer {
    /// The status, such as `503 Service Unavailable`.
    pub fn status_line(&self) -> String {
        match self.reason {
            Some(reason) => format!("{} {reason}", self.status),
            None => self.status.to_string(),
        }
    }

    /// A summary of the answer, such as `503 Service Unavailable (Sabre\DAV\…: …)`.
    pub fn summary(&self) -> String {
        match &self.body {
            Body::Exception { name, message: Some(message) } => {
                format!("{} ({name}: {message})", self.status_line())
            }
            Body::Exception { name, message: None } => format!("{} ({name})", self.status_line()),
            _ => self.status_line(),
        }
    }

    /// The authentication schemes that the server offers (RFC 9110, section 11.6.1).
    pub fn schemes(&self) -> Vec<String> {
        let fields = self.headers.get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes);
        let fields: Vec<_> = fields.map(without_quoted).collect();
        // Commas separate both challenges and parameters. Only parameters contain an equals sign.
        let items = fields.iter().flat_map(|field| field.split(','));
        let words = items.filter_map(|item| item.split_ascii_whitespace().next());
        words.filter(|word| !word.contains('=')).map(String::from).collect()
    }

    /// The target of a redirect. Without query and user info, since these may contain secrets.
    pub fn location(&self) -> Option<String> {
        let target = self.text(LOCATION).filter(|_| (300..400).contains(&self.status))?;
        let target = target.split(['?', '#']).next().unwrap_or_default();
        let (start, rest) = target.split_once("//").unwrap_or(("", target));
        let end = rest.find('/').unwrap_or(rest.len());
        match rest[..end].rfind('@') {
            Some(at) => Some(format!("{start}//{}", &rest[at + 1..])),
            None => Some(target.into()),
        }
    }

    /// The content coding of the body, if it has one although the request forbids it.
    pub fn coding(&self) -> Option<String> {
        self.text(CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity"))
    }

    fn text(&self, name: impl AsHeaderName) -> Option<String> {
        self.headers.get(name).map(|value| printable_bytes(value.as_bytes()))
    }
}

/// The text without quoted strings.
fn without_quoted(field: &[u8]) -> String {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let field = String::from_utf8_lossy(field);
    let kept = field.chars().filter(|c| {
        let was_quoted = is_quoted;
        is_quoted ^= *c == '"' && !is_escaped;
        is_escaped = is_quoted && *c == '\\' && !is_escaped;
        !was_quoted && !is_quoted
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(status: u16, headers: &[(&'static str, &str)]) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let body = Body::Other("empty");
        Answer { status, reason: None, headers: map, body, elapsed: Duration::ZERO }
    }

    #[test]
    fn schemes_are_distinguished_from_their_parameters() {
        for (fields, expected) in [
            (&[][..], &[][..]),
            (&["Basic realm=\"Nextcloud\", charset=\"UTF-8\""], &["Basic"]),
            (&["BASIC"], &["BASIC"]),
            (&["Digest realm=\"a, b\", qop=\"auth, auth-int\", nonce=\"x\""], &["Digest"]),
            (&["Digest realm=\"no \\\", Basic \\\" here\", nonce=x"], &["Digest"]),
            (&["Digest realm=x, Basic realm=y"], &["Digest", "Basic"]),
            (&["Bearer", "Basic realm=x"], &["Bearer", "Basic"]),
            (&["Negotiate YWJj==, NTLM"], &["Negotiate", "NTLM"]),
            (&["", " , "], &[]),
            (&[&*format!("Digest nonce={}, Basic", "x".repeat(5000))], &["Digest", "Basic"]),
        ] {
            let headers: Vec<_> = fields.iter().map(|field| ("www-authenticate", *field)).collect();
            assert_eq!(with(401, &headers).schemes(), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_redirects_target_has_neither_query_nor_credentials() {
        for (location, expected) in [
            ("https://login.example.com/sso?token=secret", "https://login.example.com/sso"),
            ("https://u:secret@host/a#b", "https://host/a"),
            ("//u@host", "//host"),
            ("/login", "/login"),
            ("/a@b", "/a@b"),
            ("https://host/a@b", "https://host/a@b"),
        ] {
            let answer = with(302, &[("location", location)]);
            assert_eq!(answer.location().as_deref(), Some(expected), "{location}");
        }
        assert_eq!(with(200, &[("location", "/x")]).location(), None);
        assert!(with(302, &[("location", &"x".repeat(5000))]).location().unwrap().len() < 300);
    }
}
