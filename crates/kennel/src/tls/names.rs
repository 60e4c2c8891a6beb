//! What a certificate of Kennel's own authority is for.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::{Lan, is_private};

/// The most names that one certificate holds: enough for a machine that moves between networks, and small to send.
const NAMES_MAX: usize = 48;

/// DNS names in lower case, and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// `localhost`, `attic.local`, `attic`.
    pub dns: BTreeSet<String>,
    /// Loopback and private addresses.
    pub ips: BTreeSet<IpAddr>,
}

impl Names {
    /// What this machine is called now. `permitted`: the DNS names that the authority may vouch for.
    pub fn wanted(lan: &Lan, announce: Option<IpAddr>, permitted: &BTreeSet<String>) -> Self {
        let mut names = Self::default();
        names.dns.insert("localhost".to_owned());
        if let Some(host) = &lan.host {
            names.dns.insert(format!("{host}.local"));
            names.dns.extend(permitted.get(host).cloned());
        }
        names.ips.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
        names.ips.extend(lan.private.iter().copied().chain(announce).map(|ip| ip.to_canonical()).filter(|ip| is_private(*ip)));
        names
    }

    /// Whether all of `wanted` are among these.
    pub fn cover(&self, wanted: &Self) -> bool {
        self.dns.is_superset(&wanted.dns) && self.ips.is_superset(&wanted.ips)
    }

    /// These and, as far as there is room, those of an earlier certificate: a machine that goes back and forth between two networks
    /// then keeps one certificate, and phones that were told to trust it stay content.
    #[must_use]
    pub fn and_earlier(mut self, earlier: &Self) -> Self {
        for ip in &earlier.ips {
            if self.dns.len() + self.ips.len() < NAMES_MAX && is_private(*ip) {
                self.ips.insert(*ip);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lan(host: Option<&str>, private: &[&str]) -> Lan {
        let private = private.iter().map(|text| text.parse().expect("an address")).collect();
        Lan { host: host.map(str::to_owned), private, ..Lan::default() }
    }

    fn texts(names: &Names) -> Vec<String> {
        names.dns.iter().cloned().chain(names.ips.iter().map(ToString::to_string)).collect()
    }

    #[test]
    fn wanted() {
        let permitted = BTreeSet::from(["local".to_owned(), "localhost".to_owned(), "attic".to_owned()]);
        let names = Names::wanted(&lan(Some("attic"), &["192.168.1.20"]), "10.9.8.7".parse().ok(), &permitted);
        assert_eq!(texts(&names), ["attic", "attic.local", "localhost", "10.9.8.7", "127.0.0.1", "192.168.1.20", "::1"]);
    }

    #[test]
    fn what_the_authority_may_not_vouch_for_is_left_out() {
        let names = Names::wanted(&lan(Some("cellar"), &[]), "203.0.113.9".parse().ok(), &BTreeSet::new());
        assert_eq!(texts(&names), ["cellar.local", "localhost", "127.0.0.1", "::1"]);
    }

    #[test]
    fn earlier_addresses_are_kept_up_to_a_limit() {
        let many: Vec<String> = (0..100).map(|n| format!("10.0.0.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let earlier = Names::wanted(&lan(None, &many), None, &BTreeSet::new());
        let now = Names::wanted(&lan(None, &["192.168.1.20"]), None, &BTreeSet::new());
        let both = now.clone().and_earlier(&earlier);
        assert!(both.cover(&now) && !now.cover(&both) && !both.cover(&earlier));
        assert_eq!(both.dns.len() + both.ips.len(), NAMES_MAX);
    }
}
