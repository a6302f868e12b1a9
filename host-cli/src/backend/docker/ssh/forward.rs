//! Listens on this machine, and leads each connection through a program of ours in the app's container.

use crate::engine::{ContainerId, ExecInput, ExecSpec};
use crate::failure::Failure;
use crate::plan::port_forward::PortForward;
use crate::plan::supervisor::PROGRAM_PATH;
use crate::session::Session;
use shared_model::event::{Event, EventSink, Stream};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use shared_model::port_forward::{CONNECT, Frames, Part};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// Connections at once through one container: each is a process there, and the app has a bound of them.
const MOST: usize = 64;
/// Bytes that are read at once.
const PIECE: usize = 32 << 10;
/// Pieces that may wait.
const PIECES: usize = 8;
/// The most bytes that are kept of why a connection could not be made.
const LONGEST_WORD: usize = 500;

/// Where connections lead.
struct Way {
    session: Session,
    container: ContainerId,
    target: String,
    open: AtomicUsize,
}

/// Listens from now on, on a thread that ends with the process. The port.
///
/// # Errors
/// The address is not this machine's, or somebody listens there.
pub(super) fn listen(session: &Session, container: &ContainerId, forward: &PortForward) -> Result<u16, Failure> {
    let failed = |error: io::Error| {
        let text = format!("cannot listen at {}: {error}", forward.at);
        Failure::new(ExitCode::CommandLine, text, "type another port; with 0 in front a free one is taken")
    };
    let listener = TcpListener::bind(forward.at).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let way = Arc::new(Way {
        session: session.clone(),
        container: container.clone(),
        target: forward.target(),
        open: AtomicUsize::new(0),
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let way = Arc::clone(&way);
            if way.open.fetch_add(1, Ordering::SeqCst) < MOST {
                thread::spawn(move || {
                    way.lead(&stream);
                    way.open.fetch_sub(1, Ordering::SeqCst);
                });
            } else {
                way.open.fetch_sub(1, Ordering::SeqCst);
                way.warn(&format!("{MOST} connections are open already; another one was closed"));
            }
        }
    });
    Ok(port)
}

impl Way {
    fn lead(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(true); // only slower without it
        let (typed, read) = sync_channel(PIECES);
        let Ok(reading) = stream.try_clone() else { return self.warn("too many files are open") };
        thread::spawn(move || pass_on(reading, &typed));
        let command = [PROGRAM_PATH, CONNECT, &self.target].map(str::to_owned).to_vec();
        let spec = ExecSpec { command, ..ExecSpec::default() };
        let (mut frames, mut said) = (Frames::default(), Vec::new());
        let status = self.session.engine.exec_attached(&self.container, &spec, read, &mut |from, piece| {
            if from == Stream::Err {
                said.extend(piece.iter().take(LONGEST_WORD.saturating_sub(said.len())));
                return ControlFlow::Continue(());
            }
            let mut flow = ControlFlow::Continue(());
            let mut to = stream;
            frames.feed(piece, &mut |part| match part {
                Part::Bytes(bytes) if to.write_all(bytes).is_err() => flow = ControlFlow::Break(()),
                Part::Bytes(_) => {}
                Part::End => {
                    let _ = stream.shutdown(Shutdown::Write); // it may be gone
                }
            });
            flow
        });
        let _ = stream.shutdown(Shutdown::Both);
        match status {
            Err(error) => self.warn(&error.to_string()),
            Ok(Some(0) | None) => {}
            Ok(Some(_)) => {
                let said = String::from_utf8_lossy(&said);
                self.warn(said.trim().strip_prefix("app-supervisor: ").unwrap_or(said.trim()));
            }
        }
    }

    fn warn(&self, text: &str) {
        let text = format!("a connection to {}: {}", self.target, escape_control(text));
        self.session.emit(Event::Warning { text });
    }
}

/// Passes on what comes, to its end.
fn pass_on(mut from: TcpStream, to: &SyncSender<ExecInput>) {
    let mut buffer = vec![0; PIECE];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        if to.send(ExecInput::read(buffer.get(..length).unwrap_or_default())).is_err() || length == 0 {
            return;
        }
    }
}
