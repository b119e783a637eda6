//! A server with a fault, which a test can end.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ALL_VERSIONS;

use super::ca::Identity;
use super::http::{self, Request, Server, Stream, configuration, principal};
use super::port;

/// A fault.
pub enum Fault {
    /// No process listens on the port.
    Refused,
    /// A process listens but accepts no connections, so SYN packets are dropped.
    Unaccepted,
    /// Serves a connection before TLS.
    Raw(fn(&TcpStream)),
    /// Serves a connection in cleartext.
    Clear(fn(&TcpStream)),
    /// Presents this certificate.
    Certificate(Identity),
    /// Answers a request over TLS. The connection is closed when this function returns.
    Answer(fn(&mut dyn Stream)),
}

impl Fault {
    pub fn is_in_clear(&self) -> bool {
        matches!(self, Fault::Clear(_))
    }
}

/// A server with a fault.
pub struct Faulty {
    pub port: u16,
    server: Option<Server>,
    stuck: Option<(TcpListener, Vec<TcpStream>)>,
    healed: Arc<AtomicBool>,
    identity: Identity,
}

impl Faulty {
    /// Starts it. `identity` is its certificate after the fault has ended.
    pub fn start(fault: Fault, identity: Identity) -> Self {
        let healed = Arc::new(AtomicBool::new(false));
        let mut faulty = Self { port: port::free(), server: None, stuck: None, healed, identity };
        match fault {
            Fault::Refused => {}
            Fault::Unaccepted => faulty.stuck = Some(unaccepted(faulty.port)),
            fault => faulty.server = Some(faulty.serve(fault)),
        }
        faulty
    }

    /// The requests that it received.
    pub fn requests(&self) -> Vec<Request> {
        self.server.as_ref().map_or(Vec::new(), Server::requests)
    }

    /// Ends the fault.
    pub fn heal(&mut self) {
        self.healed.store(true, Ordering::SeqCst);
        self.stuck = None;
        if self.server.is_none() {
            self.server = Some(self.serve(Fault::Refused));
        }
    }

    /// Stops listening and closes all connections.
    pub fn fail(&mut self) {
        self.server = None;
    }

    /// Closes all connections and accepts no new ones, while the port stays open.
    pub fn vanish(&mut self) {
        self.server = None;
        self.stuck = Some(unaccepted(self.port));
    }

    fn serve(&self, fault: Fault) -> Server {
        let healed = self.healed.clone();
        let right = configuration(&self.identity, ALL_VERSIONS);
        let wrong = match &fault {
            Fault::Certificate(identity) => Some(configuration(identity, ALL_VERSIONS)),
            _ => None,
        };
        Server::raw(http::listener(self.port), move |stream, log| {
            let answer: http::Answer = &|stream, next_request| {
                while next_request(stream).is_some() {
                    if healed.load(Ordering::SeqCst) || wrong.is_some() {
                        let _ = stream.write_all(&principal("alice"));
                        continue;
                    }
                    let Fault::Answer(answer) = &fault else { return };
                    return answer(stream);
                }
            };
            match &fault {
                Fault::Raw(serve) | Fault::Clear(serve) if !healed.load(Ordering::SeqCst) => {
                    serve(stream);
                }
                Fault::Clear(_) => log.serve(stream, answer),
                _ if healed.load(Ordering::SeqCst) => log.serve_secured(stream, &right, answer),
                _ => log.serve_secured(stream, wrong.as_ref().unwrap_or(&right), answer),
            }
        })
    }
}

/// A listener whose queue of one connection is full.
pub fn unaccepted_at(address: (std::net::Ipv4Addr, u16)) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(address).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let limit = Duration::from_millis(50);
    let address = listener.local_addr().unwrap();
    let waiting = std::iter::from_fn(|| TcpStream::connect_timeout(&address, limit).ok());
    let waiting = waiting.collect();
    (listener, waiting)
}

fn unaccepted(port: u16) -> (TcpListener, Vec<TcpStream>) {
    unaccepted_at((std::net::Ipv4Addr::LOCALHOST, port))
}

/// Waits until the client has given up.
pub fn wait(mut stream: impl Read) {
    let mut bytes = [0; 1024];
    while stream.read(&mut bytes).is_ok_and(|amount| amount > 0) {}
}

/// Sends these bytes one by one, again and again, until the client has given up.
pub fn trickle(stream: &mut dyn Stream, bytes: &[u8]) {
    for byte in bytes.iter().cycle() {
        let sent = stream.write_all(&[*byte]).and_then(|()| stream.flush());
        if sent.is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends these bytes as fast as they are taken, until the client has given up.
pub fn flood(stream: &mut dyn Stream, bytes: &[u8]) {
    while stream.write_all(bytes).is_ok() {}
}
