//! Measures what a login costs in a real Dovecot with different passdb scripts: one that sends no
//! request, other ways to send one from Lua, and ours. The scripts take turns in alternating
//! rounds. Prints Markdown tables and draws a chart. Takes a quarter of an hour.
//!
//! `DOVECOT=2.4` selects the version, from the Debian 13 test host. `CHART=…` is the path of the
//! chart.

#[path = "../../tests/support/mod.rs"]
mod support;

mod capacity;
mod chart;
mod contestant;
mod load;
mod machine;
mod memory;
mod silent;
mod system_calls;
mod table;
mod usage;

use std::path::PathBuf;

use contestant::Contestant;
use support::ca::Ca;
use support::dovecot::Version;
use support::nginx::Nginx;

/// The account that logs in.
const USER: (&str, &str) = ("alice@example.com", "ABCDE-fghij-KLMNO-pqrst-UVWXY");

const ROUNDS: usize = 15;

fn main() {
    let version = match std::env::var("DOVECOT").as_deref() {
        Err(_) | Ok("" | "2.3") => Version::V2_3,
        Ok("2.4") => Version::V2_4,
        Ok(other) => panic!("DOVECOT={other}: expected 2.3 or 2.4"),
    };
    let machine = machine::describe(version);
    let nginx = Nginx::start_for_load(&Ca::new(), &[USER]);
    let mut contestants = contestant::all(version, &nginx);
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        contestants.iter_mut().for_each(Contestant::run);
    }
    eprintln!("system calls");
    contestants.iter_mut().for_each(Contestant::count_system_calls);

    println!("{machine}\n");
    println!("{}", table::logins(&contestants));
    println!("{}", memory::table(&nginx));
    eprintln!("many logins at once");
    println!("{}", capacity::tables(version));
    println!("{}", table::library());
    if version == Version::V2_3 {
        println!("{}\n", silent::sentence());
    }
    let chart = chart_file(version);
    std::fs::create_dir_all(chart.parent().unwrap()).unwrap();
    std::fs::write(&chart, chart::draw(&contestants, &machine)).unwrap();
    eprintln!("drawn: {}", chart.display());
}

fn chart_file(version: Version) -> PathBuf {
    let name = match version {
        Version::V2_3 => "docs/speed-dovecot-2.3.svg",
        Version::V2_4 => "docs/speed-dovecot-2.4.svg",
    };
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    std::env::var_os("CHART").map_or_else(default, PathBuf::from)
}
