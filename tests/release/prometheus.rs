//! Debian's Prometheus with the alerts and the dashboard of `examples/metrics`, and a real Dovecot.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::dovecot::Version;
use crate::support::http::answer;
use crate::support::metrics::Lookups;
use crate::support::port;
use crate::support::process::Process;

on_each_dovecot! {
    prometheus_reports_a_throttled_login_and_an_outage
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Prometheus with the example's files. Its intervals are seconds, so that a test need not wait.
struct Prometheus {
    _process: Process,
    _folder: tempfile::TempDir,
    port: u16,
}

/// A file of the example.
fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/metrics").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Prometheus {
    fn start(endpoint: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        let seconds = shipped("rules.yml").replace("5m", "5s").replace("10m", "10s");
        write("rules.yml", seconds);
        let configuration = shipped("prometheus.yml").replace("15s", "1s");
        write("prometheus.yml", configuration.replace("9900", &endpoint.to_string()));
        let port = port::free();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let mut process = Process::start(&[
            "prometheus",
            &format!("--config.file={}", file("prometheus.yml")),
            &format!("--storage.tsdb.path={}", file("data")),
            &format!("--web.listen-address=127.0.0.1:{port}"),
            "--log.level=error",
        ]);
        process.wait_for_port(port);
        Self { _process: process, _folder: folder, port }
    }

    /// What its API says at this path.
    fn api(&self, path: &str, query: &str) -> Value {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--get", "--data-urlencode"])
            .arg(format!("query={query}"))
            .arg(format!("http://127.0.0.1:{}/api/v1/{path}", self.port))
            .output()
            .unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        answer["data"].clone()
    }

    /// How many series a query returns.
    fn series(&self, query: &str) -> usize {
        self.api("query", query)["result"].as_array().map_or(0, Vec::len)
    }

    /// The names of the alerts that fire.
    fn firing(&self) -> Vec<String> {
        let data = self.api("alerts", "");
        let alerts = data["alerts"].as_array().into_iter().flatten();
        let firing = alerts.filter(|alert| alert["state"] == "firing");
        firing.map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_string()).collect()
    }
}

/// The queries of the dashboard, for every mail server.
fn dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&shipped("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert_eq!(panels.len(), 4);
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries = targets.map(|target| target["expr"].as_str().unwrap());
    queries.map(|it| it.replace("$__rate_interval", "10s").replace("$instance", ".*")).collect()
}

fn prometheus_reports_a_throttled_login_and_an_outage(version: Version) {
    let lookups = Lookups::start(version, |text| text);
    let prometheus = Prometheus::start(lookups.port);
    let log_in_until = |what: &str, is_done: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !is_done() {
            assert!(start.elapsed() < PATIENCE, "no {what}: {:?}", prometheus.firing());
            lookups.login();
            sleep(Duration::from_millis(200));
        }
    };
    // Since the rule looks back five seconds.
    log_in_until("answer", &|| prometheus.series("up offset 5s == 1") == 1);
    assert_eq!(prometheus.firing(), [""; 0]);

    lookups.nextcloud.answers(Some(answer("429 Too Many Requests", "")));
    lookups.login();
    lookups.nextcloud.answers(None);
    let is_firing = |name: &str| prometheus.firing().iter().any(|it| it == name);
    log_in_until("alert", &|| is_firing("HttpbasicThrottled"));
    log_in_until("end of the alert", &|| prometheus.firing().is_empty());

    lookups.nextcloud.answers(Some(answer("502 Bad Gateway", "")));
    log_in_until("alert", &|| is_firing("HttpbasicUnavailable"));
    assert_eq!(prometheus.firing(), ["HttpbasicUnavailable"]);
    lookups.nextcloud.answers(None);
    // The end of the outage, in which there are lookups of all kinds.
    log_in_until("answer", &|| dashboard().iter().all(|query| prometheus.series(query) > 0));
    log_in_until("end of the alert", &|| prometheus.firing().is_empty());
}
