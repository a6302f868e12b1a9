//! Believes a server whose certificate an authority vouches for, as the TLS library does, and one that shows the very
//! certificate that the user named. `openssl req -x509` makes certificates that call themselves authorities, and those no
//! server may show in the library's eyes; curl, Go and OpenSSL take them.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// Believes those for whom `authorities` vouch, and those who show one of `named` themselves, under a name that is in it and
/// in its time. In either case they must hold its key.
///
/// # Errors
/// There are no authorities.
pub fn verifier(
    authorities: RootCertStore,
    named: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, VerifierBuilderError> {
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider).build()?;
    Ok(Arc::new(Verifier { inner, named }))
}

#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(error) if is_authority_in_its_time(&error) && self.named.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Whether all that is wrong with a certificate is that it calls itself an authority. The library looks at its time before
/// that, which the tests hold it to; it has no name for this error, only its text.
fn is_authority_in_its_time(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if other.to_string() == "CaUsedAsEndEntity")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

    type Issuer = CertifiedIssuer<'static, KeyPair>;

    /// As `openssl req -x509 -subj /CN=NAME` makes it.
    fn own_authority(change: impl FnOnce(&mut CertificateParams)) -> Issuer {
        let mut params = CertificateParams::new(vec!["blobstore".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "blobstore");
        change(&mut params);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// What is said of a server `host` that shows `shown`, where `named` was named.
    fn verdict(named: &Issuer, shown: &CertificateDer, host: &str) -> Result<(), String> {
        let mut authorities = RootCertStore::empty();
        authorities.add(named.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(authorities, vec![named.der().clone()], provider).unwrap();
        let host = ServerName::try_from(host).unwrap();
        let verdict = verifier.verify_server_cert(shown, &[], &host, &[], UnixTime::now());
        verdict.map(|_| ()).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_server_that_shows_the_very_certificate_that_was_named_is_believed() {
        let own = own_authority(|_| ());
        assert_eq!(verdict(&own, own.der(), "blobstore"), Ok(()));
    }

    #[test]
    fn under_another_name_or_out_of_its_time_it_is_not() {
        let own = own_authority(|_| ());
        let said = verdict(&own, own.der(), "elsewhere").unwrap_err();
        assert!(said.contains("NotValidForName"), "{said}");
        let old = own_authority(|params| params.not_after = date_time_ymd(2001, 1, 1));
        let said = verdict(&old, old.der(), "blobstore").unwrap_err();
        assert!(said.contains("Expired"), "{said}");
        let early = own_authority(|params| params.not_before = date_time_ymd(3000, 1, 1));
        let said = verdict(&early, early.der(), "blobstore").unwrap_err();
        assert!(said.contains("NotValidYet"), "{said}");
    }

    #[test]
    fn another_authority_is_not_believed_even_if_the_named_one_vouches_for_it() {
        let (named, other) = (own_authority(|_| ()), own_authority(|_| ()));
        let said = verdict(&named, other.der(), "blobstore").unwrap_err();
        assert!(said.contains("CaUsedAsEndEntity"), "{said}");
        let mut below = CertificateParams::new(vec!["blobstore".to_owned()]).unwrap();
        below.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let below = below.signed_by(&KeyPair::generate().unwrap(), &named).unwrap();
        let said = verdict(&named, below.der(), "blobstore").unwrap_err();
        assert!(said.contains("CaUsedAsEndEntity"), "{said}");
    }

    #[test]
    fn a_server_that_the_named_authority_vouches_for_is_believed_as_ever() {
        let named = own_authority(|_| ());
        let server = CertificateParams::new(vec!["api".to_owned()]).unwrap();
        let server = server.signed_by(&KeyPair::generate().unwrap(), &named).unwrap();
        assert_eq!(verdict(&named, server.der(), "api"), Ok(()));
        assert!(verdict(&named, server.der(), "blobstore").is_err());
    }

    #[test]
    fn a_certificate_that_does_not_call_itself_an_authority_is_believed_too() {
        let plain = own_authority(|params| params.is_ca = IsCa::NoCa);
        assert_eq!(verdict(&plain, plain.der(), "blobstore"), Ok(()));
    }
}
