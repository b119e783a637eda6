//! The settings: what the script, Dovecot and the command line say.

use std::path::{Path, PathBuf};

use super::advice::about_file;
use super::arguments::Arguments;
use super::dovecot::{Dovecot, Passdb};
use super::report::{Finding, Outcome};
use super::script::Script;
use crate::options::Options;
use crate::options::value::Value;

const NAME: &str = "auth-httpbasic.lua";

/// Where INSTALL.md puts script and library.
pub const FOLDER: &str = "/etc/dovecot/lua";

/// Reads the settings as Dovecot does. Those of the command line replace them.
pub fn check(arguments: &Arguments, script: Option<&Path>) -> Outcome<Options> {
    let has_url = arguments.options.iter().any(|(name, _)| name == "url");
    let Some(path) = script else {
        if has_url {
            return finish(None, arguments.options.clone(), Finding::new(""));
        }
        return Err(Finding::new(format!("no {NAME} beside this program, nor in {FOLDER}"))
            .advise([format!("copy it into {FOLDER}, or name it: --script FILE")]));
    };
    let (dovecot, trouble) = match Dovecot::ask() {
        Ok(dovecot) => (dovecot, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let passdb = dovecot.as_ref().and_then(|dovecot| dovecot.passdb(path));
    // Dovecot 2.3 passes no settings to a script.
    let settings = passdb.filter(|_| dovecot.as_ref().is_some_and(|it| !it.is_2_3()));
    let trouble =
        trouble.map(|problem| format!("Dovecot's configuration is not checked: {problem}"));
    let script = Script::run(path, settings.map(|passdb| &passdb.settings[..]));
    let script = script.map_err(|problem| {
        let advice = "Dovecot cannot run this script either: correct it, or copy it again";
        Finding::new(problem).advise([about_file(path, advice)]).warn(trouble.clone())
    })?;
    let mut options = script.options;
    options.retain(|(name, _)| arguments.options.iter().all(|(other, _)| other != name));
    options.extend(arguments.options.iter().cloned());

    let mut finding = Finding::new(match (&dovecot, passdb) {
        (None, _) => String::new(),
        (Some(dovecot), Some(_)) => format!(", in a passdb of Dovecot {}", dovecot.version),
        (Some(dovecot), None) => format!(", in no passdb of Dovecot {}", dovecot.version),
    });
    finding = finding.warn(trouble);
    if let Some(dovecot) = &dovecot {
        finding = finding.warn(cache_key(dovecot, passdb, script.refused_is_unknown));
        finding = finding.warn((!dovecot.auth_verbose).then_some(
            "auth_verbose is off, so Dovecot does not log why a login is refused: auth_verbose = yes",
        ));
    }
    finish(Some(path), options, finding)
}

/// The script: the one that is named, the one beside this program, or the one where INSTALL.md puts it.
pub fn find(arguments: &Arguments) -> Option<PathBuf> {
    if let Some(path) = &arguments.script {
        // An absolute path has a folder.
        return Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()));
    }
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join(NAME));
    beside.into_iter().chain([Path::new(FOLDER).join(NAME)]).find(|path| path.exists())
}

/// What is wrong with the key of Dovecot 2.3's cache.
fn cache_key(
    dovecot: &Dovecot,
    passdb: Option<&Passdb>,
    refused_is_unknown: Option<bool>,
) -> Option<&'static str> {
    let passdb = passdb.filter(|_| dovecot.is_2_3() && dovecot.has_cache)?;
    let key = passdb.cache_key.as_deref().unwrap_or("%u");
    let has_password = key.contains("%w") || key.contains("%{password}");
    match (key.is_empty(), has_password, refused_is_unknown) {
        (true, ..) | (_, true, None | Some(true)) => None,
        (_, true, Some(false)) => Some(
            "the cache key has the password, but the script is not told so: set \
             cache_key_has_password = true in it, or a revoked password works again in an outage",
        ),
        (_, false, _) => Some(
            "the cache key lacks the password: add cache_key=%u:%w to the passdb's args, and \
             cache_key_has_password = true to the script",
        ),
    }
}

fn finish(
    script: Option<&Path>,
    options: Vec<(String, Value)>,
    dovecot: Finding,
) -> Outcome<Options> {
    let place = match script {
        Some(path) => format!("{}{}", path.display(), dovecot.text()),
        None => "the command line".into(),
    };
    let options = Options::new(options).map_err(|error| {
        Finding::new(format!("{place}: {error}"))
            .advise(["docs/options.md lists all options and their values"])
    })?;
    let url = &options.url;
    let in_clear = !url.is_https() && !url.is_loopback();
    let finding = dovecot.renamed(format!("{url}, from {place}")).warn(in_clear.then_some(
        "passwords cross the network in cleartext (http:// with allow_cleartext): use https://",
    ));
    let finding = finding.warn((!options.is_propfind()).then(|| {
        format!(
            "method = \"{}\" does not show whose password it is, so another user's may be accepted: \
             leave method out",
            options.method
        )
    }));
    Ok((options, finding))
}
