//! lbase64's rules: what its tables hold, which bytes its decoder skips, and where it fails.
//!
//! They are those of lbase64 1.5.3 to the letter, oddities included: a script must not notice which
//! of the two it runs on.

use std::convert::Infallible;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};
use zeroize::Zeroizing;

/// How many values an encoder's table has: 64 digits and, as the last, the padding.
pub const VALUES: usize = 65;

const PADDING: u8 = b'=';

/// Why a text cannot be encoded or decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The text needs an entry of the encoder that is missing or no byte.
    NoByte(u8),
    /// The text holds a character that the decoder keeps and has no number for.
    NoValue(u8),
    /// The decoder has no character for 62 or 63, whatever the text.
    NoCharacter(u8),
    /// The characters that are no garbage make no whole groups of four.
    Incomplete,
}

/// What `makeencoder` puts in its table: the byte of each value.
pub const fn bytes(s62: Option<u8>, s63: Option<u8>, spad: Option<u8>) -> [Option<u8>; VALUES] {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut bytes = [None; VALUES];
    let mut value = 0;
    while value < digits.len() {
        bytes[value] = Some(digits[value]);
        value += 1;
    }
    bytes[62] = s62;
    bytes[63] = s63;
    bytes[64] = spad;
    bytes
}

/// What `makedecoder` puts in its table: the value of each byte.
pub fn values(bytes: &[Option<u8>; VALUES]) -> [Option<u8>; 256] {
    let mut values = [None; 256];
    // The order in which Lua walks the encoder's table: where two values share a byte, the last wins.
    for value in (1..VALUES).chain([0]) {
        if let Some(byte) = bytes[value] {
            values[usize::from(byte)] = Some(value as u8);
        }
    }
    values
}

/// An alphabet that the base64 crate serves. To set it up for any other takes the crate longer than
/// our own loop needs for a kilobyte.
struct Alphabet {
    bytes: [Option<u8>; VALUES],
    engine: GeneralPurpose,
}

static ALPHABETS: [Alphabet; 2] = [
    Alphabet { bytes: bytes(Some(b'+'), Some(b'/'), Some(PADDING)), engine: STANDARD },
    Alphabet { bytes: bytes(Some(b'-'), Some(b'_'), Some(PADDING)), engine: URL_SAFE },
];

/// A table that turns values into bytes.
pub struct Encoder {
    bytes: [Option<u8>; VALUES],
    engine: Option<&'static GeneralPurpose>,
}

/// The encoder of a call that brings none.
pub static ENCODER: LazyLock<Encoder> = LazyLock::new(|| Encoder::new(ALPHABETS[0].bytes));

impl Encoder {
    /// An encoder with these entries; one that is missing is missed when a text needs it.
    pub fn new(bytes: [Option<u8>; VALUES]) -> Self {
        let known = ALPHABETS.iter().find(|alphabet| alphabet.bytes == bytes);
        Self { bytes, engine: known.map(|alphabet| &alphabet.engine) }
    }

    /// Encodes `text`.
    ///
    /// # Errors
    /// [`Error::NoByte`]
    pub fn encode(&self, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut out = Zeroizing::new(vec![0; text.len().div_ceil(3) * 4]);
        match self.engine {
            Some(engine) => _ = engine.encode_slice(text, &mut out).expect("there is room"),
            None => self.encode_by_table(text, &mut out)?,
        }
        Ok(out)
    }

    fn encode_by_table(&self, text: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let byte = |value: u32| self.bytes[value as usize].ok_or(Error::NoByte(value as u8));
        for (group, out) in text.chunks(3).zip(out.chunks_exact_mut(4)) {
            let octet = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
            let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
            out[0] = byte(bits >> 18)?;
            out[1] = byte(bits >> 12 & 63)?;
            out[2] = byte(if group.len() > 1 { bits >> 6 & 63 } else { 64 })?;
            out[3] = byte(if group.len() > 2 { bits & 63 } else { 64 })?;
        }
        Ok(())
    }
}

/// What a decoder makes of a byte.
#[derive(Clone, Copy, PartialEq)]
enum Character {
    Garbage,
    Unknown,
    Value(u32),
}

/// A table that turns bytes into values.
pub struct Decoder {
    characters: [Character; 256],
    engine: Option<&'static GeneralPurpose>,
}

/// The decoder of a call that brings none.
pub static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let values = values(&ALPHABETS[0].bytes);
    let value = |byte| Ok::<_, Infallible>(values[usize::from(byte)].map(u32::from));
    Decoder::new(b'+', b'/', value).unwrap_or_else(|never| match never {})
});

impl Decoder {
    /// A decoder whose characters for 62 and 63 are these; `value` is asked about each byte that
    /// counts in a text. A value needs not be below 64: the bits that are too many spill over, as
    /// far as the 24 of a group.
    ///
    /// Every other byte is garbage and skipped, even if it has a value.
    pub fn new<E>(
        s62: u8,
        s63: u8,
        value: impl Fn(u8) -> Result<Option<u32>, E>,
    ) -> Result<Self, E> {
        let mut characters = [Character::Garbage; 256];
        for (byte, character) in (0..=u8::MAX).zip(&mut characters) {
            let counts = byte.is_ascii_alphanumeric() || byte == PADDING;
            if counts || matches(s62, byte) || matches(s63, byte) {
                *character = value(byte)?.map_or(Character::Unknown, Character::Value);
            }
        }
        let agrees = |alphabet: &&Alphabet| {
            (0..64).zip(alphabet.bytes).all(|(value, byte)| {
                byte.map(|byte| characters[usize::from(byte)]) == Some(Character::Value(value))
            })
        };
        let known = ALPHABETS.iter().find(agrees);
        Ok(Self { characters, engine: known.map(|alphabet| &alphabet.engine) })
    }

    /// Decodes `text`.
    ///
    /// # Errors
    /// [`Error::NoValue`] and [`Error::Incomplete`]
    pub fn decode(&self, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut out = Zeroizing::new(vec![0; text.len()]);
        let regular = self.engine.and_then(|engine| engine.decode_slice(text, &mut out).ok());
        let length = regular.map_or_else(|| self.decode_by_table(text, &mut out), Ok)?;
        out.truncate(length);
        Ok(out)
    }

    /// Collects in `out` what is no garbage and decodes it there: three bytes never reach the
    /// next four characters.
    fn decode_by_table(&self, text: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let mut length = 0;
        for &byte in text {
            out[length] = byte;
            length += usize::from(self.characters[usize::from(byte)] != Character::Garbage);
        }
        let kept = &out[..length];
        let padding = kept.iter().rev().take(2).take_while(|&&byte| byte == PADDING).count();
        let groups = match padding {
            0 if length % 4 == 0 => length,
            1 | 2 if length >= 4 => length - 4,
            _ => return Err(Error::Incomplete),
        };
        // Padding always belongs to the last four characters. Where the text is no multiple of four,
        // the group before them reaches into them: first the tail, before it is overwritten.
        let tail = self.octets(&kept[groups..length - padding])?;
        let mut size = 0;
        for start in (0..groups).step_by(4) {
            let octets = self.octets(&out[start..start + 4])?;
            out[size..size + 3].copy_from_slice(&octets);
            size += 3;
        }
        let rest = (3 - padding) % 3;
        out[size..size + rest].copy_from_slice(&tail[..rest]);
        Ok(size + rest)
    }

    fn octets(&self, group: &[u8]) -> Result<[u8; 3], Error> {
        let mut bits = 0_u32;
        for (&byte, shift) in group.iter().zip([18, 12, 6, 0]) {
            match self.characters[usize::from(byte)] {
                Character::Value(value) => bits = bits.wrapping_add(value << shift),
                _ => return Err(Error::NoValue(byte)),
            }
        }
        let [_, octets @ ..] = bits.to_be_bytes();
        Ok(octets)
    }
}

/// Whether `byte` counts because of `character`, that of 62 or 63. lbase64 writes it into a Lua
/// pattern behind a `%`, where a letter stands for a class (`%g` since Lua 5.2).
fn matches(character: u8, byte: u8) -> bool {
    let belongs = match character.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' if !cfg!(feature = "lua51") => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => matches!(byte, b'\t'..=b'\r' | b' '),
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return byte == character,
    };
    belongs == character.is_ascii_lowercase()
}
