//! A request as it goes over the wire (RFC 9112, sections 2 to 5).

use std::fmt;
use std::io::Write;
use std::net::IpAddr;

use http::Method;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::options::Options;
use crate::url::Url;

/// Asks who the credentials belong to (RFC 5397).
const WHO: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><current-user-principal/></prop></propfind>";

/// Asks whether the credentials open files: Nextcloud's id of a folder that they do not open is -1.
const FILES: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><fileid xmlns=\"http://owncloud.org/ns\"/></prop></propfind>";

/// Room for the header with the client's address.
const FORWARDED_BYTES: usize = 100;

/// What is the same in every request for one URL: all but the credentials and the client's address.
#[derive(Debug)]
pub struct Request {
    method: Method,
    url: Url,
    /// The first lines, up to where other header lines may follow.
    head: String,
    forwarded: Option<String>,
    body: &'static str,
}

impl Request {
    /// The request that asks whether a password is right.
    pub fn who(options: &Options) -> Self {
        let body = options.is_propfind().then_some(WHO);
        Self::new(options, options.url.clone(), body)
    }

    /// The request that asks Nextcloud for the files of the user of this name.
    pub fn files(options: &Options, name: &str) -> Self {
        Self::new(options, options.url.files(name), Some(FILES))
    }

    fn new(options: &Options, url: Url, body: Option<&'static str>) -> Self {
        let method = options.method.clone();
        let (target, authority) = (url.target(), url.authority());
        let user_agent = options.user_agent.to_str().expect("it was checked to be ASCII");
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {user_agent}\r\n"
        );
        if let Some(body) = body {
            head += "Depth: 0\r\nContent-Type: application/xml; charset=utf-8\r\n";
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let forwarded = options.forwarded_header.as_ref().map(ToString::to_string);
        Self { method, url, head, forwarded, body: body.unwrap_or_default() }
    }

    /// Its bytes, which are wiped when they are dropped.
    pub fn bytes(&self, credentials: Credentials, remote_ip: Option<IpAddr>) -> Zeroizing<Vec<u8>> {
        let authorization = credentials.authorization();
        let forwarded = self.forwarded.as_deref().zip(remote_ip);
        // All of it, since a buffer that grows moves and leaves a copy behind.
        let capacity = self.head.len()
            + forwarded.map_or(0, |(name, _)| name.len() + FORWARDED_BYTES)
            + "Authorization: \r\n\r\n".len()
            + authorization.as_bytes().len()
            + self.body.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        bytes.extend_from_slice(self.head.as_bytes());
        if let Some((name, address)) = forwarded {
            write!(bytes, "{name}: {}\r\n", address.to_canonical()).expect("memory takes it");
        }
        for part in
            [b"Authorization: ", authorization.as_bytes(), b"\r\n\r\n", self.body.as_bytes()]
        {
            bytes.extend_from_slice(part);
        }
        debug_assert!(bytes.len() <= capacity);
        bytes
    }
}

/// The method and the URL, as logged.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn options(pairs: &[(&str, &str)]) -> Options {
        let pairs =
            pairs.iter().map(|(key, value)| ((*key).into(), Value::String((*value).into())));
        Options::new(pairs).unwrap()
    }

    fn text(request: &Request, remote_ip: Option<&str>) -> String {
        let credentials = Credentials::new(b"Aladdin", b"open sesame").unwrap();
        let remote_ip = remote_ip.map(|address| address.parse().unwrap());
        String::from_utf8(request.bytes(credentials, remote_ip).to_vec()).unwrap()
    }

    #[test]
    fn a_propfind_asks_for_the_principal() {
        let options = options(&[("url", "https://host:8443/dav/?a=b"), ("user_agent", "mail/1")]);
        let expected = format!(
            "PROPFIND /dav/?a=b HTTP/1.1\r\nHost: host:8443\r\nUser-Agent: mail/1\r\nDepth: 0\r\n\
             Content-Type: application/xml; charset=utf-8\r\nContent-Length: {}\r\n\
             x-forwarded-for: 192.0.2.1\r\n\
             Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n{WHO}",
            WHO.len()
        );
        let request = Request::who(&options);
        assert_eq!(text(&request, Some("192.0.2.1")), expected);
        assert_eq!(text(&request, Some("::ffff:192.0.2.1")), expected);
    }

    #[test]
    fn another_method_has_no_body_and_an_unknown_address_no_header() {
        let options = options(&[("url", "http://[::1]"), ("method", "GET")]);
        let request = Request::who(&options);
        let user_agent = options.user_agent.to_str().unwrap();
        let expected = format!(
            "GET / HTTP/1.1\r\nHost: [::1]\r\nUser-Agent: {user_agent}\r\n\
             Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        );
        assert_eq!(text(&request, None), expected);
    }

    #[test]
    fn files_are_asked_for_below_the_url() {
        let request = Request::files(&options(&[("url", "https://host/dav")]), "o'hara");
        let text = text(&request, None);
        assert!(text.starts_with("PROPFIND /dav/files/o%27hara/ HTTP/1.1\r\n"), "{text}");
        assert!(text.ends_with(FILES), "{text}");
    }

    #[test]
    fn the_longest_address_has_room() {
        let request = Request::who(&options(&[("url", "https://host/")]));
        text(&request, Some("1111:2222:3333:4444:5555:6666:7777:8888"));
    }
}
