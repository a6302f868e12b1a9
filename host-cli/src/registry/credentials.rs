//! Who pushes. Nothing here can print a secret.

use super::reference::{DOCKER_HUB, Reference};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};
use shared_model::secret::Secret;
use std::collections::BTreeMap;

/// The name under which Docker Hub's credentials are kept, by all tools since the first.
pub(super) const KEY_OF_DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Who pushes to one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The key under which they are kept: the registry's host, or Docker Hub's odd one.
    key: String,
    /// What is shown to the registry.
    pub(super) login: Login,
    /// Where they come from, for people: `--username me`, `auths of /home/me/.docker/config.json`; empty for nobody.
    pub(crate) origin: String,
    /// The helper that should have been asked and is not here, in words: `docker-credential-desktop, which … names for r.io,
    /// is not in PATH`. Nobody needs it where the registry asks for no login.
    pub(crate) missing_helper: Option<String>,
}

/// What is shown to a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Login {
    /// No name and no password.
    #[default]
    Anonymous,
    /// A name and what goes with it.
    Password { user: String, password: Secret<String> },
    /// A token that the registry's own login service exchanges for others.
    IdentityToken(Secret<String>),
    /// A token that is shown to the registry as it is.
    RegistryToken(Secret<String>),
}

impl Credentials {
    /// Those for the registry of `reference`.
    pub(crate) fn new(reference: &Reference, login: Login, origin: String) -> Self {
        Self { key: key(reference.registry()).to_owned(), login, origin, missing_helper: None }
    }

    /// The same, and what is missing.
    pub(crate) fn without_helper(self, missing_helper: Option<String>) -> Self {
        Self { missing_helper, ..self }
    }

    /// Whether nothing is shown to the registry.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.login == Login::Anonymous
    }

    /// A `config.json` of docker's with these logins and nothing else; `None`: none of them shows anything.
    pub(crate) fn docker_config(all: &[&Self]) -> Option<Secret<String>> {
        let entry = |login: &Login| match login {
            Login::Anonymous => None,
            Login::Password { user, password } => {
                Some(json!({ "auth": STANDARD.encode(format!("{user}:{}", password.reveal())) }))
            }
            Login::IdentityToken(token) => Some(json!({ "identitytoken": token.reveal() })),
            Login::RegistryToken(token) => Some(json!({ "registrytoken": token.reveal() })),
        };
        let auths: BTreeMap<&str, Value> =
            all.iter().filter_map(|one| Some((one.key.as_str(), entry(&one.login)?))).collect();
        (!auths.is_empty()).then(|| Secret::new(json!({ "auths": auths }).to_string()))
    }

    /// What engines want in the header `X-Registry-Auth`. Its padding stays: older engines want it.
    pub(crate) fn header(&self) -> Secret<String> {
        let document = match &self.login {
            Login::Anonymous => json!({}),
            Login::Password { user, password } => {
                json!({ "username": user, "password": password.reveal(), "serveraddress": self.key })
            }
            Login::IdentityToken(token) => json!({ "identitytoken": token.reveal(), "serveraddress": self.key }),
            Login::RegistryToken(token) => json!({ "registrytoken": token.reveal(), "serveraddress": self.key }),
        };
        Secret::new(URL_SAFE.encode(document.to_string()))
    }
}

/// The name under which the credentials of a registry are kept.
pub(super) fn key(registry: &str) -> &str {
    if registry == DOCKER_HUB { KEY_OF_DOCKER_HUB } else { registry }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, login: Login) -> Credentials {
        Credentials::new(&Reference::read(name).unwrap(), login, "a test".to_owned())
    }

    fn shown(credentials: &Credentials) -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE.decode(credentials.header().reveal()).unwrap()).unwrap()
    }

    #[test]
    fn an_engine_is_shown_each_kind_of_credentials_in_its_own_field() {
        let secret = || Secret::new("s3cret?>~".to_owned());
        let password = of("r.io:5/a", Login::Password { user: "me".into(), password: secret() });
        assert_eq!(shown(&password), json!({"username": "me", "password": "s3cret?>~", "serveraddress": "r.io:5"}));
        assert!(!password.header().reveal().contains(['+', '/']), "the URL-safe form");
        let token = of("me/a", Login::IdentityToken(secret()));
        assert_eq!(shown(&token), json!({"identitytoken": "s3cret?>~", "serveraddress": KEY_OF_DOCKER_HUB}));
        let token = of("r.io/a", Login::RegistryToken(secret()));
        assert_eq!(shown(&token), json!({"registrytoken": "s3cret?>~", "serveraddress": "r.io"}));
        assert_eq!(shown(&of("r.io/a", Login::Anonymous)), json!({}));
    }

    #[test]
    fn none_of_them_can_be_printed() {
        let secret = || Secret::new("s3cret".to_owned());
        for login in [
            Login::Password { user: "me".into(), password: secret() },
            Login::IdentityToken(secret()),
            Login::RegistryToken(secret()),
        ] {
            let credentials = of("r.io/a", login);
            let header = credentials.header();
            let printed = format!("{credentials:?} {header:?}");
            assert!(!printed.contains("s3cret") && !printed.contains(header.reveal().as_str()), "{printed}");
        }
    }
}
