//! Files of this machine that the container is to see: certificates and a key. Each is looked at before anything is made,
//! for an engine mounts an empty directory where it finds nothing.

#![expect(clippy::disallowed_methods, reason = "looks at the files that were named")]

use crate::arguments::FetchOptions;
use crate::failure::Failure;
use crate::plan::fetching::MountedFile;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// What the heads of all kinds of keys end with: `-----BEGIN PRIVATE KEY-----`, `-----BEGIN EC PRIVATE KEY-----`.
const KEY: &str = "PRIVATE KEY-----";

/// The files that the options name, as the engine can mount them.
pub(crate) fn files(options: &FetchOptions<'_>) -> Result<Vec<MountedFile>, Failure> {
    if options.key.is_some() && options.cert.is_none() {
        let text = "--key is of no use without the client certificate that it belongs to";
        return Err(Failure::new(ExitCode::CommandLine, text, "name it with --cert"));
    }
    let wanted = [
        ("--ca", options.ca, CERTIFICATE, "/etc/stager/ca.pem"),
        ("--cert", options.cert, CERTIFICATE, "/etc/stager/cert.pem"),
        ("--key", options.key, KEY, "/etc/stager/key.pem"),
    ];
    let mut files = Vec::new();
    for (option, path, mark, container) in wanted {
        let Some(path) = path else { continue };
        let host = looked_at(option, path, mark)?;
        files.push(MountedFile { option, host, container });
    }
    let cert = files.iter().find(|file| file.option == "--cert");
    match files.iter().find(|file| file.option == "--key").or(cert) {
        None => {}
        Some(key) if key.option == "--key" => closed_to_others(key)?,
        // The agent looks for the key beside the certificate then.
        Some(both) => {
            looked_at("--cert", &both.host, KEY)?;
            closed_to_others(both)?;
        }
    }
    Ok(files)
}

/// The file's absolute path; it holds `mark`.
fn looked_at(option: &str, path: &Path, mark: &str) -> Result<PathBuf, Failure> {
    let wrong = |why: String| {
        let text = format!("{option} {}: {why}", visible(&path.to_string_lossy()));
        let what = if mark == KEY { "a file with a private key" } else { "a file with certificates" };
        Failure::new(ExitCode::CommandLine, text, format!("name {what} in PEM"))
    };
    let absolute = fs::canonicalize(path).map_err(|error| wrong(error.to_string()))?;
    let bytes = fs::read(&absolute).map_err(|error| wrong(error.to_string()))?;
    if !String::from_utf8_lossy(&bytes).contains(mark) {
        return Err(wrong(format!("no {} in it", if mark == KEY { "private key" } else { "certificate" })));
    }
    if absolute.to_str().is_none_or(|text| text.contains(':')) {
        return Err(wrong("a path with a colon or with bytes that are no text cannot be mounted".to_owned()));
    }
    Ok(absolute)
}

/// In the container buildpacks run as a user of their own, who is one of the others.
fn closed_to_others(key: &MountedFile) -> Result<(), Failure> {
    const OTHERS: u32 = 0o007;
    let mode = fs::metadata(&key.host).map_or(OTHERS, |metadata| metadata.permissions().mode());
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let file = key.host.to_string_lossy();
    let text = format!("{} {}: everybody can read the key, so the app's buildpacks could", key.option, visible(&file));
    Err(Failure::new(ExitCode::CommandLine, text, "`chmod o= FILE` closes it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use tempfile::NamedTempFile;

    fn options() -> FetchOptions<'static> {
        FetchOptions {
            network: "hcf",
            stager_image: "stager",
            ca: None,
            cert: None,
            key: None,
            cache_volume: None,
            cache_limit: None,
        }
    }

    fn file(text: &str) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap(); // mode 0600
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn certificates_must_be_there_and_be_certificates() {
        let refused = |path: &Path| files(&FetchOptions { ca: Some(path), ..options() }).unwrap_err();
        assert!(refused(Path::new("/nowhere/ca.pem")).text.starts_with("--ca /nowhere/ca.pem: "));
        assert!(refused(file("").path()).text.ends_with("no certificate in it"));
        assert_eq!(refused(file("").path()).code, ExitCode::CommandLine);
        let ca = file("-----BEGIN CERTIFICATE-----\n");
        let found = files(&FetchOptions { ca: Some(ca.path()), ..options() }).unwrap();
        assert_eq!((found[0].option, &found[0].host), ("--ca", &ca.path().canonicalize().unwrap()));

        let folder = tempfile::tempdir().unwrap();
        let colon = folder.path().join("a:b.pem");
        fs::copy(ca.path(), &colon).unwrap();
        assert!(refused(&colon).text.contains("colon"));
    }

    #[test]
    fn a_client_certificate_comes_with_its_key_and_the_key_is_nobody_elses() {
        const CERT: &str = "-----BEGIN CERTIFICATE-----\n";
        const PRIVATE: &str = "-----BEGIN EC PRIVATE KEY-----\n";
        let (cert, key, both) = (file(CERT), file(PRIVATE), file(&[CERT, PRIVATE].concat()));
        let with = |cert, key| files(&FetchOptions { cert, key, ..options() });
        for (cert, key, why) in [
            (None, Some(key.path()), "of no use without the client certificate"),
            (Some(cert.path()), None, "no private key in it"),
            (Some(cert.path()), Some(cert.path()), "no private key in it"),
            (Some(key.path()), Some(key.path()), "no certificate in it"),
        ] {
            let text = with(cert, key).unwrap_err().text;
            assert!(text.contains(why), "{text}");
        }
        let places = |found: Vec<MountedFile>| found.into_iter().map(|file| file.container).collect::<Vec<_>>();
        let found = with(Some(cert.path()), Some(key.path())).unwrap();
        assert_eq!(places(found), ["/etc/stager/cert.pem", "/etc/stager/key.pem"]);
        assert_eq!(places(with(Some(both.path()), None).unwrap()), ["/etc/stager/cert.pem"]);
        for open in [&key, &both] {
            fs::set_permissions(open.path(), fs::Permissions::from_mode(0o604)).unwrap();
        }
        assert!(with(Some(cert.path()), Some(key.path())).unwrap_err().text.contains("everybody can read the key"));
        assert!(with(Some(both.path()), None).unwrap_err().text.contains("everybody can read the key"));
    }
}
