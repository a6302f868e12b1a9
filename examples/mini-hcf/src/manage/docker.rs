//! The `docker` command line. Container arguments are made by a pure function.

use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::manage::programs;
use crate::request::lifecycle::ImageMetadata;
use crate::services::Service;
use crate::state::{IN_CONTAINER, Settings, State};

/// Marks everything that is ours, on top of the instance.
pub(crate) const KIND_LABEL: &str = "stager.kind=demo";

/// The label of one mini-HCF among others.
pub(crate) fn instance_label(instance: &str) -> String {
    format!("stager.instance={instance}")
}

/// Runs `docker` and gives its standard output without the line feed at its end.
pub(crate) fn run<A: AsRef<str>>(arguments: &[A]) -> Result<String, Failure> {
    programs::output("docker", arguments)
}

/// Whether an engine answers; an error that says what docker says about it.
pub(crate) fn reach() -> Result<(), Failure> {
    run(&["version", "--format", "{{.Server.Version}}"]).map(drop)
}

/// Both streams of a container's log, at most `count` lines from its end.
pub(crate) fn logs(container: &str, count: usize) -> Result<String, Failure> {
    programs::tail("docker", &["logs", container], count)
}

/// Builds the folder's Dockerfile as `name`, labelled as ours.
pub(crate) fn build(context: &Path, name: &str) -> Result<(), Failure> {
    let mut arguments = vec!["build", "--force-rm", "--tag", name, "--label", KIND_LABEL];
    // Without a value docker takes the one of its own environment, if there is one.
    for proxy in ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        arguments.extend(["--build-arg", proxy]);
    }
    let context = context.display().to_string();
    arguments.push(&context);
    run(&arguments).map(drop)
}

/// What Cloud Controller learns of an image when it stages it: here from the engine, if that has the image. Otherwise
/// nothing, as of an image that says nothing.
pub(crate) fn image_metadata(reference: &str) -> ImageMetadata {
    let config = run(&["image", "inspect", "--format", "{{json .Config}}", "--", reference]).unwrap_or_default();
    metadata_of(&serde_json::from_str(&config).unwrap_or_default())
}

fn metadata_of(config: &Value) -> ImageMetadata {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let words = |key: &str| config[key].as_array().into_iter().flatten().map(text).collect();
    let exposed = config["ExposedPorts"].as_object().into_iter().flat_map(|ports| ports.keys());
    let mut ports: Vec<u16> = exposed.filter_map(|port| port.strip_suffix("/tcp")?.parse().ok()).collect();
    ports.sort_unstable();
    ImageMetadata {
        entrypoint: words("Entrypoint"),
        cmd: words("Cmd"),
        workdir: text(&config["WorkingDir"]),
        user: text(&config["User"]),
        ports,
    }
}

/// The name of a service's container.
pub(crate) fn container_name(settings: &Settings, service: Service) -> String {
    let name = service.names().first().copied().unwrap_or_default();
    format!("mini-hcf-{}-{name}", settings.instance)
}

/// Whom a service runs as: whoever calls, so that the state folder stays theirs to read and to remove; ports below 1024
/// are open to everybody inside a container.
pub(crate) struct Caller {
    /// `uid:gid`.
    pub(crate) ids: String,
    /// Whether the engine means other users of the machine by these numbers, unless told not to (`userns-remap`).
    pub(crate) remapped: bool,
}

/// The caller `uid:gid`, as the engine sees it. One without root's rights means by its root whoever runs it.
pub(crate) fn caller(ids: String) -> Result<Caller, Failure> {
    let options = run(&["info", "--format", "{{.SecurityOptions}}"])?;
    let ids = if options.contains("name=rootless") { "0:0".to_owned() } else { ids };
    Ok(Caller { ids, remapped: options.contains("name=userns") })
}

/// `docker run …` for a service.
pub(crate) fn run_arguments(settings: &Settings, service: Service, state: &Path, caller: &Caller) -> Vec<String> {
    let mut arguments: Vec<String> = vec!["run".into(), "--detach".into()];
    let mut option = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    option("name", container_name(settings, service));
    option("label", KIND_LABEL.into());
    option("label", instance_label(&settings.instance));
    option("network", settings.network.clone());
    for name in service.names_on(settings) {
        option("network-alias", name.to_owned());
    }
    if settings.hidden_names && service == Service::CcUploader {
        // For this container alone: on a real system, too, its machine knows where Cloud Controller is.
        let controller = Service::CloudController;
        for name in controller.full_names() {
            option("link", format!("{}:{name}", container_name(settings, controller)));
        }
    }
    option("user", caller.ids.clone());
    if caller.remapped {
        option("userns", "host".into());
    }
    // Only Cloud Controller writes: it takes the droplets in.
    let mode = if service == Service::CloudController { "" } else { ",readonly" };
    option("mount", format!("type=bind,source={},target={IN_CONTAINER}{mode}", state.display()));
    arguments.extend([settings.image.clone(), service.role().to_owned()]);
    arguments
}

/// Where each service is found by its full names on the network: `HOST=IP`, one a line.
pub(crate) fn hosts(state: &State) -> Result<String, Failure> {
    let settings = state.settled()?;
    let mut lines = String::new();
    for service in Service::ALL {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = run(&["inspect", "--format", format, &container_name(&settings, service)])?;
        lines.extend(service.full_names().map(|name| format!("{name}={address}\n")));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_bears_all_its_real_names_and_our_labels() {
        let settings = Settings { instance: "x1".into(), ..Settings::fresh() };
        let arguments = |remapped| {
            let caller = Caller { ids: "5:6".into(), remapped };
            run_arguments(&settings, Service::Blobstore, Path::new("/s"), &caller).join(" ")
        };
        assert!(arguments(true).contains(" --user 5:6 --userns host --mount "), "{}", arguments(true));
        assert_eq!(
            arguments(false),
            "run --detach --name mini-hcf-x1-blobstore --label stager.kind=demo --label stager.instance=x1 \
             --network hcf --network-alias blobstore --network-alias blobstore.service.cf.internal --user 5:6 \
             --mount type=bind,source=/s,target=/hcf,readonly mini-hcf:latest blobstore"
        );
    }

    #[test]
    fn hidden_names_are_known_to_the_uploader_alone_which_needs_cloud_controllers() {
        let settings = Settings { instance: "x1".into(), hidden_names: true, ..Settings::fresh() };
        let caller = Caller { ids: "5:6".into(), remapped: false };
        let arguments = |service| run_arguments(&settings, service, Path::new("/s"), &caller).join(" ");
        assert!(!arguments(Service::Blobstore).contains("service.cf.internal"));
        let uploader = arguments(Service::CcUploader);
        assert!(!uploader.contains("--network-alias cc-uploader.service"), "{uploader}");
        assert!(uploader.contains("--link mini-hcf-x1-api:cloud-controller-ng.service.cf.internal"), "{uploader}");
    }
}
