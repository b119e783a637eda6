//! The library in Lua under valgrind: no invalid access, and nothing that is lost with each lookup.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::ca::Ca;
use crate::support::library;
use crate::support::nginx::Nginx;

const ALICE: (&str, &str) = ("alice@example.com", "correct horse");

/// Calls everything that scripts call. Every tenth password is wrong, every hundredth lookup opens a
/// connection, and some calls raise errors.
const SCRIPT: &str = r#"
    local url, ca_file, user, password, count = table.unpack(arg)
    local httpbasic = require("httpbasic")
    local base64 = httpbasic.base64
    local unreachable = httpbasic.client { url = "http://127.0.0.1:1/", backoff_msecs = 0 }
    local client
    for lookup = 0, count - 1 do
        if lookup % 100 == 0 then
            client = httpbasic.client {
                url = url, ca_file = ca_file, debug = true,
                -- Under valgrind, everything takes many times as long.
                timeout_msecs = 55000, connect_timeout_msecs = 55000,
            }
            local response = assert(client:propfind(user, password, "192.0.2.1", "session"))
            assert(response.status == 207)
            assert(unreachable:verify(user, password) == "unavailable")
            assert(not pcall(httpbasic.client, { url = url, unknown = 1 }))
            assert(not pcall(client.verify, client, user))
        end
        local right = lookup % 10 ~= 0
        local verdict, detail = client:verify(user, right and password or "wrong", "192.0.2.1")
        assert(verdict == (right and "ok" or "refused"), detail)
        assert(base64.decode(base64.encode(password:rep(lookup % 30))) == password:rep(lookup % 30))
        assert(not pcall(base64.decode, "abc"))
    end
"#;

/// What valgrind says of this many lookups: whether there were no errors, and its log.
fn run(nginx: &Nginx, folder: &Path, lookups: usize) -> (bool, String) {
    let log = folder.join("log");
    let output = Command::new("valgrind")
        .args(["--leak-check=full", "--errors-for-leak-kinds=none", "--error-exitcode=9"])
        .arg(format!("--log-file={}", log.display()))
        .arg("lua5.4")
        .arg(folder.join("script.lua"))
        .args([&nginx.url(), nginx.ca_file().to_str().unwrap(), ALICE.0, ALICE.1])
        .arg(lookups.to_string())
        .env("LUA_CPATH", folder.join("?.so"))
        .output()
        .unwrap();
    (output.status.success(), fs::read_to_string(log).unwrap())
}

/// The number of bytes that are lost: no pointer to them exists at the end.
fn lost(log: &str) -> usize {
    if log.contains("All heap blocks were freed") {
        return 0;
    }
    let bytes = |kind: &str| -> usize {
        let rest = log.split_once(kind).unwrap_or_else(|| panic!("no summary: {log}")).1;
        rest.trim_start().split(' ').next().unwrap().replace(',', "").parse().unwrap()
    };
    bytes("definitely lost:") + bytes("indirectly lost:")
}

#[test]
fn no_lookup_makes_an_invalid_access_or_loses_memory() {
    // Memcheck takes what ring's AES, which is in assembly, computes for uninitialised.
    let nginx = Nginx::start_with_chacha20(&Ca::new(), &[ALICE]);
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    fs::write(folder.path().join("script.lua"), SCRIPT).unwrap();
    let logs = [500, 2500].map(|lookups| {
        let (is_fine, log) = run(&nginx, folder.path(), lookups);
        assert!(is_fine, "{log}");
        log
    });
    let [few, many] = logs.each_ref().map(|log| lost(log));
    println!("lost after 500 lookups: {few} bytes; after 2500: {many} bytes");
    assert_eq!(few, many, "{}", logs[1]);
}
