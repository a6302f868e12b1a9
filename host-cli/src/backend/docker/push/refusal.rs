//! What an engine's words mean when a push goes wrong: they come from the registry, from the engine's TLS and its network,
//! and differ between engines. Pure.

use crate::registry::credentials::Credentials;
use crate::registry::reference::{DOCKER_HUB, Reference};

/// Why a registry has not got an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushRefusal {
    /// It wants to know who pushes, or does not believe it (401).
    Unauthorized,
    /// Who pushes may not (403).
    Denied,
    /// There is no such repository, and it makes none (404).
    Unknown,
    /// Too many requests (429).
    TooMany,
    /// It is in trouble itself (5xx).
    Trouble,
    /// Something is too large for it, or for a proxy in front of it (413).
    TooLarge,
    /// The engine does not know who signed its certificate.
    UnknownCa,
    /// Its certificate is not good for another reason: its name, its time.
    BadCertificate,
    /// It speaks no TLS.
    PlainHttp,
    /// Its name leads nowhere.
    NoHost,
    /// Nobody answers the engine when it asks where the name leads.
    NoNameServer,
    /// Nobody answers at its address.
    NobodyThere,
    /// What arrived was not what was sent.
    Digest,
    /// It does not like the name.
    Name,
    /// Somebody in front of it answers with a page for people; newer engines keep back with which status.
    Page,
    /// The engine's words say nothing that we know.
    Other,
}

/// The words by which a refusal is known, in lower case; the first that is found counts. What is more telling comes first:
/// a registry may say `denied` and `unauthorized` in one breath.
const WORDS: [(PushRefusal, &[&str]); 15] = [
    (PushRefusal::UnknownCa, &["unknown authority", "self signed certificate", "self-signed certificate"]),
    (PushRefusal::BadCertificate, &["x509:", "tls: ", "certificate has expired"]),
    (PushRefusal::PlainHttp, &["server gave http response to https client"]),
    (PushRefusal::NoHost, &["no such host", "server misbehaving", "temporary failure in name resolution"]),
    (
        PushRefusal::NobodyThere,
        &["connection refused", "no route to host", "i/o timeout", "deadline exceeded", "network is unreachable"],
    ),
    (PushRefusal::TooMany, &["toomanyrequests", "too many requests", "http 429", "429 ", "statuscode: 429"]),
    (
        PushRefusal::TooLarge,
        &[
            "http 413",
            "413 ",
            "statuscode: 413",
            "entity too large",
            "payload too large",
            "content too large",
            "size_invalid",
        ],
    ),
    (
        PushRefusal::Digest,
        &[
            "digest invalid",
            "did not match uploaded content",
            "digest mismatch",
            "failed digest validation",
            "got digest ",
        ],
    ),
    // Containerd says `denied` of whoever has not logged in.
    (PushRefusal::Unauthorized, &["no basic auth credentials"]),
    (PushRefusal::Denied, &["denied", "forbidden", "http 403", "statuscode: 403", "insufficient_scope"]),
    (
        PushRefusal::Unauthorized,
        &[
            "unauthorized",
            "authentication required",
            "authorization failed",
            "incorrect username",
            "invalid username",
            "http 401",
            "statuscode: 401",
        ],
    ),
    (
        PushRefusal::Unknown,
        &["name unknown", "name_unknown", "not found", "not known to registry", "http 404", "404 ", "statuscode: 404"],
    ),
    (
        PushRefusal::Name,
        &["name invalid", "invalid repository name", "tag invalid", "invalid reference", "manifest invalid"],
    ),
    (
        PushRefusal::Trouble,
        &[
            "http status: 5",
            "http 5",
            "statuscode: 5",
            ": 500 ",
            ": 502 ",
            ": 503 ",
            ": 504 ",
            "internal server error",
            "bad gateway",
            "service unavailable",
            "gateway timeout",
            "unexpected eof",
            "\": eof",
            "connection reset",
        ],
    ),
    (PushRefusal::Page, &["<html", "<!doctype html"]),
];

/// How an engine's words begin where it asks for a name's address: what follows is of the name server, not of the registry.
const LOOKUP: &str = "lookup ";

impl PushRefusal {
    /// What the engine's words mean.
    pub(crate) fn parse(reason: &str) -> Self {
        let reason = reason.to_lowercase();
        let found = WORDS.iter().find(|(_, words)| words.iter().any(|word| reason.contains(word)));
        match found.map_or(Self::Other, |(refusal, _)| *refusal) {
            Self::NobodyThere if reason.contains(LOOKUP) => Self::NoNameServer,
            refusal => refusal,
        }
    }

    /// What happened, in front of the engine's own words.
    pub(crate) fn text(self, reference: &Reference, credentials: &Credentials) -> String {
        let registry = reference.registry();
        let of_whom = if credentials.is_anonymous() { "without a login".to_owned() } else { by(credentials) };
        match self {
            Self::Unauthorized if credentials.is_anonymous() => {
                let none = "docker's config.json has none";
                format!("{registry} needs a login, and {}", credentials.missing_helper.as_deref().unwrap_or(none))
            }
            Self::Denied if credentials.is_anonymous() && credentials.missing_helper.is_some() => {
                let missing = credentials.missing_helper.as_deref().unwrap_or_default();
                format!("{registry} does not let {} be pushed without a login, and {missing}", reference.path())
            }
            Self::Unauthorized => format!("{registry} does not accept the login of {}", credentials.origin),
            Self::Denied => format!("{registry} does not let {} be pushed {of_whom}", reference.path()),
            Self::Unknown => format!("{registry} knows no repository {}", reference.path()),
            Self::TooMany => format!("{registry} limits requests, and there were too many"),
            Self::Trouble => format!("{registry} failed"),
            Self::TooLarge => format!("the layer is too large for {registry} or its proxy"),
            Self::UnknownCa => format!("Docker does not trust the authority of {registry}'s certificate"),
            Self::BadCertificate => format!("Docker does not accept the certificate of {registry}"),
            Self::PlainHttp => format!("{registry} does not use TLS, and Docker requires it"),
            Self::NoHost => format!("Docker cannot resolve the host {registry}"),
            Self::NoNameServer => format!("Docker cannot resolve {registry}: its name server does not answer"),
            Self::NobodyThere => format!("Docker cannot connect to registry {registry}"),
            Self::Digest => format!("{registry} received other data than was sent"),
            Self::Name => format!("{registry} does not accept the name {reference}"),
            Self::Page => format!("a proxy of {registry} answers with a page of its own"),
            Self::Other => format!("Docker cannot push to {registry}"),
        }
    }

    /// What to try.
    pub(crate) fn advice(self, reference: &Reference, credentials: &Credentials) -> String {
        let registry = reference.registry();
        let host = if registry == DOCKER_HUB { "" } else { registry };
        match self {
            Self::Unauthorized | Self::Denied if credentials.missing_helper.is_some() => {
                "install that helper, or take it out of the file and log in again; or --username NAME --password-stdin"
                    .to_owned()
            }
            Self::Unauthorized => {
                format!("`{}` once, or --username NAME --password-stdin", format!("docker login {host}").trim_end())
            }
            Self::Denied if credentials.is_anonymous() => {
                let login = format!("docker login {host}");
                format!(
                    "`{}` once, or --username NAME --password-stdin; check that the repository is yours",
                    login.trim_end()
                )
            }
            Self::Denied => "check that the repository exists and that this user may push to it".to_owned(),
            Self::Unknown => "make the repository in the registry first, or check the name".to_owned(),
            Self::TooMany => "wait, then push again".to_owned(),
            Self::Trouble => "push again later; the registry's log says more".to_owned(),
            Self::TooLarge => "raise the limit of the registry's proxy (nginx: client_max_body_size)".to_owned(),
            Self::UnknownCa => format!(
                "put its CA into /etc/docker/certs.d/{registry}/ca.crt on the Docker host (a rootless engine uses \
                 ~/.config/docker in place of /etc/docker, Podman /etc/containers)"
            ),
            Self::BadCertificate => {
                format!("the registry's certificate must be valid now, and for the name {registry}")
            }
            Self::PlainHttp => format!(
                "give it TLS, or add {registry} to `insecure-registries` in the engine's /etc/docker/daemon.json"
            ),
            Self::NoHost => "check the name; the Docker host must resolve it, this machine need not".to_owned(),
            Self::NoNameServer => "check /etc/resolv.conf on the Docker host".to_owned(),
            Self::NobodyThere => "start the registry; the Docker host must reach it".to_owned(),
            Self::Digest => "push again; a proxy in between may change data".to_owned(),
            Self::Name => "see the registry's documentation for its names".to_owned(),
            Self::Page => {
                "the proxy's log says why; often something is too large for it (nginx: client_max_body_size)".to_owned()
            }
            Self::Other => String::new(),
        }
    }
}

fn by(credentials: &Credentials) -> String {
    format!("with the login of {}", credentials.origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::credentials::Login;

    #[test]
    fn an_engines_words_are_understood_whichever_engine_says_them() {
        for (words, meaning) in [
            ("no basic auth credentials", PushRefusal::Unauthorized),
            ("unauthorized: authentication required", PushRefusal::Unauthorized),
            ("unauthorized: incorrect username or password", PushRefusal::Unauthorized),
            ("unable to retrieve auth token: invalid username/password: unauthorized", PushRefusal::Unauthorized),
            ("denied: requested access to the resource is denied", PushRefusal::Denied),
            (
                "errors: denied: requested access to the resource is denied unauthorized: authentication required",
                PushRefusal::Denied,
            ),
            (
                "push access denied, repository does not exist or may require authorization: server message: \
                 insufficient_scope: authorization failed",
                PushRefusal::Denied,
            ),
            (
                "push access denied, repository does not exist or may require authorization: authorization failed: \
                 no basic auth credentials",
                PushRefusal::Unauthorized,
            ),
            (
                "failed commit on ref \"manifest-sha256:b0\": got digest sha256:00, expected sha256:b0",
                PushRefusal::Digest,
            ),
            ("error parsing HTTP 403 response body: unexpected end of JSON input: \"\"", PushRefusal::Denied),
            ("unexpected status from HEAD request to https://r.io/v2/a/blobs/x: 403 Forbidden", PushRefusal::Denied),
            ("name unknown: The repository with name 'a' does not exist", PushRefusal::Unknown),
            ("error parsing HTTP 404 response body: invalid character '<'", PushRefusal::Unknown),
            ("toomanyrequests: You have reached your limit", PushRefusal::TooMany),
            ("unexpected status from POST request to https://r.io/v2/: 429 Too Many Requests", PushRefusal::TooMany),
            ("received unexpected HTTP status: 503 Service Unavailable", PushRefusal::Trouble),
            (
                "unexpected status from HEAD request to https://r.io/v2/: 500 Internal Server Error",
                PushRefusal::Trouble,
            ),
            ("error parsing HTTP 413 response body: invalid character '<'", PushRefusal::TooLarge),
            ("unknown: <html>; <head><title>413 Request Entity Too Large</title></head>", PushRefusal::TooLarge),
            ("unknown: <html>; <body>Payload Too Large</body>", PushRefusal::TooLarge),
            ("unknown: <!DOCTYPE html><title>Sorry</title>", PushRefusal::Page),
            ("unknown: <html>; <head><title>502 Bad Gateway</title></head>", PushRefusal::Trouble),
            ("Get \"https://r.io/v2/\": x509: certificate signed by unknown authority", PushRefusal::UnknownCa),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                PushRefusal::UnknownCa,
            ),
            ("x509: certificate has expired or is not yet valid", PushRefusal::BadCertificate),
            (
                "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
                PushRefusal::BadCertificate,
            ),
            ("Get \"https://r.io/v2/\": http: server gave HTTP response to HTTPS client", PushRefusal::PlainHttp),
            ("dial tcp: lookup r.io on 1.1.1.1:53: no such host", PushRefusal::NoHost),
            (
                "dial tcp: lookup r.io on [::1]:53: read udp [::1]:4->[::1]:53: read: connection refused",
                PushRefusal::NoNameServer,
            ),
            (
                "dial tcp: lookup r.io on 10.0.0.1:53: read udp 10.0.0.2:4->10.0.0.1:53: i/o timeout",
                PushRefusal::NoNameServer,
            ),
            ("dial tcp 127.0.0.1:1: connect: connection refused", PushRefusal::NobodyThere),
            (
                "net/http: request canceled while waiting for connection (Client.Timeout exceeded): i/o timeout",
                PushRefusal::NobodyThere,
            ),
            ("digest invalid: provided digest did not match uploaded content", PushRefusal::Digest),
            ("name invalid: invalid repository name", PushRefusal::Name),
            (
                "unknown: unexpected status from HEAD request to http://r.io/v2/a/d/blobs/sha256:6dd8: 401 Unauthorized",
                PushRefusal::Unauthorized,
            ),
            ("failed to do request: Head \"https://r.io/v2/x/y/blobs/sha256:6dd8\": EOF", PushRefusal::Trouble),
            ("checking whether a blob sha256:ba58 exists in r.io/a: StatusCode: 403, \"\"", PushRefusal::Denied),
            ("writing blob: uploading layer to r.io: StatusCode: 413, \"<html>\"", PushRefusal::TooLarge),
            ("the moon is full", PushRefusal::Other),
        ] {
            assert_eq!(PushRefusal::parse(words), meaning, "{words}");
        }
    }

    #[test]
    fn every_refusal_says_what_happened_and_all_but_the_unknown_what_to_try() {
        let reference = Reference::read("r.io:5000/team/app:1").unwrap();
        let nobody = Credentials::new(&reference, Login::Anonymous, String::new());
        let me = Credentials::new(&reference, Login::Anonymous, "--username me".into());
        for refusal in WORDS.iter().map(|(refusal, _)| *refusal).chain([PushRefusal::NoNameServer]) {
            for credentials in [&nobody, &me] {
                assert!(refusal.text(&reference, credentials).contains("r.io:5000"), "{refusal:?}");
                assert!(!refusal.advice(&reference, credentials).is_empty(), "{refusal:?}");
            }
        }
        assert!(PushRefusal::UnknownCa.advice(&reference, &nobody).contains("/etc/docker/certs.d/r.io:5000/ca.crt"));
        assert!(PushRefusal::Unauthorized.advice(&reference, &nobody).starts_with("`docker login r.io:5000`"));
        let missing = "docker-credential-desktop, which /c.json names for r.io:5000, is not in PATH";
        let helpless =
            Credentials::new(&reference, Login::Anonymous, String::new()).without_helper(Some(missing.into()));
        for refusal in [PushRefusal::Unauthorized, PushRefusal::Denied] {
            assert!(refusal.text(&reference, &helpless).ends_with(missing), "{refusal:?}");
            assert!(refusal.advice(&reference, &helpless).starts_with("install that helper"), "{refusal:?}");
        }
        let hub = Reference::read("me/app").unwrap();
        assert!(PushRefusal::Unauthorized.advice(&hub, &nobody).starts_with("`docker login` once"));
    }
}
