//! A launch request's volumes and the user's folders → what is mounted where. A request says which volumes there are and where
//! they appear; which folder of this machine is one, the user alone says. Pure.

use serde::{Deserialize, Serialize};
use shared_model::lifecycle::Lifecycle;
use shared_model::names::{listed, shortened};
use shared_model::network::VolumeMount;
use shared_model::plain_line::escape_control;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

/// Where the container has what is not the app's: no volume may be there, above it or below it.
const SYSTEM: [&str; 15] = [
    "/.stager",
    "/tmp/lifecycle",
    "/etc",
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr",
    "/boot",
    "/root",
];

/// Of these, where a launch itself may lay what an app looks for.
const SETTINGS: &str = "/etc";

/// The app, which no volume may hide; one below it is the app's own wish. The same holds of what else a droplet brings.
const APP: &str = "/home/vcap/app";
/// Below it are a droplet's folders.
const HOME: &str = "/home/vcap";

/// A folder that was typed for a volume: `ID=DIR`, `ID=DIR:ro`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VolumeMapping {
    /// The volume's id in the request.
    pub(crate) id: String,
    /// A folder of the engine's machine.
    pub(crate) folder: PathBuf,
    /// Whether the app may not write there, whatever the request says.
    pub(crate) read_only: bool,
}

/// What is wrong with a `--volume-map`, or with the volume that it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VolumeError {
    /// Not of the form.
    #[error("use ID=DIR or ID=DIR:ro, without another colon in DIR")]
    Form,
    /// No request has such a volume.
    #[error("--volume-map: the request has no volume {:?}; it has {}", escape_control(id), if known.is_empty() { "none" } else { known })]
    Unknown { id: String, known: String },
    /// Typed more than once.
    #[error("--volume-map: {:?} is given twice", escape_control(.0))]
    Twice(String),
    /// The request wants it where it may not be.
    #[error("--volume-map: the request wants volume {id:?} at {path:?}, {why}")]
    Path { id: String, path: String, why: &'static str },
}

impl FromStr for VolumeMapping {
    type Err = VolumeError;

    fn from_str(typed: &str) -> Result<Self, VolumeError> {
        let (id, folder) = typed.split_once('=').ok_or(VolumeError::Form)?;
        let (folder, read_only) = match folder.strip_suffix(":ro") {
            Some(folder) => (folder, true),
            None => (folder, false),
        };
        // Engines part the folder from the container's path by a colon.
        if id.is_empty() || folder.is_empty() || folder.contains(':') {
            return Err(VolumeError::Form);
        }
        Ok(Self { id: id.to_owned(), folder: folder.into(), read_only })
    }
}

/// What becomes of a request's volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Volumes {
    /// Mounts in the engine's short form.
    pub(super) binds: Vec<String>,
    /// The ids of those that nobody gave a folder for, as they are shown.
    pub(super) unmapped: Vec<String>,
}

impl Volumes {
    /// Of `mounts` for an app of this lifecycle, with the folders that were typed; `own` is where the launch itself has volumes.
    ///
    /// # Errors
    /// One that has a folder is to appear where nothing may be mounted.
    pub(super) fn new(
        mounts: &[VolumeMount],
        typed: &[VolumeMapping],
        lifecycle: Lifecycle,
        own: &[String],
    ) -> Result<Self, VolumeError> {
        let mut volumes = Self::default();
        for mount in mounts {
            let mapping = typed.iter().find(|mapping| mount.volume_id() == Some(&mapping.id));
            let Some(VolumeMapping { id, folder, read_only }) = mapping else {
                volumes.unmapped.push(mount.volume_id().unwrap_or("without an id").to_owned());
                continue;
            };
            let path = mount.path().unwrap_or_default();
            let meets_own = || overlaps(path, own).then_some("where the launch mounts files of its own");
            if let Some(why) = objection(path, lifecycle).or_else(meets_own) {
                let (id, path) = (shortened(&escape_control(id)), shortened(&escape_control(path)));
                return Err(VolumeError::Path { id, path, why });
            }
            let mode = if mount.is_writable() && !read_only { "rw" } else { "ro" };
            volumes.binds.push(format!("{}:{path}:{mode}", folder.display()));
        }
        Ok(volumes)
    }

    /// What is not done, in a few words; `None`: all volumes are mounted, or there are none.
    pub(super) fn not_done(&self) -> Option<String> {
        let count = self.unmapped.len();
        let plural = if count == 1 { "" } else { "s" };
        let ids = listed(&self.unmapped);
        (count > 0).then(|| format!("{count} volume mount{plural} ({ids}: --volume-map ID=DIR mounts a folder)"))
    }
}

/// The ids of those that nobody gave a place for.
pub(super) fn unmapped(volumes: &Volumes) -> &[String] {
    &volumes.unmapped
}

/// The ids of these volumes; one without an id cannot be given a folder.
pub(super) fn ids(mounts: &[VolumeMount]) -> Vec<String> {
    mounts.iter().filter_map(VolumeMount::volume_id).map(str::to_owned).collect()
}

/// All that was typed is for one of the volumes that the requests `have`, and once.
///
/// # Errors
/// It is not.
pub(crate) fn check(typed: &[VolumeMapping], have: &[&String]) -> Result<(), VolumeError> {
    for (at, VolumeMapping { id, .. }) in typed.iter().enumerate() {
        if !have.contains(&id) {
            return Err(VolumeError::Unknown { id: shortened(id), known: escape_control(&listed(have)).into_owned() });
        }
        if typed[..at].iter().any(|earlier| earlier.id == *id) {
            return Err(VolumeError::Twice(shortened(id)));
        }
    }
    Ok(())
}

/// Why no volume may be mounted at a path of an app's container.
fn objection(path: &str, lifecycle: Lifecycle) -> Option<&'static str> {
    objection_but(path, lifecycle, None)
}

/// Why a launch may not lay files of its own there, of which an app finds some below `/etc`.
pub(super) fn objection_to_own(path: &str, lifecycle: Lifecycle) -> Option<&'static str> {
    objection_but(path, lifecycle, Some(SETTINGS))
}

/// Whether a path is one of `others`, above it or below it.
pub(super) fn overlaps(path: &str, others: &[String]) -> bool {
    let path = Path::new(path);
    others.iter().any(|other| path.starts_with(other) || Path::new(other).starts_with(path))
}

fn objection_but(path: &str, lifecycle: Lifecycle, open: Option<&str>) -> Option<&'static str> {
    let at = Path::new(path);
    let is_plain = |(index, part): (usize, Component<'_>)| match part {
        Component::RootDir => index == 0,
        Component::Normal(_) => index > 0,
        _ => false,
    };
    // `components` passes over a `.` in the middle.
    let is_whole =
        at.is_absolute() && at.components().enumerate().all(is_plain) && !path.split('/').any(|part| part == ".");
    if !is_whole || path.contains(':') || path.chars().any(char::is_control) {
        return Some("which is no absolute path without `..` and `:`");
    }
    let hides = |there: &Path| there.starts_with(at);
    let is_within = |there: &str| at.starts_with(there) && open != Some(there);
    let has_files = SYSTEM.iter().any(|there| hides(Path::new(there)) || is_within(there));
    let droplets = lifecycle.layout().droplet_folders.iter();
    if has_files || hides(Path::new(APP)) || droplets.into_iter().any(|name| hides(&Path::new(HOME).join(name))) {
        return Some("where the container has files of its own");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(json: &str) -> Vec<VolumeMount> {
        serde_json::from_str(json).unwrap()
    }

    fn typed(words: &[&str]) -> Vec<VolumeMapping> {
        words.iter().map(|word| word.parse().unwrap()).collect()
    }

    #[test]
    fn a_volume_is_mounted_where_the_request_says_and_is_no_more_writable_than_both_say() {
        for (mode, suffix, mounted) in [("rw", "", "rw"), ("rw", ":ro", "ro"), ("r", "", "ro"), ("", "", "ro")] {
            let json = format!(r#"[{{"container_dir":"/data/v","mode":"{mode}","shared":{{"volume_id":"vol-1"}}}}]"#);
            let volumes = Volumes::new(
                &mounts(&json),
                &typed(&[&format!("vol-1=/srv/share{suffix}")]),
                Lifecycle::Buildpack,
                &[],
            )
            .unwrap();
            assert_eq!(volumes.binds, [format!("/srv/share:/data/v:{mounted}")]);
            assert_eq!(volumes.not_done(), None);
        }
    }

    #[test]
    fn a_volume_without_a_folder_is_not_done_and_its_id_is_told() {
        let two = mounts(r#"[{"container_dir":"/etc","shared":{"volume_id":"vol-1"}},{"driver":"d"}]"#);
        let volumes = Volumes::new(&two, &[], Lifecycle::Buildpack, &[]).unwrap();
        let text = "2 volume mounts (vol-1, without an id: --volume-map ID=DIR mounts a folder)";
        assert_eq!((volumes.not_done().unwrap().as_str(), volumes.binds.len()), (text, 0));
    }

    #[test]
    fn nothing_is_mounted_over_what_the_container_has_or_at_a_path_that_leads_elsewhere() {
        for path in [
            "",
            "v",
            "/",
            "/home",
            "/home/vcap/app",
            "/home/vcap/app/",
            "/home/vcap",
            "/tmp",
            "/tmp/lifecycle",
            "/etc/ssl",
            "/etc",
            "/proc/1",
            "/sys",
            "/.stager/x",
            "/usr/lib",
            "/data/../etc",
            "/data/./v",
            "./data",
            "/data:/etc",
            "/da\nta",
            "//etc",
        ] {
            let mount = serde_json::json!([{"container_dir": path, "mode": "rw", "shared": {"volume_id": "v"}}]);
            let refused =
                Volumes::new(&mounts(&mount.to_string()), &typed(&["v=/srv"]), Lifecycle::Buildpack, &[]).unwrap_err();
            assert!(matches!(refused, VolumeError::Path { .. }), "{path}");
        }
        for path in ["/var/vcap/data/share", "/home/vcap/app/uploads", "/data", "/etcetera"] {
            assert_eq!(objection(path, Lifecycle::Buildpack), None, "{path}");
        }
    }

    #[test]
    fn nothing_hides_what_a_droplet_of_the_apps_lifecycle_brings() {
        for path in ["/home/vcap/workspace", "/home/vcap/layers", "/home/vcap/layers/", "/home/vcap"] {
            assert!(objection(path, Lifecycle::Cnb).is_some(), "{path}");
        }
        for path in ["/home/vcap/workspace/uploads", "/home/vcap/layers2", "/home/vcap/data"] {
            assert_eq!(objection(path, Lifecycle::Cnb), None, "{path}");
        }
        assert_eq!(objection("/home/vcap/layers", Lifecycle::Buildpack), None);
    }

    #[test]
    fn no_volume_meets_what_the_launch_mounts_itself() {
        let own = ["/opt/certificates".to_owned()];
        for (path, is_taken) in [
            ("/opt/certificates", true),
            ("/opt/certificates/", true),
            ("/opt", true),
            ("/opt/certificates/more", true),
            ("/opt/certificates2", false),
        ] {
            let mount = serde_json::json!([{"container_dir": path, "shared": {"volume_id": "v"}}]).to_string();
            let made = Volumes::new(&mounts(&mount), &typed(&["v=/srv"]), Lifecycle::Buildpack, &own);
            let said = made.map_or_else(|error| error.to_string(), |_| String::new());
            assert_eq!(said.ends_with(", where the launch mounts files of its own"), is_taken, "{path}: {said}");
        }
    }

    #[test]
    fn a_launch_lays_files_below_etc_and_nowhere_else_that_a_volume_may_not_be() {
        for path in ["/etc/cf-system-certificates", "/etc/ssl/certs", "/opt/certificates"] {
            assert_eq!(objection_to_own(path, Lifecycle::Buildpack), None, "{path}");
        }
        for path in
            ["/etc", "/etc/", "/", "/usr/lib", "/.stager", "/tmp/lifecycle/x", "/home/vcap", "/a:b", "/a/../etc"]
        {
            assert!(objection_to_own(path, Lifecycle::Buildpack).is_some(), "{path}");
        }
    }

    #[test]
    fn a_folder_for_a_volume_that_is_not_there_or_has_one_is_an_error() {
        let have = ids(&mounts(r#"[{"shared":{"volume_id":"vol-1"}},{}]"#));
        let check = |words: &[&str], have: &[&String]| check(&typed(words), have);
        check(&["vol-1=/a"], &[&have[0]]).unwrap();
        let unknown = check(&["vol-2=/a"], &[&have[0]]).unwrap_err();
        assert_eq!(unknown.to_string(), r#"--volume-map: the request has no volume "vol-2"; it has vol-1"#);
        let none = check(&["vol-2=/a"], &[]).unwrap_err();
        assert!(none.to_string().ends_with("it has none"), "{none}");
        assert_eq!(check(&["vol-1=/a", "vol-1=/b"], &[&have[0]]), Err(VolumeError::Twice("vol-1".into())));
    }

    #[test]
    fn what_is_typed_is_an_id_and_a_folder() {
        let read_only = VolumeMapping { id: "v".into(), folder: "data=1".into(), read_only: true };
        assert_eq!("v=data=1:ro".parse(), Ok(read_only));
        for odd in ["v", "=/a", "v=", "v=:ro", "v=/a:rw", "v=/a:/b"] {
            assert_eq!(odd.parse::<VolumeMapping>(), Err(VolumeError::Form), "{odd}");
        }
    }
}
