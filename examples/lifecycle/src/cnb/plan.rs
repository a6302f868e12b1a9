//! The build plan: what each buildpack provides and requires, and which buildpacks of a group go together. Pure.

use super::buildpack::Buildpack;
use serde::Deserialize;

/// More alternatives than this are not tried: a plan is written by somebody else.
const TRIALS: usize = 1000;

/// What a buildpack's detect wrote.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct DetectPlan {
    #[serde(flatten)]
    first: Wishes,
    or: Vec<Wishes>,
}

/// One of the alternatives that a buildpack is content with.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Wishes {
    provides: Vec<Provided>,
    requires: Vec<Required>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Provided {
    name: String,
}

/// Something that somebody must provide.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Required {
    pub(super) name: String,
    #[serde(default)]
    pub(super) metadata: toml::Table,
}

/// A buildpack that takes the app, before it is known whether the group holds.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) buildpack: &'a Buildpack,
    pub(super) optional: bool,
    pub(super) plan: DetectPlan,
}

/// A buildpack of the group that builds, and what it is to provide.
#[derive(Clone, Debug)]
pub(super) struct Participant<'a> {
    pub(super) buildpack: &'a Buildpack,
    /// What it provides, whoever requires it.
    pub(super) entries: Vec<Required>,
}

/// The buildpacks that build, or `None` where no choice of alternatives holds. All that is required is provided, by the
/// same buildpack or an earlier one; all that is provided is required. Optional ones may be dropped for that.
pub(super) fn resolve<'a>(candidates: &[Candidate<'a>]) -> Option<Vec<Participant<'a>>> {
    let counts: Vec<usize> = candidates.iter().map(|one| one.plan.or.len() + 1).collect();
    let trials = counts.iter().try_fold(1_usize, |all, count| all.checked_mul(*count)).unwrap_or(TRIALS);
    (0..trials.min(TRIALS)).find_map(|trial| {
        let mut rest = trial;
        let mut wishes = Vec::new();
        // The last one's alternatives change first.
        for (candidate, count) in candidates.iter().zip(&counts).rev() {
            wishes.push((candidate, candidate.plan.alternative(rest % count)));
            rest /= count;
        }
        wishes.reverse();
        hold(wishes)
    })
}

impl DetectPlan {
    fn alternative(&self, number: usize) -> &Wishes {
        number.checked_sub(1).and_then(|number| self.or.get(number)).unwrap_or(&self.first)
    }
}

type Choice<'c, 'a> = (&'c Candidate<'a>, &'c Wishes);

fn hold<'a>(mut chosen: Vec<Choice<'_, 'a>>) -> Option<Vec<Participant<'a>>> {
    while let Some(wrong) = chosen.iter().enumerate().position(|(place, (_, wishes))| {
        let provided = |name: &str| chosen[..=place].iter().any(|(_, earlier)| earlier.provides(name));
        let required = |name: &str| chosen[place..].iter().any(|(_, later)| later.requires(name));
        !wishes.requires.iter().all(|wish| provided(&wish.name))
            || !wishes.provides.iter().all(|one| required(&one.name))
    }) {
        if !chosen[wrong].0.optional {
            return None;
        }
        chosen.remove(wrong);
    }
    if chosen.is_empty() {
        return None;
    }
    let participant = |place: usize| {
        let (candidate, wishes) = &chosen[place];
        let later = chosen[place..].iter().flat_map(|(_, later)| &later.requires);
        let entries = later.filter(|wish| wishes.provides(&wish.name)).cloned().collect();
        Participant { buildpack: candidate.buildpack, entries }
    };
    Some((0..chosen.len()).map(participant).collect())
}

impl Wishes {
    fn provides(&self, name: &str) -> bool {
        self.provides.iter().any(|one| one.name == name)
    }

    fn requires(&self, name: &str) -> bool {
        self.requires.iter().any(|one| one.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buildpack(id: &str) -> Buildpack {
        Buildpack {
            name: (id.to_owned(), "1".to_owned()),
            api: "0.10".to_owned(),
            homepage: String::new(),
            clear_env: false,
            order: Vec::new(),
            root: id.into(),
        }
    }

    /// Ids of those that build, each with what it is to provide.
    fn resolved(all: &[(&str, bool, &str)]) -> Option<Vec<String>> {
        let buildpacks: Vec<Buildpack> = all.iter().map(|(id, ..)| buildpack(id)).collect();
        let candidates: Vec<Candidate> = all
            .iter()
            .zip(&buildpacks)
            .map(|((_, optional, plan), buildpack)| Candidate {
                buildpack,
                optional: *optional,
                plan: toml::from_str(plan).unwrap(),
            })
            .collect();
        let named = |one: Participant| {
            let entries: Vec<String> = one.entries.into_iter().map(|entry| entry.name).collect();
            format!("{}:{}", one.buildpack.name.0, entries.join(","))
        };
        resolve(&candidates).map(|group| group.into_iter().map(named).collect())
    }

    const PROVIDES: &str = "[[provides]]\nname = \"x\"\n";
    const REQUIRES: &str = "[[requires]]\nname = \"x\"\n";

    #[test]
    fn what_is_required_must_be_provided_before_and_what_is_provided_be_required() {
        let expected = Some(vec!["a:x".to_owned(), "b:".to_owned()]);
        assert_eq!(resolved(&[("a", false, PROVIDES), ("b", false, REQUIRES)]), expected);
        assert_eq!(resolved(&[("b", false, REQUIRES), ("a", false, PROVIDES)]), None);
        assert_eq!(resolved(&[("a", false, PROVIDES)]), None);
        assert_eq!(resolved(&[("a", false, "")]), Some(vec!["a:".to_owned()]));
        let both = format!("{PROVIDES}{REQUIRES}");
        assert_eq!(resolved(&[("a", false, &both)]), Some(vec!["a:x".to_owned()]));
    }

    #[test]
    fn an_optional_one_is_dropped_where_it_does_not_fit_and_nobody_alone_is_no_group() {
        assert_eq!(resolved(&[("a", true, PROVIDES), ("b", false, "")]), Some(vec!["b:".to_owned()]));
        assert_eq!(resolved(&[("a", true, PROVIDES)]), None);
        assert_eq!(resolved(&[]), None);
    }

    #[test]
    fn an_alternative_is_taken_where_the_first_wish_cannot_hold() {
        let either = format!("{PROVIDES}[[or]]\n[[or.provides]]\nname = \"y\"\n[[or.requires]]\nname = \"y\"\n");
        assert_eq!(resolved(&[("a", false, &either)]), Some(vec!["a:y".to_owned()]));
        assert_eq!(
            resolved(&[("a", false, &either), ("b", false, REQUIRES)]),
            Some(vec!["a:x".to_owned(), "b:".to_owned()])
        );
    }
}
