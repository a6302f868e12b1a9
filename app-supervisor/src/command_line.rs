//! What is to be done: `app-supervisor [--sidecars FILE] -- PROGRAM [ARGUMENT]...`, or `app-supervisor --connect HOST:PORT`. By hand:
//! a program's arguments may be any bytes.

#![expect(clippy::disallowed_methods, reason = "reads the command line")]

use shared_model::port_forward::CONNECT;
use std::ffi::OsString;
use std::path::PathBuf;

/// What it says of a command line that it cannot read.
pub(crate) const USAGE: &str =
    "usage: app-supervisor [--sidecars FILE] -- PROGRAM [ARGUMENT]..., or --connect HOST:PORT";

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Start an app and its sidecars.
    Supervise(CommandLine),
    /// Forward a connection to this `HOST:PORT`.
    Connect(String),
}

/// What is to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// Where the sidecars stand; `None`: there are none. Without this no file is read, whatever the image brings.
    pub(crate) sidecars: Option<PathBuf>,
    /// The app's launcher.
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
}

impl Typed {
    /// Of the words behind the program's own name; `None` for others than [`USAGE`] has.
    fn read(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let words: Vec<OsString> = words.into_iter().collect();
        match &words[..] {
            [option, address] if option == CONNECT => Some(Self::Connect(address.to_str()?.to_owned())),
            _ => CommandLine::read(words).map(Self::Supervise),
        }
    }
}

impl CommandLine {
    /// Of the words behind the program's own name; `None` for others than [`USAGE`] has.
    fn read(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut words = words.into_iter();
        let mut sidecars = None;
        loop {
            match words.next()?.to_str()? {
                "--sidecars" => sidecars = Some(words.next()?.into()),
                "--" => break,
                _ => return None,
            }
        }
        Some(Self { sidecars, program: words.next()?, arguments: words.collect() })
    }
}

/// What this process was given.
pub(crate) fn typed() -> Option<Typed> {
    Typed::read(std::env::args_os().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<CommandLine> {
        CommandLine::read(words.iter().map(OsString::from))
    }

    #[test]
    fn what_follows_the_dashes_is_the_programs_own() {
        let app = read(&["--", "/launcher", "app", "--sidecars", "--", ""]).unwrap();
        assert_eq!((app.sidecars, app.program), (None, "/launcher".into()));
        assert_eq!(app.arguments, ["app", "--sidecars", "--", ""]);
        assert_eq!(read(&["--sidecars", "/f", "--", "/l"]).unwrap().sidecars, Some("/f".into()));
    }

    #[test]
    fn a_connection_has_an_address_and_nothing_else() {
        let read = |words: &[&str]| Typed::read(words.iter().map(OsString::from));
        assert_eq!(read(&["--connect", "db:5432"]), Some(Typed::Connect("db:5432".into())));
        assert!(matches!(read(&["--", "/launcher", "--connect"]), Some(Typed::Supervise(_))));
        for words in [&["--connect"][..], &["--connect", "a:1", "x"]] {
            assert_eq!(read(words), None, "{words:?}");
        }
    }

    #[test]
    fn what_names_no_program_is_refused() {
        for words in
            [&[][..], &["--"], &["/launcher"], &["--sidecars"], &["--sidecars", "--", "x"], &["--x", "--", "y"]]
        {
            assert_eq!(read(words), None, "{words:?}");
        }
    }
}
