//! Whom a registry is believed and what it is shown, where docker and Podman have that too: `certs.d/HOST[:PORT]` with
//! `*.crt`, `NAME.cert` and `NAME.key`.

#![expect(clippy::disallowed_methods, reason = "the leaf that lists folders of certificates")]

use http_client::{OwnCertificate, Trust, Verify};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Whose folders are looked into, the first that has one.
const SYSTEM: [&str; 2] = ["/etc/docker/certs.d", "/etc/containers/certs.d"];
/// Those of a user, below `HOME`.
const OF_USER: [&str; 3] = [".docker/certs.d", ".config/docker/certs.d", ".config/containers/certs.d"];

/// Who is believed for `registry` (`HOST[:PORT]`), and what is shown to it: what its folder says, and `ca`.
pub(super) fn trust(registry: &str, ca: Option<&Path>) -> Trust {
    let home = env::var_os("HOME").map(PathBuf::from);
    let of_user = home.iter().flat_map(|home| OF_USER.iter().map(|folder| home.join(folder)));
    trust_of(of_user.chain(SYSTEM.iter().map(PathBuf::from)), registry, ca)
}

fn trust_of(folders: impl Iterator<Item = PathBuf>, registry: &str, ca: Option<&Path>) -> Trust {
    let mut files: Vec<PathBuf> = ca.map(Path::to_owned).into_iter().collect();
    let mut own = None;
    for folder in folders.map(|folder| folder.join(registry)) {
        let found = listed(&folder);
        files.extend(found.iter().filter(|path| path.extension().is_some_and(|end| end == "crt")).cloned());
        let certificate = found.iter().find(|path| path.extension().is_some_and(|end| end == "cert"));
        own = own.or_else(|| {
            let certificate = certificate?.clone();
            Some(OwnCertificate { key: Some(certificate.with_extension("key")), certificate })
        });
    }
    Trust { files, folder: None, verify: Verify::Yes, own }
}

/// The files of a folder in the order of their names; none where there is no such folder, or it may not be read.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_and_a_client_certificate_are_found_under_the_registrys_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let of = |registry: &str| folder.path().join(registry);
        fs::create_dir_all(of("r.io:5000")).unwrap();
        for file in ["ca.crt", "other.crt", "client.cert", "client.key", "notes.txt"] {
            fs::write(of("r.io:5000").join(file), "").unwrap();
        }
        let typed = Path::new("/typed.pem");
        let found = |registry| trust_of([folder.path().to_owned()].into_iter(), registry, Some(typed));
        let here = found("r.io:5000");
        let in_folder = |name: &str| of("r.io:5000").join(name);
        assert_eq!(here.files, [typed.to_owned(), in_folder("ca.crt"), in_folder("other.crt")]);
        let own = OwnCertificate { certificate: in_folder("client.cert"), key: Some(in_folder("client.key")) };
        assert_eq!((here.own, here.verify), (Some(own), Verify::Yes));
        let elsewhere = found("r.io");
        assert_eq!((elsewhere.files, elsewhere.own), (vec![typed.to_owned()], None));
    }

    #[test]
    fn of_several_folders_all_authorities_count_and_the_first_client_certificate() {
        let (of_user, of_system) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |folder: &tempfile::TempDir, name: &str| folder.path().join("r.io").join(name);
        for (folder, names) in [(&of_user, &["b.crt", "b.cert"]), (&of_system, &["a.crt", "a.cert"])] {
            fs::create_dir_all(folder.path().join("r.io/folder.crt")).unwrap();
            for name in names {
                fs::write(at(folder, name), "").unwrap();
            }
        }
        let folders = [of_user.path(), Path::new("/no-such-folder"), of_system.path()].map(Path::to_owned);
        let found = trust_of(folders.into_iter(), "r.io", None);
        assert_eq!(found.files, [at(&of_user, "b.crt"), at(&of_system, "a.crt")]);
        let key = Some(at(&of_user, "b.key"));
        assert_eq!(
            found.own,
            Some(OwnCertificate { certificate: at(&of_user, "b.cert"), key }),
            "its key must be beside it"
        );
    }
}
