use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Public, private and loopback ones: whoever sets URLs owns the network.
    Lan,
    /// Public ones only: URLs are set by people who do not own the network.
    Public,
}

/// Whether this address may be sent to. An address that carries another one inside is judged by both.
pub fn is_allowed(ip: IpAddr, policy: Policy) -> bool {
    match ip {
        IpAddr::V4(ip) => is_allowed_v4(ip, policy),
        // RFC 8215: which of its bits are the address is up to whoever runs that network, and it need not be the internet behind it.
        IpAddr::V6(ip) if policy == Policy::Public && ip.segments().starts_with(&[0x64, 0xff9b, 1]) => false,
        IpAddr::V6(ip) => match carried(ip) {
            Some(inner) => is_allowed_v4(inner, policy),
            None => is_allowed_v6(ip, policy),
        },
    }
}

/// Whether an address is one of this machine, or next to one: IPv6 gives every device of a house one that the whole internet could send
/// to, and no router stands between it and us. All of such a network have the first 64 bits in common (RFC 4291, section 2.5.1).
#[must_use]
pub fn is_near(ip: IpAddr, machine: &[IpAddr]) -> bool {
    let network = |ip: Ipv6Addr| ip.to_bits() >> 64;
    machine.iter().any(|own| match (ip.to_canonical(), own.to_canonical()) {
        (IpAddr::V6(ip), IpAddr::V6(own)) => network(ip) == network(own),
        (ip, own) => ip == own,
    })
}

/// This address, and the one that it carries inside.
pub fn faces(ip: IpAddr) -> impl Iterator<Item = IpAddr> + Clone {
    let inner = match ip {
        IpAddr::V4(_) => None,
        IpAddr::V6(ip) => carried(ip).map(IpAddr::V4),
    };
    [Some(ip), inner].into_iter().flatten()
}

/// Whether a host is a number that is no plain address: `2130706433`, `0x7f.1`, `127.1`. Some resolvers read them as addresses.
pub fn is_disguised(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    number && host.parse::<IpAddr>().is_err() && !host.contains(':')
}

fn is_allowed_v4(ip: Ipv4Addr, policy: Policy) -> bool {
    let [a, b, ..] = ip.octets();
    // Link-local holds the clouds' metadata services; 0/8 is this machine by another name; 240/4 is nobody's.
    let never = ip.is_link_local() || a == 0 || ip.is_multicast() || a >= 240;
    // RFC 1918, RFC 6598 (carriers' networks), RFC 2544 (benches), RFC 6890 (protocol assignments), RFC 5737 (documents).
    let near = ip.is_private()
        || ip.is_loopback()
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || ip.octets()[..3] == [192, 0, 0]
        || ip.is_documentation();
    !never && (policy == Policy::Lan || !near)
}

fn is_allowed_v6(ip: Ipv6Addr, policy: Policy) -> bool {
    // The metadata service of one cloud, within its private range.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let first = ip.segments()[0];
    let never = ip.is_unspecified() || ip.is_multicast() || first & 0xffc0 == 0xfe80 || ip == METADATA;
    // All that was ever given out to the internet (RFC 4291, section 2.4), without what is for documents (RFC 3849, RFC 9637).
    let documents = (first == 0x2001 && ip.segments()[1] == 0xdb8) || (first == 0x3fff && ip.segments()[1] < 0x1000);
    let public = first & 0xe000 == 0x2000 && !documents;
    !never && (policy == Policy::Lan || public)
}

/// The IPv4 address that this one stands for: mapped or compatible (RFC 4291), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo
/// (RFC 4380).
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let two = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, a, b] => Some(two(a, b)),
        [0, 0, 0, 0, 0, 0, a, b] if a != 0 => Some(two(a, b)),
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0x64, 0xff9b, 1, _, _, _, a, b] => Some(two(a, b)),
        [0x2002, a, b, ..] => Some(two(a, b)),
        [0x2001, 0, _, _, _, _, a, b] => Some(two(!a, !b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, lan: bool, public: bool) {
        let ip = address.parse().expect("an address");
        assert_eq!((is_allowed(ip, Policy::Lan), is_allowed(ip, Policy::Public)), (lan, public), "{address}");
    }

    #[test]
    fn who_may_be_sent_to() {
        for public in [
            "93.184.216.34",
            "1.1.1.1",
            "2606:4700::1111",
            "2001:4860::8888",
            "3fff:1000::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            check(public, true, true);
        }
        for near in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "2002:a00:1::1",
            "2001:db8::1",
            "3fff:fff:ffff::1",
            "5f00::1",
            "100::1",
            "fec0::1",
            "4000::1",
            "1fff::1",
            "::ffff:0:1.1.1.1",
            "64:ff9b:1::1.1.1.1",
            "64:ff9b:1:fffe::1.1.1.1",
            "64:ff9b:2::1.1.1.1",
        ] {
            check(near, true, false);
        }
        for never in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2001:0:1:1:1:1:5601:5601",
            "::169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
        ] {
            check(never, false, false);
        }
    }

    #[test]
    fn what_is_near() {
        let machine = ["192.0.2.20", "2a02:1:2:3::20", "fe80::20"].map(|ip| ip.parse().expect("an address"));
        for (address, near) in [
            ("192.0.2.20", true),
            ("::ffff:192.0.2.20", true),
            ("192.0.2.21", false),
            ("2a02:1:2:3::20", true),
            ("2a02:1:2:3:ffff:ffff:ffff:ffff", true),
            ("2a02:1:2:4::20", false),
            ("2a02:1:2:2:ffff:ffff:ffff:ffff", false),
        ] {
            assert_eq!(is_near(address.parse().expect("an address"), &machine), near, "{address}");
        }
    }

    #[test]
    fn numbers_are_no_names() {
        for host in ["2130706433", "0x7f000001", "0x7f.1", "127.1", "017700000001", "1.2.3.0x4"] {
            assert!(is_disguised(host), "{host}");
        }
        for host in ["127.0.0.1", "::1", "a.example", "1.example", "kennel"] {
            assert!(!is_disguised(host), "{host}");
        }
    }
}
