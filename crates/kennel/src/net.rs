//! The addresses of this machine: which ones a phone can reach, and which ones a certificate should name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::sync::watch;

use crate::shutdown::Shutdown;

/// How often the interfaces are read again. A phone that changes its network notices no sooner.
const POLL: Duration = Duration::from_secs(5);

/// More addresses than a machine has; the rest would only swell the certificate.
const ADDRESSES_MAX: usize = 32;

/// Where a packet to the internet would leave: addresses for documentation (RFC 5737, RFC 3849), to which nothing is ever sent.
const ELSEWHERE: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9),
];

/// What this machine is called and where it can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lan {
    /// The address of the default route, else the first that a phone could reach; `None` without a network.
    pub main: Option<IpAddr>,
    /// The others that a phone could reach: no loopback, link-local, container bridges.
    pub others: Vec<IpAddr>,
    /// The private addresses for the certificate, sorted: no loopback, IPv6 link-local, container bridges.
    pub private: Vec<IpAddr>,
    /// The machine's host name in lower case, without `.local`; `None` if it has no usable one.
    pub host: Option<String>,
    /// Whether this looks like a container, whose addresses no phone can reach.
    pub container: bool,
}

/// An interface's address, as the system lists it.
#[derive(Clone, Debug)]
pub struct Address {
    /// The interface's name, such as `eth0`.
    pub interface: String,
    /// One of its addresses.
    pub ip: IpAddr,
}

/// Reads the machine's addresses, name and kind. Sends nothing.
pub fn look() -> Lan {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let addresses: Vec<Address> =
        interfaces.into_iter().map(|interface| Address { ip: interface.ip(), interface: interface.name }).collect();
    let routes: Vec<IpAddr> = ELSEWHERE.iter().filter_map(default_route).collect();
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Lan { host: host_label(&name), container: looks_like_container(), ..choose(&addresses, &routes) }
}

/// Looks again every 5 s until the end. The receiver sees a change only when something changed.
pub fn watch(mut shutdown: Shutdown) -> watch::Receiver<Lan> {
    let (sender, receiver) = watch::channel(look());
    tokio::spawn(async move {
        while !shutdown.is_stopping() {
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = shutdown.stopping() => break,
            }
            let Ok(now) = tokio::task::spawn_blocking(look).await else { continue };
            sender.send_if_modified(|lan| std::mem::replace(lan, now) != *lan);
        }
    });
    receiver
}

/// Sorts addresses into those for people and those for the certificate. `routes`: the default routes' addresses, best first.
pub fn choose(addresses: &[Address], routes: &[IpAddr]) -> Lan {
    let mut reachable: Vec<IpAddr> = addresses.iter().filter(|address| is_for_phones(address)).map(|a| a.ip).collect();
    reachable.sort_by_key(|ip| (ip.is_ipv6(), *ip));
    reachable.dedup();
    let main = routes.iter().chain(&reachable).find(|ip| reachable.contains(ip)).copied();
    reachable.retain(|ip| Some(*ip) != main);
    let mut private: Vec<IpAddr> = addresses.iter().filter(|address| is_for_certificate(address)).map(|a| a.ip).collect();
    private.sort();
    private.dedup();
    // The main address must not be the one that falls off the end.
    private.sort_by_key(|ip| Some(*ip) != main);
    private.truncate(ADDRESSES_MAX);
    private.sort();
    Lan { main, others: reachable, private, host: None, container: false }
}

/// Whether only a home network, this machine, or a carrier's or VPN's inner network uses this address.
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_shared(ip),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// 100.64.0.0/10 (RFC 6598), which Tailscale and others use.
fn is_shared(ip: Ipv4Addr) -> bool {
    ip.octets()[0] == 100 && ip.octets()[1] & 0b1100_0000 == 64
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// IPv6 link-local addresses need a zone, which no browser takes, so a certificate need not name them. Bridges come and go with
/// containers; each would cost a new certificate, and phones that were told to trust the old one would warn again.
fn is_for_certificate(address: &Address) -> bool {
    let ip = address.ip;
    let browsable = !(ip.is_ipv6() && is_link_local(ip));
    is_private(ip) && !ip.is_loopback() && browsable && !is_bridge(&address.interface)
}

/// Global IPv6 addresses are left out: they change by the day and most home routers shut them off.
fn is_for_phones(address: &Address) -> bool {
    let usable = match address.ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => ip.is_unique_local(),
    };
    usable && !address.ip.is_loopback() && !is_link_local(address.ip) && !is_bridge(&address.interface)
}

/// Bridges and inner ends of containers and virtual machines: this machine talks to itself there.
fn is_bridge(interface: &str) -> bool {
    const PREFIXES: [&str; 10] = ["docker", "br-", "veth", "virbr", "lxc", "lxdbr", "cni", "flannel", "podman", "vmnet"];
    PREFIXES.iter().any(|prefix| interface.starts_with(prefix))
}

/// The address that a packet to `elsewhere` would have as its source. Connecting a UDP socket asks the routing table and sends nothing.
fn default_route(elsewhere: &SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if elsewhere.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(elsewhere).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// The first label of the machine's name, if browsers could use it.
fn host_label(name: &str) -> Option<String> {
    let label = name.split('.').next().unwrap_or_default();
    let usable = label != "localhost" && crate::config::parse::host_name(label).is_ok();
    usable.then(|| label.to_ascii_lowercase())
}

/// Docker and Podman leave a file; Kubernetes and LXC show in the first process's control group.
fn looks_like_container() -> bool {
    let marked = ["/.dockerenv", "/run/.containerenv"].iter().any(|path| std::path::Path::new(path).exists());
    marked || std::fs::read_to_string("/proc/1/cgroup").is_ok_and(|text| is_container_cgroup(&text))
}

fn is_container_cgroup(text: &str) -> bool {
    ["docker", "kubepods", "containerd", "libpod", "/lxc/"].iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn check(interfaces: &[(&str, &str)], routes: &[&str], main: Option<&str>, others: &[&str], private: &[&str]) {
        let addresses: Vec<Address> =
            interfaces.iter().map(|(name, text)| Address { interface: (*name).to_owned(), ip: ip(text) }).collect();
        let routes: Vec<IpAddr> = routes.iter().map(|text| ip(text)).collect();
        let lan = choose(&addresses, &routes);
        let expected = Lan {
            main: main.map(ip),
            others: others.iter().map(|text| ip(text)).collect(),
            private: private.iter().map(|text| ip(text)).collect(),
            ..Lan::default()
        };
        assert_eq!(lan, expected);
    }

    #[test]
    fn the_default_route_comes_first() {
        check(
            &[("lo", "127.0.0.1"), ("eth0", "192.168.1.20"), ("wlan0", "10.0.0.5"), ("lo", "::1")],
            &["10.0.0.5"],
            Some("10.0.0.5"),
            &["192.168.1.20"],
            &["10.0.0.5", "192.168.1.20"],
        );
    }

    #[test]
    fn bridges_and_link_local_are_not_for_phones() {
        check(
            &[
                ("docker0", "172.17.0.1"),
                ("br-12", "172.18.0.1"),
                ("eth0", "169.254.3.4"),
                ("eth0", "fe80::1"),
                ("eth1", "192.168.1.2"),
            ],
            &["172.17.0.1"],
            Some("192.168.1.2"),
            &[],
            &["169.254.3.4", "192.168.1.2"],
        );
    }

    #[test]
    fn without_a_route_the_first_address_serves() {
        check(
            &[("eth0", "fd00::5"), ("eth0", "192.168.1.2")],
            &[],
            Some("192.168.1.2"),
            &["fd00::5"],
            &["192.168.1.2", "fd00::5"],
        );
        check(&[("lo", "127.0.0.1")], &[], None, &[], &[]);
    }

    #[test]
    fn public_addresses_are_printed_but_not_vouched_for() {
        check(&[("eth0", "203.0.113.7"), ("eth0", "2001:db8::7")], &["203.0.113.7"], Some("203.0.113.7"), &[], &[]);
    }

    #[test]
    fn the_main_address_stays_among_too_many() {
        let many: Vec<String> = (0..100).map(|n| format!("10.0.0.{n}")).collect();
        let addresses: Vec<Address> = many.iter().map(|text| Address { interface: "eth0".into(), ip: ip(text) }).collect();
        let lan = choose(&addresses, &[ip("10.0.0.99")]);
        assert_eq!(lan.private.len(), ADDRESSES_MAX);
        assert!(lan.private.contains(&ip("10.0.0.99")));
    }

    #[test]
    fn private_ranges() {
        for text in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "127.9.9.9",
            "169.254.1.1",
            "100.64.0.1",
            "100.127.255.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(ip(text)), "{text}");
        }
        for text in ["172.32.0.1", "100.128.0.1", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(!is_private(ip(text)), "{text}");
        }
    }

    #[test]
    fn host_labels() {
        assert_eq!(host_label("Attic.local").as_deref(), Some("attic"));
        assert_eq!(host_label("pi4"), Some("pi4".to_owned()));
        for bad in ["", "localhost", "localhost.localdomain", "my_pc", "(none)"] {
            assert_eq!(host_label(bad), None, "{bad}");
        }
    }

    #[test]
    fn container_control_groups() {
        assert!(is_container_cgroup("0::/docker/1234"));
        assert!(is_container_cgroup("12:cpu:/kubepods/besteffort/pod1"));
        assert!(!is_container_cgroup("0::/init.scope"));
    }

    #[test]
    fn looking_finds_this_machine() {
        let lan = look();
        assert!(lan.private.iter().all(|ip| is_private(*ip) && !ip.is_loopback()));
        assert!(lan.others.iter().all(|ip| Some(*ip) != lan.main));
    }

    #[tokio::test]
    async fn the_watch_ends_with_the_program() {
        let (stopper, shutdown) = crate::shutdown::channel();
        let mut receiver = watch(shutdown);
        stopper.stop();
        assert!(receiver.changed().await.is_err(), "the sender is dropped and nothing changed");
    }
}
