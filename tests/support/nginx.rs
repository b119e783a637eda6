//! nginx as a WebDAV server with TLS, from Debian's packages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ca::Ca;
use super::process::Process;
use super::{access_log, port, users};

/// A running nginx whose `/dav/` asks for Basic credentials.
pub struct Nginx {
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

impl Nginx {
    /// Starts it with a certificate of `ca` for localhost, and these user ids and passwords.
    pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> Self {
        Self::start_with(ca, accounts, "auth_basic mail; dav_ext_methods PROPFIND OPTIONS;", "")
    }

    /// Starts one that costs as little as it can: passwords that need no hashing, connections that
    /// stay open, no log.
    pub fn start_for_load(ca: &Ca, accounts: &[(&str, &str)]) -> Self {
        let nginx = Self::start_with(
            ca,
            &[],
            "auth_basic mail; dav_ext_methods PROPFIND OPTIONS;",
            "ssl_protocols TLSv1.2 TLSv1.3; access_log off; \
             keepalive_requests 1000000000; keepalive_timeout 1h;",
        );
        users::write_plain(&nginx.folder.path().join("users"), accounts);
        nginx
    }

    /// Starts one that speaks this version of TLS alone, old ones included.
    pub fn start_tls(ca: &Ca, version: &str, body: &str) -> Self {
        let tls = format!("ssl_protocols {version}; ssl_ciphers ALL:@SECLEVEL=0;");
        Self::start_with(ca, &[], &format!("return 207 '{body}';"), &tls)
    }

    /// Starts one that answers nobody without a client certificate.
    pub fn start_wanting_client_certificate(ca: &Ca) -> Self {
        let tls = "ssl_verify_client on; ssl_client_certificate ca.pem;";
        Self::start_with(ca, &[], "return 207;", tls)
    }

    /// Starts one that answers every request with this multistatus body, whatever the credentials.
    pub fn start_answering(ca: &Ca, body: &str) -> Self {
        Self::start_with(ca, &[], &format!("return 207 '{body}';"), "")
    }

    fn start_with(ca: &Ca, accounts: &[(&str, &str)], location: &str, server: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("httpbasic-nginx-").tempdir().unwrap();
        let port = port::free();
        let path = folder.path();
        let identity = ca.issue(&["localhost"]);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(path.join("dav")).unwrap();
        fs::write(path.join("server.crt"), identity.certificate).unwrap();
        fs::write(path.join("server.key"), identity.key).unwrap();
        fs::write(path.join("nginx.conf"), configuration(path, port, location, server)).unwrap();
        users::write(&path.join("users"), accounts);
        fs::write(path.join("ca.pem"), ca.pem()).unwrap();
        let mut nginx = Self { folder, port, process: None };
        nginx.switch_on();
        nginx
    }

    /// Where `httpbasic` asks.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/dav/", self.port)
    }

    /// The CA that its clients must trust.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Replaces the user ids and passwords.
    pub fn set_accounts(&self, accounts: &[(&str, &str)]) {
        users::write(&self.folder.path().join("users"), accounts);
    }

    /// Ends the process; the port stays reserved for this server.
    pub fn switch_off(&mut self) {
        self.process = None;
    }

    /// Starts the process again.
    pub fn switch_on(&mut self) {
        let configuration = self.folder.path().join("nginx.conf");
        let log = self.folder.path().join("error.log");
        let mut process = Process::start(&[
            "/usr/sbin/nginx",
            "-c",
            configuration.to_str().unwrap(),
            "-e",
            log.to_str().unwrap(),
        ]);
        process.wait_for_port(self.port);
        self.process = Some(process);
    }

    /// One line a request, as soon as there are `count`: status, method, user, and the client's
    /// address that was forwarded.
    pub fn requests(&self, count: usize) -> Vec<String> {
        access_log::lines(&self.folder.path().join("access.log"), count)
    }
}

fn configuration(folder: &Path, port: u16, location: &str, server: &str) -> String {
    let folder = folder.display();
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
        {server}
        location /dav/ {{
            auth_basic_user_file {folder}/users;
            {location}
        }}
    }}
}}
"#
    )
}
