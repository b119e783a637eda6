//! A throwaway certificate authority.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd,
};

/// A certificate and its private key, both in PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// A certificate authority that only the tests trust.
pub struct Ca {
    certificate: Certificate,
    key: KeyPair,
}

impl Ca {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "httpbasic throwaway CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    /// The CA's own certificate, for `ca_file`.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for these host names and addresses.
    pub fn issue(&self, hosts: &[&str]) -> Identity {
        self.sign(params(hosts))
    }

    /// A certificate that expired long ago.
    pub fn issue_expired(&self, hosts: &[&str]) -> Identity {
        let mut params = params(hosts);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 12, 31);
        self.sign(params)
    }

    /// A certificate that is valid from `age` ago, and expires after `left`.
    pub fn issue_for(&self, hosts: &[&str], age: Duration, left: Duration) -> Identity {
        let mut params = params(hosts);
        let now = SystemTime::now();
        (params.not_before, params.not_after) = ((now - age).into(), (now + left).into());
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.certificate, &self.key).unwrap();
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A self-signed certificate.
pub fn self_signed(hosts: &[&str]) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params(hosts).self_signed(&key).unwrap();
    Identity { certificate: certificate.pem(), key: key.serialize_pem() }
}

fn params(hosts: &[&str]) -> CertificateParams {
    CertificateParams::new(hosts.iter().map(|host| host.to_string()).collect::<Vec<_>>()).unwrap()
}
