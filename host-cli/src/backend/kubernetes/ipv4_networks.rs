//! Addresses as rules for traffic name them, `10.0.0.0/8`, `10.0.0.1`, `10.0.0.1-10.0.0.9`, → networks as a cluster wants them. Pure.

use std::net::Ipv4Addr;

/// Of an address; and a network is named by as many of them at most.
const BITS: u32 = 32;

/// Of one text; `None`: it is neither a network, nor an address, nor a range of addresses.
pub(super) fn networks(text: &str) -> Option<Vec<String>> {
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
}
