//! A server that sends an additional answer after each answer, split into two parts. The additional
//! answer says that the password is right and is Alice's.

use std::thread::sleep;
use std::time::Duration;

use super::ca::Identity;
use super::http::{Request, Server, principal};

/// When the second part of the additional answer is sent.
#[derive(Clone, Copy, Debug)]
pub enum Rest {
    AtOnce,
    Later,
    /// Instead of the answer to the next request.
    WithNextRequest,
}

/// The pause before a part that is sent later.
pub const PAUSE: Duration = Duration::from_millis(20);

/// Starts it, over TLS with the certificate `identity` or in cleartext. `split` is the length of the
/// first part, in encoded bytes.
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

/// Accepts only the password `right`.
pub fn knows(right: &'static str) -> impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("alice:{right}"));
    let expected = format!("Basic {pair}");
    move |request| {
        let is_right = request.header("authorization") == Some(&expected);
        if is_right { principal("alice") } else { super::http::refusal() }
    }
}
