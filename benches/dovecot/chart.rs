//! A bar chart of the results: an SVG with its own background, for light and for dark pages.

use std::fmt::Write;

use crate::contestant::Contestant;

const WIDTH: f64 = 760.0;
/// The left edge of the bars, and the length of the longest. Its value is to the right of it.
const LEFT: f64 = 190.0;
const LONGEST: f64 = 480.0;
const ROW: f64 = 22.0;
const TITLE: f64 = 34.0;
const FOOT: f64 = 36.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.foot { font-size: 11px; opacity: .7 }
.name { text-anchor: end }
.bar { fill: #8c959f }
.ours { fill: #0969da }
.paper { fill: #ffffff; stroke: #d0d7de }";

type Value = fn(&Contestant) -> Option<f64>;

const PANELS: [(&str, usize, Value); 3] = [
    ("CPU time of the auth worker, µs per login", 0, |script| {
        script.median(|round| Some(round.single.worker_cpu))
    }),
    ("System calls of the auth worker, per login", 0, |script| script.system_calls),
    ("Duration of a login (median), ms", 2, |script| script.median(|round| Some(round.single.p50))),
];

/// Draws one panel per measure, with one bar per script.
pub fn draw(contestants: &[Contestant], machine: &str) -> String {
    let panel_height = TITLE + ROW * contestants.len() as f64;
    let height = panel_height * PANELS.len() as f64 + FOOT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
         <title>What a login costs, by passdb script</title>\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        WIDTH - 1.0,
        height - 1.0
    );
    for (index, (title, decimals, value)) in PANELS.into_iter().enumerate() {
        let top = panel_height * index as f64;
        text(&mut svg, "title", LEFT, top + TITLE - 10.0, title);
        let values: Vec<_> =
            contestants.iter().map(|contestant| value(contestant).unwrap_or(0.0)).collect();
        let limit = limit(&values);
        for (row, (contestant, value)) in contestants.iter().zip(values).enumerate() {
            let top = top + TITLE + ROW * row as f64;
            text(&mut svg, "name", LEFT - 8.0, top + 15.0, contestant.name);
            let class = if contestant.name.starts_with("httpbasic") { "ours" } else { "bar" };
            let end = bar(&mut svg, class, top + 4.0, value, limit);
            text(&mut svg, "value", end + 6.0, top + 15.0, &format!("{value:.decimals$}"));
        }
    }
    text(&mut svg, "foot", 10.0, height - 10.0, machine);
    svg + "</svg>\n"
}

/// The value of the longest bar. A script that is far behind gets a broken bar, so that the others
/// remain readable.
fn limit(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(|a, b| b.total_cmp(a));
    values[0].min(values[1] * 1.5)
}

/// Draws a bar and returns its right edge.
fn bar(svg: &mut String, class: &str, top: f64, value: f64, limit: f64) -> f64 {
    let mut piece = |from: f64, to: f64| {
        let width = to - from;
        let left = LEFT + from;
        writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"14\"/>"
        )
        .expect("a string takes everything");
    };
    if value > limit {
        piece(0.0, LONGEST - 24.0);
        piece(LONGEST - 18.0, LONGEST);
        return LEFT + LONGEST;
    }
    let length = (value / limit * LONGEST).max(1.0);
    piece(0.0, length);
    LEFT + length
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>")
        .expect("a string takes everything");
}
