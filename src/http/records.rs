//! Finds the ends of TLS records.

/// The length of a record's header, in bytes: type, version and length of the content.
const HEADER_BYTES: usize = 5;

/// Tracks the TLS records (RFC 8446, section 5.1) that a server sends.
///
/// rustls buffers an incomplete record and does not report it. On a kept connection, the server
/// could complete that record later, and it would be taken for the answer to the next request.
#[derive(Debug, Default)]
pub struct Records {
    /// The number of header bytes received so far.
    header_bytes: usize,
    /// The length field of that header, as far as it was received.
    length: usize,
    /// The number of content bytes that are still missing.
    content_left: usize,
}

impl Records {
    /// Processes bytes that were just received.
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

    /// Whether no record is incomplete.
    pub fn are_complete(&self) -> bool {
        self.header_bytes == 0 && self.content_left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_complete_with_its_last_byte_however_it_was_split() {
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
            assert!(records.are_complete());
            for part in sent.chunks(size) {
                records.follow(part);
                end += part.len();
                assert_eq!(records.are_complete(), ends.contains(&end), "{end} in parts of {size}");
            }
        }
    }
}
