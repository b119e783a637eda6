//! One login, from the user name and password to the hash or the denial.

use std::net::IpAddr;

use crate::credentials::Credentials;
use crate::denial::Denial;
use crate::http::{Client, Error, Lookup};
use crate::options::FileAccess;
use crate::ssha256::ssha256;
use crate::verdict;

pub use crate::ssha256::Hash;

/// Verifies a password against the server. `remote_ip` is the client's address in text form; it is
/// sent only if it is a valid IP address. Returns the hash of the password.
///
/// # Errors
/// The denial, if the password is not proved to be right.
pub fn verify(
    client: &Client,
    user: &[u8],
    password: &[u8],
    remote_ip: Option<&[u8]>,
) -> Result<Hash, Denial> {
    let name =
        client.options().sent_name(user).map_err(|error| Denial::Refused(error.to_string()))?;
    let credentials =
        Credentials::new(name, password).map_err(|error| Denial::Refused(error.to_string()))?;
    let lookup = client.lookup(credentials, remote_ip.and_then(address));
    let hash = prove(client, user, &lookup).and_then(|()| {
        let no_random_bytes = "the operating system provides no random bytes";
        ssha256(password).map_err(|_| Denial::Unavailable(no_random_bytes.into()))
    });
    hash.map_err(|denial| match denial {
        Denial::Unavailable(text) => {
            Denial::Unavailable(format!("{text} [{}]", client.options().url))
        }
        other => other,
    })
}

/// Sends one request, or two with `file_access = "none"`.
///
/// # Errors
/// The denial, if the answers do not prove that the password is right.
fn prove(client: &Client, user: &[u8], lookup: &Lookup) -> Result<(), Denial> {
    let unavailable = |error: Error| Denial::Unavailable(error.to_string());
    let answer = client.propfind(lookup).map_err(unavailable)?;
    verdict::check_answer(client.options(), user, &answer)?;
    if client.options().file_access == FileAccess::Any {
        return Ok(());
    }
    let name = verdict::file_owner(&answer)?;
    let answer = client.propfind_files(&name, lookup).map_err(unavailable)?;
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
