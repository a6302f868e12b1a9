//! `gzip`: see the library.
#![expect(clippy::print_stderr, reason = "a program's own words")]

use parallel_gzip::{Wish, compress, wish};
use std::env;
use std::ffi::OsStr;
use std::io::{self, ErrorKind, IsTerminal};
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread::available_parallelism;

// Of the library.
use {crc32fast as _, flate2 as _};
#[cfg(test)]
use {proptest as _, tempfile as _};

/// How droplets are to be compressed; what sets it is the agent's option of that name.
const COMPRESSION: &str = "STAGER_COMPRESSION";
/// GNU gzip's own options.
const OPTIONS: &str = "GZIP";
/// GNU gzip's code for what it could not do.
const FAILED: u8 = 1;
/// As shells have it: there is no such program.
const NO_PROGRAM: u8 = 127;

fn main() -> ExitCode {
    let compression = env::var_os(COMPRESSION).unwrap_or_default();
    let is_ours = compression != OsStr::new("stock") && env::var_os(OPTIONS).is_none() && !io::stdout().is_terminal();
    let wish = wish(env::args_os().skip(1), compression == OsStr::new("fast"));
    let Wish::Stream { level } = wish else { return others() };
    if !is_ours {
        return others();
    }
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    match compress(io::stdin().lock(), io::stdout().lock(), level, cores) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if error.kind() == ErrorKind::BrokenPipe {
                // Ends this as it ends every program that knows nothing of it.
                let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
            }
            eprintln!("gzip: {error}");
            ExitCode::from(FAILED)
        }
    }
}

/// Becomes the next gzip in the PATH.
fn others() -> ExitCode {
    let own = env::current_exe().and_then(|path| path.metadata()).map(|own| (own.dev(), own.ino())).ok();
    let path = env::var_os("PATH").unwrap_or_default();
    let is_other = |candidate: &PathBuf| {
        candidate.metadata().is_ok_and(|found| found.is_file() && Some((found.dev(), found.ino())) != own)
    };
    let candidates =
        env::split_paths(&path).chain(["/usr/bin".into(), "/bin".into()]).map(|folder| folder.join("gzip"));
    for candidate in candidates.filter(is_other) {
        let error = Command::new(&candidate).arg0("gzip").args(env::args_os().skip(1)).exec();
        eprintln!("gzip: {}: {error}", candidate.display());
    }
    eprintln!("gzip: this one only compresses a stream, and there is no other in the PATH");
    ExitCode::from(NO_PROGRAM)
}
