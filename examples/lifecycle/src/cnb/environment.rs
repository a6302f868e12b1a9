//! Variables of buildpacks and of the app, and how layers change them: a file is a variable, and the end of its name says
//! how its text goes with what is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lists of folders, to which something is added rather than put in their place.
const LISTS: [&str; 5] = ["CPATH", "LD_LIBRARY_PATH", "LIBRARY_PATH", "PATH", "PKG_CONFIG_PATH"];

/// Folders of a layer, the variable that finds them, and whether that is so for the app too.
const FOLDERS: [(&str, &str, bool); 5] = [
    ("bin", "PATH", true),
    ("lib", "LD_LIBRARY_PATH", true),
    ("lib", "LIBRARY_PATH", false),
    ("include", "CPATH", false),
    ("pkgconfig", "PKG_CONFIG_PATH", false),
];

/// For whom a layer is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For<'a> {
    /// Later buildpacks.
    Build,
    /// The app's process of this type; none for a start command that is no type's.
    Launch(Option<&'a str>),
}

/// Variables by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Sets it; what is given for a list of folders comes before those that are there.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if LISTS.contains(&name) { self.prepend(name, value, ":") } else { self.set(name, value) }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    fn prepend(&mut self, name: &str, value: &str, delimiter: &str) {
        let there = self.0.get(name).filter(|there| !there.is_empty());
        let joined = there.map_or(value.to_owned(), |there| format!("{value}{delimiter}{there}"));
        self.set(name, &joined);
    }

    fn append(&mut self, name: &str, value: &str, delimiter: &str) {
        let there = self.0.get(name).filter(|there| !there.is_empty());
        let joined = there.map_or(value.to_owned(), |there| format!("{there}{delimiter}{value}"));
        self.set(name, &joined);
    }

    /// Applies one layer: its folders, then its files for all and for this purpose.
    pub(super) fn apply_layer(&mut self, layer: &Path, purpose: For) {
        for (folder, variable, _) in FOLDERS.iter().filter(|(_, _, app)| *app || purpose == For::Build) {
            let folder = layer.join(folder);
            if folder.is_dir() {
                self.prepend(variable, &folder.to_string_lossy(), ":");
            }
        }
        self.apply_files(&layer.join("env"));
        match purpose {
            For::Build => self.apply_files(&layer.join("env.build")),
            For::Launch(of) => {
                let folder = layer.join("env.launch");
                self.apply_files(&folder);
                if let Some(of) = of {
                    self.apply_files(&folder.join(of));
                }
            }
        }
    }

    /// In the order of names. A file that cannot be read is passed over.
    fn apply_files(&mut self, folder: &Path) {
        for file in files(folder) {
            let Ok(bytes) = fs::read(&file) else { continue };
            let value = String::from_utf8_lossy(&bytes);
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let (name, action) = name.split_once('.').unwrap_or((&name, "override"));
            let delimiter = fs::read_to_string(folder.join(format!("{name}.delim"))).unwrap_or_default();
            match action {
                "override" => self.set(name, &value),
                "append" => self.append(name, &value, &delimiter),
                "prepend" => self.prepend(name, &value, &delimiter),
                "default" if !self.0.contains_key(name) => self.set(name, &value),
                _ => {} // a delimiter, or nothing that the API knows
            }
        }
    }
}

/// The files of a folder in the order of their names; none where there is no such folder.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_files_name_says_how_it_changes_a_variable() {
        let layer = tempfile::tempdir().unwrap();
        let file = |below: &str, text: &str| {
            let path = layer.path().join(below);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (below, text) in [
            ("env/A", "new"),
            ("env/B.append", "tail"),
            ("env/B.delim", ","),
            ("env/C.default", "unused"),
            ("env/D.prepend", "head"),
            ("env.build/E", "build"),
            ("env.launch/E", "launch"),
            ("env.launch/worker/E", "worker"),
            ("bin/tool", ""),
            ("include/x.h", ""),
        ] {
            file(below, text);
        }
        let applied = |purpose| {
            let there = ["A", "B", "C", "PATH"].map(|name| (name.to_owned(), "old".to_owned()));
            let mut environment = Environment::new(there);
            environment.apply_layer(layer.path(), purpose);
            environment.0
        };
        let bin = format!("{}:old", layer.path().join("bin").display());
        let expected = |e: &str| {
            [("A", "new"), ("B", "old,tail"), ("C", "old"), ("D", "head"), ("E", e), ("PATH", &bin)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let mut build = applied(For::Build);
        assert_eq!(build.remove("CPATH"), Some(layer.path().join("include").display().to_string()));
        assert_eq!(build, BTreeMap::from(expected("build")));
        assert_eq!(applied(For::Launch(None)), BTreeMap::from(expected("launch")));
        assert_eq!(applied(For::Launch(Some("worker"))), BTreeMap::from(expected("worker")));
    }

    #[test]
    fn what_a_user_gives_for_a_list_of_folders_comes_first() {
        let mut environment = Environment::new([("PATH".to_owned(), "/bin".to_owned())]);
        environment.add("PATH", "/mine");
        environment.add("A", "1");
        let all: Vec<_> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(all, ["A=1", "PATH=/mine:/bin"]);
    }
}
