//! A real Dovecot with the shipped script and library.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::Process;
use super::{imap, library, port};

/// What an administrator decides.
#[derive(Default)]
pub struct Setup {
    /// The script's settings, by name; the values as they are written in Lua.
    pub settings: Vec<(&'static str, String)>,
    /// A script of the test's own instead of the shipped one.
    pub script: Option<String>,
    /// More lines of dovecot.conf.
    pub extra: String,
}

impl Setup {
    /// The settings that everybody changes.
    pub fn new(url: &str, ca_file: Option<&Path>) -> Self {
        let setup = Self::default().with("url", &format!("{url:?}"));
        match ca_file {
            Some(path) => setup.with("ca_file", &format!("{path:?}")),
            None => setup,
        }
    }

    /// One setting more.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.into()));
        self
    }
}

/// What `doveadm auth test` says.
#[derive(Debug)]
pub struct AuthTest {
    pub succeeded: bool,
    pub output: String,
}

/// A running Dovecot with an IMAP service.
pub struct Dovecot {
    folder: TempDir,
    imap_port: u16,
    process: Option<Process>,
}

impl Dovecot {
    /// Starts it in a folder of its own.
    pub fn start(setup: &Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("httpbasic-dovecot-").tempdir().unwrap();
        let path = folder.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["lua", "mail"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        fs::set_permissions(path.join("mail"), fs::Permissions::from_mode(0o777)).unwrap();
        library::install(&path.join("lua"));
        let script = setup.script.clone().unwrap_or_else(|| edited(&setup.settings));
        fs::write(path.join("lua/auth-httpbasic.lua"), script).unwrap();
        let imap_port = port::free();
        let configuration = configuration(path, imap_port, &setup.extra);
        fs::write(path.join("dovecot.conf"), configuration).unwrap();

        let mut dovecot = Self { folder, imap_port, process: None };
        let file = dovecot.configuration();
        let mut process = Process::start(&["dovecot", "-F", "-c", file.to_str().unwrap()]);
        process.wait_for_port(imap_port);
        dovecot.process = Some(process);
        dovecot
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("dovecot.conf")
    }

    /// Everything that Dovecot logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("dovecot.log")).unwrap_or_default()
    }

    /// Runs doveadm on this Dovecot.
    pub fn doveadm(&self, arguments: &[&str]) -> AuthTest {
        let output = Command::new("doveadm")
            .arg("-c")
            .arg(self.configuration())
            .args(arguments)
            .output()
            .expect("doveadm runs");
        let text = [output.stdout, output.stderr].concat();
        AuthTest {
            succeeded: output.status.success(),
            output: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    /// `doveadm auth test`, as if the client came from `remote_ip`.
    pub fn auth_test(&self, remote_ip: Option<&str>, user: &str, password: &str) -> AuthTest {
        let rip = remote_ip.map(|address| format!("rip={address}"));
        let mut arguments = vec!["auth", "test"];
        if let Some(rip) = &rip {
            arguments.extend(["-x", rip]);
        }
        arguments.extend([user, password]);
        self.doveadm(&arguments)
    }

    /// A mail client's login; the server's answer without its tag.
    pub fn imap_login(&self, user: &str, password: &str) -> String {
        imap::login(self.imap_port, user, password)
    }
}

/// The shipped script with other settings, edited as an administrator would.
fn edited(settings: &[(&str, String)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("lua/auth-httpbasic.lua");
    let script = fs::read_to_string(path).unwrap();
    let (before, rest) = script.split_once("local settings = {\n").expect("the settings' table");
    let (_, after) = rest.split_once("\n}\n").expect("the end of the settings' table");
    let lines: Vec<_> =
        settings.iter().map(|(name, value)| format!("    {name} = {value},")).collect();
    format!("{before}local settings = {{\n{}\n}}\n{after}", lines.join("\n"))
}

fn configuration(folder: &Path, imap_port: u16, extra: &str) -> String {
    let folder = folder.display();
    format!(
        r#"
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_debug = yes
auth_verbose = yes
# Failed logins answer at once, however many there are.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_location = maildir:{folder}/mail/%u
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = lua
  args = file={folder}/lua/auth-httpbasic.lua blocking=yes
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u allow_all_users=yes
}}
{extra}
"#
    )
}
