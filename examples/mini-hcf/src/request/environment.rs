//! The environment that Cloud Controller gives to builder and launcher.

use crate::request::application::Application;
use crate::request::json::{Json, object};
use crate::request::lifecycle::{Kind, Lifecycle};

/// Open files that a process may have.
pub(crate) const FILE_DESCRIPTORS: i64 = 16384;

/// `[{name, value}, …]`.
pub(crate) fn variables<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Json {
    let variable = |(name, value): &(N, V)| object! { "name": name.as_ref(), "value": value.as_ref() };
    Json::List(pairs.iter().map(variable).collect())
}

/// The locale that Cloud Controller gives to its own images.
const LANG: (&str, &str) = ("LANG", "en_US.UTF-8");

/// The environment of the staging's container. Docker apps have none.
pub(crate) fn staging_container(application: &Application) -> Json {
    match &application.lifecycle {
        Lifecycle::Buildpack => variables(&[LANG]),
        Lifecycle::Cnb(credentials) => variables(&[
            ("CNB_USER_ID", "2000"),
            ("CNB_GROUP_ID", "2000"),
            ("CNB_STACK_ID", &application.stack),
            LANG,
            ("CNB_REGISTRY_CREDS", credentials),
        ]),
        Lifecycle::Docker(_) => Json::Absent,
    }
}

/// The environment of the app's container. Docker apps have none.
pub(crate) fn app_container(application: &Application) -> Json {
    match application.lifecycle.kind() {
        Kind::Buildpack => variables(&[LANG]),
        Kind::Cnb => {
            variables(&[LANG, ("CNB_LAYERS_DIR", "/home/vcap/layers"), ("CNB_APP_DIR", "/home/vcap/workspace")])
        }
        Kind::Docker => Json::Null,
    }
}

/// What is common to staging and running, in Cloud Controller's order: once `VCAP_*`, then the user's own; today the other
/// way round, with the stack between them where the staging has it.
pub(crate) fn common(
    application: &Application,
    vcap_application: &Json,
    memory_mb: u32,
    stack: Option<&str>,
) -> Vec<(String, String)> {
    let stack = stack.map(|stack| ("CF_STACK".to_owned(), stack.to_owned()));
    let own = application.env.iter().cloned();
    let platform = [
        ("VCAP_APPLICATION".to_owned(), vcap_application.to_ruby()),
        ("MEMORY_LIMIT".to_owned(), format!("{memory_mb}m")),
        application.bindings.variable(&application.services),
    ];
    if application.style.is_today() {
        own.chain(stack).chain(platform).collect()
    } else {
        platform.into_iter().chain(own).chain(stack).collect()
    }
}

/// `VCAP_APPLICATION` of the years up to 2017, for staging and running alike save the limits.
pub(crate) fn vcap_application(application: &Application, memory_mb: u32, disk_mb: u32) -> Json {
    object! {
        "limits": object! { "fds": FILE_DESCRIPTORS, "mem": memory_mb, "disk": disk_mb },
        "application_name": &application.name,
        "application_uris": Json::texts(&[application.route()]),
        "name": &application.name,
        "space_name": &application.space.name,
        "space_id": &application.space.guid,
        "uris": Json::texts(&[application.route()]),
        "version": &application.version,
        "application_version": &application.version,
        "application_id": &application.guid,
    }
}

/// Today's `VCAP_APPLICATION` of a staging: no process, and a version of its own.
pub(crate) fn vcap_application_staging_today(application: &Application, memory_mb: u32, disk_mb: u32) -> Json {
    let described = described_today(application, &routes(application), memory_mb, disk_mb).with("users", Json::Null);
    versioned(described, &application.guid, &application.staging_guid)
}

/// Today's `VCAP_APPLICATION` of a process.
pub(crate) fn vcap_application_process_today(application: &Application) -> Json {
    let routes = if application.is_web() { routes(application) } else { Vec::new() };
    let described = described_today(application, &routes, application.memory_mb, application.disk_mb)
        .with("process_id", (&application.process.guid).into())
        .with("process_type", application.process.kind.as_str().into());
    versioned(described, &application.guid, &application.version)
}

fn routes(application: &Application) -> Vec<String> {
    vec![application.route()]
}

fn versioned(described: Json, guid: &str, version: &str) -> Json {
    described
        .with("application_id", guid.into())
        .with("version", version.into())
        .with("application_version", version.into())
}

fn described_today(application: &Application, routes: &[String], memory_mb: u32, disk_mb: u32) -> Json {
    let space = &application.space;
    object! {
        "cf_api": &space.api,
        "limits": object! { "fds": FILE_DESCRIPTORS, "mem": memory_mb, "disk": disk_mb },
        "application_name": &application.name,
        "application_uris": Json::texts(routes),
        "name": &application.name,
        "space_name": &space.name,
        "space_id": &space.guid,
        "organization_id": &space.organization_guid,
        "organization_name": &space.organization_name,
        "uris": Json::texts(routes),
    }
}
