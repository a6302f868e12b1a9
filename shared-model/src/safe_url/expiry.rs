//! When a signed URL dies. Each kind of blobstore behind Cloud Controller says it in query parameters of its own.

use super::SafeUrl;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

impl SafeUrl {
    /// When the signature dies, in seconds since 1970, as the blobstores behind Cloud Controller say it: the internal
    /// one (nginx and storage-cli), S3, Google's, Azure's and Swift's. `None` for an unsigned URL, and for a signature of
    /// another kind.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        let number = |name| self.query_parameter(name)?.parse::<i64>().ok();
        let time = |name| seconds_of(self.query_parameter(name)?);
        let after = |since: Option<i64>, lifetime| since?.checked_add(number(lifetime)?);
        number("expires")
            .or_else(|| number("Expires"))
            .or_else(|| after(time("X-Amz-Date"), "X-Amz-Expires"))
            .or_else(|| after(time("X-Goog-Date"), "X-Goog-Expires"))
            .or_else(|| number("temp_url_expires").or_else(|| time("temp_url_expires")))
            .or_else(|| self.is_signed_by_storage_cli().then(|| after(number("ts"), "e")).flatten())
            .or_else(|| time("se"))
    }

    /// `e` and `ts` are short names, which may mean anything elsewhere.
    fn is_signed_by_storage_cli(&self) -> bool {
        self.path().contains("/signed/") && self.query_parameter("st").is_some()
    }
}

/// A time as signatures have it: `20160615T175723Z`, or `2016-06-15T17:57:23Z` with or without percent signs for the
/// colons; a day alone begins at midnight UTC.
fn seconds_of(time: &str) -> Option<i64> {
    let time = time.replace("%3A", ":").replace("%3a", ":");
    let midnight = || time.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    Some(time.parse::<Timestamp>().ok().or_else(midnight)?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2016-06-15T18:57:23Z.
    const END: Option<i64> = Some(1_466_017_043);

    #[test]
    fn every_blobstore_has_its_own_way_to_say_when_a_signature_dies() {
        for (query, expires) in [
            ("md5=dzA0&expires=1466017043", END),
            ("AWSAccessKeyId=A&Signature=s&Expires=1466017043", END),
            ("X-Amz-Date=20160615T175723Z&X-Amz-Expires=3600&X-Amz-Signature=s", END),
            ("X-Goog-Date=20160615T175723Z&X-Goog-Expires=3600&X-Goog-Signature=s", END),
            ("sv=2015-04-05&se=2016-06-15T18%3A57%3A23Z&sig=s", END),
            ("sv=2015-04-05&se=2016-06-15&sig=s", Some(1_465_948_800)),
            ("temp_url_sig=s&temp_url_expires=1466017043", END),
            ("temp_url_sig=s&temp_url_expires=2016-06-15T18:57:23Z", END),
            ("temp_url_sig=s&temp_url_expires=2016-06-15T18%3a57%3a23Z&filename=x", END),
            ("temp_url_sig=s&temp_url_expires=soon", None),
            ("X-Amz-Date=20160615T175723Z&X-Amz-Expires=9223372036854775807", None),
            ("X-Amz-Date=yesterday&X-Amz-Expires=3600", None),
            ("se=2016-99-15T18%3A57%3A23Z", None),
            ("x=1", None),
        ] {
            assert_eq!(SafeUrl::new(format!("https://blobstore/k?{query}")).expires(), expires, "{query}");
        }
    }

    #[test]
    fn what_storage_cli_signs_ends_a_time_after_it_was_signed() {
        for (url, expires) in [
            ("https://blobstore/signed/cc-packages/18/c5/k?st=s&ts=1466013443&e=3600", END),
            ("https://blobstore/prefix/signed/k?e=3600&st=s&ts=1466013443", END),
            ("https://blobstore/signed/k?st=s&ts=1466013443&e=9223372036854775807", None),
            ("https://blobstore/signed/k?st=s&ts=1466013443", None),
            ("https://blobstore/signed/k?ts=1466013443&e=3600", None),
            ("https://elsewhere/k?st=s&ts=1466013443&e=3600", None),
        ] {
            assert_eq!(SafeUrl::new(url).expires(), expires, "{url}");
        }
    }
}
