//! Extended attributes among POSIX's records. GNU tar and Go write them as `SCHILY.xattr.NAME`, byte for byte; libarchive
//! writes that and, older ones only, `LIBARCHIVE.xattr.NAME` with the name percent-encoded and the value in base64.

use crate::blocks::damaged;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;
use std::collections::BTreeMap;
use std::io;

const PLAIN: &[u8] = b"SCHILY.xattr.";
const ENCODED: &[u8] = b"LIBARCHIVE.xattr.";
/// libarchive leaves the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Notes the attribute that a record tells of, if it does. Where both forms tell of one, the plain form counts.
pub(crate) fn note(attributes: &mut BTreeMap<Vec<u8>, Vec<u8>>, key: &[u8], value: &[u8]) -> io::Result<()> {
    if let Some(name) = key.strip_prefix(PLAIN) {
        attributes.insert(name.to_vec(), value.to_vec());
    } else if let Some(name) = key.strip_prefix(ENCODED) {
        let name = percent_decode(name).collect();
        let value = BASE64.decode(value).map_err(|_| damaged("an extended attribute in it cannot be decoded"))?;
        attributes.entry(name).or_insert(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_tell_of_one_attribute_and_the_plain_one_counts() {
        for order in [[0, 1, 2], [2, 1, 0]] {
            let mut attributes = BTreeMap::new();
            let records: [(&[u8], &[u8]); 3] = [
                (b"LIBARCHIVE.xattr.user.a%20b", b"AAECAw"),
                (b"LIBARCHIVE.xattr.user.c", b"eA=="),
                (b"SCHILY.xattr.user.c", b"plain\0"),
            ];
            for at in order {
                note(&mut attributes, records[at].0, records[at].1).unwrap();
            }
            let expected = [(&b"user.a b"[..], &[0, 1, 2, 3][..]), (b"user.c", b"plain\0")];
            assert_eq!(attributes, expected.map(|(name, value)| (name.to_vec(), value.to_vec())).into());
        }
        let mut attributes = BTreeMap::new();
        note(&mut attributes, b"path", b"a").unwrap();
        assert!(attributes.is_empty());
        note(&mut BTreeMap::new(), b"LIBARCHIVE.xattr.user.a", b"!").unwrap_err();
    }
}
