//! The settings: what the script, Dovecot and the command line say.

use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use super::dovecot::{Dovecot, Passdb};
use super::report::{Finding, Outcome};
use super::script::Script;
use crate::options::Options;
use crate::options::value::Value;

const NAME: &str = "auth-httpbasic.lua";

const FOLDER: &str = "/etc/dovecot/lua";

/// What a login is checked with.
#[derive(Debug)]
pub struct Settings {
    /// The script, if there is one.
    pub script: Option<PathBuf>,
    /// The options, checked.
    pub options: Options,
}

/// Reads the settings as Dovecot does. Those of the command line replace them.
pub fn check(arguments: &Arguments) -> Outcome<Settings> {
    let path = arguments.script.clone().or_else(find);
    let has_url = arguments.options.iter().any(|(name, _)| name == "url");
    let Some(path) = path else {
        if has_url {
            return finish(None, arguments.options.clone(), Finding::new(""));
        }
        return Err(Finding::new(format!("no {NAME} beside this program, nor in {FOLDER}"))
            .advise([format!("copy it into {FOLDER}, or name it: --script FILE")]));
    };
    let dovecot = Dovecot::ask();
    let passdb = dovecot.as_ref().and_then(|dovecot| dovecot.passdb(&path));
    // Dovecot 2.3 hands nothing over.
    let settings = passdb.filter(|_| dovecot.as_ref().is_some_and(|it| !it.is_2_3()));
    let script = Script::run(&path, settings.map(|passdb| &passdb.settings[..]));
    let script = script.map_err(|problem| {
        Finding::new(format!("{}: {problem}", path.display()))
            .advise(["Dovecot cannot run this script either: correct it, or copy it again"])
    })?;
    let mut options = script.options;
    options.retain(|(name, _)| arguments.options.iter().all(|(other, _)| other != name));
    options.extend(arguments.options.iter().cloned());

    let mut finding = Finding::new(match (&dovecot, passdb) {
        (None, _) => String::new(),
        (Some(dovecot), Some(_)) => format!(", in a passdb of Dovecot {}", dovecot.version),
        (Some(dovecot), None) => format!(", in no passdb of Dovecot {}", dovecot.version),
    });
    if let Some(dovecot) = &dovecot {
        finding = finding.warn(cache_key(dovecot, passdb, script.refused_is_unknown));
        finding = finding.warn((!dovecot.auth_verbose).then_some(
            "auth_verbose is off, so Dovecot does not log why a login is refused: auth_verbose = yes",
        ));
    }
    finish(Some(path), options, finding)
}

/// The script beside this program, or where INSTALL.md puts it.
fn find() -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join(NAME));
    beside.into_iter().chain([Path::new(FOLDER).join(NAME)]).find(|path| path.exists())
}

/// What Dovecot 2.3 does not know by itself: with which logins its cache mixes up a password.
fn cache_key(
    dovecot: &Dovecot,
    passdb: Option<&Passdb>,
    refused_is_unknown: bool,
) -> Option<&'static str> {
    let passdb = passdb.filter(|_| dovecot.is_2_3() && dovecot.has_cache)?;
    let key = passdb.cache_key.as_deref().unwrap_or("%u");
    let has_password = key.contains("%w") || key.contains("%{password}");
    match (key.is_empty(), has_password, refused_is_unknown) {
        (true, ..) | (_, true, true) => None,
        (_, true, false) => Some(
            "the cache key has the password, but the script does not know: set \
             cache_key_has_password = true in it, or a revoked password comes back in an outage",
        ),
        (_, false, _) => Some(
            "the cache key lacks the password: add cache_key=%u:%w to the passdb's args, and \
             cache_key_has_password = true to the script",
        ),
    }
}

fn finish(
    script: Option<PathBuf>,
    options: Vec<(String, Value)>,
    dovecot: Finding,
) -> Outcome<Settings> {
    let place = match &script {
        Some(path) => format!("{}{}", path.display(), dovecot.text()),
        None => "the command line".into(),
    };
    let options = Options::new(options).map_err(|error| {
        Finding::new(format!("{place}: {error}"))
            .advise(["README.md, \"Options\", has them all, and what each may be"])
    })?;
    let url = &options.url;
    let in_clear = !url.is_https() && !url.is_loopback();
    let finding = dovecot.renamed(format!("{url}, from {place}")).warn(in_clear.then_some(
        "passwords cross the network in clear (http:// with allow_cleartext): use https://",
    ));
    Ok((Settings { script, options }, finding))
}
