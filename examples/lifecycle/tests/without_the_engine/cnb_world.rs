//! A place to stage with Cloud Native Buildpacks: home, buildpacks, cache and outputs below one temporary directory.

use crate::world::{Entries, archive_of};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) struct CnbWorld {
    root: TempDir,
}

impl CnbWorld {
    pub(crate) fn new() -> Self {
        let world = Self { root: tempfile::tempdir().unwrap() };
        for directory in ["home/workspace", "home/layers", "buildpacks", "cache", "out", "tmp", "packed"] {
            fs::create_dir_all(world.path(directory)).unwrap();
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

    pub(crate) fn text(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    pub(crate) fn archive(&self, below: &str) -> Entries {
        archive_of(&self.path(below))
    }

    /// An example app as workspace.
    pub(crate) fn app(&self, app: &str) -> &Self {
        let from = examples().join("apps").join(app);
        assert!(Command::new("cp").arg("-aT").args([from, self.path("home/workspace")]).status().unwrap().success());
        self
    }

    /// An example buildpack as Cloud Controller delivers it.
    pub(crate) fn packed(&self, buildpack: &str) -> PathBuf {
        let file = self.path("packed").join(format!("{buildpack}.tgz"));
        let folder = examples().join("buildpacks");
        let output = Command::new(folder.join("pack")).args([&folder.join(buildpack), &file]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        file
    }

    /// The same, unpacked.
    pub(crate) fn unpacked(&self, buildpack: &str) -> PathBuf {
        let into = self.path("packed").join(buildpack);
        untar(&self.packed(buildpack), &into);
        into
    }

    /// Where the system buildpack of this key lies.
    pub(crate) fn system_path(&self, key: &str) -> PathBuf {
        self.path("buildpacks").join(format!("{:016x}", twox_hash::XxHash64::oneshot(0, key.as_bytes())))
    }

    /// An example buildpack as the agent unpacks it.
    pub(crate) fn system(&self, key: &str, buildpack: &str) -> &Self {
        untar(&self.packed(buildpack), &self.system_path(key));
        self
    }

    /// A buildpack of shell scripts in a folder of its own.
    pub(crate) fn folder(&self, name: &str, id: &str, detect: &str, build: &str) -> &Self {
        self.file(
            &format!("own/{name}/buildpack.toml"),
            &format!("api = \"0.10\"\n[buildpack]\nid = \"{id}\"\nversion = \"1.0.0\"\n"),
        );
        for (script, text) in [("detect", detect), ("build", build)] {
            let below = format!("own/{name}/bin/{script}");
            self.file(&below, &format!("#!/bin/sh\n{text}\n"));
            fs::set_permissions(self.path(&below), fs::Permissions::from_mode(0o755)).unwrap();
        }
        self
    }

    /// That buildpack's URL.
    pub(crate) fn own(&self, name: &str) -> String {
        format!("file://{}", self.path("own").join(name).display())
    }

    /// What the last staging left is what the next one finds.
    pub(crate) fn take_the_cache(&self) -> &Self {
        untar(&self.path("out/cache.tgz"), &self.path("cache"));
        self
    }

    /// A new container: neither app nor layers.
    pub(crate) fn forget_the_build(&self) -> &Self {
        for below in ["home/workspace", "home/layers"] {
            fs::remove_dir_all(self.path(below)).unwrap();
            fs::create_dir(self.path(below)).unwrap();
        }
        self
    }

    pub(crate) fn builder(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnb-builder"));
        for (name, below) in [
            ("--cache-dir", "cache"),
            ("--cache-output", "out/cache.tgz"),
            ("--droplet", "out/droplet"),
            ("--layers", "home/layers"),
            ("--result", "out/result.json"),
            ("--system-buildpacks-dir", "buildpacks"),
            ("--workspace-dir", "home/workspace"),
        ] {
            command.arg(name).arg(self.path(below));
        }
        command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("TMPDIR", self.path("tmp"));
        command
    }

    pub(crate) fn build(&self, arguments: &[&str]) -> Output {
        self.builder(arguments).output().unwrap()
    }

    pub(crate) fn launch(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cnb-launcher"))
            .args(arguments)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("PORT", "8080")])
            .env("CNB_LAYERS_DIR", self.path("home/layers"))
            .env("CNB_APP_DIR", self.path("home/workspace"))
            .output()
            .unwrap()
    }
}

fn examples() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn untar(archive: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    assert!(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(into).status().unwrap().success());
}
