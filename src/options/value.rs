//! An option's value, and the words for what is wrong with it.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::text::printable_bytes;

/// A value as it came from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A number; Lua 5.1 and LuaJIT know no integers.
    Number(f64),
    /// Bytes; Dovecot 2.4 hands every setting over as a string.
    String(Vec<u8>),
    /// Something that no option is, by the name of its type.
    Other(&'static str),
}

impl Value {
    /// "expected a number, got true"
    pub fn expected(&self, what: &str) -> String {
        match self {
            Value::Boolean(yes) => format!("expected {what}, got {yes}"),
            Value::Number(number) => format!("expected {what}, got {number}"),
            Value::String(bytes) => format!("expected {what}, got \"{}\"", printable_bytes(bytes)),
            Value::Other(kind) => format!("expected {what}, got a {kind}"),
        }
    }

    /// The value, which must be a string of UTF-8 and is `what`.
    pub fn text(&self, what: &str) -> Result<&str, String> {
        match self {
            Value::String(bytes) => std::str::from_utf8(bytes).map_err(|_| self.expected(what)),
            _ => Err(self.expected(what)),
        }
    }

    /// The value, which must be one of these words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, String> {
        let names: Vec<_> = words.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let what = names.join(" or ");
        let text = self.text(&what)?;
        let found = words.iter().find(|(name, _)| *name == text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| self.expected(&what))
    }

    /// The value, which must be a whole number; digits in a string are one.
    pub fn integer(&self, range: RangeInclusive<u16>) -> Result<u16, String> {
        let number = match self {
            Value::Number(number) if number.fract() == 0.0 => Some(*number as i64),
            Value::String(bytes) if bytes.iter().all(u8::is_ascii_digit) => {
                std::str::from_utf8(bytes).ok().and_then(|digits| digits.parse().ok())
            }
            _ => None,
        };
        let number = number.and_then(|number| u16::try_from(number).ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.expected(&format!("a whole number from {least} to {most}"))
        })
    }

    /// The value, which must be a whole number of milliseconds.
    pub fn msecs(&self, range: RangeInclusive<u16>) -> Result<Duration, String> {
        self.integer(range).map(|msecs| Duration::from_millis(msecs.into()))
    }

    /// The value, which must be a boolean or a word for one.
    pub fn boolean(&self) -> Result<bool, String> {
        match self {
            Value::Boolean(yes) => Ok(*yes),
            Value::String(word) if word == b"yes" || word == b"true" => Ok(true),
            Value::String(word) if word == b"no" || word == b"false" => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }
}
