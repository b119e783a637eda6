//! How a connection is made and used, in ureq's terms: dialled at remembered addresses, one write
//! a request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver as UreqResolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use zeroize::Zeroize;

use crate::channel::{Channel, Tls};
use crate::error::Phase;
use crate::progress::Progress;
use crate::resolver::Resolver;
use crate::socket::Socket;

/// ureq asks a resolver before it looks for a kept connection: this one answers nothing, and
/// [`Dial`] asks the real one when a new connection is needed.
#[derive(Debug)]
pub struct Later;

impl UreqResolver for Later {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// Makes new connections.
#[derive(Debug)]
pub struct Dial {
    pub resolver: Resolver,
    /// None for http.
    pub tls: Option<Tls>,
    /// The time to look the addresses up, and again to reach one of them, TLS included.
    pub timeout: Duration,
    pub progress: Arc<Progress>,
}

impl Connector for Dial {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let deadline = Instant::now() + *details.timeout.after;
        self.progress.dial();
        let addresses = self
            .resolver
            .addresses(self.timeout.min(*details.timeout.after))
            .map_err(|error| ureq::Error::Other(error.into()))?;
        let deadline = deadline.min(Instant::now() + self.timeout);
        let channel = self.reach_one(&addresses, deadline).map_err(|problem| {
            self.resolver.doubt();
            explained(problem, details.timeout)
        })?;
        self.progress.enter(Phase::Connected);
        let config = details.config;
        Ok(Some(Connection {
            channel,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            held: Vec::with_capacity(config.output_buffer_size()),
            progress: self.progress.clone(),
            is_fresh: false,
        }))
    }
}

impl Dial {
    /// Tries one address after the other; each may take an equal share of the time that is left.
    /// If all fail, the one that came furthest has most to tell.
    fn reach_one(&self, addresses: &[SocketAddr], deadline: Instant) -> io::Result<Channel> {
        let mut failure = (Phase::Connecting, io::Error::from(io::ErrorKind::TimedOut));
        for (index, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            match self.reach(*address, Instant::now() + share) {
                Ok(channel) => {
                    self.resolver.prefer(*address);
                    return Ok(channel);
                }
                Err(problem) if self.progress.phase() >= failure.0 => {
                    failure = (self.progress.phase(), problem);
                }
                Err(_) => {}
            }
        }
        self.progress.enter(failure.0);
        Err(failure.1)
    }

    fn reach(&self, address: SocketAddr, deadline: Instant) -> io::Result<Channel> {
        self.progress.enter(Phase::Connecting);
        let socket = Socket::connect(address, deadline)?;
        let Some(tls) = &self.tls else {
            return Ok(Channel::Plain(socket));
        };
        self.progress.enter(Phase::Handshaking);
        Channel::secure(socket, tls)
    }
}

/// A problem in ureq's words.
fn explained(problem: io::Error, timeout: NextTimeout) -> ureq::Error {
    match problem.kind() {
        io::ErrorKind::TimedOut => ureq::Error::Timeout(timeout.reason),
        _ => ureq::Error::Io(problem),
    }
}

/// A connection. It holds the request's head back until its body is there too and sends both in
/// one write. Both are wiped from every buffer, since these outlive the request.
pub struct Connection {
    channel: Channel,
    buffers: LazyBuffers,
    held: Vec<u8>,
    progress: Arc<Progress>,
    /// Nothing but an answer was read since the last request.
    is_fresh: bool,
}

impl Connection {
    fn flush(&mut self) -> io::Result<()> {
        let sent = if self.held.is_empty() { Ok(()) } else { self.channel.send(&self.held) };
        self.held.as_mut_slice().zeroize();
        self.held.clear();
        sent
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        // More than the capacity would move the bytes and leave a copy behind.
        if self.held.len() + amount > self.held.capacity() {
            self.channel.set_deadline(Instant::now() + *timeout.after);
            self.flush().map_err(|problem| explained(problem, timeout))?;
        }
        let output = &mut self.buffers.output()[..amount];
        self.held.extend_from_slice(output);
        output.zeroize();
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.channel.set_deadline(Instant::now() + *timeout.after);
        let input = self.flush().and_then(|()| {
            let space = self.buffers.input_append_buf();
            // Without space ureq must give up; a read would only say that the answer has ended.
            if space.is_empty() { Ok(0) } else { self.channel.read(space) }
        });
        let amount = input.map_err(|problem| explained(problem, timeout))?;
        self.buffers.input_appended(amount);
        if amount > 0 {
            self.progress.answer();
        }
        self.is_fresh = true;
        Ok(amount > 0)
    }

    /// ureq asks when it keeps a connection, unless there is input that nobody asked for, and again
    /// when the connection is wanted: that is soon enough to look.
    fn is_open(&mut self) -> bool {
        std::mem::take(&mut self.is_fresh) || self.channel.is_idle()
    }

    fn is_tls(&self) -> bool {
        matches!(self.channel, Channel::Secured(_))
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("channel", &self.channel).finish_non_exhaustive()
    }
}
