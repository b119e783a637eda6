//! What to do about a step that fails, beyond what the library's text says.

use std::path::Path;

use super::report::Finding;
use crate::answer::Answer;
use crate::credentials;
use crate::dav::Body;
use crate::http::{Error, Phase};
use crate::options::Options;

/// Splits a text of the library into the cause and, after a semicolon, the remedy.
pub fn explained(text: &str) -> Finding {
    // Text in parentheses may come from the server.
    let is_outside =
        |at: &usize| text[..*at].matches('(').count() == text[..*at].matches(')').count();
    match text.match_indices("; ").map(|(at, _)| at).find(is_outside) {
        Some(at) => Finding::new(&text[..at]).advise([&text[at + 2..]]),
        None => Finding::new(text),
    }
}

/// Why there is no answer, and what to do about it.
pub fn about_error(error: &Error) -> Finding {
    let advice = match error {
        Error::Dns { .. } => {
            "is the host in the URL right, and does this machine (or container) know it?"
        }
        Error::Timeout { phase: Phase::Resolving, .. } => {
            "the name server does not answer: see /etc/resolv.conf of this machine (or container)"
        }
        Error::Connect(_) => {
            "does the web server run, and is the port in the URL right? In a container, localhost \
             is the container itself"
        }
        Error::Timeout { phase: Phase::Connecting, .. } => {
            "a firewall may drop the connection: does the URL open in curl on this machine?"
        }
        Error::Timeout { phase: Phase::Handshaking, .. } => {
            "the port accepts connections and says nothing: is it the port for https?"
        }
        Error::Timeout { phase: Phase::Connected, .. } => {
            "the web server accepts requests and does not answer: see its log. If it is only \
             slow, raise timeout_msecs"
        }
        Error::Protocol(_) | Error::Http(_) | Error::Lost { phase: Phase::Connected, .. } => {
            "is there a web server on this port? See its log"
        }
        Error::Tls(_) | Error::Lost { .. } if !error.to_string().contains("; ") => {
            "see the web server's log"
        }
        _ => return explained(&error.to_string()),
    };
    Finding::new(error.to_string()).advise([advice])
}

/// Why the name or the password cannot be sent, and what to do about it.
pub fn about_credentials(error: credentials::Error) -> Finding {
    let advice =
        "HTTP Basic authentication (RFC 7617) cannot send it: change the name or the password";
    Finding::new(error.to_string()).advise([advice])
}

/// What to do about a file that cannot be used.
pub fn about_file(path: &Path, otherwise: &str) -> String {
    if path.is_dir() {
        return "Docker makes a folder where a file to be mounted is missing: remove the folder, \
                and copy the file there"
            .into();
    }
    if path.exists() { otherwise.into() } else { "is the path right?".into() }
}

/// What to do about an answer without proof.
pub fn about_answer(options: &Options, answer: &Answer) -> Option<String> {
    let is_nextcloud = matches!(answer.body, Body::Exception { .. });
    let text = match answer.status {
        429 => {
            "wait half an hour; or, at the Nextcloud: occ security:bruteforce:reset ADDRESS".into()
        }
        // The text has the remedy.
        _ if answer.coding().is_some() => return None,
        // The text has the remedy here too.
        400 if answer.is_nextcloud() || answer.expects_tls => return None,
        500.. if matches!(answer.body, Body::Other(_)) => return None,
        400 => "if the web server wants a client certificate, have it ask for none at this URL; \
                else see its log"
            .into(),
        300..=399 => {
            format!("if that is a login page, this URL is not one of WebDAV. {}", path(options))
        }
        403 => "the web server denies access to this URL, or from this address: see its log".into(),
        503 if is_nextcloud => "if it is in maintenance mode, this ends it: \
                                occ maintenance:mode --off"
            .into(),
        500.. => "see the web server's log, and Nextcloud's (nextcloud.log)".into(),
        _ => path(options),
    };
    Some(text)
}

/// Where Nextcloud's WebDAV is.
fn path(options: &Options) -> String {
    match options.url.of_nextcloud() {
        Some(url) if url != options.url.to_string() => format!("Nextcloud's URL is {url}"),
        _ => "Nextcloud's URL ends in /remote.php/dav/, also below a folder: \
              https://host/nextcloud/remote.php/dav/"
            .into(),
    }
}

/// What to do when the server refuses a name and its password. `user` logs in, and `sent` was sent.
pub fn about_refusal(user: &str, sent: &str, is_nextcloud: bool) -> Vec<String> {
    let mut advice = vec![if is_nextcloud {
        format!(
            "log in to Nextcloud in a browser as {sent} and make an app password (Settings, \
             Security); it works only for the name that made it"
        )
    } else {
        format!("does {sent} log in there with this password in a browser?")
    }];
    if sent != user {
        advice.push(format!("if the server knows {user}, not {sent}, try --login-name user"));
    } else if let Some((name, domain)) = user.split_once('@') {
        advice.push(format!(
            "if the server knows {name}, not {user}, try --domain {domain} --login-name username"
        ));
    }
    advice
}
