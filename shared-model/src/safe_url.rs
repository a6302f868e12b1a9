//! A URL that redacts itself. Signed URLs carry their signature in the query, Cloud Controller's carry a password
//! in the userinfo, so neither is shown; what is left (scheme, host, path) says where something comes from.

mod expiry;

use serde::{Deserialize, Serialize};
use std::fmt;

/// A URL of a request, kept byte for byte. `Display` and `Debug` hide userinfo, query and fragment;
/// [`SafeUrl::reveal`] gives the whole to the HTTP client.
///
/// Anything may be inside, also the empty string: a request is judged by [`crate::validate`], not here.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SafeUrl(String);

impl SafeUrl {
    /// Takes the URL as it stands in the request.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The whole URL with its secrets, for the HTTP client only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True when the request gave no URL.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scheme in lower case (`https`), or `None` where the text has none.
    #[must_use]
    pub fn scheme(&self) -> Option<String> {
        let (scheme, _) = self.0.split_once("://")?;
        let valid = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        valid.then(|| scheme.to_ascii_lowercase())
    }

    /// Host name in lower case, without port and userinfo; empty where the text has none.
    #[must_use]
    pub fn host(&self) -> String {
        let authority = self.parts().authority;
        let host = if authority.starts_with('[') {
            authority.split_inclusive(']').next().unwrap_or(authority)
        } else {
            authority.split(':').next().unwrap_or(authority)
        };
        host.to_ascii_lowercase()
    }

    /// The path with its leading slash; empty where the URL ends with the host.
    #[must_use]
    pub fn path(&self) -> &str {
        self.parts().path
    }

    /// The raw value of the first query parameter called `name`, still percent-encoded. A secret more often than not.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.0.split_once('?')?;
        let query = query.split('#').next().unwrap_or(query);
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }

    /// What stands before the host: user and password as they stand there. `None` where nothing does. A secret more often
    /// than not.
    #[must_use]
    pub fn userinfo(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once("://")?;
        // Where nobody knows where it ends, all that might be part of it.
        let end = if self.parts().authority.is_empty() { rest.len() } else { rest.find('/').unwrap_or(rest.len()) };
        rest[..end].rfind('@').map(|at| &rest[..at])
    }

    /// What stands behind the first `?`, without a fragment. `None` where nothing does. A secret more often than not.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        let rest = self.userinfo().and_then(|userinfo| self.0.split_once(userinfo)).map_or(&*self.0, |(_, rest)| rest);
        let (_, query) = rest.split('#').next()?.split_once('?')?;
        Some(query)
    }

    /// Whether anything of it is hidden that may be a secret.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.userinfo().is_some() || self.query().is_some()
    }

    fn parts(&self) -> UrlParts<'_> {
        let (prefix, rest) = match self.0.find("://") {
            Some(at) => self.0.split_at(at + 3),
            None => ("", self.0.as_str()),
        };
        // The userinfo reaches to the last '@' before the first '/'. A raw '?' or '#' in front of that '@' is a password
        // to one parser and a query to the next, so nothing of such a URL is shown.
        let authority_end = rest.find('/').unwrap_or(rest.len());
        let host_start = rest[..authority_end].rfind('@').map_or(0, |at| at + 1);
        let visible = &rest[host_start..];
        // A raw '/' in a password likewise ends the authority too early, and one more '@' follows.
        let cut_short = host_start > 0 || !ends_with_port(&rest[..authority_end]);
        if rest[..host_start].contains(['?', '#']) || (cut_short && visible.contains('@')) {
            return UrlParts { prefix, userinfo: true, authority: "", path: "", more: Some(b'?') };
        }
        let visible_end = visible.find(['?', '#']).unwrap_or(visible.len());
        let visible_part = &visible[..visible_end];
        let path_start = visible_part.find('/').unwrap_or(visible_part.len());
        let (authority, path) = visible_part.split_at(path_start);
        UrlParts {
            prefix,
            userinfo: host_start > 0,
            authority,
            path,
            more: visible.as_bytes().get(visible_end).copied(),
        }
    }
}

/// Whether what follows the host is a port, or nothing.
fn ends_with_port(authority: &str) -> bool {
    let after_host = authority.rfind(']').map_or(authority, |at| &authority[at + 1..]);
    after_host
        .split_once(':')
        .is_none_or(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

struct UrlParts<'a> {
    prefix: &'a str,
    userinfo: bool,
    authority: &'a str,
    path: &'a str,
    more: Option<u8>,
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UrlParts { prefix, userinfo, authority, path, more } = self.parts();
        let userinfo = if userinfo { "***@" } else { "" };
        let more = match more {
            Some(b'?') => "?***",
            Some(_) => "#***",
            None => "",
        };
        write!(f, "{prefix}{userinfo}{authority}{path}{more}")
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_signed_url_shows_where_but_not_the_signature() {
        let url = SafeUrl::new("https://blobstore/read/cc-packages/18/c5/k?md5=dzA0&expires=1466017043");
        assert_eq!(url.to_string(), "https://blobstore/read/cc-packages/18/c5/k?***");
        assert_eq!(format!("{url:?}"), "\"https://blobstore/read/cc-packages/18/c5/k?***\"");
        assert_eq!(url.expires(), Some(1_466_017_043));
        assert_eq!((url.scheme().as_deref(), url.host().as_str()), (Some("https"), "blobstore"));
    }

    #[test]
    fn a_password_is_hidden_even_with_at_signs_in_it() {
        let url = SafeUrl::new("http://u:p@w@api:9022/staging?async=true");
        assert_eq!(url.to_string(), "http://***@api:9022/staging?***");
        assert_eq!(url.host(), "api");
    }

    #[test]
    fn a_url_that_two_parsers_would_read_differently_shows_nothing() {
        for url in ["http://u:p?SECRET@api/x", "http://u:p#SECRET@api/x", "http://host?x=a@SECRET"] {
            assert_eq!(SafeUrl::new(url).to_string(), "http://***@?***");
        }
    }

    #[test]
    fn a_password_with_a_slash_in_it_shows_nothing() {
        for url in
            ["http://u:SEC/RET@api/x", "http://u:/SECRET@api", "http://u:p@SEC/RET@api/x", "http://u:p/SECRET?@api"]
        {
            let shown = SafeUrl::new(url).to_string();
            assert!(shown.ends_with("***@?***") && !shown.contains("RET"), "{shown}");
        }
        for url in ["http://registry:4873/@scope/package", "http://registry/a@1.0", "https://[::1]:8080/a@1.0"] {
            assert_eq!(SafeUrl::new(url).to_string(), url);
        }
    }

    #[test]
    fn what_is_hidden_can_be_asked_for() {
        for (url, userinfo, query) in [
            ("https://u:p@h/x?a=b#c", Some("u:p"), Some("a=b")),
            ("https://u:p@w@h/x", Some("u:p@w"), None),
            ("https://u:SEC/RET@h/x", Some("u:SEC/RET"), None),
            ("https://u:p?w@h/x?a", Some("u:p?w"), Some("a")),
            ("http://registry:4873/@scope/package?a=", None, Some("a=")),
            ("https://h/x#a?b", None, None),
            ("u:p@h", None, None),
        ] {
            let url = SafeUrl::new(url);
            assert_eq!((url.userinfo(), url.query()), (userinfo, query), "{}", url.reveal());
            assert_eq!(url.has_secrets(), userinfo.is_some() || query.is_some());
        }
    }

    #[test]
    fn an_ipv6_host_keeps_its_brackets() {
        assert_eq!(SafeUrl::new("http://[::1]:8080/x").host(), "[::1]");
    }

    proptest! {
        #[test]
        fn no_part_of_userinfo_or_query_is_shown(
            user in "[A-Z]{8}", password in "[A-Z@:?#/]{0,12}SECRET[A-Z@:?#/]{0,12}", query in "[A-Z&=/?#]{0,20}SECRET[A-Z]*",
        ) {
            let url = SafeUrl::new(format!("https://{user}:{password}@host:1/path?{query}"));
            let shown = format!("{url} {url:?}");
            prop_assert!(!shown.contains("SECRET") && !shown.contains(&user), "{}", shown);
        }

        #[test]
        fn any_text_is_survived(text in "\\PC{0,40}") {
            let url = SafeUrl::new(text);
            let _ = (url.to_string(), url.host(), url.scheme(), url.expires());
        }
    }
}
