//! The records of an extended header of POSIX (`x` and `g`): `27 path=a name of any length`. What they say goes before
//! what the header of the member says.

use crate::blocks::{decimal, malformed};
use crate::sparse::{Piece, SparseRecords, map};
use crate::xattr;
use std::collections::BTreeMap;
use std::io;

/// More than this is no description of a file: names and maps of holes have bounds of their own, and the attributes
/// that others keep here are smaller by far.
pub(crate) const LONGEST: u64 = 1 << 20;

/// What counts of an extended header; `None` where it does not say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PaxRecords {
    /// The member's name.
    pub(crate) path: Option<Vec<u8>>,
    /// Where it links to.
    pub(crate) link: Option<Vec<u8>>,
    /// Bytes of its contents in the archive.
    pub(crate) size: Option<u64>,
    /// When it was changed: whole seconds since 1970, rounded down.
    pub(crate) mtime: Option<i64>,
    /// Its extended attributes, by name: `user.mime_type`.
    pub(crate) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Of a sparse file, as GNU tar describes it.
    pub(crate) sparse: SparseRecords,
}

impl PaxRecords {
    /// Reads the records of one extended header.
    ///
    /// # Errors
    /// They are not well-formed.
    pub(crate) fn parse(mut text: &[u8]) -> io::Result<Self> {
        let mut records = Self::default();
        let mut offset = None;
        while let Some((key, value)) = next(&mut text)? {
            let sparse = &mut records.sparse;
            match key {
                b"path" => records.path = some(value),
                b"linkpath" => records.link = some(value),
                b"size" => records.size = Some(decimal(value)?),
                b"mtime" => records.mtime = Some(seconds(value)?),
                b"GNU.sparse.major" => sparse.major = Some(decimal(value)?),
                b"GNU.sparse.minor" => sparse.minor = Some(decimal(value)?),
                b"GNU.sparse.name" => sparse.name = some(value),
                b"GNU.sparse.size" | b"GNU.sparse.realsize" => sparse.size = Some(decimal(value)?),
                b"GNU.sparse.offset" => offset = Some(decimal(value)?),
                b"GNU.sparse.numbytes" => {
                    let at = offset.take().ok_or_else(malformed)?;
                    sparse.pieces.push(Piece { at, length: decimal(value)? });
                }
                b"GNU.sparse.map" => sparse.pieces = map(value)?,
                // Else times, owners, comments.
                _ => xattr::note(&mut records.attributes, key, value)?,
            }
        }
        Ok(records)
    }

    /// Whether there is anything in it that a header for all members has no business to say.
    pub(crate) fn is_about_a_file(&self) -> bool {
        let Self { path, link, size, sparse, .. } = self;
        path.is_some() || link.is_some() || size.is_some() || *sparse != SparseRecords::default()
    }
}

/// Takes a record off the front of `text`: key and value. Values may hold anything, line ends too.
fn next<'t>(text: &mut &'t [u8]) -> io::Result<Option<(&'t [u8], &'t [u8])>> {
    if text.is_empty() {
        return Ok(None);
    }
    let space = text.iter().position(|byte| *byte == b' ').ok_or_else(malformed)?;
    let length = usize::try_from(decimal(&text[..space])?).map_err(|_| malformed())?;
    let record = text.get(space + 1..length).and_then(|record| record.strip_suffix(b"\n")).ok_or_else(malformed)?;
    let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(malformed)?;
    *text = &text[length..];
    Ok(Some((&record[..equals], &record[equals + 1..])))
}

/// An empty value takes back what was said before.
fn some(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

/// `1466017043.25`, `-0.5`: the whole seconds below, or the last that there are.
fn seconds(value: &[u8]) -> io::Result<i64> {
    let (negative, digits) = value.strip_prefix(b"-").map_or((false, value), |digits| (true, digits));
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &[][..]),
    };
    if !fraction.iter().all(u8::is_ascii_digit) {
        return Err(malformed());
    }
    let whole = i64::try_from(decimal(whole)?).unwrap_or(i64::MAX);
    let below = i64::from(negative && fraction.iter().any(|digit| *digit != b'0'));
    Ok(if negative { -whole - below } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(key: &str, value: &[u8]) -> Vec<u8> {
        let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
        let length = (1..1000).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
        [length.to_string().as_bytes(), &rest].concat()
    }

    #[test]
    fn what_is_said_last_counts_and_what_is_unknown_does_not() {
        let text = [
            written("path", b"first"),
            written("SCHILY.xattr.user.x", b"\n12 path=no\n\0"),
            written("comment", b"\n12 path=no\n\0"),
            written("path", b"a\nb"),
            written("linkpath", b"gone"),
            written("linkpath", b""),
            written("size", b"12"),
        ];
        let records = PaxRecords::parse(&text.concat()).unwrap();
        let attributes = [(b"user.x".to_vec(), b"\n12 path=no\n\0".to_vec())].into();
        let expected = PaxRecords { path: Some(b"a\nb".to_vec()), size: Some(12), attributes, ..PaxRecords::default() };
        assert_eq!(records, expected);
    }

    #[test]
    fn a_time_is_rounded_down_to_whole_seconds() {
        for (text, expected) in [
            ("1466017043", Some(1_466_017_043)),
            ("1466017043.999", Some(1_466_017_043)),
            ("1.", Some(1)),
            ("-1", Some(-1)),
            ("-1.0", Some(-1)),
            ("-1.5", Some(-2)),
            ("99999999999999999999", None),
            ("9999999999999999999", Some(i64::MAX)),
            ("1.5.5", None),
            ("--1", None),
            (".5", None),
            ("now", None),
        ] {
            assert_eq!(seconds(text.as_bytes()).ok(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        let wrong = [
            ("mtime", "now"),
            ("LIBARCHIVE.xattr.user.x", "?"),
            ("size", "99999999999999999999"),
            ("size", "-1"),
            ("size", ""),
            ("GNU.sparse.numbytes", "12"),
            ("GNU.sparse.map", "1,2,3"),
        ];
        for (key, value) in wrong {
            assert!(PaxRecords::parse(&written(key, value.as_bytes())).is_err(), "{key}={value}");
        }
        for text in [
            &b"path=a"[..],
            b"8 path=a\n",
            b"11 path=a\n",
            b"10 path=ab",
            b"99999999999999999999999 path=a\n",
            b"0 ",
            b"2 ",
            b"-9 path=a\n",
            b"8 patha\n",
            &[0; 20],
        ] {
            assert!(PaxRecords::parse(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_name_that_is_written_is_read(
            path in prop::collection::vec(any::<u8>(), 1..300),
            link in prop::collection::vec(any::<u8>(), 1..300),
        ) {
            let records = PaxRecords::parse(&[written("path", &path), written("linkpath", &link)].concat()).unwrap();
            prop_assert_eq!(records, PaxRecords { path: Some(path), link: Some(link), ..PaxRecords::default() });
        }

        #[test]
        fn noise_is_survived(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = PaxRecords::parse(&noise);
        }
    }
}
