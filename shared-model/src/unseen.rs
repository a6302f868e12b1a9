//! Characters that are there and that nobody sees, or that only change how others are seen: a name with one of them is
//! another name and looks the same. Unicode calls them format characters and default-ignorable; line and paragraph
//! separators are among them here.

/// First and last of each stretch, in order. A test compares with Unicode's own tables.
const STRETCHES: [(u32, u32); 25] = [
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x600, 0x605),
    (0x61c, 0x61c),
    (0x6dd, 0x6dd),
    (0x70f, 0x70f),
    (0x890, 0x891),
    (0x8e2, 0x8e2),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x1_10bd, 0x1_10bd),
    (0x1_10cd, 0x1_10cd),
    (0x1_3430, 0x1_343f),
    (0x1_bca0, 0x1_bca3),
    (0x1_d173, 0x1_d17a),
    (0xe_0000, 0xe_0fff),
];

/// Whether `character` is one of them. Control characters are another matter.
#[must_use]
pub fn is_unseen(character: char) -> bool {
    let number = u32::from(character);
    number >= STRETCHES[0].0
        && STRETCHES
            .binary_search_by(|(first, last)| {
                if *last < number {
                    std::cmp::Ordering::Less
                } else if *first > number {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{Class, HirKind};

    #[test]
    fn they_are_those_of_unicode() {
        let all = regex_syntax::parse(r"[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]").unwrap();
        let HirKind::Class(Class::Unicode(class)) = all.kind() else { panic!("{all:?}") };
        let ours: Vec<(u32, u32)> = STRETCHES.to_vec();
        let unicodes: Vec<(u32, u32)> =
            class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect();
        assert_eq!(ours, unicodes);
    }

    #[test]
    fn letters_signs_and_spaces_are_seen() {
        for character in ['a', ' ', '\t', 'ü', '€', '語', '😀', '\u{a0}', '\u{301}', '\u{10ffff}'] {
            assert!(!is_unseen(character), "{character:?}");
        }
        for character in ['\u{200d}', '\u{fe0f}', '\u{e0041}', '\u{202e}', '\u{2028}', '\u{3164}', '\u{115f}'] {
            assert!(is_unseen(character), "{character:?}");
        }
    }
}
