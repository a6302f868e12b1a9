//! The logins for registries that a CNB builder gets in a variable: by host, a user and a password, or a token. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The variable. Without a login its text is `null`.
pub(super) const VARIABLE: &str = "CNB_REGISTRY_CREDS";

/// As the builder reads it, but for a login of both kinds, which it refuses: both are secrets all the same.
#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    token: String,
}

/// What of the variable is secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LoginSecret {
    /// The name before it in the variable; empty: it stands there under none.
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// The secrets in `text`, the variable's value; what is no such list is one as a whole.
pub(super) fn secrets(text: &str) -> Vec<LoginSecret> {
    let nameless = |text: String| LoginSecret { name: "", text };
    let Ok(logins) = serde_json::from_str::<Option<BTreeMap<String, Login>>>(text) else {
        return vec![nameless(text.to_owned())];
    };
    let of_login = |Login { username, password, token }: Login| {
        // As HTTP sends it.
        let basic = STANDARD.encode(format!("{username}:{password}"));
        [nameless(basic), LoginSecret { name: "password", text: password }, LoginSecret { name: "token", text: token }]
    };
    let all = logins.unwrap_or_default().into_values().flat_map(of_login);
    all.filter(|secret| !secret.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_its_passwords_and_tokens_and_what_is_none_is_a_secret_as_a_whole() {
        let of = |text: &str| secrets(text).into_iter().map(|secret| (secret.name, secret.text)).collect::<Vec<_>>();
        assert_eq!(
            of(r#"{"a.io":{"username":"u","password":"p"},"b.io":{"token":"t"}}"#),
            [("", "dTpw".to_owned()), ("password", "p".into()), ("", "Og==".into()), ("token", "t".into())]
        );
        for none in ["null", "{}", " null "] {
            assert!(of(none).is_empty(), "{none}");
        }
        for odd in [r#"{"a.io":"me:pw"}"#, r#"{"a.io":{"password":7}}"#, "7"] {
            assert_eq!(of(odd), [("", odd.to_owned())]);
        }
    }
}
