//! A relay in front of a server. It counts the connections.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread;

use super::http::{self, Server};

/// Starts a relay that passes each connection on to this port.
pub fn start(port: u16) -> Server {
    Server::raw(http::listener(0), move |client, _| {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        server.set_nodelay(true).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| pass_on(client, &server));
            pass_on(&server, client);
        });
    })
}

fn pass_on(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}
