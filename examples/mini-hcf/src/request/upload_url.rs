//! The URLs to which a staging uploads: cc-uploader's, with Cloud Controller's inside.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::request::application::{Application, UPLOAD_PASSWORD, UPLOAD_USER};

/// How long a staging, and therefore an upload, may take: 15 minutes.
pub(crate) const TIMEOUT_SECONDS: i64 = 900;

/// Go's `url.QueryEscape` leaves letters, digits and these alone.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where the droplet goes.
pub(crate) fn droplet_url(application: &Application) -> String {
    upload_url(application, "droplet", &droplet_target(application))
}

/// Where the build artifacts cache goes.
pub(crate) fn build_artifacts_url(application: &Application) -> String {
    upload_url(application, "build_artifacts", &cache_target(application))
}

fn upload_url(application: &Application, kind: &str, target: &str) -> String {
    let guid = if application.style.is_today() { &application.staging_guid } else { &application.guid };
    let parameter = format!("cc-{}-upload-uri", kind.replace('_', "-"));
    let target = utf8_percent_encode(target, QUERY);
    let uploader = application.style.uploader();
    format!("{uploader}/v1/{kind}/{guid}?{parameter}={target}&timeout={TIMEOUT_SECONDS}")
}

/// Today certificates stand for the user; before, the URL held name and password.
fn controller(application: &Application) -> String {
    if application.style.is_today() {
        return "https://cloud-controller-ng.service.cf.internal:9023/internal/v4".to_owned();
    }
    let password = utf8_percent_encode(UPLOAD_PASSWORD, QUERY);
    format!("http://{UPLOAD_USER}:{password}@api.service.cf.internal:9022/staging")
}

fn droplet_target(application: &Application) -> String {
    let guid = if application.style.is_today() { &application.staging_guid } else { &application.guid };
    format!("{}/droplets/{guid}/upload", controller(application))
}

fn cache_target(application: &Application) -> String {
    let controller = controller(application);
    let Application { guid, stack, .. } = application;
    if application.style.is_today() {
        format!("{controller}/buildpack_cache/{stack}/{guid}/upload")
    } else {
        format!("{controller}/buildpack_cache/{guid}/upload")
    }
}
