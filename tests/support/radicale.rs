//! Radicale with TLS, from Debian's packages.

use super::ca::Ca;
use super::users;
use super::web_server::WebServer;

/// Starts one that asks for Basic credentials.
pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> WebServer {
    start_with(ca, accounts, "type = htpasswd\nhtpasswd_encryption = md5\ndelay = 0")
}

/// Starts one that trusts the user name from a proxy, which verifies the password.
pub fn start_behind_proxy(ca: &Ca) -> WebServer {
    start_with(ca, &[], "type = http_x_remote_user")
}

/// Starts one that asks for a password and accepts any, as it does without a configuration.
pub fn start_without_authentication(ca: &Ca) -> WebServer {
    start_with(ca, &[], "type = none")
}

fn start_with(ca: &Ca, accounts: &[(&str, &str)], auth: &str) -> WebServer {
    let mut server = WebServer::new("radicale", ca, "/");
    users::write(&server.folder().join("users"), accounts);
    let (folder, port) = (server.folder().display(), server.port());
    let configuration = format!(
        "\
[server]
hosts = 127.0.0.1:{port}
ssl = True
certificate = {folder}/server.crt
key = {folder}/server.key
[auth]
{auth}
htpasswd_filename = {folder}/users
[rights]
type = owner_only
[storage]
filesystem_folder = {folder}/collections
[logging]
level = critical
"
    );
    server.write("radicale.conf", &configuration);
    server.start(&["/usr/bin/radicale", "--config", &server.file("radicale.conf")]);
    server
}
