//! The value of an option, and the errors for wrong values.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::text::printable_bytes;

/// A value before validation.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A number. Lua 5.1 and LuaJIT have no integers.
    Number(f64),
    /// A string of bytes. Dovecot 2.4 passes every setting as a string.
    String(Vec<u8>),
    /// A value of any other type, which no option accepts. Holds the name of the type.
    Other(&'static str),
}

impl Value {
    /// The error for a wrong value, such as "expected a number, got true".
    pub fn expected(&self, what: &str) -> String {
        match self {
            Value::Boolean(yes) => format!("expected {what}, got {yes}"),
            Value::Number(number) => format!("expected {what}, got {number}"),
            Value::String(bytes) => format!("expected {what}, got \"{}\"", printable_bytes(bytes)),
            Value::Other(kind) => format!("expected {what}, got a {kind}"),
        }
    }

    /// The value as text. It must be a string in UTF-8. `what` describes it in the error.
    pub fn text(&self, what: &str) -> Result<&str, String> {
        match self {
            Value::String(bytes) => std::str::from_utf8(bytes).map_err(|_| self.expected(what)),
            _ => Err(self.expected(what)),
        }
    }

    /// The meaning of the value. It must be one of these words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, String> {
        let names: Vec<_> = words.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let what = names.join(" or ");
        let text = self.text(&what)?;
        let found = words.iter().find(|(name, _)| *name == text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| self.expected(&what))
    }

    /// The value as an integer in `range`. It may also be a string of digits.
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

    /// The value as 1 to `most` integers in `range`. In a string, commas separate them.
    pub fn integers(&self, range: RangeInclusive<u16>, most: usize) -> Result<Vec<u16>, String> {
        let parsed = match self {
            Value::String(bytes) => {
                let items = bytes.split(|byte| *byte == b',').take(most + 1);
                let items = items.map(|item| Value::String(item.trim_ascii().into()));
                items.map(|item| item.integer(range.clone())).collect()
            }
            other => other.integer(range.clone()).map(|number| vec![number]),
        };
        parsed.ok().filter(|numbers: &Vec<u16>| numbers.len() <= most).ok_or_else(|| {
            let (first, last) = (range.start(), range.end());
            self.expected(&format!(
                "1 to {most} whole numbers from {first} to {last}, separated by commas"
            ))
        })
    }

    /// The value as a duration. It must be an integer in `range`, in milliseconds.
    pub fn msecs(&self, range: RangeInclusive<u16>) -> Result<Duration, String> {
        self.integer(range).map(|msecs| Duration::from_millis(msecs.into()))
    }

    /// The value as a boolean. It may also be one of Dovecot's words for it, or "true" or "false",
    /// in upper or lower case.
    pub fn boolean(&self) -> Result<bool, String> {
        let word = match self {
            Value::Boolean(yes) => return Ok(*yes),
            Value::String(word) => word.to_ascii_lowercase(),
            _ => Vec::new(),
        };
        match &*word {
            b"yes" | b"y" | b"1" | b"true" => Ok(true),
            b"no" | b"false" => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }
}
