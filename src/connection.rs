//! A connection to the server: dialled at remembered addresses, one write a request, and kept.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::answer::Head;
use crate::channel::{Channel, Tls};
use crate::error::{Error, Phase};
use crate::resolver::Resolver;
use crate::socket::Socket;

/// A kept connection is trusted for so long; firewalls forget idle ones without a word.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Makes connections to one server.
#[derive(Debug)]
pub struct Dial {
    pub resolver: Resolver,
    /// None for http.
    pub tls: Option<Tls>,
    /// The time to look the addresses up, and again to reach one of them, TLS included.
    pub timeout: Duration,
}

impl Dial {
    /// Opens a connection for a lookup that began at `start` and must end at `deadline`.
    ///
    /// # Errors
    /// Any but [`Error::Option`], [`Error::Credentials`] and [`Error::Backoff`].
    pub fn connect(&self, start: Instant, deadline: Instant) -> Result<Connection, Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        let addresses = self.resolver.addresses(self.timeout.min(left))?;
        let deadline = deadline.min(Instant::now() + self.timeout);
        let reached =
            in_turn(&addresses, deadline, |address, deadline| self.reach(address, deadline));
        match reached {
            Ok((address, channel)) => {
                self.resolver.prefer(address);
                Ok(Connection { input: BufReader::new(channel), used: start })
            }
            Err((phase, problem)) => {
                self.resolver.doubt();
                Err(Error::from_io(problem, phase, start.elapsed()))
            }
        }
    }

    fn reach(&self, address: SocketAddr, deadline: Instant) -> Result<Channel, Failure> {
        let connecting = |problem| (Phase::Connecting, problem);
        let socket = Socket::connect(address, deadline).map_err(connecting)?;
        match &self.tls {
            None => Ok(Channel::Plain(socket)),
            Some(tls) => {
                Channel::secure(socket, tls).map_err(|problem| (Phase::Handshaking, problem))
            }
        }
    }
}

/// How far one came, and what happened there.
pub type Failure = (Phase, io::Error);

/// Tries one address after the other; each may take an equal share of the time that is left. If all
/// fail, the one that came furthest has most to tell.
pub fn in_turn<T>(
    addresses: &[SocketAddr],
    deadline: Instant,
    mut reach: impl FnMut(SocketAddr, Instant) -> Result<T, Failure>,
) -> Result<(SocketAddr, T), Failure> {
    let mut failure = (Phase::Connecting, io::Error::from(io::ErrorKind::TimedOut));
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        match reach(*address, Instant::now() + share) {
            Ok(reached) => return Ok((*address, reached)),
            Err(nearer) if nearer.0 < failure.0 => {}
            Err(further) => failure = further,
        }
    }
    Err(failure)
}

/// A connection to the server.
#[derive(Debug)]
pub struct Connection {
    input: BufReader<Channel>,
    /// When it was last of use.
    used: Instant,
}

impl Connection {
    /// Sends a request and waits until its answer begins.
    ///
    /// # Errors
    /// Nothing was heard of the server, so that it may not have seen the request.
    pub fn send(&mut self, request: &[u8], deadline: Instant) -> io::Result<()> {
        let channel = self.input.get_mut();
        channel.set_deadline(deadline);
        channel.send(request)?;
        match self.input.fill_buf()? {
            [] => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Reads the head of the answer to a request with this method.
    ///
    /// # Errors
    /// As [`Head::read`].
    pub fn read_head(&mut self, method: &str) -> io::Result<Head> {
        Head::read(&mut self.input, method)
    }

    /// Reads the body that belongs to `head`.
    ///
    /// # Errors
    /// As [`Head::read_body`].
    pub fn read_body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        let body = head.read_body(&mut self.input);
        self.used = Instant::now();
        body
    }

    /// Whether another request may be sent: it is not too old, and nothing came unasked.
    pub fn is_idle(&mut self) -> bool {
        self.used.elapsed() < MAX_IDLE
            && self.input.buffer().is_empty()
            && self.input.get_mut().is_idle()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_connection_is_not_trusted_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        let socket = Socket::connect(listener.local_addr().unwrap(), deadline).unwrap();
        let input = BufReader::new(Channel::Plain(socket));
        let mut connection = Connection { input, used: Instant::now() };
        assert!(connection.is_idle());
        connection.used -= MAX_IDLE;
        assert!(!connection.is_idle());
    }

    #[test]
    fn of_addresses_that_fail_the_one_that_came_furthest_is_told() {
        let addresses: Vec<SocketAddr> =
            (1..4).map(|host| SocketAddr::from(([127, 0, 0, host], 1))).collect();
        let problem = |phase, kind: io::ErrorKind| Err::<(), _>((phase, kind.into()));
        let mut tries = 0;
        let result = in_turn(&addresses, Instant::now(), |_, _| {
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
