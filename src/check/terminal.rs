//! The terminal: who logs in, and with which password.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::Stop;

/// The exit status after Ctrl-C: that of a process which SIGINT ended, as shells have it.
pub const INTERRUPTED: u8 = 130;

const PATH: &str = "/dev/tty";

/// Whether a password is being typed, so that the terminal is not as it was.
static IS_HIDING: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C, and a terminal that is closed, end the program and leave the terminal as it was.
pub fn restore_when_interrupted() {
    let terminal = File::open(PATH).ok();
    let original = terminal.and_then(|terminal| Some((tcgetattr(&terminal).ok()?, terminal)));
    let handler = move || {
        if let Some((original, terminal)) = &original {
            if IS_HIDING.load(Ordering::SeqCst) {
                let _ = tcsetattr(terminal, OptionalActions::Now, original);
            }
        }
        let _ = writeln!(io::stderr());
        std::process::exit(INTERRUPTED.into());
    };
    // Without it Ctrl-C ends the program all the same.
    let _ = ctrlc::set_handler(handler);
}

/// The terminal of this process, if it has one, whatever its standard input is.
#[derive(Debug)]
pub struct Terminal(Option<File>);

impl Terminal {
    /// Looks for it.
    pub fn open() -> Self {
        Self(File::options().read(true).write(true).open(PATH).ok())
    }

    /// Asks for the login name.
    pub fn ask_user(&self) -> Result<Vec<u8>, Stop> {
        let no_user = || Stop::Usage("nobody to log in; use --user".into());
        let mut terminal = self.0.as_ref().ok_or_else(no_user)?;
        let mut line = String::new();
        let asked = terminal.write_all(b"User: ");
        let answered = asked.and_then(|()| BufReader::new(terminal).read_line(&mut line));
        match line.trim_end_matches(['\r', '\n']) {
            user if answered.is_ok() && !user.is_empty() => Ok(user.into()),
            _ => {
                let _ = terminal.write_all(b"\n");
                Err(no_user())
            }
        }
    }

    /// Asks for the password without showing it.
    pub fn ask_password(&self, user: &str) -> Result<Zeroizing<Vec<u8>>, Stop> {
        if self.0.is_none() {
            let problem = "no terminal to ask for the password; use --user and --password-stdin";
            return Err(Stop::Usage(problem.into()));
        }
        IS_HIDING.store(true, Ordering::SeqCst);
        let password = rpassword::prompt_password(format!("Password of {user}: "));
        IS_HIDING.store(false, Ordering::SeqCst);
        // Enter has begun a new line; what else ends it has not.
        if let (Err(_), Some(mut terminal)) = (&password, self.0.as_ref()) {
            let _ = terminal.write_all(b"\n");
        }
        match password {
            Ok(password) if !password.is_empty() => Ok(Zeroizing::new(password.into_bytes())),
            Err(problem) if problem.kind() == io::ErrorKind::Interrupted => Err(Stop::Interrupted),
            _ => Err(no_password()),
        }
    }
}

/// The first line of standard input.
pub fn read_password() -> Result<Zeroizing<Vec<u8>>, Stop> {
    let mut line = Zeroizing::new(Vec::new());
    let read = io::stdin().lock().read_until(b'\n', &mut line);
    while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        line.pop();
    }
    if read.is_err() || line.is_empty() { Err(no_password()) } else { Ok(line) }
}

fn no_password() -> Stop {
    Stop::Usage("no password".into())
}
