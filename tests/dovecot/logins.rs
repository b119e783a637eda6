//! The library and the script in a real Dovecot, 2.3 and 2.4, against real web servers.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::apache::Apache;
use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::ca::Ca;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::http::{Server, principal, refusal};
use crate::support::leftovers::{self, Rest};
use crate::support::nginx::Nginx;
use crate::support::port;

const ALICE: (&str, &str) = ("alice@example.com", "correct horse");
/// A password with a colon and letters that are not ASCII.
const BOB: (&str, &str) = ("bob", "grüß:Gott");

on_each_dovecot! {
    anothers_password_opens_no_mailbox_and_the_log_says_whose_it_is
    nginx_says_who_may_log_in
    apache_says_who_may_log_in
    an_unreachable_server_is_a_temporary_failure_and_its_return_is_noticed
    no_log_line_shows_a_password_in_any_form
    a_raised_error_is_a_readable_log_line_with_the_scripts_position
    a_wrong_setting_keeps_dovecot_from_starting_and_the_log_names_it
    a_lookup_without_a_password_fails_with_a_reason
    a_server_that_sends_half_records_lets_no_wrong_password_in
}

/// Right and wrong logins against the web server at `url`. `requests` returns the log of that many
/// requests.
fn logins(version: Version, url: &str, ca_file: &Path, requests: impl Fn(usize) -> Vec<String>) {
    let dovecot = Dovecot::start(version, &Setup::new(url, Some(ca_file)));
    let mut expected = Vec::new();
    for (user, password) in [ALICE, BOB] {
        let test = dovecot.auth_test(Some("192.0.2.7"), user, password);
        assert!(test.succeeded, "{test:?}\n{}", dovecot.log());
        assert!(dovecot.imap_login(user, password).starts_with("OK "), "{}", dovecot.log());
        expected.push(format!("207 PROPFIND {user} 192.0.2.7"));
        expected.push(format!("207 PROPFIND {user} 127.0.0.1"));
    }
    for (user, password) in [(ALICE.0, BOB.1), (ALICE.0, "correct horsE"), ("nobody", ALICE.1)] {
        let test = dovecot.auth_test(Some("2001:db8::7"), user, password);
        assert!(test.is_refused(), "{test:?}");
        let answer = dovecot.imap_login(user, password);
        assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}");
        expected.push(format!("401 PROPFIND {user} 2001:db8::7"));
        expected.push(format!("401 PROPFIND {user} 127.0.0.1"));
    }
    let test = dovecot.auth_test(None, ALICE.0, ALICE.1);
    assert!(test.succeeded, "{test:?}");
    expected.push(format!("207 PROPFIND {} -", ALICE.0));
    assert_eq!(requests(expected.len()), expected);
    assert!(dovecot.has_logged("refused: 401 Unauthorized", 1), "{}", dovecot.log());
}

fn nginx_says_who_may_log_in(version: Version) {
    let nginx = Nginx::start(&Ca::new(), &[ALICE, BOB]);
    logins(version, &nginx.url(), &nginx.ca_file(), |count| nginx.requests(count));
}

fn apache_says_who_may_log_in(version: Version) {
    let apache = Apache::start(&Ca::new(), &[ALICE, BOB]);
    logins(version, &apache.url(), &apache.ca_file(), |count| apache.requests(count));
}

fn an_unreachable_server_is_a_temporary_failure_and_its_return_is_noticed(version: Version) {
    let mut nginx = Nginx::start(&Ca::new(), &[ALICE]);
    let setup = Setup::new(&nginx.url(), Some(&nginx.ca_file())).with("backoff_msecs", "0");
    let dovecot = Dovecot::start(version, &setup);
    assert!(dovecot.auth_test(None, ALICE.0, ALICE.1).succeeded);
    nginx.switch_off();
    let test = dovecot.auth_test(None, ALICE.0, ALICE.1);
    assert!(test.is_temporary(), "{test:?}");
    let answer = dovecot.imap_login(ALICE.0, ALICE.1);
    assert!(answer.starts_with("NO [UNAVAILABLE]"), "{answer}");
    let expected_text =
        format!("db-lua: connect: Connection refused (os error 111) [{}]", nginx.url());
    assert!(dovecot.has_logged(&expected_text, 1), "{}", dovecot.log());
    nginx.switch_on();
    assert!(dovecot.auth_test(None, ALICE.0, ALICE.1).succeeded, "{}", dovecot.log());
}

fn no_log_line_shows_a_password_in_any_form(version: Version) {
    let nginx = Nginx::start(&Ca::new(), &[ALICE]);
    let setup = Setup::new(&nginx.url(), Some(&nginx.ca_file())).with("debug", "true");
    let dovecot = Dovecot::start(version, &setup);
    let secrets = [ALICE.1, "a wrong password"];
    for password in secrets {
        dovecot.auth_test(Some("192.0.2.7"), ALICE.0, password);
        dovecot.imap_login(ALICE.0, password);
    }
    let log = dovecot.log();
    assert!(log.contains("httpbasic::http::client: PROPFIND https://localhost:"), "{log}");
    for password in secrets {
        let pair = format!("{}:{password}", ALICE.0);
        for form in [password.to_string(), STANDARD.encode(password), STANDARD.encode(pair)] {
            // Without the padding and without the first and last letters, which depend on adjacent
            // bytes.
            let core = form.trim_end_matches('=');
            assert!(!log.contains(&core[1..core.len() - 1]), "{form} is in the log:\n{log}");
        }
    }
}

fn a_raised_error_is_a_readable_log_line_with_the_scripts_position(version: Version) {
    let script = "
local folder = debug.getinfo(1, 'S').source:match('^@(.*/)')
package.cpath = folder .. '?.so;' .. package.cpath
local client = require('httpbasic').client { url = 'https://localhost/' }
function auth_passdb_lookup(req)
    local verdict = client:verify(req.user)
    return verdict
end
";
    let dovecot = Dovecot::start(version, &Setup::of_script(script));
    let test = dovecot.auth_test(None, ALICE.0, ALICE.1);
    assert!(test.is_temporary(), "{test:?}");
    let expected_text =
        "auth-httpbasic.lua:6: bad argument #2 to 'verify' (string expected, got no value)";
    assert!(dovecot.has_logged(expected_text, 1), "{}", dovecot.log());
    // The worker survives.
    assert!(dovecot.auth_test(None, ALICE.0, ALICE.1).is_temporary());
    assert!(dovecot.has_logged(expected_text, 2), "{}", dovecot.log());
}

fn a_wrong_setting_keeps_dovecot_from_starting_and_the_log_names_it(version: Version) {
    let url = format!("https://localhost:{}/", port::free());
    for (name, value, expected_text) in [
        ("timeout", "5000", "httpbasic.client: timeout is an unknown setting"),
        ("timeout_msecs", "5", "httpbasic.client: timeout_msecs expected a whole number from 100"),
        ("ca_file", "/nonexistent", "httpbasic.client: ca_file cannot be read: /nonexistent: "),
    ] {
        let dovecot = Dovecot::start(version, &Setup::new(&url, None).with(name, value));
        dovecot.auth_test(None, ALICE.0, ALICE.1);
        let is_logged =
            dovecot.has_logged("auth: Fatal: ", 1) && dovecot.has_logged(expected_text, 1);
        assert!(is_logged, "{}", dovecot.log());
    }
}

fn a_lookup_without_a_password_fails_with_a_reason(version: Version) {
    let dovecot = Dovecot::start(version, &Setup::new("https://localhost:1/", None));
    let lookup = dovecot.doveadm(&["auth", "lookup", ALICE.0]);
    assert!(!lookup.succeeded, "{lookup:?}");
    let expected_text =
        "db-lua: no password to verify; httpbasic needs auth_mechanisms = plain login";
    assert!(dovecot.has_logged(expected_text, 1), "{}", dovecot.log());
}

fn anothers_password_opens_no_mailbox_and_the_log_says_whose_it_is(version: Version) {
    // Bob has set Alice's address as his e-mail address, and Nextcloud lets him log in with it.
    let server = Server::answering(None, |_| principal("bob"));
    let url = format!("http://127.0.0.1:{}/dav/", server.port);
    for (domain, whose) in [(None, "bob"), (Some("example.com"), "bob@example.com")] {
        let mut setup = Setup::new(&url, None);
        if let Some(domain) = domain {
            setup = setup.with("domain", domain);
        }
        let dovecot = Dovecot::start(version, &setup);
        let answer = dovecot.imap_login(ALICE.0, BOB.1);
        assert!(answer.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}");
        let expected_text =
            format!("refused: the password belongs to \"{whose}\", not to \"{}\"", ALICE.0);
        assert!(dovecot.has_logged(&expected_text, 1), "{}", dovecot.log());
        assert!(dovecot.imap_login(BOB.0, BOB.1).starts_with("OK "), "{}", dovecot.log());
    }
}

fn a_server_that_sends_half_records_lets_no_wrong_password_in(version: Version) {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, ca.pem()).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let identity = ca.issue(&["localhost"]);
    let answer = leftovers::knows("secret");
    let server = leftovers::start(Some(&identity), answer, 1, Rest::WithNextRequest);
    let url = format!("https://localhost:{}/dav/", server.port);
    let setup = Setup { extra: "auth_verbose = no\n", ..Setup::new(&url, Some(&ca_file)) };
    let dovecot = Dovecot::start(version, &setup);
    let mut client = AuthClient::open(&dovecot.auth_socket());
    // Several at a time because Dovecot delays refusals, but no more than it has workers.
    for _ in 0..50 {
        let logins: HashMap<u32, Outcome> = (0..10)
            .flat_map(|_| [("secret", Outcome::Succeeded), ("wrong", Outcome::Refused)])
            .map(|(password, expected)| (client.begin("alice", password), expected))
            .collect();
        for _ in 0..logins.len() {
            let (number, outcome) = client.end();
            assert_eq!(Some(&outcome), logins.get(&number), "{}", dovecot.log());
        }
    }
}

/// A script like that of the guide for docker-mailserver, which needs lbase64's `base64.lua`.
const GUIDES_SCRIPT: &str = "
local folder = debug.getinfo(1, 'S').source:match('^@(.*/)')
package.path = package.path .. ';' .. folder .. '?.lua'
local base64 = require('base64')
local client = dovecot.http.client { timeout = 1000, max_attempts = 1 }
function script_init() return 0 end
function auth_passdb_lookup(req)
    local request = client:request { url = 'URL', method = 'PROPFIND' }
    local credentials = base64.encode(req.user .. ':' .. req.password)
    request:add_header('Authorization', 'Basic ' .. credentials)
    local status = request:submit():status()
    if status == 207 then
        return dovecot.auth.PASSDB_RESULT_OK, 'nopassword=y'
    elseif status == 401 then
        return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, ''
    end
    return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, 'status ' .. status
end
";

#[test]
fn the_guides_script_runs_on_our_base64() {
    let server = Server::answering(None, |request| {
        let pair = STANDARD.encode(format!("{}:{}", BOB.0, BOB.1));
        let right = request.header("authorization") == Some(&format!("Basic {pair}"));
        if right { principal(BOB.0) } else { refusal() }
    });
    let script = GUIDES_SCRIPT.replace("URL", &format!("http://127.0.0.1:{}/", server.port));
    let dovecot = Dovecot::start(Version::V2_3, &Setup::of_script(&script));
    let test = dovecot.auth_test(None, BOB.0, BOB.1);
    assert!(test.succeeded, "{test:?}\n{}", dovecot.log());
    assert!(dovecot.auth_test(None, BOB.0, ALICE.1).is_refused(), "{}", dovecot.log());
    assert_eq!(server.requests().len(), 2);
}
