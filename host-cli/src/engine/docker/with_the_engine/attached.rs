//! Programs beside the main process that are talked to.

use super::*;
use crate::engine::{EngineError, ExecInput, ExecSpec, WindowSize};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A container in which nothing happens.
fn sleeping(docker: &Docker) -> Guard<'_> {
    let container = made(docker, &ContainerSpec { init: true, ..shell("sleep 600") });
    docker.start(&container.1).unwrap();
    container
}

fn script(script: &str, terminal: Option<WindowSize>) -> ExecSpec {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    ExecSpec { command, environment: vec![("GREETING".into(), "hello".into())], terminal }
}

/// What it says on both streams, and its status.
fn said(
    docker: &Docker,
    container: &ContainerId,
    spec: &ExecSpec,
    input: Receiver<ExecInput>,
) -> (Result<Option<i64>, EngineError>, Vec<u8>, Vec<u8>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = docker.exec_attached(container, spec, input, &mut |stream, piece| {
        match stream {
            Stream::Out => out.extend_from_slice(piece),
            Stream::Err => err.extend_from_slice(piece),
        }
        ControlFlow::Continue(())
    });
    (status, out, err)
}

fn typed() -> (Sender<ExecInput>, Receiver<ExecInput>) {
    channel()
}

#[test]
fn a_program_hears_its_input_to_the_end_and_its_streams_come_apart_with_its_status() {
    let docker = engine();
    let container = sleeping(&docker);
    let (typing, input) = typed();
    for piece in vec![b'x'; 300_000].chunks(10_000) {
        typing.send(ExecInput::Bytes(piece.to_vec())).unwrap();
    }
    typing.send(ExecInput::End).unwrap();
    let spec = script("cat; echo $GREETING >&2; exit 7", None);
    let (status, out, err) = said(&docker, &container.1, &spec, input);
    assert_eq!((status.unwrap(), out.len(), &*err), (Some(7), 300_000, &b"hello\n"[..]));
    drop(typing);

    // One that does not read what it is given, and whose input never ends.
    let (typing, input) = typed();
    typing.send(ExecInput::Bytes(b"unread".to_vec())).unwrap();
    let (status, out, _) = said(&docker, &container.1, &script("echo done", None), input);
    assert_eq!((status.unwrap(), &*out), (Some(0), &b"done\n"[..]));
    drop(typing);
}

#[test]
fn a_terminal_has_the_size_that_it_is_given_and_that_it_gets_later() {
    let docker = engine();
    let container = sleeping(&docker);
    let size = |columns, rows| WindowSize { columns, rows };
    let (typing, input) = typed();
    let spec = script("sleep 1; stty size; read word; stty size; echo $word >&2; exit 3", Some(size(101, 33)));
    let (mut out, mut is_resized) = (String::new(), false);
    let status = docker.exec_attached(&container.1, &spec, input, &mut |stream, piece| {
        assert_eq!(stream, Stream::Out);
        out.push_str(&String::from_utf8_lossy(piece));
        if out.contains("33 101") && !std::mem::replace(&mut is_resized, true) {
            typing.send(ExecInput::Resize(size(40, 12))).unwrap();
            typing.send(ExecInput::Bytes(b"word\n".to_vec())).unwrap();
        }
        ControlFlow::Continue(())
    });
    assert_eq!(status.unwrap(), Some(3));
    assert!(out.contains("12 40") && out.ends_with("word\r\n"), "{out}");
}

#[test]
fn who_has_heard_enough_waits_for_nothing_and_what_cannot_run_is_told() {
    let docker = engine();
    let container = sleeping(&docker);
    let began = Instant::now();
    let status = docker
        .exec_attached(&container.1, &script("echo a; sleep 60", None), typed().1, &mut |_, _| ControlFlow::Break(()));
    assert_eq!(status.unwrap(), None);
    assert!(began.elapsed() < Duration::from_secs(30));
    let gone = said(&docker, &ContainerId("no-such-container".into()), &script("true", None), typed().1).0;
    assert!(matches!(gone, Err(EngineError::NotFound { .. })), "{gone:?}");
    let stopped = made(&docker, &shell("true"));
    let refused = said(&docker, &stopped.1, &script("echo s3cret", None), typed().1).0.unwrap_err().to_string();
    assert!(!refused.contains("s3cret"), "{refused}");
    let program = docker.program(&container.1).unwrap().unwrap();
    assert_eq!((program.entrypoint[0].as_str(), program.addresses.len()), ("/bin/sh", 1));
    assert!(docker.program(&ContainerId("no-such-container".into())).unwrap().is_none());
}
