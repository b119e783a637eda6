//! The client that `httpbasic.client` returns, and its methods.

use std::time::Duration;

use ::log::Level;

use crate::credentials::Credentials;
use crate::dav::Body;
use crate::http::Client;
use crate::http::Response;
use crate::log;
use crate::login;
use crate::lua::call::Call;
use crate::lua::function::{Failure, Function, Output};
use crate::options::Options;
use crate::text::printable;
use crate::verdict::Verdict;

pub static CONSTRUCTOR: Function =
    Function { name: c"client", is_method: false, body: constructor };

pub static METHODS: [Function; 2] = [
    Function { name: c"propfind", is_method: true, body: propfind },
    Function { name: c"verify", is_method: true, body: verify },
];

/// `httpbasic.client(options)`
fn constructor(call: &Call) -> Result<[Output; 2], Failure> {
    call.at_most(1)?;
    let options =
        Options::new(call.pairs(1)?).map_err(|error| format!("httpbasic.client: {error}"))?;
    if options.debug {
        call.log(Level::Debug, introduction(&options));
    }
    Ok([Output::Client(Some(Box::new(Client::new(options)))), Output::Nil])
}

/// The Lua that this is built for.
const LUA: &str = if cfg!(feature = "lua54") {
    "Lua 5.4"
} else if cfg!(feature = "lua53") {
    "Lua 5.3"
} else if cfg!(feature = "lua52") {
    "Lua 5.2"
} else if cfg!(feature = "lua51") {
    "Lua 5.1"
} else {
    "LuaJIT"
};

/// The first line of a log with `debug`: who is here, and what is not as usual.
fn introduction(options: &Options) -> String {
    let (version, host) = (env!("CARGO_PKG_VERSION"), options.url.host());
    format!("httpbasic {version} for {LUA} asks {host}")
}

/// `client:verify(user, password, remote_ip, session)`
fn verify(call: &Call) -> Result<[Output; 2], Failure> {
    let (word, text) = match ask(call, login::verify)? {
        Verdict::Ok(password) => {
            let fields = Output::Table(vec![(c"password", password.into())]);
            return Ok(["ok".into(), fields]);
        }
        Verdict::Refused(text) => ("refused", text),
        Verdict::Disabled(text) => ("disabled", text),
        Verdict::Throttled(text) => ("throttled", text),
        Verdict::Unavailable(text) => ("unavailable", text),
    };
    Ok([word.into(), text.into()])
}

/// `client:propfind(user, password, remote_ip, session)`
fn propfind(call: &Call) -> Result<[Output; 2], Failure> {
    let result = ask(call, |client, user, password, remote_ip| {
        let remote_ip = remote_ip.and_then(login::address);
        let user = client.options().sent_name(user);
        client.propfind(Credentials::new(user, password)?, remote_ip, client.deadline())
    })?;
    Ok(match result {
        Ok(response) => [table(&response), Output::Nil],
        Err(error) => [Output::Nil, error.to_string().into()],
    })
}

/// Checks the arguments that `verify` and `propfind` have, runs `request` and hands on what was logged.
fn ask<T>(
    call: &Call,
    request: impl FnOnce(&Client, &[u8], &[u8], Option<&[u8]>) -> T,
) -> Result<T, Failure> {
    let client = call.client()?;
    call.at_most(4)?;
    let (user, password) = (call.string(1)?, call.string(2)?);
    let (remote_ip, session) = (call.optional_string(3)?, call.optional_string(4)?);
    let (result, lines) =
        log::catch(client.options().debug, || request(client, user, password, remote_ip));
    let session = session.map(|id| format!("<{}> ", printable(&String::from_utf8_lossy(id))));
    for (level, line) in lines {
        call.log(level, format!("{}{line}", session.as_deref().unwrap_or_default()));
    }
    Ok(result)
}

fn table(response: &Response) -> Output {
    let mut fields = vec![
        (c"status", Output::Integer(response.status.into())),
        (c"reason", response.reason.into()),
        (c"principal", response.body.principal().map(String::from).into()),
        (c"elapsed_msecs", msecs(response.elapsed)),
    ];
    if let Body::Exception { name, message } = &response.body {
        fields.push((c"exception", name.clone().into()));
        fields.push((c"message", message.clone().into()));
    }
    Output::Table(fields)
}

fn msecs(duration: Duration) -> Output {
    Output::Integer(duration.as_millis() as i64)
}
