//! Fetches buildpacks that are named by a URL: a zip is downloaded and unpacked, everything else cloned with git.
//! Such a URL may hold a password, so it is shown without userinfo and query; the real builder shows all of it.

use super::BuildFailure;
use super::Staging;
use super::buildpack::go_text;
use super::settings::is_url;
use shared_model::safe_url::SafeUrl;
use shared_model::size::bytes;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const DOWNLOAD_SECONDS: &str = "600"; // the real builder's

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

/// By the stack's curl: a static program cannot rely on resolving names in a stack of another libc, and the stack has
/// the certificates. curl reads the URL from its stdin, since everybody can read a command line.
fn download(url: &SafeUrl, file: &Path, skip_verify: bool) -> Result<(), String> {
    if url.reveal().chars().any(char::is_control) {
        return Err("the URL holds control characters".to_owned());
    }
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--location", "--proto", "=http,https", "--max-time", DOWNLOAD_SECONDS]);
    curl.args(["--write-out", "%{http_code}", "--config", "-", "--output"]).arg(file);
    curl.args(skip_verify.then_some("--insecure"));
    let curl = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut curl = curl.map_err(|error| format!("curl: {}", go_text(&error)))?;
    let quoted = url.reveal().replace('\\', "\\\\").replace('"', "\\\"");
    if let Some(mut stdin) = curl.stdin.take() {
        // When curl is gone already, its exit status says more than the broken pipe.
        let _ = writeln!(stdin, "url = \"{quoted}\"");
    }
    let ended = curl.wait_with_output().map_err(|error| go_text(&error))?;
    match String::from_utf8_lossy(&ended.stdout).as_ref() {
        "200" if ended.status.success() => Ok(()),
        "" | "000" | "200" => Err(format!("curl: {}", ended.status)),
        code => Err(format!("status {code}")),
    }
}
