//! WsgiDAV with TLS. Debian has no package of it.

use super::ca::Ca;
use super::python;
use super::web_server::WebServer;

/// Starts one that asks for Basic credentials.
pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> WebServer {
    let mut server = WebServer::new("wsgidav", ca, "/");
    std::fs::create_dir(server.folder().join("files")).unwrap();
    let users: String = accounts
        .iter()
        .map(|(user, password)| format!("      {user:?}: {{password: {password:?}}}\n"))
        .collect();
    let (folder, port) = (server.folder().display(), server.port());
    let configuration = format!(
        "\
host: 127.0.0.1
port: {port}
server: cheroot
ssl_certificate: {folder}/server.crt
ssl_private_key: {folder}/server.key
provider_mapping:
  /: {folder}/files
simple_dc:
  user_mapping:
    '*':
{users}verbose: 0
"
    );
    server.write("wsgidav.yaml", &configuration);
    let python = python::environment("wsgidav", "wsgidav").join("bin/python");
    let configuration = server.file("wsgidav.yaml");
    server.start(&[
        python.to_str().unwrap(),
        "-m",
        "wsgidav.server.server_cli",
        "--config",
        &configuration,
    ]);
    server
}
