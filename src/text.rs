//! Makes text from outside safe for a log line.

/// The maximum length of a text from outside, in characters. Longer texts are cut.
pub const MAX_CHARS: usize = 200;

/// The text as one line of at most `limit` characters. Control characters, line breaks and
/// characters that change the writing direction become spaces.
pub fn one_line(text: &str, limit: usize) -> String {
    text.chars().take(limit).map(|c| if is_control(c) { ' ' } else { c }).collect()
}

/// The text as one line of at most [`MAX_CHARS`] characters.
pub fn printable(text: &str) -> String {
    one_line(text, MAX_CHARS)
}

/// The same for bytes. Invalid UTF-8 becomes U+FFFD.
pub fn printable_bytes(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_one_line_of_limited_length_without_control_characters() {
        for (text, expected) in [
            ("grüß Gott", "grüß Gott"),
            ("a\r\nb\tc\0", "a  b c "),
            ("\u{1b}[31mred\u{9b}0m", " [31mred 0m"),
            ("one\u{2028}two\u{202e}owt\u{2066}", "one two owt "),
            ("\u{61c}one\u{200f}", " one "),
        ] {
            assert_eq!(printable(text), expected);
        }
        assert_eq!(printable(&"ä".repeat(1000)), "ä".repeat(MAX_CHARS));
        assert_eq!(printable_bytes(b"a\xffb"), "a\u{fffd}b");
    }
}
