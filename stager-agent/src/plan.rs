//! From a request to what the agent will do, as a value. Pure: nothing is looked up, nothing is touched.

use shared_model::action::{Action, ActionList, DownloadAction, RunAction};
use shared_model::application::Application;
use shared_model::dependency::{CachedDependency, ImageLayer, LayerType};
use shared_model::docker_app::without_login;
use shared_model::environment::EnvironmentVariable;
use shared_model::lifecycle::Lifecycle;
use shared_model::mounted_file::MountedFile;
use shared_model::safe_url::SafeUrl;
use shared_model::secret::Secret;
use shared_model::task::TaskDefinition;
use std::path::PathBuf;

/// Whom a staging's lines are from, where the request does not say. Diego's.
const LOG_SOURCE: &str = "STG";

/// What one staging does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StagingPlan {
    pub(crate) application: Application,
    /// Empty where the request has no completion callback.
    pub(crate) staging_guid: String,
    /// Empty for an odd root file system.
    pub(crate) stack: String,
    /// All at once, before the action and outside its time limit.
    pub(crate) dependencies: Vec<CachedDependency>,
    /// What to do then.
    pub(crate) action: Action,
    /// Variables of the container.
    pub(crate) environment: Vec<EnvironmentVariable>,
    /// The most that the builder may write, in bytes; `None`: the request sets no limit.
    pub(crate) disk_limit: Option<u64>,
    /// Whom lines are from.
    pub(crate) log_source: String,
    /// Where the builder writes the droplet; `None` for a request that makes none.
    pub(crate) droplet: Option<PathBuf>,
    /// What a docker app has in place of a droplet; `None` for any other app.
    pub(crate) docker_app: Option<DockerApp>,
    /// How the app is staged.
    pub(crate) kind: Lifecycle,
    /// The folder that holds builder and launcher.
    pub(crate) lifecycle: PathBuf,
    /// Buildpacks that the request names by URLs of their own, which may hold a password.
    pub(crate) buildpack_urls: Vec<SafeUrl>,
    /// Where the builder writes its result; `None`: none is asked for.
    pub(crate) result_file: Option<PathBuf>,
    /// Files that the programs find below [`SERVICE_BINDINGS`](shared_model::mounted_file::SERVICE_BINDINGS).
    pub(crate) mounted_files: Vec<MountedFile>,
    /// A folder with certificates to trust.
    pub(crate) certificates: Option<PathBuf>,
    /// True when the request's builder trusts any certificate, and so shall we.
    pub(crate) skips_verification: bool,
    /// Where Diego would report to.
    pub(crate) callback: Option<Callback>,
}

/// A docker app: its builder looks at an image in a registry, and makes nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DockerApp {
    /// The image's name without a login in it; empty where the builder is not told.
    pub(crate) image: String,
    /// What the builder may log in with, however its arguments are read.
    pub(crate) passwords: Secret<Vec<String>>,
}

impl DockerApp {
    fn new(task: &TaskDefinition) -> Self {
        let passwords = task.builder().into_iter().flat_map(|run| run.possible_options("dockerPassword"));
        let passwords = Secret::new(passwords.map(str::to_owned).collect());
        let image = task.docker_image().map(without_login).unwrap_or_default();
        Self { image, passwords }
    }
}

/// Whom to tell how it ended, and what to send along.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Callback {
    pub(crate) url: SafeUrl,
    /// Sent back as it came; holds Cloud Controller's password.
    pub(crate) annotation: Option<Secret<String>>,
}

/// A request that is well-formed but nothing for us.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("action: missing: there is nothing to do")]
    NoAction,
    #[error("legacy_download_user: missing or empty, but an image layer is EXCLUSIVE and needs an owner")]
    NoDownloadUser,
}

/// Makes the plan for `task`.
///
/// # Errors
/// A request that leaves out what only the BBS would insist on.
pub(crate) fn plan(task: TaskDefinition) -> Result<StagingPlan, PlanError> {
    let application = task.application();
    let staging_guid = task.staging_guid().unwrap_or_default().to_owned();
    let stack = task.stack().unwrap_or_default().to_owned();
    let droplet = task.droplet().map(PathBuf::from);
    let docker_app = task.is_docker().then(|| DockerApp::new(&task));
    let kind = task.lifecycle_kind();
    let lifecycle = PathBuf::from(task.lifecycle());
    let buildpack_urls = buildpack_urls(&task);
    let skips_verification = task.skips_certificate_verification();
    let layers = task.layers();
    let shared = layers.iter().filter(|layer| layer.layer_type == LayerType::Shared).map(dependency);
    let dependencies = task.dependencies().iter().cloned().chain(shared).collect();
    let downloads = exclusive_downloads(layers, task.legacy_download_user.as_deref())?;
    let action = task.action.ok_or(PlanError::NoAction)?;
    let annotation = task.annotation;
    Ok(StagingPlan {
        application,
        staging_guid,
        stack,
        dependencies,
        action: match downloads {
            Some(downloads) => Action::Serial(ActionList { actions: vec![downloads, action], log_source: None }),
            None => action,
        },
        environment: task.env.unwrap_or_default(),
        disk_limit: u64::try_from(task.disk_mb).ok().filter(|mib| *mib > 0).map(|mib| mib << 20),
        log_source: if task.log_source.is_empty() { LOG_SOURCE.to_owned() } else { task.log_source },
        droplet,
        docker_app,
        kind,
        lifecycle,
        buildpack_urls,
        result_file: Some(task.result_file).filter(|path| !path.is_empty()).map(PathBuf::from),
        mounted_files: task.volume_mounted_files.unwrap_or_default(),
        certificates: task.trusted_system_certificates_path.filter(|path| !path.is_empty()).map(PathBuf::from),
        skips_verification,
        callback: task.completion_callback_url.filter(|url| !url.is_empty()).map(|url| Callback { url, annotation }),
    })
}

fn buildpack_urls(task: &TaskDefinition) -> Vec<SafeUrl> {
    let named = task.action.iter().flat_map(Action::runs).flat_map(RunAction::buildpacks);
    named.filter(|key| key.contains("://")).map(SafeUrl::new).collect()
}

/// As the BBS turns a SHARED layer into what older cells know.
fn dependency(layer: &ImageLayer) -> CachedDependency {
    CachedDependency {
        name: layer.name.clone().unwrap_or_default(),
        from: layer.url.clone(),
        to: layer.destination_path.clone(),
        // Without a digest it is the URL; the redacted one, for a signature identifies nothing.
        cache_key: digest(layer).unwrap_or_else(|| layer.url.to_string()),
        log_source: String::new(),
        checksum_algorithm: layer.digest_algorithm.clone(),
        checksum_value: layer.digest_value.clone(),
    }
}

/// As the BBS turns EXCLUSIVE layers into downloads in front of the action; `None` where there are none.
fn exclusive_downloads(layers: &[ImageLayer], user: Option<&str>) -> Result<Option<Action>, PlanError> {
    let exclusive: Vec<&ImageLayer> = layers.iter().filter(|layer| layer.layer_type == LayerType::Exclusive).collect();
    if exclusive.is_empty() {
        return Ok(None);
    }
    let user = user.filter(|user| !user.is_empty()).ok_or(PlanError::NoDownloadUser)?;
    let download = |layer: &ImageLayer| {
        Action::Download(DownloadAction {
            artifact: layer.name.clone(),
            from: layer.url.clone(),
            to: layer.destination_path.clone(),
            cache_key: digest(layer).unwrap_or_default(),
            log_source: None,
            user: user.to_owned(),
            checksum_algorithm: layer.digest_algorithm.clone(),
            checksum_value: layer.digest_value.clone(),
        })
    };
    let actions = exclusive.into_iter().map(download).collect();
    Ok(Some(Action::Parallel(ActionList { actions, log_source: None })))
}

/// `sha256:…`; `None` for a layer that has no digest.
fn digest(layer: &ImageLayer) -> Option<String> {
    let value = layer.digest_value.as_deref().filter(|value| !value.is_empty())?;
    Some(format!("{}:{value}", layer.digest_algorithm.as_deref().unwrap_or_default().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
