//! What rep and executor tell an instance about itself, as variables. One container is one instance.

use crate::engine::container_spec::PublishedPort;
use shared_model::environment::EnvironmentVariable;

/// Where an instance is reached from outside, and, where nobody in the container tells better, from its neighbours: it always
/// leads an app to itself.
const ADDRESS: &str = "127.0.0.1";

/// The variable with the container's own address, which is known only when it runs.
pub(super) const INTERNAL_ADDRESS: &str = "CF_INSTANCE_INTERNAL_IP";

/// What rep sets in the container's environment, so that the request may override it. The launcher reads
/// `INSTANCE_INDEX` and `INSTANCE_GUID`, never their `CF_` namesakes.
pub(crate) fn of_rep(instance_guid: &str, index: u32) -> Vec<EnvironmentVariable> {
    let index = index.to_string();
    [
        ("INSTANCE_GUID", instance_guid),
        ("INSTANCE_INDEX", &index),
        ("CF_INSTANCE_GUID", instance_guid),
        ("CF_INSTANCE_INDEX", &index),
    ]
    .map(|(name, value)| EnvironmentVariable::new(name, value))
    .to_vec()
}

/// What executor adds to every run, over everything else. Without ports, port and address are empty and the list is `[]`.
pub(crate) fn of_executor(ports: &[PublishedPort]) -> Vec<EnvironmentVariable> {
    let port = ports.first().map(|port| port.host.to_string()).unwrap_or_default();
    let address = ports.first().map(|port| format!("{ADDRESS}:{}", port.host)).unwrap_or_default();
    let pairs: Vec<String> =
        ports.iter().map(|port| format!(r#"{{"external":{},"internal":{}}}"#, port.host, port.container)).collect();
    [
        ("CF_INSTANCE_IP", ADDRESS.to_owned()),
        ("CF_INSTANCE_PORT", port),
        ("CF_INSTANCE_ADDR", address),
        ("CF_INSTANCE_PORTS", format!("[{}]", pairs.join(","))),
        (INTERNAL_ADDRESS, ADDRESS.to_owned()),
    ]
    .map(|(name, value)| EnvironmentVariable::new(name, value))
    .to_vec()
}

/// Whether a variable of this name is executor's.
pub(super) fn is_of_executor(name: &str) -> bool {
    of_executor(&[]).iter().any(|variable| variable.name == name)
}

/// Tells the container of something over its own variables, unless `run` has a variable of that name: a run's stand above a
/// container's.
pub(super) fn tell(variables: &mut Vec<(String, String)>, run: &[EnvironmentVariable], name: &str, value: &str) {
    if run.iter().any(|variable| variable.name == name) {
        return;
    }
    set(variables, name, value.to_owned());
}

/// Gives a variable this value, in the place of the one that it has.
pub(super) fn set(variables: &mut Vec<(String, String)>, name: &str, value: String) {
    match variables.iter_mut().find(|(known, _)| known == name) {
        Some(known) => known.1 = value,
        None => variables.push((name.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_model::environment::value_of;

    #[test]
    fn two_ports_are_listed_and_the_first_is_the_address() {
        let port = |host, container| PublishedPort { host_address: String::new(), host, container };
        let variables = of_executor(&[port(32768, 8080), port(32769, 9090)]);
        assert_eq!(
            value_of(&variables, "CF_INSTANCE_PORTS"),
            Some(r#"[{"external":32768,"internal":8080},{"external":32769,"internal":9090}]"#)
        );
        assert_eq!(value_of(&variables, "CF_INSTANCE_ADDR"), Some("127.0.0.1:32768"));
    }

    #[test]
    fn without_ports_everything_about_them_is_empty() {
        let variables = of_executor(&[]);
        assert_eq!(value_of(&variables, "CF_INSTANCE_PORTS"), Some("[]"));
        assert_eq!(
            (value_of(&variables, "CF_INSTANCE_PORT"), value_of(&variables, "CF_INSTANCE_ADDR")),
            (Some(""), Some(""))
        );
    }
}
