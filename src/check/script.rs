//! The passdb script, run as Dovecot runs it, with stand-ins for Dovecot and for the library.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use mlua::{Function, Lua, MultiValue, Table, Value as LuaValue};

use crate::file;
use crate::lua::{self, pairs};
use crate::options::value::Value;
use crate::text::printable;

/// More than any script has.
const MAX_BYTES: u64 = 1 << 20;

/// More time than any script takes; without a limit some would never end.
const LIMIT: Duration = Duration::from_secs(5);

/// More memory than any script takes.
const MAX_MEMORY_BYTES: usize = 64 << 20;

/// Standard input may hold the password, standard output is the report, and Dovecot has neither.
const QUIET: &str = "\
io.input('/dev/null')
io.output('/dev/null')
io.stdin, io.stdout, io.stderr = io.input(), io.output(), io.output()
print = function() end
os.exit = function() error('os.exit() would end a process of Dovecot', 2) end
os.execute = function(command)
    local output = io.popen(command)
    output:read('a')
    return output:close()
end
";

const UNKNOWN: &str = "PASSDB_RESULT_USER_UNKNOWN";

/// Dovecot's constants for the results of a login, which scripts compare and return.
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

/// What a script passes to the library and to Dovecot.
#[derive(Debug, Default)]
pub struct Script {
    /// The options of its client.
    pub options: Vec<(String, Value)>,
    /// Whether it calls a refused login an unknown user, as is right where the cache key has the
    /// password. None if it cannot be tried here.
    pub refused_is_unknown: Option<bool>,
    /// The cache key that it gives to Dovecot 2.4.
    pub cache_key: Option<String>,
}

impl Script {
    /// Runs the script's `script_init` with these settings, and one login that is refused.
    ///
    /// # Errors
    /// What Dovecot would log.
    pub fn run(path: &Path, settings: Option<&[(String, String)]>) -> Result<Self, String> {
        let text =
            file::read(path, MAX_BYTES).map_err(|problem| format!("the script {problem}"))?;
        let (path, settings) = (path.to_owned(), settings.map(<[_]>::to_vec));
        let (sender, receiver) = mpsc::channel();
        // In a thread, since neither a hook nor a signal stops every script. It ends with the program.
        thread::spawn(move || {
            let played = play(&path, &text, settings.as_deref());
            sender.send(played.map_err(|problem| reason(&problem)))
        });
        match receiver.recv_timeout(LIMIT) {
            Ok(played) => played?.ok_or_else(|| "the script makes no httpbasic.client".into()),
            Err(_) => Err(format!("the script has not ended after {} s", LIMIT.as_secs())),
        }
    }
}

/// The options that a client was made with.
type Given = Arc<Mutex<Option<Vec<(String, Value)>>>>;

/// Runs the script. None if it makes no client.
fn play(
    path: &Path,
    text: &[u8],
    settings: Option<&[(String, String)]>,
) -> mlua::Result<Option<Script>> {
    let given = Given::default();
    let lua = Lua::new();
    lua.set_memory_limit(MAX_MEMORY_BYTES)?;
    let globals = lua.globals();
    globals.set("dovecot", dovecot(&lua)?)?;
    globals.set("debug", debug(&lua, path)?)?;
    lua.load(QUIET).exec()?;
    lua.register_module("httpbasic", httpbasic(&lua, &given)?)?;

    lua.load(text).set_name(format!("@{}", path.display())).exec()?;
    let table = settings.map(|settings| lua.create_table_from(settings.iter().cloned()));
    function(&globals, "script_init")?.call::<()>(table.transpose()?)?;
    // Dovecot 2.4 asks for the cache key before the first login.
    let cache_key: Option<Function> = globals.get("auth_passdb_get_cache_key")?;
    let cache_key = cache_key.filter(|_| settings.is_some());
    let cache_key: Option<LuaValue> = cache_key.map(|it| it.call(())).transpose()?;
    let cache_key = cache_key.and_then(|it| it.as_string().map(|it| it.to_string_lossy()));
    let request = lua.create_table_from([("user", "user"), ("password", "-"), ("session", "-")])?;
    // What earlier passdbs have set.
    request.set("passdb", lua.create_table_from([("password_hash", "-")])?)?;
    for method in ["log_debug", "log_info", "log_warning", "log_error"] {
        request.set(method, nothing(&lua)?)?;
    }
    request.set("event", event(&lua)?)?;
    let result = function(&globals, "auth_passdb_lookup")?.call::<LuaValue>(request);
    let options = given.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(options) = options else { return result.map(|_| None) };
    // A script may use more of Dovecot than there is here.
    let refused_is_unknown =
        result.ok().map(|result| result.as_string().is_some_and(|result| *result == UNKNOWN));
    Ok(Some(Script { options, refused_is_unknown, cache_key }))
}

/// The script's function that Dovecot calls by this name.
fn function(globals: &Table, name: &str) -> mlua::Result<Function> {
    let function: Option<Function> = globals.get(name)?;
    function.ok_or_else(|| mlua::Error::runtime(format!("the script has no function {name}")))
}

fn nothing(lua: &Lua) -> mlua::Result<Function> {
    lua.create_function(|_, ()| Ok(()))
}

/// The method of a request that creates an event.
fn event(lua: &Lua) -> mlua::Result<Function> {
    let event = lua.create_table()?;
    for method in ["set_name", "add_str", "add_int", "log_debug"] {
        event.set(method, lua.create_function(|_, (event, _): (Table, MultiValue)| Ok(event))?)?;
    }
    lua.create_function(move |_, ()| Ok(event.clone()))
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

/// Lets the script find its own folder. The whole library would let it do anything.
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
    client.set("propfind", lua.create_function(|_, _: MultiValue| Ok((LuaValue::Nil, "")))?)?;
    let constructor = lua.create_function(move |_, options: Table| {
        *given.lock().unwrap_or_else(PoisonError::into_inner) = Some(pairs(&options)?);
        Ok(client.clone())
    })?;
    let module = lua::httpbasic(lua)?;
    module.raw_set("client", constructor)?;
    Ok(module)
}

/// The error of the script, without the words of mlua around it.
fn reason(problem: &mlua::Error) -> String {
    let text = match problem {
        mlua::Error::CallbackError { cause, .. } => return reason(cause),
        mlua::Error::RuntimeError(text) => text.clone(),
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    printable(text.split("\nstack traceback:").next().unwrap_or_default().trim())
}
