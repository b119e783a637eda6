//! Why a login is not accepted.

/// The reason why a login is not accepted. Every text fits into one log line and contains no
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The user name or the password is wrong, or the password must not open this mailbox.
    Refused(String),
    /// The account is disabled. The password may be right.
    Disabled(String),
    /// The server rejects all logins from this address for a while. Nothing is known about the
    /// password.
    Throttled(String),
    /// The server gave no usable answer. Nothing is known about the password.
    Unavailable(Reason, String),
}

/// Why there is no usable answer. Metrics use the names, so there are few of them, and they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The server's name has no address, or name resolution failed.
    Dns,
    /// No address of the server accepts a connection.
    Connect,
    /// TLS failed, or the server's certificate is not trusted.
    Tls,
    /// A deadline has passed.
    Timeout,
    /// The server was unreachable a moment ago and was not asked.
    Backoff,
    /// The connection was lost, or the answer cannot be read as HTTP.
    Protocol,
    /// The server gave an answer that says nothing about the password.
    Answer,
    /// The mail server's own system failed.
    System,
}

impl Reason {
    /// The name of this reason.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Dns => "dns",
            Reason::Connect => "connect",
            Reason::Tls => "tls",
            Reason::Timeout => "timeout",
            Reason::Backoff => "backoff",
            Reason::Protocol => "protocol",
            Reason::Answer => "answer",
            Reason::System => "system",
        }
    }
}

impl Denial {
    /// The text for the log.
    pub fn text(&self) -> &str {
        match self {
            Denial::Refused(text)
            | Denial::Disabled(text)
            | Denial::Throttled(text)
            | Denial::Unavailable(_, text) => text,
        }
    }
}
