//! One buildpack: its `buildpack.toml` and its scripts; and all that a staging has of them.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The only major version of the Buildpack API that was ever stable enough to be known here: 0.x.
const APIS: std::ops::RangeInclusive<u32> = 7..=11;

/// Id and version, which name a buildpack.
pub(super) type Name = (String, String);

/// A buildpack that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buildpack {
    pub(super) name: Name,
    /// As in `buildpack.toml`, for example `0.10`.
    pub(super) api: String,
    pub(super) homepage: String,
    /// Whether it wants to see no variables of the platform.
    pub(super) clear_env: bool,
    /// Of one that consists of others: groups in the order in which they are tried. Empty for one that has scripts.
    pub(super) order: Vec<Vec<Member>>,
    pub(super) root: PathBuf,
}

/// A buildpack in a group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Member {
    pub(super) id: String,
    #[serde(default)]
    pub(super) version: String,
    /// Whether the group holds without it.
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Deserialize)]
struct Descriptor {
    api: String,
    buildpack: Identity,
    #[serde(default)]
    order: Vec<Order>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    id: String,
    version: String,
    #[serde(default)]
    homepage: String,
    #[serde(default)]
    clear_env: bool,
}

#[derive(Deserialize)]
struct Order {
    group: Vec<Member>,
}

impl Buildpack {
    /// Reads the one in this folder.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let reading = |why: &dyn std::fmt::Display| format!("reading buildpack.toml: {why}");
        let file = root.join("buildpack.toml");
        // As one who walks the folder sees it: a link to a file is no file.
        if !file.symlink_metadata().is_ok_and(|file| file.is_file()) || root.is_symlink() {
            return Err(reading(&"could not find entry path 'buildpack.toml'"));
        }
        let text = fs::read_to_string(&file).map_err(|why| reading(&crate::go_text::go_text(&why)))?;
        let read: Descriptor = toml::from_str(&text).map_err(|why| reading(&why.message()))?;
        let Descriptor { api, buildpack, order } = read;
        let minor = api.strip_prefix("0.").and_then(|minor| minor.parse().ok());
        if !minor.is_some_and(|minor| APIS.contains(&minor)) {
            return Err(format!("buildpack API version '{api}' is incompatible with the lifecycle"));
        }
        let lawful =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "./-_+".contains(c));
        if !lawful(&buildpack.id)
            || !lawful(&buildpack.version)
            || buildpack.id.split('/').any(|part| part.starts_with('.'))
        {
            return Err(reading(&"id or version is none"));
        }
        Ok(Self {
            name: (buildpack.id, buildpack.version),
            api,
            homepage: buildpack.homepage,
            clear_env: buildpack.clear_env,
            order: order.into_iter().map(|order| order.group).collect(),
            root: root.to_owned(),
        })
    }

    /// The name of its folder below `layers`.
    pub(super) fn folder(&self) -> String {
        self.name.0.replace('/', "_")
    }

    /// `id@version`.
    pub(super) fn full_name(&self) -> String {
        format!("{}@{}", self.name.0, self.name.1)
    }
}

/// What the command line's buildpacks brought.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// Those named, in order.
    pub(super) named: Vec<Name>,
    all: BTreeMap<Name, Buildpack>,
}

impl Fetched {
    pub(super) fn insert(&mut self, buildpack: Buildpack) {
        self.all.insert(buildpack.name.clone(), buildpack);
    }

    /// The one that a group names; without a version the only one of this id.
    pub(super) fn find(&self, member: &Member) -> Option<&Buildpack> {
        if !member.version.is_empty() {
            return self.all.get(&(member.id.clone(), member.version.clone()));
        }
        let mut of_this_id = self.all.values().filter(|one| one.name.0 == member.id);
        of_this_id.next().filter(|_| of_this_id.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Buildpack, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("buildpack.toml"), text).unwrap();
        Buildpack::read(folder.path())
    }

    #[test]
    fn a_buildpack_says_who_it_is_and_of_what_it_consists() {
        let text = "api = \"0.10\"\n[buildpack]\nid = \"a/b\"\nversion = \"1.0.0\"\nclear-env = true\n\
            [[order]]\n[[order.group]]\nid = \"c\"\nversion = \"2\"\noptional = true\n";
        let buildpack = read(text).unwrap();
        assert_eq!((buildpack.full_name().as_str(), buildpack.folder().as_str()), ("a/b@1.0.0", "a_b"));
        assert!(buildpack.clear_env && buildpack.order[0][0].optional);
    }

    #[test]
    fn what_is_no_buildpack_is_refused() {
        for (text, why) in [
            ("api = \"0.2\"\n[buildpack]\nid = \"a\"\nversion = \"1\"\n", "'0.2' is incompatible"),
            ("api = \"0.10\"\n[buildpack]\nid = \"../a\"\nversion = \"1\"\n", "id or version is none"),
            ("api = ", "reading buildpack.toml: "),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
        let nothing = tempfile::tempdir().unwrap();
        assert!(Buildpack::read(nothing.path()).unwrap_err().contains("could not find entry path"));
    }

    #[test]
    fn a_link_to_a_buildpack_is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("real")).unwrap();
        let text = "api = \"0.10\"\n[buildpack]\nid = \"a\"\nversion = \"1\"\n";
        fs::write(folder.path().join("real/buildpack.toml"), text).unwrap();
        std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
        assert!(Buildpack::read(&folder.path().join("real")).is_ok());
        assert!(Buildpack::read(&folder.path().join("link")).unwrap_err().contains("could not find entry path"));
    }
}
