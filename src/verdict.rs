//! What an answer, or its absence, means for a login. Nothing here asks anybody.

use crate::dav::{Body, CurrentUser, principal_name};
use crate::http::Response;
use crate::options::{Options, Principal};
use crate::text::{printable, printable_bytes};

/// The verdict on a login. Every text is fit for a log line and holds no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right: its hash, as Dovecot's field `password`.
    Ok(String),
    /// The password, or the user, is wrong.
    Refused(String),
    /// The password may be right, but the account is disabled.
    Disabled(String),
    /// The server answers nobody at this address for a while; nothing is known about the password.
    Throttled(String),
    /// The server is out of order; nothing is known about the password.
    Unavailable(String),
}

/// Whether the answer proves that the password is this user's.
pub fn judge(options: &Options, user: &[u8], response: &Response) -> Result<(), Verdict> {
    if response.status == options.success_status {
        return whose(options, user, response);
    }
    if response.status == options.failure_status {
        let said = response.summary();
        return Err(Verdict::Refused(match &response.body {
            Body::Exception { name, .. } if name.ends_with("PasswordLoginForbidden") => {
                format!("{said}: this account needs an app password")
            }
            _ => said,
        }));
    }
    Err(nothing_known(response))
}

/// The name on the server whose files are asked for.
pub fn file_owner(response: &Response) -> Result<String, Verdict> {
    response.body.principal().and_then(principal_name).ok_or_else(|| {
        let said = "the server does not say whose password it is (file_access = \"none\")";
        Verdict::Refused(said.into())
    })
}

/// Whether the answer proves that the password opens no files.
pub fn judge_files(response: &Response) -> Result<(), Verdict> {
    match (response.status, &response.body) {
        (207, Body::Multistatus(properties)) if properties.file_id.as_deref() == Some("-1") => {
            Ok(())
        }
        (429 | 500.., _) => Err(nothing_known(response)),
        _ => Err(Verdict::Refused(
            "the password may read files: make an app password in Nextcloud, Settings, Security, \
             and take \"Allow filesystem access\" from it (file_access = \"none\")"
                .into(),
        )),
    }
}

/// The verdict on a status that says nothing about the password.
fn nothing_known(response: &Response) -> Verdict {
    let said = response.summary();
    match (response.status, &response.body) {
        // nginx's answer.
        (400, _) => Verdict::Unavailable(format!(
            "{said}: it may want a client certificate, and none is sent"
        )),
        (429, _) => Verdict::Throttled(format!("{said}: too many failed logins from this address")),
        (503, Body::Exception { message: Some(message), .. }) if is_login_exception(message) => {
            Verdict::Disabled(said)
        }
        _ => Verdict::Unavailable(said),
    }
}

/// Whether an answer with the right status is from the principal who must have answered.
fn whose(options: &Options, user: &[u8], response: &Response) -> Result<(), Verdict> {
    if !options.is_propfind() {
        return Ok(());
    }
    let Body::Multistatus(properties) = &response.body else {
        let said = format!("{} without a multistatus body; is the URL right?", response.summary());
        return Err(Verdict::Unavailable(said));
    };
    let who = match &properties.current_user {
        CurrentUser::Principal(href) => principal_name(href),
        CurrentUser::Unknown => None,
        CurrentUser::Unauthenticated => {
            let said = "the server answers without looking at the password; is the URL right?";
            return Err(Verdict::Unavailable(said.into()));
        }
    };
    let (wanted, setting) = match options.principal {
        Principal::Any => return Ok(()),
        Principal::User => (user, "user"),
        Principal::Username => {
            (user.split(|byte| *byte == b'@').next().unwrap_or(user), "username")
        }
    };
    // A name that is not UTF-8 is nobody's.
    let wanted = std::str::from_utf8(wanted).unwrap_or_default();
    match who {
        Some(who) if !wanted.is_empty() && who.eq_ignore_ascii_case(wanted) => Ok(()),
        Some(who) => Err(Verdict::Refused(format!(
            "the password is that of {}, not of {} (principal = \"{setting}\")",
            printable(&who),
            printable_bytes(user)
        ))),
        None => Err(Verdict::Refused(format!(
            "the server does not say whose password it is (principal = \"{setting}\")"
        ))),
    }
}

/// Nextcloud's word for a disabled account; the rest of the message is translated.
fn is_login_exception(message: &str) -> bool {
    let class = message.split(':').next().unwrap_or_default();
    !class.contains(' ') && class.rsplit('\\').next() == Some("LoginException")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ureq::http::HeaderMap;

    use super::*;
    use crate::options::value::Value;

    /// A recorded answer of a real Nextcloud.
    fn recording(name: &str) -> Response {
        let path = format!("{}/tests/nextcloud-31/{name}.http", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let (head, body) = text.split_once("\n\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        response(status, body)
    }

    fn response(status: u16, body: &str) -> Response {
        let body = Body::parse(body.as_bytes());
        Response { status, reason: None, headers: HeaderMap::new(), body, elapsed: Duration::ZERO }
    }

    fn judged(user: &str, principal: &str, response: &Response) -> Result<(), Verdict> {
        let options = [("url", "https://host/"), ("principal", principal)];
        let options = options.map(|(key, value)| (key.into(), Value::String(value.into())));
        let options = Options::new(options).unwrap();
        judge(&options, user.as_bytes(), response)
    }

    fn word(proof: &Result<(), Verdict>) -> &'static str {
        match proof {
            Ok(()) => "ok",
            Err(Verdict::Refused(_)) => "refused",
            Err(Verdict::Disabled(_)) => "disabled",
            Err(Verdict::Throttled(_)) => "throttled",
            Err(Verdict::Unavailable(_)) => "unavailable",
            Err(Verdict::Ok(_)) => unreachable!("an error is never ok"),
        }
    }

    #[test]
    fn each_answer_of_a_real_nextcloud_has_its_verdict() {
        for (name, expected) in [
            ("ok-principal", "ok"),
            ("ok-allprop", "ok"),
            ("ok-no-depth-no-body", "ok"),
            ("ok-principal-email-login", "ok"),
            ("ok-principal-odd-uid", "ok"),
            ("files-full-app-password", "ok"),
            ("files-app-password-without-file-access", "ok"),
            ("wrong-password", "refused"),
            ("unknown-user", "refused"),
            ("no-credentials", "refused"),
            ("account-password-forbidden", "refused"),
            ("account-disabled", "disabled"),
            ("throttled", "throttled"),
            ("maintenance", "unavailable"),
            ("get-instead-of-propfind", "unavailable"),
        ] {
            assert_eq!(word(&judged("bob", "any", &recording(name))), expected, "{name}");
        }
    }

    #[test]
    fn the_password_of_a_principal_opens_his_mailbox_alone() {
        for (user, recorded, principal, expected) in [
            ("bob", "ok-principal", "user", "ok"),
            ("BOB", "ok-principal", "user", "ok"),
            ("bob", "ok-principal", "username", "ok"),
            ("bob@example.com", "ok-principal", "username", "ok"),
            ("bob@example.com", "ok-principal", "user", "refused"),
            ("bo", "ok-principal", "user", "refused"),
            ("alice", "ok-principal", "user", "refused"),
            ("victim@example.com", "ok-principal-email-login", "user", "refused"),
            ("victim@example.com", "ok-principal-email-login", "username", "refused"),
            ("o'hara jo@example.com", "ok-principal-odd-uid", "user", "ok"),
            ("O'Hara Jo@example.com", "ok-principal-odd-uid", "user", "ok"),
            ("bob", "ok-allprop", "user", "refused"),
            ("bob", "ok-allprop", "username", "refused"),
            ("bob", "wrong-password", "user", "refused"),
        ] {
            let verdict = judged(user, principal, &recording(recorded));
            assert_eq!(word(&verdict), expected, "{user} {recorded} {principal}: {verdict:?}");
        }
    }

    #[test]
    fn the_log_says_who_answered_and_which_setting_decides() {
        let verdict = judged("victim@example.com", "user", &recording("ok-principal-email-login"));
        let text = "the password is that of bob, not of victim@example.com (principal = \"user\")";
        assert_eq!(verdict, Err(Verdict::Refused(text.into())));
    }

    #[test]
    fn the_log_says_when_an_app_password_is_needed() {
        let Err(Verdict::Refused(text)) =
            judged("bob", "any", &recording("account-password-forbidden"))
        else {
            panic!("not refused");
        };
        assert!(text.ends_with("this account needs an app password"), "{text}");
    }

    #[test]
    fn the_exceptions_class_counts_and_not_its_message() {
        let answer = |message: &str| {
            let body = format!(
                "<d:error xmlns:d='DAV:' xmlns:s='http://sabredav.org/ns'><s:exception>X</s:exception>\
                 <s:message>{message}</s:message></d:error>"
            );
            word(&judged("bob", "any", &response(503, &body)))
        };
        assert_eq!(answer("OC\\User\\LoginException: Konto deaktiviert"), "disabled");
        assert_eq!(answer("LoginException"), "disabled");
        assert_eq!(answer("see OC\\User\\LoginException: Account disabled"), "unavailable");
        assert_eq!(answer("OC\\NoLoginException: x"), "unavailable");
        assert_eq!(answer("Account disabled"), "unavailable");
    }

    #[test]
    fn only_the_right_status_with_a_multistatus_answer_is_ok() {
        let multistatus = "<multistatus xmlns='DAV:'><response><propstat><prop/></propstat></response></multistatus>";
        assert_eq!(word(&judged("bob", "any", &response(207, multistatus))), "ok");
        for status in [200, 201, 204, 206, 208, 301, 302, 400, 403, 404, 405, 500, 502, 504] {
            let verdict = judged("bob", "any", &response(status, multistatus));
            assert_eq!(word(&verdict), "unavailable", "{status}");
        }
        for body in ["", "<html/>", &multistatus[..multistatus.len() - 2]] {
            assert_eq!(word(&judged("bob", "any", &response(207, body))), "unavailable", "{body}");
        }
        let nobody = "<multistatus xmlns='DAV:'><response><propstat><prop><current-user-principal>\
                      <unauthenticated/></current-user-principal></prop><status>HTTP/1.1 200 OK</status>\
                      </propstat></response></multistatus>";
        assert_eq!(word(&judged("bob", "any", &response(207, nobody))), "unavailable");
    }

    #[test]
    fn only_a_password_that_opens_no_files_is_for_mail_alone() {
        for (name, expected) in [
            ("files-app-password-without-file-access", "ok"),
            ("files-full-app-password", "refused"),
            ("ok-principal", "refused"),
            ("wrong-password", "refused"),
            ("account-disabled", "disabled"),
            ("throttled", "throttled"),
            ("maintenance", "unavailable"),
            ("get-instead-of-propfind", "refused"),
        ] {
            assert_eq!(word(&judge_files(&recording(name))), expected, "{name}");
        }
        for id in ["", "-2", "1", "-10", "- 1", "none"] {
            let body = format!(
                "<multistatus xmlns='DAV:'><response><propstat><prop><fileid \
                 xmlns='http://owncloud.org/ns'>{id}</fileid></prop><status>HTTP/1.1 200 OK</status>\
                 </propstat></response></multistatus>"
            );
            assert_eq!(word(&judge_files(&response(207, &body))), "refused", "{id}");
        }
    }

    #[test]
    fn names_differ_in_the_case_of_ascii_letters_at_most() {
        let judged = |name: &str, user: &str| {
            let body = format!(
                "<multistatus xmlns='DAV:'><response><propstat><prop><current-user-principal>\
                 <href>/users/{name}/</href></current-user-principal></prop>\
                 <status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
            );
            word(&judged(user, "user", &response(207, &body)))
        };
        for (name, user) in [("kim", "KIM"), ("jörg", "JöRG"), ("a b", "A B")] {
            assert_eq!(judged(name, user), "ok", "{name} {user}");
        }
        for (name, user) in [
            ("kim", "\u{212a}im"),
            ("\u{2126}", "\u{3a9}"),
            ("\u{212b}", "\u{c5}"),
            ("jörg", "JÖRG"),
            ("jo\u{308}rg", "jörg"),
            ("stra\u{df}e", "strasse"),
            ("kim%20", "kim"),
            ("kim%C2%A0", "kim"),
        ] {
            assert_eq!(judged(name, user), "refused", "{name} {user}");
            assert_eq!(judged(user, name), "refused", "{user} {name}");
        }
    }
}
