//! Why a request has no answer.

use std::error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::socket::is_deadline;
use crate::denial::{Denial, Reason};
use crate::text::printable;
use crate::tls;

/// The phase in which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Resolving the server's name.
    Resolving,
    /// Opening a TCP connection.
    Connecting,
    /// Negotiating TLS.
    Handshaking,
    /// Sending the request or receiving the answer.
    Connected,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Resolving => "looking up the server's address",
            Phase::Connecting => "connecting",
            Phase::Handshaking => "negotiating TLS",
            Phase::Connected => "waiting for the answer",
        })
    }
}

/// Why there is no answer. `Display` begins with the kind of error. No variant contains a password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The deadline of the lookup or of the connection has passed.
    Timeout {
        /// The phase in which it passed.
        phase: Phase,
        /// The time since the start of the lookup, in milliseconds.
        msecs: u128,
    },
    /// The server's name has no address, or name resolution failed.
    Dns {
        /// The server's name.
        host: String,
        /// What the system reports.
        source: Arc<io::Error>,
    },
    /// No address of the server accepts a connection.
    Connect(Arc<io::Error>),
    /// The TLS handshake failed, or the server's certificate is not trusted.
    Tls(rustls::Error),
    /// The connection was lost after it was open.
    Lost {
        /// [`Phase::Handshaking`] or [`Phase::Connected`].
        phase: Phase,
        /// What the system reports.
        source: Arc<io::Error>,
    },
    /// The answer is HTTP, but not one that can be used.
    Protocol(String),
    /// ureq cannot read the answer.
    Http(Arc<ureq::Error>),
    /// The server was unreachable a moment ago and is not retried yet.
    Backoff {
        /// The time since the failure, in milliseconds.
        msecs: u128,
        /// That failure.
        source: Arc<Error>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Timeout { phase, msecs } => {
                write!(f, "timeout: gave up after {msecs} ms while {phase}")
            }
            Error::Dns { host, source } => write!(f, "dns: {host}: {source}"),
            Error::Connect(source) => write!(f, "connect: {source}"),
            Error::Tls(source) => write!(f, "tls: {}", tls::text::describe(source)),
            Error::Lost { phase, source } => {
                let (kind, closed) = match phase {
                    Phase::Handshaking => ("tls", "during the handshake"),
                    _ => ("protocol", "without a complete answer"),
                };
                write!(f, "{kind}: the connection was lost: ")?;
                match source.kind() {
                    // The text of rustls has a link to its documentation.
                    io::ErrorKind::UnexpectedEof => write!(f, "the server closed it {closed}"),
                    _ => write!(f, "{source}"),
                }
            }
            Error::Protocol(problem) => write!(f, "protocol: {problem}"),
            Error::Http(source) => write!(f, "protocol: {}", unreadable(source)),
            Error::Backoff { msecs, source } => {
                write!(f, "{source}; that was {msecs} ms ago, too recently to ask again")
            }
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::Timeout { .. } | Error::Protocol(_) => None,
            Error::Dns { source, .. } | Error::Connect(source) | Error::Lost { source, .. } => {
                Some(source)
            }
            Error::Tls(source) => Some(source),
            Error::Http(source) => Some(source),
            Error::Backoff { source, .. } => Some(source),
        }
    }
}

impl Error {
    /// The reason for metrics.
    pub fn reason(&self) -> Reason {
        match self {
            Error::Timeout { .. } => Reason::Timeout,
            Error::Dns { .. } => Reason::Dns,
            Error::Connect(_) => Reason::Connect,
            Error::Tls(_) | Error::Lost { phase: Phase::Handshaking, .. } => Reason::Tls,
            Error::Lost { .. } | Error::Protocol(_) | Error::Http(_) => Reason::Protocol,
            Error::Backoff { .. } => Reason::Backoff,
        }
    }

    /// Whether there was a connection to send the request on.
    pub fn had_connection(&self) -> bool {
        match self {
            Error::Timeout { phase, .. } | Error::Lost { phase, .. } => *phase == Phase::Connected,
            Error::Protocol(_) | Error::Http(_) => true,
            Error::Dns { .. } | Error::Connect(_) | Error::Tls(_) | Error::Backoff { .. } => false,
        }
    }

    /// Converts an I/O error by the phase in which it happened. `elapsed` is the time since the
    /// start of the lookup.
    pub fn from_io(problem: io::Error, phase: Phase, elapsed: Duration) -> Self {
        if is_deadline(&problem) {
            return Error::Timeout { phase, msecs: elapsed.as_millis() };
        }
        let inner = problem.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(inner) = inner {
            return Error::Tls(inner.clone());
        }
        let source = Arc::new(problem);
        match phase {
            // The resolver has its own errors, which name the host.
            Phase::Resolving | Phase::Connecting => Error::Connect(source),
            Phase::Handshaking | Phase::Connected => Error::Lost { phase, source },
        }
    }
}

impl From<Error> for Denial {
    fn from(error: Error) -> Self {
        Denial::Unavailable(error.reason(), error.to_string())
    }
}

/// Describes why ureq cannot read an answer.
fn unreadable(problem: &ureq::Error) -> String {
    match problem {
        ureq::Error::LargeResponseHeader(..) => "the answer's head is longer than 32 KiB".into(),
        ureq::Error::BodyExceedsLimit(_) => "the answer's body is longer than 64 KiB".into(),
        other => {
            // The last part is the reason. The parts before it name modules of ureq.
            let text = other.to_string();
            if text.ends_with("too many headers") {
                return "the answer has more than 128 header fields".into();
            }
            let reason = text.rsplit(": ").next().unwrap_or_default();
            format!("the server does not speak HTTP/1.1 ({})", printable(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn an_error_has_its_cause_as_its_source() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let elapsed = Duration::from_millis(7);
        let error = Error::from_io(refused(), Phase::Connecting, elapsed);
        assert_eq!(error.source().unwrap().to_string(), refused().to_string());
        let again = Error::Backoff { msecs: 3, source: Arc::new(error.clone()) };
        assert_eq!(again.source().unwrap().to_string(), error.to_string());

        let inner = rustls::Error::NoCertificatesPresented;
        let error = Error::from_io(io::Error::other(inner.clone()), Phase::Handshaking, elapsed);
        assert_eq!(error.source().unwrap().downcast_ref(), Some(&inner));
        assert_eq!(error.to_string(), "tls: the server presents no certificate");
    }

    #[test]
    fn an_error_begins_with_its_kind() {
        let reset = || Arc::new(io::Error::from(io::ErrorKind::ConnectionReset));
        let closed = || Arc::new(io::Error::new(io::ErrorKind::UnexpectedEof, "see https://x"));
        let dns = Error::Dns { host: "host".into(), source: reset() };
        let (handshaking, connected) = (Phase::Handshaking, Phase::Connected);
        for (error, expected) in [
            (
                Error::from_io(io::ErrorKind::TimedOut.into(), connected, Duration::ZERO),
                "timeout: ",
            ),
            (dns, "dns: host: "),
            (Error::Connect(reset()), "connect: "),
            (Error::Lost { phase: handshaking, source: reset() }, "tls: the connection was lost: "),
            (
                Error::Lost { phase: connected, source: reset() },
                "protocol: the connection was lost",
            ),
            (
                Error::Lost { phase: handshaking, source: closed() },
                "tls: the connection was lost: the server closed it during the handshake",
            ),
            (
                Error::Lost { phase: connected, source: closed() },
                "protocol: the connection was lost: the server closed it without a complete answer",
            ),
            (Error::Protocol("x".into()), "protocol: x"),
            (
                Error::Http(Arc::new(ureq::Error::LargeResponseHeader(2, 1))),
                "protocol: the answer's head is longer than 32 KiB",
            ),
            (
                Error::Http(Arc::new(ureq::Error::BodyExceedsLimit(1))),
                "protocol: the answer's body is longer than 64 KiB",
            ),
            (
                Error::Http(Arc::new(ureq::Error::BadUri("a: b".into()))),
                "protocol: the server does not speak HTTP/1.1 (b)",
            ),
        ] {
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
