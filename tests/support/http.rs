//! A small web server inside the test. The test determines its answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    ALL_VERSIONS, HandshakeKind, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion,
};

use super::ca::Identity;

/// Longer than any lookup of a test.
const PATIENCE: Duration = Duration::from_secs(20);

/// The maximum number of requests and handshakes that are remembered.
const MOST_KEPT: usize = 1000;

/// A connection as the server sees it.
pub trait Stream: Read + Write {
    /// Sends a message of TLS itself, if this is TLS. Returns whether it succeeded.
    fn refresh_keys(&mut self) -> bool {
        false
    }

    /// Encodes bytes for the wire: unchanged in cleartext, or as a TLS record.
    fn encode(&mut self, bytes: &[u8]) -> Vec<u8>;

    /// Sends encoded bytes. Returns whether it succeeded.
    fn send_encoded(&mut self, bytes: &[u8]) -> bool;

    /// Closes the TCP connection without a TLS close_notify.
    fn hang_up(&mut self);
}

impl Stream for &TcpStream {
    fn encode(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    fn send_encoded(&mut self, bytes: &[u8]) -> bool {
        self.write_all(bytes).is_ok()
    }

    fn hang_up(&mut self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Stream for StreamOwned<ServerConnection, &TcpStream> {
    fn refresh_keys(&mut self) -> bool {
        self.conn.refresh_traffic_keys().is_ok() && self.flush().is_ok()
    }

    fn encode(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        self.conn.writer().write_all(bytes).unwrap();
        self.conn.write_tls(&mut encoded).unwrap();
        encoded
    }

    fn send_encoded(&mut self, bytes: &[u8]) -> bool {
        self.sock.write_all(bytes).is_ok()
    }

    fn hang_up(&mut self) {
        self.sock.hang_up();
    }
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Request {
    /// Everything before the empty line.
    pub head: String,
    pub body: String,
}

impl Request {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The `user:password` that came with it (RFC 7617).
    pub fn credentials(&self) -> Vec<u8> {
        let value = self.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
        STANDARD.decode(value).unwrap()
    }
}

/// A server on a port of 127.0.0.1. Its connections and threads end when it is dropped.
pub struct Server {
    pub port: u16,
    address: SocketAddr,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stopped: AtomicBool,
    connections: AtomicUsize,
    open: Mutex<Vec<(Weak<TcpStream>, JoinHandle<()>)>>,
    requests: Mutex<Vec<Request>>,
    handshakes: Mutex<Vec<HandshakeKind>>,
}

/// The state that the threads of a server share.
pub struct Log(Arc<State>);

/// Serves a connection; the second argument reads the next request.
pub type Answer<'a> = &'a dyn Fn(&mut dyn Stream, &dyn Fn(&mut dyn Stream) -> Option<Request>);

impl Server {
    /// Passes each TCP connection to a function, in a thread of its own.
    pub fn raw(
        listener: TcpListener,
        serve: impl Fn(&TcpStream, &Log) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let (serve, shared) = (Arc::new(serve), state.clone());
        let listening = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (stream, serve, log) = (Arc::new(stream), serve.clone(), Log(shared.clone()));
                let weak = Arc::downgrade(&stream);
                let thread = thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    stream.set_nodelay(true).unwrap();
                    serve(&stream, &log);
                });
                let mut open = shared.open.lock().unwrap();
                open.retain(|(_, thread)| !thread.is_finished());
                open.push((weak, thread));
            }
        });
        Self { port: address.port(), address, state, listening: Some(listening) }
    }

    /// Calls `serve` for each connection, in a thread of its own: over TLS with the certificate
    /// `identity`, or in cleartext without one.
    pub fn start(
        identity: Option<&Identity>,
        serve: impl Fn(&mut dyn Stream, &dyn Fn(&mut dyn Stream) -> Option<Request>)
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let tls = identity.map(|identity| configuration(identity, ALL_VERSIONS));
        Self::raw(listener(0), move |stream, log| match &tls {
            None => log.serve(stream, &serve),
            Some(tls) => log.serve_secured(stream, tls, &serve),
        })
    }

    /// Answers every request by `answer` and keeps the connection open.
    pub fn answering(
        identity: Option<&Identity>,
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::start(identity, move |stream, next_request| {
            while let Some(request) = next_request(stream) {
                if stream.write_all(&answer(&request)).and_then(|()| stream.flush()).is_err() {
                    return;
                }
            }
        })
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The kinds of the TLS handshakes so far, one per connection.
    pub fn handshakes(&self) -> Vec<HandshakeKind> {
        self.state.handshakes.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        self.listening.take().map(JoinHandle::join);
        for (stream, thread) in self.state.open.lock().unwrap().drain(..) {
            if let Some(stream) = stream.upgrade() {
                let _ = stream.shutdown(Shutdown::Both);
            }
            let _ = thread.join();
        }
    }
}

impl Log {
    /// Calls `serve` for a connection in cleartext.
    pub fn serve(&self, mut stream: &TcpStream, serve: Answer) {
        serve(&mut stream, &|stream| self.next_request(stream));
        let _ = stream.shutdown(Shutdown::Both);
    }

    /// Performs a TLS handshake, and then calls `serve`.
    pub fn serve_secured(&self, stream: &TcpStream, tls: &Arc<ServerConfig>, serve: Answer) {
        let mut secured = StreamOwned::new(ServerConnection::new(tls.clone()).unwrap(), stream);
        while secured.conn.is_handshaking() {
            if secured.conn.complete_io(&mut secured.sock).is_err() {
                return;
            }
        }
        let kind = secured.conn.handshake_kind().unwrap();
        keep(&self.0.handshakes, kind);
        serve(&mut secured, &|stream| self.next_request(stream));
        secured.conn.send_close_notify();
        let _ = secured.flush();
        let _ = stream.shutdown(Shutdown::Both);
    }

    fn next_request(&self, stream: &mut dyn Stream) -> Option<Request> {
        let request = read_request(stream)?;
        keep(&self.0.requests, request.clone());
        Some(request)
    }
}

/// Adds an item to a list of limited length.
fn keep<T>(list: &Mutex<Vec<T>>, item: T) {
    let mut list = list.lock().unwrap();
    if list.len() == MOST_KEPT {
        list.drain(..MOST_KEPT / 2);
    }
    list.push(item);
}

/// Listens on this port of 127.0.0.1. 0 selects a free one.
pub fn listener(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap()
}

/// The TLS configuration of a server with this certificate.
pub fn configuration(
    identity: &Identity,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let configuration = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    Arc::new(configuration.unwrap())
}

fn read_request(stream: &mut dyn Stream) -> Option<Request> {
    // Clients wait for an answer before they send the next request, so none of it is lost here.
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    head.truncate(head.len() - 4);
    let mut request = Request { head, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    reader.take(length).read_to_string(&mut request.body).ok()?;
    Some(request)
}

/// An answer with a Content-Length.
pub fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A multistatus answer that names this principal.
pub fn principal(name: &str) -> Vec<u8> {
    let body = format!(
        "<?xml version=\"1.0\"?><d:multistatus xmlns:d=\"DAV:\"><d:response><d:href>/dav/</d:href>\
         <d:propstat><d:prop><d:current-user-principal><d:href>/principals/users/{name}/</d:href>\
         </d:current-user-principal></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>\
         </d:response></d:multistatus>"
    );
    answer("207 Multi-Status", &body)
}

/// A refusal.
pub fn refusal() -> Vec<u8> {
    answer("401 Unauthorized", "")
}
