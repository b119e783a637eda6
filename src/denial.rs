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
    Unavailable(String),
}

impl Denial {
    /// The text for the log.
    pub fn text(&self) -> &str {
        match self {
            Denial::Refused(text)
            | Denial::Disabled(text)
            | Denial::Throttled(text)
            | Denial::Unavailable(text) => text,
        }
    }
}
