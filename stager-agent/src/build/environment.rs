//! The environment of a program: Diego's rules, as a pure function.

use super::user::User;
use shared_model::environment::{self, EnvironmentVariable};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
const PATH_OF_ROOT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// All variables of a run by `user`: the container's, over them the run's, over them what the executor adds; below all what garden
/// adds where nobody has it.
/// `address` is the container's own; Diego would tell the cell's. A staging has no ports, so the variables about ports
/// are there and empty.
pub(crate) fn for_run(
    container: &[EnvironmentVariable],
    run: &[EnvironmentVariable],
    user: &User,
    address: &str,
) -> Vec<EnvironmentVariable> {
    let executors = [
        ("CF_INSTANCE_IP", address),
        ("CF_INSTANCE_INTERNAL_IP", address),
        ("CF_INSTANCE_PORT", ""),
        ("CF_INSTANCE_ADDR", ""),
        ("CF_INSTANCE_PORTS", "[]"),
    ]
    .map(|(name, value)| EnvironmentVariable::new(name, value));
    let mut all = environment::merge([container, run, &executors]);
    let path = if user.uid == 0 { PATH_OF_ROOT } else { PATH };
    for (name, default) in
        [("USER", user.name.as_str()), ("HOME", user.home.to_string_lossy().as_ref()), ("PATH", path)]
    {
        if !all.iter().any(|variable| variable.name == name) {
            all.push(EnvironmentVariable::new(name, default));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vcap() -> User {
        User { name: "vcap".into(), uid: 2000, gid: 2000, home: "/home/vcap".into() }
    }

    fn variable(name: &str, value: &str) -> EnvironmentVariable {
        EnvironmentVariable::new(name, value)
    }

    fn shown(variables: &[EnvironmentVariable]) -> Vec<String> {
        variables.iter().map(|variable| format!("{}={}", variable.name, variable.value.reveal())).collect()
    }

    #[test]
    fn the_run_goes_over_the_container_and_the_executor_over_both() {
        let container = [variable("LANG", "en_US.UTF-8"), variable("A", "container")];
        let run = [variable("A", "run"), variable("CF_INSTANCE_IP", "1.2.3.4"), variable("USER", "me")];
        assert_eq!(
            shown(&for_run(&container, &run, &vcap(), "172.18.0.3")),
            [
                "LANG=en_US.UTF-8",
                "A=run",
                "CF_INSTANCE_IP=172.18.0.3",
                "USER=me",
                "CF_INSTANCE_INTERNAL_IP=172.18.0.3",
                "CF_INSTANCE_PORT=",
                "CF_INSTANCE_ADDR=",
                "CF_INSTANCE_PORTS=[]",
                "HOME=/home/vcap",
                "PATH=/usr/local/bin:/usr/bin:/bin",
            ]
        );
    }

    #[test]
    fn home_and_path_of_the_request_stay() {
        let all = for_run(&[], &[variable("HOME", "/elsewhere"), variable("PATH", "")], &vcap(), "");
        assert_eq!(environment::value_of(&all, "HOME"), Some("/elsewhere"));
        assert_eq!(environment::value_of(&all, "PATH"), Some(""));
    }

    #[test]
    fn root_finds_the_programs_of_root() {
        let root = User { name: "root".into(), uid: 0, gid: 0, home: "/root".into() };
        assert_eq!(environment::value_of(&for_run(&[], &[], &root, ""), "PATH"), Some(PATH_OF_ROOT));
    }
}
