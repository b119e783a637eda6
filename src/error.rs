//! The one error of this crate.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::tls_error;

/// How far a request had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The name service was asked for the server's addresses.
    Resolving,
    /// A TCP connection was being opened.
    Connecting,
    /// TLS was being agreed upon.
    Handshaking,
    /// The request was on its way, or its answer.
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

/// Why there is no answer. `Display` begins with the kind; no variant holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// When a client is made: an option is unknown, missing, of the wrong type, out of range, or
    /// names a file that cannot be used.
    Option {
        /// The option's name.
        key: String,
        /// What was expected, and what came.
        problem: String,
    },
    /// When the deadline of the lookup, or that of the connection, has passed.
    Timeout {
        /// What was going on at that time.
        phase: Phase,
        /// The time spent, in milliseconds.
        msecs: u128,
    },
    /// When the server's name has no address, or the name service does not work.
    Dns(String),
    /// When no address of the server accepts a connection.
    Connect(String),
    /// When TLS cannot be agreed upon, or the server's certificate is not to be trusted.
    Tls(String),
    /// When the server does not speak HTTP, or breaks off.
    Protocol(String),
    /// When no server may be asked with this user id or password (RFC 7617).
    Credentials(&'static str),
    /// When the server was out of reach a moment ago, so that it was not asked.
    Backoff {
        /// The time since, in milliseconds.
        msecs: u128,
        /// What was the matter with it.
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
    /// What a failed read, write or connection means, by the phase in which it came.
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
            Phase::Handshaking => Error::Tls(format!("the server broke off: {problem}")),
            Phase::Connected => Error::Protocol(format!("the server broke off: {problem}")),
        }
    }
}
