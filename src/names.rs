//! User names: those of mail logins, those that are sent, and those on the server.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use crate::text::{printable, printable_bytes};

/// The option `domain`: the mail domains of a passdb. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domains(Vec<String>);

impl Domains {
    /// Mail domains. `None` if there are none.
    pub fn new(names: Vec<String>) -> Option<Self> {
        (!names.is_empty()).then_some(Self(names))
    }

    /// The domain of names on the server that have none.
    pub fn first(&self) -> &str {
        &self.0[0]
    }

    /// The number of domains.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Checks that a login is in one of the domains. A name without `@` is in the first one.
    ///
    /// # Errors
    /// A text that names the setting.
    pub fn admit(&self, user: &[u8]) -> Result<(), Error> {
        let is_one = |domain: &[u8]| self.0.iter().any(|it| is_equal(it.as_bytes(), domain));
        let is_admitted = match split(user) {
            Some((username, domain)) => !username.is_empty() && is_one(domain),
            None => !user.is_empty(),
        };
        if is_admitted {
            return Ok(());
        }
        Err(Error(format!(
            "\"{}\" is not a login in the domain of this passdb (domain = \"{}\")",
            printable_bytes(user),
            printable(&self.to_string())
        )))
    }
}

impl fmt::Display for Domains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Why nothing is sent for a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Splits a name at its first `@`.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = name.iter().position(|byte| *byte == b'@')?;
    Some((&name[..at], &name[at + 1..]))
}

/// Whether two texts are equal. The comparison ignores the case of ASCII letters only.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Appends the first domain to a name that has no domain.
pub fn with_domain<'a>(name: &'a [u8], domains: Option<&Domains>) -> Cow<'a, [u8]> {
    match domains {
        Some(domains) if !name.contains(&b'@') => {
            [name, b"@", domains.first().as_bytes()].concat().into()
        }
        _ => name.into(),
    }
}

/// Whether two names are the same user's. The comparison ignores the case of ASCII letters only.
/// Letters that only look alike are different, so that nobody can imitate a name.
pub fn are_same(one: &[u8], other: &[u8], domains: Option<&Domains>) -> bool {
    is_equal(&with_domain(one, domains), &with_domain(other, domains))
}

/// The part of an admitted login before the `@`.
///
/// The server may look up the name in LDAP, which takes several spellings for one name (RFC 4518,
/// section 2). Only a name that has no other such spelling is returned, because the server's answer
/// may not tell whom it has found.
///
/// # Errors
/// A text that says what is wrong with the name.
pub fn username(user: &[u8]) -> Result<&[u8], Error> {
    let username = split(user).map_or(user, |(username, _)| username);
    let problem = match std::str::from_utf8(username) {
        Err(_) => "is not UTF-8",
        Ok(name) if name.trim() != name => "begins or ends with white space",
        Ok(name) if name.contains(|c: char| c.is_control() || is_ignored(c)) => {
            "contains an invisible character"
        }
        Ok(name) if has_double_space(name) => "contains several spaces in a row",
        Ok(name) if !name.chars().all(is_unique) => {
            "contains a character that LDAP may take for another"
        }
        Ok(_) => return Ok(username),
    };
    Err(Error(format!(
        "the user name \"{}\" {problem}, so it is not sent (login_name = \"username\")",
        printable_bytes(username)
    )))
}

fn has_double_space(name: &str) -> bool {
    let mut was_space = false;
    name.chars().any(|c| std::mem::replace(&mut was_space, c.is_whitespace()) && was_space)
}

/// Whether LDAP ignores a character (RFC 4518, section 2.2).
fn is_ignored(c: char) -> bool {
    const IGNORED: [RangeInclusive<char>; 9] = [
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{1806}'..='\u{180e}',
        '\u{200b}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{fe00}'..='\u{fe0f}',
        '\u{feff}'..='\u{feff}',
        '\u{fff9}'..='\u{fffc}',
    ];
    IGNORED.iter().any(|range| range.contains(&c)) || c >= '\u{e0000}'
}

/// Whether LDAP takes a character for no other, also after any other: it has no other width, style
/// or composition (Unicode normalization form KC). These are ASCII and the letters of scripts whose
/// marks are a part of the letter.
fn is_unique(c: char) -> bool {
    const LETTERS: [RangeInclusive<char>; 24] = [
        '\u{c0}'..='\u{131}',
        '\u{134}'..='\u{13e}',
        '\u{141}'..='\u{148}',
        '\u{14a}'..='\u{17e}',
        '\u{180}'..='\u{1c3}',
        '\u{1cd}'..='\u{1f0}',
        '\u{1f4}'..='\u{2af}',
        '\u{388}'..='\u{3ce}',
        '\u{400}'..='\u{481}',
        '\u{48a}'..='\u{52f}',
        '\u{531}'..='\u{586}',
        '\u{5d0}'..='\u{5ea}',
        '\u{620}'..='\u{64a}',
        '\u{660}'..='\u{669}',
        '\u{679}'..='\u{6d3}',
        '\u{10d0}'..='\u{10fa}',
        '\u{1e00}'..='\u{1e99}',
        '\u{1e9c}'..='\u{1eff}',
        '\u{3005}'..='\u{3005}',
        '\u{3041}'..='\u{3096}',
        '\u{30a1}'..='\u{30fe}',
        '\u{3400}'..='\u{4dbf}',
        '\u{4e00}'..='\u{9fff}',
        '\u{ac00}'..='\u{d7a3}',
    ];
    c.is_ascii() || LETTERS.iter().any(|range| range.contains(&c))
}

/// How a name on the server differs from a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// They would be the same with this value of the option `domain`.
    Domain(String),
    /// The server's name is a UUID, a digest or a number.
    Internal,
    /// By white space only.
    Space,
    /// By accents or by the width of letters only.
    Letters,
    /// They are different names.
    Name,
}

/// How `server`, a name on the server, differs from the login `user`. [`are_same`] is false.
pub fn difference(server: &[u8], user: &[u8], domains: Option<&Domains>) -> Difference {
    let missing = fitting_domain(server, user).filter(|_| domains.is_none());
    if let Some(domain) = missing {
        return Difference::Domain(domain);
    }
    if is_internal(server) {
        return Difference::Internal;
    }
    let text = |name| String::from_utf8_lossy(&with_domain(name, domains)).to_lowercase();
    let (server, user) = (text(server), text(user));
    let without_space = |name: &str| name.split_whitespace().collect::<String>();
    if server != user && without_space(&server) == without_space(&user) {
        return Difference::Space;
    }
    let parts = |name: &str| match name.split_once('@') {
        Some((username, domain)) => (username.to_string(), domain.to_string()),
        None => (name.to_string(), String::new()),
    };
    let ((one, domain), (other, other_domain)) = (parts(&server), parts(&user));
    let is_alike = |one: &str, other: &str| !one.is_ascii() && is_written_as(one, other);
    if domain == other_domain && (is_alike(&one, &other) || is_alike(&other, &one)) {
        return Difference::Letters;
    }
    Difference::Name
}

/// The value of the option `domain` with which both names would be the same user's, if there is
/// one.
fn fitting_domain(one: &[u8], other: &[u8]) -> Option<String> {
    [(one, other), (other, one)].into_iter().find_map(|(short, long)| {
        let (user, domain) = split(long)?;
        let fits = is_equal(user, short) && !domain.is_empty() && !domain.contains(&b'@');
        fits.then(|| printable_bytes(domain))
    })
}

/// Whether a name looks like one that a server has made for itself: a UUID, a digest or a number.
fn is_internal(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"{").and_then(|it| it.strip_suffix(b"}")).unwrap_or(name);
    let is_hex = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
    let mut parts = name.split(|byte| *byte == b'-');
    let is_uuid = [8, 4, 4, 4, 12]
        .iter()
        .all(|length| parts.next().is_some_and(|part| part.len() == *length && is_hex(part)))
        && parts.next().is_none();
    let is_digest = name.len() >= 32 && is_hex(name);
    is_uuid || is_digest || (!name.is_empty() && name.iter().all(u8::is_ascii_digit))
}

/// Whether `other` may be `name` with each letter outside of ASCII written as up to two others.
fn is_written_as(name: &str, other: &str) -> bool {
    let (mut others, mut skippable, mut is_any_equal) = (other.chars(), 0, false);
    for c in name.chars() {
        if !c.is_ascii() {
            skippable += 2;
        } else if others.by_ref().take(skippable + 1).any(|other| other == c) {
            (skippable, is_any_equal) = (0, true);
        } else {
            return false;
        }
    }
    is_any_equal && others.count() <= skippable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(names: &[&str]) -> Option<Domains> {
        Domains::new(names.iter().map(|name| name.to_string()).collect())
    }

    #[test]
    fn a_login_in_another_domain_is_not_admitted() {
        let domains = domains(&["example.com", "b\u{fc}cher.example"]).unwrap();
        for (user, expected) in [
            ("alice@example.com", true),
            ("alice@EXAMPLE.com", true),
            ("alice", true),
            ("alice@b\u{fc}cher.example", true),
            ("alice@B\u{dc}CHER.example", false),
            ("alice@xn--bcher-kva.example", false),
            ("alice@example.org", false),
            ("alice@sub.example.com", false),
            ("alice@example.com.", false),
            ("alice@example.com ", false),
            ("alice@", false),
            ("@example.com", false),
            ("@", false),
            ("", false),
            ("alice@@example.com", false),
            ("alice@evil@example.com", false),
            ("alice@example.com@example.com", false),
            ("alice@example.com,b\u{fc}cher.example", false),
        ] {
            let admitted = domains.admit(user.as_bytes());
            assert_eq!(admitted.is_ok(), expected, "{user}");
            let text = admitted.err().map_or(String::new(), |error| error.to_string());
            assert!(expected || text.contains("(domain = \"example.com, b"), "{text}");
        }
        let long = [&[b'x'; 6000][..], b"@\n\xff"].concat();
        let text = domains.admit(&long).unwrap_err().to_string();
        assert!(text.chars().count() < 500 && !text.contains('\n'), "{text}");
    }

    #[test]
    fn a_name_without_a_domain_gets_the_first_one_on_either_side() {
        let one = domains(&["example.com"]);
        let two = domains(&["example.com", "example.org"]);
        for (one, other, domains, expected) in [
            ("bob", "bob", None, true),
            ("bob", "bob", one.as_ref(), true),
            ("bob", "bob@example.com", one.as_ref(), true),
            ("bob@example.com", "bob@example.com", one.as_ref(), true),
            ("Bob@EXAMPLE.com", "bOB", one.as_ref(), true),
            ("bob", "bob@example.com", None, false),
            ("bob", "bob@example.org", one.as_ref(), false),
            ("bob@example.org", "bob@example.com", one.as_ref(), false),
            ("bob@example.org", "bob@example.org", one.as_ref(), true),
            ("bob", "alice", one.as_ref(), false),
            ("bob@", "bob", one.as_ref(), false),
            ("@example.com", "bob", one.as_ref(), false),
            ("bob@example.com@example.com", "bob", one.as_ref(), false),
            ("bob@evil@example.com", "bob@evil", one.as_ref(), false),
            ("bob", "bob@example.com", two.as_ref(), true),
            ("bob", "bob@example.org", two.as_ref(), false),
            ("bob@example.org", "bob@example.org", two.as_ref(), true),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let same = are_same(one.as_bytes(), other.as_bytes(), domains);
                assert_eq!(same, expected, "{one} {other} {domains:?}");
            }
        }
    }

    #[test]
    fn letters_that_only_look_alike_are_not_the_same() {
        for (one, other, expected) in [
            ("jörg", "JöRG", true),
            ("jörg", "JÖRG", false),
            ("jo\u{308}rg", "jörg", false),
            ("kim", "\u{212a}im", false),
            ("\u{2126}", "\u{3a9}", false),
            ("\u{212b}", "\u{c5}", false),
            ("stra\u{df}e", "strasse", false),
            ("kim", "kim ", false),
            ("kim", "kim\u{a0}", false),
            ("", "kim", false),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                assert_eq!(are_same(one.as_bytes(), other.as_bytes(), None), expected, "{one}");
            }
        }
    }

    #[test]
    fn a_username_is_sent_only_if_ldap_takes_it_for_no_other() {
        for (user, expected) in [
            ("alice@example.com", "alice"),
            ("alice", "alice"),
            ("jürgen@example.com", "jürgen"),
            ("Ольга", "Ольга"),
            ("佐々木", "佐々木"),
            ("ガス", "ガス"),
            ("김", "김"),
            ("Łukasz Žižek", "Łukasz Žižek"),
            ("o'hara jo", "o'hara jo"),
        ] {
            assert_eq!(username(user.as_bytes()), Ok(expected.as_bytes()), "{user}");
        }
        for (user, problem) in [
            ("alice @example.com", "begins or ends with white space"),
            (" alice", "begins or ends with white space"),
            ("alice\u{a0}", "begins or ends with white space"),
            ("al  ice", "contains several spaces in a row"),
            ("al\tice", "contains an invisible character"),
            ("al\u{ad}ice", "contains an invisible character"),
            ("alice\u{200b}", "contains an invisible character"),
            ("\u{feff}alice", "contains an invisible character"),
            ("alice\u{e0001}", "contains an invisible character"),
            ("\u{ff41}lice", "contains a character that LDAP may take for another"),
            ("ju\u{308}rgen", "contains a character that LDAP may take for another"),
            ("\u{212a}im", "contains a character that LDAP may take for another"),
            ("\u{fb01}n", "contains a character that LDAP may take for another"),
            ("\u{1d41a}lice", "contains a character that LDAP may take for another"),
            ("\u{140}a", "contains a character that LDAP may take for another"),
            ("\u{1c6}em", "contains a character that LDAP may take for another"),
            ("\u{2f00}", "contains a character that LDAP may take for another"),
            ("\u{30ab}\u{3099}", "contains a character that LDAP may take for another"),
            ("\u{17f}am", "contains a character that LDAP may take for another"),
        ] {
            let text = username(user.as_bytes()).unwrap_err().to_string();
            assert!(text.contains(problem) && text.contains("login_name"), "{user}: {text}");
        }
        let text = username(b"al\xffice").unwrap_err().to_string();
        assert!(text.contains("is not UTF-8"), "{text}");
    }

    #[test]
    fn the_difference_of_two_names_is_told() {
        use Difference::*;
        let one = domains(&["example.com"]);
        let missing = |domain: &str| Domain(domain.into());
        for (server, user, domains, expected) in [
            ("bob", "Bob@example.com", None, missing("example.com")),
            ("bob@example.com", "bob", None, missing("example.com")),
            ("12345", "12345@example.com", None, missing("example.com")),
            ("bob", "bob@a@b", None, Name),
            ("bob", "bob@", None, Name),
            ("bob", "victim@example.com", None, Name),
            ("bob", "victim@example.com", one.as_ref(), Name),
            ("bob@example.org", "bob@example.com", one.as_ref(), Name),
            ("6c1156a0-7ffc-1041-86b2-8939fe2205b2", "lena@example.com", one.as_ref(), Internal),
            ("{6C1156A0-7FFC-1041-86B2-8939FE2205B2}", "lena", None, Internal),
            ("6c1156a0-7ffc-1041-86b2-8939fe2205b2-1", "lena", None, Name),
            ("6c1156a0-7ffc-1041-86b2-8939fe2205bx", "lena", None, Name),
            (&"a1".repeat(16), "lena", None, Internal),
            (&"0f".repeat(20), "lena", None, Internal),
            (&"0F".repeat(32), "lena", None, Internal),
            (&"a1".repeat(15), "lena", None, Name),
            ("17149682", "lena", None, Internal),
            ("", "lena", None, Name),
            ("lena", "lena ", None, Space),
            ("lena", " lena@example.com", one.as_ref(), Space),
            ("jo smith", "jo  smith", None, Space),
            ("jurgen", "j\u{fc}rgen@example.com", one.as_ref(), Letters),
            ("juergen", "j\u{fc}rgen", None, Letters),
            ("lena", "\u{ff4c}ena", None, Letters),
            ("j\u{fc}rgen", "ju\u{308}rgen", None, Letters),
            ("J\u{d6}RG", "j\u{f6}rg", None, Letters),
            ("bob", "j\u{fc}rgen", None, Name),
            ("bob", "\u{65e5}\u{672c}", None, Name),
            ("jurgen@example.org", "j\u{fc}rgen@example.com", None, Name),
        ] {
            let found = difference(server.as_bytes(), user.as_bytes(), domains);
            assert_eq!(found, expected, "{server} {user}");
        }
        // A hostile name is compared in linear time.
        let long = "\u{fc}a".repeat(20_000);
        assert_eq!(difference(long.as_bytes(), "a".repeat(6000).as_bytes(), None), Name);
    }
}
