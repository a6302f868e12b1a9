//! Which buildpacks take the app: each candidate's `bin/detect` is asked once, then the groups are tried in order.

use super::buildpack::{Buildpack, Fetched, Member, Name};
use super::plan::{Candidate, DetectPlan, Participant, resolve};
use super::staging::Platform;
use super::{CnbFailure, Staging};
use crate::go_text::{go_text, not_started};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A buildpack of buildpacks of buildpacks … ends here.
const DEPTH: u32 = 8;
/// More groups are not tried.
const GROUPS: usize = 256;
/// What detect ends with where the app is none for it.
const NOT_MINE: i32 = 100;
/// More of a plan, or of what a failed detect says, is not read.
const OUTPUT_LIMIT: usize = 1024 * 1024;

/// What one detect came to.
enum Verdict {
    Passed(DetectPlan),
    Failed,
    Broken(String),
}

/// Asks, and prints who takes the app.
pub(super) fn detect<'a>(
    staging: &mut Staging,
    platform: &Platform,
    fetched: &'a Fetched,
    work: &Path,
) -> Result<Vec<Participant<'a>>, CnbFailure> {
    let named =
        fetched.named.iter().map(|(id, version)| Member { id: id.clone(), version: version.clone(), optional: false });
    let order: Vec<Vec<Member>> =
        if staging.settings.auto_detect { named.map(|one| vec![one]).collect() } else { vec![named.collect()] };
    let mut asked = Asked { platform, plans: work.join("plans"), verdicts: BTreeMap::new() };
    fs::create_dir_all(&asked.plans).map_err(|why| CnbFailure::Detect(go_text(&why)))?;
    for group in flat(&order, fetched, DEPTH).map_err(CnbFailure::Detect)? {
        if let Some(participants) = asked.take(staging, &group)?.and_then(|candidates| resolve(&candidates)) {
            let width = participants.iter().map(|one| one.buildpack.name.0.len()).max().unwrap_or_default();
            for Buildpack { name: (id, version), .. } in participants.iter().map(|one| one.buildpack) {
                staging.say(format_args!("{id:width$} {version}"));
            }
            return Ok(participants);
        }
    }
    staging.complain("No buildpack groups passed detection.");
    Err(CnbFailure::Detect("no buildpacks participating".to_owned()))
}

struct Asked<'p> {
    platform: &'p Platform,
    plans: PathBuf,
    verdicts: BTreeMap<Name, Verdict>,
}

impl Asked<'_> {
    /// The members that take the app; `None` where one that is needed does not.
    fn take<'a>(
        &mut self,
        staging: &mut Staging,
        group: &[(&'a Buildpack, bool)],
    ) -> Result<Option<Vec<Candidate<'a>>>, CnbFailure> {
        let mut candidates = Vec::new();
        let mut holds = true;
        for (buildpack, optional) in group.iter().copied() {
            match self.verdict(staging, buildpack)? {
                Verdict::Passed(plan) => candidates.push(Candidate { buildpack, optional, plan: plan.clone() }),
                Verdict::Failed | Verdict::Broken(_) => holds &= optional,
            }
        }
        Ok(holds.then_some(candidates))
    }

    fn verdict(&mut self, staging: &mut Staging, buildpack: &Buildpack) -> Result<&Verdict, CnbFailure> {
        if !self.verdicts.contains_key(&buildpack.name) {
            let number = self.verdicts.len();
            let verdict = self.ask(staging, buildpack, number).map_err(|why| CnbFailure::Detect(go_text(&why)))?;
            let name = buildpack.full_name();
            match &verdict {
                Verdict::Passed(_) => {}
                Verdict::Failed => staging.say(format_args!("fail: {name}")),
                Verdict::Broken(why) => staging.say(format_args!("err:  {name} ({why})")),
            }
            self.verdicts.insert(buildpack.name.clone(), verdict);
        }
        Ok(&self.verdicts[&buildpack.name])
    }

    fn ask(&self, staging: &mut Staging, buildpack: &Buildpack, number: usize) -> io::Result<Verdict> {
        let plan = self.plans.join(format!("{number}.toml"));
        fs::write(&plan, "")?;
        let script = buildpack.root.join("bin/detect");
        let mut detect = Command::new(&script);
        detect.arg(&self.platform.folder).arg(&plan).current_dir(&staging.settings.workspace).stdin(Stdio::null());
        detect.env_clear().envs(self.platform.environment.iter());
        detect.env("CNB_BUILDPACK_DIR", &buildpack.root).env("CNB_PLATFORM_DIR", &self.platform.folder);
        detect.env("CNB_BUILD_PLAN_PATH", &plan);
        let ended = match detect.output() {
            Ok(ended) => ended,
            Err(error) => return Ok(Verdict::Broken(not_started(&script, &error))),
        };
        if ended.status.code() == Some(NOT_MINE) {
            return Ok(Verdict::Failed);
        }
        if let Err(why) = crate::go_text::outcome(ended.status) {
            staging.say(format_args!("======== Output: {} ========", buildpack.full_name()));
            for said in [&ended.stdout, &ended.stderr].into_iter().filter(|said| !said.is_empty()) {
                let said = &said[..said.len().min(OUTPUT_LIMIT)];
                staging.say(String::from_utf8_lossy(said).trim_end());
            }
            return Ok(Verdict::Broken(why));
        }
        let text = fs::read_to_string(&plan)?;
        Ok(match toml::from_str(text.get(..OUTPUT_LIMIT).unwrap_or(&text)) {
            Ok(plan) => Verdict::Passed(plan),
            Err(why) => Verdict::Broken(format!("the build plan is none: {}", why.message())),
        })
    }
}

/// Groups whose members have scripts: one that consists of others is replaced by each of its own groups in turn.
fn flat<'a>(
    order: &[Vec<Member>],
    fetched: &'a Fetched,
    depth: u32,
) -> Result<Vec<Vec<(&'a Buildpack, bool)>>, String> {
    let deeper = depth.checked_sub(1).ok_or("buildpacks consist of each other")?;
    let mut all = Vec::new();
    for group in order {
        let mut groups = vec![Vec::new()];
        for member in group {
            let found = fetched.find(member);
            let buildpack = found.ok_or_else(|| format!("no buildpack {}@{} is there", member.id, member.version))?;
            let mut choices = match buildpack.order.as_slice() {
                [] => vec![vec![(buildpack, member.optional)]],
                order => flat(order, fetched, deeper)?,
            };
            if member.optional && !buildpack.order.is_empty() {
                choices.push(Vec::new());
            }
            let joined =
                groups.iter().flat_map(|before| choices.iter().map(|choice| [before.as_slice(), choice].concat()));
            groups = joined.take(GROUPS).collect();
        }
        all.extend(groups);
    }
    all.truncate(GROUPS);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, optional: bool) -> Member {
        Member { id: id.to_owned(), version: String::new(), optional }
    }

    fn fetched(all: &[(&str, Vec<Vec<Member>>)]) -> Fetched {
        let mut fetched = Fetched::default();
        for (id, order) in all {
            fetched.insert(Buildpack {
                name: ((*id).to_owned(), "1".to_owned()),
                api: "0.10".to_owned(),
                homepage: String::new(),
                clear_env: false,
                order: order.clone(),
                root: (*id).into(),
            });
        }
        fetched
    }

    #[test]
    fn one_that_consists_of_others_is_replaced_by_its_groups() {
        let inner = vec![vec![member("a", false), member("b", true)], vec![member("c", false)]];
        let fetched = fetched(&[("a", vec![]), ("b", vec![]), ("c", vec![]), ("m", inner)]);
        let order = [vec![member("m", true), member("c", false)]];
        let flat = flat(&order, &fetched, DEPTH).unwrap();
        let names: Vec<String> = flat
            .iter()
            .map(|group| {
                group
                    .iter()
                    .flat_map(|(one, optional)| [one.name.0.as_str(), if *optional { "?" } else { "" }])
                    .collect()
            })
            .collect();
        assert_eq!(names, ["ab?c", "cc", "c"]);
    }

    #[test]
    fn buildpacks_that_consist_of_each_other_are_refused() {
        let fetched = fetched(&[("m", vec![vec![member("m", false)]])]);
        assert_eq!(flat(&[vec![member("m", false)]], &fetched, DEPTH).unwrap_err(), "buildpacks consist of each other");
        assert!(flat(&[vec![member("x", false)]], &fetched, DEPTH).unwrap_err().contains("no buildpack x@"));
    }
}
