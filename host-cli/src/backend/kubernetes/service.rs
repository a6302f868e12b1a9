//! How an app is reached: a Service for its ports, and, where that is wanted, an Ingress for its routes. Pure.

use super::manifest::Object;
use crate::plan::launch::LaunchPlan;
use crate::plan::orchestration::Route;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    ServiceBackendPort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use shared_model::plain_line::escape_control;
use std::collections::BTreeMap;

/// What DNS takes.
const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// `None`: nothing listens in the app.
pub(super) fn service(plan: &LaunchPlan, metadata: ObjectMeta, selector: &LabelSelector) -> Option<Object> {
    let port = |port: u16| ServicePort {
        name: Some(format!("port-{port}")),
        port: i32::from(port),
        target_port: Some(IntOrString::Int(i32::from(port))),
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    };
    let ports: Vec<ServicePort> = plan.ports.iter().map(|request| port(request.container)).collect();
    let spec = ServiceSpec { selector: selector.match_labels.clone(), ports: Some(ports), ..ServiceSpec::default() };
    let service = || Service { metadata, spec: Some(spec), status: None };
    (!plan.ports.is_empty()).then(|| Object::Service(Box::new(service())))
}

/// The Ingress of the app's routes, and those that no Ingress takes. No routes: `None`.
pub(super) fn ingress(plan: &LaunchPlan, metadata: ObjectMeta, class: &str) -> (Option<Object>, Vec<String>) {
    let (routes, odd): (Vec<&Route>, Vec<&Route>) = plan.orchestration.routes.iter().partition(|route| {
        is_host(&route.host) && is_path(&route.path) && plan.ports.iter().any(|port| port.container == route.port)
    });
    let left_out = |route: &&Route| {
        let name = format!("{}{}", route.host, route.path);
        format!("no Ingress for the route {:?} to port {}", escape_control(&name), route.port)
    };
    let mut hosts: BTreeMap<&str, Vec<HTTPIngressPath>> = BTreeMap::new();
    for route in routes {
        let service = IngressServiceBackend {
            name: metadata.name.clone().unwrap_or_default(),
            port: Some(ServiceBackendPort { number: Some(i32::from(route.port)), name: None }),
        };
        hosts.entry(&route.host).or_default().push(HTTPIngressPath {
            path: Some(route.path.clone()),
            path_type: "Prefix".to_owned(),
            backend: IngressBackend { service: Some(service), resource: None },
        });
    }
    let rule = |(host, paths): (&str, Vec<HTTPIngressPath>)| IngressRule {
        host: Some(host.to_owned()),
        http: Some(HTTPIngressRuleValue { paths }),
    };
    let rules: Vec<IngressRule> = hosts.into_iter().map(rule).collect();
    let none = rules.is_empty();
    let spec = IngressSpec { ingress_class_name: Some(class.to_owned()), rules: Some(rules), ..IngressSpec::default() };
    let ingress = || Ingress { metadata, spec: Some(spec), status: None };
    ((!none).then(|| Object::Ingress(Box::new(ingress()))), odd.iter().map(left_out).collect())
}

/// A name of a host, perhaps of all hosts below one.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= LONGEST_HOST && host.strip_prefix("*.").unwrap_or(host).split('.').all(is_label)
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        // What stands for something in the texts that Ingresses become is in no path.
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "/_.~-".contains(c))
        && !["//", "/./", "/../"].iter().any(|odd| path.contains(odd))
        && !path.ends_with("/..")
        && !path.ends_with("/.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_host_and_a_path_becomes_a_rule() {
        for host in ["a.example.com", "*.example.com", "a-1"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "*", "a..b", "-a.b", "a_b", "a.*.b", &"x".repeat(64)] {
            assert!(!is_host(host), "{host}");
        }
        assert!(is_path("/") && is_path("/a/b.html"));
        for path in ["", "a", "/a//b", "/../x", "/a b", "/a/..", "/a;b", "/a{", "/$a", "/a%2fb", "/\"a", "/a#"] {
            assert!(!is_path(path), "{path}");
        }
    }
}
