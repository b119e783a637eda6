//! The common part of all web servers: a folder with their files, a certificate, a port.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ca::Ca;
use super::port;
use super::process::Process;

/// A web server with TLS.
pub struct WebServer {
    folder: TempDir,
    port: u16,
    scheme: &'static str,
    path: &'static str,
    process: Option<Process>,
}

impl WebServer {
    /// Prepares a server without starting it. Its folder contains `server.crt` and `server.key`, a
    /// certificate of `ca` for localhost, and `ca.pem`. `path` is the path of its URL.
    pub fn new(name: &str, ca: &Ca, path: &'static str) -> Self {
        let prefix = format!("httpbasic-{name}-");
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().unwrap();
        // Apache's workers are not root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let server = Self { folder, port: port::free(), scheme: "https", path, process: None };
        let identity = ca.issue(&["localhost"]);
        server.write("server.crt", &identity.certificate);
        server.write("server.key", &identity.key);
        server.write("ca.pem", &ca.pem());
        server
    }

    /// The same for a server without TLS.
    pub fn in_cleartext(self) -> Self {
        Self { scheme: "http", ..self }
    }

    /// Runs this command, which must listen on the port.
    pub fn start(&mut self, command: &[&str]) {
        let mut process = Process::start(command);
        process.wait_for_port(self.port);
        self.process = Some(process);
    }

    /// Waits until the server has written this file.
    pub fn wait_for_file(&mut self, name: &str) {
        let path = self.folder().join(name);
        let process = self.process.as_mut().expect("it was started");
        process.wait_until("ready", || path.exists());
    }

    /// Ends the process. The port stays reserved for this server.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// The folder, which is removed when the value is dropped.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file in the folder, for a command line.
    pub fn file(&self, name: &str) -> String {
        self.folder().join(name).to_str().unwrap().into()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder().join(name), text).unwrap();
    }

    /// The port of 127.0.0.1 that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL for `httpbasic`.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same URL with the port of a proxy or relay.
    pub fn url_at(&self, port: u16) -> String {
        format!("{}://localhost:{port}{}", self.scheme, self.path)
    }

    /// The CA that its clients must trust.
    pub fn ca_file(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }
}
