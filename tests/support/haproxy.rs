//! HAProxy with TLS in front of another server, from Debian's packages.

use std::fs;

use super::ca::Ca;
use super::web_server::WebServer;

/// Starts one that applies `rules` to each request and passes it on to this port of 127.0.0.1, over
/// TLS.
pub fn start(ca: &Ca, port: u16, rules: &str) -> WebServer {
    let mut server = WebServer::new("haproxy", ca, "/");
    let pem =
        ["server.crt", "server.key"].map(|name| fs::read_to_string(server.file(name)).unwrap());
    server.write("server.pem", &pem.concat());
    let (folder, own_port) = (server.folder().display(), server.port());
    let configuration = format!(
        "\
defaults
    mode http
    timeout connect 20s
    timeout client 20s
    timeout server 20s
frontend tests
    bind 127.0.0.1:{own_port} ssl crt {folder}/server.pem
    compression algo gzip
    compression type application/xml text/xml
    {rules}
    default_backend servers
backend servers
    server one 127.0.0.1:{port} ssl verify required verifyhost localhost ca-file {folder}/ca.pem
"
    );
    server.write("haproxy.cfg", &configuration);
    server.start(&["/usr/sbin/haproxy", "-db", "-q", "-f", &server.file("haproxy.cfg")]);
    server
}
