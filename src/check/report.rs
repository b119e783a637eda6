//! The report on each step: at once for people, at the end for machines.

use std::io::{IsTerminal, Write, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::text::one_line;

/// The steps in their order. Those that were not reached are reported at the end.
const STEPS: [&str; 11] = [
    "settings",
    "library",
    "name",
    "connection",
    "TLS",
    "server",
    "password",
    "user",
    "files",
    "again",
    "refusal",
];

/// The step that is the login. The one after it does not apply to every server.
const LOGIN: &str = "again";

/// The column in which texts begin.
const INDENT: usize = 14;

/// The least width of a text.
const MIN_WIDTH: usize = 20;

/// The result of a step.
#[derive(Debug)]
pub struct Finding {
    text: String,
    is_skipped: bool,
    advice: Vec<String>,
    warnings: Vec<String>,
}

impl Finding {
    /// A finding with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_skipped: false, advice: Vec::new(), warnings: Vec::new() }
    }

    /// Why there was nothing to do.
    pub fn skipped(text: impl Into<String>) -> Self {
        Self { is_skipped: true, ..Self::new(text) }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same with another text.
    pub fn renamed(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// What to do about it, one sentence each.
    pub fn advise<T: Into<String>>(mut self, advice: impl IntoIterator<Item = T>) -> Self {
        self.advice.extend(advice.into_iter().map(Into::into));
        self
    }

    /// A setting that is legal and unwise.
    pub fn warn<T: Into<String>>(mut self, warnings: impl IntoIterator<Item = T>) -> Self {
        self.warnings.extend(warnings.into_iter().map(Into::into));
        self
    }

    /// Whatever comes from outside must not control the terminal.
    fn make_printable(&mut self) {
        let texts = self.advice.iter_mut().chain(&mut self.warnings).chain([&mut self.text]);
        for text in texts {
            *text = one_line(text, usize::MAX);
        }
    }
}

/// What a step hands on and its finding, or the finding of a step that failed.
pub type Outcome<T> = Result<(T, Finding), Finding>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Failed,
    NotReached,
}

impl State {
    fn mark(self) -> &'static str {
        match self {
            State::Ok => "✓",
            State::Failed => "✗",
            State::NotReached => "–",
        }
    }

    fn colour(self) -> Colour {
        match self {
            State::Ok => Colour::Green,
            State::Failed => Colour::Red,
            State::NotReached => Colour::Dim,
        }
    }
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    state: State,
    finding: Finding,
    elapsed: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Dim = 2,
}

/// Reports steps.
#[derive(Debug)]
pub struct Report {
    is_json: bool,
    is_terminal: bool,
    /// Whether a line can be replaced, and coloured.
    has_escapes: bool,
    has_colour: bool,
    steps: Vec<Step>,
}

impl Report {
    /// A report for machines, or for whoever reads standard output.
    pub fn new(is_json: bool) -> Self {
        let is_terminal = !is_json && stdout().is_terminal();
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|name| name == "dumb");
        let has_escapes = is_terminal && !is_dumb;
        let has_colour = has_escapes && !is_set("NO_COLOR");
        let mut report = Self { is_json, is_terminal, has_escapes, has_colour, steps: Vec::new() };
        report.say(concat!("httpbasic-check ", env!("CARGO_PKG_VERSION"), "\n"));
        report
    }

    /// Runs a step and reports it.
    pub fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Outcome<T>) -> Option<T> {
        if self.has_escapes {
            // Shows what the program is waiting for.
            self.say(&format!("… {name}"));
        }
        let start = Instant::now();
        let outcome = work();
        let elapsed = Some(start.elapsed());
        if self.has_escapes {
            self.say("\r\u{1b}[K");
        }
        let (result, state, finding) = match outcome {
            Ok((result, finding)) if finding.is_skipped => {
                (Some(result), State::NotReached, finding)
            }
            Ok((result, finding)) => (Some(result), State::Ok, finding),
            Err(finding) => (None, State::Failed, finding),
        };
        self.add(Step { name, state, finding, elapsed });
        result
    }

    /// Says what the next step does. Machines read it in the documentation.
    pub fn announce(&mut self, text: &str) {
        self.paragraph(&format!("{:>INDENT$}", "… "), text, Colour::Dim);
    }

    /// Reports the steps that were not reached, and the result. The status is 0 if the login succeeds.
    pub fn close(&mut self) -> ExitCode {
        for name in STEPS {
            if !self.steps.iter().any(|step| step.name == name) {
                let finding = Finding::new("not reached");
                self.add(Step { name, state: State::NotReached, finding, elapsed: None });
            }
        }
        let succeeds = self.succeeds();
        let has_failed = self.steps.iter().any(|step| step.state == State::Failed);
        self.say(match (succeeds, has_failed) {
            (true, _) => "\nThis login succeeds.\n",
            (false, true) => "\nThis login does not succeed.\n",
            (false, false) => "\nThis login was not checked to its end.\n",
        });
        if self.is_json {
            write(&format!("{:#}\n", self.json()));
        }
        if succeeds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Whether the login was reached and no step failed.
    fn succeeds(&self) -> bool {
        let is_ok = |name| self.steps.iter().any(|it| it.name == name && it.state == State::Ok);
        is_ok(LOGIN) && self.steps.iter().all(|it| it.state != State::Failed)
    }

    fn add(&mut self, mut step: Step) {
        step.finding.make_printable();
        let time = step.elapsed.filter(|_| !step.finding.is_skipped);
        let time = time.map(|time| format!(" ({} ms)", time.as_millis())).unwrap_or_default();
        let head = format!("{} {:<11} ", step.state.mark(), step.name);
        let colour = step.state.colour();
        self.paragraph(&head, &format!("{}{time}", step.finding.text), colour);
        for warning in &step.finding.warnings {
            self.paragraph(&format!("{:>INDENT$}", "! "), warning, Colour::Yellow);
        }
        for advice in &step.finding.advice {
            self.paragraph(&format!("{:>INDENT$}", "→ "), advice, colour);
        }
        self.steps.push(step);
    }

    /// A text beside its mark, wrapped to the width of the terminal.
    fn paragraph(&mut self, head: &str, text: &str, colour: Colour) {
        let width = self.width().map_or(usize::MAX, |width| width.saturating_sub(INDENT));
        for (index, line) in wrap(text, width.max(MIN_WIDTH)).iter().enumerate() {
            let head = match index {
                0 if self.has_colour => format!("\u{1b}[{}m{head}\u{1b}[0m", colour as u8),
                0 => head.to_string(),
                _ => " ".repeat(INDENT),
            };
            self.say(&format!("{head}{line}\n"));
        }
    }

    /// Asked each time, since the window may have changed.
    fn width(&self) -> Option<usize> {
        let size = self.is_terminal.then(|| rustix::termios::tcgetwinsize(stdout()).ok())??;
        Some(usize::from(size.ws_col)).filter(|width| *width > 0)
    }

    fn say(&mut self, text: &str) {
        if !self.is_json {
            write(text);
        }
    }

    fn json(&self) -> Value {
        let step = |step: &Step| {
            json!({
                "name": step.name,
                "state": match step.state {
                    State::Ok => "ok",
                    State::Failed => "failed",
                    State::NotReached => "not reached",
                },
                "text": step.finding.text,
                "advice": step.finding.advice,
                "warnings": step.finding.warnings,
                "msecs": step.elapsed.map(|time| time.as_millis() as u64),
            })
        };
        let steps: Vec<_> = self.steps.iter().map(step).collect();
        json!({ "ok": self.succeeds(), "steps": steps })
    }
}

/// Writes to standard output. It does not matter whether anybody still reads it.
fn write(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Lines of at most `width` characters, broken at spaces. A longer word, such as a URL, stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.into());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_words_stay_whole() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("one two", 7), ["one two"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a https://host/path b", 5), ["a", "https://host/path", "b"]);
        assert_eq!(wrap("grüß Gott", 4), ["grüß", "Gott"]);
    }
}
