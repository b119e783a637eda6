//! A name server for tests. The real getaddrinfo queries it, in namespaces of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A command that runs its arguments in new namespaces with a loopback interface.
pub const NAMESPACES: &[&str] = &[
    "unshare",
    "--mount",
    "--propagation=private",
    "--net",
    "sh",
    "-c",
    "ip link set lo up && exec \"$@\"",
    "sh",
];

/// The only name that it knows.
pub const HOST: &str = "cloud.example.com";

const ADDRESS: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 53), 53);

/// The answer to a query.
#[derive(Clone, Debug)]
pub enum Answer {
    /// No answer.
    Silence,
    /// The name does not exist.
    NoSuchName,
    /// The name server itself failed (SERVFAIL).
    Failure,
    /// These addresses.
    Addresses(Vec<Ipv4Addr>),
}

/// A running name server.
pub struct Names {
    answer: Arc<Mutex<Answer>>,
    questions: Arc<AtomicUsize>,
}

/// Whether namespaces are available. If not, prints which tests are skipped.
pub fn are_available() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    let is_root = id.stdout == b"0\n";
    if !is_root {
        println!("skipped without root: the faults of a name server");
    }
    is_root
}

impl Names {
    /// Starts it and makes this process use it. Works only in [`NAMESPACES`]. getaddrinfo repeats a
    /// query after a second.
    pub fn start(answer: Answer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("resolv.conf", format!("nameserver {}\noptions timeout:1 attempts:3\n", ADDRESS.0)),
            ("nsswitch.conf", "hosts: dns\n".into()),
        ] {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            let over = format!("/etc/{name}");
            let status = Command::new("mount").arg("--bind").arg(&file).arg(over).status().unwrap();
            assert!(status.success(), "mount: {status}");
        }
        let socket = UdpSocket::bind(ADDRESS).unwrap();
        let names =
            Self { answer: Arc::new(Mutex::new(answer)), questions: Arc::new(AtomicUsize::new(0)) };
        let (answer, questions) = (names.answer.clone(), names.questions.clone());
        thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                questions.fetch_add(1, Ordering::SeqCst);
                let answer = answer.lock().unwrap().clone();
                reply(&socket, from, &packet[..length], &answer);
            }
        });
        names
    }

    /// Changes the answer.
    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// The number of packets received so far.
    pub fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

/// Answers one query. Implements only the necessary part of RFC 1035, section 4.
fn reply(socket: &UdpSocket, from: SocketAddr, question: &[u8], answer: &Answer) {
    let name_end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let asks_for_a = question[name_end..name_end + 2] == [0, 1];
    let (code, addresses) = match answer {
        Answer::Silence => return,
        Answer::NoSuchName => (3, &[][..]),
        Answer::Failure => (2, &[][..]),
        Answer::Addresses(addresses) => (0, if asks_for_a { &addresses[..] } else { &[] }),
    };
    let mut packet = question[..2].to_vec();
    packet.extend([0x81, 0x80 | code, 0, 1, 0, addresses.len() as u8, 0, 0, 0, 0]);
    packet.extend(&question[12..name_end + 4]);
    for address in addresses {
        packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        packet.extend(address.octets());
    }
    let _ = socket.send_to(&packet, from);
}
