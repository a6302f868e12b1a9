//! The logins for registries that a CNB builder gets in a variable: by host, a user and a password, or a token. Pure.

use super::{Needle, SHORT, STARS, in_json, spellings};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The variable. Without a login its text is `null`.
pub(super) const VARIABLE: &str = "CNB_REGISTRY_CREDS";
/// More hosts than any request has. Each login costs time with every line.
const MOST_HOSTS: usize = 64;

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

/// Adds the secrets of `text`, the variable's value. What is no such list is a secret as a whole.
pub(super) fn add(text: &str, needles: &mut Vec<Needle>) {
    let Ok(logins) = serde_json::from_str::<Option<BTreeMap<String, Login>>>(text) else {
        return add_secret(text, needles);
    };
    for Login { username, password, token } in logins.unwrap_or_default().into_values().take(MOST_HOSTS) {
        // As HTTP sends it.
        add_secret(&STANDARD.encode(format!("{username}:{password}")), needles);
        for (name, secret) in [("password", &password), ("token", &token)] {
            add_secret(secret, needles);
            // A word too short to be hidden wherever it stands is hidden where it stands for itself.
            for secret in in_json(secret).into_iter().filter(|secret| !secret.is_empty()) {
                let shown = format!("\"{name}\":\"{STARS}\"");
                needles.push(Needle { text: format!("\"{name}\":\"{secret}\""), shown });
            }
        }
    }
}

fn add_secret(secret: &str, needles: &mut Vec<Needle>) {
    let spelt = spellings(secret).into_iter().filter(|secret| secret.len() >= SHORT);
    let all = spelt.flat_map(|secret| in_json(&secret));
    needles.extend(all.map(|text| Needle { text, shown: STARS.to_owned() }));
}

#[cfg(test)]
mod tests {
    use super::super::Hidden;
    use super::*;

    fn shown(variable: &str, text: &str) -> String {
        let mut needles = Vec::new();
        add(variable, &mut needles);
        Hidden::new(needles).hide(text).into_owned()
    }

    #[test]
    fn passwords_and_tokens_are_hidden_however_a_builder_shows_them() {
        let variable = r#"{"a.io":{"username":"cnb","password":"pass/wörd&1"},"b.io":{"token":"0123456789"}}"#;
        let basic = STANDARD.encode("cnb:pass/wörd&1");
        for text in ["pass/wörd&1", "pass%2Fw%C3%B6rd%261", r"pass/wörd\u00261", "0123456789", &basic] {
            assert_eq!(shown(variable, &format!("<{text}>")), "<***>", "{text}");
        }
        assert_eq!(shown(variable, "cnb at a.io"), "cnb at a.io");
        let whole = shown(variable, variable);
        assert_eq!(
            whole, r#"{"a.io":{"username":"cnb","password":"***"},"b.io":{"token":"***"}}"#,
            "as an environment is printed"
        );
    }

    #[test]
    fn a_short_password_is_hidden_in_its_list_and_leaves_other_words_alone() {
        let variable = r#"{"a.io":{"username":"me","password":"abc"}}"#;
        assert_eq!(shown(variable, variable), r#"{"a.io":{"username":"me","password":"***"}}"#);
        assert_eq!(shown(variable, "abc is the alphabet"), "abc is the alphabet");
    }

    #[test]
    fn without_logins_nothing_is_hidden_and_what_cannot_be_read_is_hidden_whole() {
        for none in ["null", "{}", "", " null "] {
            assert_eq!(shown(none, "null and void, {}"), "null and void, {}", "{none:?}");
        }
        let odd = r#"{"a.io":"me:pass0word"}"#;
        assert_eq!(shown(odd, &format!("cannot read {odd}")), "cannot read ***");
        assert_eq!(shown(r#"{"a.io":{"password":7}}"#, "7"), "7");
    }
}
