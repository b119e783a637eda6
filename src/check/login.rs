//! The login itself: what the server says without credentials, and with the right ones.
//!
//! A wrong password is never sent: servers count those, and lock out whoever sends too many.

use super::arguments::Arguments;
use super::report::{Finding, Outcome, Report};
use super::terminal::{self, Terminal};
use super::{Stop, advice};
use crate::credentials::Credentials;
use crate::dav::{Body, CurrentUser, principal_name};
use crate::http::{Client, Response};
use crate::login::verify;
use crate::options::{FileAccess, Options, Principal};
use crate::text::{printable, printable_bytes};
use crate::verdict::{self, Verdict};

/// Checks the rest of the way to a verdict.
pub fn check(
    options: &Options,
    arguments: &Arguments,
    terminal: &Terminal,
    report: &mut Report,
) -> Result<(), Stop> {
    let client = Client::new(options.clone());
    if report.step("server", || ask_anonymously(&client)).is_none() {
        return Ok(());
    }
    let user = match &arguments.user {
        Some(user) => user.clone(),
        None => terminal.ask_user()?,
    };
    let password = match arguments.password_stdin {
        true => terminal::read_password()?,
        false => terminal.ask_password(&printable_bytes(&user))?,
    };
    let login = Login { client, user: &user, password: &password };
    login.check(report);
    Ok(())
}

/// What the server says to somebody who sends no password.
fn ask_anonymously(client: &Client) -> Outcome<()> {
    let options = client.options();
    let response = client
        .propfind(&client.anonymous_lookup())
        .map_err(|error| Finding::new(error.to_string()).advise(advice::about_error(&error)))?;
    let status = response.status_line();
    if response.status == options.success_status {
        return answers_anybody(options, &response);
    }
    match verdict::check_answer(options, b"", &response) {
        Err(Verdict::Refused(_)) if response.status == options.failure_status => {
            let takes = if response.schemes().is_empty() { "" } else { ", takes Basic" };
            Ok(((), Finding::new(format!("asks for a password: {status}{takes}"))))
        }
        Err(verdict) => {
            Err(Finding::new(text(verdict)).advise(advice::about_response(options, &response)))
        }
        Ok(()) => Err(Finding::new(status)),
    }
}

/// A server that answers without a password must at least say so, or every password is right.
fn answers_anybody(options: &Options, response: &Response) -> Outcome<()> {
    let status = response.status_line();
    match &response.body {
        Body::Multistatus(properties)
            if options.is_propfind() && properties.current_user == CurrentUser::Unauthenticated =>
        {
            Ok(((), Finding::new(format!("{status} without a password, but to nobody"))))
        }
        Body::Multistatus(_) => Err(anybody(&status)),
        _ if !options.is_propfind() => Err(anybody(&status)),
        _ => match verdict::check_answer(options, b"", response) {
            Err(verdict) => {
                Err(Finding::new(text(verdict)).advise(advice::about_response(options, response)))
            }
            Ok(()) => Err(anybody(&status)),
        },
    }
}

fn anybody(status: &str) -> Finding {
    Finding::new(format!("answers {status} to anybody, without a password"))
        .advise(["everybody could log in: use a URL that asks for a password"])
}

/// The words of a verdict.
fn text(verdict: Verdict) -> String {
    match verdict {
        Verdict::Ok(_) => "ok".into(),
        Verdict::Refused(text)
        | Verdict::Disabled(text)
        | Verdict::Throttled(text)
        | Verdict::Unavailable(text) => text,
    }
}

struct Login<'a> {
    client: Client,
    user: &'a [u8],
    password: &'a [u8],
}

impl Login<'_> {
    fn check(&self, report: &mut Report) {
        let Some((credentials, response)) = report.step("password", || self.send_password()) else {
            return;
        };
        if report.step("user", || self.whose(&response)).is_none() {
            return;
        }
        if report.step("files", || self.files(credentials, &response)).is_some() {
            report.step("again", || self.log_in_again());
        }
    }

    fn options(&self) -> &Options {
        self.client.options()
    }

    /// The name that is sent.
    fn sent(&self) -> String {
        printable_bytes(self.options().sent_name(self.user))
    }

    fn send_password(&self) -> Outcome<(Credentials<'_>, Response)> {
        let sent = self.options().sent_name(self.user);
        let credentials = Credentials::new(sent, self.password)
            .map_err(|error| Finding::new(error.to_string()))?;
        let response = self.client.propfind(&self.client.lookup(credentials, None));
        let response = response
            .map_err(|error| Finding::new(error.to_string()).advise(advice::about_error(&error)))?;
        let is_success = response.status == self.options().success_status;
        let is_understood = matches!(response.body, Body::Multistatus(_));
        match verdict::check_answer(self.options(), self.user, &response) {
            // Whose password it is comes next.
            _ if is_success && (is_understood || !self.options().is_propfind()) => {
                let text = format!("{} for {}", response.status_line(), self.sent());
                Ok(((credentials, response), Finding::new(text)))
            }
            Err(verdict) => Err(self.explain(verdict, &response)),
            Ok(()) => Err(Finding::new(response.status_line())),
        }
    }

    fn explain(&self, verdict: Verdict, response: &Response) -> Finding {
        let advice = match &verdict {
            Verdict::Disabled(_) => vec![format!(
                "the account is disabled: enable it in Nextcloud, Accounts, or by \
                 occ user:enable {}",
                self.sent()
            )],
            // Nextcloud's own reason, and what helps, is in the text.
            Verdict::Refused(_) if response.status != self.options().failure_status => Vec::new(),
            Verdict::Refused(_) if is_forbidden(response) => {
                vec![
                    "make one in Nextcloud, Settings, Security; the account's own password does \
                      not do"
                        .into(),
                ]
            }
            Verdict::Refused(_) => advice::about_refusal(
                &printable_bytes(self.user),
                &self.sent(),
                matches!(response.body, Body::Exception { .. }),
            ),
            _ => advice::about_response(self.options(), response).into_iter().collect(),
        };
        Finding::new(text(verdict)).advise(advice)
    }

    /// Whose password it is, and which settings fit.
    fn whose(&self, response: &Response) -> Outcome<()> {
        let options = self.options();
        let Body::Multistatus(properties) = &response.body else {
            let text = format!("{} does not ask whose password it is", options.method);
            return Ok(((), Finding::skipped(text)));
        };
        let strict = Options { principal: Principal::User, ..options.clone() };
        let fits = verdict::check_answer(&strict, self.user, response);
        verdict::check_answer(options, self.user, response).map_err(|verdict| {
            Finding::new(text(verdict)).advise(self.about_principal(properties.is_nextcloud))
        })?;
        let name = match &properties.current_user {
            CurrentUser::Principal(href) => principal_name(href).map(|name| printable(&name)),
            _ => None,
        };
        let Some(name) = name else {
            let finding = Finding::new("the server names nobody; its yes is about the name sent");
            return Ok(((), finding.warn(fits.err().map(text))));
        };
        let is_any = options.principal == Principal::Any;
        let finding = match fits {
            Ok(()) => Finding::new(self.fitting(&name)).warn(is_any.then_some(
                "principal = \"any\" lets other users in as this one, and \"user\" fits: \
                 leave principal out",
            )),
            Err(verdict) => Finding::new(format!("{name}, whom principal = \"any\" accepts"))
                .warn([text(verdict)]),
        };
        Ok(((), finding))
    }

    /// Why this name on the server is the login's.
    fn fitting(&self, name: &str) -> String {
        let user = printable_bytes(self.user);
        match &self.options().domain {
            Some(domain) if !name.eq_ignore_ascii_case(&user) => {
                format!("{name}, which is {user} by domain = \"{domain}\"")
            }
            _ => format!("{name}, the login's own name"),
        }
    }

    fn about_principal(&self, is_nextcloud: bool) -> Option<String> {
        is_nextcloud.then(|| {
            "in Nextcloud, a user may set another's e-mail address as his own, and log in by it: \
             this protects the other one"
                .into()
        })
    }

    /// Which files the password opens: what `file_access` is about.
    fn files(&self, credentials: Credentials, response: &Response) -> Outcome<()> {
        let is_wanted = self.options().file_access == FileAccess::None;
        let is_nextcloud =
            matches!(&response.body, Body::Multistatus(properties) if properties.is_nextcloud);
        if !is_wanted && !is_nextcloud {
            return Ok(((), Finding::skipped("asked about at a Nextcloud only")));
        }
        let result = verdict::file_owner(response).and_then(|name| {
            let asked = self.client.propfind_files(&name, &self.client.lookup(credentials, None));
            let answer = asked.map_err(|error| Verdict::Unavailable(error.to_string()))?;
            verdict::check_files(&answer)
        });
        match result {
            Ok(()) if is_wanted => Ok(((), Finding::new("this password opens none"))),
            Ok(()) => {
                let text = "this password opens none; file_access = \"none\" would demand that";
                Ok(((), Finding::new(text)))
            }
            Err(verdict) if is_wanted => Err(Finding::new(text(verdict))),
            Err(Verdict::Refused(_)) => {
                let text = "this password may read files; file_access = \"none\" would refuse it";
                Ok(((), Finding::new(text)))
            }
            Err(verdict) => Ok(((), Finding::skipped(text(verdict)))),
        }
    }

    /// The whole login as the library does it, with all that was opened for the first one.
    fn log_in_again(&self) -> Outcome<()> {
        let before = self.client.connections();
        match verify(&self.client, self.user, self.password, None) {
            Verdict::Ok(_) => {
                let text = if self.client.connections() == before {
                    "a second login, on the same connection"
                } else {
                    "a second login, on a new connection: the server keeps none open"
                };
                Ok(((), Finding::new(text)))
            }
            verdict => Err(Finding::new(text(verdict))
                .advise(["the first login succeeded: is the server overloaded?"])),
        }
    }
}

/// Whether it is Nextcloud's way of saying that only app passwords are accepted.
fn is_forbidden(response: &Response) -> bool {
    matches!(&response.body, Body::Exception { name, .. } if name.ends_with("PasswordLoginForbidden"))
}
