//! The program `httpbasic-check`: it checks a login step by step, and says what to do about a step that
//! fails.
//!
//! It reads the settings that Dovecot reads ([`settings`], [`script`], [`dovecot`]), looks at the library
//! beside the script ([`library`]), connects to the server ([`network`], [`certificate`]), logs in
//! ([`login`]) and tries what must be refused ([`refusal`]), with the library's own code. A [`report`] shows each step as it ends, and [`advice`]
//! says what to do about one that fails.

mod advice;
mod arguments;
mod certificate;
mod dovecot;
mod library;
mod login;
mod network;
mod passdb;
mod refusal;
mod report;
mod script;
mod settings;
mod terminal;

use std::io::{Write, stderr};
use std::path::Path;
use std::process::ExitCode;

use self::arguments::Arguments;
use self::report::Report;
use self::terminal::{Stop, Terminal};

/// Runs the program. The exit status is 0 if a login would succeed, 1 if not, 2 for wrong usage, 130
/// after Ctrl-C.
pub fn main() -> ExitCode {
    let arguments = Arguments::from_command_line();
    terminal::restore_when_interrupted();
    let mut report = Report::new(arguments.json);
    match check(&arguments, &mut report) {
        Ok(()) => report.close(),
        Err(Stop::Usage(problem)) => {
            report.close();
            // The terminal may have been closed.
            let _ = writeln!(stderr(), "httpbasic-check: {problem}");
            ExitCode::from(2)
        }
        Err(Stop::Interrupted) => ExitCode::from(terminal::INTERRUPTED),
    }
}

fn check(arguments: &Arguments, report: &mut Report) -> Result<(), Stop> {
    let script = settings::find(arguments);
    let options = report.step("settings", || settings::check(arguments, script.as_deref()));
    report.step("library", || library::check(script.as_deref().and_then(Path::parent)));
    let Some(options) = options else { return Ok(()) };
    if !network::check(&options, report) {
        return Ok(());
    }
    login::check(&options, arguments, &Terminal::open(), report)
}
