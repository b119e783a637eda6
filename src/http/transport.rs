//! A connection as ureq uses it. Each request is one write. The connection is reused only if
//! nothing is left over from the last answer.

use std::fmt;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::unversioned::transport::{self, Buffers, LazyBuffers, NextTimeout};
use zeroize::Zeroize;

use super::deadline::CurrentDeadline;
use super::socket::is_deadline;
use super::stream::Stream;

/// The maximum age of a connection. Afterwards the name is resolved again, so a changed address
/// takes effect.
const MAX_AGE: Duration = Duration::from_secs(300);

/// The size of the output buffer, in bytes. A longer request is sent in several writes.
const REQUEST_BYTES: usize = 32 << 10;

/// The space that ureq needs for the longest header field, in bytes. If less is free, the buffer is
/// sent.
const MIN_ROOM: usize = 16 << 10;

/// A request on a kept connection failed before any byte of its answer arrived. While the connection
/// was idle, the server may have closed it, or a router may have forgotten it. So the request may be
/// sent once more on a new one.
#[derive(Debug)]
pub struct Stale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kept connection no longer works")
    }
}

impl std::error::Error for Stale {}

/// What was received over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Received {
    /// Nothing yet.
    Nothing,
    /// At least a part of the answer to the last request.
    Part,
    /// The whole answer to the last request, and nothing since then.
    Whole,
}

/// A connection to the server.
#[derive(Debug)]
pub struct Transport {
    stream: Stream,
    buffers: HeldBuffers,
    received: Received,
    opened: Instant,
    deadline: CurrentDeadline,
}

impl Transport {
    /// A new connection. `input_bytes` is the size of the input buffer, which must hold an answer's
    /// head.
    pub fn new(stream: Stream, input_bytes: usize, deadline: CurrentDeadline) -> Self {
        let lazy = LazyBuffers::new(input_bytes, REQUEST_BYTES);
        let buffers = HeldBuffers { lazy, held: 0 };
        let (received, opened) = (Received::Nothing, Instant::now());
        Self { stream, buffers, received, opened, deadline }
    }

    /// Sends the held output and wipes it.
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
        // If the buffer is full, the head is too long, and ureq reports that. A read into an empty
        // slice would look like the end of the stream.
        if room.is_empty() { Ok(0) } else { self.stream.read(room) }
    }

    /// Converts an I/O error to an error of ureq, or to [`Stale`].
    fn explain(&self, problem: io::Error) -> ureq::Error {
        if is_deadline(&problem) {
            ureq::Error::Timeout(Timeout::Global)
        } else if self.received == Received::Whole {
            ureq::Error::Other(Box::new(Stale))
        } else {
            ureq::Error::Io(problem)
        }
    }
}

impl transport::Transport for Transport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.buffers.held += amount;
        if self.buffers.output().len() < MIN_ROOM {
            self.stream.set_deadline(self.deadline.get().end());
            self.flush().map_err(|problem| self.explain(problem))?;
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.set_deadline(self.deadline.get().end());
        let amount = match self.receive() {
            Ok(0) if self.received == Received::Whole => Err(io::ErrorKind::UnexpectedEof.into()),
            result => result,
        };
        let amount = amount.map_err(|problem| self.explain(problem))?;
        self.buffers.lazy.input_appended(amount);
        if amount > 0 {
            self.received = Received::Part;
        }
        Ok(amount > 0)
    }

    /// ureq calls this twice: after an answer, before it keeps the connection, and again before it
    /// reuses it. The check for new input costs a system call, so only the second call does it.
    fn is_open(&mut self) -> bool {
        let is_reused = std::mem::replace(&mut self.received, Received::Whole) == Received::Whole;
        self.opened.elapsed() < MAX_AGE
            && self.buffers.input().is_empty()
            && if is_reused { self.stream.is_idle() } else { self.stream.is_empty() }
    }

    fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }
}

/// Buffers that hold a request until it is complete. ureq writes the head and the body separately.
#[derive(Debug)]
struct HeldBuffers {
    lazy: LazyBuffers,
    /// The number of bytes at the start of the output that are held.
    held: usize,
}

/// Wipes held output that was never sent.
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
    fn a_connection_is_kept_for_5_minutes_at_most() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        let socket = Socket::connect(listener.local_addr().unwrap(), deadline).unwrap();
        let mut transport = Transport::new(Stream::Plain(socket), 100, CurrentDeadline::default());
        transport.received = Received::Whole;
        assert!(transport.is_open());
        transport.opened -= MAX_AGE;
        assert!(!transport.is_open());
    }
}
