//! lbase64's rules, compared with a slow reference. The input begins with the number of changed
//! entries, the characters for 62 and 63 and the padding; then come the changes and the text.

#![no_main]

use std::collections::BTreeMap;

use lbase64::{DECODER, Decoder, VALUES, bytes, encode, encode_with, encoded_size, values};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the binding uses the rest")]
#[path = "../../src/lua/base64/lbase64.rs"]
mod lbase64;

const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fuzz_target!(|input: &[u8]| {
    let [changes, s62, s63, padding, rest @ ..] = input else { return };
    let Some((changes, text)) = rest.split_at_checked(usize::from(changes % 4) * 5) else { return };
    let changes: Vec<(u8, i64)> = changes
        .chunks(5)
        .map(|it| (it[0], i32::from_le_bytes([it[1], it[2], it[3], it[4]]).into()))
        .collect();
    default(text);

    let encoder = bytes(Some(*s62), Some(*s63), Some(*padding));
    let mut entries: BTreeMap<u8, i64> =
        (0..).zip(encoder).map(|(value, byte)| (value, byte.unwrap().into())).collect();
    entries.extend(changes.iter().map(|(key, value)| (key % VALUES as u8, value % 400)));
    let byte = |value| entries.get(&value).and_then(|byte| u8::try_from(*byte).ok());
    let mut out = vec![0; encoded_size(text.len())];
    let encoded = encode_with(byte, text, &mut out).ok().map(|()| out);
    assert_eq!(encoded, encoded_slowly(text, byte));

    let table = values(&encoder);
    let mut entries: BTreeMap<u8, i64> =
        (0..=255).filter_map(|byte| Some((byte, table[usize::from(byte)]?.into()))).collect();
    entries.extend(changes);
    let value = |byte: u8| entries.get(&byte).map(|value| *value as u32);
    for text in [Some(text), encoded.as_deref()].into_iter().flatten() {
        let mut out = vec![0; text.len()];
        let decoded = Decoder::new(text, *s62, *s63, value).decode(text, &mut out);
        let decoded = decoded.ok().map(|size| out[..size].to_vec());
        assert_eq!(decoded, decoded_slowly(text, *s62, *s63, value));
    }
});

/// Checks the default alphabet.
fn default(text: &[u8]) {
    let mut encoded = vec![0; encoded_size(text.len())];
    encode(text, &mut encoded);
    let table = bytes(Some(b'+'), Some(b'/'), Some(b'='));
    assert_eq!(Some(&encoded), encoded_slowly(text, |value| table[usize::from(value)]).as_ref());
    let value = |byte| values(&table)[usize::from(byte)].map(u32::from);
    for text in [text, &encoded] {
        let mut out = vec![0; text.len()];
        let decoded = DECODER.decode(text, &mut out).ok().map(|size| out[..size].to_vec());
        assert_eq!(decoded, decoded_slowly(text, b'+', b'/', value));
    }
    let mut out = vec![0; encoded.len()];
    let size = DECODER.decode(&encoded, &mut out).expect("it was encoded");
    assert_eq!(&out[..size], text);
}

/// Encodes bit by bit.
fn encoded_slowly(text: &[u8], byte: impl Fn(u8) -> Option<u8>) -> Option<Vec<u8>> {
    let mut bits: Vec<bool> = text
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1 == 1))
        .collect();
    bits.resize(bits.len().next_multiple_of(6), false);
    let value = |bits: &[bool]| bits.iter().fold(0, |value, bit| value << 1 | u8::from(*bit));
    let mut values: Vec<u8> = bits.chunks(6).map(value).collect();
    values.resize(values.len().next_multiple_of(4), 64);
    values.into_iter().map(byte).collect()
}

/// Decodes by arithmetic.
fn decoded_slowly(
    text: &[u8],
    s62: u8,
    s63: u8,
    value: impl Fn(u8) -> Option<u32>,
) -> Option<Vec<u8>> {
    let counts = |byte: &u8| {
        DIGITS.contains(byte) || *byte == b'=' || in_class(s62, *byte) || in_class(s63, *byte)
    };
    let kept: Vec<u8> = text.iter().copied().filter(counts).collect();
    let (groups, tail) = match &kept[..] {
        [groups @ .., a, b, b'=', b'='] => (groups.len(), vec![*a, *b]),
        [groups @ .., a, b, c, b'='] => (groups.len(), vec![*a, *b, *c]),
        [.., b'='] => return None,
        all => (all.len(), vec![]),
    };
    let octets = |group: &[u8]| {
        let mut number = 0_u64;
        for (byte, weight) in group.iter().zip([1 << 18, 1 << 12, 1 << 6, 1]) {
            number += u64::from(value(*byte)?) * weight;
        }
        Some([16, 8, 0].map(|places| (number >> places) as u8))
    };
    let mut decoded = vec![];
    for start in (0..groups).step_by(4) {
        decoded.extend(octets(kept.get(start..start + 4)?)?);
    }
    decoded.extend(&octets(&tail)?[..tail.len().saturating_sub(1)]);
    Some(decoded)
}

/// Whether a byte is in the class that `%` and this character form in a pattern of Lua 5.2 or newer.
fn in_class(character: u8, byte: u8) -> bool {
    let text = char::from(byte);
    let is_in = match character.to_ascii_lowercase() {
        b'a' => text.is_ascii_alphabetic(),
        b'c' => text.is_ascii_control(),
        b'd' => text.is_ascii_digit(),
        b'g' => text.is_ascii_graphic(),
        b'l' => text.is_ascii_lowercase(),
        b'p' => text.is_ascii_punctuation(),
        b's' => b" \t\n\x0b\x0c\r".contains(&byte),
        b'u' => text.is_ascii_uppercase(),
        b'w' => text.is_ascii_alphanumeric(),
        b'x' => text.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return byte == character,
    };
    is_in == character.is_ascii_lowercase()
}
