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
[key-usage]
keyUsage = critical, keyCertSign
subjectAltName = DNS:localhost
[client-ca]
basicConstraints = critical, CA:TRUE
extendedKeyUsage = clientAuth
[guide]
basicConstraints = critical, CA:TRUE
subjectAltName = DNS:localhost
[elsewhere]
subjectAltName = DNS:mail.example.com
[wildcard]
subjectAltName = DNS:*.localhost
[addresses]
subjectAltName = IP:fe80::1:0:0:5, IP:::1, IP:192.0.2.1
[named-address]
subjectAltName = DNS:127.0.0.1
[guide-for-clients]
basicConstraints = critical, CA:TRUE
subjectAltName = DNS:localhost
extendedKeyUsage = clientAuth
[for-clients]
subjectAltName = DNS:localhost
extendedKeyUsage = clientAuth
[critical]
subjectAltName = DNS:localhost
1.2.3.4 = critical, DER:05:00
[constrained-ca]
basicConstraints = critical, CA:TRUE
nameConstraints = critical, permitted;DNS:example.org
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

    /// Makes `NAME.pem` and `NAME.key`: a certificate for this common name that is signed by itself.
    pub fn make(&self, name: &str, key: &str, section: &str, common_name: &str) {
        self.request(name, key, section, common_name, "");
    }

    /// Makes `NAME.pem` and `NAME.key`: a certificate for localhost, issued by `issuer`.
    pub fn issue(&self, issuer: &str, name: &str, key: &str, section: &str, more: &str) {
        let more = format!("-CA {issuer}.pem -CAkey {issuer}.key {more}");
        self.request(name, key, section, name, &more);
    }

    fn request(&self, name: &str, key: &str, section: &str, common_name: &str, more: &str) {
        self.run(&format!(
            "req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -days 30 \
             -subj /CN={common_name} -extensions {section} {more}"
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

    /// Serves `NAME.pem` with its key on the port that is returned. GET is answered by 200. `more` may
    /// name files of the folder.
    pub fn serve(&self, name: &str, more: &str) -> (Process, u16) {
        let port = port::free();
        let folder = self.folder.path().display();
        let command = format!(
            "cd {folder}; OPENSSL_CONF=openssl.cnf exec openssl s_server -www -quiet \
             -accept 127.0.0.1:{port} -cert {name}.pem -key {name}.key {more} >{port}.log 2>&1"
        );
        let mut process = Process::start(&["sh", "-c", &command]);
        process.wait_for_port(port);
        (process, port)
    }

    /// What the server on this port has written.
    pub fn log(&self, port: u16) -> String {
        fs::read_to_string(self.path(&format!("{port}.log"))).unwrap()
    }
}
