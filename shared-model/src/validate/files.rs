//! The files that a request wants mounted: each path leads below the folder, and no two exclude each other. No error quotes
//! a content. And the folder that it wants certificates in.

use super::shape::shown_key;
use super::validation_error::ValidationError;
use crate::mounted_file::MountedFile;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of all paths and contents. Cloud Controller sends 1 MB at most.
const MOST_BYTES: usize = 1 << 20;
/// Bytes of a name between slashes. Linux: `NAME_MAX`.
const LONGEST_NAME: usize = 255;
/// Bytes of a path; below Linux's `PATH_MAX` with the folder in front.
const LONGEST_PATH: usize = 4000;
/// Names of a path: each folder costs more than the bytes that name it, in an archive as on a disk. A binding's has two.
const MOST_NAMES: usize = 8;
/// More than anybody reads; also bounds the work on a hostile request.
const MOST_ERRORS: usize = 20;

const FIELD: &str = "volume_mounted_files";
const ADVICE: &str = "give the service binding another name (`cf bind-service --binding-name`), or turn the app's feature off that asks for \
     files";

/// What is wrong with `files`; empty where nothing is.
pub(super) fn of_files(files: &[MountedFile]) -> Vec<ValidationError> {
    let bytes: usize = files.iter().map(|file| file.path.len() + file.content.reveal().len()).sum();
    if bytes > MOST_BYTES {
        return vec![ValidationError::new(FIELD, format!("{bytes} bytes together, over 1 MiB"))];
    }
    let mut first = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for (index, MountedFile { path, .. }) in files.iter().enumerate() {
        first.entry(path.as_str()).or_insert(index);
        folders.extend(path.match_indices('/').take(MOST_NAMES).map(|(at, _)| &path[..at]));
    }
    let wrong = |(index, file): (usize, &MountedFile)| {
        let path = file.path.as_str();
        let is_twice = || (first.get(path) != Some(&index)).then_some("is the name of another file too");
        let is_folder = || folders.contains(path).then_some("is the folder of another file too");
        let is_deep = || (path.split('/').count() > MOST_NAMES).then_some("has more than 8 names");
        let why = leads_elsewhere(path).or_else(is_deep).or_else(is_twice).or_else(is_folder)?;
        let text = format!("the path {} {why}", shown_key(path));
        Some(ValidationError { path: format!("{FIELD}[{index}]"), text, advice: Some(ADVICE) })
    };
    files.iter().enumerate().filter_map(wrong).take(MOST_ERRORS).collect()
}

/// What is wrong with the folder that certificates are to be in; `None` where nothing is, or no folder is named.
pub(super) fn of_certificates(path: Option<&str>) -> Option<ValidationError> {
    let path = path.filter(|path| !path.is_empty())?;
    let below = path.strip_prefix('/').map(|below| below.strip_suffix('/').unwrap_or(below));
    let why = match below {
        None => Some("is not absolute"),
        Some("") => Some("is the root of all"),
        Some(below) if below.starts_with('/') => Some("has an empty name"),
        Some(below) => leads_elsewhere(below),
    }?;
    Some(ValidationError::new("trusted_system_certificates_path", format!("the path {why}")))
}

/// Why a path is none of a file below a folder; `None` where it is.
fn leads_elsewhere(path: &str) -> Option<&'static str> {
    let has = |wrong: fn(&str) -> bool| path.split('/').any(wrong);
    match () {
        () if path.is_empty() => Some("is empty"),
        () if path.contains('\0') => Some("has a NUL character"),
        () if path.starts_with('/') => Some("is absolute"),
        () if path.len() > LONGEST_PATH => Some("is longer than 4000 bytes"),
        () if has(|name| name == "." || name == "..") => Some("has `.` or `..` as a name"),
        () if has(str::is_empty) => Some("has an empty name"),
        () if has(|name| name.len() > LONGEST_NAME) => Some("has a name longer than 255 bytes"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{desired_lrp, task};
    use super::of_certificates;
    use serde_json::{Value, json};

    fn request(files: &Value) -> String {
        let action = json!({"run": {"path": "/bin/true", "user": "vcap"}});
        json!({"rootfs": "preloaded:x", "process_guid": "p", "action": action, "volume_mounted_files": files})
            .to_string()
    }

    /// What is wrong with it as a launch, and as a staging.
    fn errors(files: &Value) -> String {
        let launch = request(files);
        let errors = desired_lrp(&launch).map_or_else(|errors| errors.to_string(), |_| String::new());
        let staging = task(&launch.replace("\"process_guid\":\"p\",", ""));
        assert_eq!(errors, staging.map_or_else(|errors| errors.to_string(), |_| String::new()));
        errors
    }

    fn of_paths(paths: &[&str]) -> String {
        let file = |path: &&str| json!({"path": path, "content": "SECRET"});
        let errors = errors(&json!(paths.iter().map(file).collect::<Vec<_>>()));
        assert!(!errors.contains("SECRET"), "{errors}");
        errors
    }

    #[test]
    fn files_of_bindings_are_taken_and_so_are_none() {
        assert_eq!(of_paths(&["vcap_services"]), "");
        assert_eq!(of_paths(&["db/uri", "db/user name", "db.2/uri", "..db/a..b", "db2", "a/b/c/d/e/f/g/h"]), "");
        assert_eq!(errors(&json!(null)) + &errors(&json!([])) + &errors(&json!([{"path": "a"}])), "");
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_named() {
        for (path, why) in [
            ("", r#"the path "" is empty"#),
            ("/etc/passwd", r#"the path "/etc/passwd" is absolute"#),
            ("../passwd", r#"the path "../passwd" has `.` or `..` as a name"#),
            ("db/..", r#"the path "db/.." has `.` or `..` as a name"#),
            ("./db", r#"the path "./db" has `.` or `..` as a name"#),
            ("db//uri", r#"the path "db//uri" has an empty name"#),
            ("db/", r#"the path "db/" has an empty name"#),
            ("d\0b", r#"the path "d\0b" has a NUL character"#),
            ("\u{1b}[2J/../x", r#"the path "\u{1b}[2J/../x" has"#),
            (&"n".repeat(256), "has a name longer than 255 bytes"),
            (&"n/".repeat(2500), "is longer than 4000 bytes"),
            ("a/b/c/d/e/f/g/h/i", r#"the path "a/b/c/d/e/f/g/h/i" has more than 8 names"#),
        ] {
            let errors = of_paths(&["db/uri", path]);
            assert!(errors.starts_with("volume_mounted_files[1]: the path "), "{errors}");
            assert!(errors.contains(why) && errors.len() < 200, "{errors}");
        }
    }

    #[test]
    fn the_folder_of_certificates_is_a_plain_path_from_the_root() {
        let of = |path: &str| of_certificates(Some(path)).map(|error| error.to_string());
        for path in ["", "/etc/cf-system-certificates", "/etc/certificates/", "/..etc", "/a/b/c/d/e/f/g/h/i"] {
            assert_eq!(of(path), None, "{path}");
        }
        for (path, why) in [
            ("certificates", "is not absolute"),
            ("/", "is the root of all"),
            ("//", "is the root of all"),
            ("//etc", "has an empty name"),
            ("/etc//certificates", "has an empty name"),
            ("/etc/../var", "has `.` or `..` as a name"),
            ("/etc/.", "has `.` or `..` as a name"),
            ("/e\0tc", "has a NUL character"),
            (&format!("/{}", "n".repeat(256)), "has a name longer than 255 bytes"),
            (&"/n".repeat(2500), "is longer than 4000 bytes"),
        ] {
            assert_eq!(of(path), Some(format!("trusted_system_certificates_path: the path {why}")));
        }
        let launch = request(&json!([])).replacen('{', r#"{"trusted_system_certificates_path":"x","#, 1);
        let staging = launch.replace("\"process_guid\":\"p\",", "");
        for errors in [desired_lrp(&launch).unwrap_err(), task(&staging).unwrap_err()] {
            assert_eq!(errors.to_string(), "trusted_system_certificates_path: the path is not absolute");
        }
    }

    #[test]
    fn a_path_of_a_million_names_is_refused_at_once() {
        let begun = std::time::Instant::now();
        assert!(of_paths(&[&"n/".repeat(500_000)]).contains("longer than 4000 bytes"));
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    }

    #[test]
    fn two_files_that_exclude_each_other_are_named() {
        let twice = r#"volume_mounted_files[2]: the path "db/uri" is the name of another file too"#;
        assert_eq!(of_paths(&["db/uri", "db/user", "db/uri"]), twice);
        let folder =
            |index| format!(r#"volume_mounted_files[{index}]: the path "db" is the folder of another file too"#);
        assert_eq!(of_paths(&["db", "db/uri"]), folder(0));
        assert_eq!(of_paths(&["db/a/b/uri", "db"]), folder(1));
    }

    #[test]
    fn files_that_are_too_large_together_are_refused_and_of_many_errors_some_are_said() {
        let large = json!({"path": "a", "content": "x".repeat(600_000)});
        assert_eq!(errors(&json!([large])), "");
        let two = errors(&json!([large, {"path": "b", "content": "x".repeat(600_000)}]));
        assert_eq!(two, "volume_mounted_files: 1200002 bytes together, over 1 MiB");
        assert_eq!(of_paths(&vec![""; 3000]).lines().count(), 20);
    }

    #[test]
    fn a_content_that_is_no_text_is_said_with_its_place_and_without_its_value() {
        assert_eq!(
            errors(&json!([{"path": "a", "content": 4711}])),
            "volume_mounted_files[0].content: expected a string"
        );
    }
}
