//! The rules of XML 1.0 that quick-xml does not check: characters, names, references and the XML
//! declaration.

/// Whether XML allows each character of the text (section 2.2).
pub fn has_valid_characters(text: &str) -> bool {
    // The first loop has no branches, so that the compiler checks 16 bytes at once. It is enough for
    // most documents. In UTF-8, U+FFFE and U+FFFF begin with the byte 0xEF.
    let is_usual = |byte: u8| (byte >= b' ' || byte == b'\n') & (byte != 0xef);
    text.bytes().fold(true, |all, byte| all & is_usual(byte)) || text.chars().all(is_character)
}

fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether the name is valid (section 2.3) and has no colon.
pub fn is_name(name: &[u8]) -> bool {
    // Most names consist of ASCII letters.
    if !name.is_empty() && name.iter().all(u8::is_ascii_alphabetic) {
        return true;
    }
    let Ok(name) = std::str::from_utf8(name) else { return false };
    name.starts_with(starts_name) && name.chars().all(|c| starts_name(c) || continues_name(c))
}

/// Whether the target of a processing instruction is valid (section 2.6).
pub fn is_target(name: &[u8]) -> bool {
    is_name(name) && !name.eq_ignore_ascii_case(b"xml")
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
        | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    matches!(c,
        '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// The character that `&…;` stands for: a character reference, or one of the five predefined
/// entities (sections 4.1 and 4.6). `reference` is the part between `&` and `;`.
pub fn referenced_character(reference: &[u8]) -> Option<char> {
    let reference = std::str::from_utf8(reference).ok()?;
    let Some(number) = reference.strip_prefix('#') else {
        return Some(match reference {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "apos" => '\'',
            "quot" => '"',
            _ => return None,
        });
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    // `from_str_radix` also accepts a sign.
    let is_number = digits.chars().all(|c| c.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| is_number)?;
    char::from_u32(code).filter(|c| is_character(*c))
}

/// Whether the value of an attribute is valid (section 3.1): without `<`, and each `&` begins a
/// reference to a known character.
pub fn is_attribute_value(value: &[u8]) -> bool {
    let has_character = |part: &[u8]| {
        let end = part.iter().position(|byte| *byte == b';');
        end.is_some_and(|end| referenced_character(&part[..end]).is_some())
    };
    !value.contains(&b'<') && value.split(|byte| *byte == b'&').skip(1).all(has_character)
}

/// The content of an XML declaration.
#[derive(Debug, PartialEq, Eq)]
pub struct Declaration<'a> {
    /// The name of the encoding, if there is one.
    pub encoding: Option<&'a str>,
}

impl<'a> Declaration<'a> {
    /// Parses an XML declaration (section 2.8), without `<?` and `?>`.
    pub fn parse(content: &'a [u8]) -> Option<Self> {
        let content = std::str::from_utf8(content).ok()?.strip_prefix("xml")?;
        let (version, mut rest) = pseudo_attribute(content, "version")?;
        let minor = version.strip_prefix("1.")?;
        let mut is_valid = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
        let mut encoding = None;
        if let Some((name, after)) = pseudo_attribute(rest, "encoding") {
            is_valid &= is_encoding_name(name);
            (encoding, rest) = (Some(name), after);
        }
        if let Some((value, after)) = pseudo_attribute(rest, "standalone") {
            is_valid &= matches!(value, "yes" | "no");
            rest = after;
        }
        (is_valid && rest.trim_ascii_start().is_empty()).then_some(Declaration { encoding })
    }

    /// Describes the encoding, unless it is UTF-8 or its subset US-ASCII.
    pub fn other_encoding(&self) -> Option<&'static str> {
        let name = self.encoding?;
        let is_utf_8 = ["UTF-8", "UTF8", "US-ASCII", "ASCII"];
        if is_utf_8.iter().any(|it| it.eq_ignore_ascii_case(name)) {
            return None;
        }
        let known = ENCODINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        Some(known.map_or("in another encoding than UTF-8", |(_, description)| description))
    }
}

macro_rules! descriptions {
    ($($name:literal)*) => { &[$(($name, concat!("in ", $name, ", not UTF-8"))),*] };
}

/// The names of encodings, and their descriptions. A name from the server is never shown itself,
/// since a server could send the password as a name.
const ENCODINGS: &[(&str, &str)] = descriptions![
    "UTF-16" "UTF-16LE" "UTF-16BE" "UTF-32" "ISO-8859-1" "ISO-8859-2" "ISO-8859-3" "ISO-8859-4"
    "ISO-8859-5" "ISO-8859-6" "ISO-8859-7" "ISO-8859-8" "ISO-8859-9" "ISO-8859-10" "ISO-8859-11"
    "ISO-8859-13" "ISO-8859-14" "ISO-8859-15" "ISO-8859-16" "windows-1250" "windows-1251"
    "windows-1252" "windows-1253" "windows-1254" "windows-1255" "windows-1256" "windows-1257"
    "windows-1258" "windows-874" "IBM866" "KOI8-R" "KOI8-U" "macintosh" "GB2312" "GBK" "GB18030"
    "Big5" "EUC-JP" "ISO-2022-JP" "Shift_JIS" "EUC-KR"
];

fn is_encoding_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The value of ` NAME="…"` at the start of the text, and what follows.
fn pseudo_attribute<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let trimmed = text.trim_ascii_start();
    let value = trimmed.strip_prefix(name).filter(|_| trimmed.len() < text.len())?;
    let value = value.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_forbids_control_characters_and_noncharacters() {
        for valid in
            ["", "\t\n\r ~\u{7f}\u{80}", "\u{d7ff}\u{e000}\u{fffd}", "\u{10ffff}", "\u{feff}a"]
        {
            assert!(has_valid_characters(valid), "{valid:?}");
        }
        for invalid in ["\0", "\u{8}", "\u{b}", "\u{c}", "\u{e}", "\u{1f}", "\u{fffe}", "\u{ffff}"]
        {
            // At each place within 16 bytes, and after them.
            for place in 0..40 {
                let text = format!("{:place$}{invalid}{:40}", "", "");
                assert!(!has_valid_characters(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn a_name_begins_with_a_letter_and_has_no_colon() {
        for name in ["a", "_", "Z9", "a-b.c_d", "\u{fc}ber", "a\u{b7}\u{300}", "\u{10000}"] {
            assert!(is_name(name.as_bytes()), "{name}");
        }
        for name in [
            "", "1", "-a", ".a", "a b", "a:b", ":", "a=", "a'", "a<b", "a/b", "\u{d7}", "\u{b7}a",
            "a\u{37e}",
        ] {
            assert!(!is_name(name.as_bytes()), "{name}");
        }
        assert!(!is_name(b"a\xff"));
        assert!(is_target(b"xml-stylesheet"));
        for target in ["", "xml", "XML", "xMl", "1"] {
            assert!(!is_target(target.as_bytes()), "{target}");
        }
    }

    #[test]
    fn a_reference_stands_for_a_valid_character() {
        for (reference, character) in [
            ("lt", '<'),
            ("gt", '>'),
            ("amp", '&'),
            ("apos", '\''),
            ("quot", '"'),
            ("#65", 'A'),
            ("#x42", 'B'),
            ("#xe9", 'é'),
            ("#x000009", '\t'),
            ("#xFFFD", '\u{fffd}'),
            ("#x10ffff", '\u{10ffff}'),
        ] {
            assert_eq!(referenced_character(reference.as_bytes()), Some(character), "{reference}");
        }
        for reference in [
            "",
            "a",
            "LT",
            "nbsp",
            "#",
            "#x",
            "#0",
            "#8",
            "#x1b",
            "#xd800",
            "#xFFFE",
            "#xffff",
            "#x110000",
            "#xfffffffff",
            "#+65",
            "#-65",
            "#x+41",
            "#X41",
            "#4a",
            "# 65",
            "x41",
            "65",
        ] {
            assert_eq!(referenced_character(reference.as_bytes()), None, "{reference}");
        }
    }

    #[test]
    fn an_attributes_value_has_no_markup_and_only_known_references() {
        for value in ["", "a", "\"'>;", "&lt;&#65;", "a &amp; b;"] {
            assert!(is_attribute_value(value.as_bytes()), "{value}");
        }
        for value in ["<", "a<b", "&", "&lt", "a & b", "&&lt;", "&a;", "&#0;", "&lt;&#xFFFE;"] {
            assert!(!is_attribute_value(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn a_declaration_has_a_version_and_perhaps_an_encoding_and_standalone() {
        for (content, encoding) in [
            (" version='1.0'", None),
            (" version=\"1.1\" ", None),
            ("\r\n\tversion = '1.0'\tencoding\n=\n\"Utf-8\"", Some("Utf-8")),
            (" version='1.0' standalone='no'", None),
            (" version='1.0' encoding='ISO_8859.1' standalone='yes' ", Some("ISO_8859.1")),
        ] {
            let content = format!("xml{content}");
            let declaration = Declaration::parse(content.as_bytes());
            assert_eq!(declaration, Some(Declaration { encoding }), "{content}");
        }
        for content in [
            "",
            " ",
            "version='1.0'",
            " version",
            " version=",
            " version='1.0",
            " version='1.0\"",
            " version=1.0",
            " version=''",
            " version='1.'",
            " version='1.a'",
            " version='2.0'",
            " version='1.0' version='1.0'",
            " version='1.0'encoding='utf-8'",
            " version='1.0' encoding=''",
            " version='1.0' encoding='8'",
            " version='1.0' encoding='utf 8'",
            " version='1.0' encoding='&utf8;'",
            " version='1.0' encoding='é'",
            " encoding='utf-8'",
            " encoding='utf-8' version='1.0'",
            " version='1.0' standalone='yes' encoding='utf-8'",
            " version='1.0' standalone='maybe'",
            " version='1.0' Encoding='utf-8'",
            " version='1.0' a='b'",
            " version='1.0' a",
        ] {
            let content = format!("xml{content}");
            assert_eq!(Declaration::parse(content.as_bytes()), None, "{content}");
        }
    }
}
