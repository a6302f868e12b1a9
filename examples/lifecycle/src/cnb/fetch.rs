//! Gets the buildpacks that the command line names: a system buildpack from its folder, a custom one from a URL. Such a
//! URL may hold a password, so it is shown without userinfo and query; the real builder shows all of it.

use super::buildpack::{Buildpack, Fetched};
use super::oci_layout::{Blobs, is_layout, unpack};
use super::{CnbFailure, Settings, Staging, tree};
use crate::curl::{self, Get};
use crate::go_text::go_text;
use crate::registry::{Login, Reference, Repository, Transport};
use serde::Deserialize;
use shared_model::safe_url::SafeUrl;
use shared_model::size::bytes;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Variable with the logins of registries: host → login, or `null`.
const CREDENTIALS: &str = "CNB_REGISTRY_CREDS";

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Credentials {
    username: String,
    password: String,
    token: String,
}

/// Where a buildpack of the command line is.
enum Source {
    Folder(PathBuf),
    Web(SafeUrl),
    Image(String),
}

fn source(key: &str, settings: &Settings) -> Source {
    match key.split_once("://") {
        None => Source::Folder(settings.system_buildpack(key)),
        Some(("file", path)) => Source::Folder(path.into()),
        Some(("docker", image)) => Source::Image(image.to_owned()),
        Some(_) => Source::Web(SafeUrl::new(key.to_owned())),
    }
}

/// A buildpack of the command line as it may be printed.
pub(super) fn shown(key: &str, settings: &Settings) -> String {
    match source(key, settings) {
        Source::Folder(folder) => format!("file://{}", folder.display()),
        Source::Web(url) => url.to_string(),
        Source::Image(image) => format!("docker://{image}"),
    }
}

/// Gets all of them, below `work`.
pub(super) fn fetch_all(staging: &mut Staging, work: &Path) -> Result<Fetched, CnbFailure> {
    let mut fetched = Fetched::default();
    let settings = staging.settings;
    for (number, key) in settings.buildpacks.iter().enumerate() {
        let failed = |why: String| CnbFailure::Download { buildpack: shown(key, settings), why };
        let into = work.join(format!("buildpack-{number}"));
        let buildpacks = match source(key, settings) {
            Source::Folder(path) => from_disk(&path, &into),
            Source::Web(url) => from_web(staging, &url, &into),
            Source::Image(image) => from_registry(&image, staging.variable(CREDENTIALS), &into),
        };
        let (about, buildpacks) = buildpacks.map_err(failed)?;
        fetched.named.push(about);
        for buildpack in buildpacks {
            fetched.insert(buildpack);
        }
    }
    Ok(fetched)
}

type Got = Result<(super::buildpack::Name, Vec<Buildpack>), String>;

/// A folder, or an archive of one: an image layout, or a buildpack as its author has it.
fn from_disk(path: &Path, into: &Path) -> Got {
    if path.is_file() && !path.is_symlink() {
        let unpacked = into.join("archive");
        tree::unpack(path, &unpacked).map_err(|why| format!("reading the archive: {}", go_text(&why)))?;
        return from_disk(&unpacked, into);
    }
    if is_layout(path) {
        let package = unpack(Blobs::Layout(path), &into.join("image"))?;
        return Ok((package.about, package.buildpacks));
    }
    let buildpack = Buildpack::read(path)?;
    Ok((buildpack.name.clone(), vec![buildpack]))
}

fn from_web(staging: &mut Staging, url: &SafeUrl, into: &Path) -> Got {
    staging.say(format_args!("Downloading from {url}"));
    fs::create_dir_all(into).map_err(|why| go_text(&why))?;
    let file = into.join("download");
    let answer = curl::get(&Get { url: url.reveal(), ..Get::default() }, &file)?;
    if answer.status != 200 {
        return Err(format!("could not download, status code {}", answer.status));
    }
    let size = bytes(file.metadata().map_err(|why| go_text(&why))?.len());
    for so_far in ["0 B", &size] {
        staging.say(format_args!("{so_far}/{size}"));
    }
    from_disk(&file, into)
}

fn from_registry(image: &str, credentials: &str, into: &Path) -> Got {
    let reference = Reference::parse(image).ok_or("could not parse reference")?;
    let login = login(credentials, &reference.host)?;
    let transport = if reference.is_near() { Transport::Plain } else { Transport::Tls };
    let mut repository = Repository::new(&reference, &login, transport);
    let package = unpack(Blobs::Registry(&mut repository), into)?;
    Ok((package.about, package.buildpacks))
}

/// Who we are at this host. The variable's text is never repeated.
fn login(credentials: &str, host: &str) -> Result<Login, String> {
    let all: Option<BTreeMap<String, Credentials>> = match credentials {
        "" => None,
        text => serde_json::from_str(text).map_err(|_| format!("{CREDENTIALS} is not the JSON it should be"))?,
    };
    Ok(match all.unwrap_or_default().remove(host) {
        Some(found) if !found.token.is_empty() => Login::Token(found.token),
        Some(found) if !found.username.is_empty() => Login::Password(found.username, found.password),
        _ => Login::Anonymous,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_that_of_its_host() {
        let text = r#"{"h.example":{"username":"u","password":"p"},"t.example":{"token":"x"}}"#;
        assert!(login(text, "h.example").unwrap() == Login::Password("u".into(), "p".into()));
        assert!(login(text, "t.example").unwrap() == Login::Token("x".into()));
        for (text, host) in [(text, "other"), ("null", "h.example"), ("", "h.example")] {
            assert!(login(text, host).unwrap() == Login::Anonymous, "{text} {host}");
        }
        assert!(!login("hunter2", "h").err().unwrap().contains("hunter2"));
    }

    #[test]
    fn a_buildpack_is_shown_without_its_password() {
        let shown = |key| shown(key, &Settings::default());
        assert_eq!(shown("abc"), "file:///tmp/buildpacks/44bc2cf5ad770999");
        assert_eq!(shown("docker://h.example/a:1"), "docker://h.example/a:1");
        assert!(!shown("https://u:hunter2@h.example/a.tgz?sig=hunter2").contains("hunter2"));
    }
}
