//! Reads the XML of an answer, element by element. Entities are not expanded, external resources
//! are not fetched, and a document that is not well-formed is rejected.

use quick_xml::events::{BytesRef, Event};
use quick_xml::name::{LocalName, Namespace, ResolveResult};
use quick_xml::reader::NsReader;

/// The elements that have a meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `DAV:multistatus`
    Multistatus,
    /// `DAV:response`
    Response,
    /// `DAV:propstat`
    Propstat,
    /// `DAV:prop`
    Prop,
    /// `DAV:status`
    Status,
    /// `DAV:current-user-principal`
    CurrentUserPrincipal,
    /// `DAV:href`
    Href,
    /// `DAV:unauthenticated`
    Unauthenticated,
    /// Nextcloud's `oc:fileid`
    FileId,
    /// `DAV:error`
    Error,
    /// sabre/dav's `s:exception`
    Exception,
    /// sabre/dav's `s:message`
    Message,
    /// Any other element.
    Other,
}

impl Element {
    fn named(namespace: ResolveResult, name: LocalName) -> Self {
        let ResolveResult::Bound(Namespace(namespace)) = namespace else {
            return Self::Other;
        };
        match (namespace, name.into_inner()) {
            (b"DAV:", b"multistatus") => Self::Multistatus,
            (b"DAV:", b"response") => Self::Response,
            (b"DAV:", b"propstat") => Self::Propstat,
            (b"DAV:", b"prop") => Self::Prop,
            (b"DAV:", b"status") => Self::Status,
            (b"DAV:", b"current-user-principal") => Self::CurrentUserPrincipal,
            (b"DAV:", b"href") => Self::Href,
            (b"DAV:", b"unauthenticated") => Self::Unauthenticated,
            (b"DAV:", b"error") => Self::Error,
            (b"http://owncloud.org/ns", b"fileid") => Self::FileId,
            (b"http://sabredav.org/ns", b"exception") => Self::Exception,
            (b"http://sabredav.org/ns", b"message") => Self::Message,
            _ => Self::Other,
        }
    }
}

/// The namespaces of Nextcloud's own properties. Some are still those of ownCloud.
const NEXTCLOUD: [&[u8]; 2] = [b"http://nextcloud.org/ns", b"http://owncloud.org/ns"];

/// The facts about a document that do not depend on a single element.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Whether it declares one of Nextcloud's namespaces.
    pub is_nextcloud: bool,
}

/// Calls `visit` at the end of each element. Its arguments are the path from the root down to the
/// element, and the element's text without surrounding ASCII white space. For an element with
/// children, that is only the text after the last child.
///
/// Returns `None` if `document` is not well-formed or has a document type declaration. `visit` may
/// already have been called by then.
pub fn walk(document: &str, mut visit: impl FnMut(&[Element], &str)) -> Option<Document> {
    let mut reader = NsReader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let (mut path, mut text) = (Vec::with_capacity(8), String::with_capacity(128));
    let (mut is_over, mut found) = (false, Document::default());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if !is_over => {
                for attribute in start.attributes() {
                    found.is_nextcloud |= NEXTCLOUD.contains(&&*attribute.ok()?.value);
                }
                let (namespace, name) = reader.resolver().resolve_element(start.name());
                path.push(Element::named(namespace, name));
                text.clear();
            }
            Event::End(_) => {
                visit(&path, text.trim_ascii());
                path.pop();
                text.clear();
                is_over = path.is_empty();
            }
            Event::Text(part) if !path.is_empty() => text.push_str(&part.decode().ok()?),
            Event::Text(part) if part.trim_ascii().is_empty() => {}
            Event::CData(part) if !path.is_empty() => text.push_str(&part.decode().ok()?),
            Event::GeneralRef(reference) if !path.is_empty() => text.push(character(&reference)?),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => return is_over.then_some(found),
            _ => return None,
        }
    }
}

/// The character for `&#…;` or for one of the five predefined entities (XML 1.0, section 4.6).
fn character(reference: &BytesRef) -> Option<char> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character);
    }
    Some(match &**reference {
        b"lt" => '<',
        b"gt" => '>',
        b"amp" => '&',
        b"apos" => '\'',
        b"quot" => '"',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Element::{Error, Href, Other};
    use super::*;

    /// The visited elements, and whether the document was accepted.
    fn walked(document: &str) -> (Vec<(Vec<Element>, String)>, bool) {
        let mut visited = Vec::new();
        let result = walk(document, |path, text| visited.push((path.into(), text.into())));
        (visited, result.is_some())
    }

    fn href(inner: &str) -> Option<String> {
        let (visited, is_well) = walked(&format!("<href xmlns='DAV:'>{inner}</href>"));
        is_well.then(|| visited.last().unwrap().1.clone())
    }

    #[test]
    fn elements_are_visited_at_their_end_and_identified_by_namespace_and_name() {
        let document = "<?xml version='1.0'?><!-- a comment -->\n<d:error xmlns:d='DAV:'>\
            <d:href> /a/ </d:href><href>b</href><x:href xmlns:x='DAV:'/></d:error>\n<!-- more -->";
        let visited = [
            (vec![Error, Href], "/a/"),
            (vec![Error, Other], "b"),
            (vec![Error, Href], ""),
            (vec![Error], ""),
        ];
        let visited = visited.map(|(path, text)| (path, text.to_string())).to_vec();
        assert_eq!(walked(document), (visited, true));
    }

    #[test]
    fn character_references_and_cdata_become_text() {
        for (inner, text) in [
            ("a &lt;&gt;&amp;&apos;&quot; b", "a <>&'\" b"),
            ("&#65;&#x42;&#xe9;", "ABé"),
            ("a<![CDATA[<&lt;]]>b", "a<&lt;b"),
            ("a<!-- b -->c", "ac"),
            ("\n  /dav/é\n", "/dav/é"),
            ("\u{a0}/dav/\u{3000}", "\u{a0}/dav/\u{3000}"),
        ] {
            assert_eq!(href(inner).as_deref(), Some(text), "{inner}");
        }
    }

    #[test]
    fn a_document_that_is_not_well_formed_is_rejected() {
        for inner in [
            "&unknown;",
            "&#0;",
            "&#xd800;",
            "&#x110000;",
            "&",
            "<",
            "<a>",
            "</a>",
            "<a></b>",
            "<a b=c/>",
            "<a b='c' b='d'/>",
            "<![CDATA[",
            "<!-- ",
            "<!DOCTYPE d>",
        ] {
            assert_eq!(href(inner), None, "{inner}");
        }
        for document in [
            "",
            "text",
            "<a/><b/>",
            "<a/>text",
            "text<a/>",
            "&lt;<a/>",
            "<a/>&lt;",
            "<a/></a>",
            "<!DOCTYPE d><a/>",
            "<a/><![CDATA[x]]>",
            "<!-- only -->",
        ] {
            assert!(!walked(document).1, "{document}");
        }
    }
}
