//! copyparty, which by default looks at the password alone.

use super::ca::Ca;
use super::python;
use super::web_server::WebServer;

/// A running one.
pub struct Copyparty {
    server: WebServer,
    usernames: bool,
}

impl Copyparty {
    /// Starts one with these accounts. With `usernames`, the name counts too.
    pub fn start(ca: &Ca, accounts: &[(&str, &str)], usernames: bool) -> Self {
        let server = WebServer::new("copyparty", ca, "/");
        std::fs::create_dir(server.folder().join("files")).unwrap();
        let pair =
            ["server.key", "server.crt"].map(|name| std::fs::read(server.file(name)).unwrap());
        std::fs::write(server.file("pair.pem"), pair.concat()).unwrap();
        let mut copyparty = Self { server, usernames };
        copyparty.restart(accounts);
        copyparty
    }

    /// Starts it again with other accounts.
    pub fn restart(&mut self, accounts: &[(&str, &str)]) {
        self.server.stop();
        let python = python::environment("copyparty", "copyparty").join("bin/python");
        let home = format!("HOME={}", self.server.folder().display());
        let port = self.server.port().to_string();
        let readers: Vec<_> = accounts.iter().map(|(user, _)| *user).collect();
        let volume = format!("{}::r,{}", self.server.file("files"), readers.join(","));
        let certificate = self.server.file("pair.pem");
        let accounts: Vec<_> =
            accounts.iter().map(|(user, password)| format!("{user}:{password}")).collect();
        // Without bans, which a test with many wrong passwords would meet.
        let mut command = vec!["env", &home, python.to_str().unwrap(), "-m", "copyparty", "-q"];
        command.extend(["-i", "127.0.0.1", "-p", &port, "-v", &volume, "--cert", &certificate]);
        command.extend(["--https-only", "--ban-pw", "no"]);
        command.extend(accounts.iter().flat_map(|account| ["-a", account]));
        command.extend(self.usernames.then_some("--usernames"));
        self.server.start(&command);
    }

    /// The server itself.
    pub fn server(&self) -> &WebServer {
        &self.server
    }
}
