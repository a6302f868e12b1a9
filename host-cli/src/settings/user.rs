//! The user's own settings: `STAGER_…` variables and `$XDG_CONFIG_HOME/stager/config.toml`, else
//! `~/.config/stager/config.toml`. A file that others may write to is refused: it says whom to trust. Nothing is read from
//! the current folder.

#![expect(clippy::disallowed_methods, reason = "the leaf that reads the user's settings")]

use super::Settings;
use crate::failure::Failure;
use shared_model::exit_code::ExitCode;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Of a mode: group and others may write.
const OTHERS_WRITE: u32 = 0o022;
/// Bytes; nobody has as much to say.
const LARGEST: u64 = 64 << 10;

/// What the process's environment and the user's file say.
pub(crate) fn settings() -> Result<Settings, Failure> {
    let variables = Settings::from_variables(|name| env::var_os(name))
        .map_err(|bad| Failure::new(ExitCode::CommandLine, bad.to_string(), "correct the variable, or unset it"))?;
    let home = absolute(env::var_os("HOME"));
    let Some(path) = file(env::var_os("XDG_CONFIG_HOME"), home.as_deref()) else { return Ok(variables) };
    Ok(variables.or(read(&path, home.as_deref().unwrap_or(Path::new("/")))?))
}

fn absolute(path: Option<OsString>) -> Option<PathBuf> {
    path.map(PathBuf::from).filter(|path| path.is_absolute())
}

fn file(config: Option<OsString>, home: Option<&Path>) -> Option<PathBuf> {
    let config = absolute(config).or_else(|| Some(home?.join(".config")))?;
    Some(config.join("stager/config.toml"))
}

/// What the file says; nothing where there is none.
fn read(path: &Path, home: &Path) -> Result<Settings, Failure> {
    let wrong = |reason: &str, advice: String| {
        Failure::new(ExitCode::CommandLine, format!("{}: {reason}", path.display()), advice)
    };
    let unreadable = |error: &io::Error| wrong(&format!("cannot be read: {error}"), String::new());
    let file = match File::open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Settings::default());
        }
        opened => opened.map_err(|error| unreadable(&error))?,
    };
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    let (owner, me) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != me && owner != 0 {
        let reason = format!("belongs to user {owner}, and host-cli runs as user {me}");
        return Err(wrong(&reason, "make it yours with `chown`, or name another folder in XDG_CONFIG_HOME".to_owned()));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(wrong("other users may write to it", format!("`chmod go-w {}`", path.display())));
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    Settings::parse(&text, home).map_err(|bad| {
        wrong(
            &bad.to_string(),
            "a line is KEY = \"VALUE\", or KEY = [\"VALUE\", \"VALUE\"]; `host-cli --help` lists the keys".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_where_the_xdg_specification_puts_it_and_never_in_the_current_folder() {
        let some = |path: &str| Some(OsString::from(path));
        let home = Some(Path::new("/h"));
        assert_eq!(file(some("/c"), home), Some("/c/stager/config.toml".into()));
        assert_eq!(file(some("relative"), home), Some("/h/.config/stager/config.toml".into()));
        assert_eq!(file(some("relative"), None), None);
    }

    #[test]
    fn a_file_is_read_if_nobody_else_can_have_written_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let said =
            || read(&path, Path::new("/h")).map_err(|failure| format!("{} try: {}", failure.text, failure.advice));
        assert_eq!(said(), Ok(Settings::default()), "there is none");
        fs::write(&path, "network = 'n'").unwrap();
        for (mode, is_read) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match said() {
                Ok(settings) => assert!(is_read && settings.network.as_deref() == Some("n"), "{mode:o}"),
                Err(said) => assert!(!is_read && said.contains("try: `chmod go-w /"), "{mode:o}: {said}"),
            }
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "netwrok = 'n'").unwrap();
        let unknown = said().unwrap_err();
        assert!(unknown.contains("config.toml: line 1: unknown key `netwrok`"), "{unknown}");
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "network = 'n'").unwrap();
        if std::os::unix::fs::chown(&path, Some(1234), None).is_err() {
            return; // Only root may give a file away.
        }
        let failure = read(&path, Path::new("/h")).unwrap_err();
        assert!(failure.text.contains("belongs to user 1234"), "{}", failure.text);
    }
}
