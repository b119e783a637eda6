//! The private memory of an auth worker with a `protocol` block for each protocol, as in Debian 13's
//! configuration. Dovecot 2.4 creates a Lua state for each of them.

use crate::USER;
use crate::contestant;
use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::configuration;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::nginx::Nginx;
use crate::usage;

const ROUNDS: usize = 5;
/// The number of logins of a worker for each protocol.
const LOGINS: usize = 25;
/// The protocols that log in. Each has a block, and thus a Lua state, as in Debian 13's configuration with all
/// of its protocols.
const PROTOCOLS: [&str; 7] = ["imap", "pop3", "lmtp", "lda", "sieve", "submission", "doveadm"];
const ONE_WORKER: &str = "service auth-worker {\n  process_limit = 1\n}\n";

/// A table with the medians, or why there is none.
pub fn table(nginx: &Nginx) -> String {
    if !Version::V2_4.prepare() {
        return "Without Dovecot 2.4, the memory with several `protocol` blocks is not measured."
            .into();
    }
    let scripts = [
        ("no request", Setup::of_script(include_str!("nothing.lua"))),
        ("httpbasic", Setup::new(&nginx.url(), Some(&nginx.ca_file()))),
    ];
    let mut measured = scripts.map(|(name, setup)| (name, start(setup), Vec::new()));
    for _ in 0..ROUNDS {
        for (_, dovecot, values) in &mut measured {
            values.push(private(dovecot));
        }
    }
    let mut text = "| Dovecot 2.4 with seven `protocol` blocks | ".to_owned();
    text += &measured.each_ref().map(|(name, ..)| *name).join(" | ");
    text += " |\n|---|--:|--:|\n| private memory of a worker, MB |";
    for (_, _, values) in measured {
        let median = contestant::median(values.into_iter()).expect("there are rounds");
        text += &format!(" {:.2} |", median / 1e6);
    }
    text + "\n"
}

fn start(setup: Setup) -> Dovecot {
    let setup = Setup { extra: ONE_WORKER, ..setup };
    Dovecot::start_after(Version::V2_4, &setup, |folder| {
        configuration::add_protocol_blocks(folder, &PROTOCOLS);
    })
}

/// The private memory of a new worker after logins for all protocols.
fn private(dovecot: &Dovecot) -> f64 {
    dovecot.auth_workers().into_iter().for_each(usage::end);
    let mut client = AuthClient::open(&dovecot.auth_socket());
    for protocol in PROTOCOLS.into_iter().cycle().take(LOGINS * PROTOCOLS.len()) {
        let outcome = client.login_for(protocol, USER.0, USER.1);
        assert_eq!(outcome, Outcome::Succeeded, "{}", dovecot.log());
    }
    usage::memory(&dovecot.auth_workers()).expect("there is a worker").private
}
