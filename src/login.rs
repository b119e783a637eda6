//! One login, from the user name and password to the hash or the denial.

use std::net::IpAddr;

use crate::credentials::Credentials;
use crate::denial::{Denial, Reason};
use crate::http::{Client, Connection, Lookup};
use crate::options::FileAccess;
use crate::ssha256::ssha256;
use crate::verdict;

pub use crate::ssha256::Hash;

/// Verifies a password against the server. `remote_ip` is the client's address in text form; it is
/// sent only if it is a valid IP address. Returns the hash of the password, or the denial if the
/// password is not proved to be right, and the connection that was used.
pub fn verify(
    client: &Client,
    user: &[u8],
    password: &[u8],
    remote_ip: Option<&[u8]>,
) -> (Result<Hash, Denial>, Connection) {
    let credentials = match credentials(client, user, password) {
        Ok(credentials) => credentials,
        Err(denial) => return (Err(denial), Connection::None),
    };
    let lookup = client.lookup(credentials, remote_ip.and_then(address));
    let hash = prove(client, user, &lookup).and_then(|()| {
        let no_random_bytes = "the operating system provides no random bytes";
        ssha256(password).map_err(|_| Denial::Unavailable(Reason::System, no_random_bytes.into()))
    });
    let hash = hash.map_err(|denial| match denial {
        Denial::Unavailable(reason, text) => {
            Denial::Unavailable(reason, format!("{text} [{}]", client.options().url))
        }
        other => other,
    });
    (hash, lookup.connection())
}

fn credentials<'a>(
    client: &Client,
    user: &'a [u8],
    password: &'a [u8],
) -> Result<Credentials<'a>, Denial> {
    let name = client.options().sent_name(user);
    let name = name.map_err(|error| Denial::Refused(error.to_string()))?;
    Credentials::new(name, password).map_err(|error| Denial::Refused(error.to_string()))
}

/// Sends one request, or two with `file_access = "none"`.
///
/// # Errors
/// The denial, if the answers do not prove that the password is right.
fn prove(client: &Client, user: &[u8], lookup: &Lookup) -> Result<(), Denial> {
    let answer = client.propfind(lookup)?;
    verdict::check_answer(client.options(), user, &answer)?;
    if client.options().file_access == FileAccess::Any {
        return Ok(());
    }
    let name = verdict::file_owner(&answer)?;
    let answer = client.propfind_files(&name, lookup)?;
    verdict::check_files(client.options(), &answer)
}

/// Parses the IP address in a request field.
pub fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ip_address_is_an_address() {
        assert!(address(b"192.0.2.1").is_some() && address(b"2001:db8::1").is_some());
        for text in [&b""[..], b"host", b"192.0.2.1:80", b"[::1]", b"192.0.2.1\r\nX: y", b"\xff"] {
            assert_eq!(address(text), None);
        }
    }
}
