//! Takes a URL apart for the HTTP client: where to connect, what to ask for, whose password to send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use shared_model::safe_url::SafeUrl;
use thiserror::Error;
use ureq::http::Uri;
use ureq::http::uri::Authority;

/// A URL that the HTTP client cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is not an http or https URL")]
pub struct NotHttp;

/// A URL as the HTTP client wants it. It holds secrets, so it has no `Debug` and no `Display`.
#[derive(Clone)]
pub struct Address {
    /// The URL without userinfo and fragment.
    pub url: String,
    /// The value of an Authorization header, made of the userinfo.
    pub authorization: Option<String>,
    /// The host, for error texts; never secret.
    pub host: String,
    /// The port, the scheme's own where the URL names none.
    pub port: u16,
    /// Whether TLS is spoken.
    pub https: bool,
}

impl Address {
    /// Takes `url` apart.
    ///
    /// # Errors
    /// [`NotHttp`]: neither http nor https, or not a URL.
    pub fn parse(url: &SafeUrl) -> Result<Self, NotHttp> {
        let (scheme, rest) = url.reveal().split_once("://").ok_or(NotHttp)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(NotHttp),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, more) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (userinfo, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let bare = format!("{scheme}://{host}{more}");
        let uri: Uri = bare.parse().map_err(|_| NotHttp)?;
        let port_is_none = |it: &Authority| it.as_str().len() > it.host().len() && it.port_u16().is_none();
        if uri.host().is_none_or(str::is_empty) || uri.authority().is_some_and(port_is_none) {
            return Err(NotHttp);
        }
        let shown = SafeUrl::new(bare.as_str()).host();
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        Ok(Self { url: bare, authorization: userinfo.map(basic), host: shown, port, https })
    }

    /// Where a redirect leads from here. The password stays behind when the host, the port or the scheme changes;
    /// on the same host it goes along, since Cloud Controller redirects within itself.
    ///
    /// # Errors
    /// [`NotHttp`]: the target is no http or https URL.
    pub fn redirected(&self, location: &str) -> Result<Self, NotHttp> {
        let here: Uri = self.url.parse().map_err(|_| NotHttp)?;
        let (scheme, authority) = (here.scheme_str().unwrap_or_default(), here.authority().map_or("", |a| a.as_str()));
        let target = if location.contains("://") && !location.starts_with(['/', '?', '.']) {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{scheme}://{authority}{location}")
        } else {
            let directory = here.path().rsplit_once('/').map_or("", |(directory, _)| directory);
            format!("{scheme}://{authority}{directory}/{location}")
        };
        let mut next = Self::parse(&SafeUrl::new(target))?;
        if next.authorization.is_none() && next.origin() == self.origin() {
            next.authorization.clone_from(&self.authorization);
        }
        Ok(next)
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        let authority = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url[authority..].find(['/', '?']).map_or(self.url.len(), |at| authority + at);
        &self.url[..end]
    }
}

/// `user:password` of a URL as HTTP's basic authentication. The two are decoded each by itself, so that an encoded
/// colon in a password does no harm.
fn basic(userinfo: &str) -> String {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut plain: Vec<u8> = percent_decode_str(user).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    format!("Basic {}", STANDARD.encode(plain))
}

/// Scheme, host, port and path of a URL in one spelling, as the HTTP client reads it, so that nobody is taken for another
/// by a trick of spelling: `https://blobstore/read/k`. `None`: it is no http or https URL.
#[must_use]
pub fn origin(url: &SafeUrl) -> Option<String> {
    let uri: Uri = Address::parse(url).ok()?.url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let host = uri.host()?.to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = uri.port_u16().filter(|port| *port != usual).map_or(String::new(), |port| format!(":{port}"));
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    Some(format!("{scheme}://{host}{port}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::parse(&SafeUrl::new(url)).unwrap_or_else(|_| panic!("{url} should be understood"))
    }

    #[test]
    fn a_password_leaves_the_url_and_is_decoded() {
        let it = address("http://internal_user:p%40ss%3Aword@api.hcf:9022/staging/apps/18c5#x");
        assert_eq!(it.url, "http://api.hcf:9022/staging/apps/18c5");
        let expected = format!("Basic {}", STANDARD.encode("internal_user:p@ss:word"));
        assert_eq!((it.authorization.as_deref(), it.host.as_str()), (Some(expected.as_str()), "api.hcf"));
    }

    #[test]
    fn an_at_sign_in_the_query_is_no_password() {
        let it = address("https://blobstore/read/k?md5=a@b&expires=1");
        assert_eq!(
            (it.url.as_str(), it.authorization, it.https),
            ("https://blobstore/read/k?md5=a@b&expires=1", None, true)
        );
    }

    #[test]
    fn a_redirect_keeps_the_password_on_its_host_only() {
        let it = address("http://u:p@api/staging/apps/1");
        assert!(it.redirected("/other?x=1").unwrap_or_else(|_| panic!()).authorization.is_some());
        for elsewhere in ["http://blobstore/read", "https://api/staging", "http://api:81/x", "//evil/x"] {
            assert!(it.redirected(elsewhere).unwrap_or_else(|_| panic!()).authorization.is_none(), "{elsewhere}");
        }
        assert_eq!(it.redirected("2").unwrap_or_else(|_| panic!()).url, "http://api/staging/apps/2");
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for url in
            ["", "ftp://h/x", "http://", "file:///etc/passwd", "http://u:p@/x", "http://host:port/x", "http://h o/x"]
        {
            assert!(Address::parse(&SafeUrl::new(url)).is_err(), "{url}");
        }
    }
}
