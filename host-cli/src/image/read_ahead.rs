//! Reads ahead in a thread of its own, some buffers far: what is inflated there is hashed and written here meanwhile.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver};
use std::thread::Scope;

/// Bytes that are passed on at once.
const BUFFER: usize = 256 << 10; // few wake-ups, and small against the caches
/// Buffers that may lie between the two threads.
const AHEAD: usize = 4;

/// What `source` gives, read in a thread of `scope`. The thread ends when the source does or when this is dropped.
pub(super) fn read_ahead<'scope>(scope: &'scope Scope<'scope, '_>, mut source: impl Read + Send + 'scope) -> Ahead {
    let (sends, buffers) = mpsc::sync_channel(AHEAD);
    scope.spawn(move || {
        loop {
            let mut buffer = Vec::with_capacity(BUFFER);
            let outcome = source.by_ref().take(BUFFER as u64).read_to_end(&mut buffer);
            let last = outcome.is_err() || buffer.is_empty();
            // What came before an error is told before it.
            let told = (buffer.is_empty() || sends.send(Ok(buffer)).is_ok())
                && outcome.map_or_else(|error| sends.send(Err(error)).is_ok(), |_| true);
            if last || !told {
                return;
            }
        }
    });
    Ahead { buffers, current: io::Cursor::new(Vec::new()) }
}

/// The reader of what was read ahead.
pub(super) struct Ahead {
    buffers: Receiver<io::Result<Vec<u8>>>,
    current: io::Cursor<Vec<u8>>,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.current.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            match self.buffers.recv() {
                Ok(next) => self.current = io::Cursor::new(next?),
                Err(_) => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn all_bytes_come_in_order_and_then_the_end() {
        let bytes: Vec<u8> = (0..3 * BUFFER + 7).map(|number| u8::try_from(number % 251).unwrap()).collect();
        let mut read = Vec::new();
        thread::scope(|scope| read_ahead(scope, &*bytes).read_to_end(&mut read)).unwrap();
        assert!(read == bytes);
    }

    #[test]
    fn an_error_comes_behind_what_could_be_read() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut read = Vec::new();
        let outcome = thread::scope(|scope| read_ahead(scope, b"good".chain(Broken)).read_to_end(&mut read));
        assert_eq!((read.as_slice(), outcome.unwrap_err().to_string().as_str()), (&b"good"[..], "broken"));
    }

    #[test]
    fn an_endless_source_ends_with_its_reader() {
        thread::scope(|scope| {
            let mut reader = read_ahead(scope, io::repeat(1));
            reader.read_exact(&mut [0; 10]).unwrap();
        });
    }
}
