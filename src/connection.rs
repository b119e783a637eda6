//! How a connection is made and used: dialled at remembered addresses, one write a request.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver as UreqResolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};
use zeroize::{Zeroize, Zeroizing};

use crate::error::Phase;
use crate::resolver::Resolver;

/// As many as ureq's list of addresses holds.
const MAX_ADDRESSES: usize = 16;

const PHASES: [Phase; 4] =
    [Phase::Resolving, Phase::Connecting, Phase::Handshaking, Phase::Connected];

/// What happens below a request: how far it has come, and how many connections it has cost.
#[derive(Debug)]
pub struct Progress {
    phase: AtomicUsize,
    dialled: AtomicUsize,
}

impl Default for Progress {
    fn default() -> Self {
        Self { phase: AtomicUsize::new(Phase::Connected as usize), dialled: AtomicUsize::new(0) }
    }
}

impl Progress {
    /// How far the last request has come. One on a kept connection is [`Phase::Connected`] at once.
    pub fn phase(&self) -> Phase {
        PHASES[self.phase.load(Relaxed)]
    }

    /// How many connections were tried so far.
    pub fn dialled(&self) -> usize {
        self.dialled.load(Relaxed)
    }

    /// Before a request: nothing has failed yet.
    pub fn start(&self) {
        self.enter(Phase::Connected);
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as usize, Relaxed);
    }
}

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

/// The chain of connectors: TCP, TLS where the URL says https, one write a request.
pub fn connector(resolver: Resolver, progress: Arc<Progress>) -> impl Connector {
    let dial = Dial { resolver, progress: progress.clone() };
    dial.chain(RustlsConnector::default()).chain(Finish { progress })
}

#[derive(Debug)]
struct Dial {
    resolver: Resolver,
    progress: Arc<Progress>,
}

impl Connector for Dial {
    type Out = <TcpConnector as Connector>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let start = Instant::now();
        self.progress.dialled.fetch_add(1, Relaxed);
        self.progress.enter(Phase::Resolving);
        let limit = *details.timeout.after;
        let addresses =
            self.resolver.addresses(limit).map_err(|error| ureq::Error::Other(error.into()))?;

        self.progress.enter(Phase::Connecting);
        let mut addrs = details.resolver.empty();
        addresses.into_iter().take(MAX_ADDRESSES).for_each(|address| addrs.push(address));
        let details = ConnectionDetails {
            uri: details.uri,
            addrs,
            resolver: details.resolver,
            config: details.config,
            request_level: details.request_level,
            now: (details.current_time)(),
            timeout: NextTimeout {
                after: limit.saturating_sub(start.elapsed()).into(),
                ..details.timeout
            },
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let transport = TcpConnector::default().connect(&details, chained)?;
        self.progress.enter(Phase::Handshaking);
        Ok(transport)
    }
}

/// The end of the chain: the connection stands, and is used as [`OneWrite`] says.
#[derive(Debug)]
struct Finish {
    progress: Arc<Progress>,
}

impl<In: Transport> Connector<In> for Finish {
    type Out = OneWrite<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        self.progress.enter(Phase::Connected);
        let held = Vec::with_capacity(details.config.output_buffer_size());
        Ok(chained.map(|inner| OneWrite { inner, held: held.into() }))
    }
}

/// Holds the request's head back until its body is there too and sends both in one write. Wipes
/// them from every buffer, since these outlive the request on a kept connection.
struct OneWrite<T> {
    inner: T,
    held: Zeroizing<Vec<u8>>,
}

impl<T: Transport> OneWrite<T> {
    fn flush(&mut self, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.held.is_empty() {
            return Ok(());
        }
        let amount = self.held.len();
        self.inner.buffers().output()[..amount].copy_from_slice(&self.held);
        self.held.zeroize();
        let sent = self.inner.transmit_output(amount, timeout);
        self.inner.buffers().output()[..amount].zeroize();
        sent
    }
}

impl<T: Transport> Transport for OneWrite<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        // More than the capacity would move the bytes and leave a copy behind.
        if self.held.len() + amount > self.held.capacity() {
            self.flush(timeout)?;
        }
        let output = &mut self.inner.buffers().output()[..amount];
        self.held.extend_from_slice(output);
        output.zeroize();
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.flush(timeout)?;
        self.inner.await_input(timeout)
    }

    /// A connection on which more came than was asked for is not used again: the rest would be
    /// taken for the answer to the next request.
    fn is_open(&mut self) -> bool {
        self.inner.buffers().input().is_empty() && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl<T: Debug> Debug for OneWrite<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneWrite").field("inner", &self.inner).finish_non_exhaustive()
    }
}
