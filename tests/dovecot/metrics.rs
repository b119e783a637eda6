//! The metrics of lookups, with the settings in `examples/metrics`. `tests/release/prometheus.rs` has the
//! alerts and the dashboard.

use std::net::TcpStream;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::auth_client::{AuthClient, Outcome};
use crate::support::configuration;
use crate::support::dovecot::{Dovecot, Setup, Version};
use crate::support::http::{answer, listener};
use crate::support::memory;
use crate::support::metrics::{Lookups, example, get};
use crate::support::nextcloud::Nextcloud;
use crate::support::port;

on_each_dovecot! {
    the_endpoint_shows_a_histogram_of_each_verdict
    an_event_is_freed_after_its_lookup
    a_metric_of_a_field_that_does_not_exist_disturbs_no_login
    a_port_that_is_taken_disturbs_no_login_after_a_reload
    a_port_that_is_taken_keeps_dovecot_from_starting
}

const PATIENCE: Duration = Duration::from_secs(60);

const DISABLED: &str = include_str!("../nextcloud-34/account-disabled.http");

fn the_endpoint_shows_a_histogram_of_each_verdict(version: Version) {
    let lookups = Lookups::start(version, |text| text);
    let disabled = answer("503 Service Unavailable", DISABLED.split_once("\n\n").unwrap().1);
    for (verdict, fixed_answer) in [
        ("ok", None),
        ("refused", Some(answer("401 Unauthorized", ""))),
        ("disabled", Some(disabled)),
        ("throttled", Some(answer("429 Too Many Requests", ""))),
        ("unavailable", Some(answer("502 Bad Gateway", ""))),
    ] {
        lookups.nextcloud.answers(fixed_answer);
        lookups.login();
        lookups.login();
        let labels = format!("{{verdict=\"{verdict}\"");
        lookups.wait_for(&format!("dovecot_httpbasic_lookups_count{labels}}} 2\n"));
        let text = lookups.text();
        assert!(text.contains(&format!("_lookups_bucket{labels},le=\"0.001024\"}} ")), "{text}");
        assert!(text.contains(&format!("_lookups_bucket{labels},le=\"8.388608\"}} 2\n")), "{text}");
        assert!(text.contains(&format!("_lookups_bucket{labels},le=\"+Inf\"}} 2\n")), "{text}");
    }
    lookups.wait_for("dovecot_httpbasic_unavailable_total{reason=\"answer\"} 2\n");
    lookups.wait_for("dovecot_httpbasic_connections_total{connection=\"new\"} ");
    lookups.wait_for("dovecot_httpbasic_connections_total{connection=\"kept\"} ");
    let text = lookups.text();
    for secret in [Lookups::USER.0, "example.com", Lookups::USER.2, "192.0.2."] {
        assert!(!text.contains(secret), "{text}");
    }
    // Only a debug line, which Dovecot does not log by default.
    assert!(lookups.dovecot.has_logged("lookup finished: unavailable", 2));
    assert!(!lookups.dovecot.log().contains(Lookups::USER.2));
    assert!(TcpStream::connect(("127.0.0.2", lookups.port)).is_err(), "it listens on 127.0.0.1");
}

fn an_event_is_freed_after_its_lookup(version: Version) {
    let lookups = Lookups::start(version, |text| text);
    let mut client = AuthClient::open(&lookups.dovecot.auth_socket());
    let mut logins = |count| {
        for _ in 0..count {
            let outcome = client.login(Lookups::USER.1, Lookups::USER.2);
            assert_eq!(outcome, Outcome::Succeeded);
        }
    };
    logins(200);
    let workers = lookups.dovecot.auth_workers();
    let before = memory::private(workers[0]);
    logins(800);
    assert_eq!(lookups.dovecot.auth_workers(), workers, "one worker did it all");
    let after = memory::private(workers[0]);
    println!("{version:?}: {before} bytes after 200 lookups, {after} after 1000");
    // An event has 1 kB.
    assert!(after < before + 200_000, "{before} bytes, then {after}");
    lookups.wait_for("dovecot_httpbasic_lookups_count{verdict=\"ok\"} 1000\n");
}

fn a_metric_of_a_field_that_does_not_exist_disturbs_no_login(version: Version) {
    let lookups = Lookups::start(version, |text| text.replace("reason", "colour"));
    lookups.nextcloud.answers(Some(answer("502 Bad Gateway", "")));
    lookups.login();
    lookups.nextcloud.answers(None);
    let answer = lookups.dovecot.imap_login(Lookups::USER.1, Lookups::USER.2);
    assert!(answer.starts_with("OK "), "{answer}");
    lookups.wait_for("dovecot_httpbasic_lookups_count{verdict=\"ok\"} 1\n");
    // Dovecot 2.4 shows an empty label. Dovecot 2.3 shows only the sum.
    lookups.wait_for(match version {
        Version::V2_3 => "dovecot_httpbasic_unavailable_count 1\n",
        Version::V2_4 => "dovecot_httpbasic_unavailable_total{colour=\"\"} 1\n",
    });
    assert!(!lookups.dovecot.log().contains("colour"), "{}", lookups.dovecot.log());
}

const TAKEN: &str = "failed: Address already in use";

fn a_port_that_is_taken_disturbs_no_login_after_a_reload(version: Version) {
    let nextcloud = Nextcloud::start(&[Lookups::USER]);
    let setup = Setup::new(&nextcloud.url(), None).with("domain", "example.com");
    let dovecot = Dovecot::start(version, &setup);
    let port = port::free();
    let other = listener(port);
    configuration::append(dovecot.folder(), &example(version, port));
    let reload = || assert!(dovecot.doveadm(&["reload"]).succeeded, "{}", dovecot.log());
    reload();
    assert!(dovecot.has_logged(TAKEN, 1), "{}", dovecot.log());
    let logs_in = || dovecot.imap_login(Lookups::USER.1, Lookups::USER.2).starts_with("OK ");
    assert!(logs_in(), "{}", dovecot.log());
    drop(other);
    reload();
    let start = Instant::now();
    while get(port).is_none() {
        assert!(start.elapsed() < PATIENCE, "{}", dovecot.log());
        sleep(Duration::from_millis(50));
    }
    assert!(logs_in(), "{}", dovecot.log());
}

/// So docs/monitoring.md says how to find out before.
fn a_port_that_is_taken_keeps_dovecot_from_starting(version: Version) {
    let nextcloud = Nextcloud::start(&[Lookups::USER]);
    let port = port::free();
    let mut dovecot = Dovecot::start(version, &Setup::new(&nextcloud.url(), None));
    dovecot.stop();
    let _other = listener(port);
    configuration::append(dovecot.folder(), &example(version, port));
    let file = dovecot.configuration();
    // In the foreground, so that it ends with its error.
    let command = version.command(&["dovecot", "-F", "-c", file.to_str().unwrap()]);
    let output = Command::new("timeout").arg("20").args(command).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains(TAKEN), "{text}");
    assert!(text.contains("Fatal: Failed to start listeners"), "{text}");
}

#[test]
fn promtool_accepts_the_rules_and_the_configuration() {
    for arguments in [
        ["check", "rules", "rules.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "rules-test.yml"],
    ] {
        let output = Command::new("promtool")
            .args(arguments)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/metrics"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}\n{text}");
    }
}
