//! Several Lua states in one auth worker. Dovecot 2.4 creates one for each `protocol` block, and both
//! versions create one for each passdb.

use std::fs;
use std::path::Path;

use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::configuration;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::http::{Server, answer, principal};
use crate::support::port;

on_each_dovecot! {
    all_states_of_a_worker_use_one_connection
    an_outage_that_one_state_met_is_known_to_the_others
}

/// A Lua state for each of these protocols, on Dovecot 2.4.
const PROTOCOLS: [&str; 4] = ["imap", "pop3", "lmtp", "submission"];

/// One worker, so that all lookups meet its states.
fn start(version: Version, setup: Setup) -> Dovecot {
    let setup = Setup { extra: one_worker(version), ..setup };
    Dovecot::start_after(version, &setup, |folder| match version {
        Version::V2_3 => add_passdb(folder),
        Version::V2_4 => configuration::add_protocol_blocks(folder, &PROTOCOLS),
    })
}

fn one_worker(version: Version) -> &'static str {
    match version {
        Version::V2_3 => "auth_worker_max_count = 1\n",
        Version::V2_4 => "service auth-worker {\n  process_limit = 1\n}\n",
    }
}

/// Dovecot 2.3 asks this passdb about each login that the first one does not accept.
fn add_passdb(folder: &Path) {
    let script = folder.join("lua/auth-httpbasic.lua");
    let second = folder.join("lua/second.lua");
    fs::copy(script, &second).unwrap();
    let passdb =
        format!("passdb {{\n  driver = lua\n  args = file={} blocking=yes\n}}\n", second.display());
    configuration::append(folder, &passdb);
}

fn all_states_of_a_worker_use_one_connection(version: Version) {
    let server = Server::answering(None, |request| match &request.credentials()[..] {
        b"alice:secret" => principal("alice"),
        _ => answer("401 Unauthorized", ""),
    });
    let dovecot = start(version, Setup::new(&format!("http://127.0.0.1:{}/", server.port), None));
    let mut client = AuthClient::open(&dovecot.auth_socket());
    for protocol in PROTOCOLS {
        assert_eq!(client.login_for(protocol, "alice", "secret"), Outcome::Succeeded);
        assert_eq!(client.login_for(protocol, "alice", "wrong"), Outcome::Refused);
    }
    let requests = match version {
        // The second passdb asks again about the wrong password.
        Version::V2_3 => 3 * PROTOCOLS.len(),
        Version::V2_4 => 2 * PROTOCOLS.len(),
    };
    assert_eq!((server.requests().len(), server.connections()), (requests, 1), "{}", dovecot.log());
}

fn an_outage_that_one_state_met_is_known_to_the_others(version: Version) {
    let setup = Setup::new(&format!("http://127.0.0.1:{}/", port::free()), None);
    let setup = setup.with("backoff_msecs", "60000");
    let dovecot = start(version, setup);
    let mut client = AuthClient::open(&dovecot.auth_socket());
    for protocol in PROTOCOLS {
        assert_eq!(client.login_for(protocol, "alice", "secret"), Outcome::Temporary);
    }
    let expected = match version {
        Version::V2_3 => 2 * PROTOCOLS.len() - 1,
        Version::V2_4 => PROTOCOLS.len() - 1,
    };
    assert!(dovecot.has_logged("too recently to ask again", expected), "{}", dovecot.log());
}
