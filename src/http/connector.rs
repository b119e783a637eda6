//! Opens connections to one server, with cached addresses and back-off.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{self, ResolvedSocketAddrs};
use ureq::unversioned::transport::{self, ConnectionDetails, NextTimeout};

use super::backoff::Backoff;
use super::deadline::{BodyDeadline, Deadline};
use super::error::{Error, Phase};
use super::resolver::Resolver;
use super::socket::Socket;
use super::stream::Stream;
use super::transport::Transport;
use crate::tls::Tls;

/// A resolver for ureq that returns no addresses.
///
/// ureq calls its resolver even if it then reuses a connection. To avoid that cost, the
/// [`Connector`] calls the real resolver, and only when it opens a connection.
#[derive(Debug)]
pub struct NoResolver;

impl resolver::Resolver for NoResolver {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// Opens connections to one server.
#[derive(Debug)]
pub struct Connector {
    pub resolver: Resolver,
    /// `None` for http.
    pub tls: Option<Tls>,
    pub backoff: Backoff,
    /// The time limit of a lookup.
    pub timeout: Duration,
    /// The time limit of name resolution, and also that of connecting, which includes TLS.
    pub connect_timeout: Duration,
    /// The number of connections that were opened.
    pub connections: Arc<AtomicUsize>,
    /// When to stop waiting for a body that is not needed.
    pub body_deadline: BodyDeadline,
}

impl transport::Connector for Connector {
    type Out = Transport;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Transport>, ureq::Error> {
        let deadline = Deadline::with_left(self.timeout, *details.timeout.after);
        let stream = self.connect(deadline).map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let input_bytes = details.config.input_buffer_size();
        Ok(Some(Transport::new(stream, input_bytes, self.body_deadline.clone())))
    }
}

impl Connector {
    /// Opens a connection, unless the back-off forbids it.
    fn connect(&self, deadline: Deadline) -> Result<Stream, Error> {
        self.backoff.check(Instant::now())?;
        // If an earlier request of the lookup used up most of the time, a timeout does not mean
        // that the server is unreachable.
        let had_time = deadline.left() >= self.connect_timeout.min(self.timeout / 2);
        let result = self.open(deadline);
        match &result {
            Err(Error::Timeout { .. }) if !had_time => {}
            _ => self.backoff.record(Instant::now(), result.as_ref().err()),
        }
        result
    }

    fn open(&self, deadline: Deadline) -> Result<Stream, Error> {
        let addresses = self.resolver.addresses(deadline.within(self.connect_timeout))?;
        let part = deadline.within(self.connect_timeout);
        match in_turn(&addresses, part, |address, end| self.reach(address, end)) {
            Ok((address, stream)) => {
                self.resolver.prefer(address);
                self.connections.fetch_add(1, Ordering::Relaxed);
                Ok(stream)
            }
            Err((phase, problem)) => {
                self.resolver.invalidate();
                Err(Error::from_io(problem, phase, deadline.elapsed()))
            }
        }
    }

    fn reach(&self, address: SocketAddr, end: Instant) -> Result<Stream, Failure> {
        let socket = Socket::connect(address, end);
        let socket = socket.map_err(|problem| (Phase::Connecting, problem))?;
        match &self.tls {
            None => Ok(Stream::Plain(socket)),
            Some(tls) => {
                Stream::secure(socket, tls).map_err(|problem| (Phase::Handshaking, problem))
            }
        }
    }
}

/// The phase in which a connection failed, and the error.
pub type Failure = (Phase, io::Error);

/// Tries the addresses one after the other. Each gets an equal share of the time that is left. If
/// all fail, the failure in the latest phase is returned.
pub fn in_turn<T>(
    addresses: &[SocketAddr],
    deadline: Deadline,
    mut reach: impl FnMut(SocketAddr, Instant) -> Result<T, Failure>,
) -> Result<(SocketAddr, T), Failure> {
    let mut failure = (Phase::Connecting, io::Error::from(io::ErrorKind::TimedOut));
    for (index, address) in addresses.iter().enumerate() {
        let share = deadline.left() / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        match reach(*address, Instant::now() + share) {
            Ok(reached) => return Ok((*address, reached)),
            Err(nearer) if nearer.0 < failure.0 => {}
            Err(further) => failure = further,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_all_addresses_fail_the_failure_in_the_latest_phase_is_reported() {
        let addresses: Vec<SocketAddr> =
            (1..4).map(|host| SocketAddr::from(([127, 0, 0, host], 1))).collect();
        let problem = |phase, kind: io::ErrorKind| Err::<(), _>((phase, kind.into()));
        let mut tries = 0;
        let result = in_turn(&addresses, Deadline::new(Duration::ZERO), |_, _| {
            tries += 1;
            match tries {
                2 => problem(Phase::Handshaking, io::ErrorKind::UnexpectedEof),
                _ => problem(Phase::Connecting, io::ErrorKind::ConnectionRefused),
            }
        });
        let (phase, problem) = result.unwrap_err();
        assert_eq!((tries, phase), (3, Phase::Handshaking));
        assert_eq!(problem.kind(), io::ErrorKind::UnexpectedEof);
    }
}
