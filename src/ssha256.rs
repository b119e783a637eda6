//! The salted hash of a password, which Dovecot keeps in its auth cache.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::hash::Hash as HashFunction;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::{GetRandomFailed, ring};
use zeroize::Zeroizing;

const SCHEME: &str = "{SSHA256}";

/// The first half of every salt of this process: random bytes. `None` if the operating system
/// provided none.
static SALT_PREFIX: LazyLock<Option<[u8; 8]>> = LazyLock::new(|| {
    let mut bytes = [0; 8];
    ring::default_provider().secure_random.fill(&mut bytes).ok().map(|()| bytes)
});

/// The second half of the next salt: a counter. A salt must be unique but not secret, so a counter
/// suffices and saves a system call.
static SALT_COUNTER: AtomicU64 = AtomicU64::new(0);

/// The salted hash of a verified password in Dovecot's scheme SSHA256, the value of the passdb field
/// `password`: `{SSHA256}`, followed by the base64 encoding of SHA-256(password, salt) and the salt.
///
/// This is a fast hash on purpose. It exists only in the memory of Dovecot's auth process, and
/// Dovecot computes it again at every login.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(String);

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.0
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hash").finish_non_exhaustive()
    }
}

/// Hashes `password` with a new salt.
///
/// # Errors
/// The operating system provides no random bytes.
pub fn ssha256(password: &[u8]) -> Result<Hash, GetRandomFailed> {
    let prefix = SALT_PREFIX.ok_or(GetRandomFailed)?;
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&prefix);
    salt[8..].copy_from_slice(&SALT_COUNTER.fetch_add(1, Relaxed).to_be_bytes());
    Ok(Hash(salted(password, salt)))
}

/// SHA-256, as TLS uses it.
fn sha256() -> &'static dyn HashFunction {
    TLS13_AES_128_GCM_SHA256.tls13().expect("it is for TLS 1.3").common.hash_provider
}

fn salted(password: &[u8], salt: [u8; 16]) -> String {
    let digest = sha256().hash(&Zeroizing::new([password, &salt].concat()));
    let mut hash = [0; 48];
    hash[..32].copy_from_slice(digest.as_ref());
    hash[32..].copy_from_slice(&salt);
    let mut field = vec![0; SCHEME.len() + hash.len() / 3 * 4];
    let (scheme, encoded) = field.split_at_mut(SCHEME.len());
    scheme.copy_from_slice(SCHEME.as_bytes());
    STANDARD.encode_slice(hash, encoded).expect("the slice has the encoded length");
    String::from_utf8(field).expect("base64 is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_what_doveadm_pw_makes() {
        // printf 'secret0123456789abcdef' | openssl sha256 -binary | cat - <(printf 0123456789abcdef) | base64 -w0
        assert_eq!(
            salted(b"secret", *b"0123456789abcdef"),
            "{SSHA256}s6Cg+woK9jB5WED62wgbWPiwfW/BXES96rk7oBGXqjgwMTIzNDU2Nzg5YWJjZGVm"
        );
    }

    #[test]
    fn two_fields_of_one_password_differ() {
        assert_ne!(ssha256(b"secret").unwrap(), ssha256(b"secret").unwrap());
    }

    #[test]
    fn debug_output_shows_no_hash() {
        assert_eq!(format!("{:?}", ssha256(b"secret").unwrap()), "Hash { .. }");
    }
}
