//! Settings of Dovecot that are legal and unwise for a passdb with this script.

use super::dovecot::{Dovecot, Passdb};
use super::script::Script;

/// The salt in the examples.
const PLACEHOLDER: &str = "CHANGE-ME";

/// The hash of the examples, for the cache key of Dovecot 2.3.
const HASHED_KEY: &str = "cache_key=%u:%{sha256;rounds=100,salt=LETTERS_AND_DIGITS:password}";

/// Dovecot's known faults in authentication: the first releases of Dovecot and of Debian 13 without them.
const FAULTS: [(&str, [u32; 3], u32); 4] = [
    ("CVE-2025-30189", [2, 4, 2], 1),
    ("CVE-2025-59028", [2, 4, 3], 4),
    ("CVE-2026-33603", [2, 4, 4], 6),
    ("CVE-2026-42008", [2, 4, 5], 7),
];

/// What each of them is, where the administrator can do something else about it.
const MIXES_UP_USERS: &str = "CVE-2025-30189";

/// What is unwise in the configuration of this passdb. None: no passdb has the script.
pub fn warnings(dovecot: &Dovecot, passdb: Option<&Passdb>, script: &Script) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(passdb) = passdb {
        warnings.extend(about_results(passdb));
        warnings.extend(about_names(dovecot, passdb));
        warnings.extend(about_mechanisms(passdb));
        if dovecot.has_cache() {
            warnings.extend(about_cache(dovecot, passdb, script));
        }
    }
    if dovecot.settings.get("auth_verbose") != Some("yes") {
        warnings.push(
            "auth_verbose is off, so Dovecot does not log why a login is refused: auth_verbose = yes".into(),
        );
    }
    warnings.extend(about_version(dovecot));
    warnings
}

/// Results that Dovecot turns into others.
fn about_results(passdb: &Passdb) -> Vec<String> {
    let results = [("result_failure", "a wrong"), ("result_internalfail", "in an outage, any")];
    let turned = results.into_iter().filter_map(|(name, which)| {
        let value =
            passdb.settings.get(name).filter(|it| ["return-ok", "continue-ok"].contains(it))?;
        Some(format!("{name} = {value} accepts {which} password: remove it"))
    });
    turned.collect()
}

/// Names that Dovecot changes before it asks.
fn about_names(dovecot: &Dovecot, passdb: &Passdb) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(user) = passdb.fields.get("user") {
        warnings.push(format!(
            "fields {{ user = {user} }} changes the name before the web server is asked, so another \
             user may log in: remove it, or set it in the userdb"
        ));
    }
    let format = dovecot.settings.get("auth_username_format").unwrap_or_default();
    if !dovecot.is_2_3() && format.replace("%%", "").replace("%{", "").contains('%') {
        warnings.push(format!(
            "auth_username_format = {format} is of Dovecot 2.3: 2.4 takes it for the name of every \
             user: auth_username_format = %{{user | lower}}"
        ));
    }
    warnings
}

/// Mechanisms that do not reach the script.
fn about_mechanisms(passdb: &Passdb) -> Option<String> {
    ["mechanisms", "mechanisms_filter"].into_iter().find_map(|name| {
        let value = passdb.settings.get(name)?;
        let mut mechanisms = value.split([' ', ',']).filter(|it| !it.is_empty()).peekable();
        mechanisms.peek()?;
        (!mechanisms.any(|it| it.eq_ignore_ascii_case("plain"))).then(|| {
            format!(
                "{name} = {value} excludes plain, which most mail clients use: their logins fail as \
                 temporary: {name} = plain login"
            )
        })
    })
}

fn about_cache(dovecot: &Dovecot, passdb: &Passdb, script: &Script) -> Vec<String> {
    let mut warnings = Vec::new();
    if passdb.settings.get("use_cache") == Some("no") {
        warnings.push(
            "use_cache = no: nobody can log in while the web server is down: remove it".into(),
        );
    } else if dovecot.is_2_3() {
        warnings.extend(about_key_of_2_3(passdb, script.refused_is_unknown));
    } else if let Some(key) = &script.cache_key {
        warnings.extend(about_key_of_2_4(dovecot, key));
    }
    warnings
}

/// The variables of a key of Dovecot 2.3, without their modifiers, such as `u` and `password`.
fn variables(key: &str) -> Vec<&str> {
    let mut variables = Vec::new();
    let mut rest = key;
    while let Some((_, after)) = rest.split_once('%') {
        let name =
            after.trim_start_matches(|it: char| it.is_ascii_uppercase() || it.is_ascii_digit());
        match name.strip_prefix('{').and_then(|it| it.split_once('}')) {
            Some((inside, after)) => {
                variables.push(inside);
                rest = after;
            }
            None => {
                variables.extend(name.get(..1));
                rest = name.get(1..).unwrap_or_default();
            }
        }
    }
    variables
}

fn about_key_of_2_3(passdb: &Passdb, refused_is_unknown: Option<bool>) -> Option<String> {
    let key = passdb.cache_key.as_deref().unwrap_or("%u");
    // An empty one turns the cache off for this passdb.
    if key.is_empty() {
        return None;
    }
    let variables = variables(key);
    let has = |names: &[&str]| variables.iter().any(|it| names.contains(it));
    if !has(&["u", "user", "n", "username", "orig_user"]) {
        return Some(format!(
            "the cache key {key} does not name the user, so one user's password may log in another: \
             {HASHED_KEY}"
        ));
    }
    // Without a round, Dovecot's hash of every password is the same.
    let hash = variables.iter().find(|it| it.ends_with(":password") && !it.contains("rounds=0,"));
    let has_password = has(&["w", "password"]);
    match (hash, has_password, refused_is_unknown) {
        (None, false, _) => Some(format!(
            "the cache key lacks the password: add {HASHED_KEY} to the passdb's args, and \
             cache_key_has_password = true to the script"
        )),
        (_, _, Some(false)) => Some(
            "the cache key has the password, but the script is not told so: set \
             cache_key_has_password = true in it, or a revoked password works again in an outage"
                .into(),
        ),
        (_, true, _) => Some(format!(
            "the cache key has the password itself, so Dovecot's memory shows it: {HASHED_KEY}"
        )),
        (Some(hash), ..) => hash.contains(PLACEHOLDER).then(|| about_salt("cache_key")),
    }
}

fn about_key_of_2_4(dovecot: &Dovecot, key: &str) -> Option<String> {
    let Some((_, field)) = key.split_once("%{passdb:") else {
        return Some(match (key.contains("%{user"), key.contains("%{password")) {
            (true, true) => "the cache key has the password itself, so Dovecot's memory shows it: \
                             cache_key_has_hash = yes, and the passdb that hashes it, as in the examples"
                .into(),
            (true, false) => return None,
            (false, _) => format!(
                "the cache key {key} does not name the user, so one user's password may log in \
                 another: let auth_passdb_get_cache_key return \"%{{user}}:%{{password}}\""
            ),
        });
    };
    let field = field.split('}').next().unwrap_or_default();
    match dovecot.passdbs.iter().find_map(|passdb| passdb.fields.get(field)) {
        None => Some(format!(
            "the cache key needs the field {field}, and no passdb sets it, so nobody can log in: add \
             the passdb that hashes the password, as in the examples"
        )),
        Some(value) => value.contains(PLACEHOLDER).then(|| about_salt(field)),
    }
}

fn about_salt(place: &str) -> String {
    format!(
        "the salt in {place} is still {PLACEHOLDER}, which everybody knows: replace it by what \
         openssl rand -hex 16 prints"
    )
}

/// Versions with known faults in authentication.
fn about_version(dovecot: &Dovecot) -> Option<String> {
    let Dovecot { version, package, .. } = dovecot;
    let release =
        |text: &str| text.split('.').map_while(|part| part.parse().ok()).collect::<Vec<u32>>();
    let current = release(version);
    if current.len() < 2 {
        return None;
    }
    // The revision of Debian's package, 0 before the first.
    let revision = |debian: &str| {
        let package = package.as_deref()?;
        let revision = package.split_once(debian).map_or("0", |(_, rest)| rest);
        revision.split(|it: char| !it.is_ascii_digit()).next()?.parse::<u32>().ok()
    };
    let known: Vec<_> = FAULTS
        .into_iter()
        .filter(|(name, fixed, in_debian)| {
            let is_old = current[..] < fixed[..];
            match version.as_str() {
                _ if dovecot.is_2_3() => {
                    *name == "CVE-2026-42008" && revision("+deb12u").is_none_or(|it| it < 7)
                }
                "2.4.1" => revision("+deb13u").is_none_or(|it| it < *in_debian),
                _ => is_old,
            }
        })
        .map(|(name, ..)| name)
        .collect();
    if known.is_empty() {
        return None;
    }
    let users = if known.contains(&MIXES_UP_USERS) {
        "; the first mixes up users in the cache"
    } else {
        ""
    };
    Some(format!(
        "Dovecot {} has known faults in authentication ({}){users}: update it to 2.4.5, or to Debian's \
         {}",
        package.as_deref().unwrap_or(version),
        known.join(", "),
        if dovecot.is_2_3() { "1:2.3.19.1+dfsg1-2.1+deb12u7" } else { "1:2.4.1+dfsg1-6+deb13u7" },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(version: &str, package: Option<&str>) -> String {
        let package = package.map(String::from);
        let dovecot = Dovecot { version: version.into(), package, ..Dovecot::default() };
        about_version(&dovecot).unwrap_or_default()
    }

    #[test]
    fn versions_with_known_faults_are_told_apart() {
        for (version, package, expected) in [
            (
                "2.4.1",
                None,
                "(CVE-2025-30189, CVE-2025-59028, CVE-2026-33603, CVE-2026-42008); the first",
            ),
            ("2.4.1", Some("1:2.4.1+dfsg1-6"), "(CVE-2025-30189, CVE-2025-59028"),
            ("2.4.1", Some("1:2.4.1+dfsg1-6+deb13u5"), "(CVE-2026-33603, CVE-2026-42008): update"),
            ("2.4.1", Some("1:2.4.1+dfsg1-6+deb13u6"), "(CVE-2026-42008)"),
            ("2.4.4", None, "(CVE-2026-42008)"),
            (
                "2.3.19.1",
                Some("1:2.3.19.1+dfsg1-2.1+deb12u6"),
                "Debian's 1:2.3.19.1+dfsg1-2.1+deb12u7",
            ),
            ("2.3.21", None, "(CVE-2026-42008)"),
        ] {
            let text = about(version, package);
            assert!(text.contains(expected), "{version} {package:?}: {text}");
        }
        for (version, package) in [
            ("2.4.1", Some("1:2.4.1+dfsg1-6+deb13u7")),
            ("2.4.1", Some("1:2.4.1+dfsg1-6+deb13u10")),
            ("2.3.19.1", Some("1:2.3.19.1+dfsg1-2.1+deb12u7")),
            ("2.4.5", None),
            ("2.5.0", None),
            ("3.0", None),
            ("", None),
        ] {
            assert_eq!(about(version, package), "", "{version} {package:?}");
        }
    }

    #[test]
    fn variables_of_a_key_are_found_with_any_modifiers() {
        let key = "%Lu-%{user}%5.10n:%{sha256;rounds=1,salt=a:password}%%%w%";
        assert_eq!(
            variables("%Lu-%{user}:%{sha256;rounds=1,salt=a:password}%w"),
            ["u", "user", "sha256;rounds=1,salt=a:password", "w"]
        );
        // Whatever comes, it ends.
        variables(key);
        variables("%{");
        variables("%ü%");
    }
}
