//! Searches what is too much for memory: folders, volumes, and what programs print by the hundred megabytes.

use super::marks::Marks;
use crate::hcf::docker;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;

/// Prints each match alone, whatever the bytes around it are.
const GREP: [&str; 4] = ["--text", "--only-matching", "--no-filename", "--fixed-strings"];

impl Marks {
    /// The fields whose secrets are in the files below a folder, or in their names; but for what is remembered of apps, which holds their
    /// requests and is closed to all others.
    pub(crate) fn found_below(&self, folder: &Path) -> BTreeSet<&'static str> {
        let patterns = self.pattern_file();
        let mut grep = grep(&patterns);
        let content = grep.args(["--recursive", "--exclude-dir=apps"]).arg(folder).output().unwrap();
        let is_open = ["-path", "*/apps/*", "-perm", "/077"];
        let open = Command::new("find").arg(folder).args(is_open).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&open.stdout), "", "what is remembered is open to others");
        let names = Command::new("find").arg(folder).output().unwrap();
        assert!(names.status.success(), "{names:?}");
        self.found_in(&[content.stdout, names.stdout].concat())
    }

    /// The fields whose secrets are in what a program prints.
    pub(crate) fn found_in_output(&self, program: &mut Command) -> BTreeSet<&'static str> {
        let patterns = self.pattern_file();
        let mut prints = program.stdout(Stdio::piped()).spawn().unwrap();
        let found = grep(&patterns).stdin(prints.stdout.take().unwrap()).output().unwrap();
        assert!(prints.wait().unwrap().success(), "{program:?}");
        self.found_in(&found.stdout)
    }

    /// The fields whose secrets are in a volume's files.
    pub(crate) fn found_in_volume(&self, volume: &str) -> BTreeSet<&'static str> {
        let mount = format!("{volume}:/searched:ro");
        let mut search = Command::new("docker");
        search.args([
            "run",
            "--rm",
            "-i",
            "--label",
            "stager.kind=test",
            "--network",
            "none",
            "-v",
            &mount,
            "-e",
            "LC_ALL=C",
        ]);
        search.args(["--entrypoint", "grep", "stager-rootfs:cflinuxfs4"]).args(GREP);
        search.args(["--recursive", "--file", "-", "/searched"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut search = search.spawn().unwrap();
        search.stdin.take().unwrap().write_all(self.patterns().as_bytes()).unwrap();
        self.found_in(&search.wait_with_output().unwrap().stdout)
    }

    /// The fields whose secrets are in an image: its config, its history, or the bytes of its layers.
    pub(crate) fn found_in_image(&self, image: &str) -> BTreeSet<&'static str> {
        let told = docker(&["image", "inspect", image]).unwrap() + &docker(&["history", "--no-trunc", image]).unwrap();
        let mut found = self.found_in(told.as_bytes());
        found.extend(self.found_in_output(Command::new("docker").args(["save", image])));
        found
    }

    /// The fields whose secrets are in a container: its files, what it printed, what the engine says of it.
    pub(crate) fn found_in_container(&self, container: &str) -> BTreeSet<&'static str> {
        let told = docker(&["inspect", container]).unwrap() + &docker(&["diff", container]).unwrap();
        let mut found = self.found_in(told.as_bytes());
        // A staging's container keeps nothing of what it printed.
        let keeps_a_log =
            docker(&["inspect", "--format", "{{.HostConfig.LogConfig.Type}}", container]).unwrap() != "none";
        for what in ["logs", "export"].into_iter().filter(|what| keeps_a_log || *what != "logs") {
            found.extend(self.found_in_output(Command::new("docker").args([what, container]).stderr(Stdio::null())));
        }
        found
    }

    fn pattern_file(&self) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), self.patterns()).unwrap();
        file
    }
}

fn grep(patterns: &NamedTempFile) -> Command {
    let mut command = Command::new("grep");
    // Bytes, not letters: it takes a tenth of the time.
    command.env("LC_ALL", "C");
    command.args(GREP).arg("--file").arg(patterns.path());
    command
}
