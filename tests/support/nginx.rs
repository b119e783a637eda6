//! nginx as a WebDAV server with TLS, from Debian's packages.

use std::path::PathBuf;

use super::ca::Ca;
use super::web_server::WebServer;
use super::{access_log, users};

/// A running nginx whose `/dav/` asks for Basic credentials.
pub struct Nginx {
    server: WebServer,
}

impl Nginx {
    /// Starts it with a certificate of `ca` for localhost, and these user ids and passwords.
    pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> Self {
        Self::start_with(ca, accounts, "auth_basic mail; dav_ext_methods PROPFIND OPTIONS;", "")
    }

    /// Starts one that uses as little CPU time as possible: plain passwords, kept connections, no
    /// log.
    pub fn start_for_load(ca: &Ca, accounts: &[(&str, &str)]) -> Self {
        let nginx = Self::start_with(
            ca,
            &[],
            "auth_basic mail; dav_ext_methods PROPFIND OPTIONS;",
            "ssl_protocols TLSv1.2 TLSv1.3; access_log off; \
             keepalive_requests 1000000000; keepalive_timeout 1h;",
        );
        users::write_plain(&nginx.server.folder().join("users"), accounts);
        nginx
    }

    /// Starts one that closes the connection after each answer. If `resumes`, the next connection has a resumed
    /// TLS handshake, and otherwise a full one.
    pub fn start_closing(ca: &Ca, accounts: &[(&str, &str)], resumes: bool) -> Self {
        let tickets = if resumes { "on" } else { "off" };
        let nginx = Self::start_with(
            ca,
            &[],
            "auth_basic mail; dav_ext_methods PROPFIND OPTIONS;",
            &format!(
                "ssl_protocols TLSv1.2 TLSv1.3; access_log off; keepalive_timeout 0; \
                 ssl_session_cache off; ssl_session_tickets {tickets};"
            ),
        );
        users::write_plain(&nginx.server.folder().join("users"), accounts);
        nginx
    }

    /// Starts one that supports only this version of TLS, which may be an old one.
    pub fn start_tls(ca: &Ca, version: &str, body: &str) -> Self {
        let tls = format!("ssl_protocols {version}; ssl_ciphers ALL:@SECLEVEL=0;");
        Self::start_with(ca, &[], &format!("return 207 '{body}';"), &tls)
    }

    /// Starts one whose TLS uses ChaCha20 instead of AES.
    pub fn start_with_chacha20(ca: &Ca, accounts: &[(&str, &str)]) -> Self {
        let location = "auth_basic mail; dav_ext_methods PROPFIND OPTIONS;";
        let tls =
            "ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;";
        Self::start_with(ca, accounts, location, tls)
    }

    /// Starts one that requires a client certificate.
    pub fn start_requiring_client_certificate(ca: &Ca) -> Self {
        let tls = "ssl_verify_client on; ssl_client_certificate ca.pem;";
        Self::start_with(ca, &[], "return 207;", tls)
    }

    /// Starts one that answers every request with this multistatus body, with any credentials.
    pub fn start_answering(ca: &Ca, body: &str) -> Self {
        Self::start_with(ca, &[], &format!("return 207 '{body}';"), "")
    }

    /// Starts one that passes `/dav/` on to this server, as the server's `/`. `location` has
    /// further directives of nginx.
    pub fn start_in_front(
        ca: &Ca,
        accounts: &[(&str, &str)],
        server: &WebServer,
        location: &str,
    ) -> Self {
        let pass = format!("proxy_pass {};", server.url());
        Self::start_with(ca, accounts, &format!("{pass} {location}"), "")
    }

    fn start_with(ca: &Ca, accounts: &[(&str, &str)], location: &str, more: &str) -> Self {
        let server = WebServer::new("nginx", ca, "/dav/");
        std::fs::create_dir(server.folder().join("dav")).unwrap();
        users::write(&server.folder().join("users"), accounts);
        server.write("nginx.conf", &configuration(&server, location, more));
        let mut nginx = Self { server };
        nginx.switch_on();
        nginx
    }

    /// The server itself.
    pub fn server(&self) -> &WebServer {
        &self.server
    }

    /// The URL for `httpbasic`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The CA that its clients must trust.
    pub fn ca_file(&self) -> PathBuf {
        self.server.ca_file()
    }

    /// Replaces the user ids and passwords.
    pub fn set_accounts(&self, accounts: &[(&str, &str)]) {
        users::write(&self.server.folder().join("users"), accounts);
    }

    /// Ends the process. The port stays reserved for this server.
    pub fn switch_off(&mut self) {
        self.server.stop();
    }

    /// Starts the process again.
    pub fn switch_on(&mut self) {
        let (configuration, log) = (self.server.file("nginx.conf"), self.server.file("error.log"));
        self.server.start(&["/usr/sbin/nginx", "-c", &configuration, "-e", &log]);
    }

    /// Waits for `count` requests. Returns a line for each: status, method, user, and the forwarded
    /// address of the client.
    pub fn requests(&self, count: usize) -> Vec<String> {
        access_log::lines(&self.server.folder().join("access.log"), count)
    }
}

fn configuration(server: &WebServer, location: &str, more: &str) -> String {
    let (folder, port) = (server.folder().display(), server.port());
    format!(
        r#"
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
user root;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    log_format request '$status $request_method $remote_user $http_x_forwarded_for';
    access_log {folder}/access.log request;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/server.crt;
        ssl_certificate_key {folder}/server.key;
        root {folder};
        {more}
        location /dav/ {{
            auth_basic_user_file {folder}/users;
            {location}
        }}
    }}
}}
"#
    )
}
