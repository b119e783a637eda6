//! The URL of the server.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::ServerName;
use ureq::http::Uri;
use ureq::http::uri::PathAndQuery;

use super::value::Value;

/// The characters to encode in a path segment: all but the unreserved ones (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The names of loopback addresses in Debian's /etc/hosts.
const LOCALHOST: [&str; 3] = ["localhost", "ip6-localhost", "ip6-loopback"];

/// The maximum length of a URL, in bytes. It must fit into the request line.
const MAX_BYTES: usize = 10_000;

/// An absolute http or https URL without user info and fragment. `Display` omits the query, which
/// may contain a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(Uri);

impl Url {
    /// Parses a URL.
    ///
    /// # Errors
    /// A text that says what is wrong. It does not repeat the URL, which may contain a password.
    pub fn new(value: &Value) -> Result<Self, String> {
        let Value::String(bytes) = value else {
            return Err(value.expected("an absolute http or https URL"));
        };
        if bytes.len() > MAX_BYTES {
            return Err("is longer than 10000 bytes".into());
        }
        if bytes.contains(&b'#') {
            return Err("must not have a fragment (#)".into());
        }
        let absolute = || "must be an absolute URL such as https://host/path".to_string();
        if !is_dns(authority_of(bytes)) {
            return Err(
                "has a host with other letters than a to z; write it as in DNS (xn--…)".into()
            );
        }
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Err("must be ASCII without spaces; percent-encode the rest".into());
        }
        let uri = Uri::try_from(&bytes[..]).map_err(|_| absolute())?;
        let scheme = uri.scheme_str().ok_or_else(absolute)?;
        let authority = uri.authority().ok_or_else(absolute)?;
        if !["http", "https"].contains(&scheme) {
            return Err("must begin with https:// or http://".into());
        }
        if authority.as_str().contains('@') {
            return Err("must not have a user name or password".into());
        }
        let has_port = authority.as_str().len() > authority.host().len();
        if has_port && uri.port_u16().is_none_or(|port| port == 0) {
            return Err("has an invalid port".into());
        }
        let url = Self(with_path(uri));
        if ServerName::try_from(url.host()).is_err() {
            return Err("has a host that is neither a name nor an address".into());
        }
        Ok(url)
    }

    /// The whole URL.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// The host, and the port if the URL has one. This is the value of the Host header.
    pub fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    /// Whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// The host. An IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port. If the URL has none, it is the default port of the scheme.
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Whether the host is a loopback address or a name of one, such as localhost.
    pub fn is_loopback(&self) -> bool {
        let host = self.host().trim_end_matches('.');
        LOCALHOST.iter().any(|name| host.eq_ignore_ascii_case(name))
            || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
    }

    /// The name or address that the server's certificate must be valid for.
    pub fn server_name(&self) -> ServerName<'static> {
        let host = self.host().to_owned();
        ServerName::try_from(host).expect("the host was checked by Url::new")
    }

    /// The URL at which Nextcloud names the authenticated user. `None` if this is not a URL of
    /// Nextcloud's WebDAV.
    pub fn of_nextcloud(&self) -> Option<String> {
        let text = self.to_string();
        let (base, _) = text.split_once("/remote.php/")?;
        Some(format!("{base}/remote.php/dav/"))
    }

    /// The URL of the files of the user `name`, if this is the WebDAV URL of a Nextcloud.
    pub fn files(&self, name: &str) -> Self {
        let path = self.0.path().trim_end_matches('/');
        let name = utf8_percent_encode(name, SEGMENT);
        let path = PathAndQuery::try_from(format!("{path}/files/{name}/"));
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query = Some(path.expect("the name is percent-encoded"));
        Self(Uri::from_parts(parts).expect("only the path of a valid URL has changed"))
    }
}

/// The same with `/` for an empty path before a query. Otherwise the query alone would be sent.
fn with_path(uri: Uri) -> Uri {
    let mut parts = uri.into_parts();
    let query = parts.path_and_query.take_if(|path| path.as_str().starts_with('?'));
    if let Some(query) = query {
        // Its text begins with a slash.
        let path = PathAndQuery::try_from(query.to_string());
        parts.path_and_query = Some(path.expect("a query may follow a slash"));
    }
    Uri::from_parts(parts).expect("only the path of a valid URL has changed")
}

/// The part between `//` and the next `/` or `?`, if there is one.
fn authority_of(url: &[u8]) -> &[u8] {
    let mut parts = url.splitn(4, |byte| b"/?".contains(byte)).skip(1);
    let is_absolute = parts.next().is_some_and(<[u8]>::is_empty);
    parts.next().filter(|_| is_absolute).unwrap_or_default()
}

/// Whether a host has neither letters beyond ASCII nor percent-encoded ones.
fn is_dns(host: &[u8]) -> bool {
    host.is_ascii() && !host.contains(&b'%')
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https() { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.0.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<Url, String> {
        Url::new(&Value::String(text.into()))
    }

    #[test]
    fn a_url_is_absolute_http_or_https_without_user_info_and_fragment() {
        for (text, expected) in [
            ("", "absolute"),
            ("/remote.php/dav/", "absolute"),
            ("host", "absolute"),
            ("https://", "absolute"),
            ("https:///dav", "absolute"),
            ("ftp://host/", "https:// or http://"),
            ("https://user:secret@host/", "user name or password"),
            ("https://user@host/", "user name or password"),
            ("https://host/#part", "fragment"),
            ("https://host/a b", "percent-encode"),
            ("https://höst/", "xn--"),
            ("https://müller.example", "xn--"),
            ("https://host/ö", "percent-encode"),
            ("höst/", "percent-encode"),
            ("https://host:0/", "port"),
            ("https://host:/", "port"),
            ("https://host:65536/", "port"),
            ("https://m%C3%BCller.example/dav/", "xn--"),
            ("https://%6c/", "xn--"),
            ("https://ho_st!/", "host"),
            ("https://[::g]/", "host"),
            (&*format!("https://host/{}", "x".repeat(MAX_BYTES)), "10000 bytes"),
        ] {
            let problem = url(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
        for fine in ["https://host", "HTTPS://Host:8443/a?b=c", "https://[2001:db8::1]:1/"] {
            assert!(url(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn the_files_of_a_user_are_below_the_url() {
        for (base, name, expected) in [
            ("https://h/remote.php/dav/", "bob", "https://h/remote.php/dav/files/bob/"),
            ("https://h:8443/remote.php/dav", "bob", "https://h:8443/remote.php/dav/files/bob/"),
            ("https://h", "bob", "https://h/files/bob/"),
            ("https://h/dav/?a=b", "bob", "https://h/dav/files/bob/"),
            ("https://h/", "o'hara jo@x", "https://h/files/o%27hara%20jo%40x/"),
            ("https://h/", "a/../b?c#d%é", "https://h/files/a%2F..%2Fb%3Fc%23d%25%C3%A9/"),
        ] {
            assert_eq!(url(base).unwrap().files(name).to_string(), expected, "{base} {name}");
        }
    }

    #[test]
    fn a_nextcloud_names_the_user_below_remote_php_dav() {
        for (given, expected) in [
            ("https://h/remote.php/webdav/", Some("https://h/remote.php/dav/")),
            (
                "https://h:8443/cloud/remote.php/webdav",
                Some("https://h:8443/cloud/remote.php/dav/"),
            ),
            ("https://h/dav/", None),
        ] {
            assert_eq!(url(given).unwrap().of_nextcloud().as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn its_text_has_no_query() {
        let text = url("https://host:8443/a/b?token=secret").unwrap().to_string();
        assert_eq!(text, "https://host:8443/a/b");
    }

    #[test]
    fn an_empty_path_is_a_slash() {
        for (text, path) in [
            ("https://host", "/"),
            ("https://host/", "/"),
            ("https://host?a=%20", "/?a=%20"),
            ("https://host/?a=%20", "/?a=%20"),
        ] {
            let url = url(text).unwrap();
            assert_eq!(url.uri().path_and_query().unwrap().as_str(), path, "{text}");
            assert_eq!(url.to_string(), "https://host/");
        }
    }

    #[test]
    fn its_parts_are_what_a_connection_needs() {
        for (text, host, port) in [
            ("https://host/", "host", 443),
            ("http://127.0.0.1", "127.0.0.1", 80),
            ("https://[2001:db8::1]:8443/", "2001:db8::1", 8443),
        ] {
            let url = url(text).unwrap();
            assert_eq!((url.host(), url.port()), (host, port));
        }
    }
}
