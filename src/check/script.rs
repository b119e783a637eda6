//! The passdb script, run as Dovecot runs it, with stand-ins for Dovecot and for the library.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use mlua::{Function, Lua, MultiValue, Table, Value as LuaValue};

use crate::lua::{self, pairs};
use crate::options::value::Value;
use crate::text::printable;

/// More than any script has.
const MAX_BYTES: u64 = 1 << 20;

const UNKNOWN: &str = "PASSDB_RESULT_USER_UNKNOWN";

/// What Dovecot calls a login's results; scripts compare and return them.
const RESULTS: [&str; 8] = [
    "PASSDB_RESULT_INTERNAL_FAILURE",
    "PASSDB_RESULT_SCHEME_NOT_AVAILABLE",
    UNKNOWN,
    "PASSDB_RESULT_USER_DISABLED",
    "PASSDB_RESULT_PASS_EXPIRED",
    "PASSDB_RESULT_NEXT",
    "PASSDB_RESULT_PASSWORD_MISMATCH",
    "PASSDB_RESULT_OK",
];

/// What a script asks of the library and tells Dovecot.
#[derive(Debug)]
pub struct Script {
    /// The options of its client.
    pub options: Vec<(String, Value)>,
    /// Whether it calls a refused login an unknown user: right where the cache key has the password.
    pub refused_is_unknown: bool,
}

impl Script {
    /// Runs the script's `script_init` with these settings, and one lookup that is refused.
    ///
    /// # Errors
    /// What Dovecot would log.
    pub fn run(path: &Path, settings: Option<&[(String, String)]>) -> Result<Self, String> {
        let metadata = fs::metadata(path).map_err(|problem| problem.to_string())?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Err("not a file of at most 1 MiB".into());
        }
        let text = fs::read(path).map_err(|problem| problem.to_string())?;
        let given = Arc::default();
        match play(path, &text, settings, &given) {
            Ok(refused_is_unknown) => {
                let options = given.lock().unwrap_or_else(PoisonError::into_inner).take();
                let options = options.ok_or("the script makes no httpbasic.client")?;
                Ok(Self { options, refused_is_unknown })
            }
            Err(problem) => Err(reason(&problem)),
        }
    }
}

/// The options that a client was made with.
type Given = Arc<Mutex<Option<Vec<(String, Value)>>>>;

fn play(
    path: &Path,
    text: &[u8],
    settings: Option<&[(String, String)]>,
    given: &Given,
) -> mlua::Result<bool> {
    let lua = Lua::new();
    let globals = lua.globals();
    globals.set("dovecot", dovecot(&lua)?)?;
    globals.set("debug", debug(&lua, path)?)?;
    globals.set("print", nothing(&lua)?)?;
    lua.register_module("httpbasic", httpbasic(&lua, given)?)?;

    lua.load(text).set_name(format!("@{}", path.display())).exec()?;
    let table = settings.map(|settings| lua.create_table_from(settings.iter().cloned()));
    globals.get::<Function>("script_init")?.call::<()>(table.transpose()?)?;
    // Dovecot 2.4 asks for the cache key before the first login.
    let cache_key: Option<Function> = globals.get("auth_passdb_get_cache_key")?;
    if let Some(cache_key) = cache_key.filter(|_| settings.is_some()) {
        cache_key.call::<LuaValue>(())?;
    }
    let request = lua.create_table_from([("user", "user"), ("password", "-"), ("session", "-")])?;
    for method in ["log_debug", "log_info", "log_warning", "log_error"] {
        request.set(method, nothing(&lua)?)?;
    }
    let result: LuaValue = globals.get::<Function>("auth_passdb_lookup")?.call(request)?;
    Ok(result.as_string().is_some_and(|result| *result == UNKNOWN))
}

fn nothing(lua: &Lua) -> mlua::Result<Function> {
    lua.create_function(|_, ()| Ok(()))
}

/// What Dovecot gives to scripts.
fn dovecot(lua: &Lua) -> mlua::Result<Table> {
    let auth = lua.create_table_from(RESULTS.map(|name| (name, name)))?;
    let dovecot = lua.create_table_from([("auth", auth)])?;
    for name in ["i_debug", "i_info", "i_warning", "i_error"] {
        dovecot.set(name, nothing(lua)?)?;
    }
    Ok(dovecot)
}

/// The script looks for its own folder. The rest of this library would let it do anything.
fn debug(lua: &Lua, path: &Path) -> mlua::Result<Table> {
    let source = format!("@{}", path.display());
    let debug = lua.create_table()?;
    debug.set(
        "getinfo",
        lua.create_function(move |lua, _: MultiValue| {
            lua.create_table_from([("source", source.as_str()), ("short_src", source.as_str())])
        })?,
    )?;
    Ok(debug)
}

/// The library, with a client that keeps its options and refuses everybody.
fn httpbasic(lua: &Lua, given: &Given) -> mlua::Result<Table> {
    let given = given.clone();
    let client = lua.create_table()?;
    client.set("verify", lua.create_function(|_, _: MultiValue| Ok(("refused", "")))?)?;
    let constructor = lua.create_function(move |_, options: Table| {
        *given.lock().unwrap_or_else(PoisonError::into_inner) = Some(pairs(&options)?);
        Ok(client.clone())
    })?;
    let module = lua::httpbasic(lua)?;
    module.raw_set("client", constructor)?;
    Ok(module)
}

/// The script's own words, without those of mlua around them.
fn reason(problem: &mlua::Error) -> String {
    let text = match problem {
        mlua::Error::CallbackError { cause, .. } => return reason(cause),
        mlua::Error::RuntimeError(text) => text.clone(),
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    printable(text.split("\nstack traceback:").next().unwrap_or_default().trim())
}
