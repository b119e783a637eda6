//! A web server with Nextcloud's users: who may log in by a name or by an e-mail address, which each
//! user sets as he likes, and is then named by his name.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::http::{Request, Server, principal, refusal};

/// A user's name, e-mail address and password.
pub type User = (&'static str, &'static str, &'static str);

/// It answers in clear, and so may only be asked from this machine.
pub struct Nextcloud {
    server: Server,
    mood: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Nextcloud {
    /// Starts one with these users.
    pub fn start(users: &'static [User]) -> Self {
        let mood = Arc::new(Mutex::new(None));
        let shared = mood.clone();
        let server = Server::answering(None, move |request| {
            let mood: Option<Vec<u8>> = shared.lock().unwrap().clone();
            mood.unwrap_or_else(|| match credentials(request) {
                Some((login, password)) => users
                    .iter()
                    .find(|user| [user.0, user.1].contains(&&*login) && user.2 == password)
                    .map_or_else(refusal, |user| principal(user.0)),
                None => refusal(),
            })
        });
        Self { server, mood }
    }

    /// Where `httpbasic` asks.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/remote.php/dav/", self.server.port)
    }

    /// From now on this is every answer; None is the truth.
    pub fn answers(&self, mood: Option<Vec<u8>>) {
        *self.mood.lock().unwrap() = mood;
    }

    /// The login names and passwords that it was asked about.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.server.requests().iter().filter_map(credentials).collect()
    }

    /// Everything that was sent to it.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }
}

fn credentials(request: &Request) -> Option<(String, String)> {
    let value = request.header("authorization")?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    pair.split_once(':').map(|(login, password)| (login.into(), password.into()))
}
