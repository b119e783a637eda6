//! The archives, the Debian package and the rock: their contents, and a login with each in a clean
//! Debian, following the instructions in the package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;

use crate::builds::{checkout_on_debian_13, in_checkout};
use crate::support::ca::Ca;
use crate::support::debian::Debian;
use crate::support::dovecot::Version;
use crate::support::nginx::Nginx;
use crate::support::{checker, findings, imap, library, links, port};
use crate::{PASSWORD, PROJECT, USER, VERSION, run, shell, unpack};

/// Where INSTALL.md puts the files.
const LUA: &str = "/etc/dovecot/lua";

/// Held while the packages for another processor are written, or all checksums are checked.
pub static DIST: Mutex<()> = Mutex::new(());

/// The folder with all packages, which are built once per process.
pub fn packages() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        run(Command::new("make").args(["--silent", "deb", "dist"]).current_dir(PROJECT));
        library::target().join("dist")
    })
}

fn deb() -> PathBuf {
    packages().join(format!("dovecot-lua-httpbasic_{VERSION}_amd64.deb"))
}

fn archive(lua: &str) -> PathBuf {
    packages().join(format!("dovecot-lua-httpbasic-{VERSION}-lua{lua}-x86_64-linux-gnu.tar.gz"))
}

/// The archive's files, in a folder that other users can read.
fn unpacked(lua: &str) -> TempDir {
    unpack(&archive(lua))
}

/// A copy of the checkout, including changes that are not committed.
pub fn copy_of_the_checkout() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let copy = "git clone --quiet . \"$0\"; git ls-files -z | xargs -0 cp --parents -t \"$0\"";
    run(Command::new("bash").args(["-euc", copy]).arg(folder.path()).current_dir(PROJECT));
    shell(&format!("chmod 755 {path}; git add --all"), folder.path());
    folder
}

#[test]
fn the_checksums_of_an_archive_and_of_its_files_are_right() {
    let folder = packages();
    {
        let _complete = DIST.lock().unwrap();
        shell("sha256sum --check SHA256SUMS", folder);
    }
    for lua in ["5.4", "5.3"] {
        let folder = unpacked(lua);
        let files = shell("sha256sum --check SHA256SUMS", folder.path());
        for file in [
            "lua/httpbasic.so",
            "lua/auth-httpbasic.lua",
            "lua/base64.lua",
            "lua/httpbasic-check",
            "examples/README.md",
            "examples/dovecot-2.3/auth-httpbasic.conf.ext",
            "examples/fail2ban/httpbasic.conf",
            "docs/options.md",
            "docs/login.svg",
            "INSTALL.md",
            "README.md",
            "LICENSE",
            "licenses/crates.txt",
        ] {
            assert!(files.contains(&format!("{file}: OK")), "{file} is not in\n{files}");
        }
        let text = fs::read_to_string(folder.path().join("INSTALL.md")).unwrap();
        assert!(text.contains(&format!("httpbasic {VERSION} for Lua {lua}")), "{text}");
        assert!(!text.contains('@'), "{text}");
    }
}

#[test]
fn no_link_of_a_packaged_document_is_dead() {
    let archive = unpacked("5.4");
    let deb = tempfile::tempdir().unwrap();
    let extract = "dpkg-deb --extract \"$0\" .";
    run(Command::new("bash").args(["-euc", extract]).arg(self::deb()).current_dir(&deb));
    let doc = deb.path().join("usr/share/doc/dovecot-lua-httpbasic");
    for folder in [archive.path(), &doc] {
        let documents = links::documents(folder, &[]);
        assert!(documents.iter().any(|path| path.ends_with("docs/options.md")), "{documents:?}");
        assert!(links::follow(&documents) > 60);
    }
    let text = fs::read_to_string(doc.join("README.Debian")).unwrap();
    let words = text.split([' ', '\n']).map(|word| word.trim_end_matches([',', '.']));
    for path in words.filter(|word| word.starts_with("docs/") || word.starts_with("examples/")) {
        assert!(doc.join(path).exists(), "README.Debian names {path}");
    }
}

#[test]
fn the_archive_for_lua_5_3_is_for_lua_5_3() {
    let folder = unpacked("5.3");
    let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
    let script = format!(
        "package.cpath = 'lua/?.so'
         local options = {{ url = '{}', ca_file = '{}' }}
         print(_VERSION, require('httpbasic').client(options):verify('{USER}', '{PASSWORD}'))",
        nginx.url(),
        nginx.ca_file().display()
    );
    let text = run(Command::new("lua5.3").args(["-e", &script]).current_dir(&folder));
    assert!(text.starts_with("Lua 5.3\tok\t"), "{text}");
}

#[test]
fn every_linked_crate_has_its_license_and_no_file_names_a_path_of_this_machine() {
    let folder = unpacked("5.4");
    let licenses = fs::read_to_string(folder.path().join("licenses/crates.txt")).unwrap();
    let copyright = "/usr/share/doc/dovecot-lua-httpbasic/copyright";
    let copyright = shell(
        &format!(
            "dpkg-deb --fsys-tarfile {} | tar --extract --to-stdout .{copyright}",
            deb().display()
        ),
        folder.path(),
    );
    // Panic messages contain the paths of source files.
    let binaries = ["lua/httpbasic.so", "lua/httpbasic-check"];
    let binaries = binaries.map(|name| fs::read(folder.path().join(name)).unwrap()).concat();
    let strings = String::from_utf8_lossy(&binaries);
    let mut crates: Vec<_> = strings
        .split("/crates/")
        .skip(1)
        .filter_map(|rest| rest.split_once('/'))
        .map(|(name, _)| name)
        .collect();
    crates.sort_unstable();
    crates.dedup();
    assert!(crates.len() > 10, "{crates:?}");
    for name in crates.into_iter().chain(["webpki-roots-", "zeroize-"]) {
        for text in [&licenses, &copyright] {
            assert!(text.contains(&format!("\n{name}")), "{name}");
        }
    }
    // Licenses with more conditions than MIT.
    for expected in [
        "--- LICENSE-BoringSSL",
        "--- LICENSE-other-bits",
        "Community Data License Agreement",
        "Lua.org, PUC-Rio",
    ] {
        assert!(licenses.contains(expected) && copyright.contains(expected), "{expected}");
    }
    for path in [PROJECT, "/registry/src/", "/.cargo/", "/.rustup/"] {
        assert!(!strings.contains(path), "{path}");
    }
}

#[test]
fn two_builds_of_one_commit_are_the_same_bytes() {
    let copy = copy_of_the_checkout();
    // The second build also has other folders, another umask and another time zone.
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"));
    let other_home = copy.path().join("target/crates");
    fs::create_dir(copy.path().join("target")).unwrap();
    std::os::unix::fs::symlink(cargo_home, &other_home).unwrap();
    run(Command::new("bash")
        .args(["-euc", "umask 077; packages/archive 5.4; packages/deb"])
        .env("CARGO_TARGET_DIR", copy.path().join("target"))
        .env("CARGO_HOME", other_home)
        .env("TZ", "Asia/Tokyo")
        .current_dir(&copy));
    for made in [archive("5.4"), deb()] {
        let other = copy.path().join("target/dist").join(made.file_name().unwrap());
        assert!(fs::read(&made).unwrap() == fs::read(&other).unwrap(), "{}", made.display());
    }
}

#[test]
fn lintian_reports_nothing_about_the_debian_package() {
    run(Command::new("lintian").args(["--allow-root", "--fail-on", "error,warning"]).arg(deb()));
}

/// Follows the steps of `docs/dovecot.md`. The library and the script must be installed.
fn configure(debian: &mut Debian, release: &str, examples: &str, nginx: &Nginx) {
    let (url, ca_file) = (nginx.url(), nginx.ca_file());
    let ca_file = ca_file.display();
    let example = if release == "12" { "dovecot-2.3" } else { "dovecot-2.4" };
    debian.run(&format!(
        "cp {examples}/{example}/auth-httpbasic.conf.ext /etc/dovecot/conf.d/
         cd /etc/dovecot/conf.d
         sed -i 's/CHANGE-ME/0f1e2d3c4b5a69788796a5b4c3d2e1f0/' auth-httpbasic.conf.ext
         grep -q '^!include auth-system.conf.ext' 10-auth.conf
         sed -i 's/^!include auth-system.conf.ext/!include auth-httpbasic.conf.ext/' 10-auth.conf"
    ));
    debian.run(&if release == "12" {
        format!(
            "sed -i -e 's|url = .*|url = \"{url}\", ca_file = \"{ca_file}\",|' \
                 -e 's|-- cache_key_has_password = true|cache_key_has_password = true|' \
                 /etc/dovecot/lua/auth-httpbasic.lua"
        )
    } else {
        format!(
            "sed -i 's|url = .*|url = {url}\\n    ca_file = {ca_file}|' \
                 /etc/dovecot/conf.d/auth-httpbasic.conf.ext"
        )
    });
}

/// Checks a successful and a failed login with the configuration of the examples.
fn logs_in(debian: &mut Debian, release: &str, examples: &str) {
    let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
    configure(debian, release, examples, &nginx);

    // A user with a mailbox, and a port that no other test uses.
    let port = port::free();
    debian.run(&format!(
        "useradd --create-home {USER}
         printf '%s\\n' 'listen = 127.0.0.1' 'protocols = imap' 'log_path = /var/log/dovecot.log' \
             'service imap-login {{' 'inet_listener imap {{' 'port = {port}' '}}' \
             'inet_listener imaps {{' 'port = 0' '}}' '}}' >/etc/dovecot/conf.d/99-test.conf
         dovecot"
    ));
    let answer = imap::login(port, USER, PASSWORD);
    let log = debian.run("cat /var/log/dovecot.log");
    assert!(answer.starts_with("OK "), "{answer}\n{log}");
    assert_eq!(nginx.requests(1), [format!("207 PROPFIND {USER} 127.0.0.1")]);
    let answer = imap::login(port, USER, "another one");
    assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}");
    let log = debian.run("cat /var/log/dovecot.log");
    assert!(log.contains("refused: 401 Unauthorized"), "{log}");
    debian.run(&format!("doveadm auth test {USER} '{PASSWORD}'"));
    let (succeeded, text) = debian.attempt(&format!("doveadm auth test {USER} 'another one'"));
    assert!(!succeeded && text.contains("auth failed"), "{text}");
}

fn the_archive_logs_a_user_in(release: &str) {
    let folder = unpacked("5.4");
    let path = folder.path().display();
    let mut debian = Debian::start(release);
    debian.run(&format!(
        "cd {path}
         install -d /etc/dovecot/lua
         install -m 644 lua/httpbasic.so lua/auth-httpbasic.lua /etc/dovecot/lua/"
    ));
    logs_in(&mut debian, release, &format!("{path}/examples"));
}

/// A Debian with the archive's files beside each other, and without Lua and openssl.
fn with_the_archive_alone(release: &str, folder: &Path) -> Debian {
    let mut debian = Debian::start(release);
    debian.run(&format!(
        "rm -f /usr/bin/lua* /usr/bin/openssl /usr/lib/*/liblua*
         install -d {LUA}
         cp {0}/lua/httpbasic.so {0}/lua/httpbasic-check {0}/lua/auth-httpbasic.lua {LUA}/",
        folder.display()
    ));
    debian
}

/// Runs the archive's program with a password on standard input. Its exit status and what it says.
fn check(debian: &mut Debian, password: &str, arguments: &[String]) -> (i32, String) {
    let quoted: Vec<_> =
        arguments.iter().map(|it| format!("'{}'", it.replace('\'', "'\\''"))).collect();
    let text = debian.run(&format!(
        "echo '{password}' | {LUA}/httpbasic-check {} && echo 0 || echo $?",
        quoted.join(" ")
    ));
    let (text, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), format!("{text}\n"))
}

fn the_archives_checker_finds_every_fault(release: &str) {
    let folder = unpacked("5.4");
    findings::find_all(|| {
        let mut debian = with_the_archive_alone(release, folder.path());
        move |arguments| check(&mut debian, checker::PASSWORD, arguments)
    });
}

fn the_archives_checker_reads_dovecots_settings(release: &str) {
    let folder = unpacked("5.4");
    let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
    let mut debian = with_the_archive_alone(release, folder.path());
    configure(&mut debian, release, &format!("{}/examples", folder.path().display()), &nginx);
    let arguments = ["--user", USER, "--password-stdin"].map(String::from);
    let (status, text) = check(&mut debian, PASSWORD, &arguments);
    assert!(status == 0 && text.contains(&format!("✓ library     {LUA}/httpbasic.so, ")), "{text}");
    assert!(text.contains(", in a passdb of Dovecot 2."), "{text}");
    // Debian's version in this folder may have known faults.
    let mut warnings = text.lines().filter(|line| line.contains("! "));
    assert!(warnings.all(|line| line.contains(" known faults in authentication ")), "{text}");
    let (status, text) = check(&mut debian, "another one", &arguments);
    assert!(status == 1 && text.contains("✗ password    401 Unauthorized"), "{text}");
    let other = unpacked("5.3");
    debian.run(&format!("cp {}/lua/httpbasic.so {LUA}/", other.path().display()));
    let (status, text) = check(&mut debian, PASSWORD, &arguments);
    let expected = "is for Lua 5.3, and Dovecot has Lua 5.4";
    assert!(status == 1 && text.contains(expected), "{text}");
}

/// A command that lists all files and folders, except dpkg's own records.
const FILES: &str = "find / -xdev -not -path '/var/lib/dpkg/*' -not -path '/var/log/*' | sort";
/// A command that lists the running programs. It avoids a pipe, which might list itself.
const PROCESSES: &str = "names=$(cat /proc/[0-9]*/comm); sort -u <<<\"$names\"";

fn the_debian_package_logs_a_user_in(release: &str) {
    let deb = deb();
    let mut debian = Debian::start(release);
    debian.run(&format!("apt-get install --quiet --quiet --yes {}", deb.display()));
    logs_in(&mut debian, release, "/usr/share/doc/dovecot-lua-httpbasic/examples");
    // An upgrade, to the same version here, makes Dovecot load the new library.
    debian.run(&format!("dpkg --install {}", deb.display()));
    let reloaded = "until grep -q 'SIGHUP received' /var/log/dovecot.log; do sleep 0.1; done";
    debian.run(&format!("timeout 60 bash -c \"{reloaded}\""));
}

fn the_debian_package_starts_nothing_and_leaves_nothing(release: &str) {
    let install = format!("dpkg --install {}", deb().display());
    let mut debian = Debian::start(release);
    let (files, processes) = (debian.run(FILES), debian.run(PROCESSES));
    debian.run(&install);
    assert_eq!(debian.run(PROCESSES), processes);
    assert_eq!(debian.run("dpkg --verify dovecot-lua-httpbasic"), "");
    let script = "/etc/dovecot/lua/auth-httpbasic.lua";
    debian.run(&format!("echo '-- edited' >>{script}; {install}; grep -q edited {script}"));
    debian.run(&format!("dpkg --remove dovecot-lua-httpbasic; grep -q edited {script}"));
    debian.run("dpkg --purge dovecot-lua-httpbasic");
    assert_eq!(debian.run(FILES), files);
}

mod on_debian_12 {
    #[test]
    fn the_archives_checker_finds_every_fault() {
        super::the_archives_checker_finds_every_fault("12");
    }

    #[test]
    fn the_archives_checker_reads_dovecots_settings() {
        super::the_archives_checker_reads_dovecots_settings("12");
    }

    #[test]
    fn the_archive_logs_a_user_in() {
        super::the_archive_logs_a_user_in("12");
    }

    #[test]
    fn the_debian_package_logs_a_user_in() {
        super::the_debian_package_logs_a_user_in("12");
    }

    #[test]
    fn the_debian_package_starts_nothing_and_leaves_nothing() {
        super::the_debian_package_starts_nothing_and_leaves_nothing("12");
    }
}

mod on_debian_13 {
    use super::*;

    #[test]
    fn the_archives_checker_finds_every_fault() {
        super::the_archives_checker_finds_every_fault(Version::V2_4.debian());
    }

    #[test]
    fn the_archives_checker_reads_dovecots_settings() {
        super::the_archives_checker_reads_dovecots_settings(Version::V2_4.debian());
    }

    #[test]
    fn the_archive_logs_a_user_in() {
        super::the_archive_logs_a_user_in(Version::V2_4.debian());
    }

    #[test]
    fn the_debian_package_logs_a_user_in() {
        super::the_debian_package_logs_a_user_in(Version::V2_4.debian());
    }

    #[test]
    fn the_debian_package_starts_nothing_and_leaves_nothing() {
        super::the_debian_package_starts_nothing_and_leaves_nothing(Version::V2_4.debian());
    }

    #[test]
    fn luarocks_make_installs_what_logs_a_user_in() {
        let mut debian = checkout_on_debian_13();
        let rock = in_checkout(
            &mut debian,
            "luarocks --lua-version 5.4 make >&2
             luarocks --lua-version 5.4 show --rock-dir dovecot-lua-httpbasic",
        );
        let (text, rock) = rock.rsplit_once('\n').unwrap();
        let script = format!("{rock}/conf/auth-httpbasic.lua");
        let expected = format!("Copy the script for Dovecot to {LUA}: {script}\n");
        assert!(text.contains(&expected), "{text}");
        debian.run(&format!("install -d {LUA}; cp {script} {LUA}/"));
        let (_, text) = debian.attempt("httpbasic-check --url https://localhost:1/");
        let expected = "✓ library     /usr/local/lib/lua/5.4/httpbasic.so, for Lua 5.4";
        assert!(text.contains(expected) && text.contains("✗ connection "), "{text}");
        logs_in(&mut debian, "13", &format!("{rock}/examples"));
    }
}
