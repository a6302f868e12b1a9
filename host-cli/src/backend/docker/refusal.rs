//! What an engine's words mean when a pull or its push goes wrong: they come from the registry, from the engine's TLS and its network,
//! and differ between engines. What they do not tell apart for sure is shown in these words alone. Pure.

use crate::registry::refusal::Refusal;

/// The words by which a refusal is known, in lower case; the first that is found counts. What is more telling comes first:
/// a registry may say `denied` and `unauthorized` in one breath.
const WORDS: [(Refusal, &[&str]); 12] = [
    (Refusal::UnknownCa, &["unknown authority", "self signed certificate", "self-signed certificate"]),
    (Refusal::BadCertificate, &["x509:", "tls: ", "certificate has expired"]),
    (Refusal::PlainHttp, &["server gave http response to https client"]),
    (Refusal::NoHost, &["no such host", "server misbehaving", "temporary failure in name resolution"]),
    (
        Refusal::NobodyThere,
        &["connection refused", "no route to host", "i/o timeout", "deadline exceeded", "network is unreachable"],
    ),
    (Refusal::TooMany, &["toomanyrequests", "too many requests", "http 429", "429 ", "statuscode: 429"]),
    // Before `denied`, which such a refusal may begin with.
    (
        Refusal::Full,
        &["configured upper limit", "insufficient storage", "http 507", "507 ", "statuscode: 507", "quota exceeded"],
    ),
    // Containerd says `denied` of whoever has not logged in.
    (Refusal::Unauthorized, &["no basic auth credentials"]),
    (Refusal::Denied, &["denied", "forbidden", "http 403", "statuscode: 403", "insufficient_scope"]),
    (
        Refusal::Unauthorized,
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
        Refusal::Unknown,
        &[
            "name unknown",
            "name_unknown",
            "manifest unknown",
            "not found",
            "not known to registry",
            "http 404",
            "404 ",
            "statuscode: 404",
        ],
    ),
    (
        Refusal::Trouble,
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
];

/// How an engine's words begin where it asks for a name's address: what follows is of the name server, not of the registry.
const LOOKUP: &str = "lookup ";

/// What the engine's words mean.
pub(crate) fn parse(reason: &str) -> Refusal {
    let reason = reason.to_lowercase();
    let found = WORDS.iter().find(|(_, words)| words.iter().any(|word| reason.contains(word)));
    match found.map_or(Refusal::Other, |(refusal, _)| *refusal) {
        Refusal::NobodyThere if reason.contains(LOOKUP) => Refusal::NoNameServer,
        refusal => refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_words_are_understood_whichever_engine_says_them() {
        for (words, meaning) in [
            ("no basic auth credentials", Refusal::Unauthorized),
            ("unauthorized: authentication required", Refusal::Unauthorized),
            ("unauthorized: incorrect username or password", Refusal::Unauthorized),
            ("unable to retrieve auth token: invalid username/password: unauthorized", Refusal::Unauthorized),
            ("denied: requested access to the resource is denied", Refusal::Denied),
            (
                "errors: denied: requested access to the resource is denied unauthorized: authentication required",
                Refusal::Denied,
            ),
            (
                "push access denied, repository does not exist or may require authorization: server message: \
                 insufficient_scope: authorization failed",
                Refusal::Denied,
            ),
            (
                "push access denied, repository does not exist or may require authorization: authorization failed: \
                 no basic auth credentials",
                Refusal::Unauthorized,
            ),
            ("failed commit on ref \"manifest-sha256:b0\": got digest sha256:00, expected sha256:b0", Refusal::Other),
            ("error parsing HTTP 403 response body: unexpected end of JSON input: \"\"", Refusal::Denied),
            ("unexpected status from HEAD request to https://r.io/v2/a/blobs/x: 403 Forbidden", Refusal::Denied),
            ("name unknown: The repository with name 'a' does not exist", Refusal::Unknown),
            ("reading manifest 2 in r.io/acme/a: manifest unknown: manifest unknown", Refusal::Unknown),
            ("error parsing HTTP 404 response body: invalid character '<'", Refusal::Unknown),
            ("toomanyrequests: You have reached your limit", Refusal::TooMany),
            ("unexpected status from POST request to https://r.io/v2/: 429 Too Many Requests", Refusal::TooMany),
            ("received unexpected HTTP status: 503 Service Unavailable", Refusal::Trouble),
            ("unexpected status from HEAD request to https://r.io/v2/: 500 Internal Server Error", Refusal::Trouble),
            ("error parsing HTTP 413 response body: invalid character '<'", Refusal::Other),
            ("unknown: <html>; <head><title>413 Request Entity Too Large</title></head>", Refusal::Other),
            ("unknown: <html>; <body>Payload Too Large</body>", Refusal::Other),
            ("unknown: <!DOCTYPE html><title>Sorry</title>", Refusal::Other),
            ("unknown: <html>; <head><title>502 Bad Gateway</title></head>", Refusal::Trouble),
            ("Get \"https://r.io/v2/\": x509: certificate signed by unknown authority", Refusal::UnknownCa),
            ("tls: failed to verify certificate: x509: certificate signed by unknown authority", Refusal::UnknownCa),
            ("x509: certificate has expired or is not yet valid", Refusal::BadCertificate),
            (
                "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
                Refusal::BadCertificate,
            ),
            ("Get \"https://r.io/v2/\": http: server gave HTTP response to HTTPS client", Refusal::PlainHttp),
            ("dial tcp: lookup r.io on 1.1.1.1:53: no such host", Refusal::NoHost),
            (
                "dial tcp: lookup r.io on [::1]:53: read udp [::1]:4->[::1]:53: read: connection refused",
                Refusal::NoNameServer,
            ),
            (
                "dial tcp: lookup r.io on 10.0.0.1:53: read udp 10.0.0.2:4->10.0.0.1:53: i/o timeout",
                Refusal::NoNameServer,
            ),
            ("dial tcp 127.0.0.1:1: connect: connection refused", Refusal::NobodyThere),
            (
                "net/http: request canceled while waiting for connection (Client.Timeout exceeded): i/o timeout",
                Refusal::NobodyThere,
            ),
            (
                "denied: adding 1.0 MiB of storage resource, which when updated to current usage of 9.9 MiB will exceed the \
                 configured upper limit of 10.0 MiB.",
                Refusal::Full,
            ),
            ("digest invalid: provided digest did not match uploaded content", Refusal::Other),
            ("name invalid: invalid repository name", Refusal::Other),
            (
                "unknown: unexpected status from HEAD request to http://r.io/v2/a/d/blobs/sha256:6dd8: 401 Unauthorized",
                Refusal::Unauthorized,
            ),
            ("failed to do request: Head \"https://r.io/v2/x/y/blobs/sha256:6dd8\": EOF", Refusal::Trouble),
            ("checking whether a blob sha256:ba58 exists in r.io/a: StatusCode: 403, \"\"", Refusal::Denied),
            ("writing blob: uploading layer to r.io: StatusCode: 413, \"<html>\"", Refusal::Other),
            ("the moon is full", Refusal::Other),
        ] {
            assert_eq!(parse(words), meaning, "{words}");
        }
    }
}
