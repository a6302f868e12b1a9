//! Who is let in: nobody asks, a name and password, or tokens.

use super::http::{Answer, Asked};
use crate::registry::{PASSWORD, USER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;

/// A secret that [`crate::said`] looks for is part of every token.
const TOKEN: &str = "s3cret-of-the-push-tests";

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) enum Door {
    #[default]
    Open,
    Basic,
    Tokens(Tokens),
}

/// A registry that wants tokens, and who gives them.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    /// Where they are given: `http://HOST:PORT/token`; empty: the registry's own host gives them.
    pub(crate) realm: String,
    /// So many requests a token serves.
    pub(crate) last: usize,
    /// Who has no password gets none.
    pub(crate) only_for_users: bool,
    /// The field of the answer that has the token.
    pub(crate) field: &'static str,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { realm: String::new(), last: usize::MAX, only_for_users: true, field: "token" }
    }
}

/// Tokens that were given, and how many requests each still serves.
#[derive(Debug, Default)]
pub(crate) struct Given(HashMap<String, usize>);

fn is_user(asked: &Asked) -> bool {
    let wanted = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    asked.header("authorization") == Some(&wanted)
}

impl Door {
    /// The refusal; `None`: come in. `host` is the registry's own.
    pub(crate) fn refuses(&self, asked: &Asked, given: &mut Given, host: &str) -> Option<Answer> {
        let challenge = match self {
            Self::Open => return None,
            Self::Basic if is_user(asked) => return None,
            Self::Basic => "Basic realm=\"tests, and more\"".to_owned(),
            Self::Tokens(tokens) => {
                let shown = asked.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
                if let Some(left) = shown.and_then(|token| given.0.get_mut(token)).filter(|left| **left > 0) {
                    *left -= 1;
                    return None;
                }
                let realm = if tokens.realm.is_empty() { format!("http://{host}/token") } else { tokens.realm.clone() };
                let repository = asked.path.trim_start_matches("/v2/");
                let end = ["/blobs/", "/manifests/"].iter().find_map(|mark| repository.find(mark));
                let scope = end
                    .map_or_else(String::new, |end| format!(",scope=\"repository:{}:pull,push\"", &repository[..end]));
                format!("Bearer realm=\"{realm}\",service=\"a registry, misbehaving\"{scope}")
            }
        };
        let answer = Answer::error("401 Unauthorized", "UNAUTHORIZED", "authentication required");
        Some(answer.with("WWW-Authenticate", challenge))
    }

    /// Gives a token.
    pub(crate) fn token(&self, asked: &Asked, given: &mut Given) -> Answer {
        let Self::Tokens(tokens) = self else { return Answer::page("404 Not Found") };
        if tokens.only_for_users && !is_user(asked) {
            return Answer::error("401 Unauthorized", "UNAUTHORIZED", "incorrect username or password");
        }
        let token = format!("{TOKEN}-{}", given.0.len());
        given.0.insert(token.clone(), tokens.last);
        let body = serde_json::json!({ tokens.field: token, "expires_in": 300 });
        Answer::new("200 OK").with("Content-Type", "application/json").body(body.to_string())
    }
}
