//! Bodies of answers. What is found in one is compared with what a second parser of XML finds.

#![no_main]

use std::mem::discriminant;

use httpbasic::dav::{Body, principal_name};
use httpbasic_fuzz::check_text;
use httpbasic_fuzz::xml::{Found, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // The recorded answers in tests/ have a head.
    let end =
        input.windows(2).position(|part| part == b"\n\n").filter(|_| input.starts_with(b"HTTP/"));
    let bytes = end.map_or(input, |end| &input[end + 2..]);
    let body = Body::parse(bytes);
    let found = match &body {
        Body::Multistatus(properties) => {
            principal_name(body.principal().unwrap_or_default());
            Found::Multistatus(properties.current_user.clone(), properties.file_id.clone())
        }
        Body::Exception { name, message } => {
            for text in [Some(name), message.as_ref()].into_iter().flatten() {
                check_text(text, 200);
            }
            Found::Exception(name.clone(), message.clone())
        }
        Body::Other(what) => {
            check_text(what, 100);
            Found::Other
        }
        _ => unreachable!("there is no other kind"),
    };
    if found == Found::Other {
        // Each parser rejects something that the other accepts.
        return;
    }
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    if let Some(expected) = read(text).expect("a well-formed body") {
        // The second parser also normalises line breaks.
        let is_same_text = !bytes.contains(&b'\r');
        assert_eq!(discriminant(&found), discriminant(&expected), "{found:?} {expected:?}");
        assert!(found == expected || !is_same_text, "{found:?} {expected:?}");
    }
});
