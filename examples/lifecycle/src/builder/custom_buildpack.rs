//! Fetches buildpacks that are named by a URL: a zip is downloaded and unpacked, everything else cloned with git.
//! Such a URL may hold a password, so it is shown without userinfo and query; the real builder shows all of it.

use super::BuildFailure;
use super::settings::{Settings, is_url};
use shared_model::safe_url::SafeUrl;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, io};

const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(10 * 60); // the real builder's

/// Fetches each buildpack of the order that is a URL.
pub(super) fn fetch_all(settings: &Settings) -> Result<(), BuildFailure> {
    for key in settings.order.iter().filter(|key| is_url(key)) {
        let url = SafeUrl::new(key.clone());
        let destination = settings.buildpack_path(key);
        let is_zip = Path::new(url.path()).extension().is_some_and(|kind| kind.eq_ignore_ascii_case("zip"));
        if is_zip {
            unzip(&url, &destination, settings.skip_cert_verify)
                .map_err(|why| BuildFailure::Other(format!("Failed to download buildpack `{url}`: {why}")))?;
        } else {
            clone(key, &destination)
                .map_err(|()| BuildFailure::Other(format!("Failed to clone git repository at {url}")))?;
        }
    }
    Ok(())
}

/// Only the newest commit where the server can do that, else everything. A fragment names the branch.
fn clone(key: &str, destination: &Path) -> Result<(), ()> {
    let (repository, branch) = key.split_once('#').map_or((key, None), |(url, branch)| (url, Some(branch)));
    let cloned = |depth: &[&str]| {
        let mut git = Command::new("git");
        git.arg("clone").args(depth).args(["--recursive", repository]).arg(destination);
        git.args(branch.into_iter().flat_map(|branch| ["-b", branch]));
        // Its words may hold the URL with the password.
        let status = git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if cloned(&["--depth", "1"]) {
        return Ok(());
    }
    // Git refuses a directory that a failed try left behind; where there is none, there is nothing to do.
    let _ = fs::remove_dir_all(destination);
    if cloned(&[]) { Ok(()) } else { Err(()) }
}

fn unzip(url: &SafeUrl, destination: &Path, skip_verify: bool) -> Result<(), String> {
    let tls = ureq::tls::TlsConfig::builder().disable_verification(skip_verify).build();
    let agent: ureq::Agent =
        ureq::Agent::config_builder().tls_config(tls).timeout_global(Some(DOWNLOAD_TIMEOUT)).build().into();
    let mut response = agent.get(url.reveal()).call().map_err(|error| match error {
        ureq::Error::StatusCode(code) => format!("status {code}"),
        _ => "the server does not answer".to_owned(),
    })?;
    let mut spool = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    io::copy(&mut response.body_mut().as_reader(), &mut spool).map_err(|error| error.to_string())?;
    fs::create_dir_all(destination).map_err(|error| error.to_string())?;
    let arguments =
        [OsStr::new("-q"), OsStr::new("-o"), spool.path().as_os_str(), OsStr::new("-d"), destination.as_os_str()];
    match Command::new("unzip").args(arguments).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("unzip: {status}")),
        Err(error) => Err(format!("unzip: {error}")),
    }
}
