//! A connection in ureq's terms: one write a request, and kept only when nothing is left over.

use std::fmt;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{self, Buffers, LazyBuffers, NextTimeout};
use zeroize::Zeroize;

use super::stream::Stream;

/// How old a connection may become, so that a changed address is followed.
const MAX_AGE: Duration = Duration::from_secs(300);

/// The room for a request, in bytes. One that is longer is sent in several writes.
const REQUEST_BYTES: usize = 32 << 10;

/// The room that the longest header field needs, in bytes. The request line comes first, when there
/// is more.
const MIN_ROOM: usize = 16 << 10;

/// The failure of a request on a kept connection of which nothing was heard: the server may have
/// closed it long ago, so that the request may be sent once more on a new one.
#[derive(Debug)]
pub struct Stale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server has closed a kept connection")
    }
}

impl std::error::Error for Stale {}

/// What has come over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// Nothing yet.
    Nothing,
    /// A part of the answer to the last request.
    Answer,
    /// Whole answers, and nothing after them.
    Answers,
}

/// A connection to the server.
#[derive(Debug)]
pub struct Transport {
    stream: Stream,
    buffers: HeldBuffers,
    heard: Heard,
    opened: Instant,
}

impl Transport {
    /// A connection that has just been opened. `input_bytes` is the room for an answer's head.
    pub fn new(stream: Stream, input_bytes: usize) -> Self {
        let lazy = LazyBuffers::new(input_bytes, REQUEST_BYTES);
        let buffers = HeldBuffers { lazy, held: 0 };
        Self { stream, buffers, heard: Heard::Nothing, opened: Instant::now() }
    }

    /// Sends what was held back, and wipes it.
    fn flush(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.buffers.held);
        if held == 0 {
            return Ok(());
        }
        let request = &mut self.buffers.lazy.output()[..held];
        let sent = self.stream.send(request);
        request.zeroize();
        sent
    }

    fn receive(&mut self) -> io::Result<usize> {
        self.flush()?;
        let room = self.buffers.lazy.input_append_buf();
        // Without room ureq must give up; a read would only say that the answer has ended.
        if room.is_empty() { Ok(0) } else { self.stream.read(room) }
    }

    /// What a failure means to ureq and to the client.
    fn explain(&self, problem: io::Error, timeout: NextTimeout) -> ureq::Error {
        match problem.kind() {
            io::ErrorKind::TimedOut => ureq::Error::Timeout(timeout.reason),
            _ if self.heard == Heard::Answers => ureq::Error::Other(Box::new(Stale)),
            _ => ureq::Error::Io(problem),
        }
    }
}

impl transport::Transport for Transport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.buffers.held += amount;
        if self.buffers.output().len() < MIN_ROOM {
            self.stream.set_deadline(Instant::now() + *timeout.after);
            self.flush().map_err(|problem| self.explain(problem, timeout))?;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.set_deadline(Instant::now() + *timeout.after);
        let amount = match self.receive() {
            Ok(0) if self.heard == Heard::Answers => Err(io::ErrorKind::UnexpectedEof.into()),
            result => result,
        };
        let amount = amount.map_err(|problem| self.explain(problem, timeout))?;
        self.buffers.lazy.input_appended(amount);
        if amount > 0 {
            self.heard = Heard::Answer;
        }
        Ok(amount > 0)
    }

    /// ureq asks when it keeps the connection after an answer, and again before it reuses it: that
    /// is soon enough to look whether more has arrived.
    fn is_open(&mut self) -> bool {
        let is_reused = std::mem::replace(&mut self.heard, Heard::Answers) == Heard::Answers;
        self.opened.elapsed() < MAX_AGE
            && self.buffers.input().is_empty()
            && if is_reused { self.stream.is_idle() } else { self.stream.is_empty() }
    }

    fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }
}

/// Buffers that hold a request back until all of it is there: ureq writes its head, then its body.
#[derive(Debug)]
struct HeldBuffers {
    lazy: LazyBuffers,
    /// How many bytes of the output are held.
    held: usize,
}

/// What is held and will not be sent is wiped too.
impl Drop for HeldBuffers {
    fn drop(&mut self) {
        if self.held > 0 {
            self.lazy.output()[..self.held].zeroize();
        }
    }
}

impl Buffers for HeldBuffers {
    fn output(&mut self) -> &mut [u8] {
        &mut self.lazy.output()[self.held..]
    }

    fn input(&self) -> &[u8] {
        self.lazy.input()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.lazy.input_append_buf()
    }

    fn input_appended(&mut self, amount: usize) {
        self.lazy.input_appended(amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.lazy.input_consume(amount);
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        let (tmp, output) = self.lazy.tmp_and_output();
        (tmp, &mut output[self.held..])
    }

    fn can_use_input(&self) -> bool {
        self.lazy.can_use_input()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use ureq::unversioned::transport::Transport as _;

    use super::*;
    use crate::http::socket::Socket;

    #[test]
    fn a_connection_is_not_kept_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        let socket = Socket::connect(listener.local_addr().unwrap(), deadline).unwrap();
        let mut transport = Transport::new(Stream::Plain(socket), 100);
        transport.heard = Heard::Answers;
        assert!(transport.is_open());
        transport.opened -= MAX_AGE;
        assert!(!transport.is_open());
    }
}
