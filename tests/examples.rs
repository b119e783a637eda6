//! Each example's own Dovecot files in a real Dovecot of the version they are for.
//!
//! What docker-mailserver has around them is written anew here, as far as it matters: a dovecot.conf
//! that includes `conf.d/*.conf` and then `local.conf`, which is the user's `dovecot.cf`. A file of
//! accounts stands in for LDAP.

mod support;

use std::fs;
use std::path::Path;

use support::ca::Ca;
use support::configuration;
use support::dovecot::{self, Dovecot, Setup, Version};
use support::nginx::Nginx;

const USER: &str = "alice@example.com";
const PASSWORD: &str = "the web server's password";
/// What the accounts' file, or the directory, has as the password.
const FORMER: &str = "the directory's password";

fn example(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Accounts as docker-mailserver's `setup email add` writes them, with the test's own paths.
fn accounts(folder: &Path) -> String {
    format!("{USER}:{{PLAIN}}{FORMER}:65534:65534::{}/mail/{USER}::\n", folder.display())
}

/// A Dovecot whose configuration folder holds these files; paths and names that only exist in a mail
/// server are the test's own.
fn start(version: Version, nginx: &Nginx, files: &[(&str, String)]) -> Dovecot {
    let setup =
        Setup::new(&nginx.url(), Some(&nginx.ca_file())).with("cache_key_has_password", "true");
    Dovecot::start_on(version, &dovecot::script(version, &setup), |folder, imap_port| {
        fs::create_dir(folder.join("conf.d")).unwrap();
        let includes = "!include conf.d/*.conf\n!include_try local.conf\n";
        let base = configuration::base(version, folder, imap_port);
        fs::write(folder.join("dovecot.conf"), base + includes).unwrap();
        fs::write(folder.join("userdb"), accounts(folder)).unwrap();
        let own = folder.to_str().unwrap();
        let url = format!("{}\n    ca_file = {}", nginx.url(), nginx.ca_file().display());
        for (name, text) in files {
            let text = text
                .replace("/etc/dovecot/", &format!("{own}/"))
                .replace("/var/mail/", &format!("{own}/mail/"))
                .replace("=docker", "=nobody")
                .replace("gid=nobody", "gid=nogroup")
                .replace("https://nextcloud.example.com/remote.php/dav/", &url);
            fs::write(folder.join(name), text).unwrap();
        }
    })
}

/// The web server's password opens the mailbox, once from the server and once from the cache; the
/// former one does not.
fn logs_in(version: Version, files: &[(&str, String)]) {
    let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
    let dovecot = start(version, &nginx, files);
    for _ in 0..2 {
        let answer = dovecot.imap_login(USER, PASSWORD);
        assert!(answer.starts_with("OK "), "{answer}\n{}", dovecot.log());
    }
    assert_eq!(nginx.requests(1), [format!("207 PROPFIND {USER} 127.0.0.1")], "the cache is on");
    for password in [FORMER, "another one"] {
        let answer = dovecot.imap_login(USER, password);
        assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}\n{}", dovecot.log());
    }
    assert_eq!(nginx.requests(3).len(), 3);
    // A refused password is remembered as such, with the user: he is not locked out.
    dovecot.imap_login(USER, FORMER);
    assert_eq!(nginx.requests(3).len(), 3, "{}", dovecot.log());
    assert!(dovecot.imap_login(USER, PASSWORD).starts_with("OK "));
}

fn auth_conf(include: &str) -> (&'static str, String) {
    ("conf.d/10-auth.conf", format!("auth_mechanisms = plain login\n!include {include}\n"))
}

/// LDAP in a Dovecot 2.3: the accounts' file instead.
fn without_ldap_2_3(text: &str) -> String {
    let (ldap, file) = ("driver = ldap\n  args = ", "driver = passwd-file\n  args = ");
    assert!(text.contains(ldap), "{text}");
    text.replace(ldap, file).replace("dovecot-ldap.conf.ext", "userdb")
}

#[test]
fn dms_debian12_ldap_logs_in() {
    let ldap = without_ldap_2_3(&example("dms-debian12/ldap/auth-ldap.conf.ext"));
    logs_in(
        Version::V2_3,
        &[
            auth_conf("auth-ldap.conf.ext"),
            ("conf.d/auth-ldap.conf.ext", ldap),
            ("local.conf", example("dms-debian12/ldap/dovecot.cf")),
        ],
    );
}

#[test]
fn dms_debian12_file_logs_in() {
    logs_in(
        Version::V2_3,
        &[
            auth_conf("auth-passwdfile.inc"),
            ("conf.d/auth-passwdfile.inc", example("dms-debian12/file/auth-passwdfile.inc")),
            ("local.conf", example("dms-debian12/file/dovecot.cf")),
        ],
    );
}

#[test]
fn dovecot_2_3_logs_in() {
    let text = example("dovecot-2.3/auth-httpbasic.conf.ext");
    let text =
        text.replace("driver = passwd\n", "driver = passwd-file\n  args = /etc/dovecot/userdb\n");
    let file = ("conf.d/auth-httpbasic.conf.ext", text);
    logs_in(Version::V2_3, &[auth_conf("auth-httpbasic.conf.ext"), file]);
}

mod only_dovecot_2_4 {
    use super::*;

    /// A passdb and a userdb of these names, as docker-mailserver has them, on the accounts' file.
    fn named(passdb: &str, userdb: &str) -> String {
        let file = "driver = passwd-file\n  passwd_file_path = /etc/dovecot/userdb";
        format!("passdb {passdb} {{\n  {file}\n}}\nuserdb {userdb} {{\n  {file}\n}}\n")
    }

    #[test]
    fn dms_debian13_ldap_logs_in() {
        logs_in(
            Version::V2_4,
            &[
                auth_conf("auth-ldap.conf.ext"),
                ("conf.d/auth-ldap.conf.ext", named("ldap", "ldap")),
                ("local.conf", example("dms-debian13/ldap/dovecot.cf")),
            ],
        );
    }

    #[test]
    fn dms_debian13_file_logs_in() {
        logs_in(
            Version::V2_4,
            &[
                auth_conf("auth-passwdfile.inc"),
                ("conf.d/auth-passwdfile.inc", named("passdb-default", "userdb-default")),
                ("local.conf", example("dms-debian13/file/dovecot.cf")),
            ],
        );
    }

    #[test]
    fn dovecot_2_4_logs_in() {
        let text = example("dovecot-2.4/auth-httpbasic.conf.ext");
        let file =
            "userdb file {\n  driver = passwd-file\n  passwd_file_path = /etc/dovecot/userdb\n";
        let text = text.replace("userdb passwd {\n", file);
        assert!(text.contains(file));
        let file = ("conf.d/auth-httpbasic.conf.ext", text);
        logs_in(Version::V2_4, &[auth_conf("auth-httpbasic.conf.ext"), file]);
    }
}

#[test]
fn an_examples_volumes_are_those_of_its_files() {
    for (folder, file) in [
        ("dms-debian12/ldap", Some("auth-ldap.conf.ext")),
        ("dms-debian12/file", Some("auth-passwdfile.inc")),
        ("dms-debian13/ldap", None),
        ("dms-debian13/file", None),
    ] {
        let compose = example(&format!("{folder}/compose.yaml"));
        let volumes: Vec<_> =
            compose.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
        let here = "./docker-data/dms/config/dovecot";
        let mut expected = vec![format!("{here}/lua/:/etc/dovecot/lua/:ro")];
        expected.extend(file.map(|name| format!("{here}/{name}:/etc/dovecot/conf.d/{name}:ro")));
        assert_eq!(volumes, expected, "{folder}");
        if let Some(name) = file {
            example(&format!("{folder}/{name}"));
        }
    }
}
