//! Which network to use. One that we did not make is never joined, changed or removed.

use crate::failure::Failure;
use crate::manage::docker::{KIND_LABEL, instance_label, run};

/// What is known about a network of some name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NetworkOwner {
    /// There is none.
    Nothing,
    /// It bears our label and the name of an instance.
    Ours(String),
    /// Somebody else made it.
    Foreign,
}

/// The network to use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChosenNetwork {
    /// Its name.
    pub(crate) name: String,
    /// Whether it must be made first.
    pub(crate) make: bool,
}

/// Takes `wanted`, or `<wanted>-mini` where `wanted` is somebody else's.
pub(crate) fn choose(
    wanted: &str,
    instance: &str,
    mut look: impl FnMut(&str) -> Result<NetworkOwner, Failure>,
) -> Result<ChosenNetwork, Failure> {
    for name in [wanted.to_owned(), format!("{wanted}-mini")] {
        match look(&name)? {
            NetworkOwner::Nothing => return Ok(ChosenNetwork { name, make: true }),
            NetworkOwner::Ours(owner) if owner == instance => return Ok(ChosenNetwork { name, make: false }),
            NetworkOwner::Ours(owner) => {
                return Err(Failure::CommandLine(format!(
                    "the network {name} belongs to the mini-HCF `{owner}`; \
                     end that one, or give this one another --network"
                )));
            }
            NetworkOwner::Foreign => {}
        }
    }
    Err(Failure::CommandLine(format!(
        "the networks {wanted} and {wanted}-mini are both somebody else's; give another --network"
    )))
}

/// Asks the engine about the network of exactly this name.
pub(crate) fn look(name: &str) -> Result<NetworkOwner, Failure> {
    let format = r#"{{.Name}}|{{.Label "stager.kind"}}|{{.Label "stager.instance"}}"#;
    // The filter matches parts of names, too.
    let listed = run(&["network", "ls", "--filter", &format!("name={name}"), "--format", format])?;
    let found = listed.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?.strip_prefix('|')?;
        Some(match rest.strip_prefix("demo|") {
            Some(instance) => NetworkOwner::Ours(instance.to_owned()),
            None => NetworkOwner::Foreign,
        })
    });
    Ok(found.unwrap_or(NetworkOwner::Nothing))
}

/// Makes it, labelled as ours.
pub(crate) fn make(name: &str, instance: &str) -> Result<(), Failure> {
    let instance = instance_label(instance);
    run(&["network", "create", "--label", KIND_LABEL, "--label", &instance, name]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(hcf: &NetworkOwner, mini: &NetworkOwner) -> Result<ChosenNetwork, Failure> {
        choose("hcf", "me", |name| Ok(if name == "hcf" { hcf.clone() } else { mini.clone() }))
    }

    #[test]
    fn a_network_of_others_is_left_alone_and_hcf_mini_used_instead() {
        let chosen = choice(&NetworkOwner::Foreign, &NetworkOwner::Nothing).unwrap();
        assert_eq!(chosen, ChosenNetwork { name: "hcf-mini".into(), make: true });
        let again = choice(&NetworkOwner::Foreign, &NetworkOwner::Ours("me".into())).unwrap();
        assert_eq!(again, ChosenNetwork { name: "hcf-mini".into(), make: false });
        let failure = choice(&NetworkOwner::Foreign, &NetworkOwner::Foreign).unwrap_err();
        assert!(failure.to_string().contains("both somebody else's"), "{failure}");
    }

    #[test]
    fn our_own_network_is_used_again_but_not_another_instances() {
        let own = choice(&NetworkOwner::Ours("me".into()), &NetworkOwner::Nothing).unwrap();
        assert_eq!(own, ChosenNetwork { name: "hcf".into(), make: false });
        let failure = choice(&NetworkOwner::Ours("you".into()), &NetworkOwner::Nothing).unwrap_err();
        assert!(failure.to_string().contains("belongs to the mini-HCF `you`"), "{failure}");
    }
}
