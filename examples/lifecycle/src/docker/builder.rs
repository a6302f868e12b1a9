//! The builder: four tries to read the image's config, then the result file.

use super::metadata::ImageFile;
use crate::go_flags::{self, Flag, FlagKind};
use crate::go_json::quote;
use crate::registry::{Login, Reference, Repository, Transport};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200); // long for a connection that broke, short against a staging

/// What the command line says.
pub struct Settings {
    result: PathBuf,
    image: Reference,
    login: Login,
    insecure: Vec<String>,
}

const FLAGS: [Flag; 6] = [
    text("outputMetadataJSONFilename", "/tmp/result.json", "file to write the image's metadata to"),
    text("dockerRef", "", "the image, as docker names it"),
    text("dockerUser", "", "user of the registry"),
    text("dockerPassword", "", "password of that user"),
    text("dockerLoginServer", "", "where that user is known; the image's registry says so itself"),
    text(
        "insecureDockerRegistries",
        "",
        "comma-separated list of registries without a certificate to trust, HOST:PORT",
    ),
];

const fn text(name: &'static str, default: &'static str, usage: &'static str) -> Flag {
    Flag { name, kind: FlagKind::Text, default, usage }
}

impl Settings {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// The whole text for stderr, after which the builder ends with 2.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let values = go_flags::parse("builder", &FLAGS, arguments)?;
        let image = &values["dockerRef"];
        if image.is_empty() {
            return Err("missing flag: dockerRef required\n".to_owned());
        }
        let image = Reference::parse(image).ok_or_else(|| format!("invalid reference format: {image}\n"))?;
        let login = match values["dockerUser"].as_str() {
            "" => Login::Anonymous,
            user => Login::Password(user.to_owned(), values["dockerPassword"].clone()),
        };
        let insecure = values["insecureDockerRegistries"].split(',').map(|host| host.trim().to_owned()).collect();
        Ok(Self { result: PathBuf::from(&values["outputMetadataJSONFilename"]), image, login, insecure })
    }

    /// A registry on the list need not speak TLS, whatever its name.
    fn transport(&self) -> Transport {
        if self.insecure.contains(&self.image.host) { Transport::Insecure } else { Transport::Tls }
    }
}

/// Reads the image's config from its registry and writes the result file.
///
/// # Errors
/// The last try's reason, after which the builder ends with 2.
pub fn stage(settings: &Settings, stdout: &mut dyn Write) -> Result<(), String> {
    // A closed stdout is no reason to fail a staging.
    let mut say = |line: String| drop(writeln!(stdout, "{line}"));
    say("Staging process started ...".to_owned());
    let mut attempt = 1;
    let config = loop {
        match read(settings) {
            Ok(config) => break config,
            Err(why) if attempt < TRIES => {
                say(format!("Failed getting docker image manifest by tag: {why}  Going to retry attempt: {attempt}"));
                attempt += 1;
                std::thread::sleep(PAUSE);
            }
            Err(why) => return Err(format!("failed to fetch metadata of {}: {why}", settings.image)),
        }
    };
    let failed = |why: String| format!("failed to write the metadata of {}: {why}", settings.image);
    let metadata = config.config.execution_metadata().map_err(failed)?;
    let image = quote(&settings.image.to_string());
    let result = format!(
        "{{\"lifecycle_metadata\":{{\"docker_image\":{image}}},\"process_types\":{{\"web\":{}}},\"execution_metadata\":{},\"lifecycle_type\":\"docker\"}}",
        quote(&config.config.web()),
        quote(&metadata),
    );
    fs::write(&settings.result, result).map_err(|why| failed(crate::go_text::go_text(&why)))?;
    say("Staging process finished".to_owned());
    Ok(())
}

fn read(settings: &Settings) -> Result<ImageFile, String> {
    let mut repository = Repository::new(&settings.image, &settings.login, settings.transport());
    let digest = repository.manifest()?.config.ok_or("the manifest names no config")?.digest;
    repository.document(&format!("blobs/{digest}"), &digest)
}
