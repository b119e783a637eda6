//! A stream of bytes to and from the server, over TLS or in cleartext.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use super::records::Records;
use super::socket::Socket;
use crate::tls::Tls;

/// The deadline for reading input that has already arrived.
const AT_ONCE: Duration = Duration::from_millis(10);

/// A stream that carries requests and answers.
#[derive(Debug)]
pub enum Stream {
    /// In cleartext.
    Plain(Socket),
    /// Over TLS.
    Tls(Box<StreamOwned<ClientConnection, Recorded>>),
}

impl Stream {
    /// Performs the TLS handshake.
    ///
    /// # Errors
    /// An error of rustls inside an `io::Error`, or an error of the socket.
    pub fn secure(socket: Socket, tls: &Tls) -> io::Result<Self> {
        let mut connection = tls.connection().map_err(io::Error::other)?;
        let mut socket = Recorded { socket, records: Records::default() };
        connection.complete_io(&mut socket)?;
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    /// Sets the deadline of later reads and writes.
    pub fn set_deadline(&mut self, deadline: Instant) {
        match self {
            Stream::Plain(socket) => socket.set_deadline(deadline),
            Stream::Tls(stream) => stream.sock.socket.set_deadline(deadline),
        }
    }

    /// Sends all bytes. Up to 16 KiB, which is one TLS record, go out in one write.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.write_all(bytes),
            // rustls may report the error of a write only at the flush.
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Whether nothing is buffered: no plaintext, and no incomplete TLS record.
    pub fn is_empty(&mut self) -> bool {
        match self {
            Stream::Plain(_) => true,
            Stream::Tls(stream) => {
                let state = stream.conn.process_new_packets();
                stream.sock.records.are_complete()
                    && state.is_ok_and(|state| state.plaintext_bytes_to_read() == 0)
            }
        }
    }

    /// Whether a kept connection may be reused. It may not if the server has closed it, or has sent
    /// data, which would be taken for the answer to the next request. Messages of TLS itself, such
    /// as session tickets, are allowed if a single read receives all of them. Never blocks.
    pub fn is_idle(&mut self) -> bool {
        let is_quiet = match self {
            Stream::Plain(socket) => !socket.has_input(),
            Stream::Tls(stream) => {
                !stream.sock.socket.has_input()
                    || (read_tls_messages(stream) && !stream.sock.socket.has_input())
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

/// Reads the input that has arrived. Returns false at the end of the stream and after an error.
fn read_tls_messages(stream: &mut StreamOwned<ClientConnection, Recorded>) -> bool {
    // The deadline of the last request may have passed. Reading input that is there does not block.
    stream.sock.socket.set_deadline(Instant::now() + AT_ONCE);
    stream.conn.read_tls(&mut stream.sock).is_ok_and(|amount| amount > 0)
        && stream.conn.process_new_packets().is_ok()
}

/// A socket that tracks the TLS records it receives.
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
