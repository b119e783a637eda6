//! What was measured, as Markdown tables.

use std::process::Command;

use crate::contestant::{Contestant, Round};
use crate::support::library;

const MEGABYTE: f64 = 1e6;
const STARTS: usize = 21;

type Value = Box<dyn Fn(&Contestant) -> Option<f64>>;

/// A column for each script, a row for each thing measured: medians of the rounds.
pub fn logins(contestants: &[Contestant]) -> String {
    let nothing = &contestants[0];
    let names: Vec<_> = contestants.iter().map(|contestant| contestant.name).collect();
    let mut text = format!("| a login | {} |\n|---|", names.join(" | "));
    text += &"--:|".repeat(names.len());
    text.push('\n');
    for (name, decimals, is_net, value) in rows() {
        let cells = contestants.iter().map(|contestant| {
            let own = value(contestant);
            let net = value(nothing).and_then(|base| own.map(|own| own - base));
            cell(if is_net { net } else { own }, decimals)
        });
        text += &format!("| {name} |{}\n", cells.collect::<String>());
    }
    text
}

fn rows() -> Vec<(&'static str, usize, bool, Value)> {
    let worker: fn(&Round) -> Option<f64> = |round| Some(round.single.worker_cpu);
    let parallel: fn(&Round) -> Option<f64> = |round| Some(round.parallel.worker_cpu);
    let private: fn(&Round) -> Option<f64> =
        |round| round.memory.as_ref().map(|memory| memory.private / MEGABYTE);
    vec![
        ("CPU of the worker, µs", 0, false, median(worker)),
        ("— above nothing asked", 0, true, median(worker)),
        ("CPU of the auth process, µs", 0, false, median(|round| Some(round.single.auth_cpu))),
        ("system calls of the worker", 1, false, Box::new(|script| script.system_calls)),
        ("one at a time: a second", 0, false, median(|round| Some(round.single.per_second))),
        ("— p50, ms", 2, false, median(|round| Some(round.single.p50))),
        ("— p99, ms", 2, false, median(|round| Some(round.single.p99))),
        ("eight at a time: a second", 0, false, median(|round| Some(round.parallel.per_second))),
        ("— CPU of the workers, µs", 0, false, median(parallel)),
        ("— above nothing asked", 0, true, median(parallel)),
        ("— p50, ms", 2, false, median(|round| Some(round.parallel.p50))),
        ("— p99, ms", 2, false, median(|round| Some(round.parallel.p99))),
        ("first login of a new worker, ms", 1, false, median(|round| Some(round.first))),
        ("private memory of a worker, MB", 1, false, median(private)),
        ("— above nothing asked", 1, true, median(private)),
        (
            "resident memory of a worker, MB",
            1,
            false,
            median(|round| round.memory.as_ref().map(|memory| memory.resident / MEGABYTE)),
        ),
    ]
}

fn median(value: fn(&Round) -> Option<f64>) -> Value {
    Box::new(move |contestant| contestant.median(value))
}

fn cell(value: Option<f64>, decimals: usize) -> String {
    let text = value.map_or("–".into(), |value| format!("{value:.decimals$}"));
    format!(" {} |", text.replace('-', "−"))
}

/// The library's size, and how long a fresh Lua takes to load it and to make a client.
pub fn library() -> String {
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    let size = std::fs::metadata(library::path()).unwrap().len() as f64 / MEGABYTE;
    let mut times: Vec<Vec<f64>> = (0..STARTS)
        .map(|_| {
            let output = Command::new("lua5.4")
                .env("LUA_CPATH_5_4", format!("{}/?.so", folder.path().display()))
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/dovecot/startup.lua"))
                .output()
                .expect("lua5.4 starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).unwrap();
            text.split_whitespace().map(|number| number.parse().unwrap()).collect()
        })
        .collect();
    times.sort_by(|a, b| (a[0] + a[1]).total_cmp(&(b[0] + b[1])));
    let [require, client] = times[STARTS / 2][..] else { panic!("{times:?}") };
    format!(
        "| library | |\n|---|--:|\n| size, MB | {size:.2} |\n| `require`, ms | {require:.1} |\n\
         | `client`, ms | {client:.1} |\n"
    )
}
