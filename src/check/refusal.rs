//! Whether the server checks the password and the name. Some servers ask for a password and accept
//! any, and some look at the password alone.

use std::fmt::Write;

use rustls::crypto::ring;

use super::report::{Finding, Outcome, Report};
use crate::answer::Answer;
use crate::credentials::Credentials;
use crate::dav::{Body, CurrentUser};
use crate::denial::Denial;
use crate::http::Client;
use crate::verdict;

/// Begins the random name, so that an administrator recognises it in the server's log.
const NAME: &str = "httpbasic-check-";

/// A login that succeeded.
pub struct Login<'a> {
    pub client: &'a Client,
    pub user: &'a [u8],
    pub password: &'a [u8],
    /// The answer to it.
    pub answer: &'a Answer,
    /// Whether the server also accepts a request without credentials.
    pub is_public: bool,
}

impl Login<'_> {
    /// Sends a wrong password and, if the server names nobody, a wrong name.
    pub fn check(&self, report: &mut Report) {
        if self.is_nextcloud() {
            report.step("refusal", || self.of_nextcloud());
            return;
        }
        report.announce(if self.names_somebody() {
            "sends the login name with a random password, which the server may count as a failed login"
        } else {
            "sends the login name with a random password, and a random name with this password, \
             which the server may count as two failed logins"
        });
        report.step("refusal", || self.try_wrong_logins());
    }

    /// Whether the server may be a Nextcloud, which throttles whoever sends wrong passwords.
    fn is_nextcloud(&self) -> bool {
        self.client.options().url.of_nextcloud().is_some()
            || self.answer.is_nextcloud()
            || matches!(&self.answer.body, Body::Multistatus(properties) if properties.is_nextcloud)
    }

    fn of_nextcloud(&self) -> Outcome<()> {
        if self.is_public {
            return Err(accepts_any_password());
        }
        Ok(((), Finding::skipped("a Nextcloud is sent no wrong password, because it counts them")))
    }

    fn names_somebody(&self) -> bool {
        match &self.answer.body {
            Body::Multistatus(properties) => properties.current_user != CurrentUser::Unknown,
            _ => false,
        }
    }

    fn try_wrong_logins(&self) -> Outcome<()> {
        let sent = self.client.options().sent_name(self.user).unwrap_or(self.user);
        let password = random()?;
        let mut text =
            self.try_one("a random password", sent, password.as_bytes(), accepts_any_password)?;
        if !self.names_somebody() {
            let domain =
                sent.iter().rposition(|byte| *byte == b'@').map_or(&b""[..], |at| &sent[at..]);
            let name = [NAME.as_bytes(), random()?.as_bytes(), domain].concat();
            let also = self.try_one("a random name", &name, self.password, || {
                let text = "this server looks at the password alone: any name would open its \
                            mailbox with it";
                Finding::new(text).advise([
                    "let the server check the name as well; copyparty does with its option usernames",
                ])
            })?;
            text = format!("{text}; {also}");
        }
        Ok(((), Finding::new(text)))
    }

    /// Logs in, which must be refused.
    fn try_one(
        &self,
        what: &str,
        name: &[u8],
        password: &[u8],
        accepted: impl FnOnce() -> Finding,
    ) -> Result<String, Finding> {
        let unknown = |text: &str| {
            let advice =
                "if the server refuses passwords like this, add the status to failure_status";
            let text = format!(
                "{what} gets no refusal, so a changed password may keep working in the cache: {text}"
            );
            Finding::new(text).advise([advice])
        };
        let credentials =
            Credentials::new(name, password).map_err(|error| unknown(&error.to_string()))?;
        let answer = self.client.propfind(&self.client.lookup(credentials, None));
        let answer = answer.map_err(|error| unknown(&error.to_string()))?;
        match verdict::check_answer(self.client.options(), name, &answer) {
            Ok(()) => Err(accepted()),
            Err(Denial::Unavailable(_, text)) => Err(unknown(&text)),
            Err(_) => Ok(format!("{what} is refused: {}", answer.status_line())),
        }
    }
}

fn accepts_any_password() -> Finding {
    Finding::new("this server accepts any password: everybody could log in as anybody")
        .advise(["let the server check passwords, or use a URL at which it does"])
}

/// A name or password that nobody has.
fn random() -> Result<String, Finding> {
    let mut bytes = [0; 16];
    let filled = ring::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| Finding::new("the operating system provides no random bytes"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
