//! For tests: an engine that speaks TLS. A server with certificates of its own, in front of the real engine's socket or of
//! nothing at all.

use super::endpoint::{self, Address, Environment};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn names_of_the_engine() -> Vec<String> {
    vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(names_of_the_engine()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes `ca.pem`, and `cert.pem` and `key.pem` of a client of that authority; gives their paths.
pub(super) fn certificates_of_a_client(folder: &Path) -> (String, String, String) {
    write_certificates(folder, &authority("authority"), &authority("authority"))
}

fn write_certificates(folder: &Path, server: &Authority, client: &Authority) -> (String, String, String) {
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["client".to_owned()]).unwrap().signed_by(&key, client).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    (write("ca.pem", server.pem()), write("cert.pem", own.pem()), write("key.pem", key.serialize_pem()))
}

/// The socket of the engine that the tests are about.
pub(super) fn socket_of_the_engine() -> PathBuf {
    match endpoint::choose(&Environment::from_process()).unwrap().address {
        Address::Unix(path) => path,
        Address::Tcp(authority) => panic!("these tests need an engine on a socket, not at {authority}"),
    }
}

/// What is behind the TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// The engine that the tests are about.
    Engine,
    /// Nothing: the connection is closed when TLS stands.
    Nothing,
    /// The engine for the first connection, and nothing for all later ones.
    EngineOnce,
    /// Not even TLS: the connection is accepted and that is all.
    Silence,
}

/// How an engine with TLS is to be.
pub(super) struct Recipe {
    /// Its certificate.
    pub(super) certificate: CertificateParams,
    /// Whether it shows its authority's certificate instead.
    pub(super) shows_authority: bool,
    /// Whether the client's certificate is of another authority than the one that the engine knows.
    pub(super) foreign_client: bool,
    /// The versions of TLS that it speaks.
    pub(super) versions: &'static [&'static SupportedProtocolVersion],
    /// What is behind it.
    pub(super) behind: Behind,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            certificate: CertificateParams::new(names_of_the_engine()).unwrap(),
            shows_authority: false,
            foreign_client: false,
            versions: rustls::ALL_VERSIONS,
            behind: Behind::Engine,
        }
    }
}

/// An engine that speaks TLS with those alone who show a certificate that it knows.
pub(super) struct TlsEngine {
    /// `host:port`.
    pub(super) authority: String,
    /// `ca.pem`, `cert.pem` and `key.pem` for its clients.
    pub(super) certificates: TempDir,
    _runtime: Runtime,
}

impl TlsEngine {
    pub(super) fn new(recipe: &Recipe) -> Self {
        let (server, client) = (authority("engines"), authority("clients"));
        let certificates = tempfile::tempdir().unwrap();
        let of_client = if recipe.foreign_client { &authority("strangers") } else { &client };
        write_certificates(certificates.path(), &server, of_client);
        let config = server_config(recipe, &server, &client);
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        runtime.spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), recipe.behind));
        Self { authority, certificates, _runtime: runtime }
    }

    /// An environment that chooses it, with all certificates.
    pub(super) fn environment(&self) -> Environment {
        Environment {
            host: format!("tcp://{}", self.authority),
            tls_verify: true,
            certificates: Some(self.certificates.path().to_owned()),
            ..Environment::default()
        }
    }
}

fn server_config(recipe: &Recipe, server: &Authority, client: &Authority) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(client.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = KeyPair::generate().unwrap();
    let own = recipe.certificate.clone().signed_by(&key, server).unwrap();
    let (shown, key) = if recipe.shows_authority {
        (server.der().clone(), server.key().serialize_der())
    } else {
        (own.der().clone(), key.serialize_der())
    };
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(recipe.versions).unwrap();
    let key = PrivateKeyDer::try_from(key).unwrap();
    builder.with_client_cert_verifier(verifier).with_single_cert(vec![shown], key).unwrap()
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, behind: Behind) {
    for count in 0.. {
        let (client, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        let is_there = behind == Behind::Engine || (behind == Behind::EngineOnce && count == 0);
        tokio::spawn(async move {
            if behind == Behind::Silence {
                pending::<()>().await;
            }
            let Ok(mut client) = acceptor.accept(client).await else { return };
            if is_there {
                let mut engine = UnixStream::connect(socket_of_the_engine()).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
            }
        });
    }
}
