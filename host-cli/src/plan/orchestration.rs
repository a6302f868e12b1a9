//! What a launch request asks of a platform of many machines, and one engine does not do: several instances, routes, rules for traffic,
//! readiness. A cluster does most of it. Pure.

use super::not_done::NotDone;
use super::volumes::Volumes;
use super::{health, volumes};
use crate::engine::container_spec::HealthCheck;
use serde_json::Value;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::network::EgressRule;

/// The router whose routes lead to apps by HTTP.
const ROUTER: &str = "cf-router";
/// More than any app has.
const MOST_ROUTES: usize = 256;

/// Of one request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Orchestration {
    /// How many instances; at least 1.
    pub(crate) instances: i32,
    /// Which traffic leaves the app; `None`: the request does not say.
    pub(crate) egress: Option<Vec<EgressRule>>,
    /// By which hosts it is reached.
    pub(crate) routes: Vec<Route>,
    /// What tells whether traffic may reach an instance; `None`: its health.
    pub(crate) readiness: Option<HealthCheck>,
    /// What no cluster does either, a few words each.
    pub(crate) not_done: Vec<String>,
}

/// A host, as the platform's users chose it: a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// `app.example.com`.
    pub(crate) host: String,
    /// `/api`; `/` where the route has none.
    pub(crate) path: String,
    /// The port of the app that it leads to.
    pub(crate) port: u16,
}

impl Orchestration {
    /// As the request has it, with these of its volumes; a process without a request of its own has no routes.
    pub(super) fn new(lrp: &DesiredLrp, listens: bool, volumes: &Volumes) -> Self {
        Self {
            instances: lrp.instances.max(1),
            egress: lrp.egress_rules.clone(),
            routes: if listens { routes(lrp) } else { Vec::new() },
            readiness: health::readiness_check(lrp).filter(|_| listens),
            not_done: NotDone::in_a_cluster(lrp, volumes::unmapped(volumes)),
        }
    }
}

fn routes(lrp: &DesiredLrp) -> Vec<Route> {
    let all = lrp.routes.as_ref().and_then(|routes| routes.reveal().get(ROUTER)).and_then(Value::as_array);
    let of_one = |route: &Value| -> Vec<Route> {
        let port = route.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        let hosts = route.get("hostnames").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let split = |host: &str, port| match host.split_once('/') {
            Some((host, path)) => Route { host: host.to_ascii_lowercase(), path: format!("/{path}"), port },
            None => Route { host: host.to_ascii_lowercase(), path: "/".to_owned(), port },
        };
        port.into_iter().flat_map(|port| hosts.clone().map(move |host| split(host, port))).collect()
    };
    all.into_iter().flatten().flat_map(of_one).take(MOST_ROUTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_hosts_with_paths_and_whatever_else_stands_there_is_none() {
        let routes_of = |json: &str| {
            let lrp: DesiredLrp = serde_json::from_str(&format!(r#"{{"routes":{json}}}"#)).unwrap();
            let shown = |route: Route| format!("{} {} {}", route.host, route.path, route.port);
            routes(&lrp).into_iter().map(shown).collect::<Vec<_>>()
        };
        let two = r#"{"cf-router":[{"hostnames":["A.example.com","b.example.com/x/y"],"port":8080}],"diego-ssh":{}}"#;
        assert_eq!(routes_of(two), ["a.example.com / 8080", "b.example.com /x/y 8080"]);
        for odd in
            ["null", "{}", r#"{"cf-router":7}"#, r#"{"cf-router":[{"hostnames":[1],"port":8080},{"port":99999}]}"#]
        {
            assert_eq!(routes_of(odd), Vec::<String>::new(), "{odd}");
        }
    }
}
