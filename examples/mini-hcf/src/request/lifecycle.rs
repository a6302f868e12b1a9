//! The three ways in which Cloud Controller stages apps, and what differs in their requests.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::request::json::{Json, object};

/// How an app is staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// With buildpacks: supply, finalize.
    Buildpack,
    /// With Cloud Native Buildpacks.
    Cnb,
    /// Not at all: an image is the app.
    Docker,
}

/// The same with what only one of them has.
#[derive(Debug, Clone)]
pub(crate) enum Lifecycle {
    /// `buildpack`.
    Buildpack,
    /// `cnb`; logins of registries as JSON, host → login, or `null`.
    Cnb(String),
    /// `docker`.
    Docker(DockerImage),
}

/// The image of an app.
#[derive(Debug, Clone)]
pub(crate) struct DockerImage {
    /// As it was pushed.
    pub(crate) reference: String,
    /// User and password of its registry.
    pub(crate) login: Option<(String, String)>,
    /// Registries that need not speak TLS, `HOST:PORT`.
    pub(crate) insecure: Vec<String>,
    /// What its staging found out.
    pub(crate) found: ImageMetadata,
}

/// How an image is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImageMetadata {
    pub(crate) entrypoint: Vec<String>,
    pub(crate) cmd: Vec<String>,
    pub(crate) workdir: String,
    pub(crate) user: String,
    /// TCP ports, the first is the app's.
    pub(crate) ports: Vec<u16>,
}

impl Kind {
    /// As `--lifecycle` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Buildpack => "buildpack",
            Kind::Cnb => "cnb",
            Kind::Docker => "docker",
        }
    }

    /// The lifecycle's place on the file server, below `/v1/static/`.
    pub(crate) fn archive(self) -> String {
        let name = format!("{}_app_lifecycle", self.name());
        format!("{name}/{name}.tgz")
    }

    /// All of them.
    pub(crate) const ALL: [Kind; 3] = [Kind::Buildpack, Kind::Cnb, Kind::Docker];
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| format!("`{text}` is no lifecycle; there are buildpack, cnb and docker"))
    }
}

impl Lifecycle {
    /// Which of the three.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Lifecycle::Buildpack => Kind::Buildpack,
            Lifecycle::Cnb(_) => Kind::Cnb,
            Lifecycle::Docker(_) => Kind::Docker,
        }
    }

    /// The image of a docker app.
    pub(crate) fn image(&self) -> Option<&DockerImage> {
        match self {
            Lifecycle::Docker(image) => Some(image),
            Lifecycle::Buildpack | Lifecycle::Cnb(_) => None,
        }
    }

    /// What cells know the lifecycle's archive by.
    pub(crate) fn cache_key(&self, stack: &str) -> String {
        match self.kind() {
            Kind::Docker => "docker-lifecycle".to_owned(),
            kind => format!("{}-{stack}-lifecycle", kind.name()),
        }
    }

    /// Where the package is unpacked to, and where the build artifacts cache is left.
    pub(crate) fn staging_paths(&self) -> [&'static str; 2] {
        match self.kind() {
            Kind::Cnb => ["/home/vcap/workspace", "/tmp/cache-output.tgz"],
            Kind::Buildpack | Kind::Docker => ["/tmp/app", "/tmp/output-cache"],
        }
    }

    /// Whom the app's processes run as.
    pub(crate) fn user(&self) -> &str {
        match self.image() {
            Some(image) if image.found.user.is_empty() => "root",
            Some(image) => &image.found.user,
            None => "vcap",
        }
    }

    /// The ports that the app listens on, at least one.
    pub(crate) fn ports(&self) -> Vec<u16> {
        const USUAL: u16 = 8080;
        match self.image() {
            Some(image) if !image.found.ports.is_empty() => image.found.ports.clone(),
            _ => vec![USUAL],
        }
    }
}

impl DockerImage {
    /// As a root file system: `docker://HOST/PATH#TAG`. Docker Hub has no host, and a digest no name but its algorithm's.
    pub(crate) fn rootfs(&self) -> String {
        let (host, rest) = match self.reference.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
            _ => ("", self.reference.as_str()),
        };
        let (path, fragment) = match (rest.split_once("@sha256:"), rest.rsplit_once(':')) {
            (Some((path, digest)), _) => (format!("{path}@sha256"), digest),
            (None, Some((path, tag))) => (path.to_owned(), tag),
            (None, None) => (rest.to_owned(), "latest"),
        };
        let library = if host.is_empty() && !path.contains('/') { "library/" } else { "" };
        format!("docker://{host}/{library}{path}#{fragment}")
    }

    /// User and password, `""` where there are none.
    pub(crate) fn login(&self) -> [&str; 2] {
        self.login.as_ref().map_or(["", ""], |(user, password)| [user, password])
    }
}

impl ImageMetadata {
    /// `execution_metadata`: what the launcher is told. What is empty is left out.
    pub(crate) fn to_text(&self) -> String {
        let words = |words: &[String]| (!words.is_empty()).then(|| Json::texts(words));
        let text = |text: &str| (!text.is_empty()).then(|| Json::from(text));
        let port = |port: &u16| object! { "Port": u32::from(*port), "Protocol": "tcp" };
        let ports: Vec<Json> = self.ports.iter().map(port).collect();
        let metadata = object! {
            "entrypoint": words(&self.entrypoint),
            "cmd": words(&self.cmd),
            "workdir": text(&self.workdir),
            "ports": (!ports.is_empty()).then_some(ports),
            "user": text(&self.user),
        };
        metadata.to_go()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_root_file_system_as_recorded() {
        for (reference, rootfs) in [
            ("registry.example.com:5000/acme/reports:2.3", "docker://registry.example.com:5000/acme/reports#2.3"),
            ("redis", "docker:///library/redis#latest"),
            ("acme/app:1", "docker:///acme/app#1"),
            ("redis@sha256:34fb", "docker:///library/redis@sha256#34fb"),
            ("localhost/app@sha256:34fb", "docker://localhost/app@sha256#34fb"),
        ] {
            let found = ImageMetadata::default();
            let image = DockerImage { reference: reference.into(), login: None, insecure: Vec::new(), found };
            assert_eq!(image.rootfs(), rootfs);
        }
    }

    #[test]
    fn metadata_are_written_as_recorded() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let metadata = ImageMetadata {
            entrypoint: words(&["/docker-entrypoint.sh"]),
            cmd: words(&["/bin/reports", "serve"]),
            workdir: "/srv".into(),
            user: "nobody".into(),
            ports: vec![3000, 9000],
        };
        assert_eq!(
            metadata.to_text(),
            r#"{"entrypoint":["/docker-entrypoint.sh"],"cmd":["/bin/reports","serve"],"workdir":"/srv","ports":[{"Port":3000,"Protocol":"tcp"},{"Port":9000,"Protocol":"tcp"}],"user":"nobody"}"#
        );
        assert_eq!(ImageMetadata::default().to_text(), "{}");
    }
}
