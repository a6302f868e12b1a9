//! The blobstore's signed URLs: nginx' `secure_link` over expiry, path and a secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::{Digest, Md5};

/// How long Cloud Controller's signatures last, in seconds.
pub(crate) const LIFETIME: i64 = 3600;

/// Signs blobstore paths; holds the secret that nginx holds too.
#[derive(Clone)]
pub(crate) struct Signer {
    secret: String,
    expires: i64,
}

impl Signer {
    /// `expires` is a Unix time in seconds; a past one makes URLs that are answered with 410.
    pub(crate) fn new(secret: &str, expires: i64) -> Signer {
        Signer { secret: secret.to_owned(), expires }
    }

    /// `path` (`/read/…`, not percent-encoded) as a URL below `base` (scheme, host and port), signed.
    pub(crate) fn url(&self, base: &str, path: &str) -> String {
        let digest = Md5::digest(format!("{}{path} {}", self.expires, self.secret));
        let signature = URL_SAFE_NO_PAD.encode(digest);
        format!("{base}{path}?md5={signature}&expires={}", self.expires)
    }
}

/// Where a blob lies: `/read/<directory>/<k[0..2]>/<k[2..4]>/<k>`, as Cloud Controller spreads its keys.
/// Keys are guids, possibly with a suffix, so they have four characters; a shorter one is not spread.
pub(crate) fn blob_path(directory: &str, key: &str) -> String {
    match (key.get(0..2), key.get(2..4)) {
        (Some(first), Some(second)) => format!("/read/{directory}/{first}/{second}/{key}"),
        _ => format!("/read/{directory}/{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // From: printf %s "1466017043$PATH s3cret" | openssl md5 -binary | openssl base64 | tr +/ -_ | tr -d =
    #[test]
    fn a_signature_is_what_nginx_computes_with_openssl_as_witness() {
        let path =
            blob_path("cc-buildpacks", "d4e03ab3-6549-48c3-a3a4-c68701bffb0d_8b683c2237056089dea24a2a4d70606e8a4a67cf");
        let url = Signer::new("s3cret", 1_466_017_043).url("https://blobstore", &path);
        assert_eq!(
            url,
            "https://blobstore/read/cc-buildpacks/d4/e0/d4e03ab3-6549-48c3-a3a4-c68701bffb0d_8b683c2237056089dea24a2a4d70606e8a4a67cf?md5=LVobUYnwmRv0DBYk5SkVkA&expires=1466017043"
        );
    }

    #[test]
    fn another_secret_path_or_time_gives_another_signature() {
        let url = |secret: &str, expires, path: &str| Signer::new(secret, expires).url("", path);
        let signature = |url: String| url.split_once("md5=").unwrap().1[..22].to_owned();
        let one = signature(url("a", 1, "/read/x"));
        assert_ne!(one, signature(url("b", 1, "/read/x")));
        assert_ne!(one, signature(url("a", 2, "/read/x")));
        assert_ne!(one, signature(url("a", 1, "/read/y")));
    }
}
