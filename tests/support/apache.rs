//! Apache with `mod_dav` and TLS, from Debian's packages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ca::Ca;
use super::process::Process;
use super::{access_log, port, users};

/// A running Apache whose `/dav/` asks for Basic credentials.
pub struct Apache {
    folder: TempDir,
    port: u16,
    _process: Process,
}

impl Apache {
    /// Starts it with a certificate of `ca` for localhost, and these user ids and passwords.
    pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("httpbasic-apache-").tempdir().unwrap();
        let port = port::free();
        let path = folder.path();
        let identity = ca.issue(&["localhost"]);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(path.join("root/dav")).unwrap();
        fs::write(path.join("server.crt"), identity.certificate).unwrap();
        fs::write(path.join("server.key"), identity.key).unwrap();
        fs::write(path.join("apache.conf"), configuration(path, port)).unwrap();
        users::write(&path.join("users"), accounts);
        fs::write(path.join("ca.pem"), ca.pem()).unwrap();
        let configuration = path.join("apache.conf");
        let mut process = Process::start(&[
            "/usr/sbin/apache2",
            "-DFOREGROUND",
            "-f",
            configuration.to_str().unwrap(),
        ]);
        process.wait_for_port(port);
        Self { folder, port, _process: process }
    }

    /// Where `httpbasic` asks.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/dav/", self.port)
    }

    /// The CA that its clients must trust.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// One line a request, as soon as there are `count`: status, method, user, and the client's
    /// address that was forwarded.
    pub fn requests(&self, count: usize) -> Vec<String> {
        access_log::lines(&self.folder.path().join("access.log"), count)
    }
}

fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        r#"
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ServerName localhost
Listen 127.0.0.1:{port}
ErrorLog {folder}/error.log
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LogFormat "%>s %m %u %{{X-Forwarded-For}}i" request
CustomLog {folder}/access.log request
DavLockDB {folder}/locks
DocumentRoot {folder}/root
SSLEngine on
SSLCertificateFile {folder}/server.crt
SSLCertificateKeyFile {folder}/server.key
<Location /dav/>
    Dav On
    AuthType Basic
    AuthName mail
    AuthUserFile {folder}/users
    Require valid-user
</Location>
"#
    )
}
