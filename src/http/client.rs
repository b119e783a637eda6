//! The client of one server: a ureq agent, and the requests that it sends.

use std::cell::{Cell, RefCell};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use log::debug;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::header::InvalidHeaderValue;
use ureq::http::response::Parts;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Request, Version, header};

use super::backoff::Backoff;
use super::connector::{Connector, NoResolver};
use super::deadline::{CurrentDeadline, Deadline};
use super::error::{Error, Phase};
use super::resolver::Resolver;
use super::transport::Stale;
use crate::answer::{self, Answer};
use crate::credentials::Credentials;
use crate::dav::{self, Body};
use crate::options::url::Url;
use crate::options::{Options, TOO_MANY_REQUESTS};
use crate::text::MAX_CHARS;
use crate::tls::Tls;

/// The maximum length of an answer's body, in bytes.
const MAX_BODY_BYTES: u64 = 64 << 10;

/// The maximum length of an answer's head, in bytes. Nextcloud's has 2000 to 3000.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// How long a connection is kept while it is idle. Firewalls drop idle connections silently.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// How long to wait for the body of a refusal. It is refused whatever the body says, except that
/// the body may explain it.
const REFUSAL_BODY: Duration = Duration::from_millis(250);

/// The maximum number of header fields of a request.
const HEADERS: usize = 8;

const DEPTH: HeaderName = HeaderName::from_static("depth");

/// One lookup: what its requests have in common.
#[derive(Debug)]
pub struct Lookup<'a> {
    credentials: Option<Credentials<'a>>,
    remote_ip: Option<IpAddr>,
    deadline: Deadline,
    connection: Cell<Connection>,
}

impl Lookup<'_> {
    /// The connection that this lookup has used so far.
    pub fn connection(&self) -> Connection {
        self.connection.get()
    }
}

/// The connection that a lookup used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// It opened one.
    New,
    /// It used the one that an earlier lookup had opened.
    Kept,
    /// It had none: it sent nothing, or could not open one.
    #[default]
    None,
}

/// The client of one server. It keeps one connection open between requests.
#[derive(Debug)]
pub struct Client {
    options: Options,
    /// Absent during a request, and after a request that panicked.
    agent: RefCell<Option<Agent>>,
    /// The header fields of a request. The credentials and the client's address are still empty:
    /// replacing a value costs less than adding a field.
    headers: HeaderMap,
    connections: Arc<AtomicUsize>,
    /// Shared with the connections. A client does one lookup at a time.
    deadline: CurrentDeadline,
}

impl Client {
    /// A client for the server in `options`. This opens no connection.
    pub fn new(options: Options) -> Self {
        let headers = template(&options);
        Self {
            options,
            agent: RefCell::default(),
            headers,
            connections: Arc::default(),
            deadline: CurrentDeadline::default(),
        }
    }

    fn new_agent(&self) -> Agent {
        Agent::with_parts(config(), self.connector(), NoResolver)
    }

    fn connector(&self) -> Connector {
        let (options, url) = (&self.options, &self.options.url);
        Connector {
            resolver: Resolver::new(url.host(), url.port()),
            tls: url.is_https().then(|| Tls::new(url.server_name(), &options.roots)),
            backoff: Backoff::new(options.backoff),
            timeout: options.timeout,
            connect_timeout: options.connect_timeout,
            connections: self.connections.clone(),
            deadline: self.deadline.clone(),
        }
    }

    /// The options of this client.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The number of connections that were opened.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Starts a lookup. Its deadline begins now.
    pub fn lookup<'a>(
        &self,
        credentials: Credentials<'a>,
        remote_ip: Option<IpAddr>,
    ) -> Lookup<'a> {
        let deadline = Deadline::new(self.options.timeout);
        let connection = Cell::default();
        Lookup { credentials: Some(credentials), remote_ip, deadline, connection }
    }

    /// Starts a lookup that sends no credentials.
    pub fn anonymous_lookup(&self) -> Lookup<'static> {
        let deadline = Deadline::new(self.options.timeout);
        Lookup { credentials: None, remote_ip: None, deadline, connection: Cell::default() }
    }

    /// Sends the configured request, which with PROPFIND asks for the principal. Returns the
    /// answer, whatever its status.
    ///
    /// # Errors
    /// [`Error`] if there is no answer.
    pub fn propfind(&self, lookup: &Lookup) -> Result<Answer, Error> {
        let body = self.options.is_propfind().then_some(dav::PRINCIPAL);
        self.exchange(&self.options.url, body, lookup)
    }

    /// Asks Nextcloud whether the credentials give access to the files of the user `name`.
    ///
    /// # Errors
    /// The same as for [`Client::propfind`].
    pub fn propfind_files(&self, name: &str, lookup: &Lookup) -> Result<Answer, Error> {
        self.exchange(&self.options.url.files(name), Some(dav::FILE_ID), lookup)
    }

    /// Sends a request. Sends it once more if it failed because the kept connection no longer worked.
    fn exchange(
        &self,
        url: &Url,
        body: Option<&'static str>,
        lookup: &Lookup,
    ) -> Result<Answer, Error> {
        let method = &self.options.method;
        debug!("{method} {url}");
        // A panic in the middle of a request may leave the agent unusable. It is then dropped, and the
        // next request creates another one.
        let agent = self.agent.take().unwrap_or_else(|| self.new_agent());
        let connections = self.connections();
        let once = || self.run(&agent, self.request(url, body, lookup), body, lookup);
        let result = match once() {
            Err(ureq::Error::Other(stale)) if stale.is::<Stale>() => once(),
            result => result,
        };
        self.agent.replace(Some(agent));
        let result = result.map_err(|error| explain(error, lookup.deadline));
        if self.connections() > connections {
            lookup.connection.set(Connection::New);
        } else if lookup.connection() == Connection::None
            && result.as_ref().err().is_none_or(Error::had_connection)
        {
            lookup.connection.set(Connection::Kept);
        }
        match &result {
            Ok(answer) => debug!("{method} {url}: {}", answer.summary()),
            Err(error) => debug!("{method} {url}: {error}"),
        }
        result
    }

    fn request(&self, url: &Url, body: Option<&'static str>, lookup: &Lookup) -> Request<()> {
        let options = &self.options;
        let mut headers = self.headers.clone();
        match &lookup.credentials {
            Some(credentials) => {
                headers.insert(header::AUTHORIZATION, credentials.authorization());
            }
            None => {
                headers.remove(header::AUTHORIZATION);
            }
        }
        match (&options.forwarded_header, lookup.remote_ip) {
            (Some(name), Some(address)) => {
                headers.insert(name, text(address.to_canonical()));
            }
            (Some(name), None) => {
                headers.remove(name);
            }
            (None, _) => {}
        }
        match body {
            Some(dav::PRINCIPAL) => {}
            Some(other) => {
                headers.insert(header::CONTENT_LENGTH, other.len().into());
            }
            None => {
                for name in [DEPTH, header::CONTENT_TYPE, header::CONTENT_LENGTH] {
                    headers.remove(name);
                }
            }
        }
        let mut request = Request::new(());
        *request.method_mut() = options.method.clone();
        *request.uri_mut() = url.uri().clone();
        *request.headers_mut() = headers;
        request
    }

    /// Sends a request once and reads the whole answer.
    fn run(
        &self,
        agent: &Agent,
        request: Request<()>,
        body: Option<&'static str>,
        lookup: &Lookup,
    ) -> Result<Answer, ureq::Error> {
        let deadline = lookup.deadline;
        self.deadline.set(deadline);
        let response = match body {
            Some(body) => agent.run(request.map(|()| body))?,
            None => agent.run(request)?,
        };
        let (head, body) = response.into_parts();
        // ureq skips informational answers except 101.
        if head.status.is_informational() {
            let status = head.status;
            return Err(protocol(format!("the server sent an unexpected answer: {status}")));
        }
        let status = head.status.as_u16();
        if self.options.is_failure(status) {
            self.deadline.set(deadline.within(REFUSAL_BODY));
        }
        let bytes = match read(&head, body) {
            Ok(bytes) => Some(bytes),
            Err(error) if self.options.needs_body(status) => return Err(error),
            // The server is slow, whatever the body would say.
            Err(error @ ureq::Error::Timeout(_)) if !self.says_enough(status) => return Err(error),
            Err(_) => None,
        };
        let body = bytes.as_deref().map_or(Body::Other("not readable"), Body::parse);
        let has_password = status != self.options.success_status
            && lookup.credentials.as_ref().is_some_and(|credentials| {
                shown(&head.headers, &body, bytes.as_deref()).any(|text| credentials.are_in(text))
            });
        Ok(Answer {
            status,
            reason: head.status.canonical_reason(),
            headers: head.headers,
            body,
            expects_tls: status == 400 && bytes.is_some_and(|bytes| answer::expects_tls(&bytes)),
            has_password,
            elapsed: deadline.elapsed(),
        })
    }

    /// Whether the status says enough, so that it does not matter whether the body arrives.
    fn says_enough(&self, status: u16) -> bool {
        let (options, is_redirect) = (&self.options, (300..400).contains(&status));
        is_redirect
            || status == options.success_status
            || status == TOO_MANY_REQUESTS
            || options.is_failure(status)
    }
}

/// The header fields of a request with the body [`dav::PRINCIPAL`].
fn template(options: &Options) -> HeaderMap {
    let host = options.url.authority().try_into().expect("the URL is printable ASCII");
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(header::HOST, host);
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static(""));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::USER_AGENT, options.user_agent.clone());
    if let Some(name) = &options.forwarded_header {
        headers.insert(name, HeaderValue::from_static(""));
    }
    headers.insert(DEPTH, HeaderValue::from_static("0"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(dav::CONTENT_TYPE));
    headers.insert(header::CONTENT_LENGTH, dav::PRINCIPAL.len().into());
    headers
}

/// An address as the value of a header.
fn text(address: IpAddr) -> HeaderValue {
    let value = match address {
        IpAddr::V4(address) => dotted(address),
        IpAddr::V6(address) => address.to_string().try_into(),
    };
    value.expect("an IP address is printable ASCII")
}

/// The same without the cost of std's formatting.
fn dotted(address: Ipv4Addr) -> Result<HeaderValue, InvalidHeaderValue> {
    let (mut text, mut length) = (*b"255.255.255.255", 0);
    let mut push = |byte| {
        text[length] = byte;
        length += 1;
    };
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            push(b'.');
        }
        for (least, unit) in [(100, 100), (10, 10), (0, 1)] {
            if octet >= least {
                push(b'0' + octet / unit % 10);
            }
        }
    }
    HeaderValue::from_bytes(&text[..length])
}

fn config() -> Config {
    Agent::config_builder()
        .allow_non_standard_methods(true)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .accept("")
        .accept_encoding("")
        .user_agent("")
        .max_response_header_size(MAX_HEAD_BYTES)
        // One byte more, so that a head that is too long is reported as such.
        .input_buffer_size(MAX_HEAD_BYTES + 1)
        // An auth worker of Dovecot does one lookup at a time.
        .max_idle_connections(1)
        .max_idle_connections_per_host(1)
        .max_idle_age(MAX_IDLE)
        .build()
}

/// The texts of an answer that may be logged.
fn shown<'a>(
    headers: &'a HeaderMap,
    body: &'a Body,
    bytes: Option<&'a [u8]>,
) -> impl Iterator<Item = &'a [u8]> {
    let headers = [header::LOCATION, header::WWW_AUTHENTICATE, header::CONTENT_ENCODING]
        .into_iter()
        .flat_map(|name| headers.get_all(name).iter().map(HeaderValue::as_bytes));
    let (name, message) = match body {
        Body::Exception { name, message } => (name.as_str(), message.as_deref()),
        _ => ("", None),
    };
    let message = message.unwrap_or_default();
    // A message that was cut may end in a part of the password.
    let is_cut = [name, message].iter().any(|text| text.chars().count() >= MAX_CHARS);
    let whole = bytes.filter(|_| is_cut);
    headers.chain([name.as_bytes(), message.as_bytes()]).chain(whole)
}

/// Reads a body, unless it is too long or its length is ambiguous.
fn read(head: &Parts, body: ureq::Body) -> Result<Vec<u8>, ureq::Error> {
    check_length(head)?;
    if body.content_length().is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(ureq::Error::BodyExceedsLimit(MAX_BODY_BYTES));
    }
    let mut bytes = Vec::with_capacity(1024);
    body.into_with_config().limit(MAX_BODY_BYTES).reader().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Rejects an answer whose length is ambiguous. Two readers may interpret it differently (RFC 9112,
/// section 6.3).
fn check_length(head: &Parts) -> Result<(), ureq::Error> {
    let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return Ok(()) };
    let is_clear = coding.as_bytes().eq_ignore_ascii_case(b"chunked")
        && codings.next().is_none()
        && !head.headers.contains_key(header::CONTENT_LENGTH)
        && head.version == Version::HTTP_11;
    if is_clear { Ok(()) } else { Err(protocol("the answer's Transfer-Encoding is ambiguous")) }
}

fn protocol(problem: impl Into<String>) -> ureq::Error {
    ureq::Error::Other(Box::new(Error::Protocol(problem.into())))
}

/// Converts an error of ureq. Errors of the [`Connector`] are our own already.
fn explain(error: ureq::Error, deadline: Deadline) -> Error {
    match error {
        ureq::Error::Other(error) => match error.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => Error::Protocol(other.to_string()),
        },
        ureq::Error::Timeout(_) => {
            Error::Timeout { phase: Phase::Connected, msecs: deadline.elapsed().as_millis() }
        }
        ureq::Error::Io(problem) => Error::from_io(problem, Phase::Connected, deadline.elapsed()),
        other => Error::Http(Arc::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use ureq::unversioned::transport::{self, Buffers, ConnectionDetails, NextTimeout};

    use super::super::transport::Transport;
    use super::*;
    use crate::options::value::Value;

    /// Opens connections that panic when the agent wants to reuse them. The agent holds a lock then.
    #[derive(Debug)]
    struct PanickingConnector(Connector);

    #[derive(Debug)]
    struct Panicking {
        transport: Transport,
        is_kept: bool,
    }

    impl transport::Connector for PanickingConnector {
        type Out = Panicking;

        fn connect(
            &self,
            details: &ConnectionDetails,
            _: Option<()>,
        ) -> Result<Option<Panicking>, ureq::Error> {
            let transport = self.0.connect(details, None)?;
            Ok(transport.map(|transport| Panicking { transport, is_kept: false }))
        }
    }

    impl transport::Transport for Panicking {
        fn buffers(&mut self) -> &mut dyn Buffers {
            self.transport.buffers()
        }

        fn transmit_output(&mut self, n: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
            self.transport.transmit_output(n, timeout)
        }

        fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
            self.transport.await_input(timeout)
        }

        fn is_open(&mut self) -> bool {
            assert!(!self.is_kept, "a bug, on purpose");
            self.is_kept = true;
            self.transport.is_open()
        }
    }

    /// The port of a server that refuses every request.
    fn refusing_server() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    for _ in lines.map_while(Result::ok).filter(String::is_empty) {
                        let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
                        let _ = stream.write_all(answer.as_bytes());
                    }
                });
            }
        });
        port
    }

    #[test]
    fn a_panic_in_a_lookup_does_not_make_the_next_one_fail() {
        let url = format!("http://127.0.0.1:{}/", refusing_server());
        let options = [("url", url.as_str()), ("method", "GET")]
            .map(|(key, value)| (key.to_owned(), Value::String(value.into())));
        let client = Client::new(Options::new(options).unwrap());
        let connector = PanickingConnector(client.connector());
        client.agent.replace(Some(Agent::with_parts(config(), connector, NoResolver)));
        let lookup = || client.propfind(&client.anonymous_lookup()).unwrap().status;
        assert_eq!(lookup(), 401);
        assert!(catch_unwind(AssertUnwindSafe(lookup)).is_err());
        assert_eq!((lookup(), lookup()), (401, 401));
        assert_eq!(client.connections(), 2);
    }

    #[test]
    fn an_address_is_written_as_std_writes_it() {
        for octets in [[0, 9, 10, 99], [100, 101, 199, 255], [192, 0, 2, 1], [0; 4], [255; 4]] {
            let address = Ipv4Addr::from(octets);
            assert_eq!(dotted(address).unwrap(), address.to_string());
        }
        assert_eq!(text("2001:db8::1".parse().unwrap()), "2001:db8::1");
    }
}
