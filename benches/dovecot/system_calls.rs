//! Counts system calls with strace.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::NamedTempFile;

/// The number of system calls of these processes during `work`; `None` if tracing is not permitted.
pub fn count(processes: &[u32], work: impl FnOnce()) -> Option<u64> {
    let traces: Vec<_> = processes.iter().map(|id| Trace::start(*id)).collect::<Option<_>>()?;
    work();
    Some(traces.into_iter().map(Trace::finish).sum())
}

/// A strace that is attached to a process.
struct Trace {
    child: Child,
    summary: NamedTempFile,
}

impl Trace {
    fn start(process: u32) -> Option<Self> {
        let summary = NamedTempFile::new().unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "strace", "--follow-forks", "--summary-only"])
            .arg(format!("--attach={process}"))
            .arg(format!("--output={}", summary.path().display()))
            .stderr(Stdio::piped())
            .spawn()
            .expect("setpriv starts");
        let mut trace = Self { child, summary };
        let mut line = String::new();
        BufReader::new(trace.child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.contains("attached") {
            return Some(trace);
        }
        eprint!("system calls are not counted: {line}");
        None
    }

    fn finish(mut self) -> u64 {
        self.detach();
        let text = std::fs::read_to_string(self.summary.path()).unwrap();
        // The columns: percentage, seconds, microseconds per call, calls, errors if any, "total".
        let total = text.lines().find(|line| line.ends_with(" total"));
        total.map_or(0, |line| line.split_whitespace().nth(3).unwrap().parse().unwrap())
    }

    fn detach(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.detach();
    }
}
