//! One login, from the user name and password to the verdict.

use std::net::IpAddr;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::http::{Client, Lookup};
use crate::options::FileAccess;
use crate::ssha256::ssha256;
use crate::verdict::{self, Verdict};

/// Verifies a password against the server. `remote_ip` is the client's address in text form; it is
/// sent only if it is a valid IP address.
pub fn verify(client: &Client, user: &[u8], password: &[u8], remote_ip: Option<&[u8]>) -> Verdict {
    let credentials = match Credentials::new(client.options().sent_name(user), password) {
        Ok(credentials) => credentials,
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    let lookup = client.lookup(credentials, remote_ip.and_then(address));
    let proof = prove(client, user, &lookup);
    match proof.and_then(|()| ssha256(password).map_err(unavailable)) {
        Ok(hash) => Verdict::Ok(hash),
        Err(Verdict::Unavailable(why)) => {
            Verdict::Unavailable(format!("{why} [{}]", client.options().url))
        }
        Err(verdict) => verdict,
    }
}

/// Sends one request, or two with `file_access = "none"`. The error is the verdict if the answers do
/// not prove that the password is right.
fn prove(client: &Client, user: &[u8], lookup: &Lookup) -> Result<(), Verdict> {
    let response = client.propfind(lookup).map_err(unavailable)?;
    verdict::check_answer(client.options(), user, &response)?;
    if client.options().file_access == FileAccess::Any {
        return Ok(());
    }
    let name = verdict::file_owner(&response)?;
    let response = client.propfind_files(&name, lookup).map_err(unavailable)?;
    verdict::check_files(&response)
}

fn unavailable(error: Error) -> Verdict {
    Verdict::Unavailable(error.to_string())
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
