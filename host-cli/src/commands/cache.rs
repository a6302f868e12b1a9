//! `cache list`, `cache verify`, `cache clear`: the agent looks into the volume, in a container that lives for a moment,
//! since only an engine's container sees what a volume holds. It has a network only where `verify --origin` needs one.

use crate::arguments::{CacheCommand, CacheList, CacheOptions, CacheVerify, FetchOptions, ListOutput};
use crate::backend::docker::preflight;
use crate::backend::docker::stage::{self, Staging, Subject};
use crate::backend::mounts;
use crate::engine::container_spec::ContainerSpec;
use crate::engine::{ContainerId, Input};
use crate::failure::Failure;
use crate::plan::cache::{comparing_container, looking_container};
use crate::plan::fetching::{Fetching, Keeping};
use crate::screen::answer;
use crate::screen::cache_table::{self, CachedEntry};
use crate::screen::{screen, table, trouble};
use crate::session::{Session, run_command};
use shared_model::event::Stream;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;

/// The most bytes of a list; an entry takes less than a KiB.
const LONGEST_LIST: usize = 64 << 20;

/// The agent's own words, as far as they are passed on.
const LONGEST_COMPLAINT: usize = 4096;

/// Looks into the cache.
pub(super) fn run(command: CacheCommand) -> ExitCode {
    let nothing = || Ok(());
    match command {
        CacheCommand::List(command) => {
            run_command(trouble(), nothing, move |session, ()| answer::write(&listed(session, &command)?).map(drop))
        }
        CacheCommand::Verify(command) => {
            let screen = screen(command.screen_options());
            run_command(
                screen,
                move || judged(&command).map(|()| command),
                |session, command| verified(session, &command),
            )
        }
        CacheCommand::Clear(command) => run_command(screen(command.screen_options()), nothing, move |session, ()| {
            cleared(session, command.options(), command.key.as_deref())
        }),
    }
}

/// The list in the form that was asked for.
pub(super) fn listed(session: &Session, command: &CacheList) -> Result<String, Failure> {
    let options = command.options();
    let looking = looking_container(options.stager_image, options.volume, &[], &["list", "--output", "json"]);
    let container = container(session, options, &looking)?;
    let (mut out, mut complaint) = (Vec::new(), Vec::new());
    let status = session.engine.run(&container, Input::Whole(b""), &mut |stream, bytes| match stream {
        Stream::Out => keep(&mut out, bytes, LONGEST_LIST),
        Stream::Err => keep(&mut complaint, bytes, LONGEST_COMPLAINT),
    })?;
    let image = options.stager_image;
    if status != 0 {
        return Err(refused(status, &String::from_utf8_lossy(&complaint), image));
    }
    let entries: Vec<CachedEntry> = serde_json::from_slice(&out).map_err(|_| {
        let text = format!("the agent in {image} did not answer with a list");
        Failure::new(ExitCode::Engine, text, "rebuild the stager image with `docker/build`")
    })?;
    Ok(match command.output {
        ListOutput::Table => cache_table::table(&entries, table::terminal_width()),
        ListOutput::Json => cache_table::json(&entries),
    })
}

/// What only a comparison with the origin has a use for was not typed without it.
pub(super) fn judged(command: &CacheVerify) -> Result<(), Failure> {
    let CacheVerify { origin, network, add_host, dns, ca, cert, key, .. } = command;
    let names = !add_host.is_empty() || !dns.is_empty();
    if *origin || !names && network.is_none() && [ca, cert, key].into_iter().all(Option::is_none) {
        return Ok(());
    }
    let text = "--network, --add-host, --dns, --ca, --cert and --key need --origin";
    Err(Failure::new(ExitCode::CommandLine, text, ""))
}

/// Reads all again, and compares it with its origin where that is wanted.
pub(super) fn verified(session: &Session, command: &CacheVerify) -> Result<(), Failure> {
    let (options, key) = (command.options(), command.cache_key.as_deref());
    if !command.origin {
        return acted(session, options, &looking(options, "verify", key));
    }
    let fetch = command.fetch_options();
    let files = mounts::files(&fetch)?;
    mounts::closed(&files, &mounts::NOBODY)?;
    preflight::network(&*session.engine, fetch.network)?;
    let keeping = Keeping::InVolume { name: options.volume, limit: None };
    let FetchOptions { network, names, .. } = fetch;
    let image = options.stager_image;
    let fetching = Fetching { image, network, names, files: &files, keeping, agent_options: &[] };
    acted(session, options, &comparing_container(&fetching, key))
}

/// Removes all, or what has this key.
pub(super) fn cleared(session: &Session, options: CacheOptions<'_>, key: Option<&str>) -> Result<(), Failure> {
    acted(session, options, &looking(options, "clear", key))
}

fn looking(options: CacheOptions<'_>, verb: &str, key: Option<&str>) -> ContainerSpec {
    let words: Vec<&str> = std::iter::once(verb).chain(key).collect();
    looking_container(options.stager_image, options.volume, &["--output", "json", "--lease"], &words)
}

/// What the agent says is shown, and how it ends is how we end.
fn acted(session: &Session, options: CacheOptions<'_>, spec: &ContainerSpec) -> Result<(), Failure> {
    let container = container(session, options, spec)?;
    let acting = Staging {
        container: &container,
        document: "",
        keep: None,
        shows: |_| true,
        subject: Subject { image: options.stager_image, ..Subject::default() },
    };
    stage::stage(session, &acting, &mut |_| ()).map(drop)
}

fn container(session: &Session, options: CacheOptions<'_>, spec: &ContainerSpec) -> Result<ContainerId, Failure> {
    preflight::image(&*session.engine, options.stager_image, preflight::STAGER)?;
    preflight::volume(&*session.engine, options.volume)?;
    session.create(None, spec)
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let room = most.saturating_sub(kept.len());
    kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// The agent explains itself on standard error: `error: …` and perhaps `  try: …`.
fn refused(status: i64, complaint: &str, image: &str) -> Failure {
    let code = ExitCode::from_number(status).unwrap_or(ExitCode::Engine);
    let complaint = complaint.trim_end();
    let (text, advice) = complaint.split_once("\n  try: ").unwrap_or((complaint, ""));
    if let Some(text) = text.strip_prefix("error: ") {
        return Failure::new(code, text, advice);
    }
    let said = if text.is_empty() { String::new() } else { format!(": {}", escape_control(text)) };
    Failure::new(code, format!("the agent in {image} ended with status {status}{said}"), "")
}
