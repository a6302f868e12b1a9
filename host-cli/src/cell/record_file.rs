//! The cell's files: the crashes so far, and what it says of itself. Only the cell writes them, each whole or not at all, for its owner
//! alone; others read them, out of its container.

#![expect(
    clippy::disallowed_methods,
    reason = "the leaf that keeps the cell's files, and asks the kernel about its memory"
)]

use super::records::{Records, VERSION};
use super::status::Status;
use crate::state_folder;
use jiff::Timestamp;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The crashes.
pub(crate) const RECORDS: &str = "crashes.json";
/// What the cell says of itself.
pub(crate) const STATUS: &str = "status.json";
/// Where damaged records are put.
const DAMAGED: &str = "crashes.json.damaged";
/// The most bytes of a file that are read; 2,000 crashes with their words are well below.
pub(crate) const LONGEST: u64 = 16 << 20;

/// The folder with them.
#[derive(Clone, Debug)]
pub(crate) struct RecordFile {
    folder: PathBuf,
}

impl RecordFile {
    /// In this folder, which need not be there.
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The crashes so far; none where none were kept. What cannot be read is put aside, and said why: then all counts begin anew.
    pub(crate) fn read(&self) -> (Records, Option<String>) {
        let path = self.folder.join(RECORDS);
        let reason = match text(&path) {
            Ok(None) => return (Records::default(), None),
            Ok(Some(text)) => match read(&text) {
                Ok(records) => return (records, None),
                Err(reason) => reason,
            },
            Err(error) => error.to_string(),
        };
        let _ = fs::rename(&path, self.folder.join(DAMAGED));
        let text =
            format!("the crashes so far cannot be read ({reason}); {DAMAGED} keeps them, and counting begins anew");
        (Records::default(), Some(text))
    }

    /// Keeps the crashes so far.
    pub(crate) fn write(&self, records: &Records) -> io::Result<()> {
        self.replace(RECORDS, &serde_json::to_vec(records)?)
    }

    /// Keeps what the cell says of itself.
    pub(crate) fn write_status(&self, status: &Status) -> io::Result<()> {
        self.replace(STATUS, &serde_json::to_vec(status)?)
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        state_folder::make(&self.folder)?;
        // One name, since one cell writes: what a killed one has left goes with the next.
        let unfinished = self.folder.join(format!(".{name}"));
        let _ = fs::remove_file(&unfinished);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(unfinished, self.folder.join(name))
    }
}

/// `None`: there is no such file.
fn text(path: &Path) -> io::Result<Option<String>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// The records that this text is.
///
/// # Errors
/// It is none, or one of another version; in words.
pub(crate) fn read(text: &str) -> Result<Records, String> {
    #[derive(serde::Deserialize)]
    struct Form {
        version: u32,
    }
    let damaged = |error: serde_json::Error| format!("damaged in line {}, column {}", error.line(), error.column());
    let Form { version } = serde_json::from_str(text).map_err(damaged)?;
    if version != VERSION {
        return Err(format!("of form {version}, and this host-cli knows {VERSION}"));
    }
    serde_json::from_str(text).map_err(damaged)
}

/// The time on the wall.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Bytes of memory that this process takes at the moment; 0 where the kernel does not say.
pub(crate) fn own_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::records::Crash;
    use crate::cell::view::InstanceKey;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn crashes_are_kept_for_their_owner_alone_and_read_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("cell");
        let file = RecordFile::new(folder.clone());
        assert_eq!(file.read(), (Records::default(), None));
        let mut records = Records::default();
        records.count(&InstanceKey::default(), Crash::default(), Timestamp::UNIX_EPOCH);
        // A killed cell has left half a file.
        state_folder::make(&folder).unwrap();
        fs::write(folder.join(".crashes.json"), "{\"vers").unwrap();
        for _ in 0..2 {
            file.write(&records).unwrap();
        }
        assert_eq!(file.read(), (records, None));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(RECORDS))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn what_is_damaged_or_of_a_newer_stager_is_put_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = RecordFile::new(folder.path().to_owned());
        for (text, words) in
            [("{\"version\":1,", "damaged in line 1"), ("{\"version\":2}", "of form 2"), ("", "damaged")]
        {
            fs::write(folder.path().join(RECORDS), text).unwrap();
            let (records, said) = file.read();
            assert_eq!(records, Records::default());
            assert!(said.unwrap().contains(words), "{text}");
            assert_eq!(fs::read_to_string(folder.path().join(DAMAGED)).unwrap(), text);
            assert_eq!(file.read(), (Records::default(), None));
        }
    }

    #[test]
    fn the_kernel_tells_our_memory() {
        assert!(own_memory() > 1 << 20);
    }
}
