//! Reads the XML of an answer, element by element, and rejects what is not well-formed. It reads UTF-8
//! only and no document type declaration, expands no entities, fetches no external resources, and
//! limits nesting.
//!
//! quick-xml finds the markup; `syntax` and `namespaces` check what it does not. What is still not
//! checked changes the meaning of no element: `]]>` in text, missing white space between
//! attributes, and attributes of one element whose names differ only in prefixes of one namespace.

use std::borrow::Cow;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use self::Problem::Malformed;
use super::namespaces::{Namespace, Scopes};
use super::syntax::{Declaration, has_valid_characters, is_name, is_target, referenced_character};

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
    /// Returns `None` if the name is not valid.
    fn named(namespace: Namespace, name: &[u8]) -> Option<Self> {
        Some(match (namespace, name) {
            (Namespace::Dav, b"multistatus") => Self::Multistatus,
            (Namespace::Dav, b"response") => Self::Response,
            (Namespace::Dav, b"propstat") => Self::Propstat,
            (Namespace::Dav, b"prop") => Self::Prop,
            (Namespace::Dav, b"status") => Self::Status,
            (Namespace::Dav, b"current-user-principal") => Self::CurrentUserPrincipal,
            (Namespace::Dav, b"href") => Self::Href,
            (Namespace::Dav, b"unauthenticated") => Self::Unauthenticated,
            (Namespace::Dav | Namespace::DavWithoutColon, b"error") => Self::Error,
            (Namespace::OwnCloud, b"fileid") => Self::FileId,
            (Namespace::Sabre, b"exception") => Self::Exception,
            (Namespace::Sabre, b"message") => Self::Message,
            _ if is_name(name) => Self::Other,
            _ => return None,
        })
    }
}

/// The facts about a document that do not depend on a single element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Whether it declares one of Nextcloud's namespaces.
    pub is_nextcloud: bool,
}

/// The maximum number of elements inside one another.
const MAX_DEPTH: usize = 100;

/// Why a document is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is not well-formed.
    Malformed,
    /// It has a document type declaration.
    Doctype,
    /// It is not in UTF-8. Contains a description, such as "in ISO-8859-1, not UTF-8".
    Encoding(&'static str),
}

/// Calls `visit` at the end of each element. Its arguments are the path from the root down to the
/// element, and the element's text without surrounding ASCII white space. For an element with
/// children, that is only the text after the last child.
///
/// If the document is rejected, `visit` may already have been called.
pub fn walk(bytes: &[u8], mut visit: impl FnMut(&[Element], &str)) -> Result<Document, Problem> {
    let document = decode(bytes)?;
    if !has_valid_characters(document) {
        return Err(Malformed);
    }
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_comments = true;
    let (mut path, mut depth) = ([Element::Other; MAX_DEPTH], 0);
    let mut text = Cow::Borrowed(&b""[..]);
    let mut scopes = Scopes::default();
    // Servers may send white space before the XML declaration, but nothing else.
    let (mut is_start, mut is_over) = (true, false);
    loop {
        // White space at the start of an element's text does not count, nor outside the root.
        reader.config_mut().trim_text_start = text.is_empty();
        let event = reader.read_event().map_err(|_| Malformed)?;
        let is_end = matches!(event, Event::End(_) | Event::Empty(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) if !is_over && depth < MAX_DEPTH => {
                let (name, prefix) = tag.name().decompose();
                let namespace = scopes.enter(&tag, prefix, depth).ok_or(Malformed)?;
                path[depth] = Element::named(namespace, name.into_inner()).ok_or(Malformed)?;
                depth += 1;
                text = Cow::Borrowed(b"");
            }
            Event::End(_) => {}
            Event::Text(part) if depth > 0 => append(&mut text, part.into_inner()),
            Event::CData(part) if depth > 0 => append(&mut text, part.into_inner()),
            Event::GeneralRef(reference) if depth > 0 => {
                let character = referenced_character(&reference).ok_or(Malformed)?;
                text.to_mut().extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Event::Decl(declaration) if is_start => {
                let declaration = Declaration::parse(&declaration).ok_or(Malformed)?;
                let encoding = declaration.other_encoding().filter(|_| !document.is_ascii());
                if let Some(description) = encoding {
                    return Err(Problem::Encoding(description));
                }
            }
            Event::PI(instruction) if is_target(instruction.target()) => {}
            Event::Comment(_) => {}
            Event::DocType(_) => return Err(Problem::Doctype),
            Event::Eof if is_over => return Ok(Document { is_nextcloud: scopes.is_nextcloud }),
            _ => return Err(Malformed),
        }
        is_start = false;
        if is_end {
            let path = &path[..depth];
            visit(path, std::str::from_utf8(text.trim_ascii()).map_err(|_| Malformed)?);
            depth -= 1;
            scopes.leave(depth);
            text = Cow::Borrowed(b"");
            is_over = depth == 0;
        }
    }
}

/// Appends a part to a text, which is copied only if it has several parts.
fn append<'a>(text: &mut Cow<'a, [u8]>, part: Cow<'a, [u8]>) {
    if text.is_empty() {
        *text = part;
    } else {
        text.to_mut().extend_from_slice(&part);
    }
}

/// Decodes UTF-8. No other encoding is decoded.
fn decode(bytes: &[u8]) -> Result<&str, Problem> {
    // A byte order mark, or the first character of a document in either byte order.
    if matches!(bytes, [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, b'<', ..] | [b'<', 0, ..]) {
        return Err(Problem::Encoding("in UTF-16, not UTF-8"));
    }
    std::str::from_utf8(bytes)
        .map_err(|_| Problem::Encoding(declared_encoding(bytes).unwrap_or("not UTF-8")))
}

/// Describes the encoding in the XML declaration of a document that is not UTF-8.
fn declared_encoding(bytes: &[u8]) -> Option<&'static str> {
    let content = bytes.trim_ascii_start().strip_prefix(b"<?")?;
    let end = content.windows(2).position(|pair| pair == b"?>")?;
    Declaration::parse(&content[..end])?.other_encoding()
}

#[cfg(test)]
mod tests {
    use quick_xml::name::ResolveResult;
    use quick_xml::reader::NsReader;

    use super::Element::{Error, Href, Other};
    use super::*;
    use crate::dav::namespaces::MAX_BINDINGS;

    type Visited = Vec<(Vec<Element>, String)>;

    /// The visited elements, and whether the document was accepted.
    fn walked(document: &str) -> (Visited, bool) {
        let mut visited = Vec::new();
        let result =
            walk(document.as_bytes(), |path, text| visited.push((path.into(), text.into())));
        (visited, result.is_ok())
    }

    fn is_accepted(document: &str) -> bool {
        walked(document).1
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
    fn a_declaration_of_a_namespace_applies_to_its_element_and_what_is_inside() {
        let names = |document: &str| {
            let (visited, is_well) = walked(document);
            assert!(is_well, "{document}");
            visited.iter().map(|(path, _)| *path.last().unwrap()).collect::<Vec<_>>()
        };
        for (document, elements) in [
            ("<href/>", vec![Other]),
            ("<href xmlns='DAV:'/>", vec![Href]),
            ("<d:href xmlns:d='DAV:'/>", vec![Href]),
            // The name of a namespace is compared byte by byte.
            ("<href xmlns='dav:'/>", vec![Other]),
            ("<href xmlns=' DAV:'/>", vec![Other]),
            // The default namespace is not that of another prefix, and can be taken back.
            ("<d:a xmlns:d='DAV:'><href/><d:href/></d:a>", vec![Other, Href, Other]),
            ("<error xmlns='DAV:'><href xmlns=''/><href/></error>", vec![Other, Href, Error]),
            // The nearest declaration counts. It ends with its element, with or without content.
            (
                "<d:error xmlns:d='DAV:'><d:href xmlns:d='a'/><d:href xmlns:d='a'></d:href>\
                 <d:href/></d:error>",
                vec![Other, Other, Href, Error],
            ),
            (
                "<a xmlns='a' xmlns:x='DAV:' xmlns:y='DAV:'><b xmlns:x='b'><x:href/><y:href/></b>\
                 <x:href/></a>",
                vec![Other, Href, Other, Href, Other],
            ),
            // A prefix that is the beginning of another one, or another one's end.
            (
                "<a xmlns:d='DAV:' xmlns:dd='a' xmlns:ad='b'><d:href/><dd:href/><ad:href/></a>",
                vec![Href, Other, Other, Other],
            ),
            ("<a xmlns:xml='http://www.w3.org/XML/1998/namespace'><xml:href/></a>", vec![Other; 2]),
        ] {
            assert_eq!(names(document), elements, "{document}");
        }
    }

    #[test]
    fn nextclouds_namespaces_count_only_if_they_are_declared() {
        let is_nextcloud =
            |document: &str| walk(document.as_bytes(), |_, _| {}).unwrap().is_nextcloud;
        for namespace in ["http://nextcloud.org/ns", "http://owncloud.org/ns"] {
            assert!(is_nextcloud(&format!("<a xmlns='{namespace}'/>")));
            assert!(is_nextcloud(&format!("<a><b><c xmlns:n='{namespace}'/></b></a>")));
            assert!(!is_nextcloud(&format!("<a xmlns='{namespace}/' b='{namespace}'/>")));
        }
        assert!(!is_nextcloud("<a xmlns='DAV:'/>"));
    }

    /// Documents with a defect. For each that is accepted, the reason why that is harmless.
    const DEFECTS: [(&str, &str, Option<&str>); 61] = [
        ("nothing", "", None),
        ("only text", "text", None),
        ("only a comment", "<!-- a -->", None),
        ("an unfinished document", "<a><b></b>", None),
        ("an unfinished tag", "<a", None),
        ("an unfinished comment", "<a/><!-- ", None),
        ("an unfinished CDATA section", "<a><![CDATA[</a>", None),
        ("a tag without a name", "<a>< /></a>", None),
        ("an end tag without a start tag", "<a/></a>", None),
        ("an end tag of another name", "<a></b>", None),
        ("an end tag of another prefix", "<a:b xmlns:a='c' xmlns:d='c'></d:b>", None),
        ("a second root", "<a/><a/>", None),
        ("text before the root", "text<a/>", None),
        ("text after the root", "<a/>text", None),
        ("a reference before the root", "&lt;<a/>", None),
        ("a reference after the root", "<a/>&#32;", None),
        ("a CDATA section after the root", "<a/><![CDATA[]]>", None),
        ("a document type declaration", "<!DOCTYPE a><a/>", None),
        ("one after the XML declaration", "<?xml version='1.0'?>\n<!DOCTYPE a [ ]>\n<a/>", None),
        ("one in lower case", "<!doctype a><a/>", None),
        ("one inside the root", "<a><!DOCTYPE a></a>", None),
        ("a control character in text", "<a>\u{1}</a>", None),
        ("a control character in an attribute", "<a b='\u{1b}'/>", None),
        ("a control character in a comment", "<a><!--\0--></a>", None),
        ("a control character outside the root", "\u{c}<a/>", None),
        ("a noncharacter", "<a>\u{fffe}</a>", None),
        ("a reference to a control character", "<a>&#1;</a>", None),
        ("a reference to the null character", "<a>&#0;</a>", None),
        ("a reference to a noncharacter", "<a>&#xFFFE;</a>", None),
        ("a reference to a surrogate", "<a>&#xd800;</a>", None),
        ("a reference to a control character in an attribute", "<a b='&#1;'/>", None),
        ("an unknown entity", "<a>&nbsp;</a>", None),
        ("an unknown entity in an attribute", "<a b='&nbsp;'/>", None),
        ("a lone ampersand", "<a>b & c</a>", None),
        ("a lone ampersand in an attribute", "<a b='c & d'/>", None),
        ("< in an attribute", "<a b='<'/>", None),
        ("an attribute without a value", "<a b/>", None),
        ("an attribute without quotes", "<a b=c/>", None),
        ("an attribute twice", "<a b='c' b='d'/>", None),
        ("an invalid name of an element", "<a><1/></a>", None),
        ("an invalid name of an attribute", "<a 1='b'/>", None),
        ("two colons in the name of an element", "<a xmlns:b='c'><b:c:d/></a>", None),
        ("two colons in the name of an attribute", "<a xmlns:b='c' b:c:d=''/>", None),
        ("an element whose prefix is not declared", "<a xmlns:b='DAV:'/><c:href/>", None),
        ("an attribute whose prefix is not declared", "<a b:c='d'/>", None),
        ("a namespace with an ampersand", "<a xmlns='DA&#86;:'/>", None),
        ("-- in a comment", "<a><!-- b -- c --></a>", None),
        ("an invalid XML declaration", "<?xml encoding='utf-8'?><a/>", None),
        ("an XML declaration without a version", "<?xml?><a/>", None),
        ("an XML declaration after a comment", "<!-- a --><?xml version='1.0'?><a/>", None),
        ("a second XML declaration", "<?xml version='1.0'?>\n<?xml version='1.0'?><a/>", None),
        ("an XML declaration inside the root", "<a><?xml version='1.0'?></a>", None),
        ("a processing instruction with a reserved name", "<?XML version='1.0'?><a/>", None),
        ("a processing instruction without a name", "<a><? b?></a>", None),
        (
            "white space before the XML declaration",
            "\r\n<?xml version='1.0'?><a/>",
            Some("some servers send it, and it is no part of any element"),
        ),
        ("another encoding", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\u{e9}</a>", None),
        ("UTF-16", "<\0a\0/\0>\0", None),
        (
            "another encoding, but all characters are ASCII",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            Some("they are the same in each encoding that is written with these bytes"),
        ),
        (
            "]]> in text",
            "<a>]]></a>",
            Some("it is text like any other, since no CDATA section is open"),
        ),
        ("no white space between attributes", "<a b='c'd='e'/>", Some("the quotes end each value")),
        (
            "an attribute twice, with two prefixes of one namespace",
            "<a xmlns:b='d' xmlns:c='d' b:e='' c:e=''/>",
            Some("no attribute has a meaning here but declarations, whose names are unique"),
        ),
    ];

    #[test]
    fn a_document_that_is_not_well_formed_is_rejected_unless_that_is_harmless() {
        for (defect, document, reason) in DEFECTS {
            assert_eq!(is_accepted(document), reason.is_some(), "{defect}: {document:?}");
        }
    }

    #[test]
    fn reserved_and_empty_prefixes_are_not_declared() {
        const XML: &str = "http://www.w3.org/XML/1998/namespace";
        const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
        for (attribute, expected) in [
            (format!("xmlns:xml='{XML}'"), true),
            ("xml:lang='de'".into(), true),
            ("xmlns=''".into(), true),
            ("xmlns:xml='DAV:'".into(), false),
            (format!("xmlns:b='{XML}'"), false),
            (format!("xmlns='{XML}'"), false),
            ("xmlns:xmlns='DAV:'".into(), false),
            (format!("xmlns:xmlns='{XMLNS}'"), false),
            (format!("xmlns:b='{XMLNS}'"), false),
            (format!("xmlns='{XMLNS}'"), false),
            ("xmlns:b=''".into(), false),
            ("xmlns:='DAV:'".into(), false),
            ("xmlns:1='DAV:'".into(), false),
            ("xmlns:b:c='DAV:'".into(), false),
            ("xmlns:b='<'".into(), false),
            (":b='c'".into(), false),
            ("b:='c' xmlns:b='d'".into(), false),
            ("xmlns:b='d' xmlns:b='e'".into(), false),
            // A declaration also applies to the attributes before it.
            ("b:c='d' xmlns:b='e'".into(), true),
        ] {
            let document = format!("<a {attribute}></a>");
            assert_eq!(is_accepted(&document), expected, "{document}");
        }
        for (elements, expected) in [
            ("<href/>", true),
            ("<xml:a/>", true),
            ("<xmlns:a/>", false),
            ("<:a/>", false),
            ("<c:a/>", true),
            ("<c:a c:b='d'/>", true),
            ("<a xmlns:d='e'/><a d:b='f'/>", false),
            ("<a xmlns:d='e'></a><d:a/>", false),
        ] {
            let document = format!("<b xmlns='DAV:' xmlns:c='d'>{elements}</b>");
            assert_eq!(is_accepted(&document), expected, "{document}");
        }
    }

    #[test]
    fn nesting_and_the_number_of_declarations_are_limited() {
        let nested = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(is_accepted(&nested(MAX_DEPTH)));
        assert!(!is_accepted(&nested(MAX_DEPTH + 1)));
        let empty = format!("{}<a/>{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH));
        assert!(!is_accepted(&empty));

        let declarations =
            |count| (0..count).map(|i| format!(" xmlns:a{i}='b'")).collect::<String>();
        let most = format!("<b{}/>", declarations(MAX_BINDINGS));
        assert!(is_accepted(&format!("<a>{most}{most}</a>")));
        assert!(!is_accepted(&format!("<a xmlns='c'>{most}</a>")));
    }

    #[test]
    fn a_byte_order_mark_is_accepted_at_the_start_once() {
        let declaration = "<?xml version='1.0' encoding='utf-8'?>";
        assert!(is_accepted(&format!("\u{feff}{declaration}<a>\u{feff}</a>")));
        for start in ["\u{feff}\u{feff}", " \u{feff}", "<!-- a -->\u{feff}"] {
            assert!(!is_accepted(&format!("{start}<a/>")), "{start:?}");
        }
    }

    /// The same with quick-xml's reader that resolves namespaces, and without the further checks.
    fn walked_by_quick_xml(document: &str) -> Option<(Visited, Document)> {
        let mut reader = NsReader::from_str(document);
        reader.config_mut().expand_empty_elements = true;
        let (mut visited, mut path, mut text) = (Vec::new(), Vec::new(), String::new());
        let (mut is_over, mut is_nextcloud) = (false, false);
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) if !is_over => {
                    for attribute in tag.attributes() {
                        attribute.ok()?;
                    }
                    let level = reader.resolver().level();
                    for (_, name) in reader.resolver().bindings_of(level) {
                        is_nextcloud |= name.0 == b"http://nextcloud.org/ns"
                            || name.0 == b"http://owncloud.org/ns";
                    }
                    let (namespace, name) = reader.resolver().resolve_element(tag.name());
                    let namespace = match namespace {
                        ResolveResult::Bound(name) => Namespace::named(name.0),
                        _ => Namespace::Other,
                    };
                    path.push(Element::named(namespace, name.into_inner()).unwrap_or(Other));
                    text.clear();
                }
                Event::End(_) => {
                    visited.push((path.clone(), text.trim_ascii().to_string()));
                    path.pop();
                    text.clear();
                    is_over = path.is_empty();
                }
                Event::Text(part) if !path.is_empty() => text.push_str(&part.decode().ok()?),
                Event::Text(part) if part.trim_ascii().is_empty() => {}
                Event::CData(part) if !path.is_empty() => text.push_str(&part.decode().ok()?),
                Event::GeneralRef(part) if !path.is_empty() => {
                    text.push(referenced_character(&part)?);
                }
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::Eof => return is_over.then_some((visited, Document { is_nextcloud })),
                _ => return None,
            }
        }
    }

    /// Bodies of a real Nextcloud and of nginx, and documents with many kinds of markup.
    fn documents() -> Vec<String> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
        let mut documents = Vec::new();
        for folder in ["nextcloud-31", "nextcloud-32", "nextcloud-34", "nextcloud-34-more"] {
            for entry in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "http") {
                    let recording = std::fs::read_to_string(path).unwrap();
                    documents.push(recording.split_once("\n\n").unwrap().1.to_string());
                }
            }
        }
        assert!(documents.len() > 80);
        for document in [
            "<?xml version='1.0' encoding='utf-8' ?>\n<D:multistatus xmlns:D='DAV:'>\n<D:response>\n\
             <D:href>/</D:href>\n<D:propstat>\n<D:prop>\n</D:prop>\n<D:status>HTTP/1.1 200 OK\
             </D:status>\n</D:propstat>\n</D:response>\n</D:multistatus>\n",
            "<a xmlns='DAV:'><href xmlns=''/><b xmlns:d='x'><d:href xmlns:d='DAV:' d:a='1' a='2'/>\
             <d:c/></b><href>a<![CDATA[b]]>&#65;</href></a>",
            "<multistatus xmlns='DAV:'><o:fileid xmlns:o='http://owncloud.org/ns'>1</o:fileid>\
             </multistatus><?p i?>",
        ] {
            documents.extend(vec![document.to_string(); 5]);
        }
        documents
    }

    #[test]
    fn what_is_accepted_is_read_as_quick_xml_reads_namespaces() {
        const PIECES: [&str; 40] = [
            "<",
            ">",
            "/",
            "&",
            ";",
            "=",
            "'",
            "\"",
            ":",
            " ",
            "\n",
            "é",
            "d:",
            "xmlns",
            "DAV:",
            "&lt;",
            "&#65;",
            "&#1;",
            "&a;",
            "]]>",
            "<![CDATA[",
            "<!--",
            "-->",
            "<?p i?>",
            "<!DOCTYPE a>",
            "<?xml version='1.0'?>",
            " xmlns='DAV:'",
            " xmlns:d='DAV:'",
            " xmlns:d='a'",
            " xmlns=''",
            " xmlns:d=''",
            " xmlns:oc='http://owncloud.org/ns'",
            " d:a='b'",
            " a='b'",
            "<d:href>",
            "</d:href>",
            "<d:href/>",
            "<href/>",
            "<d:error xmlns:d='DAV:'>",
            "</d:error>",
        ];
        let documents = documents();
        // An xorshift64 generator. It returns the same numbers in every run.
        let mut state: u64 = 0x5eed;
        let mut below = |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % bound as u64) as usize
        };
        let (mut accepted, mut only_by_quick_xml) = (0, 0);
        for round in 0..6_000 {
            let mut document = documents[round % documents.len()].clone();
            // The first round is without a change.
            for _ in 0..if round < documents.len() { 0 } else { 1 + below(2) } {
                let mut place = || {
                    let mut place = below(document.len() + 1);
                    if below(2) == 0 {
                        let next = document.as_bytes()[place..]
                            .iter()
                            .position(|b| b"<>=\"' ".contains(b));
                        place += next.unwrap_or(0);
                    }
                    (0..=place).rev().find(|place| document.is_char_boundary(*place)).unwrap()
                };
                let (one, other) = (place(), place());
                let (start, end) = (one.min(other), one.max(other));
                match below(4) {
                    0 | 1 => document.insert_str(start, PIECES[below(PIECES.len())]),
                    2 if end - start < 100 => document.replace_range(start..end, ""),
                    _ if end - start < 300 => {
                        let copy = document[start..end].to_string();
                        document.insert_str(end, &copy);
                    }
                    _ => {}
                }
            }
            let mut visited = Vec::new();
            let ours = walk(document.as_bytes(), |path, text| {
                visited.push((path.to_vec(), text.to_string()))
            });
            let theirs = walked_by_quick_xml(&document);
            match &ours {
                Ok(ours) => assert_eq!(Some((visited, *ours)), theirs, "{document}"),
                Err(_) => only_by_quick_xml += usize::from(theirs.is_some()),
            }
            accepted += usize::from(ours.is_ok());
        }
        assert!(accepted > 500 && only_by_quick_xml > 300, "{accepted}, {only_by_quick_xml}");
    }
}
