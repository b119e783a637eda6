//! Namespaces in XML 1.0: which namespace a prefix stands for.

use std::ops::Range;

use quick_xml::events::BytesStart;
use quick_xml::events::attributes::Attribute;
use quick_xml::name::{Prefix, PrefixDeclaration};

use super::syntax::{is_attribute_value, is_name};

/// The namespaces that have a meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// `DAV:`
    Dav,
    /// `DAV`, as ownCloud Infinite Scale and OpenCloud write it in the bodies of errors.
    DavWithoutColon,
    /// Nextcloud's. Some of its properties are still in [`Namespace::OwnCloud`].
    Nextcloud,
    /// ownCloud's
    OwnCloud,
    /// sabre/dav's
    Sabre,
    /// Any other namespace, or none.
    Other,
}

impl Namespace {
    /// The namespace with this name. Names are compared byte by byte.
    pub fn named(name: &[u8]) -> Self {
        match name {
            b"DAV:" => Self::Dav,
            b"DAV" => Self::DavWithoutColon,
            b"http://nextcloud.org/ns" => Self::Nextcloud,
            b"http://owncloud.org/ns" => Self::OwnCloud,
            b"http://sabredav.org/ns" => Self::Sabre,
            _ => Self::Other,
        }
    }
}

const XML: &[u8] = b"http://www.w3.org/XML/1998/namespace";
const XMLNS: &[u8] = b"http://www.w3.org/2000/xmlns/";

/// The most declarations that can be in scope. Each name is compared with them.
pub const MAX_BINDINGS: usize = 256;

/// The declarations in scope at the current place of a document.
#[derive(Default)]
pub struct Scopes {
    bindings: Vec<Binding>,
    /// The prefixes of all declarations so far, one after another.
    prefixes: Vec<u8>,
    /// Whether one of Nextcloud's namespaces has been declared anywhere so far.
    pub is_nextcloud: bool,
}

struct Binding {
    /// The depth of the element with the declaration.
    depth: usize,
    /// The place of the prefix in `prefixes`. It is empty for the default namespace.
    prefix: Range<usize>,
    namespace: Namespace,
}

impl Scopes {
    /// Enters an element whose name has this prefix, and returns its namespace. Returns `None` if an
    /// attribute is not valid, or the prefix of an attribute or of the element is not declared.
    pub fn enter(
        &mut self,
        tag: &BytesStart,
        prefix: Option<Prefix>,
        depth: usize,
    ) -> Option<Namespace> {
        if tag.attributes_raw().is_empty() {
            return self.resolve(prefix);
        }
        let mut has_prefixes = false;
        for attribute in tag.attributes() {
            let Attribute { key, value } = attribute.ok()?;
            match key.as_namespace_binding() {
                Some(declaration) => self.declare(declaration, &value, depth)?,
                None if is_name(key.local_name().into_inner()) && is_attribute_value(&value) => {
                    has_prefixes |= key.prefix().is_some();
                }
                None => return None,
            }
        }
        // A declaration applies to the attributes before it, too.
        if has_prefixes {
            for attribute in tag.attributes().with_checks(false) {
                let Attribute { key, .. } = attribute.ok()?;
                if key.as_namespace_binding().is_none() {
                    self.resolve(key.prefix())?;
                }
            }
        }
        self.resolve(prefix)
    }

    /// Leaves the element at this depth.
    pub fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|binding| binding.depth == depth) {
            self.bindings.pop();
        }
    }

    fn declare(&mut self, prefix: PrefixDeclaration, name: &[u8], depth: usize) -> Option<()> {
        // Names of namespaces are compared as they are written, so they must not contain references.
        let is_valid = !name.contains(&b'&') && !name.contains(&b'<');
        let prefix = match prefix {
            PrefixDeclaration::Named(b"xml") => return (name == XML).then_some(()),
            PrefixDeclaration::Named(prefix) => {
                (is_name(prefix) && prefix != b"xmlns" && !name.is_empty()).then_some(prefix)?
            }
            PrefixDeclaration::Default => b"",
        };
        if !is_valid || name == XML || name == XMLNS || self.bindings.len() == MAX_BINDINGS {
            return None;
        }
        let namespace = Namespace::named(name);
        self.is_nextcloud |= matches!(namespace, Namespace::Nextcloud | Namespace::OwnCloud);
        let start = self.prefixes.len();
        self.prefixes.extend_from_slice(prefix);
        self.bindings.push(Binding { depth, prefix: start..self.prefixes.len(), namespace });
        Some(())
    }

    /// The namespace for this prefix of an element, or `None` if the prefix is not declared.
    fn resolve(&self, prefix: Option<Prefix>) -> Option<Namespace> {
        let find = |prefix: &[u8]| {
            let mut bindings = self.bindings.iter().rev();
            bindings.find(|binding| self.prefixes[binding.prefix.clone()] == *prefix)
        };
        match prefix.map(Prefix::into_inner) {
            None => Some(find(b"").map_or(Namespace::Other, |binding| binding.namespace)),
            Some(b"") => None,
            Some(b"xml") => Some(Namespace::Other),
            Some(prefix) => find(prefix).map(|binding| binding.namespace),
        }
    }
}
