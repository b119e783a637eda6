//! Python servers that Debian has no package of, in virtual environments with pinned packages.

use std::path::PathBuf;
use std::process::Command;

use super::library;

/// Makes the environment with the packages in the list, unless it exists for this Python.
const MAKE: &str = r#"
cmp --quiet "$2" "$1/made-of" && "$1/bin/python" -c "import $3" && exit
rm -rf "$1"
/usr/bin/python3 -m venv "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
cp "$2" "$1/made-of"
"#;

/// The environment with the packages in `tests/support/NAME.txt`, below the target folder. `module`
/// is its main module. If another process is making it, waits for that.
pub fn environment(name: &str, module: &str) -> PathBuf {
    let folder = library::target().join(name);
    let list = format!("{}/tests/support/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(library::target()).unwrap();
    let status = Command::new("flock")
        .arg(folder.with_extension("lock"))
        .args(["sh", "-euc", MAKE, "sh"])
        .args([folder.as_os_str(), list.as_ref(), module.as_ref()])
        .status()
        .unwrap();
    assert!(status.success(), "no virtual environment with {name}");
    folder
}
