//! The name that an image has, or gets, in a registry. Pure.

use super::image_name::{LONGEST_REPOSITORY, LONGEST_TAG, full_name};
use shared_model::plain_line::escape_control;
use shared_model::safe_url::SafeUrl;
use std::fmt;

/// The registry of names that name none.
pub(crate) const DOCKER_HUB: &str = "docker.io";

/// `registry.example.com/team/app:1`: with a tag; what is pulled may have a digest in its place, `redis@sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    name: String,
}

/// A text that no image can be pushed to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name to push to: {why}", escape_control(&typed.to_string()))]
pub(crate) struct BadReference {
    /// What was typed: perhaps with a password, as a URL may have one.
    pub(crate) typed: SafeUrl,
    why: &'static str,
}

impl Reference {
    /// Reads `REGISTRY/REPO[:TAG]`; without a tag it is `latest`, as docker's own command has it. A name without a registry
    /// is Docker Hub's, `USER/REPO`.
    pub(crate) fn read(typed: &str) -> Result<Self, BadReference> {
        let bad = |why| BadReference { typed: SafeUrl::new(typed), why };
        if let Some(why) = complaint(typed) {
            return Err(bad(why));
        }
        let name = full_name(typed).ok_or_else(|| bad("a name is REGISTRY/REPO[:TAG]"))?;
        let reference = Self { name };
        if reference.path().contains('/') || reference.names_a_registry() {
            return Ok(reference);
        }
        Err(bad("it has no registry and, for Docker Hub, no user"))
    }

    /// Reads the name of an image that is to be pulled, as a request has it: one without a registry is Docker Hub's, one
    /// without a tag is `latest`. `None` for what engines do not take.
    pub(crate) fn pulled(name: &str) -> Option<Self> {
        const DIGITS: usize = 64;
        let Some((repository, digest)) = name.split_once('@') else {
            // To an engine that would be an id: of an image that never was in a registry, perhaps.
            return full_name(name).filter(|name| !name.starts_with("sha256:")).map(|name| Self { name });
        };
        let digits = digest.strip_prefix("sha256:")?;
        let is_digest =
            digits.len() == DIGITS && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        // Of `NAME:TAG@DIGEST` engines look at the digest.
        let named = full_name(repository).filter(|_| is_digest)?;
        let (repository, _) = named.rsplit_once(':')?;
        Some(Self { name: format!("{repository}@{digest}") })
    }

    /// The image of this digest in the same repository; `None` for what engines do not take.
    pub(crate) fn with_digest(&self, digest: &str) -> Option<Self> {
        Self::pulled(&format!("{}@{digest}", self.parts().0))
    }

    /// Whether it names one image for good.
    pub(crate) fn has_digest(&self) -> bool {
        self.name.contains('@')
    }

    /// The whole name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The registry, with its port if the name has one: `registry.example.com:5000`.
    pub(crate) fn registry(&self) -> &str {
        match self.host() {
            None | Some("index.docker.io" | "registry-1.docker.io") => DOCKER_HUB,
            Some(host) => host,
        }
    }

    /// The repository within its registry: `team/app`.
    pub(crate) fn path(&self) -> &str {
        let (repository, _) = self.parts();
        self.host().map_or(repository, |host| &repository[host.len() + 1..])
    }

    /// Repository and tag, or digest: `registry.example.com/team/app` and `1`.
    pub(crate) fn parts(&self) -> (&str, &str) {
        if let Some(parts) = self.name.split_once('@') {
            return parts;
        }
        self.name.rsplit_once(':').unwrap_or((&self.name, "latest"))
    }

    /// Whether it says which registry; else it is Docker Hub's, or no registry's.
    pub(crate) fn names_a_registry(&self) -> bool {
        self.host().is_some()
    }

    /// What stands in front of the first `/` is a host if it cannot be a user of Docker Hub.
    fn host(&self) -> Option<&str> {
        let (first, _) = self.parts().0.split_once('/')?;
        (first.contains(['.', ':']) || first == "localhost").then_some(first)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What people most often get wrong, told apart.
fn complaint(typed: &str) -> Option<&'static str> {
    let after_slash = typed.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match typed[after_slash..].find(':') {
        Some(colon) => (&typed[..after_slash + colon], &typed[after_slash + colon + 1..]),
        None => (typed, "latest"),
    };
    let path = repository.split_once('/').map_or(repository, |(_, path)| path);
    if typed.contains("://") {
        Some("remove \"https://\" or whatever stands before the registry's host")
    } else if typed.contains('@') {
        Some("use a tag; the registry makes the digest behind `@`")
    } else if path.contains(|c: char| c.is_ascii_uppercase()) {
        Some("a repository is written in lower case")
    } else if repository.len() > LONGEST_REPOSITORY {
        Some("a repository has at most 255 characters")
    } else if tag.len() > LONGEST_TAG {
        Some("a tag has at most 128 characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_registry_a_repository_and_a_tag() {
        for (typed, registry, path, tag) in [
            ("registry.example.com/team/app:1", "registry.example.com", "team/app", "1"),
            ("127.0.0.1:5000/app", "127.0.0.1:5000", "app", "latest"),
            ("localhost/app:V_1.2-3", "localhost", "app", "V_1.2-3"),
            ("me/app", "docker.io", "me/app", "latest"),
            ("docker.io/app", "docker.io", "app", "latest"),
            ("index.docker.io/me/app", "docker.io", "me/app", "latest"),
        ] {
            let read = Reference::read(typed).unwrap();
            assert_eq!((read.registry(), read.path(), read.parts().1), (registry, path, tag), "{typed}");
        }
        assert_eq!(Reference::read("r.io/a").unwrap().name(), "r.io/a:latest");
    }

    #[test]
    fn what_is_pulled_may_have_a_digest_and_need_have_neither_registry_nor_user() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        for (name, registry, path, behind) in [
            ("redis:7", "docker.io", "redis", "7"),
            ("acme/reports", "docker.io", "acme/reports", "latest"),
            ("r.io:5000/acme/reports:2.3", "r.io:5000", "acme/reports", "2.3"),
            (&format!("redis@{digest}"), "docker.io", "redis", &digest),
            (&format!("r.io:5/a:1@{digest}"), "r.io:5", "a", &digest),
        ] {
            let read = Reference::pulled(name).unwrap();
            assert_eq!((read.registry(), read.path(), read.parts().1), (registry, path, behind), "{name}");
            assert_eq!(read.has_digest(), behind == digest, "{name}");
        }
        let id = format!("sha256:{}", "0".repeat(64));
        for name in ["", &id, "u:p@r.io/a:1", "a@sha256:00", "a b", "a:1:2", "-x", "r.io/a@sha512:00", "r.io/../a"] {
            assert_eq!(Reference::pulled(name), None, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_pushed_to_is_told_why() {
        let long = format!("r.io/{}", "a".repeat(300));
        let long_tag = format!("r.io/a:{}", "a".repeat(129));
        for (typed, why) in [
            ("", "REGISTRY/REPO[:TAG]"),
            ("app", "no registry"),
            ("https://r.io/app", "remove \"https:"),
            ("r.io/app@sha256:00", "`@`"),
            ("r.io/Team/app", "lower case"),
            ("r.io/app:", "REGISTRY/REPO[:TAG]"),
            ("r.io/app:a b", "REGISTRY/REPO[:TAG]"),
            ("r.io//app", "REGISTRY/REPO[:TAG]"),
            ("r.io/../app", "REGISTRY/REPO[:TAG]"),
            ("r.io/app?x", "REGISTRY/REPO[:TAG]"),
            ("r.io/\u{1b}[2j", "REGISTRY/REPO[:TAG]"),
            (&long, "255"),
            (&long_tag, "128"),
        ] {
            let error = Reference::read(typed).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains('\u{1b}'), "{typed}: {error}");
        }
    }

    #[test]
    fn a_password_in_front_of_the_registry_is_not_repeated() {
        for typed in ["me:s3cret@r.io/app", "https://me:s3cret@r.io/app", "me:s3/cret@r.io/app:1"] {
            let error = Reference::read(typed).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("cret"), "{error}");
        }
    }
}
