//! The terminal, and standard input: the login name and the password.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// The exit status after Ctrl-C, as shells report a process that SIGINT has ended.
pub const INTERRUPTED: u8 = 130;

/// Why there is no name or no password.
#[derive(Debug)]
pub enum Stop {
    /// There is none to read.
    Usage(String),
    /// By Ctrl-C.
    Interrupted,
}

const PATH: &str = "/dev/tty";

/// More than any name or password has that a server accepts.
const MAX_LINE_BYTES: usize = 8 << 10;

/// Whether a password is being typed, so that the terminal does not echo.
static IS_HIDING: AtomicBool = AtomicBool::new(false);

/// From now on, Ctrl-C and the closing of the terminal end the program and restore the terminal.
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
    // Without the handler, Ctrl-C ends the program all the same.
    let _ = ctrlc::set_handler(handler);
}

/// The terminal of this process, if it has one, whatever its standard input is.
#[derive(Debug)]
pub struct Terminal(Option<File>);

impl Terminal {
    /// Opens it.
    pub fn open() -> Self {
        Self(File::options().read(true).write(true).open(PATH).ok())
    }

    /// Asks for the login name.
    pub fn ask_user(&self) -> Result<Vec<u8>, Stop> {
        let no_user = || Stop::Usage("no login name; use --user".into());
        let mut terminal = self.0.as_ref().ok_or_else(no_user)?;
        let asked = terminal.write_all(b"User: ");
        match asked.and_then(|()| first_line(terminal)) {
            Ok(mut user) if !user.is_empty() => Ok(std::mem::take(&mut *user)),
            _ => {
                let _ = terminal.write_all(b"\n");
                Err(no_user())
            }
        }
    }

    /// Asks for the password without showing it.
    pub fn ask_password(&self, user: &str) -> Result<Zeroizing<Vec<u8>>, Stop> {
        if self.0.is_none() {
            let problem = "no terminal to ask for the password at; use --user and --password-stdin";
            return Err(Stop::Usage(problem.into()));
        }
        IS_HIDING.store(true, Ordering::SeqCst);
        let password = rpassword::prompt_password(format!("Password of {user}: "));
        IS_HIDING.store(false, Ordering::SeqCst);
        // Only Enter has begun a new line.
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
    match first_line(io::stdin().lock()) {
        Ok(line) if !line.is_empty() => Ok(line),
        _ => Err(no_password()),
    }
}

/// The first line without its end.
fn first_line(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // It never grows, which would leave copies of the password behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE_BYTES));
    BufReader::new(from.take(MAX_LINE_BYTES as u64)).read_until(b'\n', &mut line)?;
    while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        line.pop();
    }
    Ok(line)
}

fn no_password() -> Stop {
    Stop::Usage("no password".into())
}
