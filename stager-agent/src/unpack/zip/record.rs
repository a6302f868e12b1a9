//! What a record of a zip's directory says of an entry: its name, its kind, its mode. Pure.

use libdeflater::crc32;
use rawzip::CreatorSystem;
use rawzip::extra_fields::{ExtraFieldId, ExtraFields};

/// The kinds of file in the upper bits of a Unix mode.
const KIND: u32 = 0o170_000;
const SYMLINK: u32 = 0o120_000;
const FIFO: u32 = 0o010_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// DOS attributes.
const DOS_READ_ONLY: u32 = 0x01;
const DOS_DIRECTORY: u32 = 0x10;

/// Of entries whose archive says nothing.
const MODE_OF_FILES: u32 = 0o644;
const MODE_OF_DIRECTORIES: u32 = 0o755;

/// What IBM's code page 437, that of DOS, has from 128 on.
const CODE_PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ZipEntryKind {
    Directory,
    File,
    Symlink,
    /// A named pipe.
    Pipe,
}

/// The name with `/` between its parts, and whether it had `\` there.
///
/// Unix programs write the file's own bytes. Others write code page 437, and UTF-8 where a flag says so; what is valid
/// UTF-8 is believed without the flag. A Unicode name in an extra field comes first, unless the name was changed since.
/// Windows programs that do not know better write `\`; as unzip does, that is believed of archives that were not made
/// on Unix, where a `\` may stand in a name.
pub(super) fn name(raw: &[u8], extra: ExtraFields, system: CreatorSystem) -> (Vec<u8>, bool) {
    let mut name = match unicode_name(raw, extra) {
        Some(unicode) => unicode.to_vec(),
        None if made_by_unix(system) || std::str::from_utf8(raw).is_ok() => raw.to_vec(),
        None => raw.iter().map(|byte| of_code_page(*byte)).collect::<String>().into_bytes(),
    };
    let backslashes = name.contains(&b'\\') && !made_by_unix(system);
    if backslashes {
        name.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    (name, backslashes)
}

/// Whether two headers mean the same by these names. Of archives that were not made on Unix some have `\` in one header and
/// `/` in the other.
pub(super) fn is_same_name(one: &[u8], other: &[u8], system: CreatorSystem) -> bool {
    let slash = |byte: &u8| if *byte == b'\\' { b'/' } else { *byte };
    one == other || !made_by_unix(system) && one.iter().map(slash).eq(other.iter().map(slash))
}

/// Whether a name of DOS begins with a drive letter: then it is about somebody's disk, and not about a directory here.
pub(super) fn has_drive(name: &[u8], system: CreatorSystem) -> bool {
    !made_by_unix(system) && matches!(name, [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Info-ZIP's extra field: a version, the CRC-32 of the raw name that it stands for, the name.
pub(super) fn unicode_name<'e>(raw: &[u8], mut extra: ExtraFields<'e>) -> Option<&'e [u8]> {
    let (_, field) = extra.find(|(id, _)| *id == ExtraFieldId::INFO_ZIP_UNICODE_PATH)?;
    let (crc, unicode) = field.strip_prefix(&[1])?.split_first_chunk()?;
    (u32::from_le_bytes(*crc) == crc32(raw) && std::str::from_utf8(unicode).is_ok()).then_some(unicode)
}

fn of_code_page(byte: u8) -> char {
    match byte.checked_sub(128) {
        None => char::from(byte),
        Some(high) => CODE_PAGE_437.chars().nth(high.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// What the entry of this name is, and its mode. `Err` has what is wrong with it, for people.
pub(super) fn kind_and_mode(
    name: &[u8],
    system: CreatorSystem,
    attributes: u32,
) -> Result<(ZipEntryKind, u32), &'static str> {
    let stated = unix_mode(system, attributes);
    let mode = Some(stated & !KIND).filter(|mode| *mode != 0);
    match stated & KIND {
        kind if name.ends_with(b"/") || kind == DIRECTORY => {
            // A directory that cannot be entered is a DOS attribute read as a mode.
            let mode = mode.filter(|_| made_by_unix(system)).map(enterable);
            Ok((ZipEntryKind::Directory, mode.unwrap_or(MODE_OF_DIRECTORIES)))
        }
        SYMLINK => Ok((ZipEntryKind::Symlink, 0)),
        FIFO => Ok((ZipEntryKind::Pipe, 0)),
        REGULAR | 0 => Ok((ZipEntryKind::File, mode.unwrap_or(MODE_OF_FILES))),
        _ => Err("is a device or a socket"),
    }
}

/// A directory's mode with which its owner can use it, and whoever may read it can enter it. Packers on Windows write the
/// modes that they know of files, 0666 or 0644; Cloud Controller makes such directories anew.
fn enterable(mode: u32) -> u32 {
    let readable = (mode & 0o444) >> 2;
    mode | readable | 0o700
}

fn unix_mode(system: CreatorSystem, attributes: u32) -> u32 {
    let unix = attributes >> 16;
    let from_dos = system == CreatorSystem::FAT;
    if made_by_unix(system) || (unix != 0 && !from_dos) {
        return unix; // also programs on Windows that keep modes
    }
    let kind = if attributes & DOS_DIRECTORY == 0 { REGULAR | 0o666 } else { DIRECTORY | 0o777 };
    if attributes & DOS_READ_ONLY == 0 { kind } else { kind & !0o222 }
}

pub(super) fn made_by_unix(system: CreatorSystem) -> bool {
    matches!(system, CreatorSystem::UNIX | CreatorSystem::MACOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extra(crc: u32, name: &str) -> Vec<u8> {
        let mut field = 0x7075_u16.to_le_bytes().to_vec();
        field.extend(u16::try_from(5 + name.len()).unwrap().to_le_bytes());
        field.push(1);
        field.extend(crc.to_le_bytes());
        field.extend(name.as_bytes());
        field
    }

    fn named(raw: &[u8], extra: &[u8], system: CreatorSystem) -> Vec<u8> {
        name(raw, ExtraFields::new(extra), system).0
    }

    #[test]
    fn a_name_is_read_as_who_wrote_it_meant_it() {
        let (fat, unix) = (CreatorSystem::FAT, CreatorSystem::UNIX);
        let cases: [(&[u8], CreatorSystem, &[u8]); 5] = [
            (b"a\xe4b", unix, b"a\xe4b"),
            (b"a\x84b", fat, "aäb".as_bytes()),
            (b"\x80\xe0\xff", fat, "Çα\u{a0}".as_bytes()),
            ("ä".as_bytes(), fat, "ä".as_bytes()),
            (b"a\\b", unix, b"a\\b"),
        ];
        for (raw, system, expected) in cases {
            assert_eq!(named(raw, &[], system), expected, "{raw:?} {system:?}");
        }
        assert_eq!(name(b"a\\b", ExtraFields::new(&[]), fat), (b"a/b".to_vec(), true));
        assert_eq!(CODE_PAGE_437.chars().count(), 128);
    }

    #[test]
    fn two_names_that_differ_in_slashes_are_one_name_unless_unix_wrote_them() {
        let (fat, unix) = (CreatorSystem::FAT, CreatorSystem::UNIX);
        for (one, other, system, same) in [
            ("a\\b", "a/b", fat, true),
            ("a/b", "a\\b", fat, true),
            ("a\\b/c", "a/b\\c", CreatorSystem::NTFS, true),
            ("a\\b", "a/b", unix, false),
            ("a\\b", "a\\b", unix, true),
            ("a\\b", "a/c", fat, false),
            ("a\\b", "a/b/", fat, false),
        ] {
            assert_eq!(is_same_name(one.as_bytes(), other.as_bytes(), system), same, "{one} {other} {system:?}");
        }
    }

    #[test]
    fn a_unicode_name_counts_where_it_stands_for_this_name() {
        let system = CreatorSystem::FAT;
        assert_eq!(named(b"a", &extra(crc32(b"a"), "ä"), system), "ä".as_bytes());
        assert_eq!(named(b"b", &extra(crc32(b"a"), "ä"), system), b"b");
        assert_eq!(named(b"a", &extra(crc32(b"a"), "..\\ä"), system), "../ä".as_bytes());
    }

    #[test]
    fn modes_and_kinds_come_from_where_the_archive_was_made() {
        let unix = |mode: u32| (CreatorSystem::UNIX, mode << 16);
        for (name, (system, attributes), expected) in [
            ("f", unix(0o100_755), Ok((ZipEntryKind::File, 0o755))),
            ("f", unix(0o104_755), Ok((ZipEntryKind::File, 0o4755))),
            ("f", unix(0o755), Ok((ZipEntryKind::File, 0o755))),
            ("f", unix(0), Ok((ZipEntryKind::File, 0o644))),
            ("f", unix(0o100_000), Ok((ZipEntryKind::File, 0o644))),
            ("d/", unix(0o40_700), Ok((ZipEntryKind::Directory, 0o700))),
            ("d", unix(0o40_700), Ok((ZipEntryKind::Directory, 0o700))),
            ("d/", unix(0), Ok((ZipEntryKind::Directory, 0o755))),
            ("d/", unix(0o40_666), Ok((ZipEntryKind::Directory, 0o777))),
            ("d/", unix(0o40_644), Ok((ZipEntryKind::Directory, 0o755))),
            ("d/", unix(0o40_500), Ok((ZipEntryKind::Directory, 0o700))),
            ("d/", unix(0o40_001), Ok((ZipEntryKind::Directory, 0o701))),
            ("l", unix(0o120_777), Ok((ZipEntryKind::Symlink, 0))),
            ("p", unix(0o010_644), Ok((ZipEntryKind::Pipe, 0))),
            ("c", unix(0o020_644), Err("is a device or a socket")),
            ("b", unix(0o060_644), Err("is a device or a socket")),
            ("s", unix(0o140_644), Err("is a device or a socket")),
            ("f", (CreatorSystem::FAT, 0), Ok((ZipEntryKind::File, 0o666))),
            ("f", (CreatorSystem::FAT, DOS_READ_ONLY), Ok((ZipEntryKind::File, 0o444))),
            ("f", (CreatorSystem::FAT, 0o120_777 << 16), Ok((ZipEntryKind::File, 0o666))),
            ("d", (CreatorSystem::FAT, DOS_DIRECTORY), Ok((ZipEntryKind::Directory, 0o755))),
            ("f", (CreatorSystem::NTFS, 0o100_755 << 16), Ok((ZipEntryKind::File, 0o755))),
            ("l", (CreatorSystem::NTFS, 0o120_777 << 16), Ok((ZipEntryKind::Symlink, 0))),
            ("d/", (CreatorSystem::NTFS, 0), Ok((ZipEntryKind::Directory, 0o755))),
        ] {
            assert_eq!(
                kind_and_mode(name.as_bytes(), system, attributes),
                expected,
                "{name} {system:?} {attributes:o}"
            );
        }
    }
}
