//! Apache with `mod_dav` and TLS, from Debian's packages.

use std::path::PathBuf;
use std::process::Command;

use super::ca::Ca;
use super::web_server::WebServer;
use super::{access_log, users};

/// A running Apache whose `/dav/` asks for credentials.
pub struct Apache {
    server: WebServer,
}

impl Apache {
    /// Starts it with a certificate of `ca` for localhost, and these user ids and passwords.
    pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> Self {
        Self::start_with(ca, accounts, BASIC)
    }

    /// Starts one that compresses every answer, even if the client does not accept that.
    pub fn start_compressing(ca: &Ca, accounts: &[(&str, &str)]) -> Self {
        let compress = "SetOutputFilter DEFLATE\n    SetEnv force-gzip 1";
        Self::start_with(ca, accounts, &format!("{BASIC}\n    {compress}"))
    }

    /// Starts one that accepts only Digest authentication.
    pub fn start_digest(ca: &Ca) -> Self {
        Self::start_with(ca, &[], "AuthType Digest")
    }

    /// Starts one that asks for a password and accepts any, by mod_authn_anon.
    pub fn start_anonymous(ca: &Ca) -> Self {
        let anonymous = "AuthType Basic\n    AuthBasicProvider anon\n    Anonymous *\n    \
                         Anonymous_MustGiveEmail Off";
        Self::start_with(ca, &[], anonymous)
    }

    /// Starts one with a Subversion repository that `readers` may read.
    pub fn start_subversion(ca: &Ca, accounts: &[(&str, &str)], readers: &[&str]) -> Self {
        let subversion =
            "DAV svn\n    SVNPath FOLDER/repository\n    AuthzSVNAccessFile FOLDER/readers";
        // Rights count in the folders of the repository, but not at its root.
        let server = WebServer::new("apache", ca, "/dav/mail/");
        let repository = server.file("repository");
        let folder = format!("file://{repository}/mail");
        for command in [
            &["svnadmin", "create", &repository][..],
            &["svn", "mkdir", "--quiet", "--message=mail", &folder],
            &["chmod", "-R", "a+rwX", &repository],
        ] {
            assert!(Command::new(command[0]).args(&command[1..]).status().unwrap().success());
        }
        write_readers(&server, readers);
        Self::start_on(server, accounts, &format!("{BASIC}\n    {subversion}"))
    }

    /// Changes who may read the repository.
    pub fn set_readers(&self, readers: &[&str]) {
        write_readers(&self.server, readers);
    }

    fn start_with(ca: &Ca, accounts: &[(&str, &str)], location: &str) -> Self {
        let server = WebServer::new("apache", ca, "/dav/");
        std::fs::create_dir_all(server.folder().join("root/dav")).unwrap();
        Self::start_on(server, accounts, &format!("Dav On\n    {location}"))
    }

    fn start_on(mut server: WebServer, accounts: &[(&str, &str)], location: &str) -> Self {
        std::fs::create_dir_all(server.folder().join("root")).unwrap();
        users::write(&server.folder().join("users"), accounts);
        server.write("apache.conf", &configuration(&server, location));
        let configuration = server.file("apache.conf");
        server.start(&["/usr/sbin/apache2", "-DFOREGROUND", "-f", &configuration]);
        // Apache reads its configuration twice, and does not listen for a moment in between.
        server.wait_for_file("apache.pid");
        Self { server }
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

    /// Waits for `count` requests. Returns a line for each: status, method, user, and the forwarded
    /// address of the client.
    pub fn requests(&self, count: usize) -> Vec<String> {
        access_log::lines(&self.server.folder().join("access.log"), count)
    }
}

/// The default authentication of `/dav/`.
const BASIC: &str = "AuthType Basic\n    AuthUserFile users";

fn configuration(server: &WebServer, location: &str) -> String {
    let (folder, port) = (server.folder().display(), server.port());
    let location = location.replace("FOLDER", &folder.to_string());
    // mod_authz_svn reads its file once for each connection.
    let subversion = match location.contains("svn") {
        true => {
            "KeepAlive Off\n\
             LoadModule dav_svn_module /usr/lib/apache2/modules/mod_dav_svn.so\n\
             LoadModule authz_svn_module /usr/lib/apache2/modules/mod_authz_svn.so"
        }
        false => "",
    };
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
LoadModule authn_anon_module /usr/lib/apache2/modules/mod_authn_anon.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule auth_digest_module /usr/lib/apache2/modules/mod_auth_digest.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
{subversion}
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LogFormat "%>s %m %u %{{X-Forwarded-For}}i" request
CustomLog {folder}/access.log request
DavLockDB {folder}/locks
DocumentRoot {folder}/root
SSLEngine on
SSLCertificateFile {folder}/server.crt
SSLCertificateKeyFile {folder}/server.key
<Location /dav/>
    AuthName mail
    Require valid-user
    {location}
</Location>
"#
    )
}

/// Who may read the repository.
fn write_readers(server: &WebServer, readers: &[&str]) {
    let lines: String = readers.iter().map(|reader| format!("{reader} = r\n")).collect();
    server.write("readers", &format!("[/]\n{lines}* =\n"));
}
