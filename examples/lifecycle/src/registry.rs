//! As much of a registry's client as the lifecycles need: an image's manifest for this machine, and its blobs.

mod reference;

pub(crate) use reference::Reference;

use crate::curl::{self, Answer, Get};
use crate::go_text::go_text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// A larger manifest, config or token is none: registries refuse manifests over 4 MiB.
const DOCUMENT_LIMIT: u64 = 4 * 1024 * 1024;

const MANIFESTS: &str = "Accept: application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json";

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// Nobody in particular.
    Anonymous,
    /// A name and a password.
    Password(String, String),
    /// A token that the registry itself gave.
    Token(String),
}

/// How the registry is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// TLS, with a certificate that the stack trusts.
    Tls,
    /// TLS with any certificate, or none of it where the registry speaks no TLS.
    Insecure,
    /// No TLS.
    Plain,
}

/// One image's repository at its registry.
pub(crate) struct Repository<'a> {
    reference: &'a Reference,
    login: &'a Login,
    transport: Transport,
    /// Scheme and `Authorization` of the request that was answered.
    agreed: Option<(&'static str, Option<String>)>,
}

/// A blob that a manifest names.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    /// `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
    /// For which machine, in an index.
    platform: Option<Platform>,
}

#[derive(Clone, Debug, Deserialize)]
struct Platform {
    architecture: String,
    os: String,
}

/// An image's manifest, or a list of those of several machines.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Manifest {
    /// The config; a list has none.
    pub(crate) config: Option<Descriptor>,
    /// The layers, the lowest first.
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
    /// The manifests of a list.
    #[serde(default)]
    pub(crate) manifests: Vec<Descriptor>,
}

impl Manifest {
    /// The manifest of a list that is for this machine; the only one, where it does not say for which it is.
    pub(crate) fn for_this_machine(&self) -> Option<&Descriptor> {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let fits = |platform: &Platform| platform.os == "linux" && platform.architecture == architecture;
        let found = self.manifests.iter().find(|one| one.platform.as_ref().is_some_and(fits));
        found.or_else(|| self.manifests.first().filter(|one| self.manifests.len() == 1 && one.platform.is_none()))
    }
}

impl<'a> Repository<'a> {
    /// Of this image; nothing is asked yet.
    pub(crate) fn new(reference: &'a Reference, login: &'a Login, transport: Transport) -> Self {
        Self { reference, login, transport, agreed: None }
    }

    /// The manifest of this machine's image.
    pub(crate) fn manifest(&mut self) -> Result<Manifest, String> {
        let version = self.reference.version.clone();
        let manifest: Manifest = self.document(&format!("manifests/{version}"), &version)?;
        if manifest.config.is_some() {
            return Ok(manifest);
        }
        let digest = manifest.for_this_machine().map(|one| one.digest.clone());
        let digest = digest.ok_or("no image for this machine in the manifest list")?;
        self.document(&format!("manifests/{digest}"), &digest)
    }

    /// A small JSON document of the repository; what is named by a digest must have it.
    pub(crate) fn document<T: for<'de> Deserialize<'de>>(&mut self, path: &str, version: &str) -> Result<T, String> {
        let file = tempfile::NamedTempFile::new().map_err(|error| go_text(&error))?;
        self.fetch(path, version, file.path())?;
        read_json(file.path())
    }

    /// Writes what is at `path`, `manifests/…` or `blobs/…`, into a file; what is named by a digest must have it.
    pub(crate) fn fetch(&mut self, path: &str, version: &str, file: &Path) -> Result<(), String> {
        let answer = self.get(path, file)?;
        match answer.status {
            200 => {}
            401 | 403 => return Err(format!("unauthorized: authentication required (status {})", answer.status)),
            404 => return Err("manifest unknown: there is no such image (status 404)".to_owned()),
            status => return Err(format!("the registry answered with status {status}")),
        }
        match version.strip_prefix("sha256:") {
            Some(digest) => must_have(file, digest),
            None => Ok(()),
        }
    }

    fn get(&mut self, path: &str, file: &Path) -> Result<Answer, String> {
        let url = |scheme: &str| format!("{scheme}://{}/v2/{}/{path}", self.reference.server(), self.reference.path);
        let skip_verify = self.transport == Transport::Insecure;
        let ask = |scheme: &str, authorization: Option<&String>| {
            let headers = [MANIFESTS.to_owned()].into_iter();
            let headers = headers.chain(authorization.map(|value| format!("Authorization: {value}"))).collect();
            curl::get(&Get { url: &url(scheme), headers, skip_verify }, file)
        };
        if let Some((scheme, authorization)) = &self.agreed {
            return ask(scheme, authorization.as_ref());
        }
        let (scheme, answer) = match self.transport {
            Transport::Plain => ("http", ask("http", None)?),
            Transport::Tls => ("https", ask("https", None)?),
            Transport::Insecure => match ask("https", None) {
                Ok(answer) => ("https", answer),
                Err(_) => ("http", ask("http", None)?),
            },
        };
        if answer.status != 401 {
            self.agreed = Some((scheme, None));
            return Ok(answer);
        }
        let Some(authorization) = self.authorize(answer.header("www-authenticate").unwrap_or_default())? else {
            return Ok(answer);
        };
        let answer = ask(scheme, Some(&authorization))?;
        self.agreed = Some((scheme, Some(authorization)));
        Ok(answer)
    }

    /// What to answer a registry that asks who we are; `None` where we cannot.
    fn authorize(&self, challenge: &str) -> Result<Option<String>, String> {
        let basic = match self.login {
            Login::Token(token) => return Ok(Some(format!("Bearer {token}"))),
            Login::Password(user, password) => Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))),
            Login::Anonymous => None,
        };
        if !challenge.get(..6).is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Ok(basic);
        }
        let Some(realm) = parameter(challenge, "realm") else { return Ok(basic) };
        let service = parameter(challenge, "service").map(|service| format!("service={service}&"));
        let scope = format!("scope=repository:{}:pull", self.reference.path);
        let url = format!("{realm}?{}{scope}", service.unwrap_or_default());
        let file = tempfile::NamedTempFile::new().map_err(|error| go_text(&error))?;
        let headers = basic.iter().map(|value| format!("Authorization: {value}")).collect();
        let skip_verify = self.transport == Transport::Insecure;
        let answer = curl::get(&Get { url: &url, headers, skip_verify }, file.path())?;
        if answer.status != 200 {
            return Err(format!("unauthorized: authentication required (status {})", answer.status));
        }
        let token: GivenToken = read_json(file.path())?;
        Ok(token.token.or(token.access_token).map(|token| format!("Bearer {token}")))
    }
}

#[derive(Deserialize)]
struct GivenToken {
    token: Option<String>,
    access_token: Option<String>,
}

/// `name="value"` of a challenge.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

/// A small JSON file.
pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T, String> {
    let size = file.metadata().map_err(|error| go_text(&error))?.len();
    if size > DOCUMENT_LIMIT {
        return Err(format!("a document of {size} bytes is too large"));
    }
    let bytes = fs::read(file).map_err(|error| go_text(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("not the JSON it should be: {error}"))
}

/// Whether a file has this SHA-256.
pub(crate) fn must_have(file: &Path, digest: &str) -> Result<(), String> {
    let found = File::open(file).and_then(sha256).map_err(|error| go_text(&error))?;
    if found == digest { Ok(()) } else { Err(format!("sha256:{digest} is named and sha256:{found} came")) }
}

/// The SHA-256 of what is read, in hexadecimal digits.
pub(crate) fn sha256(mut reader: impl Read) -> io::Result<String> {
    const CHUNK: usize = 64 * 1024;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match reader.read(&mut chunk)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&chunk[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gives_the_manifest_of_this_machine() {
        let list = |text: &str| {
            serde_json::from_str::<Manifest>(text).unwrap().for_this_machine().map(|one| one.digest.clone())
        };
        let both = r#"{"manifests":[{"digest":"b","platform":{"os":"windows","architecture":"amd64"}},
            {"digest":"a","platform":{"os":"linux","architecture":"amd64"}},
            {"digest":"c","platform":{"os":"linux","architecture":"arm64"}}]}"#;
        assert_eq!(list(both).unwrap(), if cfg!(target_arch = "aarch64") { "c" } else { "a" });
        assert_eq!(list(r#"{"manifests":[{"digest":"only"}]}"#).unwrap(), "only");
        assert_eq!(list(r#"{"manifests":[]}"#), None);
    }

    #[test]
    fn a_challenge_is_read_by_name() {
        let challenge = r#"Bearer realm="https://a/token",service="registry",scope="x""#;
        assert_eq!(parameter(challenge, "realm"), Some("https://a/token"));
        assert_eq!(parameter(challenge, "service"), Some("registry"));
        assert_eq!(parameter("Basic", "realm"), None);
    }
}
