//! `link`: gives this program the names of the original's commands, so that they work word for word.

#![expect(clippy::disallowed_methods, reason = "the one place that makes links")]

use crate::arguments::Link;
use crate::arguments::invocation::LINKED;
use crate::failure::Failure;
use crate::screen::answer;
use shared_model::exit_code::ExitCode;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Makes the links and says which. A file that is not such a link ends it before any is made.
pub(crate) fn run(command: &Link) -> Result<ExitCode, Failure> {
    let program = std::env::current_exe().map_err(|error| failure("cannot find the file of host-cli", &error))?;
    if !command.folder.is_dir() {
        let text = format!("there is no folder {}", command.folder.display());
        let advice = format!("`mkdir -p {}`, and put it on your PATH", command.folder.display());
        return Err(Failure::new(ExitCode::CommandLine, text, advice));
    }
    let links = LINKED.map(|(name, _)| command.folder.join(name));
    if let Some(foreign) = links.iter().find(|link| !is_free(link, &program)) {
        let text = format!("{} exists and is not a link to host-cli; no link is made", foreign.display());
        return Err(Failure::new(ExitCode::CommandLine, text, "move it away, or choose another folder"));
    }
    for link in &links {
        place(link, &program).map_err(|error| failure(&format!("cannot make the link {}", link.display()), &error))?;
    }
    let said: Vec<String> = links.iter().map(|link| format!("{} -> {}", link.display(), program.display())).collect();
    answer::write(&said.join("\n"))
}

/// True where nothing stands, or a link to this program, or one to a program of its name: an earlier version's.
fn is_free(link: &Path, program: &Path) -> bool {
    match fs::read_link(link) {
        Ok(target) => target.file_name() == program.file_name(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Puts the link in place in one step: whoever starts the command meanwhile finds the old one or the new one.
fn place(link: &Path, program: &Path) -> io::Result<()> {
    let mut new = link.as_os_str().to_owned();
    new.push(format!(".new-{}", std::process::id()));
    let new = PathBuf::from(new);
    symlink(program, &new)?;
    fs::rename(&new, link).inspect_err(|_| {
        let _ = fs::remove_file(&new); // the error that matters is the first
    })
}

fn failure(doing: &str, error: &io::Error) -> Failure {
    Failure::new(ExitCode::CommandLine, format!("{doing}: {error}"), "")
}
