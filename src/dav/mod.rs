//! WebDAV: the bodies of requests and of answers.

mod body;
mod namespaces;
mod syntax;
mod xml;

pub use body::{Body, CurrentUser, Properties, principal_name};

/// The media type of request bodies.
pub const CONTENT_TYPE: &str = "application/xml; charset=utf-8";

/// Requests `DAV:current-user-principal`, the authenticated user (RFC 5397). Also requests
/// `DAV:resourcetype`, which every server has (RFC 4918, section 15.9), because some servers answer
/// without a status if they have none of the properties.
pub const PRINCIPAL: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><current-user-principal/><resourcetype/></prop></propfind>";

/// Requests Nextcloud's `oc:fileid`. The id of a folder is -1 if the password gives no access to
/// files.
pub const FILE_ID: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><fileid xmlns=\"http://owncloud.org/ns\"/></prop></propfind>";
