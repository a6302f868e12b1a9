//! A certificate authority of our own, one server certificate that names every service, and one for clients.
//! The authority's key is forgotten at once: nothing else will ever be signed with it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::failure::Failure;
use crate::services::Service;
use crate::state::{State, replace};

/// Certificates as PEM.
pub(crate) struct Certificates {
    /// The authority's.
    pub(crate) authority: String,
    /// The servers'.
    pub(crate) server: String,
    /// The servers' key.
    pub(crate) key: String,
    /// The clients'.
    pub(crate) client: String,
    /// The clients' key.
    pub(crate) client_key: String,
}

/// Makes them and puts them into the state folder, unless they are there.
pub(crate) fn provide(state: &State) -> Result<(), Failure> {
    let keys = ["certs/server.key", "client.key"].map(|key| state.path(key));
    if keys.iter().all(|key| key.exists()) && state.path("ca.pem").exists() {
        return Ok(());
    }
    let made = make().map_err(Failure::Certificate)?;
    replace(&state.path("ca.pem"), made.authority.as_bytes())?;
    replace(&state.path("certs/server.pem"), made.server.as_bytes())?;
    replace(&state.path("client.pem"), made.client.as_bytes())?;
    for (key, made) in keys.iter().zip([made.key, made.client_key]) {
        replace(key, made.as_bytes())?;
        fs::set_permissions(key, Permissions::from_mode(0o600)).map_err(Failure::file("protect", key))?;
    }
    Ok(())
}

/// Makes them; rcgen's own term of validity (1975 to 4096) suits a demo.
pub(crate) fn make() -> Result<Certificates, rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "mini-HCF certificate authority");
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let names = Service::ALL.iter().flat_map(|service| service.names());
    let names: Vec<String> = names.map(|name| (*name).to_owned()).collect();
    let (server, key) = signed(&issuer, names, "mini-HCF", ExtendedKeyUsagePurpose::ServerAuth)?;
    let (client, client_key) = signed(&issuer, Vec::new(), "mini-HCF client", ExtendedKeyUsagePurpose::ClientAuth)?;
    Ok(Certificates { authority: authority_certificate.pem(), server, key, client, client_key })
}

/// A certificate and its key.
fn signed(
    issuer: &Issuer<'_, KeyPair>,
    names: Vec<String>,
    subject: &str,
    usage: ExtendedKeyUsagePurpose,
) -> Result<(String, String), rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, subject);
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    Ok((parameters.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
}
