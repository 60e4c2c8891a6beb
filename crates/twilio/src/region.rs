//! Regions, which clients choose by the host name that they dial: `us1.vss.twilio.com` there, `us1.kennel.example` here.

/// Regions that the vendor has. Ours is where the server stands, so none of them is refused.
pub(crate) const REGIONS: [&str; 9] = ["us1", "us2", "ie1", "de1", "br1", "au1", "in1", "jp1", "sg1"];

/// The region that this host name asks for: its first label, if that is a region of the vendor's. `global`, which the SDK makes of
/// `gll`, leaves the choice to the server.
#[must_use]
pub fn of_host(name: &str) -> Option<&'static str> {
    let (label, _domain) = name.split_once('.')?;
    REGIONS.into_iter().find(|region| region.eq_ignore_ascii_case(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_label_is_the_region() {
        for (name, expected) in [
            ("us1.vss.twilio.com", Some("us1")),
            ("US1.kennel.example", Some("us1")),
            ("global.vss.twilio.com", None),
            ("kennel.example", None),
            ("us1", None),
            ("us12.example", None),
            ("10.0.0.1", None),
            ("::1", None),
        ] {
            assert_eq!(of_host(name), expected, "{name}");
        }
    }
}
