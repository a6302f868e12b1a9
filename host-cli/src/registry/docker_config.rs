//! Docker's `config.json`, as far as it tells who pushes where. Pure. What it holds is secret: no error quotes it.

use super::credentials::{KEY_OF_DOCKER_HUB, Login, key};
use super::reference::{DOCKER_HUB, Reference};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use shared_model::secret::Secret;
use std::collections::BTreeMap;

/// The file's content; what else it holds is not ours to judge.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DockerConfig {
    auths: Option<BTreeMap<String, Entry>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

/// One registry's entry; empty where a helper keeps what belongs there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// `NAME:PASSWORD` in base64.
    auth: Option<Secret<String>>,
    username: Option<String>,
    password: Option<Secret<String>>,
    identitytoken: Option<Secret<String>>,
    registrytoken: Option<Secret<String>>,
}

/// An `auth` that is not `NAME:PASSWORD` in base64.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadAuth;

impl DockerConfig {
    /// Reads the file's content. The error is a place in it: line and column.
    pub(super) fn read(content: &[u8]) -> Result<Self, (usize, usize)> {
        serde_json::from_slice(content).map_err(|error| (error.line(), error.column()))
    }

    /// The helper that keeps the registry's credentials: the NAME of `docker-credential-NAME`.
    pub(super) fn helper(&self, reference: &Reference) -> Option<&str> {
        let helpers = self.cred_helpers.iter().flatten();
        let own = helpers.into_iter().find(|(key, _)| is_of(key, reference.registry())).map(|(_, helper)| helper);
        own.or(self.creds_store.as_ref()).map(String::as_str).filter(|helper| !helper.is_empty())
    }

    /// What the file itself holds for the registry; `None` where that is nothing.
    pub(super) fn login(&self, reference: &Reference) -> Result<Option<Login>, BadAuth> {
        let entries = || self.auths.iter().flatten();
        let of_path = entries().filter(|(key, _)| is_above(key, reference)).max_by_key(|(key, _)| key.len());
        let entry = of_path.or_else(|| entries().find(|(key, _)| is_of(key, reference.registry())));
        entry.map_or(Ok(None), |(_, entry)| entry.login())
    }
}

/// Whether a key is the registry's: `HOST[:PORT]`, perhaps with a scheme in front of it or an API's path behind it.
fn is_of(found: &str, registry: &str) -> bool {
    let without_scheme = found.strip_prefix("https://").or_else(|| found.strip_prefix("http://"));
    let (host, path) = without_scheme.unwrap_or(found).split_once('/').unwrap_or((without_scheme.unwrap_or(found), ""));
    let of_api = without_scheme.is_some() || matches!(path.trim_end_matches('/'), "" | "v1" | "v2");
    let of_hub = registry == DOCKER_HUB && matches!(host, "index.docker.io" | "registry-1.docker.io");
    found == key(registry) || (of_api && (host == registry || of_hub))
}

/// Whether a key is a part of the registry that the repository lies in, as Podman writes it: `quay.io/team`.
fn is_above(key: &str, reference: &Reference) -> bool {
    let below = key.strip_prefix(reference.registry()).and_then(|path| path.strip_prefix('/'));
    let rest = below.filter(|path| !path.is_empty()).and_then(|path| reference.path().strip_prefix(path));
    key != KEY_OF_DOCKER_HUB && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Entry {
    /// A token goes before a password, as with docker's own command.
    fn login(&self) -> Result<Option<Login>, BadAuth> {
        let full = |text: &&Secret<String>| !text.reveal().is_empty();
        if let Some(token) = self.identitytoken.as_ref().filter(full) {
            return Ok(Some(Login::IdentityToken(token.clone())));
        }
        if let Some(token) = self.registrytoken.as_ref().filter(full) {
            return Ok(Some(Login::RegistryToken(token.clone())));
        }
        if let Some(auth) = self.auth.as_ref().filter(full) {
            return decoded(auth).map(Some).ok_or(BadAuth);
        }
        let user = self.username.as_ref().filter(|user| !user.is_empty());
        let password = self.password.as_ref().filter(full);
        Ok(user
            .zip(password)
            .map(|(user, password)| Login::Password { user: user.clone(), password: password.clone() }))
    }
}

/// `NAME:PASSWORD`; the password may hold colons.
fn decoded(auth: &Secret<String>) -> Option<Login> {
    let auth = auth.reveal().trim();
    let bytes = STANDARD.decode(auth).or_else(|_| URL_SAFE.decode(auth)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':').filter(|(user, _)| !user.is_empty())?;
    // Some tools write a zero byte behind the password.
    let password = Secret::new(password.trim_end_matches('\0').to_owned());
    Some(Login::Password { user: user.to_owned(), password })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::credentials::Credentials;

    fn config(text: &str) -> DockerConfig {
        DockerConfig::read(text.as_bytes()).unwrap()
    }

    fn reference(name: &str) -> Reference {
        Reference::read(name).unwrap()
    }

    fn login(config: &DockerConfig, name: &str) -> Option<Login> {
        config.login(&reference(name)).unwrap()
    }

    fn password(user: &str, password: &str) -> Login {
        Login::Password { user: user.into(), password: Secret::new(password.into()) }
    }

    #[test]
    fn a_config_that_we_write_holds_the_logins_that_it_is_made_of_and_no_others() {
        let of = |name, login| Credentials::new(&reference(name), login, String::new());
        let token = || Login::IdentityToken(Secret::new("s3cret:>".to_owned()));
        let all = [of("r.io:5/a", password("me", "s3cret:>")), of("me/a", token()), of("q.io/a", Login::Anonymous)];
        let written = Credentials::docker_config(&all.each_ref()).unwrap();
        let read = config(written.reveal());
        assert_eq!(login(&read, "r.io:5/a"), Some(password("me", "s3cret:>")));
        assert_eq!((login(&read, "me/a"), login(&read, "q.io/a")), (Some(token()), None));
        assert_eq!(Credentials::docker_config(&[&all[2]]), None);
    }

    #[test]
    fn an_entry_is_a_name_with_a_password_in_two_forms_or_a_token_of_two_kinds() {
        let config = config(
            r#"{"auths": {
                "a.io": {"auth": "bWU6d29yZDp3aXRoIGNvbG9u"},
                "b.io": {"username": "me", "password": "word"},
                "c.io": {"auth": "bWU6d29yZA==", "identitytoken": "token"},
                "d.io": {"registrytoken": "token"},
                "e.io": {}, "f.io": {"auth": "bWU6"}, "g.io": {"auth": "bWU6d29yZAA="}
            }, "HttpHeaders": {"User-Agent": "x"}, "psFormat": 1}"#,
        );
        assert_eq!(login(&config, "a.io/x"), Some(password("me", "word:with colon")));
        assert_eq!(login(&config, "b.io/x"), Some(password("me", "word")));
        assert_eq!(login(&config, "c.io/x"), Some(Login::IdentityToken(Secret::new("token".into()))));
        assert_eq!(login(&config, "d.io/x"), Some(Login::RegistryToken(Secret::new("token".into()))));
        assert_eq!(login(&config, "e.io/x"), None);
        assert_eq!(login(&config, "f.io/x"), Some(password("me", "")));
        assert_eq!(login(&config, "g.io/x"), Some(password("me", "word")));
        assert_eq!(login(&config, "h.io/x"), None);
    }

    #[test]
    fn a_registry_is_found_under_each_of_its_keys_and_under_no_others() {
        for (key, name, found) in [
            ("r.io:5000", "r.io:5000/a", true),
            ("https://r.io:5000", "r.io:5000/a", true),
            ("http://r.io:5000/", "r.io:5000/a", true),
            ("https://r.io:5000/v2/", "r.io:5000/a", true),
            ("r.io:5000/v1", "r.io:5000/a", true),
            ("r.io", "r.io:5000/a", false),
            ("r.io:5000", "r.io/a", false),
            ("https://index.docker.io/v1/", "me/a", true),
            ("docker.io", "me/a", true),
            ("index.docker.io", "docker.io/me/a", true),
            ("https://index.docker.io/v1/", "r.io/a", false),
            ("r.io/team", "r.io/team/a", true),
            ("r.io/team/a", "r.io/team/a", true),
            ("r.io/team", "r.io/teams/a", false),
            ("r.io/team", "r.io/a", false),
        ] {
            let config = config(&format!(r#"{{"auths": {{"{key}": {{"auth": "bWU6d29yZA=="}}}}}}"#));
            assert_eq!(login(&config, name).is_some(), found, "{key} for {name}");
        }
    }

    #[test]
    fn the_nearest_entry_counts() {
        let text = r#"{"auths": {"r.io": {"username": "all", "password": "p"},
            "r.io/team": {"username": "team", "password": "p"}, "r.io/team/a": {"username": "a", "password": "p"}}}"#;
        for (name, user) in [("r.io/b", "all"), ("r.io/team/b", "team"), ("r.io/team/a", "a")] {
            assert_eq!(login(&config(text), name), Some(password(user, "p")), "{name}");
        }
    }

    #[test]
    fn a_registrys_own_helper_goes_before_the_one_for_all() {
        let text = r#"{"credsStore": "all", "credHelpers": {"r.io": "own", "https://index.docker.io/v1/": "hub"}}"#;
        for (name, helper) in [("r.io/a", "own"), ("me/a", "hub"), ("other.io/a", "all")] {
            assert_eq!(config(text).helper(&reference(name)), Some(helper));
        }
        assert_eq!(config(r#"{"credsStore": ""}"#).helper(&reference("r.io/a")), None);
    }

    #[test]
    fn nothing_is_an_empty_configuration_and_rubbish_is_told_by_its_place_alone() {
        assert!(config("{}").auths.is_none());
        assert_eq!(config(r#"{"auths": null, "credHelpers": null}"#).helper(&reference("r.io/a")), None);
        assert_eq!(DockerConfig::read(b"{\n\"auths\": \"s3cret\"}").unwrap_err().0, 2);
        for auth in ["c2VjcmV0", "?", "OnNlY3JldA=="] {
            let config = config(&format!(r#"{{"auths": {{"r.io": {{"auth": "{auth}"}}}}}}"#));
            assert_eq!(config.login(&reference("r.io/a")), Err(BadAuth), "{auth}");
            assert!(!format!("{config:?}").contains(auth));
        }
    }
}
