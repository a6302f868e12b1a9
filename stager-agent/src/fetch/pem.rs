//! Certificates in PEM form, out of files that may hold other things as well.

use ureq::tls::{Certificate, PemItem, parse_pem};

/// The certificates in `text`, in order; what is none, such as a key beside its certificate, is left out. Empty where
/// there is none.
pub(super) fn certificates(text: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(text).filter_map(Result::ok);
    items
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect()
}
