//! The options of a client: which there are, and what each may be.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use ureq::http::uri::PathAndQuery;
use ureq::http::{HeaderName, HeaderValue, Method, Uri, header};

use crate::error::Error;

/// The largest `ca_file`, in bytes; Debian's whole bundle has a tenth of it.
const CA_FILE_MAX_BYTES: u64 = 4 << 20;

/// What is encoded in a segment of a path: all but the unreserved characters (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The milliseconds that a deadline may have: Dovecot gives up on a worker's lookup after 60 s.
const DEADLINE: RangeInclusive<i64> = 100..=55_000;

/// The milliseconds that a server which was out of reach is left alone.
const BACKOFF: RangeInclusive<i64> = 0..=60_000;

/// An option's value as it came from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A number; Lua 5.1 and LuaJIT know no integers.
    Number(f64),
    /// Bytes; Dovecot 2.4 hands every setting over as a string.
    String(Vec<u8>),
    /// Something that no option is, by the name of its type.
    Other(&'static str),
}

/// Who must have answered, by the last segment of the server's `DAV:current-user-principal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Whoever the server took the credentials for.
    Any,
    /// The login name.
    User,
    /// The login name without its domain.
    Username,
}

/// Which app passwords are accepted, by the files that they open in Nextcloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// Every one.
    Any,
    /// Only those without access to files.
    None,
}

/// What a client is made of, checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where the server is asked: absolute, http or https, no user info, no fragment.
    pub url: Uri,
    /// The method; PROPFIND asks for the principal and is answered by a multistatus body.
    pub method: Method,
    /// The status that proves the password.
    pub success_status: u16,
    /// The status that refuses it.
    pub failure_status: u16,
    /// The header for the client's address, if it is sent.
    pub forwarded_header: Option<HeaderName>,
    /// The deadline of a whole lookup.
    pub timeout: Duration,
    /// The deadline of one connection, TLS included; the look-up of its addresses has the same.
    pub connect_timeout: Duration,
    /// How long a server that was out of reach is left alone: 0 to 60000 ms, 2000 ms by default. A
    /// lookup fails at once meanwhile; the first one after that tries. 0 turns it off. Only a
    /// failure to resolve, connect or agree on TLS counts, never an answer or its absence: else a
    /// client could switch off the logins of others.
    pub backoff: Duration,
    /// The certificates to trust instead of Mozilla's, each in DER.
    pub roots: Option<Vec<CertificateDer<'static>>>,
    /// Who must have answered.
    pub principal: Principal,
    /// Which app passwords are accepted.
    pub file_access: FileAccess,
    /// The User-Agent header.
    pub user_agent: HeaderValue,
    /// Whether each request and each answer is logged.
    pub debug: bool,
}

impl Options {
    /// Reads the options that were given, by name.
    ///
    /// # Errors
    /// [`Error::Option`] names the first one that is unknown, missing or wrong.
    pub fn new(given: impl IntoIterator<Item = (String, Value)>) -> Result<Self, Error> {
        let mut url = None;
        let mut allow_cleartext = false;
        let mut options = Self {
            url: Uri::default(),
            method: Method::from_bytes(b"PROPFIND").expect("it is a token"),
            success_status: 207,
            failure_status: 401,
            forwarded_header: Some(HeaderName::from_static("x-forwarded-for")),
            timeout: Duration::from_millis(5000),
            connect_timeout: Duration::from_millis(2000),
            backoff: Duration::from_millis(2000),
            roots: None,
            principal: Principal::Any,
            file_access: FileAccess::Any,
            user_agent: HeaderValue::from_static(concat!("httpbasic/", env!("CARGO_PKG_VERSION"))),
            debug: false,
        };
        for (key, value) in given {
            let result = match key.as_str() {
                "url" => parse_url(&value).map(|uri| url = Some(uri)),
                "method" => parse_method(&value).map(|method| options.method = method),
                "success_status" => {
                    integer(&value, 200..=399).map(|n| options.success_status = n as u16)
                }
                "failure_status" => {
                    integer(&value, 300..=499).map(|n| options.failure_status = n as u16)
                }
                "forwarded_header" => {
                    parse_header(&value).map(|name| options.forwarded_header = name)
                }
                "timeout_msecs" => msecs(&value, DEADLINE).map(|time| options.timeout = time),
                "connect_timeout_msecs" => {
                    msecs(&value, DEADLINE).map(|time| options.connect_timeout = time)
                }
                "backoff_msecs" => msecs(&value, BACKOFF).map(|time| options.backoff = time),
                "ca_file" => parse_ca_file(&value).map(|roots| options.roots = Some(roots)),
                "allow_cleartext" => boolean(&value).map(|yes| allow_cleartext = yes),
                "principal" => parse_principal(&value).map(|who| options.principal = who),
                "file_access" => parse_file_access(&value).map(|files| options.file_access = files),
                "user_agent" => parse_user_agent(&value).map(|name| options.user_agent = name),
                "debug" => boolean(&value).map(|yes| options.debug = yes),
                _ => Err("is unknown setting".into()),
            };
            result.map_err(|problem| Error::Option { key: shown(key.as_bytes()), problem })?;
        }
        options.url = url.ok_or_else(|| wrong("url", "is missing"))?;
        options.check(allow_cleartext)?;
        Ok(options)
    }

    /// Whether the method asks for properties, so that the answer must be a multistatus body.
    pub fn is_propfind(&self) -> bool {
        self.method.as_str() == "PROPFIND"
    }

    /// Whether there is TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    /// The port, which the URL need not have.
    pub fn port(&self) -> u16 {
        self.url.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Whose certificate the server must show.
    pub fn server_name(&self) -> ServerName<'static> {
        let host = bare_host(&self.url).to_owned();
        ServerName::try_from(host).expect("the URL's host was checked when it was read")
    }

    /// Where Nextcloud keeps the files of the user of this name.
    pub fn files_url(&self, name: &str) -> Uri {
        let path = self.url.path().trim_end_matches('/');
        let name = utf8_percent_encode(name, SEGMENT);
        let mut parts = self.url.clone().into_parts();
        let path = PathAndQuery::try_from(format!("{path}/files/{name}/"));
        parts.path_and_query = Some(path.expect("every byte of a name is encoded that needs it"));
        Uri::from_parts(parts).expect("only the path of a whole URL has changed")
    }

    /// What the options must be together.
    fn check(&self, allow_cleartext: bool) -> Result<(), Error> {
        if !self.is_https() && !allow_cleartext && !is_loopback(&self.url) {
            let problem = "must begin with https:// unless the host is loopback: passwords would \
                           cross the network in clear (allow_cleartext = true permits it)";
            return Err(wrong("url", problem));
        }
        if self.success_status == self.failure_status {
            return Err(wrong("failure_status", "must differ from success_status"));
        }
        if self.principal != Principal::Any && !self.is_propfind() {
            return Err(wrong("principal", "needs the method PROPFIND, which alone asks for it"));
        }
        if self.file_access != FileAccess::Any && !self.is_propfind() {
            return Err(wrong("file_access", "needs the method PROPFIND, which alone asks for it"));
        }
        Ok(())
    }
}

fn wrong(key: &str, problem: &str) -> Error {
    Error::Option { key: key.into(), problem: problem.into() }
}

/// At most 60 characters of a value, fit for a log line.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(60).flat_map(char::escape_debug).collect()
}

fn expected(what: &str, value: &Value) -> String {
    match value {
        Value::Boolean(yes) => format!("expected {what}, got {yes}"),
        Value::Number(number) => format!("expected {what}, got {number}"),
        Value::String(bytes) => format!("expected {what}, got \"{}\"", shown(bytes)),
        Value::Other(kind) => format!("expected {what}, got a {kind}"),
    }
}

fn text<'a>(what: &str, value: &'a Value) -> Result<&'a str, String> {
    match value {
        Value::String(bytes) => std::str::from_utf8(bytes).map_err(|_| expected(what, value)),
        _ => Err(expected(what, value)),
    }
}

fn integer(value: &Value, range: RangeInclusive<i64>) -> Result<i64, String> {
    let number = match value {
        Value::Number(number) if number.fract() == 0.0 => Some(*number as i64),
        Value::String(bytes) if bytes.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(bytes).ok().and_then(|digits| digits.parse().ok())
        }
        _ => None,
    };
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        expected(&format!("a whole number from {} to {}", range.start(), range.end()), value)
    })
}

fn msecs(value: &Value, range: RangeInclusive<i64>) -> Result<Duration, String> {
    integer(value, range).map(|msecs| Duration::from_millis(msecs as u64))
}

fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Boolean(yes) => Ok(*yes),
        Value::String(word) if word == b"yes" || word == b"true" => Ok(true),
        Value::String(word) if word == b"no" || word == b"false" => Ok(false),
        _ => Err(expected("true or false", value)),
    }
}

/// Problems with a URL do not repeat it: it may hold a password.
fn parse_url(value: &Value) -> Result<Uri, String> {
    let Value::String(bytes) = value else {
        return Err(expected("an absolute http or https URL", value));
    };
    if bytes.contains(&b'#') {
        return Err("must not have a fragment (#)".into());
    }
    if !bytes.iter().all(u8::is_ascii_graphic) {
        return Err("must be ASCII without spaces; percent-encode the rest".into());
    }
    let absolute = || "must be an absolute URL such as https://host/path".to_string();
    let url = Uri::try_from(&bytes[..]).map_err(|_| absolute())?;
    let scheme = url.scheme_str().ok_or_else(absolute)?;
    let authority = url.authority().ok_or_else(absolute)?;
    if !["http", "https"].contains(&scheme) {
        return Err("must begin with https:// or http://".into());
    }
    if authority.as_str().contains('@') {
        return Err("must not have a user name or password".into());
    }
    let has_port = authority.as_str().len() > authority.host().len();
    if has_port && url.port_u16().is_none_or(|port| port == 0) {
        return Err("has a port that is none".into());
    }
    if ServerName::try_from(bare_host(&url)).is_err() {
        return Err("has a host that is neither a name nor an address".into());
    }
    Ok(url)
}

/// The URL's host, an IPv6 address without its brackets.
pub fn bare_host(url: &Uri) -> &str {
    url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

fn is_loopback(url: &Uri) -> bool {
    let host = bare_host(url);
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn parse_method(value: &Value) -> Result<Method, String> {
    let what = "an HTTP method such as PROPFIND or GET";
    Method::from_bytes(text(what, value)?.as_bytes()).map_err(|_| expected(what, value))
}

fn parse_header(value: &Value) -> Result<Option<HeaderName>, String> {
    let what = "the name of a header that httpbasic does not send itself, or \"\"";
    let name = text(what, value)?;
    if name.is_empty() {
        return Ok(None);
    }
    let taken = [
        header::AUTHORIZATION,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::EXPECT,
        header::HOST,
        header::TRANSFER_ENCODING,
        header::USER_AGENT,
        HeaderName::from_static("depth"),
    ];
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) if !taken.contains(&name) => Ok(Some(name)),
        _ => Err(expected(what, value)),
    }
}

fn parse_user_agent(value: &Value) -> Result<HeaderValue, String> {
    let what = "printable ASCII";
    let name = text(what, value)?;
    match HeaderValue::from_str(name) {
        Ok(header) if !name.is_empty() && name.is_ascii() => Ok(header),
        _ => Err(expected(what, value)),
    }
}

fn parse_principal(value: &Value) -> Result<Principal, String> {
    let what = "\"any\", \"user\" or \"username\"";
    match text(what, value)? {
        "any" => Ok(Principal::Any),
        "user" => Ok(Principal::User),
        "username" => Ok(Principal::Username),
        _ => Err(expected(what, value)),
    }
}

fn parse_file_access(value: &Value) -> Result<FileAccess, String> {
    let what = "\"any\" or \"none\"";
    match text(what, value)? {
        "any" => Ok(FileAccess::Any),
        "none" => Ok(FileAccess::None),
        _ => Err(expected(what, value)),
    }
}

fn parse_ca_file(value: &Value) -> Result<Vec<CertificateDer<'static>>, String> {
    let path = text("the path of a PEM file", value)?;
    let name = shown(path.as_bytes());
    let metadata = std::fs::metadata(Path::new(path))
        .map_err(|problem| format!("cannot be read: {name}: {problem}"))?;
    if !metadata.is_file() || metadata.len() > CA_FILE_MAX_BYTES {
        return Err(format!("is not a file of at most 4 MiB: {name}"));
    }
    let pem =
        std::fs::read(path).map_err(|problem| format!("cannot be read: {name}: {problem}"))?;
    let roots = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| format!("holds broken PEM: {name}"))?;
    if roots.is_empty() {
        return Err(format!("holds no PEM certificate: {name}"));
    }
    let mut store = RootCertStore::empty();
    for (index, root) in roots.iter().enumerate() {
        store.add(root.clone()).map_err(|problem| {
            format!(
                "holds a certificate (number {}) that cannot be used: {name}: {problem}",
                index + 1
            )
        })?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.into())
    }

    fn with(key: &str, value: Value) -> Result<Options, Error> {
        Options::new([("url".into(), string("https://host/dav/")), (key.into(), value)])
    }

    fn problem(key: &str, value: Value) -> String {
        with(key, value).unwrap_err().to_string()
    }

    fn url(text: &str) -> Result<Options, Error> {
        Options::new([("url".into(), string(text))])
    }

    #[test]
    fn the_defaults_are_those_of_the_readme() {
        let options = url("https://host/dav/").unwrap();
        assert_eq!(options.method, "PROPFIND");
        assert_eq!((options.success_status, options.failure_status), (207, 401));
        assert_eq!(options.forwarded_header.unwrap(), "x-forwarded-for");
        assert_eq!(options.timeout, Duration::from_millis(5000));
        assert_eq!(options.connect_timeout, Duration::from_millis(2000));
        assert_eq!(options.backoff, Duration::from_millis(2000));
        assert_eq!(options.principal, Principal::Any);
        assert_eq!(options.user_agent, concat!("httpbasic/", env!("CARGO_PKG_VERSION")));
        assert!(options.roots.is_none() && !options.debug);
    }

    #[test]
    fn an_unknown_option_is_named() {
        assert_eq!(problem("timeout", Value::Number(5000.0)), "timeout is unknown setting");
        assert_eq!(problem("a\nb", Value::Boolean(true)), "a\\nb is unknown setting");
    }

    #[test]
    fn the_url_is_required() {
        assert_eq!(Options::new([]).unwrap_err().to_string(), "url is missing");
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
            ("https://höst/", "percent-encode"),
            ("https://host:0/", "port"),
            ("https://host:/", "port"),
            ("https://host:65536/", "port"),
            ("https://ho_st!/", "host"),
            ("https://[::g]/", "host"),
        ] {
            let problem = url(text).unwrap_err().to_string();
            assert!(problem.starts_with("url ") && problem.contains(expected), "{text}: {problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
        for fine in ["https://host", "HTTPS://Host:8443/a?b=c", "https://[2001:db8::1]:1/"] {
            assert!(url(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn passwords_cross_the_network_in_clear_only_if_told_so() {
        for host in ["127.0.0.1:80", "127.1.2.3", "[::1]:8080", "localhost", "LocalHost:80"] {
            assert!(url(&format!("http://{host}/")).is_ok(), "{host}");
        }
        for host in ["192.0.2.1", "localhost.example.com", "[::2]", "127.0.0.1.example.com"] {
            let problem = url(&format!("http://{host}/")).unwrap_err().to_string();
            assert!(problem.contains("allow_cleartext"), "{host}: {problem}");
        }
        let allowed = [
            ("url".to_string(), string("http://192.0.2.1/")),
            ("allow_cleartext".to_string(), string("yes")),
        ];
        assert!(Options::new(allowed).is_ok());
    }

    #[test]
    fn numbers_are_whole_and_in_range_and_may_be_strings() {
        let seconds =
            |value| with("timeout_msecs", value).map(|options| options.timeout.as_millis());
        for (value, msecs) in
            [(Value::Number(100.0), 100), (Value::Number(55_000.0), 55_000), (string("5000"), 5000)]
        {
            assert_eq!(seconds(value), Ok(msecs));
        }
        for wrong in [
            Value::Number(99.0),
            Value::Number(55_001.0),
            Value::Number(1000.5),
            Value::Number(f64::NAN),
            Value::Number(f64::INFINITY),
            Value::Number(-1e300),
            Value::Boolean(true),
            Value::Other("table"),
            string(""),
            string("5s"),
            string(" 5000"),
            string("-5000"),
            string("99999999999999999999"),
        ] {
            let problem = seconds(wrong.clone()).unwrap_err().to_string();
            let expected = "timeout_msecs expected a whole number from 100 to 55000, got ";
            assert!(problem.starts_with(expected), "{wrong:?}: {problem}");
        }
        for key in ["connect_timeout_msecs", "success_status", "failure_status"] {
            assert!(problem(key, Value::Number(99.0)).starts_with(key));
        }
        for msecs in [0, 60_000] {
            let options = with("backoff_msecs", Value::Number(msecs as f64)).unwrap();
            assert_eq!(options.backoff, Duration::from_millis(msecs));
        }
        for wrong in [-1.0, 60_001.0] {
            let problem = problem("backoff_msecs", Value::Number(wrong));
            assert!(problem.contains("a whole number from 0 to 60000"), "{problem}");
        }
    }

    #[test]
    fn booleans_may_be_words() {
        for (value, expected) in [
            (Value::Boolean(true), true),
            (Value::Boolean(false), false),
            (string("yes"), true),
            (string("true"), true),
            (string("no"), false),
            (string("false"), false),
        ] {
            assert_eq!(with("debug", value).unwrap().debug, expected);
        }
        for wrong in [string("1"), string("Yes"), string(""), Value::Number(1.0)] {
            assert!(problem("debug", wrong).starts_with("debug expected true or false, got "));
        }
    }

    #[test]
    fn names_and_words_are_checked() {
        for (key, wrong) in [
            ("method", "PROP FIND"),
            ("method", ""),
            ("principal", "User"),
            ("file_access", "no"),
            ("forwarded_header", "X Forwarded"),
            ("forwarded_header", "X:\r\nY"),
            ("forwarded_header", "authorization"),
            ("forwarded_header", "Host"),
            ("user_agent", ""),
            ("user_agent", "a\r\nX: y"),
            ("user_agent", "ä"),
        ] {
            assert!(
                problem(key, string(wrong)).starts_with(&format!("{key} expected ")),
                "{key} {wrong}"
            );
            assert!(problem(key, Value::Number(1.0)).ends_with(", got 1"), "{key}");
        }
        assert!(with("forwarded_header", string("")).unwrap().forwarded_header.is_none());
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        assert!(url("https://host/").is_ok());
        let problem = |pairs: [(&str, &str); 2]| {
            let url = [("url", "https://host/")];
            let pairs =
                url.into_iter().chain(pairs).map(|(key, value)| (key.into(), string(value)));
            Options::new(pairs).unwrap_err().to_string()
        };
        let same = problem([("success_status", "301"), ("failure_status", "301")]);
        assert_eq!(same, "failure_status must differ from success_status");
        let unasked = problem([("method", "GET"), ("principal", "user")]);
        assert!(unasked.starts_with("principal needs the method PROPFIND"), "{unasked}");
        let unasked = problem([("method", "GET"), ("file_access", "none")]);
        assert!(unasked.starts_with("file_access needs the method PROPFIND"), "{unasked}");
    }

    #[test]
    fn the_url_of_a_users_files_is_below_that_of_the_options() {
        for (base, name, expected) in [
            ("https://h/remote.php/dav/", "bob", "https://h/remote.php/dav/files/bob/"),
            ("https://h:8443/remote.php/dav", "bob", "https://h:8443/remote.php/dav/files/bob/"),
            ("https://h", "bob", "https://h/files/bob/"),
            ("https://h/dav/?a=b", "bob", "https://h/dav/files/bob/"),
            ("https://h/", "o'hara jo@x", "https://h/files/o%27hara%20jo%40x/"),
            ("https://h/", "a/../b?c#d%é", "https://h/files/a%2F..%2Fb%3Fc%23d%25%C3%A9/"),
        ] {
            assert_eq!(url(base).unwrap().files_url(name), *expected, "{base} {name}");
        }
    }

    #[test]
    fn a_ca_file_holds_certificates_that_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            string(path.to_str().unwrap())
        };
        let certificate = rcgen::generate_simple_self_signed(["ca".into()]).unwrap().cert.pem();
        let good = file("good.pem", &format!("# a comment\n{certificate}{certificate}"));
        assert_eq!(with("ca_file", good).unwrap().roots.unwrap().len(), 2);

        let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cut = &certificate[..certificate.len() / 2];
        for (value, expected) in [
            (string("/nonexistent/ca.pem"), "cannot be read: /nonexistent/ca.pem: No such file"),
            (string("/dev/zero"), "is not a file"),
            (string(folder.path().to_str().unwrap()), "is not a file"),
            (file("empty.pem", ""), "holds no PEM certificate"),
            (file("text.pem", "certificate, please"), "holds no PEM certificate"),
            (file("cut.pem", cut), "holds broken PEM"),
            (file("der.pem", &format!("{certificate}{not_der}")), "(number 2)"),
            (Value::Boolean(true), "expected the path of a PEM file, got true"),
        ] {
            let problem = problem("ca_file", value);
            assert!(problem.starts_with("ca_file ") && problem.contains(expected), "{problem}");
        }
    }
}
