//! A file without a name that is read while it is written, so that what comes after need not wait for its end.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The file, for those who read it. It is gone with the last of them.
pub(super) struct Growing {
    file: File,
    state: Mutex<State>,
    grown: Condvar,
}

struct State {
    bytes: u64,
    end: End,
}

enum End {
    /// There may come more.
    Open,
    /// That is all.
    Whole,
    /// There was to come more: why it does not.
    Broken(String),
}

impl Growing {
    /// An empty one, and its only writer.
    ///
    /// # Errors
    /// There is no room for temporary files.
    pub(super) fn begin() -> io::Result<(GrowingWriter, Arc<Self>)> {
        let growing = Arc::new(Self::of(tempfile::tempfile()?, State { bytes: 0, end: End::Open }));
        Ok((GrowingWriter(Arc::clone(&growing)), growing))
    }

    /// One of so many bytes that grows no more.
    pub(super) fn whole(file: File, bytes: u64) -> Arc<Self> {
        Arc::new(Self::of(file, State { bytes, end: End::Whole }))
    }

    fn of(file: File, state: State) -> Self {
        Self { file, state: Mutex::new(state), grown: Condvar::new() }
    }

    /// Its bytes from the start; who reads faster than it grows waits. Several may read at once.
    pub(super) fn content(self: &Arc<Self>) -> Content {
        Content { growing: Arc::clone(self), at: 0 }
    }

    /// Its bytes by now.
    pub(super) fn bytes(&self) -> u64 {
        self.state().bytes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.grown.notify_all();
    }
}

/// Writes it. Dropped before its end, it leaves an error to those who read.
pub(super) struct GrowingWriter(Arc<Growing>);

impl GrowingWriter {
    /// That is all.
    pub(super) fn finish(self) -> Arc<Growing> {
        self.0.change(|state| state.end = End::Whole);
        Arc::clone(&self.0)
    }

    /// Nothing more comes, for this reason.
    pub(super) fn broken(self, reason: &io::Error) {
        self.0.change(|state| state.end = End::Broken(reason.to_string()));
    }
}

impl Write for GrowingWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let length = (&self.0.file).write(buffer)?;
        self.0.change(|state| state.bytes += length as u64);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for GrowingWriter {
    fn drop(&mut self) {
        self.0.change(|state| {
            if matches!(state.end, End::Open) {
                state.end = End::Broken("its writing was ended early".to_owned());
            }
        });
    }
}

/// The bytes of a [`Growing`] file.
pub(crate) struct Content {
    growing: Arc<Growing>,
    at: u64,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waits = |state: &mut State| state.bytes <= self.at && matches!(state.end, End::Open);
        let state = self.growing.grown.wait_while(self.growing.state(), waits).unwrap_or_else(PoisonError::into_inner);
        let left = usize::try_from(state.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buffer.len());
        if let (0, End::Broken(reason)) = (left, &state.end) {
            return Err(io::Error::other(reason.clone()));
        }
        drop(state); // others may read, and it may grow
        let length = self.growing.file.read_at(&mut buffer[..left], self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn each_reader_gets_all_of_it_while_it_is_written_and_afterwards() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
        let (mut writer, growing) = Growing::begin().unwrap();
        let early = thread::scope(|scope| {
            let readers = [(); 3].map(|()| {
                let mut content = growing.content();
                scope.spawn(move || {
                    let mut read = Vec::new();
                    content.read_to_end(&mut read).unwrap();
                    read
                })
            });
            for part in bytes.chunks(1_000) {
                writer.write_all(part).unwrap();
            }
            assert_eq!(writer.finish().bytes(), bytes.len() as u64);
            readers.map(|reader| reader.join().unwrap())
        });
        assert!(early.iter().all(|read| *read == bytes));
        let mut late = Vec::new();
        growing.content().read_to_end(&mut late).unwrap();
        assert!(late == bytes);
    }

    #[test]
    fn who_reads_what_was_left_unfinished_gets_an_error_behind_what_is_there() {
        let (mut writer, growing) = Growing::begin().unwrap();
        writer.write_all(b"half").unwrap();
        let late = growing.content();
        writer.broken(&io::Error::other("the disk is full"));
        for mut content in [late, growing.content()] {
            let mut read = Vec::new();
            assert_eq!(content.read_to_end(&mut read).unwrap_err().to_string(), "the disk is full");
            assert_eq!(read, b"half");
        }
        let (writer, growing) = Growing::begin().unwrap();
        drop(writer);
        growing.content().read_to_end(&mut Vec::new()).unwrap_err();
    }
}
