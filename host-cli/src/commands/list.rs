//! `requests`: lists what the logs hold, as a table for people or as JSON for programs.

use crate::arguments::{ListOutput, Requests};
use crate::failure::Failure;
use crate::requests::history::{self, ListedRequest};
use crate::requests::{Contents, RequestKind};
use crate::screen::answer;
use crate::screen::rows_json::array;
use crate::screen::table::terminal_width;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared_model::exit_code::ExitCode;
use shared_model::lifecycle::Lifecycle;
use shared_model::table::{Column, Table};
use std::collections::BTreeSet;

/// Lists the requests.
#[expect(clippy::disallowed_methods, reason = "signatures end by the clock on the wall")]
pub(crate) fn run(command: &Requests) -> Result<ExitCode, Failure> {
    let history = history::read(command.app_ref()?.as_ref(), &command.log_options())?;
    answer::warn(&history.warnings);
    let now = Timestamp::now();
    match command.output {
        ListOutput::Table => {
            let width = terminal_width();
            answer::write(&table(&history.entries, now, width, command.show).draw(width))
        }
        ListOutput::Json => answer::write(&json(&history.entries, now, command.show)),
    }
}

/// What stands for a start command, which may hold a password.
const HIDDEN: &str = "(hidden; --show)";

/// For a terminal times and guids are short, the guid as commands take it for APP; elsewhere, for `grep`, they are whole.
fn table(entries: &[ListedRequest], now: Timestamp, width: Option<usize>, show: bool) -> Table<9> {
    const GUID_START: usize = 8;
    let used = used(entries);
    let row = |(entry, used): (&ListedRequest, &bool)| {
        let application = &entry.about.application;
        let guid = application.guid.get(..GUID_START).filter(|_| width.is_some()).unwrap_or(&application.guid);
        let time = |time: Timestamp| match width {
            Some(_) => time.strftime("%F %R").to_string(),
            None => format!("{time:.0}"),
        };
        [
            if *used { "*".to_owned() } else { String::new() },
            entry.time.map_or_else(|| "—".to_owned(), time),
            match &entry.contents.process {
                Some(process) => format!("{} {process}", noun(entry.kind)),
                None => noun(entry.kind).to_owned(),
            },
            or_dash(&application.name).to_owned(),
            or_dash(&application.space_name).to_owned(),
            or_dash(guid).to_owned(),
            validity(expiry(entry), now, width.is_some()),
            entry.contents.lifecycle.map_or("—", Lifecycle::name).to_owned(),
            brings(&entry.contents, show),
        ]
    };
    Table {
        columns: [
            Column::whole("USED"),
            Column::whole("TIME"),
            Column::cut("KIND", 10),
            Column::cut("APP", 12),
            Column::cut("SPACE", 6).or_left_out(2),
            Column::whole("GUID").or_left_out(1),
            Column::whole("URLS"),
            Column::whole("LIFECYCLE").or_left_out(4),
            Column::cut("BUILDPACKS, IMAGE OR START COMMAND", 10).or_left_out(3),
        ],
        rows: entries.iter().zip(&used).map(row).collect(),
    }
}

/// What a request brings: buildpacks, a docker app's image, or a start command.
fn brings(contents: &Contents, show: bool) -> String {
    let Contents { buildpacks, image, start_command, .. } = contents;
    match (image, start_command) {
        (Some(image), _) => image.clone(),
        (None, Some(command)) if command.is_empty() => "(the droplet's own)".to_owned(),
        (None, Some(_)) if !show => HIDDEN.to_owned(),
        (None, Some(command)) => command.clone(),
        (None, None) => or_dash(&buildpacks.join(" ")).to_owned(),
    }
}

/// Which of the entries commands use: of each app, kind and process type the newest. The entries are the newest first.
fn used(entries: &[ListedRequest]) -> Vec<bool> {
    let mut seen = BTreeSet::new();
    let is_first = |entry: &ListedRequest| {
        let application = &entry.about.application;
        let app = if application.guid.is_empty() { &application.name } else { &application.guid };
        seen.insert((noun(entry.kind), app.clone(), entry.contents.process.clone())) && entry.kind != RequestKind::Task
    };
    entries.iter().map(is_first).collect()
}

/// One request for programs. Every key is always there; null: the request does not say, or its kind has none.
#[derive(Serialize)]
struct Row<'a> {
    /// `restage` or `launch` uses it: it is the app's newest of its kind and process type.
    used: bool,
    time: Option<String>,
    kind: &'static str,
    /// Of a launch request.
    process: Option<&'a str>,
    /// buildpack, cnb or docker.
    lifecycle: Option<&'static str>,
    app: Option<&'a str>,
    guid: Option<&'a str>,
    space: Option<&'a str>,
    staging_guid: Option<&'a str>,
    process_guid: Option<&'a str>,
    buildpacks: &'a [String],
    /// A docker app's.
    image: Option<&'a str>,
    start_command: Option<&'a str>,
    /// There is one, and `--show` was not typed.
    start_command_hidden: bool,
    /// When the first signed URL dies; null: none is signed.
    expires: Option<String>,
    expired: Option<bool>,
    log: &'a str,
}

fn json(entries: &[ListedRequest], now: Timestamp, show: bool) -> String {
    let used = used(entries);
    array(entries.iter().zip(&used).map(|(entry, used)| {
        let (about, expires) = (&entry.about, expiry(entry));
        let start_command = entry.contents.start_command.as_deref();
        let hidden = !show && start_command.is_some_and(|command| !command.is_empty());
        Row {
            used: *used,
            time: entry.time.map(|time| time.to_string()),
            kind: noun(entry.kind),
            process: entry.contents.process.as_deref(),
            lifecycle: entry.contents.lifecycle.map(Lifecycle::name),
            app: known(&about.application.name),
            guid: known(&about.application.guid),
            space: known(&about.application.space_name),
            staging_guid: known(&about.staging_guid),
            process_guid: known(&about.process_guid),
            buildpacks: &entry.contents.buildpacks,
            image: entry.contents.image.as_deref(),
            start_command: start_command.filter(|_| !hidden),
            start_command_hidden: hidden,
            expires: expires.map(|expires| expires.to_string()),
            expired: expires.map(|expires| expires <= now),
            log: &entry.log,
        }
    }))
}

fn noun(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Staging => "staging",
        RequestKind::Launch => "launch",
        RequestKind::Task => "task",
    }
}

fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "—" } else { text }
}

fn expiry(entry: &ListedRequest) -> Option<Timestamp> {
    Timestamp::from_second(entry.about.expires?).ok()
}

/// Whether the signed URLs still work: `expired 2 h ago`, `valid 43 min`; briefly `expired`, `valid 43 min`.
fn validity(expires: Option<Timestamp>, now: Timestamp, briefly: bool) -> String {
    match expires {
        None => "—".to_owned(),
        Some(expires) if expires <= now && briefly => "expired".to_owned(),
        Some(expires) if expires <= now => format!("expired {} ago", roughly(now.duration_since(expires))),
        Some(expires) => format!("valid {}", roughly(expires.duration_since(now))),
    }
}

fn roughly(duration: SignedDuration) -> String {
    const UNITS: [(i64, &str); 3] = [(2 * 86_400, "d"), (3_600, "h"), (60, "min")];
    let seconds = duration.as_secs();
    for (least, unit) in UNITS {
        if seconds >= least {
            let length = if unit == "d" { 86_400 } else { least };
            return format!("{} {unit}", seconds / length);
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_said_in_the_largest_unit_that_fits() {
        let now = Timestamp::from_second(1_466_017_043).unwrap();
        let after = |seconds: i64| validity(Timestamp::from_second(1_466_017_043 + seconds).ok(), now, false);
        assert_eq!(
            [after(43 * 60 + 59), after(5), after(0), after(-7_300), after(-172_800), after(-172_799)],
            ["valid 43 min", "valid 5 s", "expired 0 s ago", "expired 2 h ago", "expired 2 d ago", "expired 47 h ago"]
        );
        assert_eq!(validity(None, now, false), "—");
        let briefly = |seconds: i64| validity(Timestamp::from_second(1_466_017_043 + seconds).ok(), now, true);
        assert_eq!([briefly(-7_300), briefly(5)], ["expired", "valid 5 s"]);
    }

    #[test]
    fn a_clock_that_is_far_off_makes_the_list_wrong_and_nothing_else() {
        let expires = Timestamp::from_second(1_466_017_043).ok();
        for (now, said) in [
            (1_466_017_043 - 3 * 3600, "valid 3 h"),
            (-86_400, "valid 16968 d"),
            (1_466_017_043 + 40 * 365 * 86_400, "expired 14600 d ago"),
            (Timestamp::MIN.as_second(), "valid 4388553 d"),
            (Timestamp::MAX.as_second(), "expired 2915928 d ago"),
        ] {
            assert_eq!(validity(expires, Timestamp::from_second(now).unwrap(), false), said, "{now}");
        }
    }
}
