//! Rules for traffic out of an app, and its ports → a network policy, and what of them no policy can say. What cannot be read lets nothing
//! through. Pure.

use super::ipv4_networks::networks;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use shared_model::network::EgressRule;
use std::net::IpAddr;

/// Of a range, as single ports: clusters before 1.22 know no ranges.
const FEW_PORTS: u32 = 16;
const LAST_PORT: u32 = 65_535;
/// More than any security group has.
const MOST_RULES: usize = 1024;
/// Networks of all rules together; a cluster keeps no object of more than some MB.
const MOST_NETWORKS: usize = 8192;
/// Where name servers are asked; on a node that has one of its own, at an address that is the same everywhere.
const DNS: u32 = 53;
const NODES_OWN_DNS: &str = "169.254.20.10/32";

/// What an app is reached by and reaches, whatever its rules say.
pub(super) struct Reached<'a> {
    /// Its ports: on Diego, too, nobody reaches another.
    pub(super) ports: Vec<u16>,
    /// Name servers instead of the cluster's; empty: the cluster's.
    pub(super) dns: &'a [String],
}

/// The policy of the pods that `selected` names, and what it leaves out, a few words each.
pub(super) fn network_policy(
    metadata: ObjectMeta,
    selected: &LabelSelector,
    rules: &[EgressRule],
    reached: &Reached<'_>,
) -> (NetworkPolicy, Vec<String>) {
    let mut left_out = Vec::new();
    let mut egress = vec![to_dns(reached.dns)];
    let mut networks_left = MOST_NETWORKS;
    for rule in rules.iter().take(MOST_RULES) {
        let protocol = rule.protocol.as_deref().unwrap_or("all").to_ascii_lowercase();
        if rule.log {
            left_out.push("logging of traffic".to_owned());
        }
        if protocol.starts_with("icmp") {
            let info = rule.icmp_info.clone().unwrap_or_default();
            left_out.push(format!("ICMP type {} code {}", info.r#type, info.code));
            continue;
        }
        let (mut to, unreadable) = peers(rule.destinations.as_deref().unwrap_or_default());
        left_out.extend(unreadable);
        if to.len() > networks_left {
            left_out.push(format!("more than {MOST_NETWORKS} networks"));
            to.truncate(networks_left);
        }
        networks_left -= to.len();
        let ports = ports(rule, &protocol, &mut left_out);
        egress.extend(
            (ports.filter(|_| !to.is_empty()))
                .map(|ports| NetworkPolicyEgressRule { to: Some(to), ports: ports.listed() }),
        );
    }
    left_out.extend((rules.len() > MOST_RULES).then(|| format!("{} egress rules", rules.len() - MOST_RULES)));
    left_out.sort();
    left_out.dedup();
    let spec = NetworkPolicySpec {
        pod_selector: Some(selected.clone()),
        policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
        ingress: Some(to_ports(&reached.ports)),
        egress: Some(egress),
    };
    (NetworkPolicy { metadata, spec: Some(spec) }, left_out)
}

/// Whoever asks, at these ports alone. No ports: nobody.
fn to_ports(ports: &[u16]) -> Vec<NetworkPolicyIngressRule> {
    let ports: Vec<NetworkPolicyPort> =
        ports.iter().map(|number| port("TCP", Some(u32::from(*number)), None)).collect();
    if ports.is_empty() { Vec::new() } else { vec![NetworkPolicyIngressRule { from: None, ports: Some(ports) }] }
}

/// Name servers: Diego's containers reach their cell's, whatever the rules say. The cluster's, unless others are named.
fn to_dns(servers: &[String]) -> NetworkPolicyEgressRule {
    let labels = |name: &str, value: &str| LabelSelector {
        match_labels: Some([(name.to_owned(), value.to_owned())].into()),
        ..LabelSelector::default()
    };
    let network = |address: &String| match address.parse() {
        Ok(IpAddr::V4(address)) => Some(format!("{address}/32")),
        Ok(IpAddr::V6(address)) => Some(format!("{address}/128")),
        Err(_) => None,
    };
    let to = if servers.is_empty() {
        let of_cluster = NetworkPolicyPeer {
            namespace_selector: Some(labels("kubernetes.io/metadata.name", "kube-system")),
            pod_selector: Some(labels("k8s-app", "kube-dns")),
            ..NetworkPolicyPeer::default()
        };
        vec![of_cluster, to_network(NODES_OWN_DNS.to_owned())]
    } else {
        servers.iter().filter_map(network).map(to_network).collect()
    };
    let port = |protocol| port(protocol, Some(DNS), None);
    NetworkPolicyEgressRule { to: Some(to), ports: Some(vec![port("UDP"), port("TCP")]) }
}

/// To which ports traffic may go.
enum Ports {
    /// Of every protocol.
    Every,
    These(Vec<NetworkPolicyPort>),
}

impl Ports {
    fn listed(self) -> Option<Vec<NetworkPolicyPort>> {
        match self {
            Self::Every => None,
            Self::These(ports) => Some(ports),
        }
    }
}

/// `None`: the rule names none that there is.
fn ports(rule: &EgressRule, protocol: &str, left_out: &mut Vec<String>) -> Option<Ports> {
    let protocol = match protocol {
        "tcp" => "TCP",
        "udp" => "UDP",
        "all" => return Some(Ports::Every),
        _ => {
            left_out.push("a protocol that is none".to_owned());
            return None;
        }
    };
    if rule.ports.iter().flatten().next().is_none() && rule.port_range.is_none() {
        return Some(Ports::These(vec![port(protocol, None, None)]));
    }
    let mut is_port = |number: u32| {
        let is_port = (1..=LAST_PORT).contains(&number);
        left_out.extend((!is_port).then(|| format!("port {number}")));
        is_port
    };
    let mut all: Vec<NetworkPolicyPort> = (rule.ports.iter().flatten())
        .filter(|number| is_port(**number))
        .map(|number| port(protocol, Some(*number), None))
        .collect();
    if let Some(range) = &rule.port_range {
        match (range.start, range.end) {
            (0 | 1, LAST_PORT) => all.push(port(protocol, None, None)),
            (start, end) if start > end || start == 0 || end > LAST_PORT => {
                left_out.push(format!("ports {start} to {end}"));
            }
            (start, end) if end - start < FEW_PORTS => {
                all.extend((start..=end).map(|number| port(protocol, Some(number), None)));
            }
            (start, end) => all.push(port(protocol, Some(start), Some(end))),
        }
    }
    (!all.is_empty()).then_some(Ports::These(all))
}

fn port(protocol: &str, number: Option<u32>, end: Option<u32>) -> NetworkPolicyPort {
    let whole = |number: u32| i32::try_from(number).unwrap_or(0);
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: number.map(|number| IntOrString::Int(whole(number))),
        end_port: end.map(whole),
    }
}

/// Networks, and texts that are none; several may stand with commas between them.
fn peers(destinations: &[String]) -> (Vec<NetworkPolicyPeer>, Vec<String>) {
    let (mut to, mut unreadable) = (Vec::new(), Vec::new());
    for text in destinations.iter().flat_map(|text| text.split(',')).map(str::trim) {
        match networks(text) {
            Some(networks) => to.extend(networks.into_iter().map(to_network)),
            None => unreadable.push("a destination that is no IPv4 network".to_owned()),
        }
    }
    (to, unreadable)
}

fn to_network(cidr: String) -> NetworkPolicyPeer {
    NetworkPolicyPeer { ip_block: Some(IPBlock { cidr, except: None }), ..NetworkPolicyPeer::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn whole(rules: &Value, ports: &[u16], dns: &[&str]) -> (Value, Vec<String>) {
        let rules: Vec<EgressRule> = serde_json::from_value(rules.clone()).unwrap();
        let dns: Vec<String> = dns.iter().map(|address| (*address).to_owned()).collect();
        let reached = Reached { ports: ports.to_vec(), dns: &dns };
        let (policy, left_out) = network_policy(ObjectMeta::default(), &LabelSelector::default(), &rules, &reached);
        (serde_json::to_value(policy).unwrap()["spec"].take(), left_out)
    }

    fn policy(rules: &Value) -> (Value, Vec<String>) {
        let (mut spec, left_out) = whole(rules, &[8080], &[]);
        (spec["egress"].take(), left_out)
    }

    #[test]
    fn ports_are_single_ones_a_range_or_all_and_what_no_policy_says_is_named() {
        let (egress, left_out) = policy(&json!([
            {"protocol": "tcp", "destinations": ["10.0.0.0/8,11.0.0.1"], "ports": [80, 443], "log": true},
            {"protocol": "udp", "destinations": ["0.0.0.0/0"], "port_range": {"start": 1, "end": 65535}},
            {"protocol": "tcp", "destinations": ["0.0.0.0/0"], "port_range": {"start": 1000, "end": 2000}},
            {"protocol": "all", "destinations": ["0.0.0.0/0", "::/0"]},
            {"protocol": "icmp", "destinations": ["0.0.0.0/0"], "icmp_info": {"type": 8, "code": -1}},
        ]));
        assert_eq!(left_out, ["ICMP type 8 code -1", "a destination that is no IPv4 network", "logging of traffic"]);
        let egress = egress.as_array().unwrap();
        assert_eq!(egress.len(), 5, "the name servers and four rules");
        assert_eq!(egress[1]["to"][1]["ipBlock"]["cidr"], "11.0.0.1/32");
        assert_eq!(egress[1]["ports"][1], json!({"port": 443, "protocol": "TCP"}));
        assert_eq!(egress[2]["ports"], json!([{"protocol": "UDP"}]));
        assert_eq!(egress[3]["ports"], json!([{"endPort": 2000, "port": 1000, "protocol": "TCP"}]));
        assert!(egress[4]["ports"].is_null());
    }

    #[test]
    fn what_cannot_be_read_lets_nothing_through_and_is_named() {
        let odd = json!([
            {"protocol": "tcp", "destinations": ["0.0.0.0/0"], "port_range": {"start": 8000, "end": 7000}},
            {"protocol": "tcp", "destinations": ["0.0.0.0/0"], "port_range": {"start": 0, "end": 0}},
            {"protocol": "udp", "destinations": ["0.0.0.0/0"], "ports": [0, 70000]},
            {"protocol": "sctp", "destinations": ["0.0.0.0/0"]},
        ]);
        let (egress, left_out) = policy(&odd);
        assert_eq!(egress.as_array().unwrap().len(), 1, "the name servers: {egress}");
        assert_eq!(left_out, ["a protocol that is none", "port 0", "port 70000", "ports 0 to 0", "ports 8000 to 7000"]);
        let many = vec!["1.0.0.1-2.255.255.254"; MOST_NETWORKS];
        let rule =
            json!([{"protocol": "all", "destinations": many}, {"protocol": "all", "destinations": ["10.0.0.1"]}]);
        let (egress, left_out) = policy(&rule);
        assert_eq!(egress[1]["to"].as_array().unwrap().len(), MOST_NETWORKS);
        assert_eq!(left_out, ["more than 8192 networks"]);
    }

    #[test]
    fn an_app_is_reached_at_its_ports_and_asks_the_name_servers_that_it_has() {
        let (spec, _) = whole(&json!([]), &[8080, 61001], &[]);
        assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
        assert_eq!(spec["ingress"][0]["ports"][1], json!({"port": 61001, "protocol": "TCP"}));
        assert!(spec["ingress"][0]["from"].is_null());
        let (spec, _) = whole(&json!([]), &[], &["10.0.0.2", "fd00::1"]);
        assert_eq!(spec["ingress"], json!([]));
        let of_dns = |at: usize| spec["egress"][0]["to"][at]["ipBlock"]["cidr"].as_str().unwrap().to_owned();
        assert_eq!((of_dns(0), of_dns(1)), ("10.0.0.2/32".into(), "fd00::1/128".into()));
        assert_eq!(spec["egress"][0]["ports"][0], json!({"port": 53, "protocol": "UDP"}));
    }

    #[test]
    fn no_rules_are_no_traffic_but_to_the_name_servers() {
        let (egress, left_out) = policy(&json!([]));
        assert_eq!((egress.as_array().unwrap().len(), left_out.len()), (1, 0));
        assert_eq!(egress[0]["to"][0]["podSelector"]["matchLabels"]["k8s-app"], "kube-dns");
    }
}
