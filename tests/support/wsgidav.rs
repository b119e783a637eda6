//! WsgiDAV with TLS. Debian has no package of it.

use std::path::PathBuf;
use std::process::Command;

use super::ca::Ca;
use super::library;
use super::web_server::WebServer;

/// Starts one that asks for Basic credentials.
pub fn start(ca: &Ca, accounts: &[(&str, &str)]) -> WebServer {
    let mut server = WebServer::new("wsgidav", ca, "/");
    std::fs::create_dir(server.folder().join("files")).unwrap();
    let users: String = accounts
        .iter()
        .map(|(user, password)| format!("      {user:?}: {{password: {password:?}}}\n"))
        .collect();
    let (folder, port) = (server.folder().display(), server.port());
    let configuration = format!(
        "\
host: 127.0.0.1
port: {port}
server: cheroot
ssl_certificate: {folder}/server.crt
ssl_private_key: {folder}/server.key
provider_mapping:
  /: {folder}/files
simple_dc:
  user_mapping:
    '*':
{users}verbose: 0
"
    );
    server.write("wsgidav.yaml", &configuration);
    let python = environment().join("bin/python");
    let configuration = server.file("wsgidav.yaml");
    server.start(&[
        python.to_str().unwrap(),
        "-m",
        "wsgidav.server.server_cli",
        "--config",
        &configuration,
    ]);
    server
}

/// Makes a virtual environment with the packages in `wsgidav.txt`, unless it exists for this
/// Python.
const MAKE: &str = r#"
cmp --quiet "$2" "$1/made-of" && "$1/bin/python" -c 'import wsgidav' && exit
rm -rf "$1"
/usr/bin/python3 -m venv "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
cp "$2" "$1/made-of"
"#;

/// The environment, below the target folder. If another process is making it, waits for that.
fn environment() -> PathBuf {
    let folder = library::target().join("wsgidav");
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/wsgidav.txt");
    std::fs::create_dir_all(library::target()).unwrap();
    let status = Command::new("flock")
        .arg(folder.with_extension("lock"))
        .args(["sh", "-euc", MAKE, "sh"])
        .args([folder.as_os_str(), list.as_ref()])
        .status()
        .unwrap();
    assert!(status.success(), "no virtual environment with wsgidav");
    folder
}
