//! The container's address. Only here it is known: an engine gives a container one when it starts.

use nix::ifaddrs::getifaddrs;
use std::net::{IpAddr, Ipv4Addr};

/// The address under which the container's neighbours see it: its first of IPv4, else of IPv6, else the loopback's.
pub(crate) fn own_address() -> IpAddr {
    let interfaces = getifaddrs().into_iter().flatten();
    first_of(interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
        v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
    }))
}

/// Addresses of a link reach nobody without the link's name.
fn first_of(addresses: impl Iterator<Item = IpAddr>) -> IpAddr {
    let (v4, v6): (Vec<_>, Vec<_>) = addresses.filter(|address| !address.is_loopback()).partition(IpAddr::is_ipv4);
    let is_of_link = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    v4.into_iter().chain(v6).find(|address| !is_of_link(address)).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_that_neighbours_can_use_is_taken_and_ipv4_before_ipv6() {
        let first = |addresses: &[&str]| first_of(addresses.iter().map(|text| text.parse().unwrap())).to_string();
        assert_eq!(first(&["127.0.0.1", "::1", "fe80::1", "2001:db8::2", "172.18.0.3", "10.0.0.1"]), "172.18.0.3");
        assert_eq!(first(&["127.0.0.1", "::1", "fe80::1", "2001:db8::2"]), "2001:db8::2");
        assert_eq!(first(&["127.0.0.1", "::1", "fe80::1"]), "127.0.0.1");
        assert_eq!(first(&[]), "127.0.0.1");
    }
}
