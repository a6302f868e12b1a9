//! What others left on the engine, by its labels → whether it may be removed. Pure.
//!
//! A thing whose owner lives is never touched. Where nobody here can judge the owner, the thing's own state does: what
//! runs stays (an agent notices itself that its host is gone), what ended or never began goes when it is old.

use crate::engine::{ContainerSummary, Running};
use crate::labels;
use crate::owner::{Life, Owner};
use std::time::Duration;

/// How long something that ended, or never began, is left to an owner of whom nothing is known.
pub(crate) const OLD: Duration = Duration::from_secs(60 * 60);

/// How long an engine may take to take an image in, after whoever sent it was killed: a droplet of 16 GiB on the slowest disk.
pub(crate) const LONGEST_LOAD: Duration = Duration::from_secs(24 * 60 * 60);

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It stays.
    Stays,
    /// It goes.
    Goes,
    /// It goes once it has been as it is for [`OLD`].
    GoesWhenOld,
}

/// What becomes of a container.
pub(crate) fn verdict(seen: &ContainerSummary) -> Verdict {
    let kind = label(seen, labels::KIND);
    let is_kept = label(seen, labels::KEPT) == Some("true");
    match (kind, life(seen), seen.running) {
        (_, Life::Living, _) => Verdict::Stays,
        (Some(labels::KIND_STAGING), _, Running::Now) if is_kept => Verdict::Stays,
        (Some(labels::KIND_STAGING | labels::KIND_CACHE | labels::KIND_GUARD), Life::Ended, _) => Verdict::Goes,
        (
            Some(labels::KIND_STAGING | labels::KIND_CACHE | labels::KIND_GUARD),
            Life::Unknown,
            Running::Not | Running::NotYet,
        ) => Verdict::GoesWhenOld,
        // An app that was started is for the next launch of it, whether it got healthy or not.
        (Some(labels::KIND_APP | labels::KIND_TASK), Life::Ended, Running::NotYet)
            if label(seen, labels::INSTANCE).is_some() =>
        {
            Verdict::Goes
        }
        _ => Verdict::Stays,
    }
}

/// Whether it may be a container in which an engine carried out a line of our Dockerfile; what somebody builds on an image of
/// ours has such containers too.
pub(crate) fn is_left_by_a_build(seen: &ContainerSummary) -> bool {
    const NOTHING_RUNS: &str = "#(nop)";
    label(seen, labels::KIND) == Some(labels::KIND_APP)
        && label(seen, labels::INSTANCE).is_none()
        && seen.running != Running::Now
        && seen.command.contains(NOTHING_RUNS)
}

/// Whether somebody may be making an image behind this guard.
pub(crate) fn guards_a_making(seen: &ContainerSummary) -> bool {
    label(seen, labels::KIND) == Some(labels::KIND_GUARD) && life(seen) != Life::Ended
}

/// What is known of its owner.
pub(crate) fn life(seen: &ContainerSummary) -> Life {
    label(seen, labels::OWNER).and_then(Owner::read).map_or(Life::Unknown, |owner| owner.life())
}

fn label<'a>(seen: &'a ContainerSummary, name: &str) -> Option<&'a str> {
    seen.labels.get(name).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::samples::{elsewhere, ended, living};

    fn seen(labels: &[(&str, &str)], running: Running) -> ContainerSummary {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ContainerSummary { labels, running, ..ContainerSummary::default() }
    }

    #[test]
    fn the_owner_decides_and_where_nobody_knows_it_the_state() {
        use Running::{Not, NotYet, Now};
        use Verdict::{Goes, GoesWhenOld, Stays};
        for kind in ["staging", "cache", "guard"] {
            for (owner, running, expected) in [
                (living(), Now, Stays),
                (living(), Not, Stays),
                (living(), NotYet, Stays),
                (ended(), Now, Goes),
                (ended(), Not, Goes),
                (ended(), NotYet, Goes),
                (elsewhere(), Now, Stays),
                (elsewhere(), Not, GoesWhenOld),
                (elsewhere(), NotYet, GoesWhenOld),
                ("nonsense".to_owned(), Not, GoesWhenOld),
            ] {
                let one = seen(&[("stager.kind", kind), ("stager.owner", &owner)], running);
                assert_eq!(verdict(&one), expected, "{kind} {owner} {running:?}");
            }
        }
        assert_eq!(verdict(&seen(&[("stager.kind", "staging")], Not)), GoesWhenOld);
    }

    #[test]
    fn what_is_kept_stays_as_long_as_it_runs() {
        for (owner, running, expected) in [
            (ended(), Running::Now, Verdict::Stays),
            (ended(), Running::Not, Verdict::Goes),
            (elsewhere(), Running::Now, Verdict::Stays),
        ] {
            let labels = [("stager.kind", "staging"), ("stager.kept", "true"), ("stager.owner", &*owner)];
            assert_eq!(verdict(&seen(&labels, running)), expected, "{owner} {running:?}");
        }
    }

    #[test]
    fn of_apps_only_what_was_never_started_goes_and_what_others_made_of_our_images_stays() {
        let owner = ended();
        let app = [("stager.kind", "app"), ("stager.owner", &*owner), ("stager.instance", "i")];
        assert_eq!(verdict(&seen(&app, Running::NotYet)), Verdict::Goes);
        for running in [Running::Now, Running::Not] {
            assert_eq!(verdict(&seen(&app, running)), Verdict::Stays);
        }
        for kind in ["app", "stager", "demo", "test"] {
            assert_eq!(verdict(&seen(&[("stager.kind", kind)], Running::NotYet)), Verdict::Stays, "{kind}");
        }
    }

    #[test]
    fn a_builds_container_runs_nothing_and_is_no_instance() {
        let builds = |labels: &[(&str, &str)], running| ContainerSummary {
            command: "/bin/sh -c '#(nop) ADD file:1 in / '".to_owned(),
            ..seen(labels, running)
        };
        assert!(is_left_by_a_build(&builds(&[("stager.kind", "app")], Running::NotYet)));
        assert!(!is_left_by_a_build(&builds(&[("stager.kind", "app")], Running::Now)));
        assert!(!is_left_by_a_build(&builds(&[("stager.kind", "app"), ("stager.instance", "i")], Running::NotYet)));
        assert!(!is_left_by_a_build(&seen(&[("stager.kind", "app")], Running::NotYet)));
    }
}
