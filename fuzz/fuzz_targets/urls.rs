//! URLs, and the URLs that are made from them.

#![no_main]

use std::net::IpAddr;

use httpbasic::dav::principal_name;
use httpbasic::options::url::Url;
use httpbasic::options::value::Value;
use httpbasic_fuzz::check_text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // A URL, and after a line break the name of a user.
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let text = parts.next().unwrap_or_default();
    let name = String::from_utf8_lossy(parts.next().unwrap_or_default());
    hide_secrets(&String::from_utf8_lossy(text));
    let url = match Url::new(&Value::String(text.to_vec())) {
        Ok(url) => url,
        Err(problem) => {
            check_text(&problem, 200);
            return;
        }
    };
    check(&url);
    let shown = url.to_string();
    check_text(&shown, text.len() + "http://".len() + 1);
    assert_eq!(url.is_https(), text[..5].eq_ignore_ascii_case(b"https"));
    assert!(!shown.contains(['?', '#', '@']) || shown.find('@') > shown[8..].find('/'), "{shown}");

    // Only an address or a name of this machine is loopback.
    let host = url.host().trim_end_matches('.').to_ascii_lowercase();
    if url.is_loopback() {
        let address = host.parse::<IpAddr>().map(|address| address.to_canonical());
        let is_name = ["localhost", "ip6-localhost", "ip6-loopback"].contains(&&*host);
        assert!(is_name || address.is_ok_and(|address| address.is_loopback()), "{host}");
    }

    let files = url.files(&name);
    check(&files);
    assert_eq!((files.is_https(), files.authority()), (url.is_https(), url.authority()));
    let path = files.uri().path_and_query().unwrap().as_str();
    let base = url.uri().path().trim_end_matches('/');
    let segment = path.strip_prefix(base).and_then(|path| path.strip_prefix("/files/"));
    let segment = segment.and_then(|path| path.strip_suffix('/')).expect("the path of files");
    assert!(!segment.contains(['/', '?', '#']) && segment.is_ascii(), "{segment}");
    // Percent-decoded, it is the name again.
    assert_eq!(principal_name(segment).unwrap_or_default(), name);

    if let Some(other) = url.of_nextcloud() {
        let other = Url::new(&Value::String(other.into())).expect("the URL of Nextcloud");
        check(&other);
        assert_eq!((other.is_https(), other.authority()), (url.is_https(), url.authority()));
    }
});

/// Checks that no text shows a password or a token in the URL.
fn hide_secrets(text: &str) {
    let secret = "Wm7kQ9vT2xR5";
    for text in [
        text.replacen("://", &format!("://user:{secret}@"), 1),
        format!("{text}?token={secret}"),
        format!("{text}#{secret}"),
    ] {
        let shown = Url::new(&Value::String(text.clone().into()));
        let shown = shown.map_or_else(|problem| problem, |url| url.to_string());
        assert!(!shown.contains(secret) || text.matches(secret).count() > 1, "{shown}");
    }
}

/// Checks what a connection and a request use.
fn check(url: &Url) {
    assert!(!url.host().is_empty() && url.port() > 0);
    assert!(url.authority().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@'));
    url.server_name();
    let uri = url.uri();
    assert_eq!(uri.authority().map(|authority| authority.as_str()), Some(url.authority()));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
}
