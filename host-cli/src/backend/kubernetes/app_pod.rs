//! A launch as planned → the pod that runs the app, and the Secrets with all that may be secret of it: variables, start command, files.
//! Process 1 is the cluster's own, which reaps, so that an app without a handler for SIGTERM ends on it. Pure.

use super::container::{
    EVERYBODYS, dns, host_aliases, literal, mount_to_read, pod_security, resources, secret_files, security,
};
use super::names::part;
use super::secrets::SecretFiles;
use super::{probes, volume_claims};
use crate::engine::container_spec::ContainerSpec;
use crate::plan::filled_folder::{self, FilledFolder};
use crate::plan::launch::LaunchPlan;
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvFromSource, EnvVar, EnvVarSource, ExecAction, Lifecycle, LifecycleHandler,
    LocalObjectReference, ObjectFieldSelector, PodSecurityContext, PodSpec, ResourceRequirements, SecretEnvSource,
    SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use shared_model::action::RunAction;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use std::collections::BTreeMap;

/// The app's own container.
pub(super) const APP: &str = "app";
/// What an app is given to end by itself, beside the time in which traffic still comes: until all proxies know that it goes.
const STILL_ASKED: &str = "5";
const GRACE: i64 = 15;
/// Memory that is reserved for a sidecar. On Diego it shares the app's.
const SIDECARS_MEMORY: u64 = 64 << 20;
/// Variables that only the running pod knows, and the field of it that each is.
const FIELDS: [(&str, &str); 4] = [
    ("CF_INSTANCE_IP", "status.podIP"),
    ("CF_INSTANCE_INTERNAL_IP", "status.podIP"),
    ("INSTANCE_GUID", "metadata.uid"),
    ("CF_INSTANCE_GUID", "metadata.uid"),
];
/// Another, of these.
const ADDRESS: &str = "CF_INSTANCE_ADDR";
/// Executor's variables that are the same for all containers of the pod.
const PORTS: [&str; 2] = ["CF_INSTANCE_PORT", "CF_INSTANCE_PORTS"];
/// What stands before a program whose instance has a number: a stateful set's pod is called after it. For bash, which every stack has: other
/// shells forget variables with a full stop in their names.
const WITH_INDEX: &str = r#"read -r name </proc/sys/kernel/hostname
export INSTANCE_INDEX="${name##*-}" CF_INSTANCE_INDEX="${name##*-}"
exec "$0" "$@""#;

/// Whether an instance knows its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Index {
    /// It is number 0, as far as it knows.
    #[default]
    Unknown,
    /// Its own, from 0.
    Known,
}

/// The pod, what it names, and what it does not do.
pub(super) struct AppPod {
    pub(super) spec: PodSpec,
    pub(super) secrets: Vec<SecretFiles>,
    pub(super) notes: Vec<String>,
}

/// How the pod is made besides the plan.
#[derive(Clone, Copy)]
pub(super) struct PodOptions<'a> {
    /// The start of the names of its Secrets.
    pub(super) stem: &'a str,
    pub(super) index: Index,
    /// A Secret with which nodes get the image.
    pub(super) pull_secret: Option<&'a str>,
}

/// The pod of `container`, whose image is known and whose ports are published.
pub(super) fn app_pod(plan: &LaunchPlan, container: &ContainerSpec, options: PodOptions<'_>) -> AppPod {
    let (host_aliases, mut notes) = host_aliases(container);
    let (dns_policy, dns_config) = dns(container);
    let (mut volumes, mounts, files) = folders(&plan.folders, options.stem);
    let (claims, of_claims) = volume_claims::claims(&container.binds);
    // A new claim is root's.
    let fs_group = filled_folder::owner(&container.user, &plan.image).filter(|_| !claims.is_empty());
    let fs_group = fs_group.and_then(|(_, group)| i64::try_from(group).ok());
    let fs_group_change_policy = fs_group.map(|_| "OnRootMismatch".to_owned());
    volumes.extend(claims);
    let mounts: Vec<VolumeMount> = mounts.into_iter().chain(of_claims).collect();
    let mut secrets: Vec<SecretFiles> = files.into_iter().collect();

    let own = Program {
        name: APP.to_owned(),
        command: container.entrypoint.clone(),
        arguments: &container.command,
        environment: &container.environment,
        folder: &container.working_directory,
        secret: format!("{}-environment", options.stem),
    };
    let number = |port: u16| ContainerPort { container_port: i32::from(port), ..ContainerPort::default() };
    let ports: Vec<ContainerPort> = plan.ports.iter().map(|port| number(port.container)).collect();
    let check = container.health_check.as_ref();
    let base = Base { plan, container, options, mounts: &mounts };
    let app = Container {
        ports: (!ports.is_empty()).then_some(ports),
        startup_probe: check.map(|check| probes::startup(check, plan.start_timeout)),
        liveness_probe: check.map(probes::liveness),
        readiness_probe: plan.orchestration.readiness.as_ref().map(probes::readiness),
        resources: Some(resources(container, container.disk_bytes)),
        ..base.runs(&own, &mut secrets, &mut notes)
    };
    let mut containers = vec![app];
    for (at, run) in plan.sidecars.iter().enumerate() {
        containers.push(base.sidecar(at + 1, run, &mut secrets, &mut notes));
    }
    let pull = options.pull_secret.map(|name| vec![LocalObjectReference { name: name.to_owned() }]);
    let spec = PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        // Process 1 is then none of the app's, and takes what others leave behind.
        share_process_namespace: Some(true),
        termination_grace_period_seconds: Some(GRACE),
        security_context: Some(PodSecurityContext { fs_group, fs_group_change_policy, ..pod_security() }),
        image_pull_secrets: pull,
        host_aliases,
        dns_policy,
        dns_config,
        containers,
        volumes: (!volumes.is_empty()).then_some(volumes),
        ..PodSpec::default()
    };
    AppPod { spec, secrets, notes }
}

/// What one container runs.
struct Program<'a> {
    name: String,
    command: Vec<String>,
    /// May hold passwords, as start commands do.
    arguments: &'a [String],
    environment: &'a [(String, String)],
    /// Empty: the image's.
    folder: &'a str,
    /// The name of its Secret.
    secret: String,
}

/// What all containers of the pod have in common.
struct Base<'a> {
    plan: &'a LaunchPlan,
    container: &'a ContainerSpec,
    options: PodOptions<'a>,
    mounts: &'a [VolumeMount],
}

impl Base<'_> {
    /// A container of the app's image that runs `program`. What may be secret of it goes into a Secret.
    fn runs(&self, program: &Program<'_>, secrets: &mut Vec<SecretFiles>, notes: &mut Vec<String>) -> Container {
        let (mut files, odd) = environment(program.environment);
        notes.extend(odd.map(|names| format!("variables that no cluster takes are left out: {names}")));
        let mut arguments = Vec::new();
        for (at, argument) in program.arguments.iter().enumerate() {
            let name = format!("STAGER_ARGUMENT_{at}");
            files.insert(name.clone(), Secret::new(argument.clone().into_bytes()));
            arguments.push(format!("$({name})"));
        }
        secrets.push(SecretFiles { name: program.secret.clone(), files });
        let words = program.command.iter().map(String::as_str);
        let first: &[&str] = match self.options.index {
            Index::Known => &["/bin/bash", "-c", WITH_INDEX],
            Index::Unknown => &[],
        };
        let command = first.iter().copied().chain(words).map(literal).collect();
        let source = SecretEnvSource { name: program.secret.clone(), optional: None };
        Container {
            name: program.name.clone(),
            image: Some(self.container.image.clone()),
            image_pull_policy: Some(pull_policy(&self.container.image).to_owned()),
            command: Some(command),
            args: Some(arguments),
            env_from: Some(vec![EnvFromSource { secret_ref: Some(source), ..EnvFromSource::default() }]),
            env: Some(self.fields(program.environment)),
            working_dir: Some(program.folder.to_owned()).filter(|folder| !folder.is_empty()),
            security_context: Some(self.security()),
            volume_mounts: (!self.mounts.is_empty()).then(|| self.mounts.to_vec()),
            lifecycle: Some(still_asked()),
            ..Container::default()
        }
    }

    fn sidecar(
        &self,
        number: usize,
        run: &RunAction,
        secrets: &mut Vec<SecretFiles>,
        notes: &mut Vec<String>,
    ) -> Container {
        let mut environment: BTreeMap<String, String> =
            run.environment().iter().map(|one| (one.name.clone(), one.value.reveal().clone())).collect();
        // Executor's stand above all others, as in the app's own container.
        let of_app = self.container.environment.iter().filter(|(name, _)| PORTS.contains(&name.as_str()));
        environment.extend(of_app.cloned());
        let environment: Vec<(String, String)> = environment.into_iter().collect();
        let program = Program {
            name: format!("sidecar-{number}"),
            command: vec![run.path.clone()],
            arguments: run.arguments(),
            environment: &environment,
            folder: run.dir.as_deref().unwrap_or_default(),
            secret: format!("{}-sidecar-{number}", self.options.stem),
        };
        let most = self.container.memory_bytes;
        let quantity = |bytes: u64| [("memory".to_owned(), Quantity(bytes.to_string()))].into();
        let resources = ResourceRequirements {
            requests: Some(quantity(if most == 0 { SIDECARS_MEMORY } else { SIDECARS_MEMORY.min(most) })),
            limits: (most > 0).then(|| quantity(most)),
            ..ResourceRequirements::default()
        };
        Container { resources: Some(resources), ..self.runs(&program, secrets, notes) }
    }

    /// The user by number, since a cluster knows no names; where nobody knows it here, the image's.
    fn security(&self) -> SecurityContext {
        let number = |number: u64| i64::try_from(number).ok();
        let owner = filled_folder::owner(&self.container.user, &self.plan.image);
        let (user, group) = owner.map_or((None, None), |(user, group)| (number(user), number(group)));
        SecurityContext {
            run_as_user: user,
            run_as_group: group,
            run_as_non_root: user.map(|user| user != 0),
            ..security(self.container)
        }
    }

    /// Variables of the running pod, over those of the Secret; not where a request sets its own guid.
    fn fields(&self, environment: &[(String, String)]) -> Vec<EnvVar> {
        let value = |name: &str| environment.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let instance = self.container.labels.get(crate::labels::INSTANCE).map(String::as_str);
        let of_pod = |(name, _): &&(&str, &str)| !name.ends_with("GUID") || value(name) == instance;
        let field = |(name, path): &(&str, &str)| EnvVar {
            name: (*name).to_owned(),
            value_from: Some(EnvVarSource {
                field_ref: Some(ObjectFieldSelector { field_path: (*path).to_owned(), api_version: None }),
                ..EnvVarSource::default()
            }),
            value: None,
        };
        let port = self.plan.ports.first().map(|port| port.container);
        let address = port.map(|port| EnvVar {
            name: ADDRESS.to_owned(),
            value: Some(format!("$(CF_INSTANCE_IP):{port}")),
            value_from: None,
        });
        FIELDS.iter().filter(of_pod).map(field).chain(address).collect()
    }
}

/// A tag may have moved since a node got its image.
fn pull_policy(image: &str) -> &'static str {
    if image.contains("@sha256:") { "IfNotPresent" } else { "Always" }
}

/// What comes before the signal that ends a container.
fn still_asked() -> Lifecycle {
    let sleep = ExecAction { command: Some(["/bin/sleep", STILL_ASKED].map(str::to_owned).to_vec()) };
    let sleep = LifecycleHandler { exec: Some(sleep), ..LifecycleHandler::default() };
    Lifecycle { pre_stop: Some(sleep), ..Lifecycle::default() }
}

/// Variables by the keys of a Secret, and the names that no cluster takes, if there are any.
fn environment(all: &[(String, String)]) -> (BTreeMap<String, Secret<Vec<u8>>>, Option<String>) {
    let is_taken = |name: &str| {
        !name.starts_with(|c: char| c.is_ascii_digit())
            && !name.is_empty()
            && !name.starts_with("..")
            && name != "."
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    let (taken, odd): (Vec<_>, Vec<_>) = all.iter().partition(|(name, _)| is_taken(name));
    let names: Vec<String> = odd.iter().map(|(name, _)| format!("{:?}", escape_control(name))).collect();
    let content = |(name, value): &(String, String)| (name.clone(), Secret::new(value.clone().into_bytes()));
    (taken.into_iter().map(content).collect(), (!names.is_empty()).then(|| names.join(", ")))
}

/// Folders that are filled, each a volume of one Secret.
fn folders(folders: &[FilledFolder], stem: &str) -> (Vec<Volume>, Vec<VolumeMount>, Option<SecretFiles>) {
    let name = format!("{stem}-files");
    let mut files = BTreeMap::new();
    let (mut volumes, mut mounts) = (Vec::new(), Vec::new());
    for (at, folder) in folders.iter().enumerate() {
        let keyed = folder.files.iter().enumerate().map(|(number, file)| (format!("{at}-{number}"), file));
        let keyed: Vec<(String, _)> = keyed.collect();
        let items: Vec<(&str, &str)> = keyed.iter().map(|(key, file)| (key.as_str(), file.path.as_str())).collect();
        let volume = part("files", &folder.at);
        volumes.push(secret_files(&volume, &name, EVERYBODYS, &items));
        mounts.push(mount_to_read(&volume, &folder.at));
        files.extend(keyed.into_iter().map(|(key, file)| (key, file.content.clone())));
    }
    (volumes, mounts, (!files.is_empty()).then_some(SecretFiles { name, files }))
}
