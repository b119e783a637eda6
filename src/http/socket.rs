//! A TCP connection whose reads and writes have a deadline.
//!
//! The timeouts of a socket cost no system call once they are set, but Linux may end them late by an
//! eighth. So they limit only a first wait. For the rest of the time, `poll` waits, which is precise.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send, sockopt};

/// The first wait is a multiple of this, in milliseconds. Most lookups on a kept connection then need
/// not change the socket's timeouts, which saves system calls.
const STEP_MSECS: u128 = 50;

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
    /// Those of the system. [`is_deadline`] tells whether the deadline has passed.
    pub fn connect(address: SocketAddr, deadline: Instant) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, deadline, read_limit: Duration::ZERO, write_limit: Duration::ZERO })
    }

    /// Sets the deadline of later reads and writes.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Sets how long the peer may leave data unacknowledged. Afterwards, reads and writes fail. A
    /// peer that is slow to answer is not affected, because its kernel acknowledges at once.
    pub fn set_acknowledgement_limit(&self, limit: Duration) -> io::Result<()> {
        let msecs = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
        Ok(sockopt::set_tcp_user_timeout(&self.stream, msecs)?)
    }

    /// Whether there is something to read, even if it is only the end of the stream. Never blocks.
    pub fn has_input(&self) -> bool {
        let mut polled = [PollFd::new(&self.stream, PollFlags::IN)];
        // If poll fails, the socket is broken, and the next read returns the error.
        poll(&mut polled, Some(&Timespec::default())).map_or(true, |ready| ready > 0)
    }

    /// Repeats `transfer` until it succeeds or fails. `transfer` may wait only if its argument is
    /// true, which it is at most at the first call.
    fn finish(
        &self,
        mut may_wait: bool,
        readiness: PollFlags,
        mut transfer: impl FnMut(bool) -> Result<usize, Errno>,
    ) -> io::Result<usize> {
        loop {
            match transfer(may_wait) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return Ok(result?),
            }
            may_wait = false;
            self.wait(readiness)?;
        }
    }

    /// Waits until the socket is ready, or a signal arrives.
    fn wait(&self, readiness: PollFlags) -> io::Result<()> {
        let limit = Timespec::try_from(left(self.deadline)?).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.stream, readiness)], Some(&limit)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(problem) => Err(problem.into()),
        }
    }
}

/// Whether a deadline has passed. `ETIMEDOUT` of the system has the same kind, but says that the peer
/// acknowledges nothing.
pub fn is_deadline(problem: &io::Error) -> bool {
    problem.kind() == io::ErrorKind::TimedOut && problem.raw_os_error().is_none()
}

/// The time left.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// The limit of the first wait if this much time is left. Even if it ends late, some time remains. If
/// there is little time, it is zero.
fn first_wait(left: Duration) -> Duration {
    let steps = left.as_millis() * 3 / 4 / STEP_MSECS;
    Duration::from_millis(u64::try_from(steps * STEP_MSECS).unwrap_or(u64::MAX))
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = first_wait(left(self.deadline)?);
        if limit != self.read_limit && !limit.is_zero() {
            self.stream.set_read_timeout(Some(limit))?;
            self.read_limit = limit;
        }
        self.finish(!limit.is_zero(), PollFlags::IN, |may_wait| {
            let flags = if may_wait { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
            recv(&self.stream, &mut *buffer, flags).map(|(amount, _)| amount)
        })
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = first_wait(left(self.deadline)?);
        if limit != self.write_limit && !limit.is_zero() {
            self.stream.set_write_timeout(Some(limit))?;
            self.write_limit = limit;
        }
        self.finish(!limit.is_zero(), PollFlags::OUT, |may_wait| {
            let flags = if may_wait { SendFlags::empty() } else { SendFlags::DONTWAIT };
            send(&self.stream, bytes, flags | SendFlags::NOSIGNAL)
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
    fn the_first_wait_leaves_time_even_if_it_ends_late() {
        let msecs = Duration::from_millis;
        for (left, limit) in [(0, 0), (66, 0), (67, 50), (100, 50), (400, 300), (5000, 3750)] {
            assert_eq!(first_wait(msecs(left)), msecs(limit), "{left}");
            assert!(msecs(limit) * 9 / 8 < msecs(left.max(1)));
        }
        // Lookups that start a moment after the deadline was set have the same first wait.
        assert_eq!(first_wait(Duration::from_micros(4_999_900)), first_wait(msecs(4950)));
    }

    #[test]
    fn reads_and_writes_end_by_the_deadline() {
        let (mut socket, _silent) = pair(Duration::from_millis(50));
        let start = Instant::now();
        assert!(is_deadline(&socket.read(&mut [0]).unwrap_err()));
        assert!(start.elapsed() >= Duration::from_millis(40), "{:?}", start.elapsed());
        assert!(is_deadline(&socket.write(&[0]).unwrap_err()));

        socket.set_deadline(Instant::now() + Duration::from_millis(50));
        // The peer does not read, so writing blocks once the kernel's buffers are full.
        let stuck = loop {
            if let Err(problem) = socket.write(&[0; 1 << 16]) {
                break problem;
            }
        };
        assert!(is_deadline(&stuck), "{stuck}");
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
