//! Verifies the certificates of x509-limbo, the public test suite for path validation, as the library
//! does, and prints each result that the suite does not expect.
//!
//! `cargo run --no-default-features --features check --example limbo -- limbo.json`
//!
//! The file is limbo.json of github.com/C2SP/x509-limbo. Exits with 1 if a result is neither expected
//! nor in [`DIFFERENT`].

use std::process::ExitCode;
use std::{env, fs};

use httpbasic::tls::{Roots, Verifier, text};
use rustls::Error;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const ACCEPTED: bool = true;
const REFUSED: bool = false;

/// The results that differ from the suite's: why, the result, and the names of the cases.
const DIFFERENT: &[(&str, bool, &[&str])] = &[
    (
        "a CA's certificate is a server's only if it is itself in ca_file",
        REFUSED,
        &["pathlen::validation-ignores-pathlen-in-leaf", "rfc5280::ca-as-leaf"],
    ),
    (
        "webpki makes no exception for self-issued certificates",
        REFUSED,
        &["pathlen::self-issued-certs-pathlen", "rfc5280::nc::permitted-self-issued"],
    ),
    (
        "a certificate in ca_file is trusted as a CA after its expiry too",
        ACCEPTED,
        &["rfc5280::validity::expired-root"],
    ),
    (
        "a common name does not count",
        ACCEPTED,
        &[
            "webpki::cn::case-mismatch",
            "webpki::cn::ipv4-hex-mismatch",
            "webpki::cn::ipv4-leading-zeros-mismatch",
            "webpki::cn::ipv6-non-rfc5952-mismatch",
            "webpki::cn::ipv6-uncompressed-mismatch",
            "webpki::cn::ipv6-uppercase-mismatch",
            "webpki::cn::not-in-san",
            "webpki::cn::punycode-not-in-san",
            "webpki::cn::utf8-vs-punycode-mismatch",
        ],
    ),
    (
        "a rule for CAs, about what they may issue, which webpki does not check",
        ACCEPTED,
        &[
            "rfc5280::aki::critical-aki",
            "rfc5280::aki::cross-signed-root-missing-aki",
            "rfc5280::aki::intermediate-missing-aki",
            "rfc5280::aki::leaf-missing-aki",
            "rfc5280::ca-empty-subject",
            "rfc5280::leaf-ku-keycertsign",
            "rfc5280::nc::invalid-dnsname-leading-period",
            "rfc5280::nc::not-allowed-in-ee-critical",
            "rfc5280::nc::not-allowed-in-ee-noncritical",
            "rfc5280::nc::permitted-dns-match-noncritical",
            "rfc5280::pc::ica-noncritical-pc",
            "rfc5280::san::noncritical-with-empty-subject",
            "rfc5280::san::underscore-dns",
            "rfc5280::serial::negative",
            "rfc5280::serial::too-long",
            "rfc5280::serial::zero",
            "rfc5280::ski::critical-ski",
            "rfc5280::ski::intermediate-missing-ski",
            "rfc5280::ski::root-missing-ski",
            "webpki::eku::ee-anyeku",
            "webpki::eku::ee-critical-eku",
            "webpki::eku::ee-without-eku",
            "webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf",
            "webpki::forbidden-rsa-not-divisible-by-8-in-root",
            "webpki::malformed-aia",
            "webpki::nc::intermediate-permitted-excluded-subtrees-both-empty-sequences",
            "webpki::nc::intermediate-permitted-excluded-subtrees-both-null",
            "webpki::san::public-suffix-multi-label-wildcard-san",
            "webpki::san::public-suffix-private-namespace-wildcard-san",
            "webpki::san::san-critical-with-nonempty-subject",
        ],
    ),
    (
        "a rule for roots, of which only the name, the key and the CA flag count",
        ACCEPTED,
        &[
            "rfc5280::root-inconsistent-ca-extensions",
            "rfc5280::root-non-critical-basic-constraints",
            "rfc5280::unknown-critical-extension-root",
            "webpki::aki::root-with-aki-all-fields",
            "webpki::aki::root-with-aki-authoritycertissuer",
            "webpki::aki::root-with-aki-authoritycertserialnumber",
            "webpki::aki::root-with-aki-missing-keyidentifier",
            "webpki::aki::root-with-aki-ski-mismatch",
            "webpki::eku::root-has-eku",
        ],
    ),
    (
        "no option limits the length of chains",
        ACCEPTED,
        &["pathlen::max-chain-depth-0-exhausted", "pathlen::max-chain-depth-1-exhausted"],
    ),
    (
        "revocation is not checked",
        ACCEPTED,
        &[
            "crl::crlnumber-critical",
            "crl::crlnumber-missing",
            "crl::issuer-missing-crlsign",
            "crl::revoked-certificate-with-crl",
        ],
    ),
    (
        "the handshake fails later, because the server cannot sign",
        ACCEPTED,
        &[
            "webpki::forbidden-dsa-leaf",
            "webpki::forbidden-p192-leaf",
            "webpki::forbidden-weak-rsa-in-leaf",
        ],
    ),
];

fn main() -> ExitCode {
    let Some(path) = env::args().nth(1) else {
        eprintln!("usage: limbo FILE");
        return ExitCode::from(2);
    };
    let suite = fs::read(&path).map_err(|problem| problem.to_string());
    let suite = suite.and_then(|it| serde_json::from_slice(&it).map_err(|it| it.to_string()));
    match suite.and_then(|suite: Value| run(&suite)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{path}: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Runs all cases for servers. Returns the number of results without a reason.
fn run(suite: &Value) -> Result<usize, String> {
    let cases = suite["testcases"].as_array().ok_or("it has no test cases")?;
    let (mut verified, mut explained, mut unexplained) = (0, 0, 0);
    // Every URL has a host.
    let is_of_url = |case: &&Value| {
        case["validation_kind"] == "SERVER" && !case["expected_peer_name"].is_null()
    };
    for case in cases.iter().filter(is_of_url) {
        let name = case["id"].as_str().ok_or("a case has no name")?;
        let problem = verify(case).map_err(|problem| format!("{name}: {problem}"))?.err();
        let is_accepted = problem.is_none();
        verified += 1;
        if is_accepted == (case["expected_result"] == "SUCCESS") {
            continue;
        }
        let reason = DIFFERENT
            .iter()
            .find(|(_, accepted, names)| *accepted == is_accepted && names.contains(&name));
        match reason {
            Some(_) => explained += 1,
            None => unexplained += 1,
        }
        let text = problem.map_or("accepted".into(), |problem| text::describe(&problem));
        let word = if is_accepted { "wrong accept" } else { "wrong refusal" };
        println!("{word}: {name}: {text} ({})", reason.map_or("unexplained", |it| it.0));
    }
    println!("{verified} cases, {explained} explained differences, {unexplained} unexplained ones");
    Ok(unexplained)
}

/// Verifies one case. The outer error says what is wrong with the case itself.
fn verify(case: &Value) -> Result<Result<(), Error>, String> {
    let trusted = certificates(&case["trusted_certs"])?;
    let mut chain = certificates(&case["peer_certificate"])?;
    chain.extend(certificates(&case["untrusted_intermediates"])?);
    let (certificate, intermediates) = chain.split_first().ok_or("it has no certificate")?;
    let host = case["expected_peer_name"]["value"].as_str().ok_or("it has no host")?;
    // The option `url` refuses such a host.
    let Ok(host) = ServerName::try_from(host) else {
        return Ok(Err(Error::UnsupportedNameType));
    };
    let verifier = Verifier::new(&Roots::Own(trusted.into()));
    let time = time(&case["validation_time"])?;
    let verified = verifier.verify_server_cert(certificate, intermediates, &host, &[], time);
    Ok(verified.map(|_| ()))
}

/// Certificates in PEM: a text, or an array of texts.
fn certificates(value: &Value) -> Result<Vec<CertificateDer<'static>>, String> {
    let texts = value.as_array().map_or(std::slice::from_ref(value), |all| all);
    let texts = texts.iter().filter_map(Value::as_str);
    texts
        .map(|text| CertificateDer::from_pem_slice(text.as_bytes()).map_err(|it| it.to_string()))
        .collect()
}

/// The time of the case, or now.
fn time(value: &Value) -> Result<UnixTime, String> {
    let Some(text) = value.as_str() else { return Ok(UnixTime::now()) };
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|problem| problem.to_string())?;
    let secs = u64::try_from(time.unix_timestamp()).map_err(|_| "its time is before 1970")?;
    Ok(UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs)))
}
