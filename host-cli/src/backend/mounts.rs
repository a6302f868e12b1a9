//! Files of this machine that the container is to see: certificates and a key. Each is looked at before anything is made,
//! for an engine mounts an empty directory where it finds nothing.

#![expect(clippy::disallowed_methods, reason = "looks at the files that were named")]

use crate::arguments::FetchOptions;
use crate::failure::Failure;
use crate::plan::fetching::MountedFile;
use crate::plan::filled_folder::Identity;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use shared_model::task::is_root;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// What the heads of all kinds of keys end with: `-----BEGIN PRIVATE KEY-----`, `-----BEGIN EC PRIVATE KEY-----`.
const KEY: &str = "PRIVATE KEY-----";

/// The users where the agent fetches and nothing foreign runs.
pub(crate) const NOBODY: BTreeSet<String> = BTreeSet::new();

/// Of a mode: who may do anything with the file.
const OWNER: u32 = 0o700;
const GROUP: u32 = 0o070;
const OTHERS: u32 = 0o007;

/// vcap's number, its group's too, in every stack.
const VCAP: u32 = 2000;

/// The files that the options name, as the engine can mount them.
pub(crate) fn files(options: &FetchOptions<'_>) -> Result<Vec<MountedFile>, Failure> {
    if options.key.is_some() && options.cert.is_none() {
        let text = "--key is given without --cert";
        return Err(Failure::new(
            ExitCode::CommandLine,
            text,
            "give the certificate that the key belongs to with --cert FILE",
        ));
    }
    let wanted =
        [("--ca", options.ca, CERTIFICATE), ("--cert", options.cert, CERTIFICATE), ("--key", options.key, KEY)];
    let mut files = Vec::new();
    for (option, path, mark) in wanted {
        let Some(path) = path else { continue };
        files.extend(MountedFile::of(option, looked_at(option, path, mark)?));
    }
    if let (Some(both), false) = (cert_of(&files), files.iter().any(is_key)) {
        // The agent looks for the key beside the certificate then.
        looked_at("--cert", &both.host, KEY)?;
    }
    Ok(files)
}

/// The certificates in the file of `--ca`, a file's name and its PEM each; empty where it was not given.
pub(crate) fn authorities(path: Option<&Path>) -> Result<Vec<(String, String)>, Failure> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let wrong = |why: String| {
        let text = format!("--ca {}: {why}", escape_control(&path.to_string_lossy()));
        Failure::new(ExitCode::CommandLine, text, "name a file with certificates in PEM")
    };
    let (found, bad) = tls_trust::certificates(&fs::read(path).map_err(|error| wrong(error.to_string()))?);
    match (found.is_empty(), bad.is_empty()) {
        (_, false) => Err(wrong(tls_trust::listed(&bad))),
        (true, true) => Err(wrong("no certificate in it".to_owned())),
        (false, true) => Ok(tls_trust::each_in_a_file(&found)),
    }
}

/// The identity in the files of `--instance-cert` and `--instance-key`; `None` where neither was given.
pub(crate) fn identity(certificate: Option<&Path>, key: Option<&Path>) -> Result<Option<Identity>, Failure> {
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => {
            let text = "--instance-cert and --instance-key belong together, and one is missing";
            return Err(Failure::new(ExitCode::CommandLine, text, "give both, or leave both out"));
        }
    };
    let read = |option, path: &Path, mark| {
        let path = looked_at(option, path, mark)?;
        fs::read(&path).map_err(|error| {
            let text = format!("{option} {}: {error}", escape_control(&path.to_string_lossy()));
            Failure::new(ExitCode::CommandLine, text, "name a file that you may read")
        })
    };
    Ok(Some(Identity {
        certificate: read("--instance-cert", certificate, CERTIFICATE)?,
        key: Secret::new(read("--instance-key", key, KEY)?),
    }))
}

/// No program that runs as one of `users` where the files are mounted can read the private key among them.
pub(crate) fn closed(files: &[MountedFile], users: &BTreeSet<String>) -> Result<(), Failure> {
    let key = files.iter().find(|file| is_key(file)).or_else(|| cert_of(files));
    key.map_or(Ok(()), |key| closed_to(key, users))
}

fn is_key(file: &MountedFile) -> bool {
    file.option == "--key"
}

fn cert_of(files: &[MountedFile]) -> Option<&MountedFile> {
    files.iter().find(|file| file.option == "--cert")
}

/// The file's absolute path; it holds `mark`.
fn looked_at(option: &str, path: &Path, mark: &str) -> Result<PathBuf, Failure> {
    let wrong = |why: String| {
        let text = format!("{option} {}: {why}", escape_control(&path.to_string_lossy()));
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

/// No foreign program can read the key: in the container the file keeps its owner, its group and its mode.
fn closed_to(key: &MountedFile, users: &BTreeSet<String>) -> Result<(), Failure> {
    let file = key.host.to_string_lossy();
    let open = |why: &str, advice: &str| {
        let text = format!("{} {}: {why}, so the app's buildpacks could", key.option, escape_control(&file));
        Err(Failure::new(ExitCode::CommandLine, text, advice))
    };
    let Ok(metadata) = fs::metadata(&key.host) else { return open("nobody can tell who may read the key", "") };
    let (mode, uid, gid) = (metadata.mode(), metadata.uid(), metadata.gid());
    if mode & OTHERS != 0 {
        return open("everybody can read the key", "`chmod o= FILE` closes it");
    }
    for user in users {
        if is_root(user) {
            let why = "the request runs a program as root, who can read the key";
            return open(why, "stage it without the key; a request runs as root only where its app's image does");
        }
        let by_owner = mode & OWNER != 0 && may_be_owner(user, uid);
        let by_group = mode & GROUP != 0 && may_be_group(user, gid);
        if by_owner || by_group {
            let why = format!("{}, as whom the request runs programs, can read the key", escape_control(user));
            return open(&why, "`chown root: FILE` and `chmod 400 FILE` close it");
        }
    }
    Ok(())
}

/// Whether the user's id may be this one: known where the request says it in numbers, or says vcap. Who else a name is, only
/// the container knows; it is not root.
fn may_be_owner(user: &str, uid: u32) -> bool {
    number(user, 0).map_or(uid != 0, |known| known == uid)
}

/// As [`may_be_owner`] of the user's group; which one that is where nobody says it, root's too, only the container knows.
fn may_be_group(user: &str, gid: u32) -> bool {
    number(user, 1).is_none_or(|known| known == gid)
}

/// What stands in `UID[:GID]`, by its place.
fn number(user: &str, part: usize) -> Option<u32> {
    if user == "vcap" { Some(VCAP) } else { user.split(':').nth(part)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::name_resolution::NameResolution;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::NamedTempFile;

    /// As for a request whose programs run as vcap.
    fn mounted(options: &FetchOptions<'_>) -> Result<Vec<MountedFile>, Failure> {
        let found = files(options)?;
        closed(&found, &BTreeSet::from(["vcap".to_owned()])).map(|()| found)
    }

    fn options() -> FetchOptions<'static> {
        FetchOptions {
            network: "hcf",
            names: NameResolution::default(),
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
        let refused = |path: &Path| mounted(&FetchOptions { ca: Some(path), ..options() }).unwrap_err();
        assert!(refused(Path::new("/nowhere/ca.pem")).text.starts_with("--ca /nowhere/ca.pem: "));
        assert!(refused(file("").path()).text.ends_with("no certificate in it"));
        assert_eq!(refused(file("").path()).code, ExitCode::CommandLine);
        let ca = file("-----BEGIN CERTIFICATE-----\n");
        let found = mounted(&FetchOptions { ca: Some(ca.path()), ..options() }).unwrap();
        assert_eq!((found[0].option, &found[0].host), ("--ca", &ca.path().canonicalize().unwrap()));

        let folder = tempfile::tempdir().unwrap();
        let colon = folder.path().join("a:b.pem");
        fs::copy(ca.path(), &colon).unwrap();
        assert!(refused(&colon).text.contains("colon"));
    }

    #[test]
    fn an_identity_is_a_certificate_and_a_key() {
        let (cert, key) = (file("-----BEGIN CERTIFICATE-----\n"), file("-----BEGIN RSA PRIVATE KEY-----\n"));
        assert_eq!(identity(None, None).unwrap(), None);
        assert!(identity(Some(cert.path()), Some(key.path())).unwrap().is_some());
        for (cert, key, why) in [
            (Some(cert.path()), None, "belong together"),
            (None, Some(key.path()), "belong together"),
            (Some(cert.path()), Some(cert.path()), "no private key in it"),
            (Some(key.path()), Some(key.path()), "no certificate in it"),
            (Some(cert.path()), Some(Path::new("/no/such")), "--instance-key /no/such: "),
        ] {
            let failure = identity(cert, key).unwrap_err();
            assert!(failure.text.contains(why) && failure.code == ExitCode::CommandLine, "{}", failure.text);
        }
    }

    #[test]
    fn a_client_certificate_comes_with_its_key_and_the_key_is_nobody_elses() {
        const CERT: &str = "-----BEGIN CERTIFICATE-----\n";
        const PRIVATE: &str = "-----BEGIN EC PRIVATE KEY-----\n";
        let (cert, key, both) = (file(CERT), file(PRIVATE), file(&[CERT, PRIVATE].concat()));
        let with = |cert, key| mounted(&FetchOptions { cert, key, ..options() });
        for (cert, key, why) in [
            (None, Some(key.path()), "--key is given without --cert"),
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

    #[test]
    fn a_key_is_refused_that_a_program_of_the_request_could_read() {
        let (root, vcap, other) = (0, 2000, 1000);
        for (user, uid, gid, mode, may) in [
            ("vcap", root, root, 0o640, false),
            ("vcap", other, other, 0o440, false),
            ("vcap", vcap, root, 0o600, true),
            ("vcap", root, vcap, 0o640, true),
            ("vcap", root, vcap, 0o600, false),
            ("vcap", vcap, root, 0o040, false),
            ("2000:100", root, 100, 0o640, true),
            ("2000", root, 100, 0o640, true),
            ("somebody", other, root, 0o400, true),
            ("somebody", root, root, 0o440, true),
            ("somebody", root, root, 0o400, false),
            ("77", root, root, 0o640, true),
            ("77", root, root, 0o600, false),
            ("2000:42", root, 42, 0o640, true),
        ] {
            let by_owner = mode & OWNER != 0 && may_be_owner(user, uid);
            let by_group = mode & GROUP != 0 && may_be_group(user, gid);
            assert_eq!(by_owner || by_group, may, "{user} {uid}:{gid} {mode:o}");
        }
        let key = file("-----BEGIN EC PRIVATE KEY-----\n");
        let mounted = MountedFile { option: "--key", host: key.path().to_owned(), container: "/k" };
        for user in ["root", "0:0"] {
            let refused = closed_to(&mounted, &BTreeSet::from(["vcap", user].map(str::to_owned))).unwrap_err();
            assert!(refused.text.contains("as root"), "{}", refused.text);
        }
    }
}
