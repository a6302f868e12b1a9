//! What stands where in a layer so far. Nothing may leave its folder: not by its path, not through a symbolic link that
//! was written before, and not through a hard link to such a link. And no entry may be in another's way: engines differ in
//! what they do then, and say so only when all has been sent.
//!
//! Links may *point* anywhere; that is for the container to resolve.

use crate::image::entries::below_root;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Files and folders that a layer may have, so that an archive of nothing but names ends too. They are kept in memory, as
/// digests; the agent unpacks as many.
const MOST: usize = 1_000_000;
/// Bytes of the paths of symbolic links, which are kept in memory as they are.
const MOST_LINKS: usize = 16 << 20;
/// Bytes of a part of a path, in every file system of Linux.
const LONGEST_PART: usize = 255;

/// Why an entry may not stand where it wants to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EntryRefusal {
    /// For this reason, to follow its name.
    Why(&'static str),
    /// There are too many: this is the most.
    Limit(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder { empty: bool },
    Other,
}

/// What a layer holds so far, by the digest of each path; bounded in memory whatever the archive holds.
#[derive(Default)]
pub(super) struct LayerTree {
    links: HashSet<PathBuf>,
    link_bytes: usize,
    /// By the digest of the path. Where two had the same, an entry would be refused, or the engine would say so.
    known: HashMap<u64, Node>,
}

impl LayerTree {
    /// The path below the root that `path` means; empty for the root itself.
    pub(super) fn inside(&self, path: &[u8]) -> Result<PathBuf, EntryRefusal> {
        if path.is_empty() || path.contains(&0) {
            return Err(EntryRefusal::Why("which has a name that is none"));
        }
        let below = below_root(path).ok_or(EntryRefusal::Why("which leads out of its folder"))?;
        if below.ancestors().skip(1).any(|ancestor| self.links.contains(ancestor)) {
            return Err(EntryRefusal::Why("which leads through a symbolic link"));
        }
        let part = |is: fn(&[u8]) -> bool| below.components().any(|part| is(part.as_os_str().as_bytes()));
        if part(|name| name.starts_with(b".wh.")) {
            return Err(EntryRefusal::Why("whose name means a deletion in a layer"));
        }
        if part(|name| name.len() > LONGEST_PART) {
            return Err(EntryRefusal::Why("whose name has a part of more than 255 bytes, which no file system takes"));
        }
        Ok(below)
    }

    /// A folder, new or again.
    pub(super) fn folder(&mut self, path: &Path) -> Result<(), EntryRefusal> {
        let empty = !matches!(self.at(path), Some(Node::Folder { empty: false }));
        self.stand(path, Node::Folder { empty })
    }

    /// A file or a pipe. It takes the place of what was there.
    pub(super) fn file(&mut self, path: &Path) -> Result<(), EntryRefusal> {
        match self.at(path) {
            Some(Node::Folder { empty: false }) => {
                Err(EntryRefusal::Why("which wants the place of a folder that is not empty"))
            }
            _ => self.stand(path, Node::Other),
        }
    }

    /// A symbolic link.
    pub(super) fn symbolic_link(&mut self, path: &Path) -> Result<(), EntryRefusal> {
        self.file(path)?;
        self.link_bytes += path.as_os_str().len() + size_of::<PathBuf>();
        if self.link_bytes > MOST_LINKS {
            return Err(EntryRefusal::Limit("16 MiB of symbolic links".to_owned()));
        }
        self.links.insert(path.to_owned());
        Ok(())
    }

    /// One more name for what stands at `target`.
    pub(super) fn hard_link(&mut self, path: &Path, target: &Path) -> Result<(), EntryRefusal> {
        match self.at(target) {
            None => return Err(EntryRefusal::Why("which is a hard link to what is not there before it")),
            Some(Node::Folder { .. }) => return Err(EntryRefusal::Why("which is a hard link to a folder")),
            Some(Node::Other) => {}
        }
        if self.links.contains(target) { self.symbolic_link(path) } else { self.file(path) }
    }

    fn stand(&mut self, path: &Path, node: Node) -> Result<(), EntryRefusal> {
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            match self.known.insert(digest(folder), Node::Folder { empty: false }) {
                Some(Node::Other) => return Err(EntryRefusal::Why("which lies in what is not a folder")),
                Some(Node::Folder { empty: false }) => break, // and so are those above it
                Some(Node::Folder { empty: true }) | None => {}
            }
        }
        self.known.insert(digest(path), node);
        if self.known.len() > MOST { Err(EntryRefusal::Limit(format!("{MOST} entries"))) } else { Ok(()) }
    }

    fn at(&self, path: &Path) -> Option<Node> {
        self.known.get(&digest(path)).copied()
    }
}

fn digest(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.as_os_str().as_bytes().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(outcome: Result<(), EntryRefusal>) -> &'static str {
        match outcome {
            Err(EntryRefusal::Why(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_there_gives_way_unless_something_is_in_it() {
        let mut standing = LayerTree::default();
        let (a, b) = (Path::new("a"), Path::new("a/b"));
        standing.folder(a).unwrap();
        standing.file(a).unwrap();
        assert!(why(standing.file(b)).contains("not a folder"));
        let mut standing = LayerTree::default();
        standing.file(b).unwrap();
        assert!(why(standing.file(a)).contains("not empty"));
        assert!(why(standing.symbolic_link(a)).contains("not empty"));
        standing.folder(a).unwrap();
        assert!(why(standing.file(a)).contains("not empty"), "a folder that is told twice is as full as before");
        standing.file(b).unwrap();
        standing.folder(b).unwrap();
        standing.folder(&b.join("c")).unwrap();
    }

    #[test]
    fn a_hard_link_is_to_a_file_that_was_there_before_it() {
        let mut standing = LayerTree::default();
        let (file, folder, link) = (Path::new("d/file"), Path::new("d"), Path::new("link"));
        assert!(why(standing.hard_link(link, file)).contains("not there"));
        standing.file(file).unwrap();
        standing.hard_link(link, file).unwrap();
        assert!(why(standing.hard_link(link, folder)).contains("a folder"));
        standing.symbolic_link(file).unwrap();
        standing.hard_link(link, file).unwrap();
        assert_eq!(standing.inside(b"link/x"), Err(EntryRefusal::Why("which leads through a symbolic link")));
    }

    #[test]
    fn neither_links_nor_folders_that_nobody_told_of_can_fill_the_memory() {
        let folder = Path::new(&"d/".repeat(100)).to_owned();
        let mut standing = LayerTree::default();
        let refused = (0..).find_map(|n| standing.symbolic_link(&folder.join(format!("{n}"))).err()).unwrap();
        assert_eq!(refused, EntryRefusal::Limit("16 MiB of symbolic links".to_owned()));
        let mut standing = LayerTree::default();
        let refused = (0..).find_map(|n| standing.file(&Path::new(&format!("{n}")).join(&folder)).err()).unwrap();
        assert_eq!(refused, EntryRefusal::Limit("1000000 entries".to_owned()));
    }
}
