//! The environment of the tests, the demo and the benches: a throwaway CA, web servers, Dovecot, an
//! IMAP client. Servers listen on loopback only and stop when their value is dropped.
#![allow(dead_code, reason = "each test uses a part")]

/// Turns each of these functions into two tests, one for each version of Dovecot.
#[allow(unused_macros, reason = "not every test needs a Dovecot")]
macro_rules! on_each_dovecot {
    ($($name:ident)*) => {
        mod dovecot_2_3 {
            $(#[test] fn $name() { super::$name(crate::support::dovecot::Version::V2_3) })*
        }
        mod dovecot_2_4 {
            $(#[test] fn $name() { super::$name(crate::support::dovecot::Version::V2_4) })*
        }
    };
}

pub mod access_log;
pub mod alone;
pub mod apache;
pub mod asgiwebdav;
pub mod auth_client;
pub mod ca;
pub mod checker;
pub mod configuration;
pub mod copyparty;
pub mod costs;
pub mod dav_server;
pub mod debian;
pub mod dovecot;
#[cfg(feature = "vendored")]
pub mod embedded;
pub mod faults;
pub mod findings;
pub mod haproxy;
pub mod http;
pub mod imap;
pub mod leftovers;
pub mod library;
pub mod lighttpd;
pub mod links;
pub mod mail_client;
pub mod memory;
pub mod metrics;
pub mod names;
pub mod nextcloud;
pub mod nginx;
pub mod old_tls;
pub mod openssl;
pub mod parallel;
pub mod port;
pub mod process;
pub mod pty;
pub mod python;
pub mod radicale;
pub mod rclone;
pub mod recording;
pub mod relay;
pub mod users;
pub mod web_server;
#[cfg(feature = "vendored")]
pub mod world;
pub mod wsgidav;
