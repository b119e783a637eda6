//! The picture in docs/monitoring.md: what the endpoint shows in an hour with an outage, compressed
//! into a minute. `make pictures` draws it anew.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::auth_client::AuthClient;
use crate::support::configuration;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::http::{Server, answer, principal, refusal};
use crate::support::metrics::{example, get};
use crate::support::port;

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/monitoring.svg");

/// A minute of the picture takes this long.
const MINUTE: Duration = Duration::from_secs(1);
const MINUTES: usize = 60;
/// The server is slow, then its PHP is stopped.
const SLOW: std::ops::Range<usize> = 14..20;
const OUTAGE: std::ops::Range<usize> = 20..35;
/// Logins in each minute.
const LOGINS: [usize; 5] = [10, 13, 9, 12, 11];
/// Every tenth login has a wrong password.
const WRONG: usize = 10;

const VERDICTS: [&str; 3] = ["ok", "refused", "unavailable"];

#[test]
#[ignore = "takes a minute; make pictures runs it"]
fn draw_an_hour_with_an_outage() {
    let minute = Arc::new(AtomicUsize::new(0));
    let server = server(minute.clone());
    let port = port::free();
    let setup =
        Setup::new(&format!("http://127.0.0.1:{}/dav/", server.port), None).with("metrics", "true");
    let dovecot = Dovecot::start_after(Version::own(), &setup, |folder| {
        configuration::append(folder, &example(Version::own(), port));
    });
    let mut client = AuthClient::open(&dovecot.auth_socket());
    let mut number = 0;
    let mut shown = vec![get(port).expect("the endpoint answers")];
    for now in 0..MINUTES {
        let end = Instant::now() + MINUTE;
        minute.store(now, Ordering::Relaxed);
        let logins = LOGINS[now % LOGINS.len()];
        for _ in 0..logins {
            number += 1;
            client.begin("alice", if number % WRONG == 0 { "wrong" } else { "right" });
            sleep(MINUTE / 20);
        }
        for _ in 0..logins {
            client.end();
        }
        sleep(end.saturating_duration_since(Instant::now()));
        shown.push(get(port).expect("the endpoint answers"));
    }
    fs::write(PICTURE, draw(&shown)).unwrap();
}

/// A web server that takes its time, as a Nextcloud does.
fn server(minute: Arc<AtomicUsize>) -> Server {
    Server::answering(None, move |request| {
        let minute = minute.load(Ordering::Relaxed);
        let is_right = request.credentials().ends_with(b":right");
        if OUTAGE.contains(&minute) {
            return answer("502 Bad Gateway", "");
        }
        let spread = 91 * minute % 120;
        let factor = if SLOW.contains(&minute) { 2 + (minute - SLOW.start) / 2 } else { 1 };
        sleep(Duration::from_millis(((90 + spread) * factor) as u64));
        if is_right { principal("alice") } else { refusal() }
    })
}

/// The value of a series.
fn value(shown: &str, series: &str) -> f64 {
    let line = shown.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// How many lookups of a minute had this verdict.
fn count(before: &str, after: &str, verdict: &str) -> f64 {
    let series = format!("dovecot_httpbasic_lookups_count{{verdict=\"{verdict}\"}}");
    value(after, &series) - value(before, &series)
}

/// The time in which this part of the answered lookups ended, estimated as Prometheus does.
fn quantile(before: &str, after: &str, part: f64) -> Option<f64> {
    let limits = (10..=23).map(|magnitude| 2_f64.powi(magnitude) / 1e6);
    let within = |limit: &str| -> f64 {
        let series = |verdict| {
            format!("dovecot_httpbasic_lookups_bucket{{verdict=\"{verdict}\",le=\"{limit}\"}}")
        };
        let verdicts = ["ok", "refused"].map(series);
        verdicts.iter().map(|series| value(after, series) - value(before, series)).sum()
    };
    let wanted = within("+Inf") * part;
    let (mut lower, mut below) = (0.0, 0.0);
    for limit in limits {
        let count = within(&format!("{limit:.6}"));
        if count >= wanted && count > below {
            return Some(lower + (limit - lower) * (wanted - below) / (count - below));
        }
        (lower, below) = (limit, count);
    }
    None
}

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.small { font-size: 11px; fill: #57606a }
.end { text-anchor: end }
.middle { text-anchor: middle }
.paper { fill: #ffffff; stroke: #d0d7de }
.outage { fill: #cf222e; opacity: .08 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.ok { fill: #2da44e }
.refused { fill: #bf8700 }
.unavailable { fill: #cf222e }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
.p50 { stroke: #0969da }
.p95 { stroke: #8250df }";

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 430.0;
const LEFT: f64 = 50.0;
const STEP: f64 = 11.5;
const PANEL: f64 = 130.0;

/// The horizontal position of a minute.
fn x(minute: f64) -> f64 {
    LEFT + minute * STEP
}

fn draw(shown: &[String]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>An hour with an outage: the lookups of each minute by verdict, and their duration\
         </title>\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        WIDTH - 1.0,
        HEIGHT - 1.0
    );
    draw_counts(&mut svg, 44.0, shown);
    draw_durations(&mut svg, 244.0, shown);
    text(&mut svg, "small middle", x(30.0), HEIGHT - 14.0, "minutes");
    svg + "</svg>\n"
}

/// A panel with horizontal lines at these values, below a title. Returns its scale.
fn panel(svg: &mut String, top: f64, title: &str, values: &[f64]) -> impl Fn(f64) -> f64 + use<> {
    let highest = *values.last().unwrap();
    let y = move |value: f64| top + PANEL - PANEL * value / highest;
    text(svg, "title", LEFT, top - 16.0, title);
    let (left, width) = (x(OUTAGE.start as f64), OUTAGE.len() as f64 * STEP);
    writeln!(
        svg,
        "<rect class=\"outage\" x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{PANEL}\"/>"
    )
    .unwrap();
    for value in values {
        let (right, y) = (x(MINUTES as f64), y(*value));
        writeln!(svg, "<path class=\"grid\" d=\"M{LEFT:.1} {y:.1}H{right:.1}\"/>").unwrap();
        text(svg, "small end", LEFT - 6.0, y + 4.0, &format!("{value}"));
    }
    for minute in (0..=MINUTES).step_by(10) {
        text(svg, "small middle", x(minute as f64), top + PANEL + 16.0, &minute.to_string());
    }
    y
}

/// Bars that show how many lookups of each minute had each verdict.
fn draw_counts(svg: &mut String, top: f64, shown: &[String]) {
    let y = panel(svg, top, "Lookups a minute, by verdict", &[0.0, 5.0, 10.0, 15.0]);
    for (minute, pair) in shown.windows(2).enumerate() {
        let mut base = 0.0;
        for verdict in VERDICTS {
            let count = count(&pair[0], &pair[1], verdict);
            let (x, y, height) = (x(minute as f64) + 1.0, y(base + count), y(0.0) - y(count));
            if count > 0.0 {
                let width = STEP - 2.0;
                writeln!(
                    svg,
                    "<rect class=\"{verdict}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width}\" \
                     height=\"{height:.1}\"/>"
                )
                .unwrap();
            }
            base += count;
        }
    }
    for (index, verdict) in VERDICTS.into_iter().enumerate() {
        let x = x(36.0) + 92.0 * index as f64;
        let y = top - 26.0;
        writeln!(
            svg,
            "<rect class=\"{verdict}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"10\" height=\"10\"/>"
        )
        .unwrap();
        text(svg, "small", x + 15.0, y + 9.0, verdict);
    }
}

/// Lines that show the duration of answered lookups in the last three minutes.
fn draw_durations(svg: &mut String, top: f64, shown: &[String]) {
    let title = "Duration of answered lookups, in seconds";
    let y = panel(svg, top, title, &[0.0, 0.5, 1.0, 1.5]);
    for (index, (name, part)) in [("p50", 0.5), ("p95", 0.95)].into_iter().enumerate() {
        let mut path = String::new();
        let mut word = 'M';
        for (minute, window) in shown.windows(4).enumerate() {
            let Some(value) = quantile(&window[0], &window[3], part) else {
                word = 'M';
                continue;
            };
            let x = x(minute as f64 + 3.0);
            write!(path, "{word}{x:.1} {:.1}", y(value.min(1.5))).unwrap();
            word = 'L';
        }
        writeln!(svg, "<path class=\"line {name}\" d=\"{path}\"/>").unwrap();
        let (x, y) = (x(36.0) + 92.0 * index as f64, top - 21.0);
        let end = x + 14.0;
        writeln!(svg, "<path class=\"line {name}\" d=\"M{x:.1} {y:.1}H{end:.1}\"/>").unwrap();
        text(svg, "small", x + 19.0, y + 4.0, name);
    }
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, text: &str) {
    writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>").unwrap();
}
