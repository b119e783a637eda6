//! The links of Markdown documents: in the repository, and in what is packed from it.

use std::fs;
use std::path::{Path, PathBuf};

/// All Markdown documents in a folder, apart from hidden folders and `skipped` ones.
pub fn documents(folder: &Path, skipped: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_skipped = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with('.') || skipped.contains(&name)
    };
    entries
        .filter(|path| !is_skipped(path))
        .flat_map(|path| if path.is_dir() { documents(&path, skipped) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The targets of a document's links to other files and headings.
pub fn links(text: &str) -> impl Iterator<Item = &str> {
    let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    links.filter(|link| !link.starts_with("https://"))
}

/// Follows all links of these documents and returns how many there are.
pub fn follow(documents: &[PathBuf]) -> usize {
    let mut followed = 0;
    for document in documents {
        let text = fs::read_to_string(document).unwrap();
        for link in links(&text) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => document.clone(),
                _ => document.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{}: {link}", document.display());
            let has_heading = || {
                fs::read_to_string(&target).unwrap().lines().any(|line| is_heading(line, heading))
            };
            assert!(heading.is_empty() || has_heading(), "{}: {link}", document.display());
            followed += 1;
        }
    }
    followed
}

/// Whether a line is the heading that GitHub links to by this name.
fn is_heading(line: &str, name: &str) -> bool {
    let words = line.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    line.starts_with('#') && kept.collect::<String>().replace(' ', "-") == name
}
