//! The state folder: what the manager and the containers share. The containers see it as `/hcf`.
//!
//! ```text
//! mini-hcf.json          instance, network, image, secret, buildpacks, number of pushes
//! network                the network's name alone, for scripts
//! ca.pem                 whom clients must trust
//! certs/                 the servers' certificate and key
//! static/                what the file server shows below /v1/static/
//! blobstore/             what the blobstore shows below /read/
//! bbs/                   what cfdot prints: a file an app below tasks/ and desired-lrps/, and all events
//! client.pem, .key       with which clients show themselves where that is asked for
//! apps/<guid>.json       the apps that Cloud Controller knows
//! log/diego-cc-bridge/   the components' logs
//! tmp/                   uploads on their way
//! faults.json            see README.md; absent means none
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::request::lifecycle::Kind;

/// Where the containers find the state folder.
pub(crate) const IN_CONTAINER: &str = "/hcf";
const SETTINGS: &str = "mini-hcf.json";

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct State {
    root: PathBuf,
}

/// What `up` decided and `push` counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Names this mini-HCF among others on the same engine.
    pub(crate) instance: String,
    /// The network that it made.
    pub(crate) network: String,
    /// The image that its containers run.
    pub(crate) image: String,
    /// Whether the network knows the services by their full names.
    #[serde(default)]
    pub(crate) hidden_names: bool,
    /// Whether TLS ports ask for a client certificate.
    #[serde(default)]
    pub(crate) mutual_tls: bool,
    /// The blobstore's signing secret.
    pub(crate) secret: String,
    /// How many pushes and replays there were.
    pub(crate) pushes: u32,
    /// The installation's buildpacks, in the order in which they are tried.
    pub(crate) buildpacks: Vec<InstalledBuildpack>,
}

/// A buildpack in the blobstore.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InstalledBuildpack {
    /// As `push --buildpack` names it.
    pub(crate) name: String,
    /// `<guid>_<sha1>`.
    pub(crate) key: String,
    /// In hexadecimal digits.
    pub(crate) sha256: String,
    /// Of apps staged how; an older state knew one way only.
    #[serde(default = "first_kind")]
    pub(crate) lifecycle: Kind,
}

fn first_kind() -> Kind {
    Kind::Buildpack
}

/// An app as Cloud Controller remembers it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KnownApp {
    /// Its name.
    pub(crate) name: String,
    /// Its guid.
    pub(crate) guid: String,
    /// Its stack; the build artifacts are kept for each.
    pub(crate) stack: String,
    /// Type and guid of each process that it ever had, but for web, whose guid is the app's.
    #[serde(default)]
    pub(crate) processes: BTreeMap<String, String>,
}

impl Settings {
    /// Those of a mini-HCF that has never been up, with a new secret.
    pub(crate) fn fresh() -> Settings {
        Settings {
            instance: "demo".to_owned(),
            network: "hcf".to_owned(),
            image: "mini-hcf:latest".to_owned(),
            hidden_names: false,
            mutual_tls: false,
            secret: uuid::Uuid::new_v4().simple().to_string(),
            pushes: 0,
            buildpacks: Vec::new(),
        }
    }
}

impl State {
    /// The folder, whether or not it exists.
    pub(crate) fn at(root: &Path) -> State {
        State { root: root.to_owned() }
    }

    /// A path below it.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.join(below)
    }

    /// The file behind a blobstore path (`/read/…`).
    pub(crate) fn blob(&self, path: &str) -> PathBuf {
        self.path("blobstore").join(path.trim_start_matches("/read/"))
    }

    /// Puts a finished file where the blobstore shows `path` (`/read/…`).
    pub(crate) fn move_to_blob(&self, file: &Path, path: &str) -> Result<(), Failure> {
        let target = self.blob(path);
        let folder = target.parent().unwrap_or(&target);
        fs::create_dir_all(folder).map_err(Failure::file("make the folder", folder))?;
        fs::rename(file, &target).map_err(Failure::file("move to", &target))
    }

    /// Makes the folder and its fixed subfolders; existing ones stay.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        for below in ["certs", "static", "blobstore", "bbs/tasks", "bbs/desired-lrps", "apps", "log", "tmp"] {
            let path = self.path(below);
            fs::create_dir_all(&path).map_err(Failure::file("make the folder", &path))?;
        }
        Ok(())
    }

    /// The folder's full path, which Docker wants for a mount.
    pub(crate) fn absolute(&self) -> Result<PathBuf, Failure> {
        fs::canonicalize(&self.root).map_err(Failure::file("find", &self.root))
    }

    /// The settings, or `None` where no `up` has been.
    pub(crate) fn settings(&self) -> Result<Option<Settings>, Failure> {
        read_json(&self.path(SETTINGS))
    }

    /// The settings, or an error that says what to do first.
    pub(crate) fn settled(&self) -> Result<Settings, Failure> {
        self.settings()?.ok_or_else(|| {
            let root = self.root.display();
            Failure::CommandLine(format!("no mini-HCF at {root}; start one: mini-hcf up --state {root}"))
        })
    }

    /// Keeps the settings, and the network's name where a script finds it.
    pub(crate) fn keep(&self, settings: &Settings) -> Result<(), Failure> {
        write_json(&self.path(SETTINGS), settings)?;
        replace(&self.path("network"), format!("{}\n", settings.network).as_bytes())
    }

    /// The app with this guid, if Cloud Controller knows it.
    pub(crate) fn app(&self, guid: &str) -> Result<Option<KnownApp>, Failure> {
        read_json(&self.path("apps").join(format!("{guid}.json")))
    }

    /// The app with this name, if Cloud Controller knows it.
    pub(crate) fn app_named(&self, name: &str) -> Result<Option<KnownApp>, Failure> {
        let folder = self.path("apps");
        let entries = fs::read_dir(&folder).map_err(Failure::file("list", &folder))?;
        for entry in entries {
            let path = entry.map_err(Failure::file("list", &folder))?.path();
            let app: Option<KnownApp> = read_json(&path)?;
            if let Some(app) = app.filter(|app| app.name == name) {
                return Ok(Some(app));
            }
        }
        Ok(None)
    }

    /// Makes Cloud Controller know the app.
    pub(crate) fn remember(&self, app: &KnownApp) -> Result<(), Failure> {
        write_json(&self.path("apps").join(format!("{}.json", app.guid)), app)
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    match fs::read(path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|cause| Failure::State { path: path.to_owned(), cause })
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Failure::file("read", path)(cause)),
    }
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), Failure> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|cause| Failure::State { path: path.to_owned(), cause })?;
    replace(path, &bytes)
}

/// Whole or not at all: the containers may read at the same time.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).map_err(Failure::file("write", &beside))?;
    fs::rename(&beside, path).map_err(Failure::file("replace", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_found_again_by_name_and_by_guid() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path());
        state.create().unwrap();
        assert!(state.app_named("a").unwrap().is_none());
        let app = KnownApp { name: "a".into(), guid: "g-1".into(), stack: "s".into(), processes: BTreeMap::new() };
        state.remember(&app).unwrap();
        assert_eq!(state.app_named("a").unwrap().unwrap().guid, "g-1");
        assert_eq!(state.app("g-1").unwrap().unwrap().name, "a");
        assert!(state.app_named("b").unwrap().is_none());
    }

    #[test]
    fn without_up_the_error_says_to_start_one() {
        let folder = tempfile::tempdir().unwrap();
        let failure = State::at(folder.path()).settled().unwrap_err();
        assert!(failure.to_string().contains("mini-hcf up --state"), "{failure}");
        assert_eq!(failure.exit_code(), 2);
    }
}
