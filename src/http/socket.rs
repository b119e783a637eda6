//! A TCP connection whose reads and writes have a deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The granularity of the socket's timeouts, in milliseconds. Timeouts are rounded up to a multiple
/// of it. Most lookups on a kept connection then need not change them, which saves system calls. A
/// deadline may be exceeded by this much.
const STEP_MSECS: u128 = 10;

/// A TCP connection.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    deadline: Instant,
    read_limit: Duration,
    write_limit: Duration,
}

impl Socket {
    /// Opens a connection. The deadline also applies to reads and writes, until
    /// [`Socket::set_deadline`] changes it.
    ///
    /// # Errors
    /// Those of the system. The kind is `TimedOut` if the deadline passes.
    pub fn connect(address: SocketAddr, deadline: Instant) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, deadline, read_limit: Duration::ZERO, write_limit: Duration::ZERO })
    }

    /// Sets the deadline of later reads and writes.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Whether there is something to read, even if it is only the end of the stream. Never blocks.
    pub fn has_input(&self) -> bool {
        let mut polled = [PollFd::new(&self.stream, PollFlags::IN)];
        // If poll fails, the socket is broken, and the next read returns the error.
        poll(&mut polled, Some(&Timespec::default())).map_or(true, |ready| ready > 0)
    }
}

/// The time left, rounded up to a multiple of [`STEP_MSECS`].
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(in_steps(left))
}

fn in_steps(left: Duration) -> Duration {
    let steps = left.as_nanos().div_ceil(STEP_MSECS * 1_000_000);
    Duration::from_millis(u64::try_from(steps * STEP_MSECS).unwrap_or(u64::MAX))
}

/// Repeats a system call that a signal interrupted. Converts a timeout to `TimedOut`.
fn finish(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(problem) if problem.kind() == io::ErrorKind::Interrupted => {}
            Err(problem) if problem.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            result => return result,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        finish(|| {
            let limit = left(self.deadline)?;
            if limit != self.read_limit {
                self.stream.set_read_timeout(Some(limit))?;
                self.read_limit = limit;
            }
            self.stream.read(buffer)
        })
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        finish(|| {
            let limit = left(self.deadline)?;
            if limit != self.write_limit {
                self.stream.set_write_timeout(Some(limit))?;
                self.write_limit = limit;
            }
            self.stream.write(bytes)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn pair(limit: Duration) -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let deadline = Instant::now() + limit;
        let socket = Socket::connect(listener.local_addr().unwrap(), deadline).unwrap();
        (socket, listener.accept().unwrap().0)
    }

    #[test]
    fn a_timeout_is_rounded_up_to_a_step() {
        let msecs = Duration::from_millis;
        for (left, limit) in [
            (Duration::from_nanos(1), msecs(10)),
            (msecs(10), msecs(10)),
            (Duration::from_micros(10_001), msecs(20)),
            (Duration::from_micros(4_990_001), msecs(5000)),
            (msecs(5000), msecs(5000)),
        ] {
            assert_eq!(in_steps(left), limit, "{left:?}");
        }
    }

    #[test]
    fn reads_and_writes_end_by_the_deadline() {
        let (mut socket, _silent) = pair(Duration::from_millis(50));
        let start = Instant::now();
        assert_eq!(socket.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= Duration::from_millis(40), "{:?}", start.elapsed());
        assert_eq!(socket.write(&[0]).unwrap_err().kind(), io::ErrorKind::TimedOut);

        socket.set_deadline(Instant::now() + Duration::from_millis(50));
        // The peer does not read, so writing blocks once the kernel's buffers are full.
        let stuck = loop {
            if let Err(problem) = socket.write(&[0; 1 << 16]) {
                break problem;
            }
        };
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }

    #[test]
    fn input_and_the_end_of_the_stream_are_noticed_without_reading() {
        let (mut socket, mut peer) = pair(Duration::from_secs(5));
        assert!(!socket.has_input());
        peer.write_all(b"x").unwrap();
        while !socket.has_input() {}
        assert_eq!(socket.read(&mut [0; 9]).unwrap(), 1);
        assert!(!socket.has_input());
        drop(peer);
        while !socket.has_input() {}
    }
}
