//! The answer to a request.

use std::time::Duration;

use ureq::http::header::{
    AsHeaderName, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};

use crate::dav::Body;
use crate::text::{printable, printable_bytes};

/// The status of an answer to a conditional request, which has no target.
const NOT_MODIFIED: u16 = 304;

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
    /// Whether the body says that the port is for TLS.
    pub expects_tls: bool,
    /// Whether the answer contains the password. No text of the server is shown then.
    pub has_password: bool,
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
            Body::Exception { .. } if self.has_password => {
                format!("{} (its text contains the password)", self.status_line())
            }
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

    /// The authentication schemes that the server offers, each once, if Basic is not among them.
    pub fn schemes_without_basic(&self) -> Option<String> {
        let mut schemes: Vec<String> = Vec::new();
        for scheme in self.schemes() {
            if !schemes.iter().any(|seen| seen.eq_ignore_ascii_case(&scheme)) {
                schemes.push(scheme);
            }
        }
        let has_basic = schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("Basic"));
        let is_shown = !has_basic && !schemes.is_empty() && !self.has_password;
        is_shown.then(|| printable(&schemes.join(", ")))
    }

    /// The target of a redirect. Without query and user info, since these may contain secrets.
    pub fn location(&self) -> Option<String> {
        let is_redirect = (300..400).contains(&self.status) && self.status != NOT_MODIFIED;
        let target = self.headers.get(LOCATION).filter(|_| is_redirect)?;
        if self.has_password {
            return Some("a URL with the password in it".into());
        }
        let target = String::from_utf8_lossy(target.as_bytes());
        let target = target.split(['?', '#']).next().unwrap_or_default();
        let (start, rest) = target.split_once("//").unwrap_or(("", target));
        let end = rest.find('/').unwrap_or(rest.len());
        // Cut only now: a part of the user info has no `@`.
        let target = match rest[..end].rfind('@') {
            Some(at) => printable(&format!("{start}//{}", &rest[at + 1..])),
            None => printable(target),
        };
        Some(target).filter(|target| !target.trim().is_empty())
    }

    /// Whether the answer has a cookie of Nextcloud, which its web pages have too.
    pub fn is_nextcloud(&self) -> bool {
        let mut cookies = self.headers.get_all(SET_COOKIE).iter().map(HeaderValue::as_bytes);
        cookies.any(|cookie| {
            let cookie = cookie.strip_prefix(b"__Host-").unwrap_or(cookie);
            cookie.starts_with(b"nc_sameSiteCookie")
        })
    }

    /// The content coding of the body, if it has one although the request forbids it.
    pub fn coding(&self) -> Option<String> {
        let coding = self.text(CONTENT_ENCODING)?;
        (!coding.eq_ignore_ascii_case("identity") && !self.has_password).then_some(coding)
    }

    fn text(&self, name: impl AsHeaderName) -> Option<String> {
        self.headers.get(name).map(|value| printable_bytes(value.as_bytes()))
    }
}

/// Whether a body says that the port is for TLS, as nginx, Apache, Go and Tomcat do in their answer
/// to a request in cleartext.
pub fn expects_tls(body: &[u8]) -> bool {
    [&b"HTTPS port"[..], b"SSL-enabled server port", b"HTTPS server", b"requires TLS"]
        .iter()
        .any(|text| body.windows(text.len()).any(|window| window == *text))
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
        let elapsed = Duration::ZERO;
        Answer {
            status,
            reason: None,
            headers: map,
            body,
            expects_tls: false,
            has_password: false,
            elapsed,
        }
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
    fn schemes_are_shown_once_and_only_if_basic_is_not_among_them() {
        for (fields, expected) in [
            (&[][..], None),
            (&["Basic realm=x"], None),
            (&["Digest realm=x", "basic"], None),
            (&["Digest realm=x, algorithm=MD5", "digest realm=x"], Some("Digest")),
            (&["Bearer", "Negotiate, NTLM", "bearer"], Some("Bearer, Negotiate, NTLM")),
        ] {
            let headers: Vec<_> = fields.iter().map(|field| ("www-authenticate", *field)).collect();
            let answer = with(401, &headers);
            assert_eq!(answer.schemes_without_basic().as_deref(), expected, "{fields:?}");
        }
        let many: Vec<_> = (0..1000).map(|number| format!("Scheme{number}")).collect();
        let answer = with(401, &[("www-authenticate", &many.join(", "))]);
        assert!(answer.schemes_without_basic().unwrap().len() <= 200);
    }

    #[test]
    fn a_port_for_tls_is_known_by_what_servers_say_there() {
        for body in [
            "<center>The plain HTTP request was sent to HTTPS port</center>",
            "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
            "Client sent an HTTP request to an HTTPS server.\n",
            "Bad Request\r\nThis combination of host and port requires TLS.\r\n",
        ] {
            assert!(expects_tls(body.as_bytes()), "{body}");
        }
        for body in ["", "<a href='https://example.com/'>", "HTTPS"] {
            assert!(!expects_tls(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn nextclouds_web_pages_are_known_by_their_cookies() {
        for (cookie, expected) in [
            ("__Host-nc_sameSiteCookielax=true; path=/; secure", true),
            ("nc_sameSiteCookiestrict=true; path=/", true),
            ("session=nc_sameSiteCookie", false),
        ] {
            let answer = with(400, &[("set-cookie", "a=b"), ("set-cookie", cookie)]);
            assert_eq!(answer.is_nextcloud(), expected, "{cookie}");
        }
    }

    #[test]
    fn no_text_of_an_answer_with_the_password_is_shown() {
        let headers = [
            ("location", "https://host/?p=secret"),
            ("content-encoding", "secret"),
            ("www-authenticate", "secret"),
        ];
        let name = "secret".to_string();
        let mut answer = with(302, &headers);
        answer.body = Body::Exception { name, message: Some("secret".into()) };
        answer.has_password = true;
        let texts = [
            Some(answer.summary()),
            answer.location(),
            answer.coding(),
            answer.schemes_without_basic(),
        ];
        assert!(!texts.iter().flatten().any(|text| text.contains("secret")), "{texts:?}");
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
            (&*format!("https://u:{}@host/a", "secret".repeat(500)), "https://host/a"),
            (&*format!("//{}@host", "secret".repeat(500)), "//host"),
        ] {
            let answer = with(302, &[("location", location)]);
            assert_eq!(answer.location().as_deref(), Some(expected), "{location}");
        }
        assert_eq!(with(200, &[("location", "/x")]).location(), None);
        assert_eq!(with(304, &[("location", "/x")]).location(), None);
        for empty in ["", " ", "?query", "#fragment"] {
            assert_eq!(with(302, &[("location", empty)]).location(), None, "{empty:?}");
        }
        assert!(with(302, &[("location", &"x".repeat(5000))]).location().unwrap().len() < 300);
    }
}
