//! The settings: what the script, Dovecot and the command line say.

use std::path::{Path, PathBuf};

use super::advice::about_file;
use super::arguments::Arguments;
use super::dovecot::{Dovecot, Passdb};
use super::passdb;
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
    let passdbs = dovecot.as_ref().map_or_else(Vec::new, |dovecot| dovecot.passdbs_with(path));
    let passdb = passdbs.first().copied();
    // Dovecot 2.3 passes no settings to a script.
    let dovecot_2_4 = dovecot.as_ref().filter(|it| !it.is_2_3());
    let expanded = passdb.zip(dovecot_2_4).map(|(passdb, dovecot)| {
        expand(passdb, dovecot, |name| arguments.options.iter().any(|(other, _)| other == name))
    });
    let expanded = expanded.transpose()?;
    let trouble =
        trouble.map(|problem| format!("Dovecot's configuration is not checked: {problem}"));
    let script = Script::run(path, expanded.as_ref().map(|it| &it.settings[..]));
    let script = script.map_err(|problem| {
        let advice = "Dovecot cannot run this script either: correct it, or copy it again";
        Finding::new(problem).advise([about_file(path, advice)]).warn(trouble.clone())
    })?;
    let mut options = script.options.clone();
    options.retain(|(name, _)| arguments.options.iter().all(|(other, _)| other != name));
    options.extend(arguments.options.iter().cloned());

    let mut finding = Finding::new(match (&dovecot, passdb) {
        (None, _) => String::new(),
        (Some(dovecot), Some(_)) => format!(", in a passdb of Dovecot {}", dovecot.version),
        (Some(dovecot), None) => format!(", in no passdb of Dovecot {}", dovecot.version),
    });
    finding = finding.warn(trouble);
    if let Some(dovecot) = &dovecot {
        finding = finding.warn(passdb::warnings(dovecot, passdb, &script));
        if !has_url {
            finding = finding.warn(unchecked(&passdbs));
        }
    }
    if let Some(expanded) = expanded {
        let text = format!("{}{}", finding.text(), expanded.text);
        finding = finding.renamed(text).warn(expanded.warnings);
    }
    finish(Some(path), options, finding)
}

/// Says that only the first of these passdbs is checked, unless the others have the same settings.
fn unchecked(passdbs: &[&Passdb]) -> Vec<String> {
    let Some((first, others)) = passdbs.split_first() else { return Vec::new() };
    let others = others.iter().filter(|other| other.lua_settings != first.lua_settings);
    let warning = |other: &&Passdb| {
        format!(
            "the settings of passdb {} are checked, and not those of passdb {}: give them as options, \
             such as --url URL",
            first.name, other.name
        )
    };
    others.map(warning).collect()
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

/// The settings of a passdb after Dovecot has expanded them.
struct Expanded {
    settings: Vec<(String, String)>,
    /// The values that come from variables.
    text: String,
    warnings: Vec<String>,
}

/// Expands the variables of the environment. A setting whose value cannot be known here is left out,
/// unless the command line replaces it.
fn expand(
    passdb: &Passdb,
    dovecot: &Dovecot,
    is_replaced: impl Fn(&str) -> bool,
) -> Result<Expanded, Finding> {
    let mut expanded = Expanded { settings: Vec::new(), text: String::new(), warnings: Vec::new() };
    for (name, value) in passdb.lua_settings.iter().filter(|(name, _)| !is_replaced(name)) {
        if value.starts_with('<') {
            return Err(Finding::new(format!(
                "{name} = {value}: Dovecot puts the text of the file into the setting, and then does \
                 not start"
            ))
            .advise(["write the path without <"]));
        }
        match environment(value, dovecot) {
            Ok(known) => {
                if known != *value {
                    expanded.text += &format!(", with {name} = {known} from {value}");
                }
                expanded.settings.push((name.clone(), known));
            }
            Err(problem) if name == "url" => {
                return Err(Finding::new(format!("{name} = {value}: {problem}"))
                    .advise(["give the URL: --url URL"]));
            }
            Err(problem) => expanded.warnings.push(format!(
                "{name} = {value} is not checked, since {problem}: --{} VALUE",
                name.replace('_', "-")
            )),
        }
    }
    Ok(expanded)
}

/// A value with its variables of the environment, `%{env:NAME}` and `$ENV:NAME`, expanded.
fn environment(value: &str, dovecot: &Dovecot) -> Result<String, String> {
    if let Some(variable) = value.strip_prefix("$ENV:") {
        return variable_of(variable, dovecot);
    }
    let (mut text, mut rest) = (String::new(), value);
    while let Some((before, after)) = rest.split_once("%{") {
        let (variable, end) = after.split_once('}').ok_or("it has no }")?;
        let variable = variable.strip_prefix("env:");
        let variable = variable.ok_or("Dovecot expands %{env:…} alone there")?;
        text = text + before + &variable_of(variable, dovecot)?;
        rest = end;
    }
    Ok(text + rest)
}

/// The value of a variable in Dovecot's environment.
fn variable_of(name: &str, dovecot: &Dovecot) -> Result<String, String> {
    let value = dovecot.environment.get(name);
    let value = value.ok_or_else(|| format!("Dovecot does not have {name}: import_environment"))?;
    // Dovecot imports it from where it was started, which is the same environment in a container.
    if value == format!("%{{env:{name}}}") {
        let value = std::env::var(name).ok();
        return value.ok_or_else(|| format!("this program does not have the variable {name}"));
    }
    Ok(value.into())
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
