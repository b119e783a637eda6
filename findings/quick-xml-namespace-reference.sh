#!/bin/bash
# quick-xml does not expand references in a namespace name; roxmltree does.
#
# Versions: quick-xml 0.41.0, roxmltree 0.21.2
# Expected: `DAV&#58;` in an xmlns attribute declares the namespace `DAV:`, since the value of an attribute is what
#           remains after references are replaced (Namespaces in XML, 3 and 2.3).
# Seen:     NsReader compares the bytes of the document: the element is in the namespace `DAV&#58;`, another one.
#           roxmltree, and every parser that normalizes attributes first, says `DAV:`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cd "$work"

cat >Cargo.toml <<'END'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
quick-xml = "=0.41.0"
roxmltree = "=0.21.2"
END

cat >src/main.rs <<'END'
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

fn main() {
    for document in [r#"<d:prop xmlns:d="DAV:"/>"#, r#"<d:prop xmlns:d="DAV&#58;"/>"#] {
        println!("{document}");
        let mut reader = NsReader::from_str(document);
        match reader.read_resolved_event().unwrap().0 {
            ResolveResult::Bound(name) => println!("quick-xml: {}", String::from_utf8_lossy(name.0)),
            other => println!("quick-xml: {other:?}"),
        }
        let tree = roxmltree::Document::parse(document).unwrap();
        println!("roxmltree: {}", tree.root_element().tag_name().namespace().unwrap());
    }
}
END

expected='<d:prop xmlns:d="DAV:"/>
quick-xml: DAV:
roxmltree: DAV:
<d:prop xmlns:d="DAV&#58;"/>
quick-xml: DAV&#58;
roxmltree: DAV:'
seen=$(cargo run --quiet) || exit 2
echo "$seen"
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
