//! Certificates and servers that only OpenSSL can make, with old keys, signatures and TLS versions.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::port;
use super::process::Process;

/// A configuration that replaces the system's. Its sections are the extensions of certificates.
const CONFIGURATION: &str = "
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
[server]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost
[nameless]
basicConstraints = CA:FALSE
";

/// A folder with certificates.
pub struct OpenSsl {
    folder: TempDir,
}

impl OpenSsl {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("httpbasic-openssl-").tempdir().unwrap();
        fs::write(folder.path().join("openssl.cnf"), CONFIGURATION).unwrap();
        Self { folder }
    }

    /// The file of this name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs openssl in the folder. An argument cannot contain spaces. Returns whether it succeeded.
    pub fn try_run(&self, arguments: &str) -> bool {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .env("OPENSSL_CONF", self.path("openssl.cnf"))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        println!("openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        output.status.success()
    }

    /// The same, but it must succeed.
    pub fn run(&self, arguments: &str) {
        assert!(self.try_run(arguments), "openssl {arguments}");
    }

    /// Makes `NAME.pem` and `NAME.key`: the self-signed certificate of a CA.
    pub fn make_ca(&self, name: &str, key: &str) {
        self.run(&format!(
            "req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -days 30 \
             -subj /CN={name} -extensions ca"
        ));
    }

    /// Makes `server.pem` and `server.key`: a certificate for localhost, issued by the CA `ca`.
    pub fn issue(&self, ca: &str, key: &str, more: &str) {
        self.run(&format!(
            "req -x509 -CA {ca}.pem -CAkey {ca}.key -newkey {key} -nodes -keyout server.key \
             -out server.pem -days 30 -subj /CN=localhost -extensions server {more}"
        ));
    }

    /// Makes `NAME.pem` and `NAME.key`: a self-signed certificate of X.509 version 1.
    pub fn make_version_1(&self, name: &str) {
        let own = format!("-days 30 -out {name}.pem");
        self.run(&format!(
            "req -new -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        // OpenSSL 3.3 and newer need this option for it. Older versions do not have the option.
        if !self.try_run(&format!("req -x509 -x509v1 -in {name}.csr -key {name}.key {own}")) {
            self.run(&format!("x509 -req -in {name}.csr -signkey {name}.key {own}"));
        }
    }

    /// Starts a server with the certificate `NAME.pem` and returns its port. It answers GET with
    /// 200.
    pub fn serve(&self, name: &str, more: &str) -> (Process, u16) {
        let port = port::free();
        let file = |name: &str| self.path(name).display().to_string();
        let (certificate, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
        let (configuration, log) = (file("openssl.cnf"), file("server.log"));
        let command = format!(
            "OPENSSL_CONF={configuration} exec openssl s_server -www -quiet \
             -accept 127.0.0.1:{port} -cert {certificate} -key {key} {more} >{log} 2>&1"
        );
        let mut process = Process::start(&["sh", "-c", &command]);
        process.wait_for_port(port);
        (process, port)
    }
}
