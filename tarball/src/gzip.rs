//! Inflates gzip: several members in a row are one file, as for gzip itself and for Go. Zeros behind the last one are
//! padding, as tapes have it; anything else there is damage, as Go says in Diego (gzip itself only warns).

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// The first byte of every member.
const MAGIC: u8 = 0x1f;

/// The file that one or more gzip members in a row hold.
pub struct Inflated<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Inflated<R> {
    /// What `compressed` inflates to.
    pub fn new(compressed: R) -> Self {
        Self { member: Some(GzDecoder::new(compressed)) }
    }

    /// Goes to the next member; `None` where padding or nothing follows.
    fn next(mut compressed: R) -> io::Result<Option<GzDecoder<R>>> {
        let mut padded = false;
        loop {
            let waiting = compressed.fill_buf()?;
            match (waiting.first(), waiting.iter().position(|byte| *byte != 0)) {
                (None, _) => return Ok(None),
                (Some(&MAGIC), Some(0)) if !padded => return Ok(Some(GzDecoder::new(compressed))),
                (Some(_), Some(_)) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "something follows behind its end"));
                }
                (Some(_), None) => {
                    padded = true;
                    let count = waiting.len();
                    compressed.consume(count);
                }
            }
        }
    }
}

impl<R: BufRead> Read for Inflated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.member = match self.member.take() {
                Some(ended) => Self::next(ended.into_inner())?,
                None => None,
            };
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn inflated(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        // A buffer of one byte, so that every end of a buffer is tried.
        Inflated::new(io::BufReader::with_capacity(1, bytes)).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn members_in_a_row_are_one_and_zeros_behind_them_are_nothing() {
        let (one, two, empty) = (gzip(b"one"), gzip(b"two"), gzip(b""));
        for (parts, expected) in [
            (vec![&one[..]], "one"),
            (vec![&one, &two], "onetwo"),
            (vec![&one, &empty, &empty, &two], "onetwo"),
            (vec![&one, &two, &[0; 1000]], "onetwo"),
        ] {
            assert_eq!(inflated(&parts.concat()).unwrap(), expected);
        }
    }

    #[test]
    fn anything_else_behind_them_is_damage() {
        let one = gzip(b"one");
        for garbage in [&b"\n"[..], b"garbage", b"\0\0x", &[&[0], &one[..]].concat(), &one[..one.len() - 1], &one[..5]]
        {
            assert!(inflated(&[&one, garbage].concat()).is_err(), "{garbage:?}");
        }
    }
}
