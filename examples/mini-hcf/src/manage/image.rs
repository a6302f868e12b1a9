//! The image that all services run: a Debian root file system with nginx, and this very program.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::manage::{docker, nginx_base};

/// What goes into the image.
pub(crate) struct ImageBuild<'a> {
    /// A Debian image.
    pub(crate) base: &'a str,
    /// This program, linked statically.
    pub(crate) binary: &'a Path,
    /// The name that the image gets.
    pub(crate) name: &'a str,
}

/// The id of the image that bears the name; `None` when there is none.
pub(crate) fn id(name: &str) -> Option<String> {
    docker::run(&["image", "inspect", "--format", "{{.Id}}", name]).ok()
}

/// Removes an image that `build` has taken the name from. One that a container still uses stays.
pub(crate) fn forget(former: Option<String>, name: &str) {
    if let Some(former) = former.filter(|former| id(name).as_ref() != Some(former)) {
        let _ = docker::run(&["image", "rm", &former]);
    }
}

/// Builds it; a second time takes no time, since the engine keeps the layers.
pub(crate) fn build(recipe: &ImageBuild) -> Result<(), Failure> {
    let ImageBuild { base, binary, name } = recipe;
    if !is_static(binary)? {
        return Err(Failure::CommandLine(format!(
            "{} needs the libraries of this machine and cannot run in a container; \
             build it with ci/build-static, or name a static one with --binary",
            binary.display()
        )));
    }
    let below = nginx_base::provide(base)?;
    let context = tempfile::tempdir().map_err(Failure::file("make a folder in", &std::env::temp_dir()))?;
    let target = context.path().join("mini-hcf");
    fs::copy(binary, &target).map_err(Failure::file("copy", binary))?;
    let recipe_file = context.path().join("Dockerfile");
    fs::write(&recipe_file, dockerfile(&below)).map_err(Failure::file("write", &recipe_file))?;
    docker::build(context.path(), name)
}

fn dockerfile(below: &str) -> String {
    format!(
        "FROM {below}\n\
         COPY mini-hcf /usr/local/bin/mini-hcf\n\
         ENTRYPOINT [\"/usr/local/bin/mini-hcf\", \"serve\"]\n"
    )
}

/// This program's own file.
pub(crate) fn own_binary() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(Failure::file("find", Path::new("the running program")))
}

/// Whether an ELF program asks for no interpreter, that is, brings all its code along.
fn is_static(binary: &Path) -> Result<bool, Failure> {
    /// Header and program headers lie within this in every program that a linker makes.
    const HEAD: u64 = 4096;
    let mut head = Vec::new();
    let file = File::open(binary).map_err(Failure::file("open", binary))?;
    file.take(HEAD).read_to_end(&mut head).map_err(Failure::file("read", binary))?;
    Ok(asks_for_interpreter(&head) == Some(false))
}

/// `None` when these are not the first bytes of a 64-bit little-endian ELF file.
fn asks_for_interpreter(head: &[u8]) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let short = |at: usize| Some(usize::from(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?)));
    let table = usize::try_from(u64::from_le_bytes(head.get(32..40)?.try_into().ok()?)).ok()?;
    let (size, count) = (short(54)?, short(56)?);
    for index in 0..count {
        let at = table.checked_add(index * size)?;
        let kind = u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?);
        if kind == PT_INTERP {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_needs_libraries_is_told_from_something_that_is_no_program() {
        assert!(!is_static(&own_binary().unwrap()).unwrap(), "tests are linked dynamically");
        assert_eq!(asks_for_interpreter(b"#!/bin/sh\n"), None);
        assert_eq!(asks_for_interpreter(b"\x7fELF\x02\x01"), None);
    }

    #[test]
    fn an_elf_file_without_interpreter_is_static() {
        let mut head = vec![0; 64 + 56];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[32] = 64; // where the program headers start
        head[54] = 56; // the size of one
        head[56] = 1; // how many
        head[64] = 1; // PT_LOAD
        assert_eq!(asks_for_interpreter(&head), Some(false));
        head[64] = 3; // PT_INTERP
        assert_eq!(asks_for_interpreter(&head), Some(true));
    }
}
