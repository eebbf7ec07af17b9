//! TLS as an operator asks for it: whom we trust, who we are, and which name the other side must have.
//!
//! A certificate is checked in full: it must come from a CA that we know, be in its time, and be for the name or address that we connect to
//! (or `--sni`). Many clusters run with certificates that name no host, since redis-cli never looks at that: `--tls-any-name` checks all
//! but the name, `--insecure` checks nothing. Neither is ever chosen for the user.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::cli::Failure;

/// What was asked for; the default trusts the system's CAs and shows no certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// CAs in a PEM file, in the files of a folder, or else those of the system.
    pub ca_file: Option<PathBuf>,
    pub ca_folder: Option<PathBuf>,
    /// Our own certificate, its chain behind it, and its key.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// The name that is asked for and must be in the certificate, in place of the host.
    pub server_name: Option<String>,
    pub any_name: bool,
    pub insecure: bool,
}

/// Settings made ready: files are read once. Clones share them.
#[derive(Clone)]
pub struct Tls {
    pub(super) config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

/// Made from the same settings at the same time.
impl PartialEq for Tls {
    fn eq(&self, other: &Tls) -> bool {
        Arc::ptr_eq(&self.config, &other.config) && self.server_name == other.server_name
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls for {:?}", self.server_name)
    }
}

impl Tls {
    pub fn new(settings: &TlsSettings) -> Result<Tls, Failure> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::usage(format!("TLS: {error}")))?;
        let verifier = verifier(settings, &provider)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let config = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => {
                builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?).map_err(
                    |error| bad_file(certificate, &format!("with its key it cannot be used: {error}")),
                )?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => {
                return Err(Failure::usage("a client certificate needs its key, and a key its certificate")
                    .next("give both, --cert and --key"));
            }
        };
        let server_name = settings.server_name.clone().map(|name| {
            ServerName::try_from(name.clone())
                .map_err(|_| Failure::usage(format!("--sni '{name}' is no name of a server")))
        });
        Ok(Tls { config: Arc::new(config), server_name: server_name.transpose()? })
    }

    /// The name that the node at `host` must have.
    pub(super) fn name_at(&self, host: &str) -> io::Result<ServerName<'static>> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(host.to_owned()).map_err(|_| {
                io::Error::other(format!("'{host}' can be in no certificate; --sni says which name is"))
            }),
        }
    }
}

fn verifier(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    if settings.insecure {
        return Ok(Arc::new(Lenient { provider: Arc::clone(provider), chain: None }));
    }
    let roots = Arc::new(roots(settings)?);
    let strict = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
        .build()
        .map_err(|error| Failure::usage(format!("the CAs cannot be used: {error}")))?;
    match settings.any_name {
        true => Ok(Arc::new(Lenient { provider: Arc::clone(provider), chain: Some(strict) })),
        false => Ok(strict),
    }
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &settings.ca_file {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| bad_file(path, &format!("it is no CA: {error}")))?;
        }
    }
    if let Some(folder) = &settings.ca_folder {
        let entries = std::fs::read_dir(folder).map_err(|error| bad_file(folder, &error.to_string()))?;
        // As OpenSSL does, what else lies in the folder is passed over.
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            roots.add_parsable_certificates(certificates(&path).unwrap_or_default());
        }
        if roots.is_empty() {
            return Err(bad_file(folder, "no file in it is a certificate in PEM"));
        }
    }
    if settings.ca_file.is_none() && settings.ca_folder.is_none() {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(Failure::usage("this system has no certificates of CAs")
                .next("name the cluster's CA with --cacert"));
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| bad_file(path, &error.to_string()))?;
    match certificates.is_empty() {
        true => Err(bad_file(path, "there is no certificate in it")),
        false => Ok(certificates),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    // What the library says of a key may hold a part of it.
    PrivateKeyDer::from_pem_file(path)
        .map_err(|_| bad_file(path, "there is no private key in it, in PEM and without a passphrase"))
}

fn bad_file(path: &Path, why: &str) -> Failure {
    Failure::usage(format!("TLS: {}: {why}", path.display()))
}

/// Takes any name, and with no `chain` to check any certificate. Signatures of the handshake are always checked.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The name is looked at last, after all that must hold.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

pub(super) const WANTS_CERTIFICATE: &str =
    "it wants to see a client certificate, or another one (--cert and --key)";

/// What is wrong between us and a node, with the option that helps; `None` when it has nothing to do with TLS.
pub fn explain(error: &io::Error) -> Option<String> {
    use CertificateError::{
        BadEncoding, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "its certificate is of a CA that we do not know (--cacert names one)".into()
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            format!("{error} (--sni NAME expects another name, --tls-any-name takes any)")
        }
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            format!("its certificate has run out: {error}")
        }
        rustls::Error::InvalidCertificate(BadEncoding) => "its certificate cannot be read".into(),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::HandshakeFailure
            | AlertDescription::NoCertificate,
        ) => WANTS_CERTIFICATE.into(),
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown),
        ) => format!("it does not accept our client certificate: {alert:?}"),
        rustls::Error::InvalidMessage(_) => "what answers at this port does not speak TLS".into(),
        other => format!("TLS: {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_client_certificate_and_files_that_are_none_are_refused() {
        let here = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let refused = |settings: TlsSettings| Tls::new(&settings).unwrap_err().what;
        let insecure = TlsSettings { insecure: true, ..TlsSettings::default() };
        assert!(
            refused(TlsSettings { key: Some(here.clone()), ..insecure.clone() }).contains("needs its key")
        );
        let both =
            TlsSettings { key: Some(here.clone()), certificate: Some(here.clone()), ..insecure.clone() };
        assert!(refused(both).contains("no certificate in it"));
        let missing = TlsSettings { ca_file: Some("/no/such/file".into()), ..TlsSettings::default() };
        assert!(refused(missing).contains("/no/such/file"));
        let empty =
            TlsSettings { ca_folder: here.parent().map(|root| root.join("src")), ..TlsSettings::default() };
        assert!(refused(empty).contains("no file in it"));
        assert!(refused(TlsSettings { server_name: Some("a b".into()), ..insecure }).contains("--sni"));
    }

    #[test]
    fn what_has_nothing_to_do_with_tls_is_not_explained() {
        assert_eq!(explain(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
        let wrong = io::Error::other(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert!(explain(&wrong).unwrap().contains("--cacert"));
    }
}
