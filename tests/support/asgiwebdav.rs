//! ASGI WebDAV, which accepts Basic but may offer only Digest. It has no TLS of its own.

use super::ca::Ca;
use super::python;
use super::web_server::WebServer;

/// A running one.
pub struct AsgiWebdav {
    server: WebServer,
    is_public: bool,
}

impl AsgiWebdav {
    /// Starts one that offers only Digest. With `is_public`, it also answers without credentials.
    pub fn start(ca: &Ca, accounts: &[(&str, &str)], is_public: bool) -> Self {
        let server = WebServer::new("asgiwebdav", ca, "/").in_cleartext();
        std::fs::create_dir(server.folder().join("files")).unwrap();
        let mut asgiwebdav = Self { server, is_public };
        asgiwebdav.restart(accounts);
        asgiwebdav
    }

    /// Starts it again with other accounts.
    pub fn restart(&mut self, accounts: &[(&str, &str)]) {
        self.server.stop();
        let users: Vec<_> = accounts
            .iter()
            .map(|(user, password)| {
                format!(
                    "{{\"username\":{user:?},\"password\":{password:?},\"permissions\":[\"+\"]}}"
                )
            })
            .collect();
        let (users, files) = (users.join(","), self.server.file("files"));
        let is_public = self.is_public;
        let configuration = format!(
            "{{\"account_mapping\":[{users}],\"http_digest_auth\":{{\"enable\":true}},\
             \"anonymous\":{{\"enable\":{is_public}}},\
             \"provider_mapping\":[{{\"prefix\":\"/\",\"uri\":\"file://{files}\"}}],\
             \"logging\":{{\"enable\":false}}}}"
        );
        self.server.write("asgiwebdav.json", &configuration);
        let program = python::environment("asgiwebdav", "asgi_webdav").join("bin/asgi-webdav");
        let (port, file) = (self.server.port().to_string(), self.server.file("asgiwebdav.json"));
        let arguments = ["--host", "127.0.0.1", "--port", &port, "--config", &file];
        self.server.start(&[&[program.to_str().unwrap()], &arguments[..]].concat());
    }

    /// The server itself.
    pub fn server(&self) -> &WebServer {
        &self.server
    }
}
