//! A lookup costs no more than docs/speed.md says.

use crate::support::{costs, library};

/// What a change may cost more than the table says.
const TOLERANCE: f64 = 1.02;

#[test]
fn nothing_costs_more_than_the_table_says() {
    let page = include_str!("../../docs/speed.md");
    let versions = costs::versions();
    if !page.contains(&versions) {
        // The numbers are those of these versions only.
        eprintln!("not compared: docs/speed.md has no numbers for {versions}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    library::install(folder.path());
    let mut problems = Vec::new();
    for (name, cost) in costs::of_library(folder.path()) {
        let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {name} |")));
        let row = row.unwrap_or_else(|| panic!("docs/speed.md has no row {name}"));
        let mut cells = row.split('|').map(|cell| cell.trim().parse::<f64>().unwrap());
        for (what, found) in
            [("instructions", cost.instructions), ("allocations", cost.allocations)]
        {
            let said = cells.next().unwrap();
            println!("{name}: {found:.0} {what}, and docs/speed.md says {said}");
            if found > said * TOLERANCE + 0.5 {
                problems.push(format!("{name}: {found:.0} {what} instead of {said}"));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
