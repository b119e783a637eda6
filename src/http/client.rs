//! The client of one server: an agent of ureq's, and the requests it sends.

use std::io::Read;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use log::debug;
use ureq::Agent;
use ureq::http::response::Parts;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Request, Version, header};

use super::backoff::Backoff;
use super::connector::{Connector, NoResolver};
use super::deadline::Deadline;
use super::resolver::Resolver;
use super::response::Response;
use super::tls::Tls;
use super::transport::Stale;
use crate::credentials::Credentials;
use crate::dav::{self, Body};
use crate::error::{Error, Phase};
use crate::options::Options;
use crate::options::url::Url;
use crate::text::printable;

/// The most that is read of an answer's body, in bytes.
const MAX_BODY_BYTES: u64 = 64 << 10;

/// The most that an answer's head may have, in bytes; a Nextcloud's has 2000 to 3000.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// How long a connection may be idle and still be kept; firewalls forget idle ones without a word.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Less spent time than this is not worth a configuration of its own.
const SLACK: Duration = Duration::from_millis(5);

/// The most header fields that a request has.
const HEADERS: usize = 8;

const DEPTH: HeaderName = HeaderName::from_static("depth");

/// What the requests of one lookup have in common.
#[derive(Debug)]
pub struct Lookup<'a> {
    credentials: Option<Credentials<'a>>,
    remote_ip: Option<IpAddr>,
    deadline: Deadline,
}

/// One server and the connection to it, which is kept from request to request.
#[derive(Debug)]
pub struct Client {
    options: Options,
    agent: Agent,
    host: HeaderValue,
    connections: Arc<AtomicUsize>,
}

impl Client {
    /// A client for the server in `options`. Opens no connection.
    pub fn new(options: Options) -> Self {
        let config = Agent::config_builder()
            .allow_non_standard_methods(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .accept("")
            .accept_encoding("")
            .user_agent("")
            .timeout_global(Some(options.timeout))
            .max_response_header_size(MAX_HEAD_BYTES)
            // A head that fills it is too long, and that is what the error says.
            .input_buffer_size(MAX_HEAD_BYTES + 1)
            // A worker does one lookup at a time.
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(MAX_IDLE)
            .build();
        let url = &options.url;
        let connections = Arc::<AtomicUsize>::default();
        let connector = Connector {
            resolver: Resolver::new(url.host(), url.port()),
            tls: url.is_https().then(|| Tls::new(url.server_name(), &options.roots)),
            backoff: Backoff::new(options.backoff),
            timeout: options.timeout,
            connect_timeout: options.connect_timeout,
            connections: connections.clone(),
        };
        let agent = Agent::with_parts(config, connector, NoResolver);
        let host = url.authority().try_into().expect("a URL was checked to be printable ASCII");
        Self { options, agent, host, connections }
    }

    /// The options it was made of.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How many connections it has opened.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// A lookup that begins now.
    pub fn lookup<'a>(
        &self,
        credentials: Credentials<'a>,
        remote_ip: Option<IpAddr>,
    ) -> Lookup<'a> {
        let deadline = Deadline::new(self.options.timeout);
        Lookup { credentials: Some(credentials), remote_ip, deadline }
    }

    /// One that sends no credentials.
    pub fn anonymous_lookup(&self) -> Lookup<'static> {
        let deadline = Deadline::new(self.options.timeout);
        Lookup { credentials: None, remote_ip: None, deadline }
    }

    /// Asks who the credentials belong to, and reads the answer, whatever its status.
    ///
    /// # Errors
    /// Any but [`Error::Option`] and [`Error::Credentials`].
    pub fn propfind(&self, lookup: &Lookup) -> Result<Response, Error> {
        let body = self.options.is_propfind().then_some(dav::PRINCIPAL);
        self.exchange(&self.options.url, body, lookup)
    }

    /// Asks Nextcloud which files `name`, whose credentials they are, reaches with them.
    ///
    /// # Errors
    /// As [`Client::propfind`].
    pub fn propfind_files(&self, name: &str, lookup: &Lookup) -> Result<Response, Error> {
        self.exchange(&self.options.url.files(name), Some(dav::FILE_ID), lookup)
    }

    /// Sends a request, and once more if a kept connection turns out to be closed.
    fn exchange(
        &self,
        url: &Url,
        body: Option<&'static str>,
        lookup: &Lookup,
    ) -> Result<Response, Error> {
        let method = &self.options.method;
        debug!("{method} {url}");
        let once = || self.run(self.request(url, body, lookup), body, lookup.deadline);
        let result = match once() {
            Err(ureq::Error::Other(stale)) if stale.is::<Stale>() => once(),
            result => result,
        };
        let result = result.map_err(|error| explain(error, lookup.deadline));
        match &result {
            Ok(response) => debug!("{method} {url}: {}", response.summary()),
            Err(error) => debug!("{method} {url}: {error}"),
        }
        result
    }

    fn request(&self, url: &Url, body: Option<&'static str>, lookup: &Lookup) -> Request<()> {
        let options = &self.options;
        let mut headers = HeaderMap::with_capacity(HEADERS);
        headers.insert(header::HOST, self.host.clone());
        if let Some(credentials) = &lookup.credentials {
            headers.insert(header::AUTHORIZATION, credentials.authorization());
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(header::USER_AGENT, options.user_agent.clone());
        if let (Some(name), Some(address)) = (&options.forwarded_header, lookup.remote_ip) {
            let address = address.to_canonical().to_string();
            headers.insert(name, address.try_into().expect("an address is printable ASCII"));
        }
        if body.is_some() {
            headers.insert(DEPTH, HeaderValue::from_static("0"));
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(dav::CONTENT_TYPE));
        }
        let mut request = Request::new(());
        *request.method_mut() = options.method.clone();
        *request.uri_mut() = url.uri().clone();
        *request.headers_mut() = headers;
        request
    }

    /// One request and its whole answer.
    fn run(
        &self,
        mut request: Request<()>,
        body: Option<&'static str>,
        deadline: Deadline,
    ) -> Result<Response, ureq::Error> {
        // The agent's own deadline begins now, which is right for the first request of a lookup.
        if deadline.elapsed() > SLACK {
            let configured = self.agent.configure_request(request);
            request = configured.timeout_global(Some(deadline.left())).build();
        }
        let answer = match body {
            Some(body) => self.agent.run(request.map(|()| body))?,
            None => self.agent.run(request)?,
        };
        let (head, body) = answer.into_parts();
        // ureq passes over all others of this kind but 101.
        if head.status.is_informational() {
            let said = format!("the server answers {}, which was not asked for", head.status);
            return Err(protocol(said));
        }
        let body = match read(&head, body) {
            Ok(bytes) => Body::parse(&bytes),
            // Only a body that proves something must be whole.
            Err(error) if self.options.is_proof(head.status.as_u16()) => return Err(error),
            Err(_) => Body::Other("not readable"),
        };
        Ok(Response {
            status: head.status.as_u16(),
            reason: head.status.canonical_reason(),
            headers: head.headers,
            body,
            elapsed: deadline.elapsed(),
        })
    }
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

/// A length that two readers may understand differently is nobody's (RFC 9112, section 6.3).
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

/// The words for a failure of ureq's. Those of the [`Connector`] are ours already.
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
        ureq::Error::LargeResponseHeader(..) => {
            Error::Protocol("the answer's head is longer than 32 KiB".into())
        }
        ureq::Error::BodyExceedsLimit(_) => {
            Error::Protocol("the answer's body is longer than 64 KiB".into())
        }
        other => {
            // The last part is the reason; the others say which part of ureq found it.
            let reason = other.to_string();
            let reason = reason.rsplit(": ").next().unwrap_or_default();
            Error::Protocol(format!("the server does not speak HTTP/1.1 ({})", printable(reason)))
        }
    }
}
