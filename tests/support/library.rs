//! The library as users get it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Builds the library, once per process, and returns its path. It is the one in the packages.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packages/library"))
            .arg("5.4")
            .env_remove("TARGET")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the library does not build:\n{text}");
        String::from_utf8(output.stdout).unwrap().trim_end().into()
    })
}

/// Cargo, without the variables that describe the test. ring would be compiled again because of them.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    let of_test = |name: &String| {
        name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    for name in std::env::vars().map(|(name, _)| name).filter(of_test) {
        cargo.env_remove(name);
    }
    cargo
}

/// Builds a library for Lua 5.3, and returns its path.
pub fn for_lua_5_3() -> PathBuf {
    let status = cargo()
        .args(["build", "--locked", "--quiet", "--lib"])
        .args(["--no-default-features", "--features", "lua53,module"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "the library for Lua 5.3 does not build");
    target().join("debug/libhttpbasic.so")
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    std::env::var_os("CARGO_TARGET_DIR").map_or(default, PathBuf::from)
}

/// Copies the library into `folder` under the name that Lua searches for.
pub fn install(folder: &Path) {
    std::fs::copy(path(), folder.join("httpbasic.so")).unwrap();
}
