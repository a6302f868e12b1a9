//! The supervisor in an app's container: process 1 in place of the engine's init. It starts the launcher and the sidecars, and
//! tells them the container's address. It comes in before the start, into the container's own files and not into its image. Pure.

use super::filled_folder::{self, FilledFile, FilledFolder};
use super::image_source::ImageSource;
use super::instance;
use crate::engine::ImageSettings;
use crate::engine::container_spec::ContainerSpec;
use shared_model::action::RunAction;
use shared_model::environment::{EnvironmentVariable, merge};
use shared_model::secret::Secret;

/// The program's name, as it is built and as a stager image has it.
pub(crate) const PROGRAM: &str = "app-supervisor";
/// Where a stager image has it.
pub(crate) const IN_STAGER_IMAGE: &str = "/usr/local/bin/app-supervisor";

/// Where the files come in. A tar's folder takes the place of a link of that name; so nothing that an image has there counts.
const ROOT: &str = "/";
const PROGRAM_FILE: &str = ".stager/supervisor";
/// As a program's path.
pub(crate) const PROGRAM_PATH: &str = "/.stager/supervisor";
const SIDECARS_FILE: &str = ".stager/sidecars.json";

/// Everybody may run it, nobody but root may change it.
const EXECUTABLE: u32 = 0o755;
/// Variables of sidecars are in it.
const OWNERS_ALONE: u32 = 0o400;
/// Where nobody knows the number of the app's user. All in the container are that user's.
const READABLE: u32 = 0o444;

/// A container with a supervisor, and what that is to start beside the launcher.
#[derive(Debug)]
pub(crate) struct Supervised {
    pub(crate) container: ContainerSpec,
    /// Each with all of its environment.
    pub(crate) sidecars: Vec<RunAction>,
}

impl Supervised {
    /// Of `container`, whose entry point is the launcher, and whose ports are published; `image` is its image's.
    pub(crate) fn new(mut container: ContainerSpec, sidecars: &[RunAction], image: &ImageSettings) -> Self {
        let below: Vec<EnvironmentVariable> =
            image.environment.reveal().iter().filter_map(|pair| pair.split_once('=')).map(variable).collect();
        // Only the supervisor knows the address.
        container.environment.retain(|(name, _)| name != instance::INTERNAL_ADDRESS);
        let above: Vec<EnvironmentVariable> = (container.environment.iter())
            .filter(|(name, _)| instance::is_of_executor(name))
            .map(|(name, value)| variable((name, value)))
            .collect();
        let sidecars: Vec<RunAction> = sidecars
            .iter()
            .map(|run| RunAction { env: Some(merge([&below[..], run.environment(), &above])), ..run.clone() })
            .collect();
        let mut entrypoint = vec![PROGRAM_PATH.to_owned()];
        if !sidecars.is_empty() {
            entrypoint.extend(["--sidecars".to_owned(), format!("{ROOT}{SIDECARS_FILE}")]);
        }
        entrypoint.push("--".to_owned());
        entrypoint.append(&mut container.entrypoint);
        Self { container: ContainerSpec { entrypoint, init: false, ..container }, sidecars }
    }

    /// What comes into the container, which is of `image`: the program and, if there are any, the sidecars.
    pub(crate) fn folder(&self, program: Vec<u8>, image: &ImageSource) -> FilledFolder {
        let mut files = vec![FilledFile { mode: EXECUTABLE, ..FilledFile::of_root(PROGRAM_FILE, program) }];
        if !self.sidecars.is_empty() {
            let owner = filled_folder::owner(&self.container.user, image);
            files.push(FilledFile {
                path: SIDECARS_FILE.to_owned(),
                content: Secret::new(serde_json::to_vec(&self.sidecars).unwrap_or_default()), // text only: cannot fail
                mode: if owner.is_some() { OWNERS_ALONE } else { READABLE },
                owner: owner.unwrap_or_default(),
            });
        }
        FilledFolder { at: ROOT.to_owned(), files }
    }
}

fn variable((name, value): (impl Into<String>, impl Into<String>)) -> EnvironmentVariable {
    EnvironmentVariable::new(name, value)
}

#[cfg(test)]
mod tests {
    use super::super::image_source;
    use super::*;
    use shared_model::environment::value_of;

    fn spec() -> ContainerSpec {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        ContainerSpec {
            entrypoint: vec!["/tmp/lifecycle/launcher".into()],
            command: vec!["app".into()],
            environment: vec![
                pair("OF_APP", "s3cret"),
                pair("CF_INSTANCE_ADDR", "127.0.0.1:5"),
                pair("CF_INSTANCE_INTERNAL_IP", "6.6.6.6"),
            ],
            user: "vcap".into(),
            init: true,
            ..ContainerSpec::default()
        }
    }

    fn sidecar() -> RunAction {
        let variables = [variable(("PATH", "/own")), variable(("CF_INSTANCE_ADDR", "x")), variable(("P", "pa55"))];
        RunAction { path: "/launcher".into(), env: Some(variables.into()), ..RunAction::default() }
    }

    #[test]
    fn the_supervisor_stands_before_the_launcher_and_no_variable_tells_of_it() {
        let Supervised { container, sidecars } = Supervised::new(spec(), &[], &ImageSettings::default());
        assert_eq!(container.entrypoint, ["/.stager/supervisor", "--", "/tmp/lifecycle/launcher"]);
        assert_eq!((container.command.len(), container.init, sidecars.len()), (1, false, 0));
        let names: Vec<&str> = container.environment.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["OF_APP", "CF_INSTANCE_ADDR"], "the address is the supervisor's to tell");
    }

    #[test]
    fn a_sidecar_has_the_images_variables_below_its_own_and_executors_above_and_none_of_the_apps() {
        let environment = Secret::new(vec!["PATH=/bin".to_owned(), "LANG=C=D".to_owned()]);
        let image = ImageSettings { environment, ..ImageSettings::default() };
        let supervised = Supervised::new(spec(), &[sidecar()], &image);
        let environment = supervised.sidecars[0].environment();
        for (name, value) in [
            ("PATH", Some("/own")),
            ("LANG", Some("C=D")),
            ("P", Some("pa55")),
            ("CF_INSTANCE_ADDR", Some("127.0.0.1:5")),
            ("OF_APP", None),
        ] {
            assert_eq!(value_of(environment, name), value, "{name}");
        }
        let entrypoint =
            ["/.stager/supervisor", "--sidecars", "/.stager/sidecars.json", "--", "/tmp/lifecycle/launcher"];
        assert_eq!(supervised.container.entrypoint, entrypoint);
        assert!(!format!("{supervised:?}").contains("pa55"));
    }

    #[test]
    fn sidecars_come_in_for_the_apps_user_alone_where_that_has_a_number() {
        for (user, mode, owner) in [("vcap", 0o400, (2000, 2000)), ("root", 0o400, (0, 0)), ("node", 0o444, (0, 0))] {
            let container = ContainerSpec { user: user.into(), ..spec() };
            let folder = Supervised::new(container, &[sidecar()], &ImageSettings::default())
                .folder(b"ELF".to_vec(), &ImageSource::Droplet);
            let [program, sidecars] = &folder.files[..] else { panic!("{folder:?}") };
            assert_eq!((program.path.as_str(), program.mode, program.owner), (".stager/supervisor", 0o755, (0, 0)));
            assert_eq!((sidecars.path.as_str(), sidecars.mode, sidecars.owner), (".stager/sidecars.json", mode, owner));
            let read: Vec<RunAction> = serde_json::from_slice(sidecars.content.reveal()).unwrap();
            assert_eq!(value_of(read[0].environment(), "P"), Some("pa55"));
        }
        let of_a_stranger = Supervised::new(spec(), &[sidecar()], &ImageSettings::default());
        let folder = of_a_stranger.folder(Vec::new(), &image_source::of_a_stranger());
        assert_eq!((folder.files[1].mode, folder.files[1].owner), (0o444, (0, 0)), "vcap may have any number there");
        let alone = Supervised::new(spec(), &[], &ImageSettings::default()).folder(Vec::new(), &ImageSource::Droplet);
        assert_eq!((alone.at.as_str(), alone.files.len()), ("/", 1));
    }
}
