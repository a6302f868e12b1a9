//! A recorded line made valid again: a new time, new signatures, the checksums of what is served now.
//! Works on the line's text, so that everything else stays as it was, to the byte.

use std::ops::Range;

use serde_json::Value;

use crate::digest::Sums;
use crate::request::json::Json;
use crate::request::lager::timestamp;
use crate::request::signature::Signer;

/// A file of the blobstore that a line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedBlob {
    /// `/read/…`
    pub(crate) path: String,
    /// What it is.
    pub(crate) kind: BlobKind,
}

/// What a file of the blobstore is, by its folder there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BlobKind {
    /// An app package.
    Package,
    /// A buildpack of this name.
    Buildpack(String),
    /// What an earlier staging left.
    BuildArtifacts,
    /// A droplet, or what else there may be.
    Other,
}

/// All signed blobstore URLs of a line, in the order of the text.
pub(crate) fn named_blobs(line: &str) -> Vec<NamedBlob> {
    signed_downloads(line).into_iter().map(|download| download.blob).collect()
}

/// The line with the given time (Unix, nanoseconds) and all its blobstore URLs signed anew. `served` tells
/// the checksums of what lies at a path; where it knows none, those of the line stay.
/// A line that is not lager's comes back unchanged.
pub(crate) fn renewed(
    line: &str,
    nanoseconds: i128,
    signer: &Signer,
    served: impl Fn(&NamedBlob) -> Option<Sums>,
) -> String {
    let mut out = String::with_capacity(line.len());
    let mut done = 0;
    if let Some(range) = timestamp_range(line) {
        out.push_str(line.get(..range.start).unwrap_or_default());
        out.push_str(&timestamp(nanoseconds));
        done = range.end;
    }
    for download in signed_downloads(line) {
        out.push_str(line.get(done..download.range.start).unwrap_or_default());
        out.push_str(&download.renewed(signer, served(&download.blob).as_ref()));
        done = download.range.end;
    }
    out.push_str(line.get(done..).unwrap_or_default());
    out
}

/// Where the digits stand: lager's lines begin with the time.
fn timestamp_range(line: &str) -> Option<Range<usize>> {
    const BEFORE: &str = r#"{"timestamp":""#;
    let length = line.strip_prefix(BEFORE)?.find('"')?;
    Some(BEFORE.len()..BEFORE.len() + length)
}

/// A download, dependency or layer in the text: an object without objects in it.
struct SignedDownload<'a> {
    range: Range<usize>,
    text: &'a str,
    object: Value,
    base: String,
    blob: NamedBlob,
}

fn signed_downloads(line: &str) -> Vec<SignedDownload<'_>> {
    // Inside a JSON text the quotes are escaped, so these cannot be part of one.
    let mut starts: Vec<usize> =
        [r#""from":""#, r#""url":""#].iter().flat_map(|key| line.match_indices(key)).map(|(at, _)| at).collect();
    starts.sort_unstable();
    starts.into_iter().filter_map(|at| signed_download(line, at)).collect()
}

fn signed_download(line: &str, at: usize) -> Option<SignedDownload<'_>> {
    let start = line.get(..at)?.rfind('{')?;
    let end = at + line.get(at..)?.find('}')? + 1;
    let text = line.get(start..end)?;
    let object: Value = serde_json::from_str(text).ok()?;
    let url = object.get("from").or_else(|| object.get("url"))?.as_str()?;
    let (base, path) = url.split_at(url.find("/read/")?);
    let (path, query) = path.split_once('?')?;
    if !query.contains("md5=") || !query.contains("expires=") || base.matches('/').count() != 2 {
        return None;
    }
    let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
    let kind = match path.trim_start_matches("/read/") {
        path if path.starts_with("cc-packages/") => BlobKind::Package,
        path if path.starts_with("cc-buildpacks/") => BlobKind::Buildpack(name.to_owned()),
        path if path.starts_with("cc-droplets/buildpack_cache/") => BlobKind::BuildArtifacts,
        _ => BlobKind::Other,
    };
    let blob = NamedBlob { path: path.to_owned(), kind };
    Some(SignedDownload { range: start..end, text, base: base.to_owned(), blob, object })
}

impl SignedDownload<'_> {
    fn renewed(&self, signer: &Signer, sums: Option<&Sums>) -> String {
        let field = |keys: [&str; 2]| keys.iter().find_map(|key| self.object.get(key)).and_then(Value::as_str);
        let url = signer.url(&self.base, &self.blob.path);
        let mut text = self.text.to_owned();
        if let Some(old) = field(["from", "url"]) {
            text = text.replacen(&go_text(old), &go_text(&url), 1);
        }
        let algorithm = field(["checksum_algorithm", "digest_algorithm"]).unwrap_or_default();
        let sum = sums.and_then(|sums| match algorithm.to_ascii_lowercase().as_str() {
            "sha256" => Some(&sums.sha256),
            "sha1" => Some(&sums.sha1),
            _ => None,
        });
        if let (Some(old), Some(sum)) = (field(["checksum_value", "digest_value"]), sum) {
            text = text.replacen(&go_text(old), &go_text(sum), 1);
        }
        text
    }
}

fn go_text(text: &str) -> String {
    Json::from(text).to_go()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG_2016: &str = include_str!("../../../requests/2016/stager.stdout.log");
    const LOG_2026: &str = include_str!("../../../requests/2026/stager.stdout.log");

    fn request(log: &'static str, number: usize) -> &'static str {
        log.lines().filter(|line| line.contains("taskDefinition")).nth(number).unwrap()
    }

    #[test]
    fn nothing_but_time_and_signatures_of_a_line_changes() {
        let line = request(LOG_2016, 0);
        let signer = Signer::new("secret", 4_000_000_000);
        let new = renewed(line, 2_000_000_000_500_000_000, &signer, |_| None);
        assert!(new.starts_with(r#"{"timestamp":"2000000000.500000000","source":"stager""#), "{new}");
        let path = "/read/cc-packages/18/c5/18c50a86-b045-5fed-bae9-e6ea03383693";
        let url = signer.url("https://blobstore", path).replace('&', "\\u0026");
        assert!(new.contains(&format!(r#""from":"{url}""#)), "{new}");
        assert_eq!(new.matches("expires=4000000000").count(), 10);
        assert_eq!(new.matches("expires=1466").count(), 0);
        let old_again = renewed(&new, 2_000_000_000_500_000_000, &signer, |_| None);
        assert_eq!(new, old_again);
        let blank = |line: &str| -> Vec<String> {
            line.split("\"from\":\"")
                .map(|part| part.split_once("\",").map_or(part, |(_, rest)| rest).to_owned())
                .collect()
        };
        assert_eq!(blank(line)[1..], blank(&new)[1..]);
    }

    #[test]
    fn blobs_are_told_apart_by_folder_and_buildpacks_by_name() {
        let blobs = named_blobs(request(LOG_2016, 2));
        let kinds: Vec<BlobKind> = blobs.into_iter().map(|blob| blob.kind).collect();
        let buildpack = BlobKind::Buildpack("nodejs_buildpack".into());
        assert_eq!(kinds, [BlobKind::Package, BlobKind::BuildArtifacts, buildpack]);
    }

    #[test]
    fn checksums_of_today_become_those_of_what_is_served() {
        let sums =
            Sums { md5_base64: String::new(), sha256_base64: String::new(), sha1: "1".into(), sha256: "served".into() };
        let signer = Signer::new("secret", 1);
        for (number, key, count) in [(0, "checksum_value", 3), (1, "digest_value", 2)] {
            let new = renewed(request(LOG_2026, number), 0, &signer, |_| Some(sums.clone()));
            assert_eq!(new.matches(&format!(r#""{key}":"served""#)).count(), count, "{new}");
            assert_eq!(new.matches(&format!(r#""{key}""#)).count(), count, "{new}");
        }
    }

    #[test]
    fn a_line_that_is_not_lagers_stays_as_it_is() {
        for line in ["", "panic: runtime error", "{", r#"{"from":"https://x/read/"#, "{\"from\":\"}"] {
            assert_eq!(renewed(line, 0, &Signer::new("s", 1), |_| None), line);
        }
    }
}
