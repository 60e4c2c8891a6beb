//! By which addresses people reach this server, as origins without a final slash.

use std::net::{IpAddr, SocketAddr};

use crate::net::Lan;

/// Where the server listens, with the ports that the system gave, and what its owner says about it.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    /// Where HTTP listens; `None` when it is off.
    pub http: Option<SocketAddr>,
    /// Where HTTPS listens.
    pub https: Option<SocketAddr>,
    /// `--announce`.
    pub announce: Option<IpAddr>,
    /// `--domain`.
    pub domain: Option<String>,
}

impl Listening {
    /// The address for the machine itself.
    pub fn here(&self) -> Option<String> {
        let door = self.door()?;
        let ip = door.1.ip();
        let host = if ip.is_unspecified() || ip.is_loopback() { "localhost".to_owned() } else { host_text(ip) };
        Some(format!("{}://{host}:{}", door.0, door.1.port()))
    }

    /// The address for a phone.
    ///
    /// # Errors
    /// The sentence that says why there is none, and what to do.
    pub fn phone(&self, lan: &Lan) -> Result<String, String> {
        if let Some(domain) = &self.domain {
            return Ok(format!("https://{domain}"));
        }
        let Some(door) = self.door() else { return Err("Nothing listens.".to_owned()) };
        if let Some(ip) = self.announce {
            return Ok(origin(door, ip));
        }
        if door.1.ip().is_loopback() {
            return Err(format!(
                "Kennel listens on this computer only. For phones start it with --{} 0.0.0.0:{}.",
                door.0,
                door.1.port()
            ));
        }
        match Self::visible(door.1, lan).first() {
            Some(ip) if lan.container => Err(format!(
                "This looks like a container. Phones cannot reach {}. Start with --announce and your computer's address.",
                host_text(*ip)
            )),
            Some(ip) => Ok(origin(door, *ip)),
            None => Err("No network found. Kennel works on this computer only.".to_owned()),
        }
    }

    /// Further addresses for phones, on machines with several networks.
    pub fn also(&self, lan: &Lan) -> Vec<String> {
        let told = self.domain.is_some() || self.announce.is_some();
        let door = self.door().filter(|_| !told);
        let others = door.map(|door| Self::visible(door.1, lan).into_iter().skip(1).map(move |ip| origin(door, ip)));
        others.into_iter().flatten().collect()
    }

    /// All secure addresses, the best first.
    pub fn secure(&self, lan: &Lan) -> Vec<String> {
        let domain = self.domain.iter().map(|domain| format!("https://{domain}"));
        let https = self.https.map(|listen| {
            let visible = Self::visible(listen, lan).into_iter().filter(|ip| Some(*ip) != self.announce);
            self.announce.into_iter().chain(visible).map(move |ip| origin(("https", listen), ip))
        });
        domain.chain(https.into_iter().flatten()).collect()
    }

    /// The listener that people begin at: HTTP leads phones to HTTPS by itself.
    fn door(&self) -> Option<(&'static str, SocketAddr)> {
        self.http.map(|listen| ("http", listen)).or(self.https.map(|listen| ("https", listen)))
    }

    /// The addresses at which others see a listener, the best first.
    fn visible(listen: SocketAddr, lan: &Lan) -> Vec<IpAddr> {
        match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => {
                lan.main.iter().chain(&lan.others).filter(|ip| ip.is_ipv4()).copied().collect()
            }
            ip if ip.is_unspecified() => lan.main.iter().chain(&lan.others).copied().collect(),
            ip if ip.is_loopback() => Vec::new(),
            ip => vec![ip],
        }
    }
}

fn origin((scheme, listen): (&str, SocketAddr), ip: IpAddr) -> String {
    format!("{scheme}://{}:{}", host_text(ip), listen.port())
}

fn host_text(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lan(main: &str, others: &[&str]) -> Lan {
        let others = others.iter().map(|ip| ip.parse().expect("an address")).collect();
        Lan { main: main.parse().ok(), others, ..Lan::default() }
    }

    fn listening(http: &str, https: &str) -> Listening {
        Listening { http: http.parse().ok(), https: https.parse().ok(), ..Listening::default() }
    }

    fn check(listening: &Listening, lan: &Lan, here: &str, phone: &str, also: &[&str], secure: &[&str]) {
        assert_eq!(listening.here().as_deref(), Some(here));
        assert_eq!(listening.phone(lan).unwrap_or_else(|why| why), phone);
        assert_eq!(listening.also(lan), also);
        assert_eq!(listening.secure(lan), secure);
    }

    #[test]
    fn usual() {
        let usual = listening("0.0.0.0:8080", "0.0.0.0:8443");
        check(
            &usual,
            &lan("192.168.1.20", &["10.0.0.5", "fd00::1"]),
            "http://localhost:8080",
            "http://192.168.1.20:8080",
            &["http://10.0.0.5:8080"],
            &["https://192.168.1.20:8443", "https://10.0.0.5:8443"],
        );
        check(&usual, &lan("", &[]), "http://localhost:8080", "No network found. Kennel works on this computer only.", &[], &[]);
    }

    #[test]
    fn both_families() {
        check(
            &listening("[::]:8080", "[::]:8443"),
            &lan("192.168.1.20", &["fd00::1"]),
            "http://localhost:8080",
            "http://192.168.1.20:8080",
            &["http://[fd00::1]:8080"],
            &["https://192.168.1.20:8443", "https://[fd00::1]:8443"],
        );
    }

    #[test]
    fn one_listener_or_one_address() {
        let home = lan("192.168.1.20", &[]);
        check(
            &listening("off", "0.0.0.0:8443"),
            &home,
            "https://localhost:8443",
            "https://192.168.1.20:8443",
            &[],
            &["https://192.168.1.20:8443"],
        );
        check(&listening("192.168.7.7:90", "off"), &home, "http://192.168.7.7:90", "http://192.168.7.7:90", &[], &[]);
        let sentence = "Kennel listens on this computer only. For phones start it with --http 0.0.0.0:8080.";
        check(&listening("127.0.0.1:8080", "127.0.0.1:8443"), &home, "http://localhost:8080", sentence, &[], &[]);
    }

    #[test]
    fn told_by_the_owner() {
        let home = lan("192.168.1.20", &["10.0.0.5"]);
        let usual = || listening("0.0.0.0:8080", "0.0.0.0:8443");
        let announced = Listening { announce: "10.9.8.7".parse().ok(), ..usual() };
        let secure = ["https://10.9.8.7:8443", "https://192.168.1.20:8443", "https://10.0.0.5:8443"];
        check(&announced, &home, "http://localhost:8080", "http://10.9.8.7:8080", &[], &secure);
        let named = Listening { domain: Some("kennel.example.org".to_owned()), ..usual() };
        let secure = ["https://kennel.example.org", "https://192.168.1.20:8443", "https://10.0.0.5:8443"];
        check(&named, &home, "http://localhost:8080", "https://kennel.example.org", &[], &secure);
    }

    #[test]
    fn containers() {
        let inside = Lan { container: true, ..lan("172.17.0.2", &[]) };
        let usual = listening("0.0.0.0:8080", "0.0.0.0:8443");
        let expected =
            "This looks like a container. Phones cannot reach 172.17.0.2. Start with --announce and your computer's address.";
        assert_eq!(usual.phone(&inside), Err(expected.to_owned()));
        let announced = Listening { announce: "192.168.1.20".parse().ok(), ..usual };
        assert_eq!(announced.phone(&inside), Ok("http://192.168.1.20:8080".to_owned()));
    }
}
