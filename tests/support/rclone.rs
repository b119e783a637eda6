//! `rclone serve webdav` with TLS, from Debian's packages.

use super::ca::Ca;
use super::users;
use super::web_server::WebServer;

/// Starts one that asks for Basic credentials.
pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> WebServer {
    let mut server = WebServer::new("rclone", ca, "/");
    users::write(&server.folder().join("users"), accounts);
    std::fs::create_dir(server.folder().join("files")).unwrap();
    server.start(&[
        "/usr/bin/rclone",
        "serve",
        "webdav",
        "--log-file",
        &server.file("rclone.log"),
        "--addr",
        &format!("127.0.0.1:{}", server.port()),
        "--cert",
        &server.file("server.crt"),
        "--key",
        &server.file("server.key"),
        "--htpasswd",
        &server.file("users"),
        "--config",
        &server.file("rclone.conf"),
        "--cache-dir",
        &server.file("cache"),
        &server.file("files"),
    ]);
    server
}
