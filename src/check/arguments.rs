//! The command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::options::Options;
use crate::options::value::Value;

/// The arguments of the program.
#[derive(Debug)]
pub struct Arguments {
    /// The passdb script, if it is named.
    pub script: Option<PathBuf>,
    /// The name that logs in.
    pub user: Option<Vec<u8>>,
    /// The password is the first line of standard input.
    pub password_stdin: bool,
    /// One JSON object instead of text.
    pub json: bool,
    /// Options that replace the script's.
    pub options: Vec<(String, Value)>,
}

impl Arguments {
    /// Reads the command line. Ends the program after `--help`, `--version`, and wrong usage.
    pub fn from_command_line() -> Self {
        Self::read(command().get_matches())
    }

    fn read(mut matches: ArgMatches) -> Self {
        let bytes = |text: OsString| text.into_vec();
        Self {
            script: matches.remove_one("script"),
            user: matches.remove_one("user").map(bytes),
            password_stdin: matches.get_flag("password-stdin"),
            json: matches.get_flag("json"),
            options: Options::names()
                .filter_map(|name| {
                    let value = matches.remove_one(name).map(bytes)?;
                    Some((name.into(), Value::String(value)))
                })
                .collect(),
        }
    }
}

fn command() -> Command {
    let text = |name: &'static str, value: String, help: &'static str| {
        let parser = value_parser!(OsString);
        Arg::new(name)
            .long(name.replace('_', "-"))
            .value_name(value)
            .value_parser(parser)
            .help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let overrides = Options::names()
        .map(|name| text(name, "VALUE".into(), "").help_heading("Settings (see docs/options.md)"));
    Command::new("httpbasic-check")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Finds out why a login does not work: checks every step, from the settings to the password.")
        .after_help(
            "Without --script, the settings are read from auth-httpbasic.lua beside this program,\n\
             or in /etc/dovecot/lua; with Dovecot 2.4, from doveconf as well.\n\
             Exit status: 0 if the login would succeed, 1 if not, 2 for wrong usage.",
        )
        .arg(
            Arg::new("script")
                .long("script")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The passdb script with the settings"),
        )
        .arg(text("user", "USER".into(), "The login name; asked for if it is missing"))
        .arg(
            flag("password-stdin", "Reads the password from standard input, instead of asking")
                .requires("user"),
        )
        .arg(flag("json", "Prints one JSON object, for machines"))
        .args(overrides)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        command()
            .try_get_matches_from([&["httpbasic-check"], arguments].concat())
            .map(Arguments::read)
    }

    #[test]
    fn every_option_can_be_given_by_its_name() {
        command().debug_assert();
        for name in Options::names() {
            let flag = format!("--{}", name.replace('_', "-"));
            let arguments = read(&[&flag, "x"]).unwrap();
            assert_eq!(arguments.options, [(name.to_string(), Value::String(b"x".into()))]);
        }
    }

    #[test]
    fn wrong_usage_has_status_2_and_help_has_status_0() {
        for arguments in
            [&["--uri", "x"][..], &["--url"], &["x"], &["--password-stdin"], &["--json=1"]]
        {
            assert_eq!(read(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
        for arguments in ["--help", "--version"] {
            assert_eq!(read(&[arguments]).unwrap_err().exit_code(), 0);
        }
    }
}
