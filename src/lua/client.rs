//! The function `httpbasic.client`, and the methods of the client that it returns.

use std::time::Duration;

use log::Level;
use mlua::{
    Either, Lua, MultiValue, String as LuaString, Table, UserData, UserDataFields, UserDataRef,
};

use super::arguments::{self, Arguments, Problem};
use super::call::{Outcome, rust_half};
use super::capture;
use super::shared::SharedClient;
use crate::answer::Answer;
use crate::credentials::Credentials;
use crate::dav::Body;
use crate::denial::Denial;
use crate::http::{Client, Connection};
use crate::login;
use crate::options::Options;
use crate::options::value::Value;
use crate::text::printable;

/// Creates a table with the Rust halves of `httpbasic.client` and of the methods of a client.
pub fn rust_halves(lua: &Lua) -> mlua::Result<Table> {
    lua.create_table_from([
        ("client", rust_half(lua, "client", client)?),
        ("propfind", rust_half(lua, "propfind", propfind)?),
        ("verify", rust_half(lua, "verify", verify)?),
    ])
}

/// The methods of a client of this Lua state. Methods that are registered with mlua would raise userdata instead of
/// strings.
pub struct Methods(pub Table);

impl UserData for SharedClient {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "httpbasic.client");
        fields.add_meta_field_with("__index", |lua| {
            Ok(lua.app_data_ref::<Methods>().map(|methods| methods.0.clone()))
        });
    }
}

/// `httpbasic.client(options)`
fn client(lua: &Lua, mut values: MultiValue) -> Result<Outcome<Option<SharedClient>>, Problem> {
    let arguments = Arguments { function: "client", values: values.make_contiguous() };
    arguments.at_most(1)?;
    let options = Options::new(pairs(arguments.table(1)?)?)
        .map_err(|error| format!("httpbasic.client: {error}"))?;
    let mut lines = Vec::new();
    if options.debug {
        lines.push((Level::Debug, introduction(lua, &options)?));
    }
    Ok(Outcome { results: Some(SharedClient::new(options)), lines })
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

/// The arguments of a method: the client, and all others.
type Given = (Either<UserDataRef<SharedClient>, mlua::Value>, MultiValue);

/// The verdict, the hash or the text of the denial, whether the connection was kept, and the reason.
type Verdict = (&'static str, String, Option<bool>, Option<&'static str>);

/// The answer, or why there is none.
type Response = (Option<Table>, Option<String>);

/// `client:verify(user, password, remote_ip, session)`
fn verify(_: &Lua, given: Given) -> Result<Outcome<Verdict>, Problem> {
    lookup("verify", given, |client, user, password, remote_ip| {
        let (result, connection) = login::verify(client, user, password, remote_ip);
        let (word, detail, reason) = match result {
            Ok(hash) => ("ok", hash.into(), None),
            Err(Denial::Refused(text)) => ("refused", text, None),
            Err(Denial::Disabled(text)) => ("disabled", text, None),
            Err(Denial::Throttled(text)) => ("throttled", text, None),
            Err(Denial::Unavailable(reason, text)) => ("unavailable", text, Some(reason.name())),
        };
        let kept = (connection != Connection::None).then_some(connection == Connection::Kept);
        Ok((word, detail, kept, reason))
    })
}

/// `client:propfind(user, password, remote_ip, session)`
fn propfind(lua: &Lua, given: Given) -> Result<Outcome<Response>, Problem> {
    lookup("propfind", given, |client, user, password, remote_ip| {
        let remote_ip = remote_ip.and_then(login::address);
        let answer = credentials(client, user, password).and_then(|credentials| {
            let answer = client.propfind(&client.lookup(credentials, remote_ip));
            answer.map_err(|error| error.to_string())
        });
        Ok(match answer {
            Ok(answer) => (Some(table(lua, &answer)?), None),
            Err(error) => (None, Some(error)),
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
fn lookup<R>(
    function: &str,
    (client, mut values): Given,
    ask: impl FnOnce(&Client, &[u8], &[u8], Option<&[u8]>) -> mlua::Result<R>,
) -> Result<Outcome<R>, Problem> {
    let arguments = Arguments { function, values: values.make_contiguous() };
    let client = match client {
        Either::Left(client) => client,
        Either::Right(other) => return Err(arguments.bad_self(&other)),
    };
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
