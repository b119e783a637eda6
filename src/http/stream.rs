//! A stream of bytes to and from the server: over TLS, or in clear.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use super::records::Records;
use super::socket::Socket;
use super::tls::Tls;

/// Enough to read what has already arrived.
const AT_ONCE: Duration = Duration::from_millis(10);

/// A stream that requests and answers go through.
#[derive(Debug)]
pub enum Stream {
    /// In clear.
    Plain(Socket),
    /// Over TLS.
    Tls(Box<StreamOwned<ClientConnection, Recorded>>),
}

impl Stream {
    /// Shakes hands over TLS.
    ///
    /// # Errors
    /// Those of rustls wrapped, or of the kind `TimedOut`.
    pub fn secure(socket: Socket, tls: &Tls) -> io::Result<Self> {
        let mut connection = tls.connection().map_err(io::Error::other)?;
        let mut socket = Recorded { socket, records: Records::default() };
        connection.complete_io(&mut socket)?;
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    /// Sets when reads and writes end from now on.
    pub fn set_deadline(&mut self, deadline: Instant) {
        match self {
            Stream::Plain(socket) => socket.set_deadline(deadline),
            Stream::Tls(stream) => stream.sock.socket.set_deadline(deadline),
        }
    }

    /// Sends all of it, in one write if it is no more than one record of TLS holds (16 KiB).
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.write_all(bytes),
            // A write of rustls keeps its errors for the flush.
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Whether nothing that was received is left over, not even the beginning of a record.
    pub fn is_empty(&mut self) -> bool {
        match self {
            Stream::Plain(_) => true,
            Stream::Tls(stream) => {
                let state = stream.conn.process_new_packets();
                stream.sock.records.are_whole()
                    && state.is_ok_and(|state| state.plaintext_bytes_to_read() == 0)
            }
        }
    }

    /// Whether a request may be sent: the server has neither closed the connection nor sent
    /// anything that was not asked for, which would be taken for the answer. Messages of TLS itself,
    /// such as tickets that come after an answer, are neither, as long as one read takes them.
    /// Never waits.
    pub fn is_idle(&mut self) -> bool {
        let is_quiet = match self {
            Stream::Plain(socket) => !socket.has_input(),
            Stream::Tls(stream) => {
                !stream.sock.socket.has_input()
                    || (has_only_messages(stream) && !stream.sock.socket.has_input())
            }
        };
        is_quiet && self.is_empty()
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

/// Reads what is there. Whether it is neither the end nor broken.
fn has_only_messages(stream: &mut StreamOwned<ClientConnection, Recorded>) -> bool {
    // The last request's deadline may have passed, but what is there is not waited for.
    stream.sock.socket.set_deadline(Instant::now() + AT_ONCE);
    stream.conn.read_tls(&mut stream.sock).is_ok_and(|amount| amount > 0)
        && stream.conn.process_new_packets().is_ok()
}

/// A socket whose incoming records are followed.
#[derive(Debug)]
pub struct Recorded {
    socket: Socket,
    records: Records,
}

impl Read for Recorded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.socket.read(buffer)?;
        self.records.follow(&buffer[..amount]);
        Ok(amount)
    }
}

impl Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
