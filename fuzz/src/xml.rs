//! Reads the body of an answer as `src/dav/` does, but from a tree that another parser made.

use httpbasic::dav::CurrentUser;

use crate::is_control;
use roxmltree::{Document, Error, Node};

const DAV: &str = "DAV:";
const OWNCLOUD: &str = "http://owncloud.org/ns";
const SABRE: &str = "http://sabredav.org/ns";

/// What a body says.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Multistatus(CurrentUser, Option<String>),
    Exception(String, Option<String>),
    Other,
}

/// Reads a body. `None` if it breaks only a rule that `src/dav/xml.rs` does not check.
///
/// # Errors
/// It is not well-formed.
pub fn read(text: &str) -> Result<Option<Found>, Error> {
    match Document::parse(text) {
        Ok(document) => Ok(Some(found(&document))),
        Err(problem) if is_unchecked(&problem) => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn is_unchecked(problem: &Error) -> bool {
    matches!(
        problem,
        Error::InvalidCharacterData(_)
            | Error::InvalidChar2("a whitespace", ..)
            | Error::DuplicatedAttribute(..)
    )
}

fn found(document: &Document) -> Found {
    let root = document.root_element();
    if root.has_tag_name((DAV, "error")) {
        let exception = texts(root, SABRE, "exception").next();
        let message = texts(root, SABRE, "message").next();
        return exception.map_or(Found::Other, |name| {
            Found::Exception(printable(&name), message.as_deref().map(printable))
        });
    }
    if !root.has_tag_name((DAV, "multistatus")) {
        return Found::Other;
    }
    let propstats: Vec<_> = children(root, DAV, "response")
        .flat_map(|response| children(response, DAV, "propstat"))
        .collect();
    if propstats.is_empty() {
        return Found::Other;
    }
    let (mut user, mut file_id, mut is_unclear) = (None, None, false);
    for propstat in propstats {
        let props: Vec<_> = children(propstat, DAV, "prop").collect();
        let own = props.iter().flat_map(|prop| children(*prop, DAV, "current-user-principal"));
        let own = own.map(current_user).next();
        match children(propstat, DAV, "status").next().and_then(|status| code(&text(status))) {
            Some(200) => {
                user = user.or(own);
                let own = props.iter().flat_map(|prop| texts(*prop, OWNCLOUD, "fileid")).next();
                file_id = file_id.or(own);
            }
            Some(400..600) => {}
            _ => is_unclear |= own.is_some(),
        }
    }
    let unnamed = if is_unclear { CurrentUser::Unclear } else { CurrentUser::Unknown };
    Found::Multistatus(user.unwrap_or(unnamed), file_id)
}

fn children<'a>(
    node: Node<'a, 'a>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |child| child.has_tag_name((namespace, name)))
}

/// The texts of the children with this name that have one.
fn texts<'a>(
    node: Node<'a, 'a>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = String> {
    children(node, namespace, name).map(text).filter(|text| !text.is_empty())
}

/// The text after the last child.
fn text(node: Node) -> String {
    let nodes: Vec<_> = node.children().collect();
    let last = nodes.iter().rposition(|child| child.is_element()).map_or(0, |last| last + 1);
    let parts = nodes[last..].iter().filter(|child| child.is_text());
    let text: String = parts.filter_map(|part| part.text()).collect();
    text.trim_ascii().into()
}

/// The text as one line of at most 200 characters.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if is_control(c) { ' ' } else { c }).collect()
}

fn current_user(property: Node) -> CurrentUser {
    if children(property, DAV, "unauthenticated").next().is_some() {
        return CurrentUser::Unauthenticated;
    }
    let href = texts(property, DAV, "href").next();
    href.map_or(CurrentUser::Unclear, CurrentUser::Principal)
}

/// The code in a status line.
fn code(line: &str) -> Option<u16> {
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}
