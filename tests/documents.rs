//! The tests, files and headings that the documents refer to exist.

use std::fs;
use std::path::{Path, PathBuf};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below a folder of the project.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn each_test_that_security_md_names_exists() {
    let text = read("SECURITY.md");
    let quoted = text.split('`').skip(1).step_by(2);
    let names: Vec<&str> = quoted.filter(|name| name.contains("::")).collect();
    assert!(names.len() > 40, "{names:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = ["src", "tests"].iter().flat_map(|it| sources(&root.join(it))).collect();
    for name in names {
        let (place, test) = name.rsplit_once("::").unwrap();
        let place = place.rsplit("::").next().unwrap();
        let begin = test.trim_end_matches('…');
        let is_in_place = |path: &&PathBuf| {
            let file = path.file_stem().unwrap();
            let folder = path.parent().unwrap().file_name().unwrap();
            file == place || (folder == place && ["mod", "main"].iter().any(|it| file == *it))
        };
        let found = files.iter().filter(is_in_place).any(|path| {
            let functions = fs::read_to_string(path).unwrap();
            let mut functions = functions.split("fn ").skip(1);
            functions.any(|function| match begin.len() < test.len() {
                true => function.starts_with(begin),
                false => function.starts_with(&format!("{begin}(")),
            })
        });
        assert!(found, "SECURITY.md names {name}");
    }
}

#[test]
fn every_link_of_a_document_has_a_target() {
    let (root, mut links) = (Path::new(env!("CARGO_MANIFEST_DIR")), 0);
    for document in [
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/servers.md",
        "examples/README.md",
    ] {
        let text = read(document);
        let folder = root.join(document).parent().unwrap().to_path_buf();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            if path.starts_with("https://") {
                continue;
            }
            links += 1;
            let target = if path.is_empty() { root.join(document) } else { folder.join(path) };
            assert!(target.exists(), "{document}: {link}");
            // Anchors as GitHub derives them from headings.
            let is_heading = |line: &str| {
                let words = line.trim_start_matches('#').trim().to_lowercase();
                let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                line.starts_with('#') && kept.collect::<String>().replace(' ', "-") == heading
            };
            let has_heading = || fs::read_to_string(&target).unwrap().lines().any(is_heading);
            assert!(heading.is_empty() || has_heading(), "{document}: {link}");
        }
    }
    assert!(links > 20, "{links}");
}
