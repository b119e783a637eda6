//! The certificates to trust.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::value::Value;
use crate::text::printable;

/// The largest file, in bytes; Debian's whole bundle has a tenth of it.
const MAX_BYTES: u64 = 4 << 20;

/// Who may issue the server's certificate.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those whom Mozilla trusts, compiled in.
    Mozilla,
    /// These alone.
    Own(RootCertStore),
}

impl Roots {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// What is wrong with it, or with one of the certificates in it.
    pub fn from_file(value: &Value) -> Result<Self, String> {
        let path = value.text("the path of a PEM file")?;
        let name = printable(path);
        let cannot_be_read = |problem| format!("cannot be read: {name}: {problem}");
        // Asked before it is opened, since opening a pipe may take forever.
        let metadata = std::fs::metadata(Path::new(path)).map_err(cannot_be_read)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Err(format!("is not a file of at most 4 MiB: {name}"));
        }
        let pem = std::fs::read(path).map_err(cannot_be_read)?;
        let mut store = RootCertStore::empty();
        for (index, certificate) in CertificateDer::pem_slice_iter(&pem).enumerate() {
            let certificate = certificate.map_err(|_| format!("holds broken PEM: {name}"))?;
            store.add(certificate).map_err(|problem| {
                let number = index + 1;
                format!(
                    "holds a certificate (number {number}) that cannot be used: {name}: {problem}"
                )
            })?;
        }
        if store.is_empty() {
            return Err(format!("holds no PEM certificate: {name}"));
        }
        Ok(Self::Own(store))
    }

    /// The certificates as TLS needs them.
    pub fn store(&self) -> RootCertStore {
        match self {
            Roots::Mozilla => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
            Roots::Own(store) => store.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn a_ca_file_holds_certificates_that_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            string(path.to_str().unwrap())
        };
        let certificate = rcgen::generate_simple_self_signed(["ca".into()]).unwrap().cert.pem();
        let good = file("good.pem", &format!("# a comment\n{certificate}{certificate}"));
        assert_eq!(Roots::from_file(&good).unwrap().store().len(), 2);

        let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cut = &certificate[..certificate.len() / 2];
        for (value, expected) in [
            (string("/nonexistent/ca.pem"), "cannot be read: /nonexistent/ca.pem: No such file"),
            (string("/dev/zero"), "is not a file"),
            (string(folder.path().to_str().unwrap()), "is not a file"),
            (file("empty.pem", ""), "holds no PEM certificate"),
            (file("text.pem", "certificate, please"), "holds no PEM certificate"),
            (file("cut.pem", cut), "holds broken PEM"),
            (file("der.pem", &format!("{certificate}{not_der}")), "(number 2)"),
            (Value::Boolean(true), "expected the path of a PEM file, got true"),
        ] {
            let problem = Roots::from_file(&value).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
