//! An answer to a request.

use std::time::Duration;

use ureq::http::HeaderMap;

use crate::dav::Body;

/// An answer to a request, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status, 200 to 999.
    pub status: u16,
    /// The standard phrase of the status (RFC 9110, section 15), if it has one.
    pub reason: Option<&'static str>,
    /// The header fields.
    pub headers: HeaderMap,
    /// What the body says.
    pub body: Body,
    /// The time from the beginning of the lookup to the end of the answer.
    pub elapsed: Duration,
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
