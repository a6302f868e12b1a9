//! What is wanted, from how we were called. GNU's gzip has many more options; whoever uses one gets GNU's gzip.

use std::ffi::OsString;

/// gzip's own level where none is asked for.
const USUAL: u32 = 6;
/// A quarter of the usual one's time, for a tenth more; the fastest takes hardly less, for a third more.
const FAST: u32 = 2;
const FASTEST: u32 = 1;
const BEST: u32 = 9;

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Standard input is to be compressed to standard output, at this level from 1 to 9.
    Stream {
        /// The last that was given, else the usual one.
        level: u32,
    },
    /// Something that the stack's own gzip is to do.
    Other,
}

/// What `arguments`, without the program's name, ask for; `usual_is_fast`: whoever names no level gets a fast one.
pub fn wish(arguments: impl IntoIterator<Item = OsString>, usual_is_fast: bool) -> Wish {
    let mut level = if usual_is_fast { FAST } else { USUAL };
    for argument in arguments {
        let Some(argument) = argument.to_str() else { return Wish::Other };
        match argument {
            "--stdout" | "--to-stdout" | "--no-name" | "--quiet" => {}
            "--fast" => level = FASTEST,
            "--best" => level = BEST,
            _ => {
                let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.starts_with('-')) else {
                    return Wish::Other;
                };
                // A lone `-` is standard input, and has no letters.
                for letter in letters.chars() {
                    match letter {
                        'c' | 'n' | 'q' => {}
                        '1'..='9' => level = u32::from(letter) - u32::from('0'),
                        _ => return Wish::Other,
                    }
                }
            }
        }
    }
    Wish::Stream { level }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Wish {
        wish(arguments.iter().map(OsString::from), false)
    }

    #[test]
    fn a_stream_is_ours_and_the_last_level_counts() {
        for (arguments, level) in [
            (&[][..], 6),
            (&["-"], 6),
            (&["-9"], 9),
            (&["-1nc"], 1),
            (&["--best", "-n", "--fast"], 1),
            (&["-c", "--quiet", "--no-name", "--stdout", "-"], 6),
        ] {
            assert_eq!(of(arguments), Wish::Stream { level }, "{arguments:?}");
        }
        assert_eq!(wish([], true), Wish::Stream { level: 2 });
        assert_eq!(wish(["-6".into()], true), Wish::Stream { level: 6 });
    }

    #[test]
    fn what_is_no_stream_or_not_known_here_is_the_stacks_own() {
        for arguments in [
            &["file"][..],
            &["-d"],
            &["-cd"],
            &["-l"],
            &["--rsyncable"],
            &["-f"],
            &["--"],
            &["-k"],
            &["-0"],
            &["--help"],
            &["-S", ".z"],
            &["-V"],
            &["-9", "a", "b"],
        ] {
            assert_eq!(of(arguments), Wish::Other, "{arguments:?}");
        }
    }
}
