//! The results as Markdown tables.

use std::process::Command;

use crate::contestant::{self, Contestant, Round};
use crate::support::library;

const MEGABYTE: f64 = 1e6;
const STARTS: usize = 21;

type Value = Box<dyn Fn(&Contestant) -> Option<f64>>;

/// What a row shows for each script.
enum Row {
    Own(Value),
    /// The difference to the script that sends no request.
    Net(Value),
    /// The quotient of that difference and that of the guide's script.
    Part(fn(&Round) -> f64),
}

/// A table with a column per script and a row per measure. The values are medians over the rounds.
pub fn logins(contestants: &[Contestant]) -> String {
    let [nothing, guide, ..] = contestants else { panic!("too few scripts") };
    let names: Vec<_> = contestants.iter().map(|contestant| contestant.name).collect();
    let mut text = format!("| per login | {} |\n|---|", names.join(" | "));
    text += &"--:|".repeat(names.len());
    text.push('\n');
    for (name, decimals, row) in rows() {
        let cells = contestants.iter().map(|script| {
            let shown = match &row {
                Row::Own(value) => value(script),
                Row::Net(value) => value(script).zip(value(nothing)).map(|(own, base)| own - base),
                Row::Part(value) => part(script, nothing, guide, *value),
            };
            cell(shown, decimals)
        });
        text += &format!("| {name} |{}\n", cells.collect::<String>());
    }
    text
}

fn rows() -> Vec<(&'static str, usize, Row)> {
    let worker: fn(&Round) -> f64 = |round| round.single.worker_cpu;
    let workers: fn(&Round) -> f64 = |round| round.parallel.worker_cpu;
    let private: fn(&Round) -> Option<f64> =
        |round| round.memory.as_ref().map(|memory| memory.private / MEGABYTE);
    let resident: fn(&Round) -> Option<f64> =
        |round| round.memory.as_ref().map(|memory| memory.resident / MEGABYTE);
    let own = |value: fn(&Round) -> f64| Row::Own(median(move |round| Some(value(round))));
    let net = |value: fn(&Round) -> f64| Row::Net(median(move |round| Some(value(round))));
    vec![
        ("CPU of the worker, µs", 0, own(worker)),
        ("— above no request", 0, net(worker)),
        ("— part of dovecot.http.client's", 2, Row::Part(worker)),
        ("CPU of the auth process, µs", 0, own(|round| round.single.auth_cpu)),
        ("system calls of the worker", 1, Row::Own(Box::new(|script| script.system_calls))),
        ("one at a time: logins per second", 0, own(|round| round.single.per_second)),
        ("— p50, ms", 2, own(|round| round.single.p50)),
        ("— p99, ms", 2, own(|round| round.single.p99)),
        ("eight at a time: logins per second", 0, own(|round| round.parallel.per_second)),
        ("— CPU of the workers, µs", 0, own(workers)),
        ("— above no request", 0, net(workers)),
        ("— part of dovecot.http.client's", 2, Row::Part(workers)),
        ("— p50, ms", 2, own(|round| round.parallel.p50)),
        ("— p99, ms", 2, own(|round| round.parallel.p99)),
        ("first login of a new worker, ms", 1, own(|round| round.first)),
        ("private memory of a worker, MB", 1, Row::Own(median(private))),
        ("— above no request", 1, Row::Net(median(private))),
        ("resident memory of a worker, MB", 1, Row::Own(median(resident))),
    ]
}

/// Compares round by round because the speed of a machine varies.
fn part(
    script: &Contestant,
    nothing: &Contestant,
    guide: &Contestant,
    value: fn(&Round) -> f64,
) -> Option<f64> {
    let rounds = script.rounds.iter().zip(&nothing.rounds).zip(&guide.rounds);
    contestant::median(
        rounds
            .map(|((own, base), guide)| (value(own) - value(base)) / (value(guide) - value(base))),
    )
}

fn median(value: impl Fn(&Round) -> Option<f64> + 'static) -> Value {
    Box::new(move |contestant| contestant.median(&value))
}

fn cell(value: Option<f64>, decimals: usize) -> String {
    let text = value.map_or("–".into(), |value| format!("{value:.decimals$}"));
    format!(" {} |", text.replace('-', "−"))
}

/// The size of the library, and the CPU time of loading it and creating a client.
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
