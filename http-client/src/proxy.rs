//! Which proxy a request goes through, by the variables that everybody knows: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`,
//! in capitals or not. Docker passes them into containers, so they are there without anybody having thought of it.
//!
//! `NO_PROXY` is read as Go reads it, for Docker and Cloud Foundry are Go: names with their subdomains, `.name` for
//! the subdomains alone, addresses, each of these with a port or without, networks (`10.0.0.0/8`), and `*`. This machine
//! itself (`localhost`, 127.0.0.0/8, `::1`) is never asked through a proxy.

use crate::address::Address;
use crate::transfer_error::{TransferError, status_text};
use shared_model::safe_url::SafeUrl;
use std::fmt;
use std::net::IpAddr;
use thiserror::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The proxies of an environment.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// One proxy. `Display` and `Debug` hide its password.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// As it was given, with a scheme.
    pub(crate) url: SafeUrl,
    /// The variable that names it.
    pub(crate) variable: &'static str,
    /// Whether TLS is spoken to it.
    pub(crate) https: bool,
    /// The value of a Proxy-Authorization header, of the userinfo.
    pub(crate) authorization: Option<String>,
    /// The same for the HTTP library, which asks it for tunnels.
    pub(crate) tunnel: ureq::Proxy,
}

/// Finds the address of a proxy, whatever host is asked for: a proxy that passes requests on is all that one connects to.
pub(crate) struct NearProxy(pub(crate) Uri);

/// A variable of the environment does not name a proxy that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable} is not the URL of an HTTP proxy")]
pub struct ProxyError {
    /// `HTTPS_PROXY` and the like.
    pub variable: &'static str,
}

/// What is asked without a proxy. A port of `None` means any.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    All,
    /// In lower case; `subdomains_only` for `.name`.
    Name {
        name: String,
        subdomains_only: bool,
        port: Option<u16>,
    },
    Network {
        address: IpAddr,
        bits: u32,
        port: Option<u16>,
    },
}

impl Proxies {
    /// The proxies that the variables name; `value` gives a variable's value. An empty one is as good as none.
    ///
    /// # Errors
    /// A variable names something else, such as a SOCKS proxy. Going around it could be what nobody wants.
    pub fn from_env(value: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let first = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| {
                let value = value(name)?.trim().to_owned();
                (!value.is_empty()).then_some((name, value))
            })
        };
        let proxy = |names| first(names).map(|(variable, url)| Proxy::parse(variable, &url)).transpose();
        let exceptions = first(["no_proxy", "NO_PROXY"]).map(|(_, list)| list).unwrap_or_default();
        Ok(Self {
            http: proxy(["http_proxy", "HTTP_PROXY"])?,
            https: proxy(["https_proxy", "HTTPS_PROXY"])?,
            exceptions: exceptions.split([',', ' ']).filter_map(Exception::parse).collect(),
        })
    }

    /// Whether this URL is asked without a proxy; what is no URL of HTTP is.
    #[must_use]
    pub fn is_direct(&self, url: &str) -> bool {
        let address = Address::parse(&SafeUrl::new(url.to_owned()));
        address.map_or(true, |address| self.for_address(&address).is_none())
    }

    /// The proxy for `address`; `None`: it is asked directly.
    pub(crate) fn for_address(&self, address: &Address) -> Option<&Proxy> {
        let proxy = if address.https { self.https.as_ref() } else { self.http.as_ref() }?;
        let host = address.host.trim_end_matches('.');
        let ip = ip(host);
        let here = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback());
        let excepted = here || self.exceptions.iter().any(|exception| exception.covers(host, ip, address.port));
        (!excepted).then_some(proxy)
    }
}

impl Proxy {
    fn parse(variable: &'static str, text: &str) -> Result<Self, ProxyError> {
        let url = SafeUrl::new(if text.contains("://") { text.to_owned() } else { format!("http://{text}") });
        let address = Address::parse(&url).map_err(|_| ProxyError { variable })?;
        let tunnel = ureq::Proxy::new(url.reveal()).map_err(|_| ProxyError { variable })?;
        Ok(Self { url, variable, https: address.https, authorization: address.authorization, tunnel })
    }

    /// It answered `status` in place of whom we asked for.
    pub(crate) fn refusal(&self, status: u16) -> TransferError {
        TransferError::Proxy {
            proxy: self.to_string(),
            status: Some(status),
            reason: format!("it answered {}", status_text(status)),
        }
    }
}

impl fmt::Debug for NearProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NearProxy") // the URL may hold a password
    }
}

impl Resolver for NearProxy {
    fn resolve(&self, _: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        DefaultResolver::default().resolve(&self.0, config, timeout)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.url, self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Exception {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = text.split_once('/') {
            let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse().ok()?);
            return (bits <= width(address)).then_some(Self::Network { address, bits, port: None });
        }
        // An address of IPv6 has colons of its own, so it is looked for before a port is.
        let (host, port) = match text.rsplit_once(':').filter(|_| ip(&text).is_none()) {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text.as_str(), None),
        };
        if let Some(address) = ip(host) {
            return Some(Self::Network { address, bits: width(address), port });
        }
        let name = host.trim_start_matches('*');
        let subdomains_only = name.starts_with('.');
        let name = name.trim_matches('.').to_owned();
        (!name.is_empty()).then_some(Self::Name { name, subdomains_only, port })
    }

    fn covers(&self, host: &str, ip: Option<IpAddr>, asked: u16) -> bool {
        match self {
            Self::All => true,
            Self::Name { name, subdomains_only, port } => {
                let itself = host == name && !subdomains_only;
                let below = host.strip_suffix(name).is_some_and(|front| front.ends_with('.'));
                (itself || below) && port.is_none_or(|port| port == asked)
            }
            Self::Network { address, bits, port } => {
                let inside = ip.is_some_and(|ip| first_bits(ip, *bits) == first_bits(*address, *bits));
                inside && port.is_none_or(|port| port == asked)
            }
        }
    }
}

/// An address, with or without the brackets that IPv6 has in URLs.
fn ip(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The first `bits` of `address`, with its kind: an IPv4 address lies in no IPv6 network.
fn first_bits(address: IpAddr, bits: u32) -> (bool, u128) {
    let value = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    (address.is_ipv4(), value.checked_shr(width(address) - bits).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::from_env(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn way(proxies: &Proxies, url: &str) -> Option<String> {
        let address = Address::parse(&SafeUrl::new(url)).unwrap();
        proxies.for_address(&address).map(ToString::to_string)
    }

    #[test]
    fn each_scheme_has_its_proxy_in_either_case() {
        let both = proxies(&[("http_proxy", "http://u:SECRET@p:3128"), ("HTTPS_PROXY", "q:3129"), ("https_proxy", "")]);
        let both = both.unwrap();
        assert_eq!(way(&both, "http://api/x").as_deref(), Some("http://***@p:3128 (http_proxy)"));
        assert_eq!(way(&both, "https://api/x").as_deref(), Some("http://q:3129 (HTTPS_PROXY)"));
        assert!(!format!("{both:?}").contains("SECRET"));
        let lower_wins = proxies(&[("http_proxy", "a"), ("HTTP_PROXY", "b")]).unwrap();
        assert_eq!(way(&lower_wins, "http://api/x").as_deref(), Some("http://a (http_proxy)"));
        assert_eq!(way(&lower_wins, "https://api/x"), None);
    }

    #[test]
    fn what_no_proxy_covers_is_asked_directly() {
        for (list, direct, through) in [
            (
                "api",
                &["http://api/", "http://API:81/", "http://x.api/", "http://api./"][..],
                &["http://xapi/", "http://api.x/"][..],
            ),
            (".hcf", &["http://api.hcf/", "http://a.b.hcf/"], &["http://hcf/", "http://xhcf/"]),
            ("*.hcf", &["http://api.hcf/"], &["http://hcf/"]),
            ("api:8080", &["http://api:8080/", "http://x.api:8080/"], &["http://api/", "http://api:81/"]),
            ("api:80", &["http://api/"], &["https://api/"]),
            ("*", &["http://api/", "https://10.0.0.1/"], &[]),
            ("10.1.2.3", &["http://10.1.2.3/"], &["http://10.1.2.4/", "http://x10.1.2.3/"]),
            ("10.1.2.3:81", &["http://10.1.2.3:81/"], &["http://10.1.2.3/"]),
            ("10.0.0.0/8", &["http://10.9.9.9/"], &["http://11.0.0.1/", "http://api/"]),
            ("0.0.0.0/0", &["http://10.9.9.9/"], &["http://[2001:db8::1]/", "http://api/"]),
            ("2001:db8::/32", &["http://[2001:db8::1]/"], &["http://[2001:db9::1]/", "http://32.1.13.184/"]),
            ("2001:db8::1", &["http://[2001:db8::1]:81/"], &["http://[2001:db8::2]/"]),
            ("a, b c,,", &["http://a/", "http://b/", "http://c/"], &["http://d/"]),
            ("10.0.0.0/33,api:port,.,", &[], &["http://10.0.0.1/", "http://api/"]),
            ("", &["http://localhost:8080/", "http://127.0.0.2/", "http://[::1]/"], &["http://api/"]),
        ] {
            let variables = [("HTTP_PROXY", "http://p:1"), ("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)];
            let proxies = proxies(&variables).unwrap();
            for url in direct {
                assert_eq!(way(&proxies, url), None, "{url} with NO_PROXY={list}");
            }
            for url in through {
                assert!(way(&proxies, url).is_some(), "{url} with NO_PROXY={list}");
            }
        }
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_and_its_password_not_shown() {
        for url in ["socks5://u:SECRET@p:1080", "http://u:SECRET@", "http://p:port", "http://u:SECRET @p"] {
            let error = proxies(&[("HTTPS_PROXY", url)]).unwrap_err();
            assert_eq!(error.to_string(), "HTTPS_PROXY is not the URL of an HTTP proxy");
        }
    }
}
