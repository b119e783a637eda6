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
use super::deadline::{CurrentDeadline, Deadline};
use super::error::{Error, Phase};
use super::resolver::Resolver;
use super::socket::Socket;
use super::stream::Stream;
use super::transport::Transport;
use crate::tls::Tls;

/// The least time that a server has to acknowledge data. A kernel may delay an acknowledgement by
/// 200 ms, and a lost packet is sent again after at least as much.
const MIN_ACKNOWLEDGEMENT_LIMIT: Duration = Duration::from_millis(500);

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
    /// The time limit of each step: resolving the name, connecting to one of its addresses, and
    /// negotiating TLS with one address.
    pub connect_timeout: Duration,
    /// The number of connections that were opened.
    pub connections: Arc<AtomicUsize>,
    /// The deadline of the current request.
    pub deadline: CurrentDeadline,
}

impl transport::Connector for Connector {
    type Out = Transport;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Transport>, ureq::Error> {
        let stream = self.connect(self.deadline.get());
        let stream = stream.map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let input_bytes = details.config.input_buffer_size();
        Ok(Some(Transport::new(stream, input_bytes, self.deadline.clone())))
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
        let secure = |socket| self.secure(socket, deadline);
        match in_turn(&addresses, self.connect_timeout, deadline, secure) {
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

    /// Negotiates TLS, if this is https.
    fn secure(&self, mut socket: Socket, deadline: Deadline) -> Result<Stream, Failure> {
        socket.set_deadline(deadline.within(self.connect_timeout).end());
        let limited = socket.set_acknowledgement_limit(self.acknowledgement_limit());
        let stream = limited.and_then(|()| match &self.tls {
            None => Ok(Stream::Plain(socket)),
            Some(tls) => Stream::secure(socket, tls),
        });
        stream.map_err(|problem| (Phase::Handshaking, problem))
    }

    /// How long the server may leave data unacknowledged. Linux notices it a third later or so, when it
    /// sends the data again. Time for a second try remains.
    fn acknowledgement_limit(&self) -> Duration {
        let limit = (self.connect_timeout * 3 / 4).min(self.timeout / 3);
        limit.max(MIN_ACKNOWLEDGEMENT_LIMIT)
    }
}

/// The phase in which a connection failed, and the error.
pub type Failure = (Phase, io::Error);

/// Opens a TCP connection to one address after the other, until `secure` succeeds with one. To accept
/// it, each address gets an equal share of what is left of `limit`. The time that `secure` takes does
/// not count, because an address that accepts is alive. If all fail, the failure in the latest phase
/// is returned.
pub fn in_turn<T>(
    addresses: &[SocketAddr],
    mut limit: Duration,
    deadline: Deadline,
    mut secure: impl FnMut(Socket) -> Result<T, Failure>,
) -> Result<(SocketAddr, T), Failure> {
    let mut failure = (Phase::Connecting, io::Error::from(io::ErrorKind::TimedOut));
    for (index, address) in addresses.iter().enumerate() {
        let rest = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let start = Instant::now();
        let socket = Socket::connect(*address, start + limit.min(deadline.left()) / rest);
        limit = limit.saturating_sub(start.elapsed());
        let socket = socket.map_err(|problem| (Phase::Connecting, problem));
        match socket.and_then(&mut secure) {
            Ok(reached) => return Ok((*address, reached)),
            Err(nearer) if nearer.0 < failure.0 => {}
            Err(further) => failure = further,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn if_all_addresses_fail_the_failure_in_the_latest_phase_is_reported() {
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let addresses = [1, 2, 3].map(|host| SocketAddr::from(([127, 0, 0, host], port)));
        let limit = Duration::from_secs(5);
        let mut accepted = 0;
        let result = in_turn::<()>(&addresses, limit, Deadline::new(limit), |_| {
            accepted += 1;
            Err((Phase::Handshaking, io::ErrorKind::UnexpectedEof.into()))
        });
        let (phase, problem) = result.unwrap_err();
        assert_eq!((phase, problem.kind()), (Phase::Handshaking, io::ErrorKind::UnexpectedEof));
        assert!(accepted >= 1);
    }
}
