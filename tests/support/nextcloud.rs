//! A web server that treats users as Nextcloud does. A user may log in by name or by e-mail
//! address, and can choose any address. The answer names the user.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::http::{Request, Server, principal, refusal};

/// A user's name, e-mail address and password.
pub type User = (&'static str, &'static str, &'static str);

/// A server in cleartext, so that it can be used only from this machine.
pub struct Nextcloud {
    server: Server,
    fixed_answer: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Nextcloud {
    /// Starts one with these users.
    pub fn start(users: &'static [User]) -> Self {
        Self::naming(users, |name| name.into())
    }

    /// Starts one whose answers name users as with accounts in LDAP: by a UUID.
    pub fn with_internal_names(users: &'static [User]) -> Self {
        Self::naming(users, |name| format!("6c1156a0-7ffc-1041-86b2-{:0>12}", name.len()))
    }

    fn naming(users: &'static [User], name: fn(&str) -> String) -> Self {
        let fixed_answer = Arc::new(Mutex::new(None));
        let shared = fixed_answer.clone();
        let server = Server::answering(None, move |request| {
            let fixed_answer: Option<Vec<u8>> = shared.lock().unwrap().clone();
            fixed_answer.unwrap_or_else(|| match credentials(request) {
                Some((login, password)) => users
                    .iter()
                    .find(|user| [user.0, user.1].contains(&&*login) && user.2 == password)
                    .map_or_else(refusal, |user| principal(&name(user.0))),
                None => refusal(),
            })
        });
        Self { server, fixed_answer }
    }

    /// The URL for `httpbasic`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/remote.php/dav/", self.server.port)
    }

    /// Sets the answer to every request. With `None`, the answers are right again.
    pub fn answers(&self, fixed_answer: Option<Vec<u8>>) {
        *self.fixed_answer.lock().unwrap() = fixed_answer;
    }

    /// The login names and passwords of all requests.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.server.requests().iter().filter_map(credentials).collect()
    }

    /// All requests.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }
}

fn credentials(request: &Request) -> Option<(String, String)> {
    let value = request.header("authorization")?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    pair.split_once(':').map(|(login, password)| (login.into(), password.into()))
}
