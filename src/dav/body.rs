//! Parses the body of an answer: the authenticated user, or an exception.

use percent_encoding::percent_decode_str;

use super::xml::{self, Document, Element as E, Problem};
use crate::text::printable;

/// The content of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// A multistatus answer (RFC 4918, section 13) with the properties of a resource.
    Multistatus(Properties),
    /// An error in the format of sabre/dav, which Nextcloud uses.
    Exception {
        /// The class of the exception. It is never translated.
        name: String,
        /// Its message, in the server's language.
        message: Option<String>,
    },
    /// Anything else. Contains a description, such as "a web page (HTML)".
    Other(&'static str),
}

/// The requested properties, as far as the server has them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Properties {
    /// `DAV:current-user-principal`
    pub current_user: CurrentUser,
    /// Nextcloud's `oc:fileid`
    pub file_id: Option<String>,
    /// Whether the body declares one of Nextcloud's namespaces.
    pub is_nextcloud: bool,
}

/// The value of `DAV:current-user-principal` (RFC 5397, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrentUser {
    /// The path of the authenticated user.
    Principal(String),
    /// The server did not authenticate the request.
    Unauthenticated,
    /// The server does not have the property.
    Unknown,
    /// The value or its status is not valid.
    Unclear,
}

impl Body {
    /// Parses a body. This cannot fail: a body of any other kind is [`Body::Other`].
    pub fn parse(bytes: &[u8]) -> Self {
        let mut found = Found::default();
        let problem = match xml::walk(bytes, |path, text| found.visit(path, text)) {
            Ok(document) => match found.body(document) {
                Some(body) => return body,
                None => None,
            },
            Err(problem) => Some(problem),
        };
        Body::Other(describe(bytes, problem))
    }

    /// The path of the principal, if the body names one.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Body::Multistatus(Properties {
                current_user: CurrentUser::Principal(href), ..
            }) => Some(href),
            _ => None,
        }
    }
}

/// Describes a body that is neither a multistatus answer nor an exception, and perhaps not XML.
fn describe(bytes: &[u8], problem: Option<Problem>) -> &'static str {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).trim_ascii();
    match problem {
        _ if text.is_empty() => "empty",
        _ if is_web_page(text) => "a web page (HTML)",
        None => "no multistatus answer",
        Some(Problem::Malformed) if !text.starts_with(b"<") => "not XML",
        Some(Problem::Malformed) => "broken XML",
        Some(Problem::Doctype) => "XML with a document type declaration (DOCTYPE)",
        Some(Problem::Encoding(description)) => description,
    }
}

fn is_web_page(text: &[u8]) -> bool {
    // XHTML may have an XML declaration.
    let content = match text.strip_prefix(b"<?xml") {
        Some(rest) => rest.splitn(2, |byte| *byte == b'>').nth(1).unwrap_or_default(),
        None => text,
    };
    let content = content.trim_ascii_start();
    [&b"<!doctype html"[..], b"<html"]
        .iter()
        .any(|tag| content.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

/// The server's name for the user: the last segment of a principal's path, percent-decoded. `None`
/// if that is empty or not UTF-8.
pub fn principal_name(href: &str) -> Option<String> {
    let segment = href.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty())?;
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

/// What was found in a body so far. If an element occurs several times, the first one counts.
#[derive(Default)]
struct Found {
    propstats: usize,
    /// The propstat that is being read.
    propstat: Propstat,
    /// Whether a response has an href so far, and a status of its own.
    has_href: bool,
    has_status: bool,
    /// Whether the first response has an href and no status. Without propstats, that is how some
    /// servers answer if they have none of the properties.
    is_bare: Option<bool>,
    /// From a propstat with the status 200, as is `file_id`.
    current_user: Option<CurrentUser>,
    file_id: Option<String>,
    /// Whether a propstat with a principal has a status that is not valid.
    is_unclear: bool,
    exception: Option<String>,
    message: Option<String>,
}

impl Found {
    /// Called at the end of each element.
    fn visit(&mut self, path: &[E], text: &str) {
        match path {
            [E::Multistatus, E::Response, E::Propstat] => {
                let propstat = std::mem::take(&mut self.propstat);
                self.propstats += 1;
                match propstat.status {
                    Some(Status::Found) => {
                        self.current_user = self.current_user.take().or(propstat.current_user);
                        self.file_id = self.file_id.take().or(propstat.file_id);
                    }
                    Some(Status::NotFound) => {}
                    Some(Status::Unclear) | None => {
                        self.is_unclear |= propstat.current_user.is_some();
                    }
                }
            }
            [E::Multistatus, E::Response, E::Propstat, inner @ ..] => {
                self.propstat.visit(inner, text);
            }
            [E::Multistatus, E::Response, E::Href] => self.has_href |= !text.is_empty(),
            [E::Multistatus, E::Response, E::Status] => self.has_status = true,
            [E::Multistatus, E::Response] => {
                self.is_bare.get_or_insert(self.has_href && !self.has_status);
            }
            [E::Error, E::Exception] => keep(&mut self.exception, text),
            [E::Error, E::Message] => keep(&mut self.message, text),
            _ => {}
        }
    }

    fn body(self, document: Document) -> Option<Body> {
        if self.propstats > 0 || self.is_bare == Some(true) {
            return Some(Body::Multistatus(Properties {
                current_user: self.current_user.unwrap_or(if self.is_unclear {
                    CurrentUser::Unclear
                } else {
                    CurrentUser::Unknown
                }),
                file_id: self.file_id,
                is_nextcloud: document.is_nextcloud,
            }));
        }
        Some(Body::Exception {
            name: printable(&self.exception?),
            message: self.message.map(|text| printable(&text)),
        })
    }
}

/// The status of a propstat.
#[derive(Clone, Copy, Debug)]
enum Status {
    Found,
    NotFound,
    Unclear,
}

impl Status {
    /// Parses a status line, such as `HTTP/1.1 200 OK`.
    fn parse(line: &str) -> Self {
        let mut words = line.split_ascii_whitespace();
        let version = words.next().unwrap_or_default();
        let code = words.next().and_then(|code| code.parse::<u16>().ok());
        match code.filter(|_| version.starts_with("HTTP/")) {
            Some(200) => Self::Found,
            Some(400..600) => Self::NotFound,
            _ => Self::Unclear,
        }
    }
}

/// A group of properties with the same status (RFC 4918, section 14.22).
#[derive(Default)]
struct Propstat {
    status: Option<Status>,
    href: Option<String>,
    is_unauthenticated: bool,
    current_user: Option<CurrentUser>,
    file_id: Option<String>,
}

impl Propstat {
    /// Called at the end of each element inside the propstat.
    fn visit(&mut self, path: &[E], text: &str) {
        match path {
            [E::Status] => {
                self.status.get_or_insert(Status::parse(text));
            }
            [E::Prop, E::CurrentUserPrincipal] => {
                let who = match self.href.take() {
                    _ if self.is_unauthenticated => CurrentUser::Unauthenticated,
                    Some(href) => CurrentUser::Principal(href),
                    None => CurrentUser::Unclear,
                };
                self.current_user.get_or_insert(who);
            }
            [E::Prop, E::CurrentUserPrincipal, E::Href] => keep(&mut self.href, text),
            [E::Prop, E::CurrentUserPrincipal, E::Unauthenticated] => {
                self.is_unauthenticated = true;
            }
            [E::Prop, E::FileId] => keep(&mut self.file_id, text),
            _ => {}
        }
    }
}

fn keep(place: &mut Option<String>, text: &str) {
    if place.is_none() && !text.is_empty() {
        *place = Some(text.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::MAX_CHARS;

    /// A multistatus answer with one response, which has this property with this status.
    fn answer(status: &str, property: &str) -> String {
        format!(
            "<d:multistatus xmlns:d='DAV:'><d:response><d:href>/dav/</d:href><d:propstat><d:prop>\
             {property}</d:prop><d:status>{status}</d:status></d:propstat></d:response></d:multistatus>"
        )
    }

    fn parsed(status: &str, property: &str) -> Properties {
        match Body::parse(answer(status, property).as_bytes()) {
            Body::Multistatus(properties) => properties,
            other => panic!("{other:?}"),
        }
    }

    fn current_user(property: &str) -> CurrentUser {
        let property = format!("<d:current-user-principal>{property}</d:current-user-principal>");
        parsed("HTTP/1.1 200 OK", &property).current_user
    }

    #[test]
    fn a_principal_counts_only_with_the_status_200() {
        let bob = "<d:href> /principals/bob/ </d:href>";
        assert_eq!(current_user(bob), CurrentUser::Principal("/principals/bob/".into()));
        let property = format!("<d:current-user-principal>{bob}</d:current-user-principal>");
        for status in ["HTTP/1.1 404 Not Found", "HTTP/1.1 403 Forbidden", "HTTP/1.1 500 No"] {
            assert_eq!(parsed(status, &property).current_user, CurrentUser::Unknown, "{status}");
        }
        for status in ["HTTP/1.1 2000 OK", "HTTP/1.1 201 Created", "200 OK", "200", "OK", ""] {
            assert_eq!(parsed(status, &property).current_user, CurrentUser::Unclear, "{status}");
        }
        let with_status = answer("HTTP/1.1 200 OK", &property);
        let without = with_status.replace("<d:status>HTTP/1.1 200 OK</d:status>", "");
        let Body::Multistatus(properties) = Body::parse(without.as_bytes()) else {
            panic!("no multistatus answer: {without}");
        };
        assert_eq!(properties.current_user, CurrentUser::Unclear);
    }

    #[test]
    fn an_invalid_principal_is_unclear_and_not_unknown() {
        for unclear in ["", "<d:href/>", "<href>/bob/</href>", "/bob/", "<d:a/>"] {
            assert_eq!(current_user(unclear), CurrentUser::Unclear, "{unclear}");
        }
        assert_eq!(current_user("<d:unauthenticated/>"), CurrentUser::Unauthenticated);
        assert_eq!(parsed("HTTP/1.1 200 OK", "").current_user, CurrentUser::Unknown);
    }

    #[test]
    fn a_response_without_propstats_and_status_names_nobody() {
        let parse = |responses: &str| {
            let body = format!("<multistatus xmlns='DAV:'>{responses}</multistatus>");
            Body::parse(body.as_bytes())
        };
        let bare = "<response><href>/dav/</href></response>";
        let nobody = Body::Multistatus(Properties {
            current_user: CurrentUser::Unknown,
            file_id: None,
            is_nextcloud: false,
        });
        let with_status = "<response><href>/</href><status>HTTP/1.1 STATUS</status></response>";
        let [failed, found] =
            ["403 Forbidden", "200 OK"].map(|status| with_status.replace("STATUS", status));
        for (responses, expected) in [
            (bare.to_string(), true),
            (bare.repeat(2), true),
            (format!("{bare}{failed}"), true),
            (format!("{failed}{bare}"), false),
            (failed, false),
            (found, false),
            ("<response/>".into(), false),
            ("<response><href/></response>".into(), false),
            ("<response><a><href>/</href></a></response>".into(), false),
            ("<href>/</href>".into(), false),
            ("<response xmlns=''><href>/</href></response>".into(), false),
        ] {
            let expected = match expected {
                true => nobody.clone(),
                false => Body::Other("no multistatus answer"),
            };
            assert_eq!(parse(&responses), expected, "{responses}");
        }
        // The whole answer must be there.
        let cut = format!("<multistatus xmlns='DAV:'>{bare}");
        assert_eq!(Body::parse(cut.as_bytes()), Body::Other("broken XML"));
        // A principal of a later response counts as before.
        let property =
            "<d:current-user-principal><d:href>/bob/</d:href></d:current-user-principal>";
        let named = answer("HTTP/1.1 200 OK", property)
            .replace("<d:response>", "<d:response><d:href>/a/</d:href></d:response><d:response>");
        assert_eq!(Body::parse(named.as_bytes()).principal(), Some("/bob/"));
    }

    #[test]
    fn a_file_id_counts_only_with_the_status_200() {
        let property =
            |id: &str| format!("<o:fileid xmlns:o='http://owncloud.org/ns'>{id}</o:fileid>");
        let file_id = |status: &str, id: &str| parsed(status, &property(id)).file_id;
        assert_eq!(file_id("HTTP/1.1 200 OK", "-1").as_deref(), Some("-1"));
        assert_eq!(file_id("HTTP/1.1 200 OK", ""), None);
        assert_eq!(file_id("HTTP/1.1 404 Not Found", "-1"), None);
        assert_eq!(parsed("HTTP/1.1 200 OK", "<d:fileid>-1</d:fileid>").file_id, None);
    }

    #[test]
    fn a_body_of_another_kind_is_described() {
        let whole = answer("HTTP/1.1 200 OK", "");
        for (body, description) in [
            ("", "empty"),
            (" \r\n", "empty"),
            ("OK", "not XML"),
            ("This is the WebDAV interface.", "not XML"),
            ("<html><body>Welcome</body></html>", "a web page (HTML)"),
            ("\n<!DOCTYPE html>\n<html lang=en><meta>", "a web page (HTML)"),
            ("<HTML><br></HTML>", "a web page (HTML)"),
            ("\u{feff}<html>", "a web page (HTML)"),
            (
                "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<!DOCTYPE html PUBLIC \"a\" \"b\">\n\
                 <html xmlns=\"http://www.w3.org/1999/xhtml\"></html>",
                "a web page (HTML)",
            ),
            (
                "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
                "a web page (HTML)",
            ),
            ("<?xml", "broken XML"),
            ("<multistatus/>", "no multistatus answer"),
            ("<d:multistatus xmlns:d='DAV:'/>", "no multistatus answer"),
            (
                "<d:multistatus xmlns:d='DAV:'><d:response><d:href>/</d:href>\
                 <d:status>HTTP/1.1 404 Not Found</d:status></d:response></d:multistatus>",
                "no multistatus answer",
            ),
            (
                "<d:multistatus xmlns:d='other:'><d:response><d:propstat/></d:response>\
                 </d:multistatus>",
                "no multistatus answer",
            ),
            (&whole[..whole.len() - 1], "broken XML"),
        ] {
            assert_eq!(Body::parse(body.as_bytes()), Body::Other(description), "{body}");
        }
        for (body, description) in [
            (&b"<html>\xfc</html>"[..], "a web page (HTML)"),
            (b"\xfc", "not UTF-8"),
            (b"\x1f\x8b\x08", "not UTF-8"),
        ] {
            assert_eq!(Body::parse(body), Body::Other(description));
        }
    }

    #[test]
    fn a_document_type_declaration_is_named() {
        for body in ["<!DOCTYPE d><d/>", "<?xml version='1.0'?>\n<!DOCTYPE multistatus [ ]><d/>"] {
            let description = "XML with a document type declaration (DOCTYPE)";
            assert_eq!(Body::parse(body.as_bytes()), Body::Other(description), "{body}");
        }
    }

    #[test]
    fn another_encoding_is_named_and_never_read_as_utf_8() {
        // The first has the bytes of "jörg" in UTF-8, the second in ISO-8859-1.
        let [utf_8, latin_1, ascii] = [&b"j\xc3\xb6rg"[..], b"j\xf6rg", b"j%C3%B6rg"].map(|name| {
            let property =
                "<d:current-user-principal><d:href>/NAME/</d:href></d:current-user-principal>";
            let body = answer("HTTP/1.1 200 OK", property);
            let (before, after) = body.split_once("NAME").unwrap();
            [before.as_bytes(), name, after.as_bytes()].concat()
        });
        let parse = |encoding: &str, body: &[u8]| {
            let declaration = format!("<?xml version='1.0'{encoding}?>");
            Body::parse(&[declaration.as_bytes(), body].concat())
        };
        for encoding in [
            "",
            " encoding='utf-8'",
            " encoding='UTF8'",
            " encoding='us-ascii'",
            " encoding='Ascii'",
        ] {
            assert_eq!(parse(encoding, &utf_8).principal(), Some("/jörg/"), "{encoding}");
            assert_eq!(parse(encoding, &ascii).principal(), Some("/j%C3%B6rg/"), "{encoding}");
            assert_eq!(parse(encoding, &latin_1), Body::Other("not UTF-8"), "{encoding}");
        }
        for (name, description) in [
            ("ISO-8859-1", "in ISO-8859-1, not UTF-8"),
            ("Windows-1252", "in windows-1252, not UTF-8"),
            ("UTF-16", "in UTF-16, not UTF-8"),
            ("secret", "in another encoding than UTF-8"),
            ("utf-8-mac", "in another encoding than UTF-8"),
        ] {
            let encoding = format!(" encoding='{name}'");
            assert_eq!(parse(&encoding, &utf_8), Body::Other(description), "{name}");
            assert_eq!(parse(&encoding, &latin_1), Body::Other(description), "{name}");
            // ASCII is the same in all encodings that are written with these bytes.
            assert_eq!(parse(&encoding, &ascii).principal(), Some("/j%C3%B6rg/"), "{name}");
        }
        assert_eq!(parse(" encoding='&secret;'", &latin_1), Body::Other("not UTF-8"));
        // White space before the declaration, as some servers send it.
        let body = [b"\n<?xml version='1.0' encoding='ISO-8859-1'?>", &latin_1[..]].concat();
        assert_eq!(Body::parse(&body), Body::Other("in ISO-8859-1, not UTF-8"));
    }

    #[test]
    fn utf_16_is_named_whatever_is_declared() {
        for encoding in ["UTF-16", "UTF-8"] {
            let text = format!("<?xml version='1.0' encoding='{encoding}'?>{}", answer("", ""));
            for start in ["\u{feff}", ""] {
                let text = format!("{start}{text}");
                let little_endian =
                    text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
                let big_endian = text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
                for body in [little_endian, big_endian] {
                    assert_eq!(Body::parse(&body), Body::Other("in UTF-16, not UTF-8"));
                }
            }
        }
    }

    #[test]
    fn hostile_xml_is_neither_expanded_nor_followed() {
        let bomb = "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><d>&b;</d>";
        let external = "<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><d>&a;</d>";
        let deep = "<a>".repeat(20_000);
        let closed = format!("{deep}{}", "</a>".repeat(20_000));
        for body in [bomb, external, &deep, &closed] {
            assert!(matches!(Body::parse(body.as_bytes()), Body::Other(_)));
        }
    }

    #[test]
    fn nextcloud_is_recognised_by_its_namespaces() {
        for (recording, expected) in [
            (include_str!("../../tests/nextcloud-34/webdav-no-principal.http"), true),
            (include_str!("../../tests/nextcloud-31/ok-allprop.http"), true),
            (include_str!("../../tests/nextcloud-34/carddav-principal.http"), false),
        ] {
            let body = recording.split_once("\n\n").unwrap().1;
            let Body::Multistatus(properties) = Body::parse(body.as_bytes()) else {
                panic!("no multistatus answer: {body}");
            };
            assert_eq!(properties.is_nextcloud, expected, "{body}");
        }
    }

    #[test]
    fn an_exception_has_a_class_and_a_message_of_one_line_and_limited_length() {
        let error = |inner: &str| {
            let text = format!(
                "<d:error xmlns:d='DAV:' xmlns:s='http://sabredav.org/ns'>{inner}</d:error>"
            );
            Body::parse(text.as_bytes())
        };
        assert!(matches!(error(""), Body::Other(_)));
        assert!(matches!(error("<s:message>no class</s:message>"), Body::Other(_)));
        let name = "A\\B".to_string();
        let silent = error("<s:exception>A\\B</s:exception><s:message/>");
        assert_eq!(silent, Body::Exception { name: name.clone(), message: None });
        let long = format!(
            "<s:exception>A\\B</s:exception><s:message>x&#10;{}</s:message>",
            "y".repeat(1000)
        );
        let message = Some(format!("x {}", "y".repeat(MAX_CHARS - 2)));
        assert_eq!(error(&long), Body::Exception { name, message });
    }

    #[test]
    fn the_namespace_of_an_error_may_lack_its_colon_and_no_other_elements() {
        let body = "<d:error xmlns:d=\"DAV\" xmlns:s=\"http://sabredav.org/ns\">\
            <s:exception>Sabre\\DAV\\Exception\\NotAuthenticated</s:exception>\
            <s:message>no</s:message></d:error>";
        let name = "Sabre\\DAV\\Exception\\NotAuthenticated".to_string();
        let expected = Body::Exception { name, message: Some("no".into()) };
        assert_eq!(Body::parse(body.as_bytes()), expected);
        let body = answer("HTTP/1.1 200 OK", "").replace("'DAV:'", "'DAV'");
        assert_eq!(Body::parse(body.as_bytes()), Body::Other("no multistatus answer"));
    }

    #[test]
    fn a_principals_name_is_the_last_segment_of_its_path_decoded() {
        for (href, name) in [
            ("/principals/users/bob/", Some("bob")),
            ("/principals/users/bob", Some("bob")),
            ("https://host/principals/o%27hara%20jo%40example.com/", Some("o'hara jo@example.com")),
            ("/principals/users/o'hara jo@example.com/", Some("o'hara jo@example.com")),
            ("/principals/a%2Fb/", Some("a/b")),
            ("bob", Some("bob")),
            ("/", None),
            ("", None),
            ("/principals/%ff/", None),
        ] {
            assert_eq!(principal_name(href).as_deref(), name, "{href}");
        }
    }
}
