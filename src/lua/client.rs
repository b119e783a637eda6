//! The function `httpbasic.client`, and the methods of the client that it returns.

use std::time::Duration;

use log::Level;
use mlua::{Function, IntoLua, Lua, Nil, String as LuaString, Table, UserData, UserDataFields};

use super::arguments::{self, Arguments, Problem};
use super::call::{self, Outcome, Results};
use super::capture;
use super::shared::SharedClient;
use crate::answer::Answer;
use crate::credentials::Credentials;
use crate::dav::Body;
use crate::denial::Denial;
use crate::http::Client;
use crate::login;
use crate::options::Options;
use crate::options::value::Value;
use crate::text::printable;

/// Creates the function `httpbasic.client`.
pub fn constructor(lua: &Lua) -> mlua::Result<Function> {
    call::function(lua, "client", client)
}

impl UserData for SharedClient {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "httpbasic.client");
        // Methods that are registered with mlua would raise userdata instead of strings.
        fields.add_meta_field_with("__index", |lua| {
            lua.create_table_from([
                ("propfind", call::function(lua, "propfind", propfind)?),
                ("verify", call::function(lua, "verify", verify)?),
            ])
        });
    }
}

/// `httpbasic.client(options)`
fn client(lua: &Lua, arguments: Arguments) -> Result<Outcome, Problem> {
    arguments.at_most(1)?;
    let options = Options::new(pairs(arguments.table(1)?)?)
        .map_err(|error| format!("httpbasic.client: {error}"))?;
    let mut lines = Vec::new();
    if options.debug {
        lines.push((Level::Debug, introduction(lua, &options)?));
    }
    Ok(Outcome { results: [SharedClient::new(options).into_lua(lua)?, Nil, Nil, Nil], lines })
}

/// The pairs of a table, sorted by key.
pub fn pairs(table: &Table) -> mlua::Result<Vec<(String, Value)>> {
    let pair = |pair: mlua::Result<(mlua::Value, mlua::Value)>| {
        let (key, given) = pair?;
        let key = match value(&key) {
            Value::String(name) => String::from_utf8_lossy(&name).into_owned(),
            Value::Number(number) => number.to_string(),
            Value::Boolean(yes) => yes.to_string(),
            Value::Other(kind) => format!("a {kind}"),
        };
        Ok((key, value(&given)))
    };
    let mut pairs = table.pairs().map(pair).collect::<mlua::Result<Vec<_>>>()?;
    // Lua's order is not specified, and the first error must not depend on it.
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(pairs)
}

fn value(value: &mlua::Value) -> Value {
    match value {
        mlua::Value::Boolean(yes) => Value::Boolean(*yes),
        mlua::Value::Integer(number) => Value::Number(*number as f64),
        mlua::Value::Number(number) => Value::Number(*number),
        mlua::Value::String(text) => Value::String(text.as_bytes().to_vec()),
        other => Value::Other(arguments::kind(other)),
    }
}

/// The first line that the `debug` option logs.
fn introduction(lua: &Lua, options: &Options) -> mlua::Result<String> {
    let (version, host) = (env!("CARGO_PKG_VERSION"), options.url.host());
    let lua: String = lua.globals().get("_VERSION")?;
    Ok(format!("httpbasic {version} for {lua} asks {host}"))
}

/// `client:verify(user, password, remote_ip, session)`
fn verify(lua: &Lua, arguments: Arguments) -> Result<Outcome, Problem> {
    lookup(arguments, |client, user, password, remote_ip| {
        let (result, connection) = login::verify(client, user, password, remote_ip);
        let connection = connection.name().into_lua(lua)?;
        let (word, text, reason) = match result {
            Ok(hash) => {
                let fields = lua.create_table_from([("password", hash.as_str())])?;
                return Ok(["ok".into_lua(lua)?, fields.into_lua(lua)?, connection, Nil]);
            }
            Err(Denial::Refused(text)) => ("refused", text, None),
            Err(Denial::Disabled(text)) => ("disabled", text, None),
            Err(Denial::Throttled(text)) => ("throttled", text, None),
            Err(Denial::Unavailable(reason, text)) => ("unavailable", text, Some(reason.name())),
        };
        Ok([word.into_lua(lua)?, text.into_lua(lua)?, connection, reason.into_lua(lua)?])
    })
}

/// `client:propfind(user, password, remote_ip, session)`
fn propfind(lua: &Lua, arguments: Arguments) -> Result<Outcome, Problem> {
    lookup(arguments, |client, user, password, remote_ip| {
        let remote_ip = remote_ip.and_then(login::address);
        let answer = credentials(client, user, password).and_then(|credentials| {
            let answer = client.propfind(&client.lookup(credentials, remote_ip));
            answer.map_err(|error| error.to_string())
        });
        Ok(match answer {
            Ok(answer) => [table(lua, &answer)?.into_lua(lua)?, Nil, Nil, Nil],
            Err(error) => [Nil, error.into_lua(lua)?, Nil, Nil],
        })
    })
}

/// What is sent for a login, or why nothing may be sent.
fn credentials<'a>(
    client: &Client,
    user: &'a [u8],
    password: &'a [u8],
) -> Result<Credentials<'a>, String> {
    let name = client.options().sent_name(user);
    let name = name.map_err(|error| format!("credentials: {error}"))?;
    Credentials::new(name, password).map_err(|error| error.to_string())
}

/// Reads the arguments of a lookup, runs `ask` and collects its log records.
fn lookup(
    mut arguments: Arguments,
    ask: impl FnOnce(&Client, &[u8], &[u8], Option<&[u8]>) -> mlua::Result<Results>,
) -> Result<Outcome, Problem> {
    let client = arguments.client()?;
    arguments.at_most(4)?;
    let (user, password) = (arguments.string(1)?.as_bytes(), arguments.string(2)?.as_bytes());
    let remote_ip = arguments.optional_string(3)?.map(LuaString::as_bytes);
    let session = arguments.optional_string(4)?.map(LuaString::to_string_lossy);
    let (results, mut lines) = capture::collect(client.options().debug, || {
        ask(&client, &user, &password, remote_ip.as_deref())
    });
    if let Some(session) = session {
        let session = printable(&session);
        lines.iter_mut().for_each(|(_, line)| line.insert_str(0, &format!("<{session}> ")));
    }
    Ok(Outcome { results: results?, lines })
}

/// An answer as a Lua table.
fn table(lua: &Lua, answer: &Answer) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("status", answer.status)?;
    table.raw_set("reason", answer.reason)?;
    table.raw_set("principal", answer.body.principal())?;
    table.raw_set("elapsed_msecs", msecs(answer.elapsed))?;
    if let Body::Exception { name, message } = &answer.body {
        table.raw_set("exception", name.as_str())?;
        let message = message.as_deref().filter(|_| !answer.has_password);
        table.raw_set("message", message)?;
    }
    Ok(table)
}

fn msecs(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
