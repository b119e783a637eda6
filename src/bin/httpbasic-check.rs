//! Finds out why a login does not work: checks every step, from the settings to the password.

use std::process::ExitCode;

fn main() -> ExitCode {
    httpbasic::check::main()
}
