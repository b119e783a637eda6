//! The packages for arm64: built on another processor, run by QEMU.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::packages::{self, DIST};
use crate::support::ca::Ca;
use crate::support::dovecot::{Setup, Version};
use crate::support::nginx::Nginx;
use crate::support::process::Process;
use crate::support::{configuration, dovecot, imap, library, port};
use crate::{PASSWORD, PROJECT, USER, VERSION, run, shell, unpack};

const HOST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/debian");

/// Runs a script, which must succeed, with the processor to build for in its environment.
fn make(script: &str) {
    shell(&format!("export TARGET=aarch64-unknown-linux-gnu; {script}"), Path::new(PROJECT));
}

/// The folder with the archive and the Debian package, which are built once per process.
fn dist() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // Building takes long, and needs no lock.
        make("packages/library 5.4; packages/checker");
        let folder = packages::packages().to_path_buf();
        let _complete = DIST.lock().unwrap();
        make("packages/archive 5.4; packages/deb");
        folder
    })
}

fn archive() -> PathBuf {
    dist().join(format!("dovecot-lua-httpbasic-{VERSION}-lua5.4-aarch64-linux-gnu.tar.gz"))
}

fn deb() -> PathBuf {
    dist().join(format!("dovecot-lua-httpbasic_{VERSION}_arm64.deb"))
}

fn unpacked() -> TempDir {
    unpack(&archive())
}

/// Runs a Lua script with Debian's Lua for arm64 and the library of the archive.
fn lua(script: &str) -> String {
    let folder = unpacked();
    run(Command::new(HOST).args(["13-arm64", "make"]));
    let root = run(Command::new(HOST).args(["13-arm64", "path"]));
    let root = root.trim();
    let script = format!("package.cpath = '{}/lua/?.so' {script}", folder.path().display());
    run(Command::new(HOST)
        .args(["13-build", "run", "qemu-aarch64", "-L", root])
        .arg(format!("{root}/usr/bin/lua5.4"))
        .args(["-e", &script]))
}

/// Checks a successful and a failed login through Debian's Dovecot for arm64.
fn dovecot_logs_in(version: Version, host: &str) {
    let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
    let library = unpacked();
    let folder = tempfile::tempdir().unwrap();
    let (path, port) = (folder.path(), port::free());
    run(Command::new("chmod").arg("755").arg(path));
    fs::create_dir_all(path.join("lua")).unwrap();
    fs::create_dir_all(path.join("mail")).unwrap();
    run(Command::new("chmod").arg("777").arg(path.join("mail")));
    fs::copy(library.path().join("lua/httpbasic.so"), path.join("lua/httpbasic.so")).unwrap();
    let setup = Setup::new(&nginx.url(), Some(&nginx.ca_file())).with("timeout_msecs", "50000");
    let setup = setup.with("connect_timeout_msecs", "50000");
    fs::write(path.join("lua/auth-httpbasic.lua"), dovecot::script(version, &setup)).unwrap();
    // The limit would include the memory of QEMU itself.
    let text = configuration::text(version, path, port, &setup)
        + match version {
            Version::V2_3 => "default_vsz_limit = 0\n",
            Version::V2_4 => "default_vsz_limit = unlimited\n",
        };
    let file = path.join("dovecot.conf");
    fs::write(&file, text).unwrap();

    // Make the folders first: the time limit for the start of Dovecot does not include that.
    for host in [host, "13-build"] {
        run(Command::new(HOST).args([host, "make"]));
    }
    let command = [HOST, host, "run", "/usr/sbin/dovecot", "-F", "-c", file.to_str().unwrap()];
    let mut process = Process::start(&command);
    process.wait_for_port(port);
    let log = || fs::read_to_string(path.join("dovecot.log")).unwrap_or_default();
    let answer = imap::login(port, USER, PASSWORD);
    assert!(answer.starts_with("OK "), "{answer}\n{}", log());
    let answer = imap::login(port, USER, "another one");
    assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}\n{}", log());
    assert_eq!(nginx.requests(2).len(), 2);
}

mod on_debian {
    use super::*;

    #[test]
    fn every_answer_of_lbase64_is_the_same_on_arm64() {
        let vectors = Path::new(PROJECT).join("tests/vectors");
        let vectors = vectors.display();
        let count = lua(&format!(
            "local base64 = require('httpbasic').base64
             print(loadfile('{vectors}/lbase64.lua')(base64, '{vectors}/lbase64.tsv'))"
        ));
        assert_eq!(count.trim(), "1214");
    }

    #[test]
    fn arm64_asks_a_server_over_tls() {
        let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
        let text = lua(&format!(
            "local options = {{ url = '{}', ca_file = '{}', timeout_msecs = 50000 }}
             local client = require('httpbasic').client(options)
             print(client:verify('{USER}', '{PASSWORD}'))
             print(client:verify('{USER}', 'another one'))",
            nginx.url(),
            nginx.ca_file().display()
        ));
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("ok\t") && lines[1].starts_with("refused\t"), "{text}");
    }

    #[test]
    fn the_debian_package_is_for_arm64() {
        let deb = deb();
        let architecture =
            run(Command::new("dpkg-deb").arg("--field").arg(&deb).arg("Architecture"));
        assert_eq!(architecture.trim(), "arm64");
        let files = run(Command::new("dpkg-deb").arg("--contents").arg(&deb));
        assert!(files.contains("/usr/lib/aarch64-linux-gnu/lua/5.4/httpbasic.so\n"), "{files}");
    }

    #[test]
    fn the_documents_have_the_numbers_of_both_processors() {
        archive();
        let numbers = run(Command::new("bash")
            .args(["-euc", "packages/library 5.4; packages/checker; packages/numbers"])
            .current_dir(PROJECT));
        let rows: Vec<_> = numbers.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(rows.len(), 2, "{numbers}");
        let read = |path| fs::read_to_string(Path::new(PROJECT).join(path)).unwrap();
        for row in &rows {
            assert!(row.contains("glibc 2.34 or newer"), "{row}");
            assert!(read("docs/dovecot.md").contains(row), "not in docs/dovecot.md: {row}");
        }
        let own = rows.iter().find(|row| row.contains(std::env::consts::ARCH)).unwrap();
        let size = own.split("library ").nth(1).unwrap().split(',').next().unwrap();
        for document in ["README.md", "docs/speed.md"] {
            let text = read(document).replace('\n', " ").replace("  ", " ");
            assert!(text.contains(&format!("library is {size}.")), "{document}: {own}");
        }
    }

    #[test]
    fn the_checker_for_arm64_starts_with_the_c_library_of_debian_12() {
        let folder = unpacked();
        run(Command::new(HOST).args(["12-arm64", "make"]));
        let root = run(Command::new(HOST).args(["12-arm64", "path"]));
        let text = run(Command::new(HOST)
            .args(["13-build", "run", "qemu-aarch64", "-L", root.trim()])
            .arg(folder.path().join("lua/httpbasic-check"))
            .arg("--version"));
        assert!(text.contains(VERSION), "{text}");
    }

    #[test]
    #[ignore = "minutes of emulation: make test-arm64"]
    fn dovecot_2_3_for_arm64_logs_a_user_in() {
        dovecot_logs_in(Version::V2_3, "12-arm64");
    }

    #[test]
    #[ignore = "minutes of emulation: make test-arm64"]
    fn dovecot_2_4_for_arm64_logs_a_user_in() {
        dovecot_logs_in(Version::V2_4, "13-arm64");
    }

    #[test]
    #[ignore = "minutes of building: make test-arm64"]
    fn two_builds_for_arm64_are_the_same_bytes() {
        let copy = packages::copy_of_the_checkout();
        let target = copy.path().join("target");
        fs::create_dir(&target).unwrap();
        // The folders with Debian are the same.
        for name in ["debian13-build", "debian12-arm64"] {
            let debian = library::target().join(name);
            std::os::unix::fs::symlink(debian, target.join(name)).unwrap();
        }
        run(Command::new("bash")
            .args(["-euc", "packages/archive 5.4; packages/deb"])
            .env("TARGET", "aarch64-unknown-linux-gnu")
            .env("CARGO_TARGET_DIR", &target)
            .current_dir(&copy));
        for made in [archive(), deb()] {
            let other = target.join("dist").join(made.file_name().unwrap());
            assert!(fs::read(&made).unwrap() == fs::read(&other).unwrap(), "{}", made.display());
        }
    }
}
