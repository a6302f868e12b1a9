//! Which network to use. One that we did not make is never joined, changed or removed.

use crate::failure::Failure;
use crate::manage::docker::{KIND_LABEL, instance_label, run};

/// What is known about a network of some name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is none.
    Nothing,
    /// It bears our label and the name of an instance.
    Ours(String),
    /// Somebody else made it.
    Foreign,
}

/// The network to use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Its name.
    pub(crate) name: String,
    /// Whether it must be made first.
    pub(crate) make: bool,
}

/// Takes `wanted`, or `<wanted>-mini` where `wanted` is somebody else's.
pub(crate) fn choose(
    wanted: &str,
    instance: &str,
    mut look: impl FnMut(&str) -> Result<Found, Failure>,
) -> Result<Choice, Failure> {
    for name in [wanted.to_owned(), format!("{wanted}-mini")] {
        match look(&name)? {
            Found::Nothing => return Ok(Choice { name, make: true }),
            Found::Ours(owner) if owner == instance => return Ok(Choice { name, make: false }),
            Found::Ours(owner) => {
                return Err(Failure::CommandLine(format!(
                    "the network {name} belongs to the mini-HCF `{owner}`; \
                     end that one, or give this one another --network"
                )));
            }
            Found::Foreign => {}
        }
    }
    Err(Failure::CommandLine(format!(
        "the networks {wanted} and {wanted}-mini are both somebody else's; give another --network"
    )))
}

/// Asks the engine about the network of exactly this name.
pub(crate) fn look(name: &str) -> Result<Found, Failure> {
    let format = r#"{{.Name}}|{{.Label "stager.kind"}}|{{.Label "stager.instance"}}"#;
    // The filter matches parts of names, too.
    let listed = run(&["network", "ls", "--filter", &format!("name={name}"), "--format", format])?;
    let found = listed.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?.strip_prefix('|')?;
        Some(match rest.strip_prefix("demo|") {
            Some(instance) => Found::Ours(instance.to_owned()),
            None => Found::Foreign,
        })
    });
    Ok(found.unwrap_or(Found::Nothing))
}

/// Makes it, labelled as ours.
pub(crate) fn make(name: &str, instance: &str) -> Result<(), Failure> {
    let instance = instance_label(instance);
    run(&["network", "create", "--label", KIND_LABEL, "--label", &instance, name]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(hcf: &Found, mini: &Found) -> Result<Choice, Failure> {
        choose("hcf", "me", |name| Ok(if name == "hcf" { hcf.clone() } else { mini.clone() }))
    }

    #[test]
    fn a_network_of_others_is_left_alone_and_hcf_mini_used_instead() {
        let chosen = choice(&Found::Foreign, &Found::Nothing).unwrap();
        assert_eq!(chosen, Choice { name: "hcf-mini".into(), make: true });
        let again = choice(&Found::Foreign, &Found::Ours("me".into())).unwrap();
        assert_eq!(again, Choice { name: "hcf-mini".into(), make: false });
        let failure = choice(&Found::Foreign, &Found::Foreign).unwrap_err();
        assert!(failure.to_string().contains("both somebody else's"), "{failure}");
    }

    #[test]
    fn our_own_network_is_used_again_but_not_another_instances() {
        let own = choice(&Found::Ours("me".into()), &Found::Nothing).unwrap();
        assert_eq!(own, Choice { name: "hcf".into(), make: false });
        let failure = choice(&Found::Ours("you".into()), &Found::Nothing).unwrap_err();
        assert!(failure.to_string().contains("belongs to the mini-HCF `you`"), "{failure}");
    }
}
