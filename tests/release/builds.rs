//! Builds from source: with `make install`, and by Debian 13 with its Rust, which is the oldest that
//! is supported.

use std::fs;
use std::process::Command;

use crate::support::debian::Debian;
use crate::support::library;
use crate::{PROJECT, VERSION, run};

#[test]
fn make_install_puts_everything_where_debian_looks_and_keeps_an_edited_script() {
    let folder = tempfile::tempdir().unwrap();
    let install = || {
        run(Command::new("make")
            .args(["--silent", "install"])
            .arg(format!("DESTDIR={}", folder.path().display()))
            .current_dir(PROJECT))
    };
    install();
    let script = folder.path().join("etc/dovecot/lua/auth-httpbasic.lua");
    fs::write(&script, "-- edited").unwrap();
    install();
    assert_eq!(fs::read_to_string(script).unwrap(), "-- edited");
    let text = run(Command::new(folder.path().join("usr/bin/httpbasic-check")).arg("--version"));
    assert!(text.contains(VERSION), "{text}");

    // Debian's path for Lua libraries, below DESTDIR.
    let cpath = run(Command::new("lua5.4").args(["-e", "io.write(package.cpath)"]));
    let places = cpath.split(';').map(|place| format!("{}{place}", folder.path().display()));
    let cpath = places.collect::<Vec<_>>().join(";");
    let script = format!("package.cpath = '{cpath}' print(require('httpbasic')._VERSION)");
    let text = run(Command::new("lua5.4").args(["-e", &script]));
    assert_eq!(text.trim(), VERSION);
}

/// A Debian 13 with this checkout. What it builds is kept below the target folder, so that it builds
/// the library and the checker once for all tests. Everything else that it writes is discarded.
pub fn checkout_on_debian_13() -> Debian {
    run(Command::new("cargo").args(["fetch", "--locked"]).current_dir(PROJECT));
    let built = library::target().join("debian13-target");
    fs::create_dir_all(&built).unwrap();
    let mut debian = Debian::start("13-build");
    debian.run(&format!(
        "mkdir /run/built /run/changes
         mount --bind {} /run/built
         mount -t tmpfs tmpfs /run/changes
         cd /run/changes
         mkdir upper work
         mount -t overlay overlay -o lowerdir={PROJECT},upperdir=upper,workdir=work {PROJECT}
         mkdir -p {PROJECT}/target
         mount --bind /run/built {PROJECT}/target",
        built.display()
    ));
    debian
}

/// Runs a command in the checkout. The C compiler has the name that LuaRocks gives it, because the
/// crates with C code are built again if it changes. The crates are not optimised together, which would
/// take most of the time: what is tested is that they build.
pub fn in_checkout(debian: &mut Debian, command: &str) -> String {
    debian.run(&format!(
        "cd {PROJECT}
         export CC=gcc CARGO_NET_OFFLINE=true
         export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
         {command}"
    ))
}

mod on_debian_13 {
    use super::*;
    use crate::support::ca::Ca;
    use crate::support::dovecot::{Dovecot, Setup, Version};
    use crate::support::nginx::Nginx;
    use crate::{PASSWORD, USER};

    #[test]
    fn the_library_that_debian_13_builds_logs_in_there() {
        in_checkout(&mut checkout_on_debian_13(), "make build");
        let built = library::target().join("debian13-target/httpbasic.so");
        let nginx = Nginx::start(&Ca::new(), &[(USER, PASSWORD)]);
        let setup = Setup::new(&nginx.url(), Some(&nginx.ca_file()));
        let dovecot = Dovecot::start_after(Version::V2_4, &setup, |folder| {
            fs::copy(&built, folder.join("lua/httpbasic.so")).unwrap();
        });
        assert!(dovecot.auth_test(None, USER, PASSWORD).succeeded, "{}", dovecot.log());
        assert!(dovecot.auth_test(None, USER, "another one").is_refused(), "{}", dovecot.log());
    }
}
