//! One agent, one server: the request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::debug;
use ureq::Agent;
use ureq::http::{HeaderName, Request, header};

use crate::backoff::Backoff;
use crate::channel::Tls;
use crate::connection::{Dial, Later};
use crate::credentials::Credentials;
use crate::error::{Error, Phase};
use crate::options::Options;
use crate::progress::Progress;
use crate::resolver::Resolver;
use crate::response::{Body, Response};
use crate::url::Url;

/// The most that is read of a body, in bytes.
const MAX_BODY_BYTES: u64 = 64 << 10;

/// The most that an answer's head may have, in bytes; a Nextcloud's has 2000 to 3000.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// The most that a request's head may have, in bytes: the longest credentials and URL.
const MAX_REQUEST_BYTES: usize = 32 << 10;

/// A kept connection is trusted for so long; firewalls forget idle ones without a word.
const MAX_IDLE: Duration = Duration::from_secs(60);

const DEPTH: HeaderName = HeaderName::from_static("depth");

/// Asks who the credentials belong to (RFC 5397).
const WHO: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><current-user-principal/></prop></propfind>";

/// Asks whether the credentials open files: Nextcloud's id of a folder that they do not open is -1.
const FILES: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><fileid xmlns=\"http://owncloud.org/ns\"/></prop></propfind>";

const XML: &str = "application/xml; charset=utf-8";

/// Less than this is not worth a deadline of its own.
const SLACK: Duration = Duration::from_millis(5);

/// One server and the connection to it, which is kept from request to request.
#[derive(Debug)]
pub struct Client {
    options: Options,
    agent: Agent,
    progress: Arc<Progress>,
    backoff: Backoff,
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
            // A head that fills it is too long, and is to be told so.
            .input_buffer_size(MAX_HEAD_BYTES + 1)
            .output_buffer_size(MAX_REQUEST_BYTES)
            // A worker does one lookup at a time, so a second try is on a fresh connection.
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(MAX_IDLE)
            .build();
        let progress = Arc::new(Progress::default());
        let dial = Dial {
            resolver: Resolver::new(options.url.host(), options.url.port()),
            tls: options
                .url
                .is_https()
                .then(|| Tls::new(options.url.server_name(), &options.roots)),
            timeout: options.connect_timeout,
            progress: progress.clone(),
        };
        let agent = Agent::with_parts(config, dial, Later);
        let backoff = Backoff::new(options.backoff);
        Self { options, agent, progress, backoff }
    }

    /// The options it was made of.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Sends the one request with these credentials and reads the answer, whatever its status.
    ///
    /// # Errors
    /// Any but [`Error::Option`] and [`Error::Credentials`], within `timeout_msecs` since `start`.
    pub fn propfind(
        &self,
        credentials: Credentials,
        remote_ip: Option<IpAddr>,
        start: Instant,
    ) -> Result<Response, Error> {
        let body = self.options.is_propfind().then_some(WHO);
        self.ask(&self.options.url, body, credentials, remote_ip, start)
    }

    /// Asks Nextcloud which files `name`, whose credentials these are, reaches with them.
    ///
    /// # Errors
    /// As [`Client::propfind`].
    pub fn propfind_files(
        &self,
        name: &str,
        credentials: Credentials,
        remote_ip: Option<IpAddr>,
        start: Instant,
    ) -> Result<Response, Error> {
        self.ask(&self.options.url.files(name), Some(FILES), credentials, remote_ip, start)
    }

    /// Asks, unless the server was out of reach a moment ago.
    fn ask(
        &self,
        url: &Url,
        body: Option<&'static str>,
        credentials: Credentials,
        remote_ip: Option<IpAddr>,
        start: Instant,
    ) -> Result<Response, Error> {
        debug!("{} {url}", self.options.method);
        let once = || self.exchange(self.request(url, body, credentials, remote_ip), start);
        let result = self.backoff.check(start).and_then(|()| {
            let result = self.twice(once);
            let out_of_reach = self.progress.phase() < Phase::Connected;
            self.backoff.note(Instant::now(), result.as_ref().err().filter(|_| out_of_reach));
            result
        });
        match &result {
            Ok(response) => debug!("{url} {}", response.summary()),
            Err(error) => debug!("{url} {error}"),
        }
        result
    }

    /// A kept connection may have been closed by the server at any time, even while the request
    /// was on its way: then a fresh one is tried, within the same deadline.
    fn twice(&self, once: impl Fn() -> Result<Response, Error>) -> Result<Response, Error> {
        match once() {
            Err(Error::Protocol(_) | Error::Tls(_)) if self.progress.was_unheard() => once(),
            result => result,
        }
    }

    fn request(
        &self,
        url: &Url,
        body: Option<&'static str>,
        credentials: Credentials,
        remote_ip: Option<IpAddr>,
    ) -> Request<Option<&'static str>> {
        let options = &self.options;
        let mut request = Request::builder()
            .method(&options.method)
            .uri(url.uri())
            .header(header::AUTHORIZATION, credentials.authorization())
            .header(header::USER_AGENT, &options.user_agent);
        if let (Some(name), Some(address)) = (&options.forwarded_header, remote_ip) {
            request = request.header(name, address.to_canonical().to_string());
        }
        if body.is_some() {
            request = request.header(DEPTH, "0").header(header::CONTENT_TYPE, XML);
        }
        request.body(body).expect("every part was checked when it was made")
    }

    /// One request and its whole answer.
    fn exchange(
        &self,
        request: Request<Option<&'static str>>,
        start: Instant,
    ) -> Result<Response, Error> {
        self.progress.start();
        let explain = |error| Error::from_ureq(error, self.progress.phase(), start.elapsed());
        let (parts, body) = request.into_parts();
        let mut request = Request::from_parts(parts, ());
        // The agent's own deadline begins now, which is right for the first request of a lookup.
        let spent = start.elapsed();
        if spent > SLACK {
            let left = self.options.timeout.saturating_sub(spent);
            let configured = self.agent.configure_request(request);
            request = configured.timeout_global(Some(left)).build();
        }
        let answer = match body {
            Some(body) => self.agent.run(request.map(|()| body)),
            None => self.agent.run(request),
        };
        let mut answer = answer.map_err(explain)?;
        let status = answer.status();
        if status.is_informational() {
            return Err(Error::Protocol(format!("the server answers {status}, unasked")));
        }
        let body = answer.body_mut().with_config().limit(MAX_BODY_BYTES).read_to_vec();
        let body = match body {
            Ok(bytes) => Body::parse(&bytes),
            // Only a body that proves something must be whole.
            Err(_) if status.as_u16() != self.options.success_status => Body::Other,
            Err(error) => return Err(explain(error)),
        };
        Ok(Response {
            status: status.as_u16(),
            reason: status.canonical_reason(),
            body,
            elapsed: start.elapsed(),
        })
    }
}
