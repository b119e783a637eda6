//! The tests and links in the documents exist, and their quotations of the code are right.

#[path = "support/links.rs"]
mod links;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use httpbasic::options::Options;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    let path = Path::new(ROOT).join(path);
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
    let root = Path::new(ROOT);
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
    // The documents in `packages` are for the folders of the packages; `tests/release/packages.rs` follows their links.
    let documents = links::documents(Path::new(ROOT), &["target", "packages"]);
    assert!(links::follow(&documents) > 60);
}

#[test]
fn no_document_links_to_a_file_that_the_packages_do_not_have() {
    let packed = tempfile::tempdir().unwrap();
    let copy =
        "source packages/facts; copy \"$0\" examples docs README.md SECURITY.md CHANGELOG.md";
    let mut copy_documents = Command::new("bash");
    copy_documents.args(["-euc", copy]).arg(packed.path()).current_dir(ROOT);
    assert!(copy_documents.status().unwrap().success());
    assert!(links::follow(&links::documents(packed.path(), &[])) > 60);
}

#[test]
fn every_page_is_linked_from_the_readme_and_named_in_the_packages() {
    let pages = links::documents(&Path::new(ROOT).join("docs"), &[]);
    assert!(pages.len() >= 8, "{pages:?}");
    let (readme, install, debian) =
        (read("README.md"), read("packages/INSTALL.md"), read("packages/README.Debian"));
    for page in pages {
        let page = format!("docs/{}", page.file_name().unwrap().to_str().unwrap());
        for (name, text) in [("README.md", &readme), ("packages/INSTALL.md", &install)] {
            assert!(links::links(text).any(|link| link == page), "{name} does not link {page}");
        }
        assert!(debian.contains(&page), "packages/README.Debian does not name {page}");
    }
}

#[test]
fn the_index_of_findings_repeats_the_first_sentence_of_each() {
    let index = read("findings/README.md");
    let scripts = fs::read_dir(Path::new(ROOT).join("findings")).unwrap();
    let scripts = scripts.map(|entry| entry.unwrap().path());
    let scripts: Vec<_> =
        scripts.filter(|path| path.extension().is_some_and(|it| it == "sh")).collect();
    for path in &scripts {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let script = fs::read_to_string(path).unwrap();
        let sentence = script.lines().nth(1).unwrap().strip_prefix("# ").unwrap();
        let row = format!("| [`{name}`]({name}.sh) | {sentence} |\n");
        assert!(index.contains(&row), "findings/README.md has no line {row}");
    }
    assert_eq!(index.matches(".sh) |").count(), scripts.len());
}

#[test]
fn the_readme_has_at_most_170_lines() {
    assert!(read("README.md").lines().count() <= 170);
}

/// The rows of the first table with this head, as their cells.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let rows = text.split_once(head).unwrap_or_else(|| panic!("no table {head:?}")).1;
    let rows = rows.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().into()).collect())
        .collect()
}

#[test]
fn the_tables_of_options_have_every_option_once_with_the_same_default() {
    let head = "| option | default | meaning |";
    let (page, glance) = (table(&read("docs/options.md"), head), table(&read("README.md"), head));
    let mut names: Vec<_> = Options::names().map(|name| format!("`{name}`")).collect();
    names.sort();
    for rows in [&page, &glance] {
        let mut named: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
        named.sort();
        assert_eq!(named, names);
    }
    for (row, short) in page.iter().zip(&glance) {
        assert_eq!(row[0], short[0]);
        assert!(row[1].starts_with(&short[1]), "{row:?} and {short:?}");
    }
}

/// All texts that may be logged: those in the source, in the recorded answers and in `troubles.rs`.
fn logged() -> String {
    let root = Path::new(ROOT);
    let mut files = sources(&root.join("src"));
    files.extend(
        ["lua/auth-httpbasic.lua", "tests/dovecot/troubles.rs"].map(|path| root.join(path)),
    );
    for version in ["31", "32", "34", "34-more"] {
        let entries = fs::read_dir(root.join(format!("tests/nextcloud-{version}"))).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    let texts = files.into_iter().map(|path| fs::read_to_string(path).unwrap());
    let text = texts.collect::<Vec<_>>().join("\n").replace("\\\"", "\"");
    // A backslash at the end of a line continues a text of Rust.
    let mut lines = text.split("\\\n");
    let first = lines.next().unwrap().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

#[test]
fn every_log_line_of_the_troubleshooting_page_is_one_that_is_logged() {
    let (page, logged) = (read("docs/troubleshooting.md"), logged());
    let sections = page.split("\n## ").filter(|section| {
        section.starts_with("By log line") && !section.starts_with("By log line: lines of Dovecot")
    });
    let rows = sections.flat_map(str::lines).filter(|line| line.starts_with("| `"));
    let quoted =
        rows.flat_map(|row| row.split(" | ").next().unwrap().split('`').skip(1).step_by(2));
    let mut checked = 0;
    for line in quoted {
        // The log line begins with the kind of the verdict or of the error.
        let kinds = ["refused: ", "disabled: ", "throttled: ", "tls: ", "auth: Fatal: "];
        let text = kinds.iter().find_map(|kind| line.strip_prefix(kind)).unwrap_or(line);
        for part in text.split('…') {
            let part = part.trim_matches([' ', ':', ';', ',']);
            assert!(logged.contains(part), "{line}: nothing logs {part:?}");
            checked += usize::from(part.len() > 10);
        }
    }
    assert!(checked > 25, "{checked}");
}

#[test]
fn the_script_has_the_version_of_the_library() {
    let line = format!("local VERSION = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    assert!(read("lua/auth-httpbasic.lua").contains(&line), "no {line}");
}

/// The modules of `src/` in CONTRIBUTING.md's sentence, each with its place from the left.
fn places_of_modules() -> HashMap<String, usize> {
    let text = read("CONTRIBUTING.md");
    let sentence = text.lines().find(|line| line.starts_with("`check → lua")).unwrap();
    let places =
        sentence.trim_matches('`').split(" → ").enumerate().flat_map(|(place, modules)| {
            modules.trim_matches(['{', '}']).split(", ").map(move |module| (module.into(), place))
        });
    places.collect()
}

#[test]
fn each_module_uses_only_modules_to_its_right() {
    let places = places_of_modules();
    let src = Path::new(ROOT).join("src");
    let mut seen = 0;
    for path in sources(&src) {
        let module = path.strip_prefix(&src).unwrap().iter().next().unwrap();
        let module = module.to_str().unwrap().trim_end_matches(".rs");
        if ["lib", "bin"].contains(&module) {
            continue;
        }
        let place = places.get(module).unwrap_or_else(|| panic!("{module} is not in the sentence"));
        let text = fs::read_to_string(&path).unwrap();
        // Unit tests may use everything.
        let code = text.split("#[cfg(test)]").next().unwrap();
        for used in code.split("crate::").skip(1) {
            let end = used.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap();
            let used = &used[..end];
            let is_right = used == module || places.get(used).is_some_and(|other| other > place);
            assert!(is_right, "{} uses {used}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn the_modules_of_a_folder_do_not_use_each_other_in_a_circle() {
    for folder in ["check", "dav", "http", "lua", "options", "tls"] {
        let folder = Path::new(ROOT).join("src").join(folder);
        let names = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_string();
        let mut uses: HashMap<String, Vec<String>> = HashMap::new();
        for path in sources(&folder).iter().filter(|path| path.parent() == Some(&folder)) {
            let text = fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().replace("super::{", "super::");
            let used = code.split("super::").skip(1);
            let used = used.map(|it| it.split(|c: char| !c.is_alphanumeric() && c != '_').next());
            uses.insert(names(path), used.flatten().map(String::from).collect());
        }
        // Removes modules that use none of the others until there are none, or only a circle.
        while let Some(free) =
            uses.iter().find(|(_, used)| used.iter().all(|it| !uses.contains_key(it)))
        {
            let free = free.0.clone();
            uses.remove(&free);
        }
        assert!(uses.is_empty(), "{}: {uses:?}", folder.display());
    }
}

#[test]
fn the_workflows_pin_each_action_and_image() {
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let (mut actions, mut images) = (0, Vec::new());
    for entry in fs::read_dir(Path::new(ROOT).join(".github/workflows")).unwrap() {
        let workflow = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in workflow.lines().map(|line| line.trim_start_matches(['-', ' '])) {
            if let Some(action) = line.strip_prefix("uses: ") {
                let (commit, version) =
                    action.split_once('@').unwrap().1.split_once(" # v").unwrap();
                assert!(is_hex(commit, 40) && version.split('.').count() == 3, "{line}");
                actions += 1;
            }
            if let Some(image) = line.strip_prefix("image: ") {
                assert!(is_hex(image.split_once("@sha256:").unwrap().1, 64), "{line}");
                images.push(image.to_string());
            }
        }
    }
    images.dedup();
    assert!(actions > 8 && images.len() == 1, "{actions} {images:?}");
}
