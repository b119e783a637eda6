//! One agent, one server: the request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::debug;
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Request, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::connection::{self, Later, Progress};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::options::{self, Options};
use crate::resolver::Resolver;
use crate::response::{Body, Response};

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

/// One server and the connection to it, which is kept from request to request.
#[derive(Debug)]
pub struct Client {
    options: Options,
    agent: Agent,
    progress: Arc<Progress>,
}

impl Client {
    /// A client for the server in `options`. Opens no connection.
    pub fn new(options: Options) -> Self {
        let roots = match &options.roots {
            None => RootCerts::WebPki,
            Some(roots) => roots.iter().map(|root| Certificate::from_der(root).to_owned()).into(),
        };
        let config = Agent::config_builder()
            .allow_non_standard_methods(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .accept("")
            .accept_encoding("")
            .user_agent("")
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_global(Some(options.timeout))
            .timeout_connect(Some(options.connect_timeout))
            .max_response_header_size(MAX_HEAD_BYTES)
            .input_buffer_size(MAX_HEAD_BYTES)
            .output_buffer_size(MAX_REQUEST_BYTES)
            // A worker does one lookup at a time, so a second try is on a fresh connection.
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(MAX_IDLE)
            .build();
        let default_port = if options.url.scheme_str() == Some("https") { 443 } else { 80 };
        let port = options.url.port_u16().unwrap_or(default_port);
        let resolver = Resolver::new(options::bare_host(&options.url), port);
        let progress = Arc::new(Progress::default());
        let connector = connection::connector(resolver, progress.clone());
        let agent = Agent::with_parts(config, connector, Later);
        Self { options, agent, progress }
    }

    /// The options it was made of.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Sends the one request with these credentials and reads the answer, whatever its status.
    ///
    /// # Errors
    /// Any but [`Error::Option`] and [`Error::Credentials`], within `timeout_msecs`.
    pub fn propfind(
        &self,
        credentials: Credentials,
        remote_ip: Option<IpAddr>,
    ) -> Result<Response, Error> {
        let start = Instant::now();
        debug!("{} {}", self.options.method, self.shown_url());
        let result = self.try_twice(credentials, remote_ip, start);
        match &result {
            Ok(response) => debug!("{} {}", self.shown_url(), response.summary()),
            Err(error) => debug!("{} {error}", self.shown_url()),
        }
        result
    }

    /// A kept connection may have been closed by the server at any time, even while the request
    /// was on its way: then a fresh one is tried, within the same deadline.
    fn try_twice(
        &self,
        credentials: Credentials,
        remote_ip: Option<IpAddr>,
        start: Instant,
    ) -> Result<Response, Error> {
        let dialled = self.progress.dialled();
        let mut result = self.exchange(self.request(credentials, remote_ip), start);
        let broke_off = matches!(result, Err(Error::Protocol(_)));
        if broke_off && self.progress.dialled() == dialled {
            let left = self.options.timeout.saturating_sub(start.elapsed());
            let request = self.agent.configure_request(self.request(credentials, remote_ip));
            result = self.exchange(request.timeout_global(Some(left)).build(), start);
        }
        result
    }

    fn request(&self, credentials: Credentials, remote_ip: Option<IpAddr>) -> Request<()> {
        let options = &self.options;
        let mut request = Request::builder()
            .method(&options.method)
            .uri(&options.url)
            .header(header::AUTHORIZATION, credentials.authorization())
            .header(header::USER_AGENT, &options.user_agent);
        if let (Some(name), Some(address)) = (&options.forwarded_header, remote_ip) {
            request = request.header(name, address.to_canonical().to_string());
        }
        if options.is_propfind() {
            request = request.header(DEPTH, HeaderValue::from_static("0")).header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/xml; charset=utf-8"),
            );
        }
        request.body(()).expect("every part was checked when it was made")
    }

    /// One request and its whole answer.
    fn exchange(&self, request: Request<()>, start: Instant) -> Result<Response, Error> {
        self.progress.start();
        let explain = |error| Error::from_ureq(error, self.progress.phase(), start.elapsed());
        let answer = if self.options.is_propfind() {
            self.agent.run(request.map(|()| WHO))
        } else {
            self.agent.run(request)
        };
        let mut answer = answer.map_err(explain)?;
        let status = answer.status();
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

    /// The URL without its query, which may hold a secret.
    pub fn shown_url(&self) -> String {
        let url = &self.options.url;
        format!(
            "{}://{}{}",
            url.scheme_str().unwrap_or_default(),
            url.authority().map_or("", |authority| authority.as_str()),
            url.path()
        )
    }
}
