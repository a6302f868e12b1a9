//! What an app image is besides its layers: its config, as the document that names the image by its digest, and as the
//! Dockerfile for engines that take nothing else. Pure: the same image is the same bytes.
//!
//! The Dockerfile labels `kind` first, so that what an unfinished build leaves can be told from other people's images.
//! What differs from app to app comes last: the classic builder takes a second for every instruction on a busy disk, and
//! finds the others ready. A base's own variables stay there: no Dockerfile can unset one.

use super::app_image::is_label;
use crate::engine::{Image, ImageSettings, Platform};
use crate::labels;
use jiff::Timestamp;
use serde::Serialize;
use shared_model::lifecycle::Lifecycle;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The variables that every app image sets.
const VARIABLES: [(&str, &str); 3] =
    [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "en_US.UTF-8"), ("PORT", "8080")];
const PORT: &str = "8080";
const WORKING_DIRECTORY: &str = "/home/vcap";
const USER: &str = "vcap";
const ENTRYPOINT: [&str; 1] = ["/tmp/lifecycle/launcher"];
/// Characters of a label's value. Engines and their clients show labels in tables; a line of a Dockerfile ends at 64 KiB.
const LONGEST_LABEL: usize = 8192;

/// What an app image is to be.
pub(crate) struct AppImageConfig<'a> {
    /// The root file system.
    pub(crate) base: &'a Image,
    /// How the app was staged.
    pub(crate) lifecycle: Lifecycle,
    /// Its labels; see [`plain`].
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// Seconds since 1970 that it gives as its time.
    pub(crate) created: i64,
}

/// A layer above the base, for the config.
pub(crate) struct NewLayer<'a> {
    /// What it holds: `lifecycle`.
    pub(crate) name: &'a str,
    /// The sha256 of its bytes, in hexadecimal.
    pub(crate) sha256: &'a str,
}

#[derive(Serialize)]
struct Document<'a> {
    architecture: &'a str,
    os: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    variant: &'a str,
    created: &'a str,
    config: Config<'a>,
    rootfs: RootFs,
    history: Vec<History<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Config<'a> {
    user: &'a str,
    exposed_ports: BTreeMap<String, BTreeMap<String, String>>,
    env: Vec<String>,
    entrypoint: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cmd: &'a [&'a str],
    working_dir: &'a str,
    labels: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<String>,
}

#[derive(Serialize)]
struct History<'a> {
    created: &'a str,
    created_by: String,
}

impl AppImageConfig<'_> {
    /// The config of the image with these layers above the base's, as OCI and Docker have it.
    pub(crate) fn config(&self, layers: &[NewLayer<'_>]) -> Vec<u8> {
        let created = Timestamp::from_second(self.created).unwrap_or_default().to_string();
        let Platform { architecture, os, variant } = &self.base.details.platform;
        let below = self.base.details.layers.iter().cloned();
        let above = layers.iter().map(|layer| format!("sha256:{}", layer.sha256));
        let of_base = |_| History { created: &created, created_by: made_by_base(&self.base.id.0) };
        let of_layer = |layer: &NewLayer<'_>| {
            let created_by = made_by_layer(layer.name, &format!("sha256:{}", layer.sha256));
            History { created: &created, created_by }
        };
        let document = Document {
            architecture,
            os,
            variant,
            created: &created,
            config: Config {
                user: USER,
                exposed_ports: BTreeMap::from([(format!("{PORT}/tcp"), BTreeMap::new())]),
                env: environment(self.lifecycle),
                entrypoint: &ENTRYPOINT,
                cmd: self.lifecycle.layout().default_arguments,
                working_dir: WORKING_DIRECTORY,
                labels: self.labels,
            },
            rootfs: RootFs { kind: "layers", diff_ids: below.chain(above).collect() },
            history: self.base.details.layers.iter().map(of_base).chain(layers.iter().map(of_layer)).collect(),
        };
        serde_json::to_vec(&document).expect("a config holds strings only")
    }

    /// The Dockerfile over `lifecycle.tar` and `droplet.tar`. It names the base by its id, so that nothing is pulled.
    pub(crate) fn dockerfile(&self) -> String {
        let mut text = format!("FROM {}\nLABEL {}={}\nENV", self.base.id.0, labels::KIND, labels::KIND_APP);
        for variable in environment(self.lifecycle) {
            let _ = write!(text, " {variable}");
        }
        let command = self.lifecycle.layout().default_arguments;
        let (entrypoint, command) = (serde_json::json!(ENTRYPOINT), serde_json::json!(command));
        let _ = write!(
            text,
            "\nEXPOSE {PORT}\nWORKDIR {WORKING_DIRECTORY}\nUSER {USER}\nENTRYPOINT {entrypoint}\nCMD {command}\n\
             ADD lifecycle.tar /\nADD droplet.tar /\nLABEL",
        );
        // No other name is one of ours, and one with a line end would begin a line of its own.
        for (name, value) in self.labels.iter().filter(|(name, _)| is_label(name)) {
            let _ = write!(text, " \\\n  {name}={}", quoted(value));
        }
        text.push('\n');
        text
    }
}

/// What an app image's history says of a layer of its base.
pub(crate) fn made_by_base(base: &str) -> String {
    format!("base {base}")
}

/// What it says of a layer of ours; the digest is `sha256:…`.
pub(crate) fn made_by_layer(name: &str, digest: &str) -> String {
    format!("stager {name} {digest}")
}

/// The variables that an app image sets; it sets no others.
pub(crate) fn variables(lifecycle: Lifecycle) -> impl Iterator<Item = (&'static str, &'static str)> {
    VARIABLES.into_iter().chain(lifecycle.layout().variables.iter().copied())
}

fn environment(lifecycle: Lifecycle) -> Vec<String> {
    variables(lifecycle).map(|(name, value)| format!("{name}={value}")).collect()
}

/// The settings of every app image of this lifecycle.
pub(crate) fn settings(lifecycle: Lifecycle) -> ImageSettings {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    ImageSettings {
        user: USER.to_owned(),
        working_directory: WORKING_DIRECTORY.to_owned(),
        entrypoint: words(&ENTRYPOINT),
        command: words(lifecycle.layout().default_arguments),
        environment: Secret::new(environment(lifecycle)),
        others: Vec::new(),
    }
}

/// A label's value as every way into an engine can carry it: on one line and bounded.
pub(crate) fn plain(value: &str) -> String {
    let one_line = |character: char| if character.is_control() { ' ' } else { character };
    value.char_indices().take_while(|(at, _)| *at < LONGEST_LABEL).map(|(_, character)| one_line(character)).collect()
}

/// A value as a Dockerfile reads it back: with nothing to expand in it.
fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in plain(value).chars() {
        match character {
            '"' | '\\' | '$' => quoted.extend(['\\', character]),
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{ImageDetails, ImageId};
    use proptest::prelude::*;

    fn base() -> Image {
        let platform = Platform { architecture: "amd64".into(), os: "linux".into(), variant: String::new() };
        let details = ImageDetails { layers: vec!["sha256:aa".into()], platform, ..ImageDetails::default() };
        Image { id: ImageId("sha256:abc".into()), details, ..Image::default() }
    }

    fn plan<'a>(base: &'a Image, labels: &'a BTreeMap<String, String>) -> AppImageConfig<'a> {
        AppImageConfig { base, lifecycle: Lifecycle::Buildpack, labels, created: 315_532_800 }
    }

    #[test]
    fn the_config_is_this_to_the_byte() {
        let (base, labels) = (base(), BTreeMap::from([("stager.kind".to_owned(), "app".to_owned())]));
        let layers = [NewLayer { name: "lifecycle", sha256: "bb" }, NewLayer { name: "droplet", sha256: "cc" }];
        let expected = concat!(
            r#"{"architecture":"amd64","os":"linux","created":"1980-01-01T00:00:00Z","#,
            r#""config":{"User":"vcap","ExposedPorts":{"8080/tcp":{}},"#,
            r#""Env":["PATH=/usr/local/bin:/usr/bin:/bin","LANG=en_US.UTF-8","PORT=8080"],"#,
            r#""Entrypoint":["/tmp/lifecycle/launcher"],"Cmd":["app","",""],"#,
            r#""WorkingDir":"/home/vcap","Labels":{"stager.kind":"app"}},"#,
            r#""rootfs":{"type":"layers","diff_ids":["sha256:aa","sha256:bb","sha256:cc"]},"#,
            r#""history":[{"created":"1980-01-01T00:00:00Z","created_by":"base sha256:abc"},"#,
            r#"{"created":"1980-01-01T00:00:00Z","created_by":"stager lifecycle sha256:bb"},"#,
            r#"{"created":"1980-01-01T00:00:00Z","created_by":"stager droplet sha256:cc"}]}"#,
        );
        assert_eq!(String::from_utf8(plan(&base, &labels).config(&layers)).unwrap(), expected);
    }

    #[test]
    fn the_dockerfile_is_this() {
        let labels = BTreeMap::from([
            ("stager.app-name".to_owned(), "a \"b\" $HOME \\ `x`\nUSER root".to_owned()),
            ("stager.kind".to_owned(), "app".to_owned()),
        ]);
        assert_eq!(
            plan(&base(), &labels).dockerfile(),
            r#"FROM sha256:abc
LABEL stager.kind=app
ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=en_US.UTF-8 PORT=8080
EXPOSE 8080
WORKDIR /home/vcap
USER vcap
ENTRYPOINT ["/tmp/lifecycle/launcher"]
CMD ["app","",""]
ADD lifecycle.tar /
ADD droplet.tar /
LABEL \
  stager.app-name="a \"b\" \$HOME \\ `x` USER root" \
  stager.kind="app"
"#
        );
    }

    #[test]
    fn a_cnb_apps_image_starts_its_launcher_without_arguments_and_tells_it_the_folders() {
        let (base, labels) = (base(), BTreeMap::new());
        let plan = AppImageConfig { lifecycle: Lifecycle::Cnb, ..plan(&base, &labels) };
        let config: serde_json::Value = serde_json::from_slice(&plan.config(&[])).unwrap();
        let variables = serde_json::json!([
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "LANG=en_US.UTF-8",
            "PORT=8080",
            "CNB_LAYERS_DIR=/home/vcap/layers",
            "CNB_APP_DIR=/home/vcap/workspace",
        ]);
        assert_eq!((&config["config"]["Env"], config["config"].get("Cmd")), (&variables, None));
        let dockerfile = plan.dockerfile();
        let env = "ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=en_US.UTF-8 PORT=8080 CNB_LAYERS_DIR=/home/vcap/layers \
                   CNB_APP_DIR=/home/vcap/workspace\n";
        assert!(dockerfile.contains(env) && dockerfile.contains("\nCMD []\n"), "{dockerfile}");
    }

    #[test]
    fn a_name_of_a_label_that_is_none_is_left_out_of_the_dockerfile() {
        let labels = BTreeMap::from([("x=1\nRUN id\nLABEL y".to_owned(), "1".to_owned())]);
        assert!(!plan(&base(), &labels).dockerfile().contains("RUN"));
    }

    proptest! {
        #[test]
        fn no_label_can_add_a_line_to_the_dockerfile(name in any::<String>(), value in any::<String>()) {
            let labels = BTreeMap::from([("stager.app-name".to_owned(), value), (name, String::new())]);
            prop_assert!((12..=13).contains(&plan(&base(), &labels).dockerfile().lines().count()));
        }
    }
}
