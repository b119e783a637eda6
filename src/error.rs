//! The error type of this crate.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::tls_error;

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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// An option is unknown, missing, of the wrong type or out of range, or it names a file that
    /// cannot be used.
    Option {
        /// The option's name.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The deadline of the lookup or of the connection has passed.
    Timeout {
        /// The phase in which it passed.
        phase: Phase,
        /// The time since the start of the lookup, in milliseconds.
        msecs: u128,
    },
    /// The server's name has no address, or name resolution failed.
    Dns(String),
    /// No address of the server accepts a connection.
    Connect(String),
    /// The TLS handshake failed, or the server's certificate is not trusted.
    Tls(String),
    /// The server does not speak HTTP, or closes the connection too early.
    Protocol(String),
    /// The user id or the password cannot be sent to any server (RFC 7617, section 2).
    Credentials(&'static str),
    /// The server was unreachable a moment ago and is not retried yet.
    Backoff {
        /// The time since the failure, in milliseconds.
        msecs: u128,
        /// That failure.
        error: Box<Error>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Option { key, problem } => write!(f, "{key} {problem}"),
            Error::Timeout { phase, msecs } => {
                write!(f, "timeout: gave up after {msecs} ms while {phase}")
            }
            Error::Dns(why) => write!(f, "dns: {why}"),
            Error::Connect(why) => write!(f, "connect: {why}"),
            Error::Tls(why) => write!(f, "tls: {why}"),
            Error::Protocol(why) => write!(f, "protocol: {why}"),
            Error::Credentials(why) => write!(f, "credentials: {why}"),
            Error::Backoff { msecs, error } => {
                write!(f, "{error}; that was {msecs} ms ago, too recently to ask again")
            }
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// Converts an I/O error by the phase in which it happened. `elapsed` is the time since the
    /// start of the lookup.
    pub fn from_io(problem: io::Error, phase: Phase, elapsed: Duration) -> Self {
        if problem.kind() == io::ErrorKind::TimedOut {
            return Error::Timeout { phase, msecs: elapsed.as_millis() };
        }
        if let Some(problem) = problem.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Error::Tls(tls_error::describe(problem));
        }
        match phase {
            Phase::Resolving => Error::Dns(problem.to_string()),
            Phase::Connecting => Error::Connect(problem.to_string()),
            Phase::Handshaking => Error::Tls(format!("the connection was lost: {problem}")),
            Phase::Connected => Error::Protocol(format!("the connection was lost: {problem}")),
        }
    }
}
