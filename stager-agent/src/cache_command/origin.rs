//! `cache verify --origin`: fetches dependencies once more from where they came, and compares checksums. Where the network
//! is trusted at that moment, this proves what a validator cannot: that an entry is what its server gives.

use crate::arguments::Arguments;
use crate::cache::{Cache, EntryKind, Record};
use crate::causes::with_causes;
use crate::failure::{Failure, Verified};
use crate::fetch::{self, FetchError, Hashed, Http};
use crate::session::scope::Scope;
use crate::unpack::Limits;
use http_client::Verify;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use shared_model::size;

/// What became of one comparison.
enum OriginVerdict {
    /// The origin gives the very same archive.
    Same,
    /// It gives another one, in words.
    Other(String),
    /// The server does not give it to whoever asks, in words. That says nothing of the entry.
    Withheld(String),
    /// Nobody knows, in words.
    Unanswered(String),
}

/// Compares the dependencies among `whole`, one after the other, and removes those whose origin gives another archive; adds
/// what it found to `found`. Packages are left out: under their URL there is another one after the next push.
///
/// # Errors
/// The client cannot be made, the cache cannot be changed, or `scope` was stopped.
pub(super) fn compare(
    cache: &Cache,
    whole: &[Record],
    arguments: &Arguments,
    found: &mut Verified,
    scope: &Scope,
) -> Result<(), Failure> {
    let http = Http::new(&arguments.trust(None, Verify::Yes), arguments.timeouts())?;
    let (mut same, mut withheld) = (0, 0);
    let (trees, packages): (Vec<&Record>, Vec<_>) = whole.iter().partition(|record| record.kind == EntryKind::Tree);
    for record in &trees {
        let Record { key, origin, .. } = record;
        let said = match compared(&http, record, &arguments.limits(), scope)? {
            OriginVerdict::Same => {
                same += 1;
                Event::Note { text: format!("OK {key}: the same as {origin}") }
            }
            OriginVerdict::Other(how) => {
                cache.reject(record)?;
                found.others += 1;
                Event::Warning { text: format!("Removed {key}: {origin} has another archive, {how}") }
            }
            OriginVerdict::Withheld(why) => {
                withheld += 1;
                let why = format!("{why}; the signature or password of its URL is not kept");
                Event::Warning { text: format!("{key} cannot be compared with {origin}: {why}") }
            }
            OriginVerdict::Unanswered(why) => {
                found.unanswered += 1;
                Event::Warning { text: format!("{key} could not be compared with {origin}: {why}") }
            }
        };
        scope.emit(said);
    }
    if !whole.is_empty() {
        let left_out = match packages.len() {
            0 => String::new(),
            count => format!("; packages, which have no lasting origin, are left out: {count}"),
        };
        let Verified { others, unanswered, .. } = found;
        let text = format!(
            "Compared with their origin: {same} the same, {others} another, {withheld} refused by their server, \
             {unanswered} without an answer{left_out}"
        );
        scope.emit(Event::Note { text });
    }
    Ok(())
}

fn compared(http: &Http, record: &Record, limits: &Limits, scope: &Scope) -> Result<OriginVerdict, Failure> {
    let (kept, length) = (&record.facts.sha256, record.facts.packed_bytes);
    if length > limits.bytes {
        let limit = size::bytes(limits.bytes);
        return Ok(OriginVerdict::Unanswered(format!("the archive is larger than {limit} (--max-unpacked)")));
    }
    Ok(match fetch::hashed(http, &SafeUrl::new(record.origin.as_str()), length, scope) {
        Ok(Hashed::Whole(sha256)) if sha256 == *kept => OriginVerdict::Same,
        Ok(Hashed::Whole(sha256)) => OriginVerdict::Other(format!("with the sha256 {sha256} instead of {kept}")),
        Ok(Hashed::Larger) => OriginVerdict::Other(format!("larger than the {length} bytes that are kept")),
        Err(FetchError::Stopped { why, .. }) => return Err(Failure::from_stop(why)),
        Err(FetchError::Transfer { cause, .. }) if cause.withholds() => OriginVerdict::Withheld(cause.to_string()),
        Err(FetchError::Transfer { cause, .. }) => OriginVerdict::Unanswered(with_causes(&cause)),
        Err(error) => OriginVerdict::Unanswered(with_causes(&error)),
    })
}
