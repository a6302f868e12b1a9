//! The container's own address, for `CF_INSTANCE_IP`.
#![expect(clippy::disallowed_methods, reason = "reads /etc/hosts and /etc/hostname")]

use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};

/// An address that no route may lead to otherwise than through the default one (RFC 5737).
const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// The address that others see us under; the loopback's where there is no network.
pub(crate) fn own_address() -> String {
    let address = towards_elsewhere().or_else(of_own_name).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    address.to_string()
}

/// Which address the kernel would send from. Connecting a datagram socket sends nothing.
fn towards_elsewhere() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_unspecified())
}

/// What the engine wrote into `/etc/hosts`: an internal network has no route elsewhere.
fn of_own_name() -> Option<IpAddr> {
    let name = fs::read_to_string("/etc/hostname").ok()?;
    address_of(name.trim(), &fs::read_to_string("/etc/hosts").ok()?)
}

fn address_of(name: &str, hosts: &str) -> Option<IpAddr> {
    hosts.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        words.any(|word| word == name).then_some(address).filter(|address| !address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_line_in_etc_hosts_is_found() {
        let hosts = "127.0.0.1\tlocalhost 0123\n# 1.1.1.1 0123\n172.18.0.3\t0123 other\n";
        assert_eq!(address_of("0123", hosts), Some([172, 18, 0, 3].into()));
        assert_eq!(address_of("4567", hosts), None);
    }

    #[test]
    fn there_is_always_an_address() {
        assert!(own_address().parse::<IpAddr>().is_ok());
    }
}
