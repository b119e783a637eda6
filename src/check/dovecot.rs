//! What Dovecot's configuration says, by `doveconf`.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::text::printable;

/// How long doveconf may take: on a busy machine, some seconds.
const LIMIT: Duration = Duration::from_secs(10);

/// The pause before a process is checked again.
const PAUSE: Duration = Duration::from_millis(5);

/// How long the errors of a program that has ended may take to arrive.
const ERRORS_LIMIT: Duration = Duration::from_secs(1);

/// More than any configuration has.
const MAX_BYTES: u64 = 4 << 20;

/// The configuration of the Dovecot on this machine.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dovecot {
    /// Such as `2.4.1`.
    pub version: String,
    /// The version of Debian's package, such as `1:2.4.1+dfsg1-6+deb13u7`.
    pub package: Option<String>,
    /// Its settings outside of all blocks.
    pub settings: Settings,
    /// The environment of its processes.
    pub environment: Settings,
    /// The passdbs.
    pub passdbs: Vec<Passdb>,
}

/// Names and their values.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settings(pub Vec<(String, String)>);

impl Settings {
    /// The value of a setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|setting| setting.0 == name).map(|setting| setting.1.as_str())
    }

    fn add(&mut self, name: &str, value: String) {
        self.0.push((name.into(), value));
    }
}

/// A passdb.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Passdb {
    /// Its name in Dovecot 2.4.
    pub name: String,
    /// Its script, if it is on Lua.
    pub script: String,
    /// `lua_settings` of Dovecot 2.4.
    pub lua_settings: Vec<(String, String)>,
    /// `cache_key` of Dovecot 2.3, if it is set.
    pub cache_key: Option<String>,
    /// `fields` of Dovecot 2.4.
    pub fields: Settings,
    /// Its other settings.
    pub settings: Settings,
}

impl Dovecot {
    /// Asks doveconf, if there is one.
    ///
    /// # Errors
    /// Why it does not print the configuration.
    pub fn ask() -> Result<Option<Self>, String> {
        // Without -P, doveconf hides values that look like keys, and part of cache_key with them.
        let Some(text) = output("doveconf", &["-n", "-P"])? else { return Ok(None) };
        let dovecot = Self::parse(&text).ok_or("doveconf prints no configuration")?;
        // Not every system has Debian's packages.
        let package = output("dpkg-query", &["--show", "--showformat=${Version}", "dovecot-core"]);
        let package = package.ok().flatten().filter(|it| it.contains(&dovecot.version));
        Ok(Some(Self { package, ..dovecot }))
    }

    /// Whether it is Dovecot 2.3, which has no `lua_settings`.
    pub fn is_2_3(&self) -> bool {
        self.version.starts_with("2.3.")
    }

    /// The passdbs with this script.
    pub fn passdbs_with(&self, script: &Path) -> Vec<&Passdb> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
        let script = real(script);
        let has_script = |passdb: &&Passdb| real(Path::new(&passdb.script)) == script;
        self.passdbs.iter().filter(has_script).collect()
    }

    /// Whether there is an auth cache.
    pub fn has_cache(&self) -> bool {
        self.settings.get("auth_cache_size").is_some_and(|size| !size.starts_with('0'))
    }

    fn parse(text: &str) -> Option<Self> {
        let version = text.lines().next()?.strip_prefix("# ")?.split([' ', '-']).next()?;
        let mut dovecot = Self { version: version.into(), ..Self::default() };
        let (mut blocks, mut passdb) = (Vec::new(), Passdb::default());
        for line in text.lines().map(str::trim) {
            if let Some(head) = line.strip_suffix('{') {
                let head = head.trim_end();
                let (kind, name) = head.split_once(' ').unwrap_or((head, ""));
                blocks.push(kind);
                if blocks == ["passdb"] {
                    passdb.name = name.into();
                }
            } else if line == "}" {
                blocks.pop();
                if blocks.is_empty() {
                    let passdb = std::mem::take(&mut passdb);
                    dovecot.passdbs.extend((passdb != Passdb::default()).then_some(passdb));
                }
            } else if let Some((name, value)) = line.split_once(" =") {
                let value = unquoted(value.trim_start());
                match blocks[..] {
                    [] => dovecot.settings.add(name, value),
                    ["import_environment"] => dovecot.environment.add(name, value),
                    ["passdb"] => passdb.set(name, value),
                    ["passdb", "fields"] => passdb.fields.add(name, value),
                    ["passdb", "lua_settings"] => passdb.lua_settings.push((name.into(), value)),
                    _ => {}
                }
            }
        }
        Some(dovecot)
    }
}

impl Passdb {
    fn set(&mut self, name: &str, value: String) {
        match name {
            "lua_file" => self.script = value,
            // Dovecot 2.3: args = file=/etc/dovecot/lua/auth-httpbasic.lua blocking=yes
            "args" => {
                for (name, value) in value.split(' ').filter_map(|it| it.split_once('=')) {
                    match name {
                        "file" => self.script = value.into(),
                        "cache_key" => self.cache_key = Some(value.into()),
                        _ => {}
                    }
                }
            }
            _ => self.settings.add(name, value),
        }
    }
}

/// What a program prints. None if there is no such program.
fn output(program: &str, arguments: &[&str]) -> Result<Option<String>, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match command.spawn() {
        Ok(child) => print(program, child).map(Some),
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(problem) => Err(format!("{program} cannot be run: {problem}")),
    }
}

/// What a process prints before it ends, within the limits.
fn print(program: &str, mut child: Child) -> Result<String, String> {
    let end = Instant::now() + LIMIT;
    let (output, errors) = (read(child.stdout.take()), read(child.stderr.take()));
    let output = output.recv_timeout(LIMIT);
    let has_ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
    while output.is_ok() && !has_ended(&mut child) && Instant::now() < end {
        thread::sleep(PAUSE);
    }
    let _ = child.kill();
    let succeeds = child.wait().is_ok_and(|status| status.success());
    match output {
        Ok(output) if succeeds => Ok(output),
        Ok(_) => {
            let errors = errors.recv_timeout(ERRORS_LIMIT).unwrap_or_default();
            Err(format!(
                "{program} fails: {}",
                printable(errors.lines().next().unwrap_or_default())
            ))
        }
        Err(_) => Err(format!("{program} has not ended after {} s", LIMIT.as_secs())),
    }
}

/// Reads in a separate thread, since the end may never come.
fn read(from: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            let _ = from.take(MAX_BYTES).read_to_end(&mut bytes);
        }
        sender.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    receiver
}

/// A value as doveconf writes it, without its quotation marks.
fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.map_or_else(|| value.into(), |text| text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_dovecot_2_4_are_parsed() {
        let text = "# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\n# OS: Linux\n\
            auth_cache_size = 10 M\nprotocols = imap\nprotocol imap {\n  auth_verbose = yes\n}\n\
            passdb before {\n  driver = pam\n}\npassdb httpbasic {\n  driver = lua\n  lua_file = /a.lua\n  \
            lua_settings {\n    url = https://host/?a = b\n    user_agent = \"a \\\"b\\\"\"\n    ca_file =\n  }\n}\n";
        let dovecot = Dovecot::parse(text).unwrap();
        assert!(!dovecot.is_2_3() && dovecot.has_cache());
        assert_eq!(dovecot.settings.get("auth_verbose"), None);
        let settings = [("url", "https://host/?a = b"), ("user_agent", "a \"b\""), ("ca_file", "")];
        let settings = settings.map(|(name, value)| (name.to_string(), value.to_string())).to_vec();
        assert_eq!(dovecot.passdbs.len(), 2);
        let [passdb] = dovecot.passdbs_with(Path::new("/a.lua"))[..] else { panic!("{dovecot:?}") };
        assert_eq!((&passdb.name[..], &passdb.lua_settings), ("httpbasic", &settings));
        assert!(dovecot.passdbs_with(Path::new("/b.lua")).is_empty());
    }

    #[test]
    fn the_arguments_of_dovecot_2_3_are_parsed() {
        let text = "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\nauth_verbose = yes\n\
            passdb {\n  args = scheme=x\n  driver = passwd-file\n}\n\
            passdb {\n  args = file=/a.lua blocking=yes cache_key=%u:%w\n  driver = lua\n}\n";
        let dovecot = Dovecot::parse(text).unwrap();
        assert!(dovecot.is_2_3() && !dovecot.has_cache());
        assert_eq!(dovecot.settings.get("auth_verbose"), Some("yes"));
        let [passdb] = dovecot.passdbs_with(Path::new("/a.lua"))[..] else { panic!("{dovecot:?}") };
        assert_eq!(passdb.cache_key.as_deref(), Some("%u:%w"));
    }

    #[test]
    fn other_text_is_not_a_configuration() {
        for text in ["", "doveconf: Fatal: x", "}\n}", "# ", "{"] {
            let dovecot = Dovecot::parse(text);
            assert!(dovecot.is_none_or(|it| it.passdbs.is_empty()), "{text}");
        }
    }
}
