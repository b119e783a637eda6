//! Measures `encode` and `decode` in a real Lua, in comparison with luasocket's `mime` in C, a
//! codec in plain Lua, lbase64 if `LBASE64` names its file, and the base64 crate called from Rust.
//! Prints a Markdown table: nanoseconds per call, and the ratio to ours. A second table compares
//! with Dovecot's own functions, if there is a test host with a Dovecot that has them.

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use support::auth_client::{AuthClient, Outcome};
use support::dovecot::{Dovecot, Setup, Version};
use support::library;

const SIZES: [usize; 6] = [24, 40, 64, 1 << 10, 64 << 10, 1 << 20];
const ROUNDS: usize = 7;
const OURS: &str = "httpbasic";
const OTHERS: [&str; 5] = ["mime", "plain Lua", "lbase64", "crate", "dovecot"];
/// The test host with Dovecot 2.4.2 or newer, and the sizes that are measured in it.
const NEWEST: &str = "sid";
const SIZES_IN_DOVECOT: [usize; 2] = [30, 3000];

/// Nanoseconds per call in each round, by direction, size and implementation.
type Times = BTreeMap<(String, usize, String), Vec<f64>>;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    let mut times = Times::new();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        time_lua(folder.path(), &mut times);
        time_crate(&mut times);
    }
    print(&times, &SIZES);
    println!();
    if Version::V2_4.debian() == NEWEST && Version::V2_4.is_made() {
        print(&times_in_dovecot(), &SIZES_IN_DOVECOT);
    } else {
        println!("Without `tools/debian {NEWEST} make`, dovecot.base64 is not measured.");
    }
}

/// Measures in the newest Dovecot, beside its own functions.
fn times_in_dovecot() -> Times {
    let setup = Setup::of_script(include_str!("dovecot_base64.lua"));
    let dovecot = Dovecot::start_after(Version::V2_4, &setup, |folder| {
        if let Some(file) = std::env::var_os("LBASE64") {
            fs::copy(file, folder.join("lua/lbase64.lua")).unwrap();
        }
    });
    let mut client = AuthClient::open(&dovecot.auth_socket());
    let names = if std::env::var_os("LBASE64").is_some() { &["lbase64"][..] } else { &[] };
    let names = [&[OURS, "dovecot"], names].concat();
    let mut jobs = 0;
    for _ in 0..ROUNDS {
        for (direction, size) in
            SIZES_IN_DOVECOT.iter().flat_map(|it| [("encode", it), ("decode", it)])
        {
            for name in &names {
                let outcome = client.login(&format!("{direction}.{size}.{name}"), "any");
                assert_eq!(outcome, Outcome::Refused, "{}", dovecot.log());
                jobs += 1;
            }
        }
    }
    assert!(dovecot.has_logged("took ", jobs), "{}", dovecot.log());
    let mut times = Times::new();
    for line in dovecot.log().lines() {
        if let Some((_, line)) = line.split_once("took ") {
            add(&line.replace(' ', "\t"), &mut times);
        }
    }
    times
}

fn time_lua(folder: &Path, times: &mut Times) {
    let output = Command::new("lua5.4")
        .env("LUA_CPATH_5_4", format!("{}/?.so;;", folder.display()))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/base64.lua"))
        .args(SIZES.map(|size| size.to_string()))
        .output()
        .expect("lua5.4 starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        add(line, times);
    }
}

/// Adds a measurement: direction, size, implementation and nanoseconds.
fn add(line: &str, times: &mut Times) {
    let fields: Vec<_> = line.split('\t').collect();
    let key = (fields[0].into(), fields[1].parse().unwrap(), fields[2].into());
    times.entry(key).or_default().push(fields[3].parse().unwrap());
}

fn time_crate(times: &mut Times) {
    for size in SIZES {
        let bytes: Vec<u8> = (0..size).map(|place| (place * 167 % 251) as u8).collect();
        let text = STANDARD.encode(&bytes);
        let encode = time(|| STANDARD.encode(black_box(&bytes)));
        let decode = time(|| STANDARD.decode(black_box(&text)));
        for (direction, nanoseconds) in [("encode", encode), ("decode", decode)] {
            let key = (direction.into(), size, "crate".into());
            times.entry(key).or_default().push(nanoseconds);
        }
    }
}

fn time<T>(run: impl Fn() -> T) -> f64 {
    let mut calls = 1;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(run());
        }
        let elapsed = start.elapsed();
        if elapsed > Duration::from_millis(10) {
            return elapsed.as_nanos() as f64 / f64::from(calls);
        }
        calls *= 2;
    }
}

fn print(times: &Times, sizes: &[usize]) {
    let median = |direction: &str, size: usize, name: &str| {
        let mut rounds = times.get(&(direction.into(), size, name.into()))?.clone();
        rounds.sort_by(f64::total_cmp);
        Some(rounds[rounds.len() / 2])
    };
    let others = OTHERS.map(|name| (name, median("encode", sizes[0], name).is_some()));
    let others: Vec<_> = others.into_iter().filter(|other| other.1).map(|other| other.0).collect();
    println!("| | bytes | {OURS} | {} |", others.join(" | "));
    println!("|---|--:|--:|{}", "--:|".repeat(others.len()));
    for direction in ["encode", "decode"] {
        for &size in sizes {
            let ours = median(direction, size, OURS).unwrap();
            let cells = others.iter().map(|name| {
                let theirs = median(direction, size, name).unwrap();
                format!(" {theirs:.0} ({:.1}×) |", theirs / ours)
            });
            println!("| {direction} | {size} | {ours:.0} |{}", cells.collect::<String>());
        }
    }
}
