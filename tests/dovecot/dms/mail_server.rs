//! A mail server with docker-mailserver's structure in a throwaway Debian. One of the examples is
//! installed in it by the steps of its README.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::configuration;
use crate::support::debian::Debian;
use crate::support::dovecot::Version;
use crate::support::mail_client::{Answer, Protocol};
use crate::support::nextcloud::Nextcloud;
use crate::support::{library, port};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// An example. Holds its folder, such as `dms-debian12/ldap`.
#[derive(Clone, Copy)]
pub struct Example(pub &'static str);

impl Example {
    /// The version of Dovecot that it is for.
    pub fn version(self) -> Version {
        if self.0.starts_with("dms-debian12") { Version::V2_3 } else { Version::V2_4 }
    }

    /// Whether its accounts are in LDAP instead of a file.
    pub fn has_ldap(self) -> bool {
        self.0.ends_with("/ldap")
    }

    fn text(self, file: &str) -> String {
        let path = Path::new(PROJECT).join("examples").join(self.0).join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// The ports of the mail server and of its LDAP server.
pub struct Ports {
    pub imap: u16,
    pub pop3: u16,
    pub sieve: u16,
    pub submission: u16,
    pub ldap: u16,
}

/// Dovecot, Postfix and, for the examples that need it, slapd. All are stopped when the value is
/// dropped.
pub struct MailServer {
    pub ports: Ports,
    debian: Debian,
    /// The folder with the mounted files.
    folder: TempDir,
}

impl MailServer {
    /// Starts it with the passwords of `nextcloud`. With `identity_provider`, OAuth2 is on, and
    /// tokens are looked up at that port.
    pub fn start(example: Example, nextcloud: &Nextcloud, identity_provider: Option<u16>) -> Self {
        Self::with_settings(example, nextcloud, identity_provider, &[])
    }

    /// The same with these settings beside those of the example.
    pub fn with_settings(
        example: Example,
        nextcloud: &Nextcloud,
        identity_provider: Option<u16>,
        settings: &[(&str, &str)],
    ) -> Self {
        let [imap, pop3, sieve, submission, ldap] = [(); 5].map(|()| port::free());
        let ports = Ports { imap, pop3, sieve, submission, ldap };
        let mut debian = Debian::start(example.version().debian());
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();

        // What the image and its start scripts do.
        debian.run(
            "groupadd --gid 5000 docker
             useradd --uid 5000 --gid 5000 docker
             install -d -o docker -g docker /var/mail/example.com
             install -d -o openldap -g openldap /var/lib/ldap/example
             rm -r /etc/dovecot/conf.d",
        );
        let image = folder.path().join("image");
        for (path, text) in configuration::files(example, &ports, identity_provider) {
            let path = image.join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        debian.run(&format!("cp -r {}/. /", image.display()));

        // What the administrator does.
        let docker_data = folder.path().join("docker-data");
        follow_the_steps(example, &docker_data, &nextcloud.url(), settings);
        mount(example, folder.path(), &mut debian);

        if example.has_ldap() {
            debian.run(&format!(
                "slapadd -f /etc/ldap/slapd.conf -l /etc/ldap/entries.ldif
                 chown -R openldap:openldap /var/lib/ldap/example
                 slapd -f /etc/ldap/slapd.conf -h ldap://127.0.0.1:{ldap} -u openldap -g openldap"
            ));
        }
        // Postfix creates the folder of the socket.
        debian.run("postfix start\ndovecot");
        Self { ports, debian, folder }
    }

    /// A mail client's login.
    pub fn login(&self, protocol: Protocol, user: &str, password: &str) -> Answer {
        let port = match protocol {
            Protocol::Imap => self.ports.imap,
            Protocol::Pop3 => self.ports.pop3,
            Protocol::ManageSieve => self.ports.sieve,
            Protocol::Submission => self.ports.submission,
        };
        protocol.login(port, user, password)
    }

    /// Logs in from this address by `doveadm auth test`. Returns whether it succeeds.
    pub fn login_from(&mut self, address: &str, user: &str, password: &str) -> bool {
        let test = format!("doveadm auth test -x rip={address} {user} \"{password}\"");
        self.debian.attempt(&test).0
    }

    /// The addresses that fail2ban finds in this log with the example's filter.
    pub fn banned(&mut self, log: &str) -> Vec<String> {
        let path = self.folder.path().join("log");
        fs::write(&path, log).unwrap();
        let found = self.run(&format!(
            "cp {PROJECT}/examples/fail2ban/httpbasic.conf /etc/fail2ban/filter.d/
             fail2ban-regex --out ip {} httpbasic || true",
            path.display()
        ));
        found.lines().map(String::from).collect()
    }

    /// fail2ban's reading of one of the example's jails, copied to this path.
    pub fn jail(&mut self, file: &str, path: &str) -> String {
        self.run(&format!(
            "cp {PROJECT}/examples/fail2ban/{file} {path}
             printf '[sshd]\\nenabled = false\\n' >/etc/fail2ban/jail.d/zz.local
             fail2ban-client --test
             fail2ban-client -d
             rm {path}"
        ))
    }

    /// Runs commands in it that succeed, and returns what they print.
    pub fn run(&mut self, commands: &str) -> String {
        self.debian.run(commands)
    }

    /// Dovecot's log.
    pub fn log(&mut self) -> String {
        self.run("cat /var/log/mail.log")
    }

    /// Waits until Dovecot's log has `text` this many times, and returns the log.
    pub fn log_with(&mut self, text: &str, times: usize) -> String {
        let start = Instant::now();
        loop {
            let log = self.log();
            if log.matches(text).count() >= times {
                return log;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "no {text:?} in\n{log}");
            sleep(Duration::from_millis(50));
        }
    }
}

/// Follows the steps of `docs/docker-mailserver.md` in the administrator's `docker-data`. Adds
/// `settings` after the domain.
fn follow_the_steps(example: Example, docker_data: &Path, url: &str, settings: &[(&str, &str)]) {
    let config = docker_data.join("dms/config");
    let lua = config.join("dovecot/lua");
    fs::create_dir_all(&lua).unwrap();
    library::install(&lua);
    let script = fs::read_to_string(Path::new(PROJECT).join("lua/auth-httpbasic.lua")).unwrap();
    let dovecot_cf = example.text("dovecot.cf");
    let placeholder = "https://nextcloud.example.com/remote.php/dav/";
    let (script, dovecot_cf) = match example.version() {
        Version::V2_3 => {
            let script = script
                .replace(placeholder, url)
                .replace("-- domain =", "domain =")
                .replace("-- cache_key_has_password =", "cache_key_has_password =");
            (script, dovecot_cf)
        }
        Version::V2_4 => (script, dovecot_cf.replace(placeholder, url)),
    };
    assert!([&script, &dovecot_cf].iter().any(|text| text.contains(url)));
    let added = |form: fn(&(&str, &str)) -> String| settings.iter().map(form).collect::<String>();
    let in_script = added(|(name, value)| format!("\n    {name} = \"{value}\","));
    let in_dovecot_cf = added(|(name, value)| format!("\n    {name} = {value}"));
    let domain = "domain = \"example.com\",";
    let script = script.replace(domain, &format!("{domain}{in_script}"));
    let domain = "    domain = example.com";
    let dovecot_cf = dovecot_cf.replace(domain, &format!("{domain}{in_dovecot_cf}"));
    fs::write(lua.join("auth-httpbasic.lua"), script).unwrap();
    fs::write(config.join("dovecot.cf"), dovecot_cf).unwrap();
    for name in ["auth-ldap.conf.ext", "auth-passwdfile.inc"] {
        if Path::new(PROJECT).join("examples").join(example.0).join(name).exists() {
            fs::write(config.join("dovecot").join(name), example.text(name)).unwrap();
        }
    }
}

/// Mounts the volumes of the example's `compose.yaml` as Docker does, and copies `dovecot.cf` as
/// docker-mailserver does.
fn mount(example: Example, folder: &Path, debian: &mut Debian) {
    let compose = example.text("compose.yaml");
    for volume in compose.lines().filter_map(|line| line.trim().strip_prefix("- ./")) {
        let (from, rest) = volume.split_once(':').unwrap();
        let to = rest.strip_suffix(":ro").expect("read-only");
        let from = folder.join(from);
        assert!(from.exists(), "{} is missing", from.display());
        let make = if from.is_dir() { "mkdir -p" } else { "touch" };
        debian.run(&format!("{make} {to}; mount --bind -o ro {} {to}", from.display()));
    }
    let dovecot_cf = folder.join("docker-data/dms/config/dovecot.cf");
    debian.run(&format!("cp {} /etc/dovecot/local.conf", dovecot_cf.display()));
}
