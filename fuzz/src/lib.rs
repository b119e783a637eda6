//! What several fuzz targets check: texts, and bodies with a second parser of XML.

pub mod http;
pub mod server;
pub mod xml;

/// Checks that a text can be a part of a log line: one line of at most `max_chars`, without
/// characters that control a terminal or change the writing direction.
pub fn check_text(text: &str, max_chars: usize) {
    assert!(text.chars().count() <= max_chars, "the text is too long: {text}");
    assert_eq!(text.chars().find(|c| is_control(*c)), None, "{text:?}");
}

/// Whether a character breaks a line, controls a terminal or changes the writing direction
/// (Unicode's property Bidi_Control).
fn is_control(c: char) -> bool {
    let is_line_break = matches!(c, '\u{2028}' | '\u{2029}');
    let is_bidi_control = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || is_line_break || is_bidi_control
}

/// Whether `bytes` contains `part`.
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
