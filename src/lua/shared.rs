//! The clients of this process. Dovecot creates a Lua state for each protocol block, and all states
//! with the same options share a client: one connection, one back-off, one set of TLS sessions.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::{Rc, Weak};

use crate::http::Client;
use crate::options::Options;

thread_local! {
    static CLIENTS: RefCell<Vec<Weak<Client>>> = const { RefCell::new(Vec::new()) };
}

/// A client, which other Lua states may share. It lives as long as one of them uses it.
#[derive(Debug)]
pub struct SharedClient(Rc<Client>);

impl SharedClient {
    /// The client of this thread with exactly these options, or a new one.
    pub fn new(options: Options) -> Self {
        CLIENTS.with_borrow_mut(|clients| {
            clients.retain(|client| client.strong_count() > 0);
            let mut known = clients.iter().filter_map(Weak::upgrade);
            let client = known.find(|client| *client.options() == options).unwrap_or_else(|| {
                let client = Rc::new(Client::new(options));
                clients.push(Rc::downgrade(&client));
                client
            });
            Self(client)
        })
    }
}

impl Deref for SharedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}
