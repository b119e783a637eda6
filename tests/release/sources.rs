//! The sources of the packages: a checkout, another user's checkout, a downloaded archive without
//! git, and the copy in a container.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::debian::Debian;
use crate::{PROJECT, shell};

/// A copy of the files of the checkout, without git, as a downloaded source archive has them.
fn download() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = format!(
        "git ls-files -z | xargs -0 cp --parents --preserve=timestamps -t {path}; chmod 755 {path}",
        path = folder.path().display()
    );
    shell(&copy, Path::new(PROJECT));
    folder
}

/// Prints the date of the packages, and the list of files that they would copy.
const FACTS: &str = "source packages/facts; set_date; made=$(mktemp -d); copy $made examples lua; \
    echo $SOURCE_DATE_EPOCH; cd $made; find . -type f | sort; rm -rf $made";

#[test]
fn packages_hold_the_same_without_git() {
    let download = download();
    let without = shell(FACTS, download.path());
    let commit = "git init --quiet; git add --all; git -c user.name=n -c user.email=e commit \
        --quiet --message=all --date=@1700000000; touch examples/left-over";
    shell(&format!("export GIT_COMMITTER_DATE=@1700000000; {commit}"), download.path());
    let with = shell(FACTS, download.path());
    let (date, files) = with.split_once('\n').unwrap();
    assert_eq!(date, "1700000000");
    assert!(files.contains("examples/README.md"), "{files}");
    let (date, same) = without.split_once('\n').unwrap();
    assert_eq!(same, files);
    let time = fs::metadata(download.path().join("Cargo.lock")).unwrap().modified().unwrap();
    let time = time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(date, time.to_string());
}

mod on_debian_12 {
    use super::*;

    #[test]
    fn packages_are_made_by_root_in_another_users_checkout() {
        let folder = download();
        let commit = "git init --quiet; git add --all; git -c user.name=n -c user.email=e commit \
            --quiet --message=all; chown --recursive nobody .";
        shell(commit, folder.path());
        let files = shell(FACTS, folder.path());
        assert!(files.contains("examples/README.md"), "{files}");
    }

    #[test]
    fn the_script_of_the_dockerfile_leaves_the_archives_lua_folder() {
        let download = download();
        let path = download.path().display();
        shell("cargo fetch --locked", download.path());
        // No package needs what is in a file of the tests. Cargo wants the files themselves.
        shell("find tests -type f -exec truncate --size=0 {} +", download.path());
        let mut debian = Debian::start("12");
        // Not optimised: it is the script that is tested.
        debian.run(&format!(
            "chown --recursive nobody {path}
             export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0
             export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
             CARGO_NET_OFFLINE=true {path}/packages/docker {path}/made
             chown --recursive root {path}"
        ));
        let mut files: Vec<_> = fs::read_dir(download.path().join("made/lua"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        for file in ["auth-httpbasic.lua", "base64.lua", "httpbasic.so"] {
            assert!(files.iter().any(|name| name == file), "{file} is not in {files:?}");
        }
        debian.run(&format!(
            "apt-get install --quiet --quiet --yes --no-install-recommends lua5.4
             cd {path}/made/lua
             lua5.4 -e \"package.cpath = './?.so' print(require('httpbasic')._VERSION)\""
        ));
    }
}
