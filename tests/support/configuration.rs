//! The dovecot.conf for a Dovecot in a folder of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::dovecot::{Setup, Version};

/// The whole file, for a Dovecot with the script and a mailbox for every user.
pub fn text(version: Version, folder: &Path, imap_port: u16, setup: &Setup) -> String {
    let databases = match version {
        Version::V2_3 => databases_2_3(folder, setup),
        Version::V2_4 => databases_2_4(folder, setup),
    };
    let mut base = base(version, folder, imap_port);
    if setup.default_delays {
        base = base.replace(no_delays(version), "");
    }
    [base, logging(version).into(), cache(setup), setup.extra.into(), databases].concat()
}

/// Adds a `protocol` block for each of these protocols to the dovecot.conf of a folder, as Debian and
/// docker-mailserver have them. Dovecot 2.4 creates a Lua state and a cache for each.
pub fn add_protocol_blocks(folder: &Path, protocols: &[&str]) {
    let block = |name| format!("protocol {name} {{\n  mail_max_userip_connections = 20\n}}\n");
    append(folder, &protocols.iter().map(block).collect::<String>());
}

/// Adds text to the dovecot.conf of a folder.
pub fn append(folder: &Path, text: &str) {
    let file = folder.join("dovecot.conf");
    let before = fs::read_to_string(&file).unwrap();
    fs::write(file, before + text).unwrap();
}

/// Logs everything about logins.
fn logging(version: Version) -> &'static str {
    match version {
        Version::V2_3 => "auth_debug = yes\nauth_verbose = yes\n",
        Version::V2_4 => "log_debug = category=auth\nauth_verbose = yes\n",
    }
}

/// The settings for every Dovecot of the tests. They contain nothing that an example has to set.
pub fn base(version: Version, folder: &Path, imap_port: u16) -> String {
    match version {
        Version::V2_3 => base_2_3(folder, imap_port),
        Version::V2_4 => base_2_4(folder, imap_port),
    }
}

/// The settings of the auth cache, which have the same names in both versions.
fn cache(setup: &Setup) -> String {
    setup.cache_secs.map_or(String::new(), |(ttl, negative_ttl)| {
        format!(
            "auth_cache_size = 10M\nauth_cache_ttl = {ttl} secs\n\
             auth_cache_negative_ttl = {negative_ttl} secs\n"
        )
    })
}

fn id(what: &str) -> String {
    let output = Command::new("id").arg(what).output().expect("id runs");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// The cache key of the examples, with another salt.
const HASHED_KEY_2_3: &str = "cache_key=%u:%{sha256;rounds=100,salt=0f1e2d3c:password}";

/// The passdb of the examples that hashes the password for the cache key, with another salt.
const HASH_PASSDB_2_4: &str = r#"passdb hash {
  driver = static
  mechanisms_filter = plain login
  fields {
    noauthenticate = yes
    password_hash = %{password | sha256(rounds=100, salt="0f1e2d3c") | hexlify}
  }
}"#;

/// The user and group of the mailboxes, and the settings that allow Dovecot to run without root.
fn mail_user() -> (String, String, String) {
    if id("-u") == "0" {
        return ("nobody".into(), "nogroup".into(), String::new());
    }
    let (user, group) = (id("-un"), id("-gn"));
    let rootless = format!(
        "default_internal_user = {user}\ndefault_internal_group = {group}\n\
         default_login_user = {user}\nservice anvil {{\n  chroot =\n}}\n\
         service imap-login {{\n  chroot =\n}}\nservice auth-worker {{\n  user = {user}\n}}\n"
    );
    (user, group, rootless)
}

/// Failed logins are not delayed.
fn no_delays(version: Version) -> &'static str {
    match version {
        Version::V2_3 => {
            "auth_failure_delay = 0\nservice anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n"
        }
        Version::V2_4 => {
            "auth_failure_delay = 0\nauth_internal_failure_delay = 0\nservice anvil {\n  \
             unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n"
        }
    }
}

fn base_2_3(folder: &Path, imap_port: u16) -> String {
    let folder = folder.display();
    let no_delays = no_delays(Version::V2_3);
    let (_, _, rootless) = mail_user();
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
{no_delays}
mail_location = maildir:{folder}/mail/%u
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
{rootless}
"#
    )
}

fn databases_2_3(folder: &Path, setup: &Setup) -> String {
    let folder = folder.display();
    let (user, group, _) = mail_user();
    let args = if setup.hashed_key { HASHED_KEY_2_3 } else { setup.args };
    let master = if setup.master {
        format!(
            "auth_master_user_separator = *\npassdb {{\n  driver = passwd-file\n  master = yes\n  \
             args = {folder}/masters\n  result_success = continue\n}}\n"
        )
    } else {
        String::new()
    };
    format!(
        r#"
{master}
passdb {{
  driver = lua
  args = file={folder}/lua/auth-httpbasic.lua blocking=yes {args}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u allow_all_users=yes
}}
"#
    )
}

fn base_2_4(folder: &Path, imap_port: u16) -> String {
    let folder = folder.display();
    let no_delays = no_delays(Version::V2_4);
    let (_, _, rootless) = mail_user();
    format!(
        r#"
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols {{
  imap = yes
}}
listen = 127.0.0.1
ssl = no
auth_allow_cleartext = yes
auth_mechanisms = plain login
{no_delays}
mail_driver = maildir
mail_path = {folder}/mail/%{{user}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
{rootless}
"#
    )
}

fn databases_2_4(folder: &Path, setup: &Setup) -> String {
    let folder = folder.display();
    let (user, group, _) = mail_user();
    let master = if setup.master {
        format!(
            "auth_master_user_separator = *\npassdb masters {{\n  driver = passwd-file\n  \
             master = yes\n  passwd_file_path = {folder}/masters\n  result_success = continue\n}}\n"
        )
    } else {
        String::new()
    };
    let mut settings: String =
        setup.settings.iter().map(|(name, value)| format!("    {name} = \"{value}\"\n")).collect();
    let hash = if setup.hashed_key { HASH_PASSDB_2_4 } else { "" };
    if setup.hashed_key {
        settings += "    cache_key_has_hash = yes\n";
    }
    format!(
        r#"
{master}
{hash}
passdb httpbasic {{
  driver = lua
  lua_file = {folder}/lua/auth-httpbasic.lua
  lua_settings {{
{settings}  }}
}}
userdb static {{
  driver = static
  fields {{
    uid = {user}
    gid = {group}
    home = {folder}/mail/%{{user}}
  }}
}}
"#
    )
}
