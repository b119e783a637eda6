//! lighttpd with `mod_webdav` and TLS, from Debian's packages.

use super::ca::Ca;
use super::users;
use super::web_server::WebServer;

/// Starts one whose `/dav/` asks for Basic credentials.
pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> WebServer {
    let mut server = WebServer::new("lighttpd", ca, "/dav/");
    users::write(&server.folder().join("users"), accounts);
    std::fs::create_dir_all(server.folder().join("root/dav")).unwrap();
    let (folder, port) = (server.folder().display(), server.port());
    let configuration = format!(
        r#"
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}/root"
server.errorlog = "{folder}/error.log"
server.modules = ("mod_auth", "mod_authn_file", "mod_webdav", "mod_openssl")
ssl.engine = "enable"
ssl.pemfile = "{folder}/server.crt"
ssl.privkey = "{folder}/server.key"
auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "{folder}/users"
$HTTP["url"] =~ "^/dav/" {{
    webdav.activate = "enable"
    webdav.is-readonly = "enable"
    auth.require = ("" => ("method" => "basic", "realm" => "mail", "require" => "valid-user"))
}}
"#
    );
    server.write("lighttpd.conf", &configuration);
    server.start(&["/usr/sbin/lighttpd", "-D", "-f", &server.file("lighttpd.conf")]);
    server
}
