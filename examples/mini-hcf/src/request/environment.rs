//! The environment that Cloud Controller gives to builder and launcher.

use crate::request::application::Application;
use crate::request::json::{Json, object};

/// Open files that a process may have.
pub(crate) const FILE_DESCRIPTORS: i64 = 16384;

/// `[{name, value}, …]`.
pub(crate) fn variables<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Json {
    let variable = |(name, value): &(N, V)| object! { "name": name.as_ref(), "value": value.as_ref() };
    Json::List(pairs.iter().map(variable).collect())
}

/// The container's own environment, the same everywhere.
pub(crate) fn container() -> Json {
    variables(&[("LANG", "en_US.UTF-8")])
}

/// What is common to staging and running, in Cloud Controller's order: `VCAP_*`, then the user's own.
pub(crate) fn common(application: &Application, vcap_application: &Json, memory_mb: u32) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("VCAP_APPLICATION".to_owned(), vcap_application.to_ruby()),
        ("MEMORY_LIMIT".to_owned(), format!("{memory_mb}m")),
        ("VCAP_SERVICES".to_owned(), application.services.clone()),
    ];
    pairs.extend(application.env.iter().cloned());
    pairs
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

/// Today's `VCAP_APPLICATION` of a staging: no version, no process, only the file limit.
pub(crate) fn vcap_application_staging_today(application: &Application) -> Json {
    let space = &application.space;
    object! {
        "cf_api": &space.api,
        "limits": object! { "fds": FILE_DESCRIPTORS },
        "application_name": &application.name,
        "application_uris": Json::texts(&[application.route()]),
        "name": &application.name,
        "space_name": &space.name,
        "space_id": &space.guid,
        "organization_id": &space.organization_guid,
        "organization_name": &space.organization_name,
        "uris": Json::texts(&[application.route()]),
        "users": Json::Null,
        "application_id": &application.guid,
    }
}

/// Today's `VCAP_APPLICATION` of the web process.
pub(crate) fn vcap_application_web_today(application: &Application) -> Json {
    let space = &application.space;
    object! {
        "cf_api": &space.api,
        "limits": object! { "fds": FILE_DESCRIPTORS, "mem": application.memory_mb, "disk": application.disk_mb },
        "application_name": &application.name,
        "application_uris": Json::texts(&[application.route()]),
        "name": &application.name,
        "process_id": &application.guid,
        "process_type": "web",
        "space_name": &space.name,
        "space_id": &space.guid,
        "organization_id": &space.organization_guid,
        "organization_name": &space.organization_name,
        "uris": Json::texts(&[application.route()]),
        "users": Json::Null,
        "version": &application.version,
        "application_version": &application.version,
        "application_id": &application.guid,
    }
}
