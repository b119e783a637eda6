//! What an answer means for a login. This module does no I/O.
//!
//! Each rule covers a kind of answer instead of a list of known answers. Otherwise a new version of
//! a server could turn a refusal into an outage, and Dovecot would fall back to its cache.

use crate::answer::Answer;
use crate::credentials::MAX_BYTES;
use crate::dav::{Body, CurrentUser, Properties, principal_name};
use crate::denial::Denial;
use crate::names::{Difference, are_same, difference, with_domain};
use crate::options::{LoginName, Options, Principal};
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
    if answer.status == options.failure_status {
        return Err(refusal(answer));
    }
    Err(Denial::Unavailable(describe(answer)))
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
pub fn check_files(answer: &Answer) -> Result<(), Denial> {
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
        return Err(Denial::Unavailable(describe(answer)));
    }
    let what = match (&answer.body, file_id) {
        (_, Some(id)) => format!("the file id is {}", printable(id)),
        (Body::Multistatus(_), None) => format!("{} without a file id", answer.status_line()),
        _ => describe(answer),
    };
    Err(Denial::Refused(format!(
        "the server gives no clear answer whether the password may read files: {what} \
         (file_access = \"none\")"
    )))
}

/// Recognises answers about this user or this client: throttled, disabled, or refused by Nextcloud.
fn check_account(answer: &Answer) -> Result<(), Denial> {
    if answer.status == 429 {
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
            return Err(Denial::Refused(format!("{} ({short}): {REMEDY}", answer.status_line())));
        }
    }
    Ok(())
}

/// What to do if Nextcloud no longer accepts an app password.
const REMEDY: &str = "log in to Nextcloud in a browser once, or make a new app password there";

/// The denial for an answer with `failure_status`.
fn refusal(answer: &Answer) -> Denial {
    let (status, schemes) = (answer.status_line(), answer.schemes());
    if !schemes.is_empty() && !schemes.iter().any(|it| it.eq_ignore_ascii_case("Basic")) {
        let schemes = printable(&schemes.join(", "));
        return Denial::Unavailable(format!(
            "{status}: the server does not accept Basic authentication here, only {schemes}"
        ));
    }
    Denial::Refused(match &answer.body {
        Body::Exception { name, .. } if name.ends_with("PasswordLoginForbidden") => {
            format!("{status} (PasswordLoginForbidden): this account needs an app password")
        }
        Body::Exception { .. } => format!(
            "{status}: wrong user name or password, or an app password that was made under \
             another login name (login_name)"
        ),
        _ => format!("{status}: wrong user name or password"),
    })
}

/// Checks that the principal in an answer with `success_status` matches the option `principal`.
fn check_principal(options: &Options, user: &[u8], answer: &Answer) -> Result<(), Denial> {
    let Body::Multistatus(properties) = &answer.body else {
        return Err(Denial::Unavailable(describe(answer)));
    };
    match &properties.current_user {
        CurrentUser::Unauthenticated => {
            let text = "the server answers without looking at the password; is the URL right?";
            Err(Denial::Unavailable(text.into()))
        }
        _ if options.principal == Principal::Any => Ok(()),
        CurrentUser::Principal(href) => check_name(options, user, href),
        CurrentUser::Unknown => check_unnamed(options, properties),
        CurrentUser::Unclear => {
            let text = "the server's current-user-principal is not valid; is it a WebDAV server \
                        (RFC 5397)?";
            Err(Denial::Unavailable(text.into()))
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
fn check_unnamed(options: &Options, properties: &Properties) -> Result<(), Denial> {
    if !properties.is_nextcloud {
        return Ok(());
    }
    let url = match options.url.of_nextcloud() {
        Some(url) => format!("set url = \"{url}\""),
        None => "Nextcloud's URL ends in /remote.php/dav/".into(),
    };
    let text = format!("this Nextcloud does not say whose password it is at this URL: {url}");
    Err(Denial::Unavailable(text))
}

/// Describes an unexpected answer by its most telling property.
fn describe(answer: &Answer) -> String {
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
    match &answer.body {
        // nginx answers a client without a certificate like this.
        Body::Other(_) if answer.status == 400 => {
            format!(
                "{summary}: the server may require a client certificate, which httpbasic does not send"
            )
        }
        Body::Other(what) if answer.status < 500 => {
            format!("{summary}: the body is {what}; is the URL right?")
        }
        _ => summary,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ureq::http::HeaderMap;
    use ureq::http::header::HeaderName;

    use super::*;
    use crate::options::value::Value;

    /// A recorded answer of a real Nextcloud of this version.
    fn recording(version: u32, name: &str) -> Answer {
        recording_of(&format!("nextcloud-{version}/{name}"))
    }

    fn recording_of(name: &str) -> Answer {
        let root = env!("CARGO_MANIFEST_DIR");
        let text = std::fs::read_to_string(format!("{root}/tests/{name}.http"));
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
        let url = [("url", "https://host/remote.php/webdav/")];
        let pairs = url.iter().chain(pairs);
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
            Err(Denial::Unavailable(text)) => ("unavailable", text),
        }
    }

    fn verdict(pairs: &[(&str, &str)], user: &str, answer: &Answer) -> (&'static str, String) {
        word(check_answer(&options(pairs), user.as_bytes(), answer))
    }

    #[test]
    fn each_answer_of_a_real_nextcloud_has_its_verdict() {
        let mut seen = 0;
        for (versions, name, user, expected) in [
            (&[31, 34][..], "ok-principal", "bob", "ok"),
            (&[31, 34], "ok-principal", "alice", "refused"),
            (&[31, 34], "ok-principal-email-login", "victim@example.com", "refused"),
            (&[31, 34], "ok-principal-odd-uid", "o'hara jo@example.com", "ok"),
            (&[34], "ok-principal-umlaut", "jürgen", "ok"),
            (&[34], "carddav-principal", "bob", "ok"),
            (&[31, 34], "ok-allprop", "bob", "unavailable"),
            (&[31, 34], "ok-no-depth-no-body", "bob", "unavailable"),
            (&[34], "webdav-no-principal", "bob", "unavailable"),
            (&[31, 34], "wrong-password", "bob", "refused"),
            (&[31, 34], "unknown-user", "bob", "refused"),
            (&[31, 34], "no-credentials", "bob", "refused"),
            (&[31, 34], "account-password-forbidden", "bob", "refused"),
            (&[34], "token-password-expired", "bob", "refused"),
            (&[31, 34], "account-disabled", "bob", "disabled"),
            (&[34], "account-disabled-account-password", "bob", "disabled"),
            (&[31, 34], "throttled", "bob", "throttled"),
            (&[34], "account-removed-email-login", "bob", "unavailable"),
            (&[31, 34], "maintenance", "bob", "unavailable"),
            (&[31, 34], "get-instead-of-propfind", "bob", "unavailable"),
        ] {
            for version in versions {
                let (word, text) = verdict(&[], user, &recording(*version, name));
                assert_eq!(word, expected, "{name} of {version}: {text}");
                seen += 1;
            }
        }
        // Each recording is in the table above, or in that of the next test.
        let files = [31, 34].map(|version| {
            let folder = format!("{}/tests/nextcloud-{version}", env!("CARGO_MANIFEST_DIR"));
            let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            names.filter(|name| name.to_str().unwrap().ends_with(".http")).count()
        });
        let (twice, of_files) = (2, 5);
        assert_eq!(files.iter().sum::<usize>(), seen - twice + of_files);
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
            let answer = recording_of(&format!("nextcloud-34-more/{name}"));
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
        for (version, name, expected) in [
            (31, "files-app-password-without-file-access", "ok"),
            (34, "files-app-password-without-file-access", "ok"),
            (31, "files-full-app-password", "refused"),
            (34, "files-full-app-password", "refused"),
            (34, "files-plus-in-uid", "refused"),
            (31, "ok-principal", "refused"),
            (31, "wrong-password", "refused"),
            (31, "account-disabled", "disabled"),
            (34, "account-disabled", "disabled"),
            (34, "throttled", "throttled"),
            (34, "maintenance", "unavailable"),
            (34, "get-instead-of-propfind", "refused"),
        ] {
            let (word, text) = word(check_files(&recording(version, name)));
            assert_eq!(word, expected, "{name} of {version}: {text}");
        }
        let verdict = |id: &str| {
            let property = format!("<fileid xmlns='http://owncloud.org/ns'>{id}</fileid>");
            word(check_files(&multistatus(&property)))
        };
        assert!(verdict("13").1.starts_with("the password may read files: "));
        for id in ["", "-2", "-10", "- 1", "none", "1.5"] {
            let (word, text) = verdict(id);
            assert_eq!(word, "refused", "{id}");
            assert!(text.contains("no clear answer"), "{id}: {text}");
        }
        let (_, text) = word(check_files(&recording(34, "files-plus-in-uid")));
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
        assert!(text.starts_with("503 (ExpiredTokenException): log in to Nextcloud"), "{text}");
    }

    #[test]
    fn a_refusal_that_offers_no_basic_is_an_outage() {
        for (challenges, expected) in [
            (&[][..], "refused"),
            (&["Basic realm=\"x\""], "refused"),
            (&["bASIC"], "refused"),
            (&["Digest realm=\"x\"", "Basic realm=\"x\""], "refused"),
            (&["Digest realm=\"x\""], "unavailable"),
            (&["Bearer"], "unavailable"),
            (&["Negotiate, NTLM"], "unavailable"),
        ] {
            let headers: Vec<_> = challenges.iter().map(|it| ("www-authenticate", *it)).collect();
            let (word, text) = verdict(&[], "bob", &received(401, &headers, ""));
            assert_eq!(word, expected, "{challenges:?}: {text}");
        }
        let (_, text) = verdict(&[], "bob", &received(401, &[("www-authenticate", "Bearer")], ""));
        assert!(text.ends_with("does not accept Basic authentication here, only Bearer"), "{text}");
    }

    #[test]
    fn a_refusal_says_what_to_look_at() {
        let text = |version, name| verdict(&[], "bob", &recording(version, name)).1;
        assert!(text(34, "wrong-password").contains("another login name (login_name)"));
        for version in [31, 34] {
            let text = text(version, "account-password-forbidden");
            assert!(text.ends_with("this account needs an app password"), "{text}");
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
        let answer = recording(34, "webdav-no-principal");
        let (word, text) = verdict(&[], "bob", &answer);
        assert_eq!(word, "unavailable");
        assert!(text.ends_with("set url = \"https://host/remote.php/dav/\""), "{text}");
        assert_eq!(verdict(&[("principal", "any")], "bob", &answer).0, "ok");
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
        for (status, headers, body, expected) in [
            (302, &[location][..], "", "302: redirects to https://sso.example.com/login, and"),
            (301, &[], "", "301: the body is empty; is the URL right?"),
            (207, &[("content-encoding", "gzip")], "\u{1f}", "(Content-Encoding: gzip)"),
            (200, &[], "<!DOCTYPE html><html>", "the body is a web page (HTML); is the URL right?"),
            (207, &[], "<a><b></a>", "207: the body is broken XML; is the URL right?"),
            (404, &[], "no", "404: the body is not XML; is the URL right?"),
            (400, &[], "<html>", "400: the server may require a client certificate"),
            (502, &[], "<html>", "502"),
        ] {
            let (word, text) = verdict(&[], "bob", &received(status, headers, body));
            assert_eq!(word, "unavailable");
            assert!(text.contains(expected) && !text.contains("secret"), "{text}");
        }
    }
}
