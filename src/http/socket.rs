//! A TCP connection whose reads and writes end by a deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The kernel is told limits in steps of this, in milliseconds: a lookup on a kept connection then
/// finds the limit of the last one still right, and a deadline is passed by no more.
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
    /// Opens a connection; reads and writes end by the same deadline at first.
    ///
    /// # Errors
    /// Of the kind `TimedOut` when the deadline passes first.
    pub fn connect(address: SocketAddr, deadline: Instant) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, deadline, read_limit: Duration::ZERO, write_limit: Duration::ZERO })
    }

    /// Reads and writes end by this deadline from now on.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Whether there is something to read, be it only the end. Never waits.
    pub fn has_input(&self) -> bool {
        let mut polled = [PollFd::new(&self.stream, PollFlags::IN)];
        // What cannot even be asked is broken, which the next read will tell.
        poll(&mut polled, Some(&Timespec::default())).map_or(true, |ready| ready > 0)
    }
}

/// The time left, in steps.
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

/// Repeats a system call that a signal interrupted; one that ran into its limit is `TimedOut`.
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
    fn a_limit_is_the_same_for_a_while_and_never_shorter_than_what_is_left() {
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
        // As much as the kernel takes of one who does not read, and then no more.
        let stuck = loop {
            if let Err(problem) = socket.write(&[0; 1 << 16]) {
                break problem;
            }
        };
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }

    #[test]
    fn input_and_the_end_are_noticed_without_reading() {
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
