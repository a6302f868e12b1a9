//! What Diego would mount into the container for the programs of a request: the files of service bindings, and the authorities
//! that the cells trust. An instance identity comes from outside; the programs are told of it.
#![expect(clippy::disallowed_methods, reason = "looks whether an identity is there")]

use crate::causes::with_causes;
use crate::dependencies::meets;
use crate::placed_files::{PlaceError, PlacedFiles, are_there};
use crate::plan::StagingPlan;
use crate::session::scope::Scope;
use http_client::{ClientError, Trust};
use shared_model::environment::{EnvironmentVariable, merge};
use shared_model::event::Event;
use shared_model::mounted_file::{IDENTITY_FILES, SERVICE_BINDINGS, SYSTEM_CERTIFICATES_VARIABLE};
use std::path::Path;

/// The request's files, where its programs find them; `None`: it has none, or an agent that was killed in this container left
/// just these.
///
/// # Errors
/// They cannot be written.
pub(crate) fn bindings(plan: &StagingPlan) -> Result<Option<PlacedFiles>, PlaceError> {
    bindings_in(Path::new(SERVICE_BINDINGS), plan)
}

fn bindings_in(folder: &Path, plan: &StagingPlan) -> Result<Option<PlacedFiles>, PlaceError> {
    if plan.mounted_files.is_empty() {
        return Ok(None);
    }
    let files = || plan.mounted_files.iter().map(|file| (file.path.as_str(), file.content.reveal().as_bytes()));
    match PlacedFiles::write(folder, files()) {
        Err(PlaceError::NotEmpty { .. }) if are_there(folder, files()) => Ok(None),
        placed => placed.map(Some),
    }
}

/// The authorities that the user names, in the folder that the request names, which the programs are told of; `None`: there
/// is no folder or no authority, or somebody has filled the folder already. A staging goes on without them, as where they would
/// come in the way of one of `caches`, the caches' folders: then it says so.
///
/// # Errors
/// A file with authorities cannot be used.
pub(crate) fn authorities(
    plan: &mut StagingPlan,
    trust: &Trust,
    caches: &[&Path],
    scope: &Scope,
) -> Result<Option<PlacedFiles>, ClientError> {
    let authorities = trust.authorities()?;
    let Some(folder) = plan.certificates.as_deref().filter(|_| !authorities.is_empty()) else { return Ok(None) };
    let warn = |why: &str| {
        scope.emit(Event::Warning { text: format!("the buildpacks do not get the authorities of --ca: {why}") });
        Ok(None)
    };
    if meets(folder, caches) {
        return warn(&format!("the request wants them where a cache is, in {}", folder.display()));
    }
    let files = authorities.iter().map(|(name, pem)| (name.as_str(), pem.as_bytes()));
    let placed = match PlacedFiles::write(folder, files) {
        Ok(placed) => Some(placed),
        // Mounted by the user: `docker run -v`.
        Err(PlaceError::NotEmpty { .. }) => None,
        Err(error) => return warn(&with_causes(&error)),
    };
    let told = EnvironmentVariable::new(SYSTEM_CERTIFICATES_VARIABLE, folder.to_string_lossy().into_owned());
    plan.environment = merge([&plan.environment, &[told][..]]);
    Ok(placed)
}

/// Tells the programs of the instance identity in `folder`, if its certificate and its key are there.
pub(crate) fn identity(plan: &mut StagingPlan, folder: &Path) {
    let files = IDENTITY_FILES.map(|(name, file)| (name, folder.join(file)));
    if files.iter().all(|(_, path)| path.is_file()) {
        let told = files.map(|(name, path)| EnvironmentVariable::new(name, path.to_string_lossy().into_owned()));
        plan.environment = merge([&plan.environment, &told[..]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::loopback::Audience;
    use crate::plan::plan;
    use crate::session::scope::Stop;
    use http_client::Verify;
    use shared_model::environment::value_of;
    use shared_model::secret::Secret;
    use shared_model::task::TaskDefinition;
    use std::fs;

    /// What the programs are told, with these files of `--ca` and this folder of the request.
    fn told(ca: &Path, folder: &Path) -> (Option<String>, Option<PlacedFiles>, usize) {
        let action = serde_json::from_str(r#"{"run":{"path":"/b","user":"vcap"}}"#).unwrap();
        let trusted_system_certificates_path = Some(folder.display().to_string());
        let task =
            TaskDefinition { action: Some(action), trusted_system_certificates_path, ..TaskDefinition::default() };
        let mut plan = plan(task).unwrap();
        let files = if ca.exists() { vec![ca.to_owned()] } else { Vec::new() };
        let trust = Trust { files, folder: None, verify: Verify::Yes, own: None };
        let cache = ca.with_file_name("cache");
        let (audience, stop) = (Audience::default(), Stop::default());
        let placed = authorities(&mut plan, &trust, &[&cache], &Scope::new(&audience, "STG", &stop)).unwrap();
        let warnings = audience.heard().len();
        (value_of(&plan.environment, "CF_SYSTEM_CERT_PATH").map(str::to_owned), placed, warnings)
    }

    #[test]
    fn an_identity_is_told_of_where_certificate_and_key_are_there() {
        let place = tempfile::tempdir().unwrap();
        let action = serde_json::from_str(r#"{"run":{"path":"/b","user":"vcap"}}"#).unwrap();
        let mut plan = plan(TaskDefinition { action: Some(action), ..TaskDefinition::default() }).unwrap();
        fs::write(place.path().join("instance.crt"), "").unwrap();
        identity(&mut plan, place.path());
        assert_eq!(plan.environment, []);
        fs::write(place.path().join("instance.key"), "").unwrap();
        identity(&mut plan, place.path());
        let key = place.path().join("instance.key");
        assert_eq!(value_of(&plan.environment, "CF_INSTANCE_KEY"), key.to_str());
        assert!(value_of(&plan.environment, "CF_INSTANCE_CERT").is_some());
    }

    #[test]
    fn authorities_are_laid_into_the_folder_that_the_programs_are_told_of() {
        let place = tempfile::tempdir().unwrap();
        let (ca, folder) = (place.path().join("ca.pem"), place.path().join("certificates"));
        assert!(matches!(told(&ca, &folder), (None, None, 0)));
        let pem = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem();
        fs::write(&ca, pem.repeat(2)).unwrap();
        let (at, placed, warnings) = told(&ca, &folder);
        assert_eq!((at.as_deref(), warnings), (folder.to_str(), 0));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        drop(placed);
        assert!(!folder.exists());
    }

    #[test]
    fn a_folder_that_somebody_filled_stays_as_it_is_and_one_that_cannot_be_made_is_warned_of() {
        let place = tempfile::tempdir().unwrap();
        let ca = place.path().join("ca.crt");
        fs::write(&ca, rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem()).unwrap();
        let folder = place.path().join("certificates");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("own"), "").unwrap();
        let (at, placed, warnings) = told(&ca, &folder);
        assert!(at.as_deref() == folder.to_str() && placed.is_none() && warnings == 0);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert!(matches!(told(&ca, &place.path().join("no/such")), (None, None, 1)));
    }

    #[test]
    fn nothing_is_laid_at_in_or_above_a_cache_and_that_is_warned_of() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::write(path("ca.pem"), rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem()).unwrap();
        let is_refused = |folder: &str| matches!(told(&path("ca.pem"), &path(folder)), (None, None, 1));
        assert!(is_refused("cache"), "before there is one");
        fs::create_dir(path("cache")).unwrap();
        std::os::unix::fs::symlink("cache", path("link")).unwrap();
        for folder in ["cache", "cache/certificates", "link/certificates", ""] {
            assert!(is_refused(folder), "{folder}");
        }
        assert_eq!(fs::read_dir(path("cache")).unwrap().count(), 0);
        assert!(matches!(told(&path("ca.pem"), &path("cache2")), (Some(_), Some(_), 0)));
    }

    #[test]
    fn bindings_that_a_killed_agent_left_are_taken_and_others_are_not() {
        let place = tempfile::tempdir().unwrap();
        let request = r#"{"action":{"run":{"path":"/b","user":"vcap"}},"volume_mounted_files":[{"path":"db/uri","content":"x"}]}"#;
        let mut plan = plan(serde_json::from_str(request).unwrap()).unwrap();
        let folder = place.path().join("bindings");
        std::mem::forget(bindings_in(&folder, &plan).unwrap().unwrap());
        assert!(bindings_in(&folder, &plan).unwrap().is_none());
        assert_eq!(fs::read_to_string(folder.join("db/uri")).unwrap(), "x");
        plan.mounted_files[0].content = Secret::new("y".to_owned());
        assert!(matches!(bindings_in(&folder, &plan), Err(PlaceError::NotEmpty { .. })));
    }
}
