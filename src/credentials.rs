//! User ids and passwords that HTTP Basic authentication can transmit, and the Authorization value.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use percent_encoding::percent_decode;
use ureq::http::HeaderValue;
use zeroize::Zeroizing;

/// The maximum length of user id and password together, in bytes. Encoded, they then fit into the
/// 8190 bytes that Apache accepts for a header line (`LimitRequestFieldSize`).
pub const MAX_BYTES: usize = 6000;

/// The user id or the password cannot be sent to any server (RFC 7617, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(&'static str);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "credentials: {}", self.0)
    }
}

impl std::error::Error for Error {}

const SCHEME: &[u8] = b"Basic ";

/// A user id and a password that can be sent to a server (RFC 7617, section 2).
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    user: &'a [u8],
    password: &'a [u8],
}

impl<'a> Credentials<'a> {
    /// Checks a user id and a password. Both are sent unchanged, in whatever encoding they are.
    ///
    /// # Errors
    /// [`Error`] if one of them is empty or contains a control character, if the user id
    /// contains a colon, or if both together are longer than [`MAX_BYTES`].
    pub fn new(user: &'a [u8], password: &'a [u8]) -> Result<Self, Error> {
        let problem = if user.is_empty() {
            "the user id is empty"
        } else if user.contains(&b':') {
            "the user id contains a colon"
        } else if user.iter().any(u8::is_ascii_control) {
            "the user id contains a control character"
        } else if password.is_empty() {
            "the password is empty"
        } else if password.iter().any(u8::is_ascii_control) {
            "the password contains a control character"
        } else if user.len() + password.len() > MAX_BYTES {
            "the user id and the password are longer than 6000 bytes"
        } else {
            return Ok(Self { user, password });
        };
        Err(Error(problem))
    }

    /// The value of the Authorization header. Its memory is wiped when the last copy is dropped.
    pub fn authorization(&self) -> HeaderValue {
        let length = self.user.len() + 1 + self.password.len();
        let mut value = Zeroizing::new(vec![0; SCHEME.len() + length.div_ceil(3) * 4]);
        let (scheme, mut free) = value.split_at_mut(SCHEME.len());
        scheme.copy_from_slice(SCHEME);
        // Encoded in place, in groups of three bytes: appending to a string would leave copies in
        // buffers that are not wiped, and a copy of the pair would have to be wiped, too.
        let (groups, rest) = self.user.split_at(self.user.len() / 3 * 3);
        let (begin, others) = self.password.split_at(self.password.len().min(2 - rest.len()));
        let mut middle = Zeroizing::new([0; 3]);
        let bytes = rest.iter().chain(b":").chain(begin);
        middle.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        let middle = &middle[..rest.len() + 1 + begin.len()];
        for part in [groups, middle, others] {
            let written =
                STANDARD.encode_slice(part, free).expect("the slice has the encoded length");
            free = &mut free[written..];
        }
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value))
            .expect("base64 is valid in a header value");
        value.set_sensitive(true);
        value
    }
}

impl Credentials<'_> {
    /// Whether a text contains the password: as it is, percent-encoded, or in base64.
    #[cold]
    pub fn are_in(&self, text: &[u8]) -> bool {
        let contains = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|it| it == part);
        let decoded = Zeroizing::new(percent_decode(text).collect::<Vec<u8>>());
        let value = self.authorization();
        let alone = Zeroizing::new(STANDARD_NO_PAD.encode(self.password));
        let pair = value.as_bytes()[SCHEME.len()..].split(|byte| *byte == b'=').next();
        contains(text, self.password)
            || contains(&decoded, self.password)
            || contains(text, alone.as_bytes())
            || pair.is_some_and(|pair| contains(text, pair))
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(user: &[u8], password: &[u8]) -> String {
        Credentials::new(user, password).unwrap_err().to_string()
    }

    #[test]
    fn a_user_id_is_neither_empty_nor_ambiguous() {
        assert_eq!(problem(b"", b"x"), "credentials: the user id is empty");
        assert_eq!(problem(b"a:b", b"x"), "credentials: the user id contains a colon");
        for control in [b"a\0", b"a\r", b"a\n", b"a\x1f", b"a\x7f"] {
            assert_eq!(
                problem(control, b"x"),
                "credentials: the user id contains a control character"
            );
        }
    }

    #[test]
    fn a_password_is_not_empty_and_contains_no_control_character() {
        assert_eq!(problem(b"a", b""), "credentials: the password is empty");
        for control in [b"\0x", b"\rx", b"\nx", b"\x1fx", b"\x7fx"] {
            assert_eq!(
                problem(b"a", control),
                "credentials: the password contains a control character"
            );
        }
        for fine in [&b"a:b"[..], "grüß".as_bytes(), b"\xff\xfe", b" "] {
            assert!(Credentials::new(b"a", fine).is_ok(), "{fine:?}");
        }
    }

    #[test]
    fn user_id_and_password_fit_into_a_header_line() {
        assert!(Credentials::new(b"a", &[b'x'; MAX_BYTES - 1]).is_ok());
        assert!(problem(b"a", &[b'x'; MAX_BYTES]).contains("6000"));
    }

    #[test]
    fn the_authorization_value_is_that_of_rfc_7617() {
        let value = Credentials::new(b"Aladdin", b"open sesame").unwrap().authorization();
        assert_eq!(value.as_bytes(), b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let value = Credentials::new(b"test", "123£".as_bytes()).unwrap().authorization();
        assert_eq!(value.as_bytes(), b"Basic dGVzdDoxMjPCow==");
        let value = Credentials::new(b"a", b"\xff:").unwrap().authorization();
        assert_eq!(value.as_bytes(), b"Basic YTr/Og==");
    }

    #[test]
    fn the_authorization_value_is_the_same_for_all_lengths_as_that_of_the_whole_pair() {
        let text = "abcdefgh".as_bytes();
        for (user, password) in (1..8).flat_map(|user| (1..8).map(move |password| (user, password)))
        {
            let value = Credentials::new(&text[..user], &text[..password]).unwrap().authorization();
            let pair = [&text[..user], b":", &text[..password]].concat();
            assert_eq!(value.as_bytes(), format!("Basic {}", STANDARD.encode(pair)).as_bytes());
        }
    }

    #[test]
    fn the_password_is_found_in_a_text_as_it_is_or_encoded() {
        let credentials = Credentials::new(b"alice", b"p\xc3\xa4ss word").unwrap();
        for text in [
            "a pässword: päss word!",
            "https://host/p%C3%A4ss%20word",
            "cMOkc3Mgd29yZA==",
            "Basic YWxpY2U6cMOkc3Mgd29yZA==",
        ] {
            assert!(credentials.are_in(text.as_bytes()), "{text}");
        }
        for text in ["", "päss  word", "alice", "YWxpY2U6", "%"] {
            assert!(!credentials.are_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let credentials = Credentials::new(b"alice", b"hunter2").unwrap();
        assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
        assert_eq!(format!("{:?}", credentials.authorization()), "Sensitive");
    }
}
