//! A forwarded connection: from beside the app to an address that the app's container reaches. Standard input goes there; what comes
//! back goes to standard output in frames ([`shared_model::port_forward`]). Each direction ends by itself.
//!
//! Not the app's process 1 but a second run of the same program, which lies where every app's container has it.

#![expect(clippy::disallowed_methods, reason = "prints what comes")]

use shared_model::port_forward::header;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that are copied at once: less than a frame may hold.
const PIECE: usize = 32 << 10;
/// How long the other side may say nothing once our side has ended: who is gone would never be noticed otherwise.
const SILENCE: Duration = Duration::from_secs(10 * 60);
/// Between two looks at that.
const LOOK: Duration = Duration::from_secs(30);

/// Connects to `address`, `HOST:PORT`, and copies until both directions have ended.
///
/// # Errors
/// Nobody answers there.
pub(crate) fn connect(address: &str) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot connect to {address}: {error}");
    let stream = TcpStream::connect(address).map_err(failed)?;
    let _ = stream.set_nodelay(true); // only slower without it
    stream.set_read_timeout(Some(LOOK)).map_err(failed)?;
    let stream = Arc::new(stream);
    let ended = Arc::new(OnceLock::new());
    let (of_input, has_ended) = (Arc::clone(&stream), Arc::clone(&ended));
    let input = thread::spawn(move || {
        copy_in(&of_input);
        let _ = has_ended.set(Instant::now());
    });
    // Where nobody listens any more, or the other side is gone, what still comes in has nowhere to go.
    if copy_out(&stream, &|| ended.get().copied()).is_ok() {
        let _ = input.join();
    }
    Ok(())
}

/// To the end of standard input, or as long as the other side takes it.
fn copy_in(mut stream: &TcpStream) {
    let mut buffer = vec![0; PIECE];
    let mut input = io::stdin();
    while let Ok(length) = input.read(&mut buffer) {
        let piece = buffer.get(..length).unwrap_or_default();
        if length == 0 || stream.write_all(piece).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Write); // it may be gone
}

/// To the end of what comes. `ended`: since when nothing more goes there.
fn copy_out(mut stream: &TcpStream, ended: &dyn Fn() -> Option<Instant>) -> io::Result<()> {
    let mut output = io::stdout();
    let mut buffer = vec![0; PIECE];
    loop {
        let length = match stream.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if ended().is_some_and(|ended| ended.elapsed() > SILENCE) {
                    return Err(error);
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(header) = header(length) else { return Err(ErrorKind::InvalidData.into()) };
        output.write_all(&header)?;
        output.write_all(buffer.get(..length).unwrap_or_default())?;
        output.flush()?;
        if length == 0 {
            return Ok(());
        }
    }
}
