//! What Dovecot should do with a login: the answer of the server, or its absence, as one word.

use std::net::IpAddr;

use crate::client::Client;
use crate::credentials::Credentials;
use crate::options::{Options, Principal};
use crate::password;
use crate::response::{Body, CurrentUser, Response, principal_name, printable};

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

/// Asks the server whether the password is right. `remote_ip`, the client's address in text form,
/// is left out if it is no IP address.
pub fn verify(client: &Client, user: &[u8], password: &[u8], remote_ip: Option<&[u8]>) -> Verdict {
    let credentials = match Credentials::new(user, password) {
        Ok(credentials) => credentials,
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    match client.propfind(credentials, remote_ip.and_then(address)) {
        Ok(response) => judge(client.options(), credentials, &response),
        Err(error) => Verdict::Unavailable(error.to_string()),
    }
}

/// The IP address in a request field, if it is one.
pub fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn judge(options: &Options, credentials: Credentials, response: &Response) -> Verdict {
    let said = response.summary();
    if response.status == options.success_status {
        return match proof(options, credentials.user(), response) {
            Ok(()) => match password::ssha256(credentials.password()) {
                Ok(field) => Verdict::Ok(field),
                Err(error) => Verdict::Unavailable(error.to_string()),
            },
            Err(verdict) => verdict,
        };
    }
    if response.status == options.failure_status {
        return Verdict::Refused(match &response.body {
            Body::Exception { name, .. } if name.ends_with("PasswordLoginForbidden") => {
                format!("{said}: this account needs an app password")
            }
            _ => said,
        });
    }
    match (response.status, &response.body) {
        (429, _) => Verdict::Throttled(format!("{said}: too many failed logins from this address")),
        (503, Body::Exception { message: Some(message), .. }) if is_login_exception(message) => {
            Verdict::Disabled(said)
        }
        _ => Verdict::Unavailable(said),
    }
}

/// Whether an answer with the right status proves that the password is this user's.
fn proof(options: &Options, user: &[u8], response: &Response) -> Result<(), Verdict> {
    if !options.is_propfind() {
        return Ok(());
    }
    let who = match &response.body {
        Body::Multistatus(CurrentUser::Principal(href)) => principal_name(href),
        Body::Multistatus(CurrentUser::Unknown) => None,
        Body::Multistatus(CurrentUser::Unauthenticated) => {
            let said = "the server answers without looking at the password; is the URL right?";
            return Err(Verdict::Unavailable(said.into()));
        }
        _ => {
            let said =
                format!("{} without a multistatus body; is the URL right?", response.summary());
            return Err(Verdict::Unavailable(said));
        }
    };
    let user = String::from_utf8_lossy(user);
    let (wanted, setting) = match options.principal {
        Principal::Any => return Ok(()),
        Principal::User => (&*user, "user"),
        Principal::Username => (user.split('@').next().unwrap_or_default(), "username"),
    };
    match who {
        Some(who) if same_name(&who, wanted) => Ok(()),
        Some(who) => Err(Verdict::Refused(format!(
            "the password is that of {}, not of {} (principal = \"{setting}\")",
            printable(&who),
            printable(wanted)
        ))),
        None => Err(Verdict::Refused(format!(
            "the server does not say whose password it is (principal = \"{setting}\")"
        ))),
    }
}

/// Equal without regard to case. A letter that is not ASCII never equals one that is, although
/// Unicode maps the Kelvin sign to k.
fn same_name(one: &str, other: &str) -> bool {
    let ascii = |name: &str| name.chars().map(|c| c.is_ascii()).collect::<Vec<_>>();
    one.to_lowercase() == other.to_lowercase() && ascii(one) == ascii(other)
}

/// Nextcloud's word for a disabled account; the rest of the message is translated.
fn is_login_exception(message: &str) -> bool {
    let class = message.split(':').next().unwrap_or_default();
    class.rsplit('\\').next() == Some("LoginException")
}
