//! An embedded Lua with the module.

use std::path::PathBuf;

use mlua::{Function, Lua, MultiValue, Value};

use super::ca::{Ca, Identity};
use super::embedded;

/// An embedded Lua with the module, and a CA that its clients trust.
pub struct World {
    pub lua: Lua,
    pub ca: Ca,
    folder: tempfile::TempDir,
}

impl World {
    /// A world without a client.
    pub fn new() -> Self {
        let lua = Lua::new();
        lua.globals().set("httpbasic", embedded::httpbasic(&lua)).unwrap();
        let world = Self { lua, ca: Ca::new(), folder: tempfile::tempdir().unwrap() };
        std::fs::write(world.ca_file(), world.ca.pem()).unwrap();
        world
    }

    /// The CA that the clients trust.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for localhost.
    pub fn localhost(&self) -> Identity {
        self.ca.issue(&["localhost"])
    }

    /// Options for a server on this port. `more` has further options as Lua text.
    pub fn options(&self, port: u16, more: &str) -> String {
        format!(
            "{{ url = 'https://localhost:{port}/dav/', ca_file = {:?}, {more} }}",
            self.ca_file()
        )
    }

    /// Creates the global `client` for a server on this port.
    pub fn client(&self, port: u16, more: &str) {
        self.run(&format!("client = httpbasic.client {}", self.options(port, more)));
    }

    /// Runs a script.
    pub fn run(&self, script: &str) -> MultiValue {
        self.lua.load(script).set_name("@script.lua").eval().unwrap()
    }

    /// The verdict and its text. For `ok`, the text is the password field.
    pub fn verify(
        &self,
        user: &[u8],
        password: &[u8],
        remote_ip: Option<&str>,
    ) -> (String, String) {
        let verify: Function =
            self.lua.load("function(...) return client:verify(...) end").eval().unwrap();
        let string = |bytes| self.lua.create_string(bytes).unwrap();
        let arguments = (string(user), string(password), remote_ip);
        let (word, detail): (String, Value) = verify.call(arguments).unwrap();
        match detail {
            Value::Table(fields) => {
                assert_eq!(fields.pairs::<String, String>().count(), 1, "nothing but the password");
                (word, fields.get("password").unwrap())
            }
            other => (word, other.to_string().unwrap()),
        }
    }

    /// The text of the error that an expression raises.
    pub fn raised(&self, expression: &str) -> String {
        let script = format!(
            "local ok, problem = pcall(function() return ({expression}) end)\nassert(not ok)\nreturn problem"
        );
        let problem: Value = self.lua.load(script).set_name("@script.lua").eval().unwrap();
        assert!(problem.is_string(), "raised a {}", problem.type_name());
        problem.to_string().unwrap()
    }
}
