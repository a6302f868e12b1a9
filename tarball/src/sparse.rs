//! Files with holes, as GNU tar stores them: a map says where the pieces that were kept belong; all between is zeros.
//!
//! There are four forms. In the oldest the map is in the member's header and in blocks after it. The others are GNU's
//! use of POSIX headers: 0.0 has a record for each number of the map, 0.1 one record for all, and 1.0 (what
//! `tar --sparse --format=posix` writes today) has it as text in front of the contents.

use crate::blocks::{BLOCK, Blocks, damaged, decimal, malformed, number};
use std::io::{self, Read};
use tar::{GnuExtSparseHeader, GnuHeader, GnuSparseHeader};

/// Pieces of one file at most: a mebibyte of memory.
const MOST_PIECES: usize = 1 << 16;
/// Digits of the longest number.
const LONGEST_NUMBER: usize = 20;

/// A part of a file that is not a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where it begins in the file.
    pub(crate) at: u64,
    /// How many bytes it has.
    pub(crate) length: u64,
}

/// The three forms that GNU tar has had, as records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SparseRecords {
    /// The number of the form before the point.
    pub(crate) major: Option<u64>,
    /// The number behind it.
    pub(crate) minor: Option<u64>,
    /// The file's name; the member's is made up.
    pub(crate) name: Option<Vec<u8>>,
    /// Bytes of the file with its holes.
    pub(crate) size: Option<u64>,
    /// What is not a hole, where it is said here.
    pub(crate) pieces: Vec<Piece>,
}

/// Where the pieces of a file belong: in order, not overlapping, none behind its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Map {
    pieces: Vec<Piece>,
    /// Bytes of the file, with its holes.
    pub(crate) size: u64,
}

impl Map {
    /// The map of a member of the oldest form; reads the blocks behind its header.
    ///
    /// # Errors
    /// It is none, does not fit the `stored` bytes of the pieces, or has more pieces than are held in memory.
    pub(crate) fn from_header<R: Read>(header: &GnuHeader, stored: u64, blocks: &mut Blocks<R>) -> io::Result<Self> {
        let mut pieces = Vec::new();
        add(&mut pieces, &header.sparse)?;
        let mut more = header.is_extended();
        let mut block = GnuExtSparseHeader::new();
        while more {
            blocks.block(block.as_mut_bytes())?;
            add(&mut pieces, block.sparse())?;
            more = block.is_extended();
        }
        Self::checked(pieces, number(&header.realsize)?, stored)
    }

    /// The map that an extended header speaks of; one piece where the file has no holes. `blocks` stand at the contents, and
    /// after this at the first piece.
    ///
    /// # Errors
    /// As for [`Self::from_header`], or the form is unknown.
    pub(crate) fn from_records<R: Read>(records: SparseRecords, blocks: &mut Blocks<R>) -> io::Result<Self> {
        if records == SparseRecords::default() {
            let size = blocks.left;
            return Ok(Self { pieces: vec![Piece { at: 0, length: size }], size });
        }
        let pieces = match (records.major, records.minor) {
            (Some(1), Some(0)) => in_front(blocks)?,
            (None, None) | (Some(0), _) => records.pieces,
            _ => return Err(damaged("it is a sparse file of a form that is not understood")),
        };
        let size = records.size.ok_or_else(|| damaged("it is a sparse file without a size"))?;
        Self::checked(pieces, size, blocks.left)
    }

    fn checked(pieces: Vec<Piece>, size: u64, stored: u64) -> io::Result<Self> {
        let (mut end, mut kept) = (0_u64, 0_u64);
        for piece in &pieces {
            if piece.at < end {
                return Err(damaged("the pieces of a sparse file overlap"));
            }
            end = piece.at.checked_add(piece.length).filter(|end| *end <= size).ok_or_else(outside)?;
            kept += piece.length; // at most `end`
        }
        if kept == stored { Ok(Self { pieces, size }) } else { Err(outside()) }
    }
}

fn add(pieces: &mut Vec<Piece>, headers: &[GnuSparseHeader]) -> io::Result<()> {
    for header in headers.iter().take_while(|header| !header.is_empty()) {
        push(pieces, Piece { at: number(&header.offset)?, length: number(&header.numbytes)? })?;
    }
    Ok(())
}

fn push(pieces: &mut Vec<Piece>, piece: Piece) -> io::Result<()> {
    if pieces.len() == MOST_PIECES {
        return Err(damaged("it is a sparse file of more than 65536 pieces"));
    }
    pieces.push(piece);
    Ok(())
}

/// `offset,length,offset,length`.
pub(crate) fn map(value: &[u8]) -> io::Result<Vec<Piece>> {
    let numbers = value.split(|byte| *byte == b',').map(decimal).collect::<io::Result<Vec<u64>>>()?;
    let pieces = numbers.chunks(2).map(|pair| match *pair {
        [at, length] => Ok(Piece { at, length }),
        _ => Err(malformed()),
    });
    pieces.collect()
}

/// The map in front of the contents: how many pieces, then offset and length of each, a number a line, padded to a
/// whole block.
fn in_front<R: Read>(blocks: &mut Blocks<R>) -> io::Result<Vec<Piece>> {
    let mut text = MapText { blocks, block: [0; BLOCK], used: BLOCK };
    let count = text.number()?;
    let mut pieces = Vec::new();
    for _ in 0..count {
        push(&mut pieces, Piece { at: text.number()?, length: text.number()? })?;
    }
    Ok(pieces)
}

struct MapText<'b, R> {
    blocks: &'b mut Blocks<R>,
    block: [u8; BLOCK],
    used: usize,
}

impl<R: Read> MapText<'_, R> {
    fn number(&mut self) -> io::Result<u64> {
        let mut digits = Vec::new();
        while digits.len() <= LONGEST_NUMBER {
            if self.used == BLOCK {
                self.blocks.read_exact(&mut self.block)?;
                self.used = 0;
            }
            self.used += 1;
            match self.block[self.used - 1] {
                b'\n' => return decimal(&digits),
                digit => digits.push(digit),
            }
        }
        decimal(b"") // too long, and so none
    }
}

fn outside() -> io::Error {
    damaged("the map of a sparse file does not fit its contents")
}

/// The contents of a sparse file with zeros for its holes. They are told to `charge` before they come, like any bytes:
/// whoever copies the file later writes them.
pub(crate) struct Filled<R, C> {
    map: Map,
    pieces: R,
    charge: C,
    /// The next piece.
    piece: usize,
    /// The next byte of the file.
    at: u64,
}

impl<R: Read, C: FnMut(u64) -> io::Result<()>> Filled<R, C> {
    /// The file of this map, whose pieces `pieces` gives one after the other.
    pub(crate) fn new(map: Map, pieces: R, charge: C) -> Self {
        Self { map, pieces, charge, piece: 0, at: 0 }
    }
}

impl<R: Read, C: FnMut(u64) -> io::Result<()>> Read for Filled<R, C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let hole_ends = self.map.pieces.get(self.piece).map_or(self.map.size, |piece| piece.at);
            let piece_ends = self.map.pieces.get(self.piece).map_or(self.map.size, |piece| piece.at + piece.length);
            if self.at < hole_ends {
                let zeros = at_most(buffer, hole_ends - self.at);
                (self.charge)(zeros.len() as u64)?;
                zeros.fill(0);
                self.at += zeros.len() as u64;
                return Ok(zeros.len());
            }
            if self.at < piece_ends {
                let count = self.pieces.read(at_most(buffer, piece_ends - self.at))?;
                self.at += count as u64;
                return Ok(count);
            }
            if self.piece == self.map.pieces.len() {
                return Ok(0);
            }
            self.piece += 1;
        }
    }
}

fn at_most(buffer: &mut [u8], most: u64) -> &mut [u8] {
    let length = usize::try_from(most).map_or(buffer.len(), |most| most.min(buffer.len()));
    &mut buffer[..length]
}
