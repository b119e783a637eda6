//! The program `httpbasic-check`: a login, step by step, and what to do about the step that fails.
//!
//! It reads what Dovecot reads ([`dovecot`], [`script`]), looks at the library beside the script
//! ([`library`]), goes the way to the server ([`way`], [`certificate`]) and logs in ([`login`]) by the
//! code that the library is made of. A [`report`] tells each step when it ends.

mod advice;
mod arguments;
mod certificate;
mod dovecot;
mod library;
mod login;
mod report;
mod script;
mod settings;
mod terminal;
mod way;

use std::process::ExitCode;

use self::arguments::Arguments;
use self::report::Report;
use self::terminal::Terminal;

/// What ends the program before its last step: nobody says who logs in, or somebody pressed Ctrl-C.
#[derive(Debug)]
enum Stop {
    Usage(String),
    Interrupted,
}

/// Runs the program. The exit status is 0 if a login would succeed, 1 if not, 2 if the program was not
/// told what it needs, 130 after Ctrl-C.
pub fn main() -> ExitCode {
    let arguments = Arguments::from_command_line();
    terminal::restore_when_interrupted();
    let mut report = Report::new(arguments.json);
    match check(&arguments, &mut report) {
        Ok(()) => report.close(),
        Err(Stop::Usage(problem)) => {
            report.close();
            eprintln!("httpbasic-check: {problem}");
            ExitCode::from(2)
        }
        Err(Stop::Interrupted) => ExitCode::from(terminal::INTERRUPTED),
    }
}

fn check(arguments: &Arguments, report: &mut Report) -> Result<(), Stop> {
    let found = report.step("settings", || settings::check(arguments));
    let folder = found.as_ref().and_then(|found| found.script.as_deref()?.parent());
    report.step("library", || library::check(folder));
    let Some(found) = found else { return Ok(()) };
    if !way::check(&found.options, report) {
        return Ok(());
    }
    login::check(&found.options, arguments, &Terminal::open(), report)
}
