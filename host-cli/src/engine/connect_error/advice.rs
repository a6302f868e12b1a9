//! What to try where there is no way to an engine.

use super::{ConnectError, NamedBy, TlsError};
use std::path::PathBuf;

/// Where certificates are looked for.
const CERTIFICATES: &str = "DOCKER_CERT_PATH names the folder of ca.pem, cert.pem and key.pem (default: docker's \
                            configuration folder); a docker context has its own";

impl ConnectError {
    /// What to try.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::Nobody { by, elsewhere, .. } => format!("{}{}", started(by), chosen(elsewhere)),
            Self::Closed { elsewhere, .. } => {
                format!("run as root, or join the group `docker`{}", chosen(elsewhere))
            }
            Self::Address { .. } => "unix:///PATH and tcp://HOST:PORT are addresses".to_owned(),
            Self::Ssh { there, socket, .. } => format!(
                "`ssh -fnNT -L /tmp/engine.sock:{socket} {there}`, then `export DOCKER_HOST=unix:///tmp/engine.sock`"
            ),
            Self::NotHttp { .. } => {
                format!("check the address; if it uses TLS: {}", TlsError::Wanted.advice())
            }
            Self::Version { .. } => "such as 1.44; without it the newest is used that both sides know".to_owned(),
            Self::TooNew { oldest, .. } => {
                format!("use a newer stager, or try DOCKER_API_VERSION={oldest}")
            }
            Self::Malformed { .. } => {
                "`docker context ls` says what docker makes of it; DOCKER_HOST needs no file".to_owned()
            }
            Self::NoContext { .. } => {
                "`docker context ls` lists them; DOCKER_CONTEXT=default is the engine of this machine".to_owned()
            }
            Self::Configuration { .. } => "DOCKER_HOST needs no file; DOCKER_CONFIG names another folder".to_owned(),
            Self::ContextWithoutEngine { .. } => {
                "`docker context ls` lists the contexts; DOCKER_CONTEXT or DOCKER_HOST chooses another engine"
                    .to_owned()
            }
            Self::BadBlocks { .. } => {
                "mend the block or take it out; `openssl x509 -in FILE -text` shows a certificate".to_owned()
            }
            Self::EncryptedKey { .. } => {
                "take the passphrase off: `openssl pkey -in key.pem -out key.pem`; docker reads no such key either"
                    .to_owned()
            }
            Self::Half { .. } | Self::Mismatch { .. } => "get both together from the engine's administrator".to_owned(),
            Self::Unreadable { .. } | Self::NoCertificate { .. } | Self::NoKey { .. } | Self::Unusable { .. } => {
                CERTIFICATES.to_owned()
            }
            Self::NoAuthorities => {
                "install the package ca-certificates, or put the engine's CA into ca.pem beside cert.pem".to_owned()
            }
            Self::Tunnel { .. } => "host-cli needs Linux and free file descriptors (`ulimit -n`)".to_owned(),
            Self::Tls { wrong, .. } => wrong.advice(),
        }
    }
}

fn started(by: &NamedBy) -> String {
    match by {
        NamedBy::Nobody => {
            "start it (`systemctl start docker`); DOCKER_HOST or a docker context chooses an engine elsewhere"
                .to_owned()
        }
        NamedBy::Host { instead_of } => {
            let instead = match instead_of {
                Some(context) => format!("the docker context {context:?}"),
                None => "this machine's engine".to_owned(),
            };
            format!("check the address in DOCKER_HOST, or `unset DOCKER_HOST` to use {instead}")
        }
        NamedBy::Context { name, chosen_by } => {
            format!("start it; {chosen_by} chooses it, `docker context inspect {name}` shows it")
        }
    }
}

/// Other sockets that are there: never taken unasked, since images and networks would be another engine's.
fn chosen(elsewhere: &[PathBuf]) -> String {
    let one = |path: &PathBuf| format!("; `export DOCKER_HOST=unix://{}` chooses the one there", path.display());
    elsewhere.iter().map(one).collect()
}

impl TlsError {
    fn advice(&self) -> String {
        match self {
            Self::UnknownAuthority { .. } => format!("put its CA into ca.pem; {CERTIFICATES}"),
            Self::OtherHost { .. } => "name the engine as its certificate does".to_owned(),
            Self::Expired | Self::NotYetValid => "renew it, or set this machine's clock".to_owned(),
            Self::AuthorityAsServer => {
                "put that very certificate into ca.pem, or give the engine one of its own, made by that authority".to_owned()
            }
            Self::Plain => "unset DOCKER_TLS_VERIFY and DOCKER_TLS if it is meant to speak plain HTTP, or try its other port: 2376 is usual with TLS".to_owned(),
            Self::Wanted => format!("DOCKER_TLS_VERIFY=1 makes host-cli speak TLS; {CERTIFICATES}"),
            Self::TooOld => "host-cli speaks TLS 1.2 and 1.3".to_owned(),
            Self::NothingToShow | Self::Refused { .. } | Self::HungUp { .. } => CERTIFICATES.to_owned(),
            Self::Other { .. } => String::new(),
        }
    }
}
