//! One server: asks it, within the deadline, on the kept connection or a new one.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::time::Instant;

use http::StatusCode;
use log::debug;

use crate::backoff::Backoff;
use crate::channel::Tls;
use crate::connection::{Connection, Dial};
use crate::credentials::Credentials;
use crate::error::{Error, Phase};
use crate::options::Options;
use crate::request::Request;
use crate::resolver::Resolver;
use crate::response::{Body, Response};

/// One server and the connection to it, which is kept from request to request.
#[derive(Debug)]
pub struct Client {
    options: Options,
    who: Request,
    dial: Dial,
    backoff: Backoff,
    /// One is enough: a worker does one lookup at a time.
    kept: RefCell<Option<Connection>>,
}

impl Client {
    /// A client for the server in `options`. Opens no connection.
    pub fn new(options: Options) -> Self {
        let url = &options.url;
        let dial = Dial {
            resolver: Resolver::new(url.host(), url.port()),
            tls: url.is_https().then(|| Tls::new(url.server_name(), &options.roots)),
            timeout: options.connect_timeout,
        };
        let (who, backoff) = (Request::who(&options), Backoff::new(options.backoff));
        Self { options, who, dial, backoff, kept: RefCell::default() }
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
        self.ask(&self.who, credentials, remote_ip, start)
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
        self.ask(&Request::files(&self.options, name), credentials, remote_ip, start)
    }

    fn ask(
        &self,
        request: &Request,
        credentials: Credentials,
        remote_ip: Option<IpAddr>,
        start: Instant,
    ) -> Result<Response, Error> {
        debug!("{request}");
        let result = self.exchange(&request.bytes(credentials, remote_ip), start);
        match &result {
            Ok(response) => debug!("{request}: {}", response.summary()),
            Err(error) => debug!("{request}: {error}"),
        }
        result
    }

    /// One request and its whole answer.
    fn exchange(&self, request: &[u8], start: Instant) -> Result<Response, Error> {
        let mut connection = self.send(request, start)?;
        let explain = explaining(start);
        let head = connection.read_head(self.options.method.as_str()).map_err(&explain)?;
        let body = match connection.read_body(&head) {
            Ok(body) => {
                if head.keeps {
                    self.kept.replace(Some(connection));
                }
                Body::parse(&body)
            }
            // Only a body that proves something must be whole.
            Err(_) if head.status != self.options.success_status => Body::Other,
            Err(problem) => return Err(explain(problem)),
        };
        Ok(Response {
            status: head.status,
            reason: StatusCode::from_u16(head.status).ok().and_then(|s| s.canonical_reason()),
            body,
            elapsed: start.elapsed(),
        })
    }

    /// Sends a request. Returns the connection on which its answer has begun.
    fn send(&self, request: &[u8], start: Instant) -> Result<Connection, Error> {
        let deadline = start + self.options.timeout;
        let explain = explaining(start);
        let kept = self.kept.take().and_then(|mut kept| kept.is_idle().then_some(kept));
        if let Some(mut kept) = kept {
            match kept.send(request, deadline) {
                // The server may have closed it at any time, even while the request was on its way.
                Err(problem) if problem.kind() != io::ErrorKind::TimedOut => {}
                result => return result.map(|()| kept).map_err(explain),
            }
        }
        let mut fresh = self.connect(start, deadline)?;
        fresh.send(request, deadline).map_err(explain)?;
        Ok(fresh)
    }

    /// Opens a connection, unless the server was out of reach a moment ago.
    fn connect(&self, start: Instant, deadline: Instant) -> Result<Connection, Error> {
        self.backoff.check(start)?;
        let result = self.dial.connect(start, deadline);
        self.backoff.note(Instant::now(), result.as_ref().err());
        result
    }
}

/// The words for what went wrong on an open connection.
fn explaining(start: Instant) -> impl Fn(io::Error) -> Error {
    move |problem| Error::from_io(problem, Phase::Connected, start.elapsed())
}
