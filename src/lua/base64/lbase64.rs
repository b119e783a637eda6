//! The rules of lbase64 1.5.3: its tables, the bytes that its decoder skips, and its errors.
//!
//! This module follows lbase64 exactly, including its oddities, because existing scripts may depend
//! on them.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};

/// The number of values in an encoder's table: 64 digits and the padding.
pub const VALUES: usize = 65;

const PADDING: u8 = b'=';

/// Why a text cannot be encoded or decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The encoder has no byte for a value that the text needs.
    NoByte(u8),
    /// The decoder has no value for a character that it does not skip.
    NoValue(u8),
    /// The decoder has no character for the value 62 or 63. This is an error for every text.
    NoCharacter(u8),
    /// The number of characters, without those that the decoder skips, is not a multiple of four.
    Incomplete,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoByte(value) => write!(f, "the encoder has no byte for value {value}"),
            Error::NoValue(byte) => write!(f, "the decoder has no value for byte {byte}"),
            Error::NoCharacter(value) => write!(f, "the decoder has no byte for value {value}"),
            Error::Incomplete => f.write_str("its last group of four is incomplete"),
        }
    }
}

/// The table of `makeencoder`: the byte for each value.
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

/// The table of `makedecoder`: the value of each byte.
pub fn values(bytes: &[Option<u8>; VALUES]) -> [Option<u8>; 256] {
    let mut values = [None; 256];
    // Lua iterates over the encoder's table in this order. If two values share a byte, the last
    // wins.
    for value in (1..VALUES).chain([0]) {
        if let Some(byte) = bytes[value] {
            values[usize::from(byte)] = Some(value as u8);
        }
    }
    values
}

/// The default alphabet.
const DEFAULT: [Option<u8>; VALUES] = bytes(Some(b'+'), Some(b'/'), Some(PADDING));

static DEFAULT_VALUES: LazyLock<[Option<u8>; 256]> = LazyLock::new(|| values(&DEFAULT));

/// The number of bytes that `length` bytes have when they are encoded.
pub fn encoded_size(length: usize) -> usize {
    length.div_ceil(3) * 4
}

/// Encodes `text` into `out`, which must have [`encoded_size`].
pub fn encode(text: &[u8], out: &mut [u8]) {
    STANDARD.encode_slice(text, out).expect("out has the encoded size");
}

/// The same with another alphabet. Calls `byte` once for each value that the text needs.
///
/// # Errors
/// [`Error::NoByte`] if `byte` returns `None`.
pub fn encode_with(
    byte: impl Fn(u8) -> Option<u8>,
    text: &[u8],
    out: &mut [u8],
) -> Result<(), Error> {
    encode(text, out);
    let mut bytes = [None; VALUES];
    for character in out {
        let value = DEFAULT_VALUES[usize::from(*character)].expect("it is in the alphabet");
        let known = &mut bytes[usize::from(value)];
        *known = known.or_else(|| byte(value));
        *character = known.ok_or(Error::NoByte(value))?;
    }
    Ok(())
}

/// How a decoder treats a byte.
#[derive(Clone, Copy, PartialEq)]
enum Character {
    /// It is skipped.
    Garbage,
    /// It is an error.
    Unknown,
    /// It stands for this value.
    Value(u32),
}

/// A table that maps bytes to values.
pub struct Decoder {
    characters: [Character; 256],
    engine: Option<&'static GeneralPurpose>,
}

/// The decoder for the default alphabet.
pub static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let all: Vec<_> = (0..=u8::MAX).collect();
    Decoder::new(&all, b'+', b'/', |byte| DEFAULT_VALUES[usize::from(byte)].map(u32::from))
});

/// The alphabets that are decoded by the base64 crate. For any other, setting up the crate takes
/// longer than decoding a kilobyte with our own loop.
const ENGINES: [(u8, u8, &GeneralPurpose); 2] = [(b'+', b'/', &STANDARD), (b'-', b'_', &URL_SAFE)];

impl Decoder {
    /// A decoder for the bytes that occur in `text`. `s62` and `s63` are the characters for the
    /// values 62 and 63. `value` returns the value of a byte.
    ///
    /// Letters, digits, the padding and the two given characters count. Every other byte is
    /// skipped, even if it has a value. A value may be greater than 63. Its upper bits are then
    /// added to the preceding digits, as far as they fit into the 24 bits of the group.
    pub fn new(text: &[u8], s62: u8, s63: u8, value: impl Fn(u8) -> Option<u32>) -> Self {
        let mut occurs = [false; 256];
        text.iter().for_each(|&byte| occurs[usize::from(byte)] = true);
        let mut characters = [Character::Garbage; 256];
        let mut digits = DEFAULT;
        (digits[62], digits[63]) = (Some(s62), Some(s63));
        let mut regular = true;
        for byte in (0..=u8::MAX).filter(|&byte| occurs[usize::from(byte)]) {
            let counts = byte.is_ascii_alphanumeric() || byte == PADDING;
            if counts || matches(s62, byte) || matches(s63, byte) {
                let value = value(byte);
                let digit = value.and_then(|value| *digits.get(value as usize)?);
                regular &= digit == Some(byte) || byte == PADDING;
                characters[usize::from(byte)] = value.map_or(Character::Unknown, Character::Value);
            }
        }
        let known = ENGINES.iter().find(|engine| regular && (engine.0, engine.1) == (s62, s63));
        Self { characters, engine: known.map(|engine| engine.2) }
    }

    /// Decodes `text` into `out`, which must be at least as long, and returns the number of bytes.
    ///
    /// # Errors
    /// [`Error::NoValue`] or [`Error::Incomplete`].
    pub fn decode(&self, text: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let regular = self.engine.and_then(|engine| engine.decode_slice(text, out).ok());
        regular.map_or_else(|| self.decode_by_table(text, out), Ok)
    }

    /// Copies the characters that count to `out` and decodes them in place. This is safe because a
    /// group of four characters shrinks to three bytes.
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
        // Padding always belongs to the last four characters. If the length is not a multiple of
        // four, the group before them overlaps them. So decode the tail before it is overwritten.
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

/// Whether `byte` counts because of `character`, which is the character for 62 or 63. lbase64 puts
/// it after a `%` in a Lua pattern, where a letter stands for a character class (`%g` since Lua
/// 5.2).
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
