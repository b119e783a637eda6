//! How long a login waits for a server that says nothing.

use std::time::{Duration, Instant};

use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::ca::Ca;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::faults::{Fault, Faulty, wait};

/// The options of Dovecot's HTTP client in the guide. Dovecot 2.3 does not know `timeout`.
const GUIDE: (&str, &str) = ("request_timeout_msecs = 5000", "timeout = 1000");

/// A sentence about the guide's options and about `httpbasic`, with Dovecot 2.3.
pub fn sentence() -> String {
    let silent = Fault::Clear(|stream| {
        // Longer than any client waits.
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        wait(stream);
    });
    let server = Faulty::start(silent, Ca::new().issue(&["localhost"]));
    let url = format!("http://127.0.0.1:{}/", server.port);
    let script = include_str!("http_client.lua");
    assert!(script.contains(GUIDE.0));
    let script = script.replace(GUIDE.0, GUIDE.1);
    let guide = Setup::of_script(&format!("local url, ca_file, is_2_4 = {url:?}\n{script}"));
    let [guide, ours] = [guide, Setup::new(&url, None)].map(|setup| waits(&setup).as_secs_f64());
    format!(
        "A login waits for a silent server: {guide:.1} s with `{}` of the guide, {ours:.1} s with \
         httpbasic.",
        GUIDE.1
    )
}

fn waits(setup: &Setup) -> Duration {
    let dovecot = Dovecot::start(Version::V2_3, setup);
    let mut client = AuthClient::open(&dovecot.auth_socket());
    let start = Instant::now();
    assert_eq!(client.login("alice", "password"), Outcome::Temporary, "{}", dovecot.log());
    start.elapsed()
}
