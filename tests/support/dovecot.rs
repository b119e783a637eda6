//! A real Dovecot with the shipped script and library: the machine's own, or that of a Debian test
//! host (2.3 of Debian 12, or 2.4 of Debian 13, or of the host that `HTTPBASIC_DOVECOT_2_4` names).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::process::Process;
use super::{configuration, imap, library, port};

/// The master user, who logs in as `USER*admin`.
pub const MASTER: (&str, &str) = ("admin", "the master's password");

const PATIENCE: Duration = Duration::from_secs(20);

/// The version of Dovecot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V2_3,
    V2_4,
}

const HOST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/debian");

impl Version {
    /// The version of the machine's own Dovecot.
    pub fn own() -> Self {
        static OWN: OnceLock<Version> = OnceLock::new();
        *OWN.get_or_init(|| {
            let output = Command::new("dovecot").arg("--version").output().expect("dovecot runs");
            if output.stdout.starts_with(b"2.3.") { Version::V2_3 } else { Version::V2_4 }
        })
    }

    /// The Debian test host with this version.
    pub fn debian(self) -> &'static str {
        match self {
            Version::V2_3 => "12",
            Version::V2_4 => chosen_host().unwrap_or("13"),
        }
    }

    /// Whether the machine's own Dovecot is used.
    fn is_own(self) -> bool {
        self == Self::own() && (self == Version::V2_3 || chosen_host().is_none())
    }

    /// Whether no test host is needed, or it has been made.
    pub fn is_made(self) -> bool {
        let path = || Command::new(HOST).args([self.debian(), "path"]).output().unwrap().stdout;
        self.is_own() || Path::new(String::from_utf8(path()).unwrap().trim_end()).exists()
    }

    /// Makes the test host if one is needed. This takes a while. Returns whether it succeeded.
    pub fn prepare(self) -> bool {
        self.is_own()
            || Command::new(HOST).args([self.debian(), "make"]).status().unwrap().success()
    }

    /// A command line that runs `command` where this Dovecot is installed.
    pub fn command<'a>(self, command: &[&'a str]) -> Vec<&'a str> {
        if self.is_own() {
            command.to_vec()
        } else {
            [&[HOST, self.debian(), "run"], command].concat()
        }
    }
}

/// The test host that the environment chooses for Dovecot 2.4, as `make test-newest` does.
fn chosen_host() -> Option<&'static str> {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("HTTPBASIC_DOVECOT_2_4").ok()).as_deref()
}

/// The choices of an administrator.
#[derive(Clone, Default)]
pub struct Setup {
    /// The script's settings. Every value is a string, as Dovecot 2.4 passes them.
    pub settings: Vec<(&'static str, String)>,
    /// A script to use instead of the shipped one.
    pub script: Option<String>,
    /// `cache_key=…` and the like in the passdb's args of Dovecot 2.3.
    pub args: &'static str,
    /// Whether the cache key has a hash of the password, as in the examples.
    pub hashed_key: bool,
    /// The auth cache: how long right and wrong logins are kept, in seconds.
    pub cache_secs: Option<(u32, u32)>,
    /// Whether Dovecot delays failed logins, as by default.
    pub default_delays: bool,
    /// Whether there is a [`MASTER`] user.
    pub master: bool,
    /// Additional lines of dovecot.conf, valid for both versions.
    pub extra: &'static str,
}

impl Setup {
    /// A setup with the settings that every administrator changes.
    pub fn new(url: &str, ca_file: Option<&Path>) -> Self {
        let setup = Self::default().with("url", url);
        match ca_file {
            Some(path) => setup.with("ca_file", path.to_str().unwrap()),
            None => setup,
        }
    }

    /// A setup with the test's own script.
    pub fn of_script(script: &str) -> Self {
        Self { script: Some(script.into()), ..Self::default() }
    }

    /// Adds a setting.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.into()));
        self
    }
}

/// The result of doveadm.
#[derive(Debug)]
pub struct Doveadm {
    pub succeeded: bool,
    pub output: String,
}

impl Doveadm {
    /// Whether a login was refused for a reason that is not temporary.
    pub fn is_refused(&self) -> bool {
        !self.succeeded && self.output.contains("auth failed") && !self.is_temporary()
    }

    /// Whether a login failed temporarily.
    pub fn is_temporary(&self) -> bool {
        !self.succeeded && self.output.contains("code=temp_fail")
    }
}

/// A running Dovecot with an IMAP service.
pub struct Dovecot {
    version: Version,
    folder: TempDir,
    imap_port: u16,
    process: Option<Process>,
}

impl Dovecot {
    /// Starts it in a folder of its own.
    pub fn start(version: Version, setup: &Setup) -> Self {
        Self::start_after(version, setup, |_| ())
    }

    /// The same, but `change` may modify the files before the start.
    pub fn start_after(version: Version, setup: &Setup, change: impl FnOnce(&Path)) -> Self {
        Self::start_on(version, &script(version, setup), |folder, imap_port| {
            let configuration = configuration::text(version, folder, imap_port, setup);
            fs::write(folder.join("dovecot.conf"), configuration).unwrap();
            change(folder);
        })
    }

    /// Starts it with the files that `write` puts into its folder, which include dovecot.conf. The
    /// library, `base64.lua` and `script` are in `lua/`.
    pub fn start_on(version: Version, script: &str, write: impl FnOnce(&Path, u16)) -> Self {
        assert!(version.prepare(), "there is no Dovecot of this version");
        let folder = tempfile::Builder::new().prefix("httpbasic-dovecot-").tempdir().unwrap();
        let path = folder.path();
        // Dovecot's users need access, whatever the umask is.
        let make = |name: &str, mode| {
            fs::create_dir_all(path.join(name)).unwrap();
            fs::set_permissions(path.join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        make("", 0o755);
        make("lua", 0o755);
        make("mail", 0o777);
        library::install(&path.join("lua"));
        fs::copy(shipped("base64.lua"), path.join("lua/base64.lua")).unwrap();
        fs::write(path.join("lua/auth-httpbasic.lua"), script).unwrap();
        fs::write(path.join("masters"), format!("{}:{{PLAIN}}{}\n", MASTER.0, MASTER.1)).unwrap();
        let imap_port = port::free();
        write(path, imap_port);

        let mut dovecot = Self { version, folder, imap_port, process: None };
        let file = dovecot.configuration();
        let command = version.command(&["dovecot", "-F", "-c", file.to_str().unwrap()]);
        let mut process = Process::start(&command);
        process.wait_for_port(imap_port);
        dovecot.process = Some(process);
        dovecot
    }

    /// The folder with its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The port of its IMAP service.
    pub fn imap_port(&self) -> u16 {
        self.imap_port
    }

    /// Its dovecot.conf.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("dovecot.conf")
    }

    /// Ends it. Its folder remains until the value is dropped.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// The id of its master process.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("it was started").id()
    }

    /// Everything that Dovecot logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("dovecot.log")).unwrap_or_default()
    }

    /// Whether Dovecot logs `text` this many times. Waits a moment for its log process.
    pub fn has_logged(&self, text: &str, times: usize) -> bool {
        let start = Instant::now();
        loop {
            // Before the log is read, so that a test that did not run for a while still reads it.
            let is_last = start.elapsed() > PATIENCE;
            if self.log().matches(text).count() >= times {
                return true;
            }
            if is_last {
                return false;
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// The socket of the auth service for login processes.
    pub fn auth_socket(&self) -> PathBuf {
        self.folder.path().join("run/auth-client")
    }

    /// The process ids of the auth workers.
    pub fn auth_workers(&self) -> Vec<u32> {
        self.processes(|command| command.contains("/auth\0-w"))
    }

    /// The process id of the auth process, which has the cache.
    pub fn auth(&self) -> u32 {
        let ids = self.processes(|command| command.contains("/auth\0") && !command.contains("-w"));
        assert_eq!(ids.len(), 1, "{}", self.log());
        ids[0]
    }

    /// The process ids of those of its processes with such a command line.
    fn processes(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<u32> {
        let master = format!("PPid:\t{}\n", self.id());
        let is_wanted = |id: &u32| {
            let read = |name| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
            read("status").contains(&master) && is_wanted(&read("cmdline"))
        };
        let ids = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
        ids.filter_map(|name| name.to_str()?.parse().ok()).filter(is_wanted).collect()
    }

    /// Runs doveadm for this Dovecot.
    pub fn doveadm(&self, arguments: &[&str]) -> Doveadm {
        let file = self.configuration();
        let doveadm = [&["doveadm", "-c", file.to_str().unwrap()], arguments].concat();
        let command = self.version.command(&doveadm);
        let output = Command::new(command[0]).args(&command[1..]).output().expect("doveadm runs");
        let text = [output.stdout, output.stderr].concat();
        Doveadm {
            succeeded: output.status.success(),
            output: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    /// Runs `doveadm auth test` with the client's address `remote_ip`.
    pub fn auth_test(&self, remote_ip: Option<&str>, user: &str, password: &str) -> Doveadm {
        let rip = remote_ip.map(|address| format!("rip={address}"));
        let mut arguments = vec!["auth", "test"];
        if let Some(rip) = &rip {
            arguments.extend(["-x", rip]);
        }
        arguments.extend([user, password]);
        self.doveadm(&arguments)
    }

    /// Authenticates like a mail client with this mechanism and this initial response.
    pub fn imap_authenticate(&self, mechanism: &str, words: &str) -> String {
        imap::authenticate(self.imap_port, mechanism, words)
    }

    /// Logs in like a mail client. Returns the server's answer without its tag.
    pub fn imap_login(&self, user: &str, password: &str) -> String {
        imap::login(self.imap_port, user, password)
    }
}

/// The path of a shipped Lua file.
fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lua").join(name)
}

/// The script for this Dovecot: the shipped one, or the test's own. Dovecot 2.3 needs the settings
/// in the script; Dovecot 2.4 has them in dovecot.conf and runs the script unchanged.
pub fn script(version: Version, setup: &Setup) -> String {
    if let Some(script) = &setup.script {
        return script.clone();
    }
    let shipped = fs::read_to_string(shipped("auth-httpbasic.lua")).unwrap();
    match version {
        Version::V2_3 => edited(&shipped, &setup.settings),
        Version::V2_4 => shipped,
    }
}

/// The shipped script with other settings, as edited by an administrator.
fn edited(shipped: &str, settings: &[(&str, String)]) -> String {
    let (before, rest) = shipped.split_once("local settings = {\n").expect("the settings' table");
    let (_, after) = rest.split_once("\n}\n").expect("the end of the settings' table");
    let lines: Vec<_> = settings
        .iter()
        .map(|(name, value)| match value.as_str() {
            "true" | "false" => format!("    {name} = {value},"),
            _ => format!("    {name} = {value:?},"),
        })
        .collect();
    format!("{before}local settings = {{\n{}\n}}\n{after}", lines.join("\n"))
}
