//! What a registry answers who has not said who he is: the header `WWW-Authenticate`. Pure; the bytes are a stranger's.

/// How a registry wants to be told who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With name and password.
    Basic,
    /// With a token of its login service.
    Bearer {
        /// The service's URL.
        realm: String,
        /// What the service calls the registry; empty where that is not said.
        service: String,
        /// What the token is to allow: `repository:team/app:pull,push`; empty where that is not said.
        scope: String,
    },
}

/// The challenge that can be met, a token before a password; `None`: there is none.
pub(super) fn challenge<'h>(headers: impl Iterator<Item = &'h str>) -> Option<Challenge> {
    let all: Vec<Challenge> = headers.filter_map(one).collect();
    let bearer = all.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
    bearer.or(all.first()).cloned()
}

fn one(header: &str) -> Option<Challenge> {
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (String::new(), String::new(), String::new());
    for (name, value) in parameters(rest) {
        match name.to_ascii_lowercase().as_str() {
            "realm" => realm = value,
            "service" => service = value,
            "scope" => scope = value,
            _ => {}
        }
    }
    (!realm.is_empty()).then_some(Challenge::Bearer { realm, service, scope })
}

/// `a="b, c", d=e` as pairs; what cannot be read ends it.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start_matches([' ', ',', '\t']);
    while let Some((name, behind)) = rest.split_once('=') {
        let (value, more) = value(behind.trim_start());
        pairs.push((name.trim().to_owned(), value));
        rest = more.trim_start_matches([' ', ',', '\t']);
    }
    pairs
}

/// A quoted string or a word, and what stands behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, character) in quoted.char_indices() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, &quoted[at + 1..]),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bearer(realm: &str, service: &str, scope: &str) -> Challenge {
        let (realm, service, scope) = (realm.to_owned(), service.to_owned(), scope.to_owned());
        Challenge::Bearer { realm, service, scope }
    }

    #[test]
    fn a_token_is_preferred_and_commas_in_quotes_are_the_values() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        let expected = Some(bearer("https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull,push"));
        assert_eq!(challenge([hub].into_iter()), expected);
        assert_eq!(challenge([r#"Basic realm="x""#, hub].into_iter()), expected);
        assert_eq!(
            challenge(["bearer realm=https://a/t , service = s"].into_iter()),
            Some(bearer("https://a/t", "s", ""))
        );
        assert_eq!(challenge([r#"Bearer realm="a\"b""#].into_iter()), Some(bearer("a\"b", "", "")));
        assert_eq!(challenge(["BASIC"].into_iter()), Some(Challenge::Basic));
        for none in ["", "Digest realm=x", "Bearer", "Bearer service=x", "Bearer realm="] {
            assert_eq!(challenge([none].into_iter()), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_stranger_says_is_read_to_its_end(text in any::<String>()) {
            let _ = challenge([text.as_str()].into_iter());
            let _ = challenge([format!("Bearer {text}").as_str()].into_iter());
        }
    }
}
