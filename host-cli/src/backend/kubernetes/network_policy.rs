//! Rules for traffic out of an app → a network policy, and what of them no policy can say. Pure.

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use shared_model::network::EgressRule;
use std::net::Ipv4Addr;

/// Of a range, as single ports: clusters before 1.22 know no ranges.
const FEW_PORTS: u32 = 16;
const LAST_PORT: u32 = 65_535;
/// Networks that one range of addresses can become.
const BITS: u32 = 32;
/// More than any security group has.
const MOST_RULES: usize = 1024;

/// The policy of the pods that `selected` names, and what it leaves out, a few words each.
pub(super) fn network_policy(
    metadata: ObjectMeta,
    selected: &LabelSelector,
    rules: &[EgressRule],
) -> (NetworkPolicy, Vec<String>) {
    let mut left_out = Vec::new();
    let mut egress = vec![to_dns()];
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
        let (to, unreadable) = peers(rule.destinations.as_deref().unwrap_or_default());
        left_out.extend(unreadable);
        if !to.is_empty() {
            egress.push(NetworkPolicyEgressRule { to: Some(to), ports: ports(rule, &protocol) });
        }
    }
    left_out.extend((rules.len() > MOST_RULES).then(|| format!("{} egress rules", rules.len() - MOST_RULES)));
    left_out.sort();
    left_out.dedup();
    let spec = NetworkPolicySpec {
        pod_selector: Some(selected.clone()),
        policy_types: Some(vec!["Egress".to_owned()]),
        egress: Some(egress),
        ..NetworkPolicySpec::default()
    };
    (NetworkPolicy { metadata, spec: Some(spec) }, left_out)
}

/// The cluster's own name servers: Diego's containers reach their cell's, whatever the rules say.
fn to_dns() -> NetworkPolicyEgressRule {
    let dns = LabelSelector {
        match_labels: Some([("k8s-app".to_owned(), "kube-dns".to_owned())].into()),
        ..LabelSelector::default()
    };
    let peer = NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        pod_selector: Some(dns),
        ..NetworkPolicyPeer::default()
    };
    let port = |protocol| port(protocol, Some(53), None);
    NetworkPolicyEgressRule { to: Some(vec![peer]), ports: Some(vec![port("UDP"), port("TCP")]) }
}

/// `None`: every port of every protocol.
fn ports(rule: &EgressRule, protocol: &str) -> Option<Vec<NetworkPolicyPort>> {
    let protocol = match protocol {
        "tcp" => "TCP",
        "udp" => "UDP",
        _ => return None,
    };
    let single = rule.ports.iter().flatten().map(|number| port(protocol, Some(*number), None));
    let range = rule.port_range.iter().flat_map(|range| match (range.start.max(1), range.end.min(LAST_PORT)) {
        (1, LAST_PORT) => vec![port(protocol, None, None)],
        (start, end) if end.saturating_sub(start) < FEW_PORTS => {
            (start..=end).map(|number| port(protocol, Some(number), None)).collect()
        }
        (start, end) => vec![port(protocol, Some(start), Some(end))],
    });
    let all: Vec<NetworkPolicyPort> = single.chain(range).collect();
    Some(if all.is_empty() { vec![port(protocol, None, None)] } else { all })
}

fn port(protocol: &str, number: Option<u32>, end: Option<u32>) -> NetworkPolicyPort {
    let whole = |number: u32| i32::try_from(number).unwrap_or(0);
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: number.map(|number| IntOrString::Int(whole(number))),
        end_port: end.map(whole),
    }
}

/// Networks, and texts that are none: `10.0.0.0/8`, `10.0.0.1`, `10.0.0.1-10.0.0.9`, several with commas between them.
fn peers(destinations: &[String]) -> (Vec<NetworkPolicyPeer>, Vec<String>) {
    let (mut to, mut unreadable) = (Vec::new(), Vec::new());
    for text in destinations.iter().flat_map(|text| text.split(',')).map(str::trim) {
        match networks(text) {
            Some(networks) => to.extend(networks.into_iter().map(|cidr| NetworkPolicyPeer {
                ip_block: Some(IPBlock { cidr, except: None }),
                ..NetworkPolicyPeer::default()
            })),
            None => unreadable.push("a destination that is no IPv4 network".to_owned()),
        }
    }
    (to, unreadable)
}

fn networks(text: &str) -> Option<Vec<String>> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (first.trim().parse::<Ipv4Addr>().ok()?, last.trim().parse::<Ipv4Addr>().ok()?);
        return (first <= last).then(|| range(first.to_bits(), last.to_bits()));
    }
    let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
    let (address, bits) = (address.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok().filter(|bits| *bits <= BITS)?);
    let mask = if bits == 0 { 0 } else { u32::MAX << (BITS - bits) };
    Some(vec![format!("{}/{bits}", Ipv4Addr::from_bits(address.to_bits() & mask))])
}

/// The fewest networks that are just this range: at most 62.
fn range(first: u32, last: u32) -> Vec<String> {
    let mut networks = Vec::new();
    let (mut at, last) = (u64::from(first), u64::from(last));
    while at <= last {
        let aligned = if at == 0 { BITS } else { at.trailing_zeros().min(BITS) };
        let fits = (last - at + 1).ilog2();
        let size = aligned.min(fits);
        networks.push(format!("{}/{}", Ipv4Addr::from_bits(u32::try_from(at).unwrap_or_default()), BITS - size));
        at += 1 << size;
    }
    networks
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn policy(rules: &Value) -> (Value, Vec<String>) {
        let rules: Vec<EgressRule> = serde_json::from_value(rules.clone()).unwrap();
        let (policy, left_out) = network_policy(ObjectMeta::default(), &LabelSelector::default(), &rules);
        (serde_json::to_value(policy).unwrap()["spec"]["egress"].take(), left_out)
    }

    #[test]
    fn a_range_of_addresses_is_the_fewest_networks() {
        for (text, expected) in [
            ("10.0.0.1", "10.0.0.1/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("0.0.0.0-255.255.255.255", "0.0.0.0/0"),
            ("0.0.0.0-9.255.255.255", "0.0.0.0/5 8.0.0.0/7"),
            ("10.0.0.1-10.0.0.6", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32"),
            ("255.255.255.255-255.255.255.255", "255.255.255.255/32"),
        ] {
            assert_eq!(networks(text).unwrap().join(" "), expected, "{text}");
        }
        for odd in ["", "x", "10.0.0.9-10.0.0.1", "10.0.0.0/33", "::1", "1.2.3"] {
            assert_eq!(networks(odd), None, "{odd}");
        }
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
    fn no_rules_are_no_traffic_but_to_the_name_servers() {
        let (egress, left_out) = policy(&json!([]));
        assert_eq!((egress.as_array().unwrap().len(), left_out.len()), (1, 0));
        assert_eq!(egress[0]["to"][0]["podSelector"]["matchLabels"]["k8s-app"], "kube-dns");
    }
}
