//! Where the records of TLS end.

/// The bytes before the content of a record: its type, a version, its length.
const HEADER_BYTES: usize = 5;

/// Follows the records (RFC 8446, section 5.1) in what a server sends.
///
/// rustls keeps the beginning of a record that has not come whole, and does not tell. On a kept
/// connection it could be completed later into an answer that no request asked for.
#[derive(Debug, Default)]
pub struct Records {
    /// How much of a header has come.
    header_bytes: usize,
    /// The length in that header, as far as it has come.
    length: usize,
    /// How much of a record's content is still to come.
    content_left: usize,
}

impl Records {
    /// Follows what has just been received.
    pub fn follow(&mut self, mut received: &[u8]) {
        while !received.is_empty() {
            let content = self.content_left.min(received.len());
            self.content_left -= content;
            received = &received[content..];
            let Some((&byte, rest)) = received.split_first() else { return };
            received = rest;
            self.header_bytes += 1;
            match self.header_bytes {
                4 => self.length = usize::from(byte) << 8,
                HEADER_BYTES => {
                    self.content_left = self.length | usize::from(byte);
                    self.header_bytes = 0;
                }
                _ => {}
            }
        }
    }

    /// Whether every record that began has come whole.
    pub fn are_whole(&self) -> bool {
        self.header_bytes == 0 && self.content_left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_whole_when_its_last_byte_has_come_however_it_was_cut() {
        let record = |length: u16| {
            let header = [&[23, 3, 3][..], &length.to_be_bytes()].concat();
            [header, vec![0xff; usize::from(length)]].concat()
        };
        let lengths = [1, 0, 300, 5, 0, 16_640];
        let sent = lengths.map(record).concat();
        let ends: Vec<usize> = lengths
            .iter()
            .scan(0, |end, length| {
                *end += HEADER_BYTES + usize::from(*length);
                Some(*end)
            })
            .collect();
        for size in [1, 2, 3, 4, 5, 7, 100, sent.len()] {
            let (mut records, mut end) = (Records::default(), 0);
            assert!(records.are_whole());
            for part in sent.chunks(size) {
                records.follow(part);
                end += part.len();
                assert_eq!(records.are_whole(), ends.contains(&end), "{end} in parts of {size}");
            }
        }
    }
}
