//! The builder's command line. Names and defaults are those of `LifecycleBuilderConfig`.

use crate::go_flags::{self, Flag, FlagKind};
use md5::{Digest, Md5};
use std::path::{Path, PathBuf};

/// What the command line says. Paths are as given, relative to the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The app, changed in place by the buildpack.
    pub build_dir: PathBuf,
    /// The droplet to write, a gzipped tar.
    pub output_droplet: PathBuf,
    /// The result file to write, one JSON object.
    pub output_metadata: PathBuf,
    /// The build-artifacts cache to write, a gzipped tar.
    pub output_cache: PathBuf,
    /// Where each buildpack lies in a directory named by a hash of its key.
    pub buildpacks_dir: PathBuf,
    /// Where buildpacks given as URL are fetched to.
    pub download_dir: PathBuf,
    /// The unpacked build-artifacts cache of an earlier staging, or nothing yet.
    pub cache_dir: PathBuf,
    /// Keys or URLs, at least one.
    pub order: Vec<String>,
    /// Take the buildpacks as given, without asking them.
    pub skip_detect: bool,
    /// Do not check the certificate when a zip buildpack is fetched.
    pub skip_cert_verify: bool,
}

const FLAGS: [Flag; 10] = [
    text("buildDir", "/tmp/app", "directory containing raw app bits"),
    text("outputDroplet", "/tmp/droplet", "file where compressed droplet should be written"),
    text("outputMetadata", "/tmp/result.json", "directory in which to write the app metadata"),
    text(
        "outputBuildArtifactsCache",
        "/tmp/output-cache",
        "file where compressed contents of new cached build artifacts should be written",
    ),
    text("buildpacksDir", "/tmp/buildpacks", "directory containing the buildpacks to try"),
    text("buildpacksDownloadDir", "/tmp/buildpackdownloads", "directory to download buildpacks to"),
    text("buildArtifactsCacheDir", "/tmp/cache", "directory where previous cached build artifacts should be extracted"),
    text("buildpackOrder", "", "comma-separated list of buildpacks, to be tried in order"),
    Flag { name: "skipDetect", kind: FlagKind::Switch, default: "", usage: "skip buildpack detect" },
    Flag { name: "skipCertVerify", kind: FlagKind::Switch, default: "", usage: "skip SSL certificate verification" },
];

const fn text(name: &'static str, default: &'static str, usage: &'static str) -> Flag {
    Flag { name, kind: FlagKind::Text, default, usage }
}

/// A command line that cannot be used: what to print on stderr, and the code to end with.
#[derive(Debug, PartialEq, Eq)]
pub struct Misuse {
    /// The whole text, without a last line end.
    pub text: String,
    /// 2 for an unknown flag, 1 for an empty one.
    pub exit_code: u8,
}

impl Settings {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// An unknown flag (2), or `missing flag: -NAME` for each that is empty (1).
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, Misuse> {
        let values = go_flags::parse("builder", &FLAGS, arguments)
            .map_err(|text| Misuse { text: text.trim_end().to_owned(), exit_code: 2 })?;
        let missing: Vec<String> = values
            .iter()
            .filter(|(_, value)| value.is_empty())
            .map(|(name, _)| format!("missing flag: -{name}"))
            .collect();
        if !missing.is_empty() {
            return Err(Misuse { text: missing.join(", "), exit_code: 1 });
        }
        let path = |name: &str| PathBuf::from(&values[name]);
        Ok(Self {
            build_dir: path("buildDir"),
            output_droplet: path("outputDroplet"),
            output_metadata: path("outputMetadata"),
            output_cache: path("outputBuildArtifactsCache"),
            buildpacks_dir: path("buildpacksDir"),
            download_dir: path("buildpacksDownloadDir"),
            cache_dir: path("buildArtifactsCacheDir"),
            order: values["buildpackOrder"].split(',').map(str::to_owned).collect(),
            skip_detect: values["skipDetect"] == "true",
            skip_cert_verify: values["skipCertVerify"] == "true",
        })
    }

    /// The buildpacks that only supply: all but the last with `-skipDetect`, else none.
    #[must_use]
    pub fn supplying(&self) -> &[String] {
        if self.skip_detect { &self.order[..self.order.len() - 1] } else { &[] }
    }

    /// The name of a buildpack's directory in `deps`: its place, padded so that ten and more sort well.
    #[must_use]
    pub fn deps_index(&self, place: usize) -> String {
        let digits = (self.supplying().len() + 1).to_string().len();
        format!("{place:0digits$}")
    }

    /// Where the buildpack `key` lies: in the directory named by the key's MD5 or, as today's Cloud Controller may
    /// have it, by its 64-bit xxHash. A key that is a URL lies in the download directory.
    #[must_use]
    pub fn buildpack_path(&self, key: &str) -> PathBuf {
        if is_url(key) {
            return self.download_dir.join(md5_hex(key));
        }
        let by_md5 = self.buildpacks_dir.join(md5_hex(key));
        let by_xxhash = self.buildpacks_dir.join(format!("{:016x}", twox_hash::XxHash64::oneshot(0, key.as_bytes())));
        if !by_md5.exists() && by_xxhash.exists() { by_xxhash } else { by_md5 }
    }

    /// The part of the cache that the supplying buildpack `key` gets.
    #[must_use]
    pub fn supply_cache(&self, key: &str) -> PathBuf {
        self.cache_dir.join(md5_hex(key))
    }

    /// The part of the cache that the last buildpack gets: since 2017 a directory of its own.
    #[must_use]
    pub fn final_cache(&self, era: crate::era::Era) -> PathBuf {
        if era.has_deps() { self.cache_dir.join("final") } else { self.cache_dir.clone() }
    }
}

/// Whether a buildpack is named by an absolute URL, as Go's `url.IsAbs` sees it: anything with a scheme.
#[must_use]
pub(super) fn is_url(key: &str) -> bool {
    key.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

fn md5_hex(key: &str) -> String {
    // Sixteen bytes, which is what a u128 holds.
    format!("{:032x}", u128::from_be_bytes(Md5::digest(key.as_bytes()).into()))
}

/// The directory that must exist before `file` can be written.
pub(super) fn parent(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Settings, Misuse> {
        Settings::parse(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn the_command_line_of_the_stager_is_understood() {
        let settings = parsed(&[
            "-buildArtifactsCacheDir=/tmp/cache",
            "-buildpackOrder=a,b",
            "-skipCertVerify=true",
            "-skipDetect=false",
        ])
        .unwrap();
        assert_eq!((settings.skip_cert_verify, settings.skip_detect), (true, false));
        assert_eq!(settings.order, ["a", "b"]);
        assert_eq!(settings.output_droplet, Path::new("/tmp/droplet"));
    }

    #[test]
    fn a_missing_order_ends_with_1_and_an_unknown_flag_with_2() {
        let misuse = parsed(&[]).unwrap_err();
        assert_eq!((misuse.text.as_str(), misuse.exit_code), ("missing flag: -buildpackOrder", 1));
        let misuse = parsed(&["-buildpackOrder=a", "-nonsense"]).unwrap_err();
        assert!(misuse.text.starts_with("flag provided but not defined: -nonsense\nUsage of builder:\n"));
        assert_eq!(misuse.exit_code, 2);
    }

    #[test]
    fn a_buildpack_lies_in_the_md5_of_its_key_as_the_original_shows() {
        let settings = parsed(&["-buildpackOrder=x"]).unwrap();
        let key = "d4e03ab3-6549-48c3-a3a4-c68701bffb0d_8b683c2237056089dea24a2a4d70606e8a4a67cf";
        assert_eq!(settings.buildpack_path(key), Path::new("/tmp/buildpacks/d1fabc710d712fd915d6bb05f9fce823"));
        assert!(settings.buildpack_path("https://git.example/x").starts_with("/tmp/buildpackdownloads"));
    }

    #[test]
    fn a_buildpack_may_lie_in_the_xxhash_of_its_key() {
        let directory = tempfile::tempdir().unwrap();
        let root = format!("-buildpacksDir={}", directory.path().display());
        let settings = parsed(&["-buildpackOrder=abc", &root]).unwrap();
        let there = directory.path().join("44bc2cf5ad770999"); // XXH64("abc"), as published with the algorithm
        std::fs::create_dir(&there).unwrap();
        assert_eq!(settings.buildpack_path("abc"), there);
    }

    #[test]
    fn ten_supplying_buildpacks_are_counted_with_two_digits() {
        let order = format!("-buildpackOrder={}", ["k"; 11].join(","));
        assert_eq!(parsed(&[&order, "-skipDetect"]).unwrap().deps_index(3), "03");
        assert_eq!(parsed(&[&order]).unwrap().deps_index(0), "0");
    }
}
