//! A web server on a port of 127.0.0.1 that sends what it is told to.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::http;

/// The fields of a request. No other is ever sent.
const FIELDS: [&str; 8] = [
    "accept-encoding",
    "authorization",
    "content-length",
    "content-type",
    "depth",
    "host",
    "user-agent",
    "x-forwarded-for",
];

/// Longer than any lookup.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to send. It depends on nothing but the request, so that a second try gets the same.
#[derive(Clone, Default)]
pub struct Plan {
    /// For each Authorization value, the answers to the first request and to that for files.
    pub answers: Vec<(String, [Vec<u8>; 2])>,
    /// Whether connections stay open after an answer that tells its length.
    pub keeps_open: bool,
}

/// A running server.
pub struct Server {
    pub port: u16,
    plan: Arc<Mutex<Plan>>,
}

impl Server {
    /// Starts it. It ends with the process.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Arc::<Mutex<Plan>>::default();
        let shared = plan.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let plan = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
                serve(&stream.unwrap(), &plan);
            }
        });
        Self { port, plan }
    }

    /// Sets what connections that are opened from now on get.
    pub fn set(&self, plan: Plan) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }
}

fn serve(mut stream: &TcpStream, plan: &Plan) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(bytes) = request(&mut reader).map(|(user, place)| answer(plan, &user, place)) {
        if stream.write_all(bytes).is_err() {
            return;
        }
        let is_complete =
            || http::read(bytes).is_some_and(|answer| answer.has_length && answer.body.is_some());
        if !plan.keeps_open || !is_complete() {
            return;
        }
    }
}

fn answer<'a>(plan: &'a Plan, user: &str, place: usize) -> &'a [u8] {
    let found = plan.answers.iter().find(|(name, _)| name == user);
    &found.expect("the Authorization value of a login").1[place]
}

/// Reads and checks a request. Returns its Authorization value, and 1 if it is about files.
fn request(reader: &mut impl BufRead) -> Option<(String, usize)> {
    let mut line = String::new();
    let mut lines = std::iter::from_fn(|| {
        line.clear();
        reader.read_line(&mut line).ok()?;
        line.strip_suffix("\r\n").map(String::from)
    });
    let first = lines.next()?;
    let [_, path, "HTTP/1.1"] = first.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{first:?}");
    };
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
    let place = usize::from(path != "/dav/");
    assert!(place == 0 || path.starts_with("/dav/files/") && path.matches('/').count() == 4);
    let fields: Vec<(String, String)> = lines
        .take_while(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once(": ").expect("a field");
            (name.to_ascii_lowercase(), value.to_string())
        })
        .collect();
    let value = |wanted: &str| {
        let values: Vec<_> = fields.iter().filter(|(name, _)| name == wanted).collect();
        assert!(values.len() < 2, "{values:?}");
        values.first().map(|(_, value)| value.clone())
    };
    fields.iter().for_each(|(name, _)| assert!(FIELDS.contains(&&**name), "{name}"));
    let size = value("content-length").map_or(0, |size| size.parse().expect("a number"));
    reader.read_exact(&mut vec![0; size]).ok()?;
    Some((value("authorization").expect("credentials"), place))
}
