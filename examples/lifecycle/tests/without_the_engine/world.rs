//! A place to stage in: build directory, buildpacks and outputs below one temporary directory, and a lifecycle of the
//! era that a test asks for.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) struct World {
    root: TempDir,
}

/// What an archive's entry is: its mode, and its text or `-> target`.
pub(crate) type Entries = BTreeMap<String, (u32, String)>;

impl World {
    pub(crate) fn of(era: &str) -> Self {
        let world = Self { root: tempfile::tempdir().unwrap() };
        for directory in ["lifecycle", "app", "tmp"] {
            fs::create_dir(world.path(directory)).unwrap();
        }
        fs::write(world.path("lifecycle/era"), era).unwrap();
        for (name, program) in
            [("builder", env!("CARGO_BIN_EXE_builder")), ("launcher", env!("CARGO_BIN_EXE_launcher"))]
        {
            let there = world.path("lifecycle").join(name);
            // A link, since a program that has just been written may not be started while another test forks.
            fs::hard_link(program, &there).or_else(|_| fs::copy(program, &there).map(|_| ())).unwrap();
        }
        world
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    pub(crate) fn file(&self, below: &str, text: &str) -> &Self {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn link(&self, below: &str, target: &str) -> &Self {
        symlink(target, self.path(below)).unwrap();
        self
    }

    /// A buildpack of shell scripts, in the directory that its key gives.
    pub(crate) fn buildpack(&self, key: &str, scripts: &[(&str, &str)]) -> &Self {
        for (name, script) in scripts {
            let path = format!("buildpacks/{}/bin/{name}", md5_hex(key));
            self.file(&path, &format!("#!/bin/sh\n{script}\n"));
            fs::set_permissions(self.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
        }
        self
    }

    /// An example app as build directory, and the three example buildpacks under their own names as keys.
    pub(crate) fn examples(&self, app: &str) -> &Self {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        fs::create_dir_all(self.path("buildpacks")).unwrap();
        let copy = |from: PathBuf, to: PathBuf| {
            assert!(Command::new("cp").arg("-aT").args([from, to]).status().unwrap().success());
        };
        copy(examples.join("apps").join(app), self.path("app"));
        for name in ["staticfile", "python", "procfile"] {
            copy(examples.join("buildpacks").join(name), self.path("buildpacks").join(md5_hex(name)));
        }
        self
    }

    pub(crate) fn build(&self, order: &str, more: &[&str]) -> Output {
        let option = |name: &str, below: &str| format!("-{name}={}", self.path(below).display());
        Command::new(self.path("lifecycle/builder"))
            .args([
                option("buildDir", "app"),
                option("buildpacksDir", "buildpacks"),
                option("buildpacksDownloadDir", "downloads"),
                option("buildArtifactsCacheDir", "cache"),
                option("outputBuildArtifactsCache", "out/cache.tgz"),
                option("outputDroplet", "out/droplet"),
                option("outputMetadata", "out/result.json"),
                format!("-buildpackOrder={order}"),
            ])
            .args(more)
            .env("TMPDIR", self.path("tmp"))
            .current_dir(self.root.path())
            .output()
            .unwrap()
    }

    pub(crate) fn text(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    pub(crate) fn archive(&self, below: &str) -> Entries {
        archive_of(&self.path(below))
    }

    pub(crate) fn launcher(&self) -> Command {
        let mut command = Command::new(self.path("lifecycle/launcher"));
        command.current_dir(self.path("home")).env_clear().env("PATH", "/usr/bin:/bin");
        command
    }
}

/// What a gzipped tar holds.
pub(crate) fn archive_of(path: &Path) -> Entries {
    let file = fs::File::open(path).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mode = entry.header().mode().unwrap();
        let target = entry.link_name().unwrap().map(|target| format!("-> {}", target.display()));
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let text = target.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
        (name, (mode, text))
    });
    entries.collect()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn names(entries: &Entries) -> Vec<&str> {
    entries.keys().map(String::as_str).collect()
}

pub(crate) fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

fn md5_hex(key: &str) -> String {
    use md5::Digest;
    format!("{:032x}", u128::from_be_bytes(md5::Md5::digest(key).into()))
}
