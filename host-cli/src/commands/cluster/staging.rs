//! What a staging in a cluster is told besides its plan, however it gets there.

#![expect(clippy::disallowed_methods, reason = "reads the certificates that were named")]

use crate::arguments::FetchOptions;
use crate::failure::Failure;
use crate::plan::fetching::{Keeping, MountedFile};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::fs;

/// What a pod keeps of what it fetches: it goes with it, unless a claim was named.
pub(in crate::commands) fn keeping<'a>(options: &FetchOptions<'a>, no_cache: bool) -> Result<Keeping<'a>, Failure> {
    match (options.cache_volume, no_cache) {
        (Some(_), true) => {
            let text = "--no-cache cannot go with --cache-volume";
            Err(Failure::new(ExitCode::CommandLine, text, "leave one of them out"))
        }
        (Some(name), false) => Ok(Keeping::InVolume { name, limit: options.cache_limit }),
        (None, true) => Ok(Keeping::Nothing),
        (None, false) => Ok(Keeping::WithContainer),
    }
}

/// The files of this machine that a pod is to see, by their paths in it.
pub(in crate::commands) fn contents(files: &[MountedFile]) -> Result<BTreeMap<&'static str, Secret<Vec<u8>>>, Failure> {
    let read = |file: &MountedFile| match fs::read(&file.host) {
        Ok(bytes) => Ok((file.container, Secret::new(bytes))),
        Err(error) => {
            let text = format!("{} {}: {error}", file.option, escape_control(&file.host.to_string_lossy()));
            Err(Failure::new(ExitCode::CommandLine, text, "name a file that you may read"))
        }
    };
    files.iter().map(read).collect()
}
