//! A server on the crate dav-server, in tests/support/dav_server. It has no TLS.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ca::Ca;
use super::library;
use super::web_server::WebServer;

/// Starts one.
pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> WebServer {
    let mut server = WebServer::new("dav-server", ca, "/").in_cleartext();
    set_accounts(&server, accounts);
    let (port, file) = (server.port().to_string(), server.file("accounts"));
    server.start(&[program().to_str().unwrap(), &port, &file]);
    server
}

/// Changes who is accepted, at once.
pub fn set_accounts(server: &WebServer, accounts: &[(&str, &str)]) {
    let lines = accounts.iter().map(|(user, password)| {
        format!("Basic {}\n", STANDARD.encode(format!("{user}:{password}")))
    });
    server.write("accounts", &lines.collect::<String>());
}

/// Builds the program, unless it is there.
fn program() -> PathBuf {
    let target = library::target().join("dav-server");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/dav_server/Cargo.toml");
    let status = library::cargo()
        .args(["build", "--locked", "--quiet", "--manifest-path", manifest, "--target-dir"])
        .arg(&target)
        .status()
        .unwrap();
    assert!(status.success(), "the server on dav-server does not build");
    target.join("debug/dav-server-for-tests")
}
