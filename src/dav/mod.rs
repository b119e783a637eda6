//! WebDAV: what is asked for, and what an answer's body says.

mod body;
mod xml;

pub use body::{Body, CurrentUser, Properties, principal_name};

/// The type of the bodies that are sent.
pub const CONTENT_TYPE: &str = "application/xml; charset=utf-8";

/// Asks who the credentials belong to (RFC 5397).
pub const PRINCIPAL: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><current-user-principal/></prop></propfind>";

/// Asks whether the credentials open files: Nextcloud's id of a folder that they do not open is -1.
pub const FILE_ID: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><fileid xmlns=\"http://owncloud.org/ns\"/></prop></propfind>";
