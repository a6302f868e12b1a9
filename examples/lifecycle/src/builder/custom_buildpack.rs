//! Fetches buildpacks that are named by a URL: a zip is downloaded and unpacked, everything else cloned with git.
//! Such a URL may hold a password, so it is shown without userinfo and query; the real builder shows all of it.

use super::BuildFailure;
use super::Staging;
use super::settings::is_url;
use crate::curl::{self, Get};
use crate::go_text::go_text;
use shared_model::safe_url::SafeUrl;
use shared_model::size::bytes;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Fetches each buildpack of the order that is a URL.
pub(super) fn fetch_all(staging: &mut Staging) -> Result<(), BuildFailure> {
    let settings = staging.settings;
    for key in settings.order.iter().filter(|key| is_url(key)) {
        let url = SafeUrl::new(key.clone());
        let destination = settings.buildpack_path(key);
        let is_zip = Path::new(url.path()).extension().is_some_and(|kind| kind.eq_ignore_ascii_case("zip"));
        if is_zip {
            let size = unzip(&url, &destination, settings.skip_cert_verify)
                .map_err(|why| BuildFailure::Other(format!("Failed to download buildpack `{url}`: {why}")))?;
            // A closed stdout is no reason to fail a staging.
            let _ = writeln!(staging.stdout, "Downloaded buildpack `{url}` ({})", bytes(size));
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

/// Gives the size of the download in bytes.
fn unzip(url: &SafeUrl, destination: &Path, skip_verify: bool) -> Result<u64, String> {
    let spool = tempfile::NamedTempFile::new().map_err(|error| go_text(&error))?;
    download(url, spool.path(), skip_verify)?;
    fs::create_dir_all(destination).map_err(|error| go_text(&error))?;
    let arguments =
        [OsStr::new("-q"), OsStr::new("-o"), spool.path().as_os_str(), OsStr::new("-d"), destination.as_os_str()];
    match Command::new("unzip").args(arguments).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => {
            spool.path().metadata().map(|file| file.len()).map_err(|error| go_text(&error))
        }
        Ok(status) => Err(format!("unzip: {status}")),
        Err(error) => Err(format!("unzip: {}", go_text(&error))),
    }
}

fn download(url: &SafeUrl, file: &Path, skip_verify: bool) -> Result<(), String> {
    let answer = curl::get(&Get { url: url.reveal(), skip_verify, ..Get::default() }, file)?;
    if answer.status == 200 { Ok(()) } else { Err(format!("status {}", answer.status)) }
}
