//! One login, from name and password to verdict.

use std::net::IpAddr;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::http::{Client, Lookup};
use crate::options::FileAccess;
use crate::ssha256::ssha256;
use crate::verdict::{self, Verdict};

/// Asks the server whether the password is right. `remote_ip`, the client's address in text form,
/// is not sent if it is no IP address.
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

/// Sends as many requests as the options want; whatever is not proven is a verdict.
fn prove(client: &Client, user: &[u8], lookup: &Lookup) -> Result<(), Verdict> {
    let response = client.propfind(lookup).map_err(unavailable)?;
    verdict::judge(client.options(), user, &response)?;
    if client.options().file_access == FileAccess::Any {
        return Ok(());
    }
    let name = verdict::file_owner(&response)?;
    let response = client.propfind_files(&name, lookup).map_err(unavailable)?;
    verdict::judge_files(&response)
}

fn unavailable(error: Error) -> Verdict {
    Verdict::Unavailable(error.to_string())
}

/// The IP address in a request field, if it is one.
pub fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_address_or_nothing() {
        assert!(address(b"192.0.2.1").is_some() && address(b"2001:db8::1").is_some());
        for text in [&b""[..], b"host", b"192.0.2.1:80", b"[::1]", b"192.0.2.1\r\nX: y", b"\xff"] {
            assert_eq!(address(text), None);
        }
    }
}
