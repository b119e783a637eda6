//! A server that sends more than it was asked for: behind each answer a spare one, which says that
//! any password is Alice's, cut in two.

use std::thread::sleep;
use std::time::Duration;

use super::ca::Identity;
use super::http::{Request, Server, principal};

/// When the second part of the spare answer is sent.
#[derive(Clone, Copy, Debug)]
pub enum Rest {
    AtOnce,
    Later,
    /// In place of the answer to the next request.
    WithNextRequest,
}

/// The pause before a part that comes later.
pub const PAUSE: Duration = Duration::from_millis(20);

/// Starts it, over TLS as `identity` or in clear. `split` is where the spare answer is cut, in bytes
/// of the wire.
pub fn start(
    identity: Option<&Identity>,
    answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    split: usize,
    rest: Rest,
) -> Server {
    Server::start(identity, move |stream, next_request| {
        let mut owed = Vec::new();
        while let Some(request) = next_request(stream) {
            if !owed.is_empty() {
                stream.send_encoded(&std::mem::take(&mut owed));
                continue;
            }
            let answer = stream.encode(&answer(&request));
            let spare = stream.encode(&principal("alice"));
            let (begin, end) = spare.split_at(split);
            stream.send_encoded(&[&answer[..], begin].concat());
            match rest {
                Rest::AtOnce => drop(stream.send_encoded(end)),
                Rest::Later => {
                    sleep(PAUSE);
                    stream.send_encoded(end);
                }
                Rest::WithNextRequest => owed = end.to_vec(),
            }
        }
    })
}

/// Says yes to the password `right` alone.
pub fn knows(right: &'static str) -> impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("alice:{right}"));
    let expected = format!("Basic {pair}");
    move |request| {
        let is_right = request.header("authorization") == Some(&expected);
        if is_right { principal("alice") } else { super::http::refusal() }
    }
}
