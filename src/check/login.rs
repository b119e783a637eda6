//! The login itself: what the server answers without credentials, and with the right ones.

use super::advice;
use super::arguments::Arguments;
use super::refusal;
use super::report::{Finding, Outcome, Report};
use super::terminal::{self, Stop, Terminal};
use crate::answer::Answer;
use crate::credentials::Credentials;
use crate::dav::{Body, CurrentUser, principal_name};
use crate::denial::Denial;
use crate::http::Client;
use crate::login::verify;
use crate::names::{Difference, difference, with_domain};
use crate::options::{FileAccess, LoginName, Options, Principal};
use crate::text::{printable, printable_bytes};
use crate::verdict;

/// Asks the server without a password, asks for the password, and logs in.
pub fn check(
    options: &Options,
    arguments: &Arguments,
    terminal: &Terminal,
    report: &mut Report,
) -> Result<(), Stop> {
    let client = Client::new(options.clone());
    let Some(is_public) = report.step("server", || ask_anonymously(&client)) else {
        return Ok(());
    };
    let user = match &arguments.user {
        Some(user) => user.clone(),
        None => terminal.ask_user()?,
    };
    let password = match arguments.password_stdin {
        true => terminal::read_password()?,
        false => terminal.ask_password(&printable_bytes(&user))?,
    };
    let login = Login { client, user: &user, password: &password, is_public };
    login.check(report);
    Ok(())
}

/// What the server answers to a request without a password. Returns whether it accepts that.
fn ask_anonymously(client: &Client) -> Outcome<bool> {
    let options = client.options();
    let answer =
        client.propfind(&client.anonymous_lookup()).map_err(|error| advice::about_error(&error))?;
    let status = answer.status_line();
    match verdict::check_answer(options, b"", &answer) {
        // Some servers show a public folder to everybody, and yet refuse wrong passwords.
        _ if answer.status == options.success_status
            && (matches!(answer.body, Body::Multistatus(_)) || !options.is_propfind()) =>
        {
            Ok((true, Finding::new(format!("answers {status} without a password"))))
        }
        Err(_) if options.is_failure(answer.status) => {
            let schemes = answer.schemes_without_basic();
            let takes = match (&schemes, answer.schemes().is_empty()) {
                (None, false) => ", takes Basic",
                _ => "",
            };
            let finding = Finding::new(format!("asks for a password: {status}{takes}"));
            Ok((
                false,
                finding.warn(schemes.map(|schemes| {
                    format!("the server offers only {schemes}, but may take Basic all the same")
                })),
            ))
        }
        Err(denial) => {
            Err(advice::explained(denial.text()).advise(advice::about_answer(options, &answer)))
        }
        Ok(()) => Ok((true, Finding::new(format!("answers {status} without a password")))),
    }
}

struct Login<'a> {
    client: Client,
    user: &'a [u8],
    password: &'a [u8],
    /// Whether the server also accepts a request without a password.
    is_public: bool,
}

impl Login<'_> {
    fn check(&self, report: &mut Report) {
        let Some((credentials, answer)) = report.step("password", || self.send_password()) else {
            return;
        };
        if report.step("user", || self.whose(&answer)).is_none() {
            return;
        }
        if report.step("files", || self.files(credentials, &answer)).is_none()
            || report.step("again", || self.log_in_again()).is_none()
        {
            return;
        }
        let (client, user, password) = (&self.client, self.user, self.password);
        let is_public = self.is_public;
        refusal::Login { client, user, password, answer: &answer, is_public }.check(report);
    }

    fn options(&self) -> &Options {
        self.client.options()
    }

    /// The name that is sent.
    fn sent(&self) -> String {
        printable_bytes(self.options().sent_name(self.user).unwrap_or(self.user))
    }

    fn send_password(&self) -> Outcome<(Credentials<'_>, Answer)> {
        let sent = self.options().sent_name(self.user);
        let sent = sent.map_err(|error| Finding::new(error.to_string()))?;
        let credentials =
            Credentials::new(sent, self.password).map_err(advice::about_credentials)?;
        let answer = self.client.propfind(&self.client.lookup(credentials, None));
        let answer = answer.map_err(|error| advice::about_error(&error))?;
        let is_success = answer.status == self.options().success_status;
        let is_understood = matches!(answer.body, Body::Multistatus(_));
        match verdict::check_answer(self.options(), self.user, &answer) {
            // The next step is about whose password it is.
            _ if is_success && (is_understood || !self.options().is_propfind()) => {
                let text = format!("{} for {}", answer.status_line(), self.sent());
                Ok(((credentials, answer), Finding::new(text)))
            }
            Err(denial) => Err(self.explain(denial, &answer)),
            Ok(()) => Err(Finding::new(answer.status_line())),
        }
    }

    fn explain(&self, denial: Denial, answer: &Answer) -> Finding {
        let advice = match &denial {
            Denial::Disabled(_) => vec![format!(
                "the account is disabled, or its password has expired: enable it in Nextcloud, \
                 Accounts, or by occ user:enable {}, or set a new password",
                self.sent()
            )],
            // The text has Nextcloud's reason and the remedy.
            Denial::Refused(_) if !self.options().is_failure(answer.status) => Vec::new(),
            // The text has the remedy.
            Denial::Refused(_) if is_forbidden(answer) => Vec::new(),
            Denial::Refused(_) => advice::about_refusal(
                &printable_bytes(self.user),
                &self.sent(),
                matches!(answer.body, Body::Exception { .. }),
            ),
            _ => advice::about_answer(self.options(), answer).into_iter().collect(),
        };
        advice::explained(denial.text()).advise(advice)
    }

    /// Whose password it is, and which settings fit.
    fn whose(&self, answer: &Answer) -> Outcome<()> {
        let options = self.options();
        let Body::Multistatus(properties) = &answer.body else {
            let text = format!("{} does not ask whose password it is", options.method);
            return Ok(((), Finding::skipped(text)));
        };
        let strict = Options { principal: Principal::User, ..options.clone() };
        let fits = verdict::check_answer(&strict, self.user, answer);
        let name = match &properties.current_user {
            CurrentUser::Principal(href) => principal_name(href).map(|name| printable(&name)),
            _ => None,
        };
        verdict::check_answer(options, self.user, answer).map_err(|denial| {
            let finding = advice::explained(denial.text());
            match &name {
                Some(name) => finding.advise(self.about_owner(name, properties.is_nextcloud)),
                None => finding,
            }
        })?;
        let Some(name) = name else {
            let finding =
                Finding::new("the server names no user, so it has to check the name that was sent");
            return Ok(((), finding.warn(fits.err().as_ref().map(Denial::text))));
        };
        let accepts_any = options.principal == Principal::Any;
        // A name without `@` is nobody's e-mail address, so no other user can log in with it.
        let is_safe = options.login_name == LoginName::Username;
        let finding = match fits {
            Ok(()) => Finding::new(self.fitting(&name)).warn((accepts_any && !is_safe).then_some(
                "principal = \"any\" accepts the passwords of other users, and \"user\" fits: \
                 leave principal out",
            )),
            Err(_) => {
                let text = format!("\"{name}\", whom principal = \"any\" accepts");
                Finding::new(text).warn((!is_safe).then_some(
                    "principal = \"any\" is safe only if no user of the server can set an e-mail \
                     address, as Nextcloud's users can: set domain and login_name = \"username\" too",
                ))
            }
        };
        Ok(((), finding))
    }

    /// Why this name on the server belongs to the login.
    fn fitting(&self, name: &str) -> String {
        let user = printable_bytes(self.user);
        match &self.options().domain {
            Some(domains) if !name.eq_ignore_ascii_case(&user) => {
                format!("\"{name}\", which is \"{user}\" by domain = \"{domains}\"")
            }
            _ => format!("\"{name}\", the login's own name"),
        }
    }

    /// What to do where the password is somebody else's, beyond what the text says.
    fn about_owner(&self, name: &str, is_nextcloud: bool) -> Vec<String> {
        let domains = self.options().domain.as_ref();
        match difference(name.as_bytes(), self.user, domains) {
            Difference::Internal | Difference::Letters if is_nextcloud => vec![
                "or set the Internal Username Attribute in Nextcloud's LDAP settings (Expert); this \
                 counts for new users only"
                    .into(),
            ],
            Difference::Name => {
                let own = with_domain(name.as_bytes(), domains);
                let mut advice = vec![
                    format!(
                        "if \"{name}\" is another user: log in as \"{}\", or with a password of \"{}\"",
                        printable_bytes(&own),
                        printable_bytes(self.user)
                    ),
                    format!(
                        "if \"{name}\" is the server's internal name for this login, as with accounts in LDAP: {}",
                        verdict::settings_for_internal_names(self.options())
                    ),
                ];
                if is_nextcloud {
                    advice.push(
                        "Nextcloud lets users set any e-mail address as their own and log in with \
                         it: principal = \"user\" protects the owner of the address"
                            .into(),
                    );
                }
                advice
            }
            _ => Vec::new(),
        }
    }

    /// Whether the password opens files, which `file_access` is about.
    fn files(&self, credentials: Credentials, answer: &Answer) -> Outcome<()> {
        let is_wanted = self.options().file_access == FileAccess::None;
        let is_nextcloud =
            matches!(&answer.body, Body::Multistatus(properties) if properties.is_nextcloud);
        if !is_wanted && !is_nextcloud {
            return Ok(((), Finding::skipped("only a Nextcloud is asked")));
        }
        let result = verdict::file_owner(answer).and_then(|name| {
            let asked = self.client.propfind_files(&name, &self.client.lookup(credentials, None));
            let answer = asked.map_err(Denial::from)?;
            verdict::check_files(self.options(), &answer)
        });
        match result {
            Ok(()) if is_wanted => Ok(((), Finding::new("this password opens none"))),
            Ok(()) => {
                let text = "this password opens none; file_access = \"none\" would accept it";
                Ok(((), Finding::new(text)))
            }
            Err(denial) if is_wanted => Err(advice::explained(denial.text())),
            Err(Denial::Refused(_)) => {
                let text = "this password may read files; file_access = \"none\" would refuse it";
                Ok(((), Finding::new(text)))
            }
            Err(denial) => Ok(((), Finding::skipped(denial.text()))),
        }
    }

    /// Logs in as the library does, over the connection of the first login.
    fn log_in_again(&self) -> Outcome<()> {
        let before = self.client.connections();
        match verify(&self.client, self.user, self.password, None).0 {
            Ok(_) => {
                let text = if self.client.connections() == before {
                    "a second login, on the same connection"
                } else {
                    "a second login, on a new connection: the server closes each one"
                };
                Ok(((), Finding::new(text)))
            }
            Err(denial) => Err(advice::explained(denial.text())
                .advise(["the first login succeeded: is the server overloaded?"])),
        }
    }
}

/// Whether it is Nextcloud's way of saying that only app passwords are accepted.
fn is_forbidden(answer: &Answer) -> bool {
    matches!(&answer.body, Body::Exception { name, .. } if name.ends_with("PasswordLoginForbidden"))
}
