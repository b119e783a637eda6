//! What an answer means for a login. This module does no I/O.
//!
//! Each rule covers a kind of answer instead of a list of known answers. Otherwise a new version of
//! a server could turn a refusal into an outage, and Dovecot would fall back to its cache.

use crate::answer::Answer;
use crate::credentials::MAX_BYTES;
use crate::dav::{Body, CurrentUser, Properties, principal_name};
use crate::denial::{Denial, Reason};
use crate::names::{Difference, are_same, difference, with_domain};
use crate::options::{LoginName, Options, Principal, TOO_MANY_REQUESTS};
use crate::text::{printable, printable_bytes};

/// Checks that an answer proves the password to be right, and to be that of `user`.
///
/// # Errors
/// The denial, if the answer does not prove this.
pub fn check_answer(options: &Options, user: &[u8], answer: &Answer) -> Result<(), Denial> {
    if answer.status == options.success_status {
        return if options.is_propfind() { check_principal(options, user, answer) } else { Ok(()) };
    }
    check_account(answer)?;
    if options.is_failure(answer.status) {
        return Err(refusal(answer));
    }
    Err(Denial::Unavailable(Reason::Answer, describe(options, answer)))
}

/// The server's name for the user, which is part of the URL of the user's files.
///
/// # Errors
/// [`Denial::Refused`] if the server names no user.
pub fn file_owner(answer: &Answer) -> Result<String, Denial> {
    let name = answer.body.principal().and_then(principal_name);
    // A longer name cannot have been sent, and its URL would be too long.
    name.filter(|name| name.len() <= MAX_BYTES).ok_or_else(|| {
        let text = "the server does not say whose password it is (file_access = \"none\")";
        Denial::Refused(text.into())
    })
}

/// Checks that an answer proves that the password gives no access to files.
///
/// # Errors
/// The denial, if the answer does not prove this.
pub fn check_files(options: &Options, answer: &Answer) -> Result<(), Denial> {
    let file_id = match &answer.body {
        Body::Multistatus(properties) if answer.status == 207 => properties.file_id.as_deref(),
        _ => None,
    };
    match file_id {
        Some("-1") => return Ok(()),
        Some(id) if id.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(Denial::Refused(
                "the password may read files: make an app password in Nextcloud, Settings, \
                 Security, and turn off \"Allow filesystem access\" for it (file_access = \"none\")"
                    .into(),
            ));
        }
        _ => check_account(answer)?,
    }
    if answer.status >= 500 {
        return Err(Denial::Unavailable(Reason::Answer, describe(options, answer)));
    }
    let what = match (&answer.body, file_id) {
        (_, Some(id)) => format!("the file id is {}", printable(id)),
        (Body::Multistatus(_), None) => format!("{} without a file id", answer.status_line()),
        _ => describe(options, answer),
    };
    Err(Denial::Refused(format!(
        "the server gives no clear answer whether the password may read files: {what} \
         (file_access = \"none\")"
    )))
}

/// Recognises answers about this user or this client: throttled, disabled, or refused by Nextcloud.
fn check_account(answer: &Answer) -> Result<(), Denial> {
    if answer.status == TOO_MANY_REQUESTS {
        let text = format!(
            "{}: too many failed logins from this address; \
             is the mail server among Nextcloud's trusted_proxies?",
            answer.status_line()
        );
        return Err(Denial::Throttled(text));
    }
    let Body::Exception { name, message } = &answer.body else { return Ok(()) };
    // Nextcloud wraps an exception of its authentication as "CLASS: TEXT". The text is translated.
    let wrapped = message.as_deref().and_then(|message| message.split(':').next());
    for class in [Some(name.as_str()), wrapped].into_iter().flatten() {
        let class = class.trim_start_matches('\\');
        let short = class.rsplit('\\').next().unwrap_or(class);
        if class.starts_with("OC\\User\\") {
            return Err(Denial::Disabled(answer.summary()));
        }
        if class.starts_with("OC\\Authentication\\") || class.starts_with("OCP\\Authentication\\") {
            let status = answer.status_line();
            return Err(Denial::Refused(match answer.has_password {
                true => format!("{status}: {REMEDY}"),
                false => format!("{status} ({short}): {REMEDY}"),
            }));
        }
    }
    Ok(())
}

/// What to do if Nextcloud no longer accepts an app password.
const REMEDY: &str = "make a new app password in Nextcloud (Settings, Security)";

/// The denial for an answer with one of `failure_status`. It is a refusal even if the server does
/// not offer Basic authentication. Some servers accept Basic without offering it, and a refusal that
/// is taken for an outage keeps a revoked password in Dovecot's cache.
#[cold]
fn refusal(answer: &Answer) -> Denial {
    let status = answer.status_line();
    if lacks_credentials(answer) {
        return Denial::Unavailable(
            Reason::Answer,
            format!(
                "{status}: a proxy in front of the server drops the Authorization header; let it pass \
             the header on (with Apache and PHP-FPM: CGIPassAuth On)"
            ),
        );
    }
    let text = match &answer.body {
        Body::Exception { name, .. } if name.ends_with("PasswordLoginForbidden") => format!(
            "{status} (PasswordLoginForbidden): this account needs an app password, and this one \
             is none, or is mistyped or revoked; {REMEDY}"
        ),
        Body::Exception { .. } => format!(
            "{status}: wrong user name or password, or an app password that was made under \
             another login name (login_name)"
        ),
        _ => format!("{status}: wrong user name or password"),
    };
    Denial::Refused(match answer.schemes_without_basic() {
        Some(schemes) => format!(
            "{text}; the server offers only {schemes}: if nobody can log in, allow Basic \
             authentication for this URL"
        ),
        None => text,
    })
}

/// Whether sabre/dav, which is also Nextcloud's, says that the request had no credentials. The text
/// is never translated. Every request has credentials, so this is not about the user.
fn lacks_credentials(answer: &Answer) -> bool {
    matches!(
        &answer.body,
        Body::Exception { name, message: Some(message) }
            if name.ends_with("\\NotAuthenticated")
                && message.contains("No 'Authorization: Basic' header found")
    )
}

/// Checks that the principal in an answer with `success_status` matches the option `principal`.
fn check_principal(options: &Options, user: &[u8], answer: &Answer) -> Result<(), Denial> {
    let Body::Multistatus(properties) = &answer.body else {
        return Err(Denial::Unavailable(Reason::Answer, describe(options, answer)));
    };
    match &properties.current_user {
        CurrentUser::Unauthenticated => {
            let text = "the server answers without looking at the password; is the URL right?";
            Err(Denial::Unavailable(Reason::Answer, text.into()))
        }
        _ if options.principal == Principal::Any => Ok(()),
        CurrentUser::Principal(href) => check_name(options, user, href),
        CurrentUser::Unknown => check_unnamed(options, answer, properties),
        CurrentUser::Unclear => {
            let text = "the server's current-user-principal is not valid; is it a WebDAV server \
                        (RFC 5397)?";
            Err(Denial::Unavailable(Reason::Answer, text.into()))
        }
    }
}

/// Checks that the principal with the path `href` is `user`.
fn check_name(options: &Options, user: &[u8], href: &str) -> Result<(), Denial> {
    let Some(name) = principal_name(href) else {
        let text = format!("the server's principal has no user name: {}", printable(href));
        return Err(Denial::Refused(text));
    };
    let domains = options.domain.as_ref();
    if are_same(name.as_bytes(), user, domains) {
        return Ok(());
    }
    let quoted = |name: &[u8]| format!("\"{}\"", printable_bytes(&with_domain(name, domains)));
    let others = format!(
        "the password belongs to {}, not to {} (principal = \"user\")",
        quoted(name.as_bytes()),
        quoted(user)
    );
    Err(Denial::Refused(match difference(name.as_bytes(), user, domains) {
        Difference::Domain(domain) => {
            format!("{others}; if both are one person, set domain = \"{domain}\"")
        }
        Difference::Internal => format!(
            "\"{}\" looks like the server's internal name for the login {}, which principal = \
             \"user\" cannot compare; {}",
            printable(&name),
            quoted(user),
            settings_for_internal_names(options)
        ),
        Difference::Space => {
            format!("{others}; they differ by white space only, so log in without it")
        }
        Difference::Letters => format!(
            "{others}; they differ by accents or width only; if the server writes this login so, {}",
            settings_for_internal_names(options)
        ),
        Difference::Name if has_no_user_name(href) => format!(
            "this server's principals do not contain user names: {} (principal = \"user\"); set \
             principal = \"any\" only if nobody can choose a name to log in with",
            printable(href)
        ),
        Difference::Name => others,
    }))
}

/// The settings that are safe if the server's names are not login names: a name without `@` is
/// nobody's e-mail address, so no user can choose it.
pub fn settings_for_internal_names(options: &Options) -> &'static str {
    match (&options.domain, options.login_name) {
        (None, _) => "set domain, login_name = \"username\" and principal = \"any\"",
        (_, LoginName::User) => "set login_name = \"username\" and principal = \"any\"",
        (_, LoginName::Username) => "set principal = \"any\"",
    }
}

/// Whether the path of a principal ends in a word instead of a name, as with iCloud and Google.
fn has_no_user_name(href: &str) -> bool {
    let last = href.trim_end_matches('/').rsplit('/').next();
    last.is_some_and(|last| ["principal", "user"].contains(&last))
}

/// Checks an answer without a principal. Most servers that name no user authenticate exactly the
/// name that was sent. Nextcloud does not: at some URLs it names no user, but still accepts a login
/// by e-mail address, which a user can choose freely.
fn check_unnamed(
    options: &Options,
    answer: &Answer,
    properties: &Properties,
) -> Result<(), Denial> {
    if !properties.is_nextcloud {
        return Ok(());
    }
    // ownCloud Infinite Scale and OpenCloud use the same namespaces, name nobody at any URL, and have
    // nothing at Nextcloud's.
    if !answer.is_nextcloud() {
        let text = "this server looks like Nextcloud, ownCloud or OpenCloud, and does not say whose \
                    password it is at this URL; Nextcloud's URL ends in /remote.php/dav/, and for \
                    OpenCloud or ownCloud Infinite Scale, set principal = \"any\"";
        return Err(Denial::Unavailable(Reason::Answer, text.into()));
    }
    let url = match options.url.of_nextcloud() {
        Some(url) => format!("set url = \"{url}\""),
        None => "Nextcloud's URL ends in /remote.php/dav/".into(),
    };
    let text = format!("this Nextcloud does not say whose password it is at this URL: {url}");
    Err(Denial::Unavailable(Reason::Answer, text))
}

/// Describes an unexpected answer by its most telling property.
#[cold]
fn describe(options: &Options, answer: &Answer) -> String {
    let summary = answer.summary();
    if let Some(location) = answer.location() {
        return format!(
            "{summary}: redirects to {location}, and redirects are not followed; set the final URL"
        );
    }
    if let Some(coding) = answer.coding() {
        return format!(
            "{summary}: the body is encoded (Content-Encoding: {coding}), although the request \
             forbids it; switch compression off for this URL"
        );
    }
    let Body::Other(what) = &answer.body else { return summary };
    let (url, method) = (&options.url, &options.method);
    let problem = match answer.status {
        400 if answer.is_nextcloud() => {
            let host = url.host();
            format!("Nextcloud does not trust the URL's host; add {host} to its trusted_domains")
        }
        400 if answer.expects_tls && !url.is_https() => {
            "this port is for TLS; begin the URL with https://".into()
        }
        // nginx answers a client without a certificate like this.
        400 if url.is_https() => {
            "the server may require a client certificate, which httpbasic does not send".into()
        }
        403 | 405 if is_web_page(&answer.body) => {
            // Apache answers a client without a certificate like this, over TLS 1.3.
            let certificate = match (answer.status, url.is_https()) {
                (403, true) => ", or the server may require a client certificate",
                _ => "",
            };
            format!(
                "a firewall, WAF or proxy may forbid {method}{certificate}; is the URL right, and \
                 what does the web server's log say?"
            )
        }
        500 => "the server failed; see its log".into(),
        502 | 504 => {
            "the web server runs, but the server behind it (PHP, a container) does not answer; see \
             the logs of both"
                .into()
        }
        503 if answer.is_nextcloud() => {
            "Nextcloud is not ready; run occ upgrade if it was updated, else see nextcloud.log"
                .into()
        }
        503 => "the server is overloaded or not ready; see its log".into(),
        501.. => return summary,
        _ => format!("the body is {what}; is the URL right?"),
    };
    format!("{summary}: {problem}")
}

/// Whether the body is a web page.
fn is_web_page(body: &Body) -> bool {
    matches!(body, Body::Other(what) if *what == "a web page (HTML)")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use ureq::http::HeaderMap;
    use ureq::http::header::HeaderName;

    use super::*;
    use crate::answer;
    use crate::options::value::Value;

    /// A recorded answer of a real Nextcloud, from this folder.
    fn recording(folder: &str, name: &str) -> Answer {
        let root = env!("CARGO_MANIFEST_DIR");
        let text = std::fs::read_to_string(format!("{root}/tests/nextcloud-{folder}/{name}.http"));
        let text = text.unwrap();
        let (head, body) = text.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
        received(status, &headers, body)
    }

    fn received(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        Answer {
            status,
            reason: None,
            headers: map,
            body: Body::parse(body.as_bytes()),
            expects_tls: answer::expects_tls(body.as_bytes()),
            has_password: false,
            elapsed: Duration::ZERO,
        }
    }

    /// A multistatus answer with this property.
    fn multistatus(property: &str) -> Answer {
        let body = format!(
            "<multistatus xmlns='DAV:'><response><propstat><prop>{property}</prop>\
             <status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
        );
        received(207, &[], &body)
    }

    fn principal(href: &str) -> Answer {
        multistatus(&format!(
            "<current-user-principal><href>{href}</href></current-user-principal>"
        ))
    }

    /// An error of sabre/dav.
    fn exception(status: u16, name: &str, message: &str) -> Answer {
        let body = format!(
            "<d:error xmlns:d='DAV:' xmlns:s='http://sabredav.org/ns'>\
             <s:exception>{name}</s:exception><s:message>{message}</s:message></d:error>"
        );
        received(status, &[], &body)
    }

    fn options(pairs: &[(&str, &str)]) -> Options {
        let url = ("url", "https://host/remote.php/webdav/");
        let url = pairs.iter().all(|(key, _)| *key != "url").then_some(&url);
        let pairs = url.into_iter().chain(pairs);
        Options::new(pairs.map(|(key, value)| ((*key).into(), Value::String((*value).into()))))
            .unwrap()
    }

    /// The verdict as one word, and its text.
    fn word(result: Result<(), Denial>) -> (&'static str, String) {
        match result {
            Ok(()) => ("ok", String::new()),
            Err(Denial::Refused(text)) => ("refused", text),
            Err(Denial::Disabled(text)) => ("disabled", text),
            Err(Denial::Throttled(text)) => ("throttled", text),
            Err(Denial::Unavailable(_, text)) => ("unavailable", text),
        }
    }

    fn verdict(pairs: &[(&str, &str)], user: &str, answer: &Answer) -> (&'static str, String) {
        word(check_answer(&options(pairs), user.as_bytes(), answer))
    }

    /// The folders with recorded answers.
    const RECORDINGS: [&str; 4] = ["31", "32", "34", "34-more"];

    /// The recorded answers about files, which have a test of their own.
    const ABOUT_FILES: [&str; 3] =
        ["files-app-password-without-file-access", "files-full-app-password", "files-plus-in-uid"];

    /// Each recorded answer, with the default settings: the folders, the name, the login and the
    /// verdict.
    const VERDICTS: [(&[&str], &str, &str, &str); 67] = [
        (&["31", "32", "34"], "ok-principal", "bob", "ok"),
        (&["31", "32", "34"], "ok-principal", "alice", "refused"),
        (&["31", "32", "34"], "ok-principal-email-login", "victim@example.com", "refused"),
        (&["31", "34"], "ok-principal-odd-uid", "o'hara jo@example.com", "ok"),
        (&["34"], "ok-principal-umlaut", "jürgen", "ok"),
        (&["34"], "carddav-principal", "bob", "ok"),
        (&["34-more"], "ok-account-password", "bob", "ok"),
        (&["34-more"], "account-urlencoded", "bob", "ok"),
        (&["34-more"], "name-upper-app", "BOB", "ok"),
        (&["34-more"], "password-4096-bytes", "long4096", "ok"),
        (&["34-more"], "principal-properties", "bob", "ok"),
        (&["34-more"], "ldap-ok-uid", "lena", "ok"),
        (&["34-more"], "ldap-ok-mail", "lena@example.com", "refused"),
        (&["34-more"], "ldap-trail-space", "lena ", "refused"),
        (&["34-more"], "ldap-umlaut", "jürgen", "refused"),
        (&["34-more"], "ldap-default-uuid-name", "lena", "refused"),
        (&["34-more"], "ldap-locked-app-fresh", "lena", "ok"),
        (&["34-more"], "ldap-removed-app-password-without-account-password", "lena", "ok"),
        (&["34-more"], "ldapdown-app-password-checked-recently", "lena", "ok"),
        (&["34-more"], "ldapdown-app-password-of-a-local-user", "bob", "ok"),
        (&["34-more"], "email-equals-uid-bobs-password", "victim@example.com", "refused"),
        (&["32", "34-more"], "token-of-email-login", "victim@example.com", "refused"),
        (&["34-more"], "token-of-email-login-as-bob", "bob", "refused"),
        (&["31", "34"], "ok-allprop", "bob", "unavailable"),
        (&["31", "34"], "ok-no-depth-no-body", "bob", "unavailable"),
        (&["32", "34"], "webdav-no-principal", "bob", "unavailable"),
        (&["31", "32", "34"], "wrong-password", "bob", "refused"),
        (&["31", "32", "34"], "unknown-user", "bob", "refused"),
        (&["34-more"], "account-disabled-wrong-password", "bob", "refused"),
        (&["34-more"], "web-token-trailing-space", "bob", "refused"),
        (&["34-more"], "token-expired", "bob", "refused"),
        (&["34-more"], "ldap-unlocked-app-password-stays-invalid", "lena", "refused"),
        (&["34-more"], "ldapagent-account", "lena", "refused"),
        (&["34-more"], "ldapagent-app-stale", "lena", "refused"),
        (&["34-more"], "ldapagent-app-stale-again", "lena", "refused"),
        (&["34-more"], "ldapagent-ok-app", "lena", "refused"),
        (&["34-more"], "ocs-cloud-user-wrong", "bob", "refused"),
        (&["31", "32", "34"], "account-password-forbidden", "bob", "refused"),
        (&["34-more"], "token-auth-enforced-wrong", "bob", "refused"),
        (&["34-more"], "token-auth-enforced-short-typo", "bob", "refused"),
        (&["34-more"], "2fa-enforced-account", "bob", "refused"),
        (&["34-more"], "2fa-enforced-wrong", "bob", "refused"),
        (&["34"], "token-password-expired", "bob", "refused"),
        (&["31", "32", "34"], "account-disabled", "bob", "disabled"),
        (&["32", "34"], "account-disabled-account-password", "bob", "disabled"),
        (&["34-more"], "ldap-disabled-app", "lena", "disabled"),
        (&["34-more"], "password-policy-expired-account", "bob", "disabled"),
        (&["34-more"], "password-policy-expired-app", "bob", "disabled"),
        (&["34-more"], "password-policy-expired-wrong", "bob", "disabled"),
        (&["31", "32", "34"], "throttled", "bob", "throttled"),
        (&["31", "34"], "no-credentials", "bob", "unavailable"),
        (&["34-more"], "authorization-header-lost", "bob", "unavailable"),
        (&["34"], "account-removed-email-login", "bob", "unavailable"),
        (&["31", "32", "34"], "maintenance", "bob", "unavailable"),
        (&["31", "34"], "get-instead-of-propfind", "bob", "unavailable"),
        (&["34-more"], "ocs-cloud-user", "bob", "unavailable"),
        (&["34-more"], "untrusted-domain", "bob", "unavailable"),
        (&["34-more"], "needs-upgrade", "bob", "unavailable"),
        (&["34-more"], "datadir-invalid", "bob", "unavailable"),
        (&["34-more"], "datadir-unreadable", "bob", "unavailable"),
        (&["34-more"], "db-down-mysql", "bob", "unavailable"),
        (&["34-more"], "db-readonly-app", "bob", "unavailable"),
        (&["34-more"], "db-unreadable", "bob", "unavailable"),
        (&["34-more"], "fpm-down", "bob", "unavailable"),
        (&["34-more"], "php-parse-error", "bob", "unavailable"),
        (&["34-more"], "ldapdown-account-password", "lena", "unavailable"),
        (&["34-more"], "ldapdown-app-password-due-for-a-check", "lena", "unavailable"),
    ];

    #[test]
    fn each_answer_of_a_real_nextcloud_has_its_verdict() {
        let mut judged = BTreeSet::new();
        for (folders, name, user, expected) in VERDICTS {
            for folder in folders {
                let (word, text) = verdict(&[], user, &recording(folder, name));
                assert_eq!(word, expected, "{name} of {folder}: {text}");
                judged.insert((*folder, name.to_string()));
            }
        }
        for folder in RECORDINGS {
            let path = format!("{}/tests/nextcloud-{folder}", env!("CARGO_MANIFEST_DIR"));
            for entry in std::fs::read_dir(path).unwrap() {
                let file = entry.unwrap().file_name().into_string().unwrap();
                let Some(name) = file.strip_suffix(".http") else { continue };
                let is_judged = judged.contains(&(folder, name.to_string()));
                assert!(
                    is_judged || ABOUT_FILES.contains(&name),
                    "{folder}: {file} has no verdict"
                );
            }
        }
    }

    /// An answer that depends on whose name is sent has its verdict under each documented setting:
    /// the default, with `domain`, and that for internal names.
    #[test]
    fn each_answer_about_an_account_in_ldap_has_its_verdict_with_each_setting() {
        let domain = ("domain", "example.com");
        let internal = [domain, ("login_name", "username"), ("principal", "any")];
        let lena = "lena@example.com";
        for (name, user, expected) in [
            ("ldap-default-uuid-name", lena, ["refused", "refused", "ok"]),
            ("ldap-ok-uid", lena, ["refused", "ok", "ok"]),
            ("ldap-ok-uid", "lena", ["ok", "ok", "ok"]),
            ("ldap-ok-mail", lena, ["refused", "ok", "ok"]),
            ("ldap-ok-mail", "alice@example.com", ["refused", "refused", "ok"]),
            ("ldap-umlaut", "jürgen@example.com", ["refused", "refused", "ok"]),
            ("ldap-trail-space", "lena ", ["refused", "refused", "not sent"]),
            ("ldap-trail-space", "lena @example.com", ["refused", "refused", "not sent"]),
            ("ldap-disabled-app", lena, ["disabled"; 3]),
            ("ldap-locked-app-fresh", lena, ["refused", "ok", "ok"]),
            ("ldap-unlocked-app-password-stays-invalid", lena, ["refused"; 3]),
            ("ldapagent-account", lena, ["refused"; 3]),
            ("ldapagent-app-stale", lena, ["refused"; 3]),
            ("ldapdown-account-password", lena, ["unavailable"; 3]),
            ("ldapdown-app-password-checked-recently", lena, ["refused", "ok", "ok"]),
            ("ldapdown-app-password-due-for-a-check", lena, ["unavailable"; 3]),
            ("email-equals-uid-bobs-password", "bob", ["ok"; 3]),
            ("email-equals-uid-bobs-password", "victim@example.com", ["refused", "refused", "ok"]),
            (
                "email-equals-uid-bobs-password",
                "bob@example.org",
                ["refused", "not sent", "not sent"],
            ),
            ("token-of-email-login", "victim@example.com", ["refused", "refused", "ok"]),
            ("token-of-email-login", "bob", ["ok"; 3]),
            ("token-of-email-login-as-bob", "bob", ["refused"; 3]),
        ] {
            let answer = recording("34-more", name);
            let settings = [&[][..], &[domain], &internal];
            for (settings, expected) in settings.into_iter().zip(expected) {
                let is_sent = options(settings).sent_name(user.as_bytes()).is_ok();
                let (word, text) = match is_sent {
                    true => verdict(settings, user, &answer),
                    false => ("not sent", String::new()),
                };
                assert_eq!(word, expected, "{name} {user} {settings:?}: {text}");
            }
        }
        // Such an answer to `victim@example.com` cannot be had with the settings for internal names:
        // `victim` is sent, which is nobody's e-mail address.
        let sent = options(&internal).sent_name(b"victim@example.com").map(<[u8]>::to_vec);
        assert_eq!(sent.as_deref(), Ok(&b"victim"[..]));
    }

    #[test]
    fn file_access_none_accepts_only_passwords_without_access_to_files() {
        for (folder, name, expected) in [
            ("31", "files-app-password-without-file-access", "ok"),
            ("34", "files-app-password-without-file-access", "ok"),
            ("31", "files-full-app-password", "refused"),
            ("34", "files-full-app-password", "refused"),
            ("34", "files-plus-in-uid", "refused"),
            ("31", "ok-principal", "refused"),
            ("31", "wrong-password", "refused"),
            ("31", "account-disabled", "disabled"),
            ("34", "account-disabled", "disabled"),
            ("34", "throttled", "throttled"),
            ("34", "maintenance", "unavailable"),
            ("34", "get-instead-of-propfind", "refused"),
        ] {
            let (word, text) = word(check_files(&options(&[]), &recording(folder, name)));
            assert_eq!(word, expected, "{name} of {folder}: {text}");
        }
        let verdict = |id: &str| {
            let property = format!("<fileid xmlns='http://owncloud.org/ns'>{id}</fileid>");
            word(check_files(&options(&[]), &multistatus(&property)))
        };
        assert!(verdict("13").1.starts_with("the password may read files: "));
        for id in ["", "-2", "-10", "- 1", "none", "1.5"] {
            let (word, text) = verdict(id);
            assert_eq!(word, "refused", "{id}");
            assert!(text.contains("no clear answer"), "{id}: {text}");
        }
        let (_, text) = word(check_files(&options(&[]), &recording("34", "files-plus-in-uid")));
        assert!(text.contains("404"), "{text}");
    }

    #[test]
    fn an_exception_is_known_by_the_namespace_of_its_class() {
        for (class, expected) in [
            ("OC\\User\\LoginException", "disabled"),
            ("OC\\User\\DisabledUserException", "disabled"),
            ("\\OC\\User\\AnythingNewException", "disabled"),
            ("OC\\Authentication\\Exceptions\\AnythingNewException", "refused"),
            ("OCP\\Authentication\\Exceptions\\CredentialsUnavailableException", "refused"),
            ("OC\\DB\\Exceptions\\DbalException", "unavailable"),
            ("Doctrine\\DBAL\\Exception", "unavailable"),
            ("OC\\Users\\Exception", "unavailable"),
            ("Evil\\OC\\User\\LoginException", "unavailable"),
            ("LoginException", "unavailable"),
        ] {
            let unavailable = "Sabre\\DAV\\Exception\\ServiceUnavailable";
            for answer in [
                exception(503, unavailable, &format!("{class}: Konto deaktiviert")),
                exception(503, unavailable, &format!("{class}:")),
                exception(500, class, "Konto deaktiviert"),
                exception(403, class, ""),
            ] {
                assert_eq!(verdict(&[], "bob", &answer).0, expected, "{class}: {answer:?}");
            }
        }
        for message in ["see OC\\User\\LoginException: x", "Account disabled", "", ":"] {
            let answer = exception(503, "X", message);
            assert_eq!(verdict(&[], "bob", &answer).0, "unavailable", "{message}");
        }
        let class = "OC\\Authentication\\Exceptions\\ExpiredTokenException";
        let (_, text) = verdict(&[], "bob", &exception(503, "X", &format!("{class}: x")));
        assert!(text.starts_with("503 (ExpiredTokenException): make a new app password"), "{text}");
    }

    #[test]
    fn a_failure_status_is_a_refusal_whatever_schemes_the_server_offers() {
        let hint = "if nobody can log in, allow Basic authentication for this URL";
        for (challenges, offered) in [
            (&[][..], None),
            (&["Basic realm=\"x\""], None),
            (&["bASIC"], None),
            (&["Digest realm=\"x\"", "Basic realm=\"x\""], None),
            (&["Digest realm=\"x\""], Some("Digest")),
            (&["Digest realm=\"x\"", "Digest realm=\"x\", algorithm=SHA-256"], Some("Digest")),
            (&["Bearer"], Some("Bearer")),
            (&["Negotiate, NTLM"], Some("Negotiate, NTLM")),
        ] {
            let headers: Vec<_> = challenges.iter().map(|it| ("www-authenticate", *it)).collect();
            for status in [401, 403] {
                let answer = received(status, &headers, "");
                let (word, text) = verdict(&[("failure_status", "401, 403")], "bob", &answer);
                assert_eq!(word, "refused", "{challenges:?}: {text}");
                let expected = match offered {
                    Some(schemes) => {
                        format!("password; the server offers only {schemes}: {hint}")
                    }
                    None => "wrong user name or password".into(),
                };
                assert!(text.ends_with(&expected), "{text}");
            }
        }
    }

    #[test]
    fn a_request_that_arrived_without_its_credentials_says_nothing_about_the_user() {
        let lost = "No 'Authorization: Basic' header found. Either the client didn't send one, or \
                    the server is misconfigured";
        let class = "Sabre\\DAV\\Exception\\NotAuthenticated";
        let (word, text) = verdict(&[], "bob", &exception(401, class, lost));
        assert_eq!(word, "unavailable");
        assert!(text.contains("a proxy in front of the server drops the Authorization header"));
        for (class, message) in [
            (class, "Username or password was incorrect, No 'Authorization: Bearer' header found."),
            (class, "No 'Authorization: Digest' header found."),
            (class, ""),
            ("Sabre\\DAV\\Exception\\Forbidden", lost),
        ] {
            let word = verdict(&[], "bob", &exception(401, class, message)).0;
            assert_eq!(word, "refused", "{class}: {message}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_look_at() {
        let text = |folder, name| verdict(&[], "bob", &recording(folder, name)).1;
        assert!(text("34", "wrong-password").contains("another login name (login_name)"));
        for (folder, name) in [
            ("31", "account-password-forbidden"),
            ("34", "account-password-forbidden"),
            ("34-more", "token-auth-enforced-short-typo"),
            ("34-more", "2fa-enforced-wrong"),
        ] {
            let text = text(folder, name);
            let both = "needs an app password, and this one is none, or is mistyped or revoked; \
                        make a new app password in Nextcloud";
            assert!(text.contains(both), "{text}");
        }
    }

    #[test]
    fn a_text_of_the_server_with_the_password_is_not_shown_and_counts_as_before() {
        for (name, message, expected) in [
            ("Sabre\\DAV\\Exception\\ServiceUnavailable", "OC\\User\\secret: secret", "disabled"),
            ("Sabre\\DAV\\Exception\\secret", "OC\\Authentication\\secret: x", "refused"),
            ("Sabre\\DAV\\Exception\\secret", "user bob, password secret", "unavailable"),
        ] {
            let answer = Answer { has_password: true, ..exception(503, name, message) };
            let (word, text) = verdict(&[], "bob", &answer);
            assert_eq!(word, expected);
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_password_opens_only_the_mailbox_of_its_own_principal() {
        let domain = ("domain", "example.com");
        for (href, settings, user, expected) in [
            ("/principals/users/bob/", &[][..], "bob", "ok"),
            ("/principals/users/bob/", &[], "BOB", "ok"),
            ("/principals/users/bob", &[], "bob", "ok"),
            ("/principals/users/bob/", &[], "bob@example.com", "refused"),
            ("/principals/users/bob/", &[domain], "bob@example.com", "ok"),
            ("/principals/users/bob/", &[domain], "bob@example.org", "refused"),
            ("/principals/users/bob/", &[domain], "victim@example.com", "refused"),
            ("/bob%40example.com/", &[], "bob@example.com", "ok"),
            ("/bob%40example.com/", &[domain], "bob", "ok"),
            ("/bob@example.com/", &[domain], "bob", "ok"),
            ("/jo%20smith/", &[], "jo smith", "ok"),
            ("/dav.php/principals/j%C3%B6rg/", &[], "jörg", "ok"),
            ("/dav.php/principals/jo%CC%88rg/", &[], "jörg", "refused"),
            ("/principals/users/bo/", &[], "bob", "refused"),
            ("/principals/users/bob%00/", &[], "bob", "refused"),
            ("/principals/users/bob%/", &[], "bob", "refused"),
            ("/principals/users/alice%2Fbob/", &[], "bob", "refused"),
            ("/principals/users/%ff/", &[], "bob", "refused"),
            ("/", &[], "bob", "refused"),
            ("/principals/users/victim@example.com@example.com/", &[domain], "victim", "refused"),
            ("/principals/users/bob/", &[("principal", "any")], "victim@example.com", "ok"),
        ] {
            let (word, text) = verdict(settings, user, &principal(href));
            assert_eq!(word, expected, "{href} {settings:?} {user}: {text}");
        }
        let long = "b".repeat(10_000);
        let (word, text) = verdict(&[], "bob", &principal(&format!("/{long}/")));
        assert_eq!(word, "refused");
        assert!(text.len() < 400, "{}", text.len());
    }

    #[test]
    fn a_server_that_names_no_user_is_believed() {
        let nameless = multistatus("<getetag/>");
        for settings in [&[][..], &[("principal", "any")], &[("domain", "example.com")]] {
            assert_eq!(verdict(settings, "bob", &nameless).0, "ok", "{settings:?}");
        }
        assert!(file_owner(&nameless).is_err());
        assert!(file_owner(&principal("/bob/")).is_ok());
        assert!(file_owner(&principal(&format!("/{}/", "é".repeat(20_000)))).is_err());
    }

    #[test]
    fn a_nextcloud_that_names_no_user_has_the_wrong_url() {
        let answer = recording("34", "webdav-no-principal");
        let (word, text) = verdict(&[], "bob", &answer);
        assert_eq!(word, "unavailable");
        assert!(text.ends_with("set url = \"https://host/remote.php/dav/\""), "{text}");
        assert_eq!(verdict(&[("principal", "any")], "bob", &answer).0, "ok");
    }

    #[test]
    fn opencloud_is_not_sent_to_a_url_that_it_does_not_have() {
        let property = "<o:id xmlns:o='http://owncloud.org/ns'>1</o:id>";
        let (word, text) = verdict(&[], "bob", &multistatus(property));
        assert_eq!(word, "unavailable");
        assert!(text.contains("for OpenCloud or ownCloud Infinite Scale, set principal"), "{text}");
        assert!(!text.contains("://"), "{text}");
        assert_eq!(verdict(&[("principal", "any")], "bob", &multistatus(property)).0, "ok");
    }

    #[test]
    fn the_log_says_which_names_were_compared_and_which_setting_would_fit() {
        let domain = ("domain", "example.com");
        let uuid = "6c1156a0-7ffc-1041-86b2-8939fe2205b2";
        let of_uuid = format!("/principals/users/{uuid}/");
        let internal = format!(
            "\"{uuid}\" looks like the server's internal name for the login \"lena@example.com\", \
             which principal = \"user\" cannot compare; set "
        );
        for (href, settings, user, expected) in [
            (
                "/users/bob/",
                &[][..],
                "victim@example.com",
                "the password belongs to \"bob\", not to \"victim@example.com\" (principal = \"user\")",
            ),
            (
                "/users/bob/",
                &[domain],
                "victim",
                "the password belongs to \"bob@example.com\", not to \"victim@example.com\" \
                 (principal = \"user\")",
            ),
            (
                "/users/bob/",
                &[],
                "Bob@example.com",
                "the password belongs to \"bob\", not to \"Bob@example.com\" (principal = \"user\"); \
                 if both are one person, set domain = \"example.com\"",
            ),
            (
                "/users/bob@example.com/",
                &[],
                "bob",
                "the password belongs to \"bob@example.com\", not to \"bob\" (principal = \"user\"); \
                 if both are one person, set domain = \"example.com\"",
            ),
            (
                &of_uuid,
                &[],
                "lena@example.com",
                &format!("{internal}domain, login_name = \"username\" and principal = \"any\""),
            ),
            (
                &of_uuid,
                &[domain],
                "lena",
                &format!("{internal}login_name = \"username\" and principal = \"any\""),
            ),
            (
                &of_uuid,
                &[domain, ("login_name", "username")],
                "lena",
                &format!("{internal}principal = \"any\""),
            ),
            (
                "/users/lena/",
                &[],
                "lena ",
                "the password belongs to \"lena\", not to \"lena \" (principal = \"user\"); they \
                 differ by white space only, so log in without it",
            ),
            (
                "/users/jurgen/",
                &[domain],
                "jürgen@example.com",
                "the password belongs to \"jurgen@example.com\", not to \"jürgen@example.com\" \
                 (principal = \"user\"); they differ by accents or width only; if the server writes \
                 this login so, set login_name = \"username\" and principal = \"any\"",
            ),
            (
                "/17149682/principal/",
                &[],
                "bob",
                "this server's principals do not contain user names: /17149682/principal/ (principal \
                 = \"user\"); set principal = \"any\" only if nobody can choose a name to log in with",
            ),
            (
                "/caldav/v2/bob/user",
                &[],
                "bob",
                "this server's principals do not contain user names: /caldav/v2/bob/user (principal \
                 = \"user\"); set principal = \"any\" only if nobody can choose a name to log in with",
            ),
        ] {
            assert_eq!(verdict(settings, user, &principal(href)).1, expected, "{href} {user}");
        }
    }

    #[test]
    fn only_the_right_status_with_a_multistatus_answer_is_ok() {
        let right = principal("/bob/");
        assert_eq!(verdict(&[], "bob", &right).0, "ok");
        for status in [200, 201, 204, 206, 208, 301, 302, 400, 403, 404, 405, 500, 502, 504] {
            let answer = Answer { status, ..right.clone() };
            assert_eq!(verdict(&[], "bob", &answer).0, "unavailable", "{status}");
        }
        for body in ["", "<html/>", "<multistatus xmlns='DAV:'><response>", "<a/>"] {
            for settings in [&[][..], &[("principal", "any")]] {
                let (word, text) = verdict(settings, "bob", &received(207, &[], body));
                assert_eq!(word, "unavailable", "{body}: {text}");
            }
        }
        let nobody =
            multistatus("<current-user-principal><unauthenticated/></current-user-principal>");
        for settings in [&[][..], &[("principal", "any")]] {
            assert_eq!(verdict(settings, "bob", &nobody).0, "unavailable");
        }
    }

    #[test]
    fn with_another_method_only_the_status_counts() {
        let settings = [("method", "GET"), ("success_status", "200"), ("failure_status", "403")];
        let answer = |status| verdict(&settings, "bob", &received(status, &[], "<html>")).0;
        assert_eq!((answer(200), answer(403), answer(401)), ("ok", "refused", "unavailable"));
    }

    #[test]
    fn an_unexpected_answer_is_described() {
        let location = ("location", "https://sso.example.com/login?token=secret");
        let nextcloud = ("set-cookie", "__Host-nc_sameSiteCookielax=true; path=/");
        let page = "<html>";
        for (status, headers, body, expected) in [
            (302, &[location][..], "", "302: redirects to https://sso.example.com/login, and"),
            (301, &[], "", "301: the body is empty; is the URL right?"),
            (302, &[("location", "")], "", "302: the body is empty; is the URL right?"),
            (304, &[location], "", "304: the body is empty; is the URL right?"),
            (207, &[("content-encoding", "gzip")], "\u{1f}", "(Content-Encoding: gzip)"),
            (200, &[], "<!DOCTYPE html><html>", "the body is a web page (HTML); is the URL right?"),
            (207, &[], "<a><b></a>", "207: the body is broken XML; is the URL right?"),
            (404, &[], "no", "404: the body is not XML; is the URL right?"),
            (400, &[], page, "400: the server may require a client certificate"),
            (
                400,
                &[nextcloud],
                page,
                "400: Nextcloud does not trust the URL's host; add host to its trusted_domains",
            ),
            (
                403,
                &[],
                page,
                "403: a firewall, WAF or proxy may forbid PROPFIND, or the server may require a \
                 client certificate; is the URL right",
            ),
            (405, &[], page, "405: a firewall, WAF or proxy may forbid PROPFIND; is the URL right"),
            (403, &[], "", "403: the body is empty; is the URL right?"),
            (500, &[], "", "500: the server failed; see its log"),
            (501, &[], "", "501"),
            (502, &[], page, "502: the web server runs, but the server behind it"),
            (503, &[], page, "503: the server is overloaded or not ready; see its log"),
            (503, &[nextcloud], page, "503: Nextcloud is not ready; run occ upgrade"),
            (504, &[], page, "504: the web server runs, but the server behind it"),
        ] {
            let (word, text) = verdict(&[], "bob", &received(status, headers, body));
            assert_eq!(word, "unavailable");
            assert!(text.contains(expected) && !text.contains("secret"), "{text}");
        }
        // In cleartext, a server cannot ask for a client certificate.
        let tls = "<center>The plain HTTP request was sent to HTTPS port</center>";
        for (status, body, expected) in [
            (400, tls, "400: this port is for TLS; begin the URL with https://"),
            (400, "<a>https</a>", "400: the body is no multistatus answer; is the URL right?"),
            (403, page, "403: a firewall, WAF or proxy may forbid PROPFIND; is the URL right"),
        ] {
            let url = ("url", "http://localhost/");
            let (_, text) = verdict(&[url], "bob", &received(status, &[], body));
            assert!(text.starts_with(expected), "{text}");
        }
    }
}
