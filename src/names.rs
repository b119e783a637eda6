//! Compares user names: those of mail logins, and those on the server.

use std::borrow::Cow;

/// The option `domain`: the mail domain of user names on the server that have none.
pub type Domain<'a> = Option<&'a str>;

/// Appends `domain` to a name that has no domain.
pub fn with_domain<'a>(name: &'a [u8], domain: Domain) -> Cow<'a, [u8]> {
    match domain {
        Some(domain) if !name.contains(&b'@') => [name, b"@", domain.as_bytes()].concat().into(),
        _ => name.into(),
    }
}

/// Removes `domain` from a name. Returns the whole name if it has another domain, several `@`, or
/// nothing before the `@`.
pub fn without_domain<'a>(name: &'a [u8], domain: Domain) -> &'a [u8] {
    let parts = name.iter().position(|byte| *byte == b'@').map(|at| (&name[..at], &name[at + 1..]));
    match (parts, domain) {
        (Some((user, own)), Some(domain))
            if !user.is_empty() && own.eq_ignore_ascii_case(domain.as_bytes()) =>
        {
            user
        }
        _ => name,
    }
}

/// Whether two names are the same user's. The comparison ignores the case of ASCII letters only.
/// Letters that only look alike are different, so that nobody can imitate a name.
pub fn are_same(one: &[u8], other: &[u8], domain: Domain) -> bool {
    with_domain(one, domain).eq_ignore_ascii_case(&with_domain(other, domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: Domain = Some("example.com");

    #[test]
    fn a_name_without_a_domain_gets_it_on_either_side() {
        for (one, other, domain, expected) in [
            ("bob", "bob", None, true),
            ("bob", "bob", DOMAIN, true),
            ("bob", "bob@example.com", DOMAIN, true),
            ("bob@example.com", "bob@example.com", DOMAIN, true),
            ("Bob@EXAMPLE.com", "bOB", DOMAIN, true),
            ("bob", "bob@example.com", None, false),
            ("bob", "bob@example.org", DOMAIN, false),
            ("bob@example.org", "bob@example.com", DOMAIN, false),
            ("bob@example.org", "bob@example.org", DOMAIN, true),
            ("bob", "alice", DOMAIN, false),
            ("bob@", "bob", DOMAIN, false),
            ("@example.com", "bob", DOMAIN, false),
            ("bob@example.com@example.com", "bob", DOMAIN, false),
            ("bob@evil@example.com", "bob@evil", DOMAIN, false),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let same = are_same(one.as_bytes(), other.as_bytes(), domain);
                assert_eq!(same, expected, "{one} {other} {domain:?}");
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
    fn only_the_configured_domain_is_removed_and_only_after_a_name() {
        for (name, expected) in [
            ("bob@example.com", "bob"),
            ("bob@Example.COM", "bob"),
            ("bob", "bob"),
            ("bob@example.org", "bob@example.org"),
            ("bob@mail.example.com", "bob@mail.example.com"),
            ("bob@", "bob@"),
            ("@example.com", "@example.com"),
            ("bob@evil@example.com", "bob@evil@example.com"),
            ("", ""),
        ] {
            assert_eq!(without_domain(name.as_bytes(), DOMAIN), expected.as_bytes(), "{name}");
            assert_eq!(without_domain(name.as_bytes(), None), name.as_bytes());
        }
    }
}
