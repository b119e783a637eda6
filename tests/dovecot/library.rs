//! The library as users get it, loaded by a real Lua.

use std::fs;
use std::path::Path;
use std::process::Command;

use httpbasic::options::Options;

use crate::support::ca::Ca;
use crate::support::http::{Server, principal};
use crate::support::library;

/// Runs a program. Returns whether it succeeded, and its output from both streams.
fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn only_luaopen_symbols_are_exported() {
    let (_, symbols) = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library::path()));
    let names: Vec<_> = symbols.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(names.contains(&"luaopen_httpbasic") && names.contains(&"luaopen_base64"));
    assert!(names.iter().all(|name| name.starts_with("luaopen_")), "{names:?}");
}

#[test]
fn the_library_stays_mapped_when_a_state_closes() {
    let (_, dynamic) = run(Command::new("readelf").arg("-d").arg(library::path()));
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

#[test]
fn the_library_is_at_most_2_7_megabytes_large() {
    let bytes = fs::metadata(library::path()).unwrap().len();
    assert!(bytes <= 2_700_000, "{bytes}");
}

#[test]
fn the_library_needs_no_newer_glibc_than_debian_12_has() {
    let (_, versions) = run(Command::new("readelf").arg("-V").arg(library::path()));
    let needed = versions.split("GLIBC_2.").skip(1).filter_map(|rest| {
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().ok()
    });
    // Debian 12 has glibc 2.36.
    assert!(needed.max().is_some_and(|newest| newest <= 34), "{versions}");
}

#[test]
fn the_types_name_all_that_the_module_has_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    // The sorted names in both tables, and the methods of a client.
    let script = "package.cpath = './?.so'
        local names = {}
        local function list(prefix, table)
            for name in pairs(table) do names[#names + 1] = prefix .. name end
        end
        local httpbasic = require('httpbasic')
        local client = httpbasic.client { url = 'https://localhost/' }
        list('httpbasic.base64.', httpbasic.base64)
        list('httpbasic.', httpbasic)
        list('client:', debug.getmetatable(client).__index)
        table.sort(names)
        print(table.concat(names, '\\n'))";
    let (ok, exported) =
        run(Command::new("lua5.4").args(["-e", script]).current_dir(folder.path()));
    assert!(ok, "{exported}");
    let types = concat!(env!("CARGO_MANIFEST_DIR"), "/lua/types/httpbasic.lua");
    let types = fs::read_to_string(types).unwrap();
    let mut typed: Vec<_> = types
        .lines()
        .filter_map(|line| match line.strip_prefix("function ") {
            Some(rest) => rest.split('(').next().map(String::from),
            None => line.strip_suffix(" = {}").filter(|name| name.contains('.')).map(String::from),
        })
        .collect();
    typed.push("httpbasic._VERSION".into());
    typed.sort();
    assert_eq!(typed, exported.lines().collect::<Vec<_>>());
}

#[test]
fn the_types_name_all_options() {
    let types = concat!(env!("CARGO_MANIFEST_DIR"), "/lua/types/httpbasic.lua");
    let types = fs::read_to_string(types).unwrap();
    for option in Options::names() {
        let typed = [format!("---@field {option} "), format!("---@field {option}? ")];
        assert!(typed.iter().any(|line| types.contains(line)), "{option} has no type");
    }
}

/// Runs a script in a real Lua, with the library in the same folder, and returns what it prints.
fn printed(folder: &Path, script: &str) -> Vec<String> {
    library::install(folder);
    fs::write(folder.join("script.lua"), script).unwrap();
    let (ok, text) = run(Command::new("lua5.4").arg("script.lua").current_dir(folder));
    assert!(ok, "{text}");
    text.lines().map(String::from).collect()
}

#[test]
fn a_real_lua_verifies_logins_with_it() {
    let ca = Ca::new();
    let server = Server::answering(Some(&ca.issue(&["localhost"])), |_| principal("alice"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
    let script = format!(
        "package.cpath = './?.so'
         local httpbasic = require('httpbasic')
         local client = httpbasic.client {{ url = 'https://localhost:{}/', ca_file = 'ca.pem' }}
         print(client:verify('alice', 'secret', '192.0.2.1'))
         print(pcall(function() client:verify('alice') end))
         print(pcall(httpbasic.client, {{ url = 5 }}))
         print(client:verify('alice', 'secret'))",
        server.port
    );
    let lines = printed(folder.path(), &script);
    assert!(lines[0].starts_with("ok\ttable: "), "{lines:?}");
    assert_eq!(
        lines[1],
        "false\tscript.lua:5: bad argument #2 to 'verify' (string expected, got no value)"
    );
    assert!(lines[2].starts_with("false\thttpbasic.client: url expected "), "{lines:?}");
    assert!(lines[3].starts_with("ok\t"), "{lines:?}");
}

/// Two copies of the library may be of different versions, so their clients must not be mixed.
#[test]
fn a_client_of_another_copy_of_the_library_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(library::path(), folder.path().join("other.so")).unwrap();
    let lines = printed(
        folder.path(),
        "local one = package.loadlib('./httpbasic.so', 'luaopen_httpbasic')()
         local other = package.loadlib('./other.so', 'luaopen_httpbasic')()
         local options = { url = 'https://host.invalid/' }
         local client = one.client(options)
         local again = package.loadlib('./httpbasic.so', 'luaopen_httpbasic')()
         print(pcall(other.client(options).verify, client, '', 'x'))
         print(again.client(options).verify(client, '', 'x'))",
    );
    assert!(lines[0].starts_with("false\tcalling 'verify' on bad self"), "{lines:?}");
    assert_eq!(lines[1], "refused\tcredentials: the user id is empty\tnone\tnil");
}

/// Only the debug library can call `__gc`, which expects a client as its argument.
#[test]
fn a_destroyed_client_is_an_error() {
    let lines = printed(
        tempfile::tempdir().unwrap().path(),
        "local httpbasic = package.loadlib('./httpbasic.so', 'luaopen_httpbasic')()
         local client = httpbasic.client { url = 'https://host.invalid/' }
         local meta = debug.getmetatable(client)
         print(getmetatable(client), tostring(client):match('^[^:]+'))
         print(client:verify('', 'x'))
         meta.__gc(client)
         meta.__gc(client)
         for _, method in ipairs { 'verify', 'propfind' } do
             print(pcall(meta.__index[method], client, 'a', 'b'))
         end",
    );
    assert_eq!(lines[0], "false\thttpbasic.client");
    assert_eq!(lines[1], "refused\tcredentials: the user id is empty\tnone\tnil");
    for line in &lines[2..] {
        assert!(line.starts_with("false\tcalling '"), "{line}");
        assert!(line.contains("(httpbasic.client expected, got userdata)"), "{line}");
    }
    assert_eq!(lines.len(), 4);
}

#[test]
fn no_proxy_of_the_environment_sees_a_login() {
    let server = Server::answering(None, |_| principal("alice"));
    let proxy = Server::answering(None, |_| principal("alice"));
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    let script = format!(
        "package.cpath = './?.so'
         local url = 'http://127.0.0.1:{}/'
         print(require('httpbasic').client {{ url = url }}:verify('alice', 'secret'))",
        server.port
    );
    let mut lua = Command::new("lua5.4");
    lua.args(["-e", &script]).current_dir(folder.path());
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        lua.env(name, format!("http://127.0.0.1:{}", proxy.port));
    }
    let (_, text) = run(lua.env_remove("no_proxy").env_remove("NO_PROXY"));
    assert!(text.starts_with("ok"), "{text}");
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
}

#[test]
fn an_impossible_set_of_features_is_explained() {
    for (features, expected_text) in [
        ("lua54,lua53,module", "choose one of lua54, lua53, lua52, lua51 and luajit"),
        ("lua54,module,vendored", "choose module (for Dovecot) or vendored (for tests)"),
        ("lua54", "a Lua needs module (for Dovecot) or vendored (for tests)"),
        ("module", "choose one of lua54, lua53, lua52, lua51 and luajit"),
    ] {
        let (ok, text) = run(library::cargo()
            // mlua rejects some of these sets too, in its own words, and cargo stops at the first
            // error.
            .args(["check", "--keep-going", "--locked", "--lib"])
            .args(["--no-default-features", "--features", features])
            .current_dir(env!("CARGO_MANIFEST_DIR")));
        assert!(!ok && text.contains(expected_text), "{features}: {text}");
    }
}
