//! The library as users get it, in real Dovecots 2.3 and 2.4 and in a real Lua.

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod base64_library;
mod cache;
mod dms;
mod examples;
mod library;
mod logins;
mod many;
mod metrics;
mod monitoring_picture;
mod outage;
mod passdbs;
mod proxy;
mod states;
mod system_calls;
mod troubles;
mod versions;
mod withdrawn;
