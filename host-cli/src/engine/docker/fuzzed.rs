//! What has to hold of an engine's answers, whatever bytes they have. For the targets of `ci/fuzz`, and for the replay of
//! what they found.
#![allow(clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::json_stream;
use super::models::{ContainerDetails, ImageConfigAsIs, ImageDocument, ListedContainer, ListedImage};
use super::refusal::one_line;
use super::stdcopy::StdCopy;
use crate::engine::{Container, Image};
use serde::de::DeserializeOwned;
use shared_model::event::Stream;
use shared_model::plain_line::escape_control;

/// One JSON answer, taken for each that we read.
pub fn engine_answers(bytes: &[u8]) {
    for image in [
        read(bytes).map(|image: ImageDocument| Image::from(image)),
        read(bytes).map(|image: ListedImage| Image::from(image)),
    ] {
        let Some(image) = image else { continue };
        assert!(image.tags.iter().all(|tag| !tag.contains('<')), "a name that is none: {:?}", image.tags);
        assert!(image.details.settings.variables().all(|name| !name.contains('=')), "a value is taken for a name");
        assert!(image.details.named >= 0);
    }
    if let Some(container) = read::<ContainerDetails>(bytes) {
        assert!(!Container::from(container).name.starts_with('/'));
    }
    let _ = (read::<ListedContainer>(bytes).map(|container| container.id), read::<ImageConfigAsIs>(bytes));
}

/// What an engine tells while it works, in pieces as long as the first byte says.
pub fn engine_told(bytes: &[u8]) {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let whole = json_stream::lines_of(&[bytes]);
    let pieces: Vec<&[u8]> = bytes.chunks(usize::from(piece).max(1)).collect();
    assert_eq!(json_stream::lines_of(&pieces), whole, "what is told depends on how it comes");
    assert_eq!(whole.concat(), bytes, "something is left out of short lines");
    for line in whole {
        let Ok(line) = serde_json::from_slice::<json_stream::JsonMessage>(&line) else { continue };
        let shown = line.error().map(one_line).unwrap_or_default();
        assert!(!shown.contains('\n') && escape_control(&shown) == shown, "a terminal obeys something in {shown:?}");
    }
}

/// The output of an attached container, in pieces as long as the first byte says.
pub fn engine_frames(bytes: &[u8]) {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let piece = usize::from(piece).max(1);
    assert_eq!(unframed(&[bytes]), unframed(&bytes.chunks(piece).collect::<Vec<_>>()), "it depends on how it comes");
    let framed: Vec<u8> = bytes.chunks(piece).flat_map(|chunk| frame(1 + chunk[0] % 2, chunk)).collect();
    let expected = |stream| bytes.chunks(piece).filter(|chunk| 1 + chunk[0] % 2 == stream).flatten().copied().collect();
    assert_eq!(unframed(&[&framed]), (expected(1), expected(2)), "what was put in does not come out");
}

fn frame(stream: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
    [&[stream, 0, 0, 0][..], &length, bytes].concat()
}

fn unframed(pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    let (mut streams, mut out, mut err) = (StdCopy::default(), Vec::new(), Vec::new());
    for piece in pieces {
        streams.feed(piece, &mut |stream, bytes| match stream {
            Stream::Out => out.extend_from_slice(bytes),
            Stream::Err => err.extend_from_slice(bytes),
        });
    }
    (out, err)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}
