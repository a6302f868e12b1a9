//! Tars for fuzzers and property tests: bytes put right as far as no fuzzer can guess, and archives spelled out of a few
//! bytes, so that every byte that is changed gives another archive which somebody could have made to hurt.

use crate::blocks::BLOCK;
use tar::{EntryType, Header};

/// Bytes of a header's name, and of its link.
const NAME: usize = 100;
/// Entries of one spelled archive; more of them reach nothing new.
const MOST_ENTRIES: usize = 48;

/// Kinds of entries: what archives hold, and what they should not.
const KINDS: [EntryType; 11] = [
    EntryType::Regular,
    EntryType::Directory,
    EntryType::Symlink,
    EntryType::Link,
    EntryType::Regular,
    EntryType::Directory,
    EntryType::Symlink,
    EntryType::Fifo,
    EntryType::Char,
    EntryType::Block,
    EntryType::Continuous,
];

/// What paths and links are made of: each other's names, ways out, and what a terminal or a file system chokes on.
const PARTS: [&[u8]; 16] = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"..",
    b".",
    b"",
    b"app",
    b"home",
    b"vcap",
    b"canary",
    b"inside",
    b"\x1b[2J\xc2\x9b\r",
    b"\xff\xfe",
    "\u{202e}txt.\\..\\".as_bytes(),
    &[b'n'; 130],
];

/// How an entry says its path and its link.
#[derive(Clone, Copy)]
enum Spelling {
    /// In its header, cut where that is too short.
    Header,
    /// In entries of GNU's before it.
    Gnu,
    /// In an extended header of POSIX's before it.
    Pax,
}

/// The tar with right checksums, as far as its headers' sizes lead.
#[must_use]
pub fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let (mut archive, mut at) = (bytes.to_vec(), 0);
    while let Some(block) = archive.get_mut(at..).and_then(|rest| rest.get_mut(..BLOCK)) {
        at += BLOCK;
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        if block.iter().any(|byte| *byte != 0) {
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
            let size = header.entry_size().ok().and_then(|size| usize::try_from(size).ok());
            at = size.and_then(|size| size.checked_next_multiple_of(BLOCK)?.checked_add(at)).unwrap_or(usize::MAX);
        }
    }
    archive
}

/// The tar that `choices` spell: a few bytes for each entry say its kind, path, link, mode and content.
#[must_use]
pub fn spelled(choices: &[u8]) -> Vec<u8> {
    let mut choices = choices.iter().copied();
    let mut archive = Vec::new();
    for _ in 0..MOST_ENTRIES {
        if entry(&mut choices, &mut archive).is_none() {
            break;
        }
    }
    archive.extend([0; 2 * BLOCK]);
    archive
}

/// `None` where the choices end.
fn entry(choices: &mut impl Iterator<Item = u8>, archive: &mut Vec<u8>) -> Option<()> {
    let kind = KINDS[usize::from(choices.next()?) % KINDS.len()];
    let spelling = match choices.next()? % 4 {
        0 | 1 => Spelling::Header,
        2 => Spelling::Gnu,
        _ => Spelling::Pax,
    };
    let path = path(choices)?;
    let link = if kind.is_symlink() || kind.is_hard_link() { self::path(choices)? } else { Vec::new() };
    let mode = u32::from(choices.next()?) << 4 | u32::from(choices.next()? & 0o17);
    let content = vec![b'x'; if kind.is_file() { usize::from(choices.next()?) * 3 } else { 0 }];

    match spelling {
        Spelling::Header => {}
        Spelling::Gnu => {
            let terminated = |text: &[u8]| [text, b"\0"].concat();
            append(archive, EntryType::GNULongName, b"././@LongLink", b"", 0o644, &terminated(&path));
            append(archive, EntryType::GNULongLink, b"././@LongLink", b"", 0o644, &terminated(&link));
        }
        Spelling::Pax => {
            let records = [record("path", &path), record("linkpath", &link)].concat();
            append(archive, EntryType::XHeader, b"pax", b"", 0o644, &records);
        }
    }
    append(archive, kind, &path, &link, mode, &content);
    Some(())
}

/// Up to four parts, with slashes between them, before them and behind them as the first byte says.
fn path(choices: &mut impl Iterator<Item = u8>) -> Option<Vec<u8>> {
    let form = choices.next()?;
    let mut path = Vec::new();
    if form & 0x80 != 0 {
        path.push(b'/');
    }
    for number in 0..=form % 4 {
        if number > 0 {
            path.push(b'/');
        }
        path.extend(PARTS[usize::from(choices.next()?) % PARTS.len()]);
    }
    if form & 0x40 != 0 {
        path.push(b'/');
    }
    Some(path)
}

fn append(archive: &mut Vec<u8>, kind: EntryType, path: &[u8], link: &[u8], mode: u32, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1);
    header.set_size(content.len() as u64);
    let old = header.as_old_mut();
    for (field, text) in [(&mut old.name, path), (&mut old.linkname, link)] {
        let length = text.len().min(NAME);
        field[..length].copy_from_slice(&text[..length]);
    }
    header.set_cksum();
    archive.extend(header.as_bytes());
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
}

/// `LENGTH KEY=VALUE\n`, whose length counts itself.
pub(crate) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + " =\n".len();
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_reader_finds_what_was_spelled() {
        let choices = [
            [0, 0, 1, 0, 1, 0x7f, 0, 2].as_slice(), // a/b, three bytes twice
            &[2, 3, 0x80, 15, 1, 4, 7, 0, 0],       // /nnn…, by POSIX, to ../app
            &[3, 2, 0, 15, 0, 2, 0, 0],             // nnn…, by GNU, to c
        ]
        .concat();
        let bytes = spelled(&choices);
        assert_eq!(with_checksums(&bytes), bytes);
        let mut found = Vec::new();
        for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
            let entry = entry.unwrap();
            let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
            found.push((entry.header().entry_type(), entry.path_bytes().into_owned(), link, entry.size()));
        }
        let long = vec![b'n'; 130];
        assert_eq!(
            found,
            [
                (EntryType::Regular, b"a/b".to_vec(), Vec::new(), 6),
                (EntryType::Symlink, [b"/", &long[..]].concat(), b"../app".to_vec(), 0),
                (EntryType::Link, long, b"c".to_vec(), 0),
            ]
        );
    }
}
