//! lbase64's functions in a real Lua, loaded in each possible way.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::library;

const CHECK: &str = "print(assert(loadfile(arg[1]))(require(arg[2]), arg[3]))";

/// A Lua that searches libraries in `folder` only.
fn lua(folder: &Path) -> Command {
    let mut command = Command::new("lua5.4");
    command.env("LUA_PATH_5_4", folder.join("?.lua"));
    command.env("LUA_CPATH_5_4", folder.join("?.so"));
    command
}

/// Checks that the functions of `require(module)` return all results of the original.
fn check(mut lua: Command, module: &str) {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    // The script is a file because Lua then numbers the arguments that follow.
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("check.lua");
    fs::write(&script, CHECK).unwrap();
    lua.arg(&script).arg(vectors.join("lbase64.lua")).arg(module);
    assert_eq!(text(lua.arg(vectors.join("lbase64.tsv")).output().unwrap()), "1214\n", "{module}");
}

/// All output of a process.
fn text(output: Output) -> String {
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn install_file(folder: &Path) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("lua/base64.lua");
    fs::copy(file, folder.join("base64.lua")).unwrap();
}

#[test]
fn base64_lua_replaces_the_original() {
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    install_file(folder.path());
    let mut absolute = lua(folder.path());
    absolute.env("LUA_CPATH_5_4", "");
    check(absolute, "base64");
    for path in ["?.lua", "./?.lua"] {
        let mut relative = lua(folder.path());
        relative.current_dir(folder.path()).env("LUA_PATH_5_4", path).env("LUA_CPATH_5_4", "");
        check(relative, "base64");
    }
}

#[test]
fn base64_lua_without_the_library_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    install_file(folder.path());
    let shown = text(lua(folder.path()).args(["-e", "require('base64')"]).output().unwrap());
    let library = folder.path().join("httpbasic.so");
    assert!(shown.contains(&format!("{}: cannot open", library.display())), "{shown}");
}

#[test]
fn the_library_contains_the_functions() {
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    check(lua(folder.path()), "httpbasic.base64");
}

#[test]
fn the_library_may_be_named_base64() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(library::path(), folder.path().join("base64.so")).unwrap();
    check(lua(folder.path()), "base64");
}

#[test]
fn an_error_is_a_string_with_the_line_of_the_script() {
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    let script = "local base64 = require('httpbasic.base64')\nbase64.encode(42)\n";
    fs::write(folder.path().join("script.lua"), script).unwrap();
    let output = lua(folder.path()).current_dir(folder.path()).arg("script.lua").output().unwrap();
    let shown = text(output);
    let expected =
        "lua5.4: script.lua:2: bad argument #1 to 'encode' (string expected, got number)\n";
    assert!(shown.starts_with(expected), "{shown}");
}
