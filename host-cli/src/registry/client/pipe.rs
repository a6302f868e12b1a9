//! From who writes to who reads, in another thread, with little between them.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes in one message at most.
const CHUNK: usize = 64 << 10;
/// Messages that may wait.
const WAITING: usize = 8;

/// Both ends. Once the reader is gone, writing fails; once the writer is, reading ends.
pub(super) fn pipe() -> (PipeWriter, PipeReader) {
    let (sends, receives) = sync_channel(WAITING);
    (PipeWriter { sends }, PipeReader { receives, chunk: Vec::new(), used: 0 })
}

/// Where bytes go in.
pub(super) struct PipeWriter {
    sends: SyncSender<io::Result<Vec<u8>>>,
}

/// Where they come out.
pub(super) struct PipeReader {
    receives: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    used: usize,
}

impl PipeWriter {
    /// Lets the reader end with an error, so that nobody takes what came for all.
    pub(super) fn fail(self, error: io::Error) {
        let _ = self.sends.send(Err(error)); // nobody may be reading
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(CHUNK);
        match self.sends.send(Ok(bytes[..length].to_vec())) {
            Ok(()) => Ok(length),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.used == self.chunk.len() {
            match self.receives.recv() {
                Ok(chunk) => (self.chunk, self.used) = (chunk?, 0),
                Err(_) => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len() - self.used);
        buffer[..length].copy_from_slice(&self.chunk[self.used..self.used + length]);
        self.used += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn all_comes_out_in_order_or_an_error_does() {
        let bytes: Vec<u8> = (0..3 * CHUNK + 5).map(|number| u8::try_from(number % 251).unwrap()).collect();
        for fails in [false, true] {
            let (mut writer, mut reader) = pipe();
            let mut read = Vec::new();
            thread::scope(|threads| {
                let bytes = &bytes;
                threads.spawn(move || {
                    writer.write_all(bytes).unwrap();
                    if fails {
                        writer.fail(io::Error::other("broken"));
                    }
                });
                assert_eq!(reader.read_to_end(&mut read).is_err(), fails);
            });
            assert!(read == bytes);
        }
    }

    #[test]
    fn who_writes_to_nobody_hears_so() {
        let (mut writer, reader) = pipe();
        drop(reader);
        assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
