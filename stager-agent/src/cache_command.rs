//! `stager-agent cache …`: fills the cache, lists what it holds, reads it again, empties it.

mod list;
mod origin;
mod up;
mod wanted;

use crate::arguments::{Arguments, CacheCommand};
use crate::cache::{Cache, Checked, Record, Removal};
use crate::failure::{Failure, Verified};
use crate::session::lease::Lease;
use crate::session::scope::Scope;
use crate::session::steps::milliseconds_since;
use shared_model::cache::MOUNTED;
use shared_model::event::{Event, PROTOCOL};
use shared_model::exit_code::ExitCode;
use shared_model::size;
use std::path::Path;
use std::time::Instant;

/// Does what `command` asks for. A list is printed and nothing else is said; of the others all is said as of a staging,
/// and the last event is [`Event::Done`] or [`Event::Failed`].
pub(crate) fn serve(command: &CacheCommand, arguments: &Arguments, lease: &Lease, scope: &Scope) -> ExitCode {
    let started = Instant::now();
    let lists = matches!(command, CacheCommand::List(_));
    if !lists {
        scope.emit(Event::Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() });
    }
    let outcome = carry_out(command, arguments, lease, scope);
    let code = outcome.as_ref().err().map_or(ExitCode::Success, |failure| failure.code);
    match outcome {
        Err(failure) => scope.emit(failure.event()),
        Ok(()) if lists => {}
        Ok(()) => scope.emit(Event::Done { ms: milliseconds_since(started) }),
    }
    code
}

fn carry_out(command: &CacheCommand, arguments: &Arguments, lease: &Lease, scope: &Scope) -> Result<(), Failure> {
    if !matches!(command, CacheCommand::Up(_)) {
        lease.watch().map_err(|error| Failure::from_system(&error))?; // None of the others reads a request.
    }
    let into = if let CacheCommand::Up(up) = command { up.into.as_deref() } else { None };
    let root = into.or(arguments.cache.as_deref()).unwrap_or(Path::new(MOUNTED));
    let cache = Cache::open(root, arguments.cache_limit)?;
    match command {
        CacheCommand::Up(_) => up::fill(root, cache, arguments, lease, scope),
        CacheCommand::List(list) => {
            list::print(&cache.list()?, list.output);
            Ok(())
        }
        CacheCommand::Verify(verify) => {
            let (mut found, whole) = read_again(&cache, verify.key.as_deref(), scope)?;
            if verify.origin {
                origin::compare(&cache, &whole, arguments, &mut found, scope)?;
            }
            Failure::from_verify(&found).map_or(Ok(()), Err)
        }
        CacheCommand::Clear(clear) => empty(&cache, clear.key.as_deref(), scope),
    }
}

/// Reads every byte, and gives what it found and the records of what is whole.
fn read_again(cache: &Cache, key: Option<&str>, scope: &Scope) -> Result<(Verified, Vec<Record>), Failure> {
    let (mut found, mut whole) = (Verified::default(), Vec::new());
    cache.verify(key, scope, &mut |Checked { record, damage }| {
        found.all += 1;
        let name = name(record.as_ref());
        match damage {
            None => {
                scope.emit(Event::Note { text: format!("OK {name}") });
                whole.extend(record);
            }
            Some(why) => {
                found.damaged += 1;
                scope.emit(Event::Warning { text: format!("Removed {name}: damaged ({why})") });
            }
        }
    })?;
    say_none(found.all, scope);
    Ok((found, whole))
}

fn empty(cache: &Cache, key: Option<&str>, scope: &Scope) -> Result<(), Failure> {
    let cleared = cache.clear(key)?;
    for entry in &cleared {
        let record = entry.record.as_ref();
        let (name, bytes) = (name(record), size::bytes(record.map_or(0, |record| record.bytes)));
        let text = match entry.removal {
            Removal::Removed => format!("Removed {name} ({bytes})"),
            Removal::InUse => format!("Kept {name} ({bytes}): a staging uses it"),
        };
        scope.emit(Event::Note { text });
    }
    say_none(cleared.len(), scope);
    Ok(())
}

fn say_none(count: usize, scope: &Scope) {
    if count == 0 {
        scope.emit(Event::Note { text: "The cache is empty".to_owned() });
    }
}

/// `nodejs_buildpack nodejs_v1_8 from https://blobstore/read/k`.
fn name(record: Option<&Record>) -> String {
    let Some(Record { key, origin, facts, .. }) = record else { return "an entry without a record".to_owned() };
    let name = facts.name.as_ref().filter(|name| *name != key).map_or_else(String::new, |name| format!("{name} "));
    format!("{name}{key} from {origin}")
}
