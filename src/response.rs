//! What a server's answer says: the status, whose password it was, what went wrong.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node};

const DAV: &str = "DAV:";
const SABREDAV: &str = "http://sabredav.org/ns";

/// The longest text of a server that is kept, in characters: it goes into log lines.
const MAX_TEXT: usize = 200;

/// An answer to a request, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status, 200 to 999.
    pub status: u16,
    /// The standard phrase of the status (RFC 9110, section 15), if it has one.
    pub reason: Option<&'static str>,
    /// What the body says.
    pub body: Body,
    /// The time from the request to the end of the answer, name resolution and connection included.
    pub elapsed: Duration,
}

/// What a bounded body says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// A multistatus answer (RFC 4918, section 13) with the properties of a resource.
    Multistatus(CurrentUser),
    /// An error as sabre/dav, and so Nextcloud, reports it.
    Exception {
        /// The name of the exception's class; it is never translated.
        name: String,
        /// Its message, in the server's language.
        message: Option<String>,
    },
    /// Nothing that is understood here.
    Other,
}

/// What `DAV:current-user-principal` says (RFC 5397, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrentUser {
    /// The path of the principal whose credentials they were.
    Principal(String),
    /// The server looked at no credentials.
    Unauthenticated,
    /// The server does not say.
    Unknown,
}

impl Response {
    /// The answer in short, such as `503 Service Unavailable (Sabre\DAV\…: …)`.
    pub fn summary(&self) -> String {
        let mut text = self.status.to_string();
        if let Some(reason) = self.reason {
            text.extend([" ", reason]);
        }
        if let Body::Exception { name, message } = &self.body {
            text.extend([" (", name]);
            if let Some(message) = message {
                text.extend([": ", message]);
            }
            text.push(')');
        }
        text
    }
}

impl Body {
    /// Reads a body. Nothing that it holds is an error: what is not understood is [`Body::Other`].
    pub fn parse(bytes: &[u8]) -> Self {
        // A document type declaration is an error to roxmltree, so no entity is ever expanded.
        let document = std::str::from_utf8(bytes).ok().and_then(|text| Document::parse(text).ok());
        let Some(document) = document else {
            return Body::Other;
        };
        let root = document.root_element();
        match (root.tag_name().namespace(), root.tag_name().name()) {
            (Some(DAV), "multistatus") => multistatus(root),
            (Some(DAV), "error") => exception(root),
            _ => Body::Other,
        }
    }

    /// The principal's path, if the body names one.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Body::Multistatus(CurrentUser::Principal(href)) => Some(href),
            _ => None,
        }
    }
}

/// The last segment of a principal's path, percent-decoded: the user's name on the server.
pub fn principal_name(href: &str) -> Option<String> {
    let segment = href.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty())?;
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

fn multistatus(root: Node) -> Body {
    let propstats: Vec<_> = children(root, DAV, "response")
        .flat_map(|response| children(response, DAV, "propstat"))
        .collect();
    if propstats.is_empty() {
        return Body::Other;
    }
    let current_user = propstats
        .into_iter()
        .filter(|propstat| succeeded(*propstat))
        .flat_map(|propstat| children(propstat, DAV, "prop"))
        .flat_map(|prop| children(prop, DAV, "current-user-principal"))
        .map(current_user)
        .next();
    Body::Multistatus(current_user.unwrap_or(CurrentUser::Unknown))
}

fn current_user(property: Node) -> CurrentUser {
    if children(property, DAV, "unauthenticated").next().is_some() {
        return CurrentUser::Unauthenticated;
    }
    match child_text(property, DAV, "href") {
        Some(href) => CurrentUser::Principal(href),
        None => CurrentUser::Unknown,
    }
}

fn exception(root: Node) -> Body {
    match child_text(root, SABREDAV, "exception") {
        Some(name) => Body::Exception {
            name: printable(&name),
            message: child_text(root, SABREDAV, "message").map(|text| printable(&text)),
        },
        None => Body::Other,
    }
}

/// Whether a propstat's status is "HTTP/1.1 200 …".
fn succeeded(propstat: Node) -> bool {
    child_text(propstat, DAV, "status")
        .is_some_and(|status| status.split_ascii_whitespace().nth(1) == Some("200"))
}

fn children<'a, 'input: 'a>(
    parent: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    parent.children().filter(move |child| child.has_tag_name((namespace, name)))
}

fn child_text(parent: Node, namespace: &'static str, name: &'static str) -> Option<String> {
    let text: String = children(parent, namespace, name)
        .next()?
        .children()
        .filter_map(|part| part.is_text().then(|| part.text()).flatten())
        .collect();
    Some(text.trim().to_string()).filter(|text| !text.is_empty())
}

/// A server's text for a log line: one line, of a bounded length.
pub fn printable(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(MAX_TEXT).collect()
}
