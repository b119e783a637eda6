//! The trust anchors.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::text::describe;
use crate::file;
use crate::text::printable;

/// The maximum size of the file, in bytes. Debian's bundle of all CAs has a tenth of that.
const MAX_BYTES: u64 = 4 << 20;

/// The first bytes of a certificate in DER. No text begins like this.
const DER: &[u8] = b"\x30\x82";

/// The option `ca_file`: the certificates to trust.
#[derive(Clone, Debug, PartialEq)]
pub enum Roots {
    /// Mozilla's certificate authorities, which are compiled in.
    Mozilla,
    /// Only these certificates, and the certificates that they issued.
    Own(Arc<[CertificateDer<'static>]>),
}

impl Roots {
    /// Reads a file with certificates in PEM, or with a single certificate in DER.
    ///
    /// # Errors
    /// A text that says what is wrong with the file or with one of its certificates.
    pub fn from_file(path: &str) -> Result<Self, String> {
        let name = printable(path);
        let bytes = file::read(Path::new(path), MAX_BYTES)?;
        let certificates = if bytes.starts_with(DER) {
            vec![CertificateDer::from(bytes)]
        } else {
            parse(&bytes).map_err(|problem| format!("{problem}: {name}"))?
        };
        for (index, certificate) in certificates.iter().enumerate() {
            let mut store = RootCertStore::empty();
            store.add(certificate.clone()).map_err(|problem| {
                let (number, problem) = (index + 1, describe(&problem));
                format!(
                    "contains a certificate (number {number}) that cannot be used: {name}: {problem}"
                )
            })?;
        }
        Ok(Self::Own(certificates.into()))
    }
}

/// Parses certificates in PEM.
fn parse(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("is in UTF-16; save it as plain text".into());
    }
    // PEM is ASCII, but the file may contain comments in any encoding.
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let labels =
        || text.lines().filter_map(|line| line.strip_prefix("-----BEGIN ")?.split("-----").next());
    if labels().any(|label| label.ends_with("PRIVATE KEY")) {
        return Err("contains a private key; leave nothing but certificates in it".into());
    }
    if labels().any(|label| label == "TRUSTED CERTIFICATE") {
        return Err(
            "contains a certificate in OpenSSL's own format (TRUSTED CERTIFICATE); convert it: \
                    openssl x509 -in OLD -out NEW"
                .into(),
        );
    }
    let text = text.replace(" X509 CERTIFICATE-----", " CERTIFICATE-----");
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match (certificates, labels().next()) {
        (Err(_), _) => Err("contains broken PEM".into()),
        (Ok(certificates), Some(label)) if certificates.is_empty() => {
            Err(format!("contains no certificate, only \"{}\"", printable(label)))
        }
        (Ok(certificates), None) if certificates.is_empty() => {
            Err("contains no certificate in PEM or DER".into())
        }
        (Ok(certificates), _) => Ok(certificates),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file with this content. It is removed when the first value is dropped.
    fn file(content: &[u8]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca");
        fs::write(&path, content).unwrap();
        (folder, path.to_str().unwrap().into())
    }

    fn certificate() -> rcgen::CertifiedKey {
        rcgen::generate_simple_self_signed(["ca".into()]).unwrap()
    }

    #[test]
    fn a_ca_file_is_pem_with_any_text_around_it_or_der() {
        let (one, two) = (certificate().cert, certificate().cert);
        let both = format!("# Köln\n{}text\n{}\n", one.pem(), two.pem());
        let latin = [b"# K\xf6ln\r\n", one.pem().replace('\n', "\r\n").as_bytes()].concat();
        for (content, expected) in [
            (one.pem().into_bytes(), vec![&one]),
            (both.clone().into_bytes(), vec![&one, &two]),
            (format!("\u{feff}{both}").into_bytes(), vec![&one, &two]),
            (format!("\u{feff}{}", one.pem()).into_bytes(), vec![&one]),
            (both.replace(" CERT", " X509 CERT").into_bytes(), vec![&one, &two]),
            (latin, vec![&one]),
            (one.der().to_vec(), vec![&one]),
        ] {
            let (_folder, path) = file(&content);
            let Roots::Own(found) = Roots::from_file(&path).unwrap() else { panic!("not its own") };
            let expected: Vec<_> = expected.into_iter().map(|it| it.der().clone()).collect();
            assert_eq!(*found, expected[..], "{}", String::from_utf8_lossy(&content));
        }
    }

    #[test]
    fn a_file_without_usable_certificates_is_refused_with_the_reason() {
        let certificate = certificate();
        let (pem, key) = (certificate.cert.pem(), certificate.key_pair.serialize_pem());
        let relabelled = |label: &str| pem.replace("CERTIFICATE", label);
        let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let utf_16: Vec<u8> =
            "\u{feff}-----BEGIN".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let trailing = [&**certificate.cert.der(), b"\0"].concat();
        let broken = "the certificate is malformed; have it issued again";
        for (content, expected) in [
            (vec![], "is empty: "),
            (b"certificate, please".to_vec(), "contains no certificate in PEM or DER: "),
            (b"\xff\x00\xfe".to_vec(), "contains no certificate in PEM or DER: "),
            (utf_16, "is in UTF-16; save it as plain text: "),
            (pem[..pem.len() / 2].into(), "contains broken PEM: "),
            (pem.replace("\nM", "\n!").into_bytes(), "contains broken PEM: "),
            (
                format!("{pem}{not_der}").into_bytes(),
                "contains a certificate (number 2) that cannot be used: ",
            ),
            (format!("{pem}{not_der}").into_bytes(), broken),
            (trailing, broken),
            (b"\x30\x82\x00\x00".to_vec(), broken),
            (
                key.clone().into_bytes(),
                "contains a private key; leave nothing but certificates in it: ",
            ),
            (format!("{pem}{key}").into_bytes(), "contains a private key; "),
            (key.replace(" PRI", " ENCRYPTED PRI").into_bytes(), "contains a private key; "),
            (relabelled("TRUSTED CERTIFICATE").into_bytes(), "openssl x509 -in OLD -out NEW: "),
            (relabelled("X509 CRL").into_bytes(), "contains no certificate, only \"X509 CRL\": "),
            (relabelled("PKCS7").into_bytes(), "contains no certificate, only \"PKCS7\": "),
            (relabelled("\u{1b}[31m").into_bytes(), "contains no certificate, only \" [31m\": "),
        ] {
            let (_folder, path) = file(&content);
            let problem = Roots::from_file(&path).unwrap_err();
            assert!(problem.contains(expected), "{expected}: {problem}");
            assert!(key.lines().all(|line| !problem.contains(line)), "{problem}");
        }
    }

    #[test]
    fn only_a_regular_file_of_a_sensible_size_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
        fs::File::create(path("large")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(pipe.success());
        for (path, expected) in [
            ("/nonexistent/ca.pem", "cannot be read: /nonexistent/ca.pem: No such file"),
            ("/dev/zero", "is not a regular file: /dev/zero"),
            ("/dev/tty", "is not a regular file: /dev/tty"),
            // Reading this one would block until the kernel logs a line.
            ("/proc/kmsg", "is empty: /proc/kmsg"),
            (&path("pipe"), "is not a regular file: "),
            (&path("large"), "is larger than 4 MiB: "),
            (&path(""), "is a directory, not a file: "),
        ] {
            let problem = Roots::from_file(path).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}
