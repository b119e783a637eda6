//! The examples for plain Dovecot, in a real Dovecot of the right version. Also checks the files of
//! the examples for docker-mailserver; `tests/dms` logs in with these.

use std::fs;
use std::path::Path;

use crate::support::ca::Ca;
use crate::support::configuration;
use crate::support::dovecot::{self, Dovecot, Setup, Version};
use crate::support::nginx::Nginx;

const USER: &str = "alice@example.com";
const PASSWORD: &str = "the web server's password";
/// The password in the account file.
const FORMER: &str = "the account's password";

fn example(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Starts Dovecot with the example in its configuration folder. Paths and names that exist only on
/// a mail server are replaced, and an account file replaces the system's users.
fn start(version: Version, nginx: &Nginx, example: &str) -> Dovecot {
    let setup =
        Setup::new(&nginx.url(), Some(&nginx.ca_file())).with("cache_key_has_password", "true");
    Dovecot::start_on(version, &dovecot::script(version, &setup), |folder, imap_port| {
        fs::create_dir(folder.join("conf.d")).unwrap();
        let base = configuration::base(version, folder, imap_port);
        fs::write(folder.join("dovecot.conf"), base + "!include conf.d/*.conf\n").unwrap();
        let auth = "auth_mechanisms = plain login\n!include auth-httpbasic.conf.ext\n";
        fs::write(folder.join("conf.d/10-auth.conf"), auth).unwrap();
        let home = folder.join("mail").join(USER);
        let account = format!("{USER}:{{PLAIN}}{FORMER}:65534:65534::{}::\n", home.display());
        fs::write(folder.join("userdb"), account).unwrap();
        let url = format!("{}\n    ca_file = {}", nginx.url(), nginx.ca_file().display());
        let text = example
            .replace("/etc/dovecot/", &format!("{}/", folder.display()))
            .replace("https://nextcloud.example.com/remote.php/dav/", &url);
        fs::write(folder.join("conf.d/auth-httpbasic.conf.ext"), text).unwrap();
    })
}

/// Checks that the web server's password works, once from the server and once from the cache, and
/// that the password in the account file does not.
fn logs_in(version: Version, example: &str) {
    let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
    let dovecot = start(version, &nginx, example);
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
    let expected_text = "refused: 401 Unauthorized: wrong user name or password";
    assert!(dovecot.has_logged(expected_text, 2), "{}", dovecot.log());
    // The cache remembers the refusal for this password only, so the user is not locked out.
    dovecot.imap_login(USER, FORMER);
    assert_eq!(nginx.requests(3).len(), 3, "{}", dovecot.log());
    assert!(dovecot.has_logged("unknown user", 1), "{}", dovecot.log());
    assert!(dovecot.imap_login(USER, PASSWORD).starts_with("OK "));
    // No lookup without a password reaches the script.
    dovecot.doveadm(&["auth", "lookup", USER]);
    assert!(!dovecot.log().contains("no password to verify"), "{}", dovecot.log());
}

#[test]
fn dovecot_2_3_logs_in() {
    let text = example("dovecot-2.3/auth-httpbasic.conf.ext");
    let file = "driver = passwd-file\n  args = /etc/dovecot/userdb\n";
    let text = text.replace("driver = passwd\n", file);
    assert!(text.contains(file));
    logs_in(Version::V2_3, &text);
}

mod only_dovecot_2_4 {
    use super::*;

    #[test]
    fn dovecot_2_4_logs_in() {
        let text = example("dovecot-2.4/auth-httpbasic.conf.ext");
        let file =
            "userdb file {\n  driver = passwd-file\n  passwd_file_path = /etc/dovecot/userdb\n";
        let text = text.replace("userdb passwd {\n", file);
        assert!(text.contains(file));
        logs_in(Version::V2_4, &text);
    }
}

#[test]
fn an_examples_volumes_are_those_of_its_files_and_postfix_asks_dovecot() {
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
        assert!(compose.contains("\n      ENABLE_SASLAUTHD: 0\n"), "{folder}");
    }
}
