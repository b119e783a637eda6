//! The ends of TLS records, however the bytes are split. The input begins with the sizes of the
//! parts, up to a zero.

#![no_main]

use libfuzzer_sys::fuzz_target;
use records::Records;

#[path = "../../src/http/records.rs"]
mod records;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|size| *size == 0).unwrap_or(input.len());
    let (sizes, mut rest) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let stream = rest;
    let mut sizes = sizes.iter().map(|size| usize::from(*size)).chain(std::iter::repeat(1000));
    let mut records = Records::default();
    assert!(records.are_complete());
    while !rest.is_empty() {
        let part;
        (part, rest) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
        records.follow(part);
        assert_eq!(records.are_complete(), is_complete(&stream[..stream.len() - rest.len()]));
    }
});

/// Whether the bytes are whole records.
fn is_complete(mut bytes: &[u8]) -> bool {
    while let [_, _, _, high, low, content @ ..] = bytes {
        let Some(rest) = content.get(usize::from(u16::from_be_bytes([*high, *low]))..) else {
            return false;
        };
        bytes = rest;
    }
    bytes.is_empty()
}
