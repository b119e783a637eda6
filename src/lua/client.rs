//! The userdata that `httpbasic.client` returns, and its methods.

use std::time::Instant;

use ::log::Level;
use mlua::{
    Function, IntoLua, Lua, MetaMethod, Table, UserData, UserDataFields, UserDataRef, Value,
};

use crate::client::Client;
use crate::credentials::Credentials;
use crate::inspection;
use crate::log;
use crate::lua::function::{Arguments, Failure, raising};
use crate::lua::options;
use crate::options::Options;
use crate::response::{Body, Response, printable};
use crate::verdict::{self, Verdict};

impl UserData for Client {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "httpbasic.client");
        fields.add_meta_field_with(MetaMethod::Index, |lua| {
            let methods = lua.create_table()?;
            methods.raw_set("inspect", raising(lua, "inspect", inspect)?)?;
            methods.raw_set("propfind", raising(lua, "propfind", propfind)?)?;
            methods.raw_set("verify", raising(lua, "verify", verify)?)?;
            Ok(methods)
        });
    }
}

/// `httpbasic.client(options)`
pub fn constructor(lua: &Lua) -> mlua::Result<Function> {
    raising(lua, "client", |lua, arguments| {
        arguments.at_most(1)?;
        let Some(Value::Table(table)) = arguments.get(1) else {
            return Err(arguments.wrong(1, "table"));
        };
        let options = Options::new(options::pairs(table)?)
            .map_err(|error| format!("httpbasic.client: {error}"))?;
        if options.debug {
            hand_over(lua, Level::Debug, &introduction(lua, &options)?)?;
        }
        Ok(lua.create_userdata(Client::new(options))?)
    })
}

/// The first line of a log with `debug`: who is here, and what is not as usual.
fn introduction(lua: &Lua, options: &Options) -> mlua::Result<String> {
    let lua_version: String = lua.globals().get("_VERSION")?;
    let (version, host) = (env!("CARGO_PKG_VERSION"), options.url.host());
    let unusual = options.unusual().join(", ");
    Ok(format!("httpbasic {version} for {lua_version} asks {host}; {unusual}"))
}

/// `client:verify(user, password, remote_ip, session)`
fn verify(lua: &Lua, arguments: Arguments) -> Result<(&'static str, Value), Failure> {
    let verdict = ask(lua, arguments, verdict::verify)?;
    let (word, text) = match verdict {
        Verdict::Ok(password) => {
            let fields = lua.create_table()?;
            fields.raw_set("password", password)?;
            return Ok(("ok", Value::Table(fields)));
        }
        Verdict::Refused(text) => ("refused", text),
        Verdict::Disabled(text) => ("disabled", text),
        Verdict::Throttled(text) => ("throttled", text),
        Verdict::Unavailable(text) => ("unavailable", text),
    };
    Ok((word, text.into_lua(lua)?))
}

/// `client:propfind(user, password, remote_ip, session)`
fn propfind(lua: &Lua, arguments: Arguments) -> Result<(Option<Table>, Option<String>), Failure> {
    let result = ask(lua, arguments, |client, user, password, remote_ip| {
        let remote_ip = remote_ip.and_then(verdict::address);
        client.propfind(Credentials::new(user, password)?, remote_ip, Instant::now())
    })?;
    match result {
        Ok(response) => Ok((Some(table(lua, &response)?), None)),
        Err(error) => Ok((None, Some(error.to_string()))),
    }
}

/// `client:inspect()`
fn inspect(lua: &Lua, mut arguments: Arguments) -> Result<Table, Failure> {
    let object = arguments.take_self();
    let client = client(&arguments, &object)?;
    arguments.at_most(0)?;
    let inspection = inspection::inspect(client.options());
    let table = lua.create_table()?;
    let addresses = inspection.addresses.iter().map(|address| address.ip().to_string());
    table.raw_set("addresses", lua.create_sequence_from(addresses)?)?;
    table.raw_set("resolve_msecs", inspection.resolving.as_millis() as u64)?;
    table.raw_set("address", inspection.connected.map(|address| address.to_string()))?;
    table.raw_set("connect_msecs", inspection.connecting.as_millis() as u64)?;
    table.raw_set("tls", inspection.tls_version)?;
    table.raw_set("tls_msecs", inspection.handshaking.as_millis() as u64)?;
    let certificate = inspection.certificate.map(|der| lua.create_string(der)).transpose()?;
    table.raw_set("certificate", certificate)?;
    table.raw_set("error", inspection.error.map(|error| error.to_string()))?;
    Ok(table)
}

/// The client that a method was called on.
fn client(arguments: &Arguments, object: &Value) -> Result<UserDataRef<Client>, Failure> {
    match object {
        Value::UserData(data) => {
            data.borrow().map_err(|_| arguments.wrong_self("httpbasic.client", object))
        }
        _ => Err(arguments.wrong_self("httpbasic.client", object)),
    }
}

/// Checks the arguments that `verify` and `propfind` have, runs `request` and hands on what was logged.
fn ask<T>(
    lua: &Lua,
    mut arguments: Arguments,
    request: impl FnOnce(&Client, &[u8], &[u8], Option<&[u8]>) -> T,
) -> Result<T, Failure> {
    let object = arguments.take_self();
    let client = client(&arguments, &object)?;
    arguments.at_most(4)?;
    let (user, password) = (arguments.string(1)?, arguments.string(2)?);
    let remote_ip = arguments.optional_string(3)?;
    let session = arguments.optional_string(4)?;
    let (result, lines) = log::catch(client.options().debug, || {
        let remote_ip = remote_ip.map(|address| address.as_bytes());
        request(&client, &user.as_bytes(), &password.as_bytes(), remote_ip.as_deref())
    });
    let session = session.map(|id| format!("<{}> ", printable(&id.to_string_lossy())));
    for (level, line) in lines {
        hand_over(lua, level, &format!("{}{line}", session.as_deref().unwrap_or_default()))?;
    }
    Ok(result)
}

/// Gives a line to Dovecot's log, or to standard error where there is no Dovecot.
fn hand_over(lua: &Lua, level: Level, line: &str) -> mlua::Result<()> {
    let Value::Table(dovecot) = lua.globals().get("dovecot")? else {
        eprintln!("{level} {line}");
        return Ok(());
    };
    let function: Function = dovecot.get(match level {
        Level::Error => "i_error",
        Level::Warn => "i_warning",
        Level::Info => "i_info",
        Level::Debug | Level::Trace => "i_debug",
    })?;
    function.call(line)
}

fn table(lua: &Lua, response: &Response) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("status", response.status)?;
    table.raw_set("reason", response.reason)?;
    table.raw_set("principal", response.body.principal())?;
    if let Body::Exception { name, message } = &response.body {
        table.raw_set("exception", name.as_str())?;
        table.raw_set("message", message.as_deref())?;
    }
    table.raw_set("elapsed_msecs", response.elapsed.as_millis() as u64)?;
    Ok(table)
}
