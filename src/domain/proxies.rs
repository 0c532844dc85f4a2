//! Proxies in front of Herald, and which address a request came from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The networks of proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Proxies {
    type Err = String;

    /// Reads addresses and networks such as `10.0.0.0/8`, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| {
                network(part).ok_or_else(|| format!("{part:?} is not an address or a network such as 10.0.0.0/8"))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Proxies {
    /// Whether `address` is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address.to_canonical()))
    }

    /// What it means that one of the networks is wider than any that somebody has for himself; None: none is.
    pub fn too_wide(&self) -> Option<String> {
        let Network { address, bits } = self.0.iter().find(|network| network.is_too_wide())?;
        Some(format!(
            "HERALD_TRUSTED_PROXIES has {address}/{bits}: whoever calls from there chooses his address himself, by X-Forwarded-For, so \
             that no limit and no lock-out by address holds him, and the audit log believes him; name your proxies, such as 10.0.0.5 or \
             10.0.0.0/8"
        ))
    }

    /// The address that a request came from: `peer` is at the other end of the connection, `forwarded` is what
    /// `X-Forwarded-For` says. Each proxy appends whom it was called by, so the last that is no proxy is believed. None: a
    /// proxy does not say by whom it was called, or not in a way that can be read. It is not the client: what is counted for
    /// it would be counted for everybody.
    pub fn client(&self, peer: IpAddr, forwarded: &str) -> Option<IpAddr> {
        let mut client = peer.to_canonical();
        let mut hops = forwarded.rsplit(',').map(str::trim).filter(|hop| !hop.is_empty()).peekable();
        if self.contains(client) && hops.peek().is_none() {
            return None;
        }
        for hop in hops {
            if !self.contains(client) {
                break;
            }
            client = hop_address(hop)?;
        }
        Some(client)
    }
}

/// The address of a hop; some proxies write its port behind it, brackets around it, or a zone.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches('"');
    let bare = |text: &str| text.split('%').next().and_then(|text| text.parse::<IpAddr>().ok());
    let bracketed = || {
        let (address, port) = hop.strip_prefix('[')?.split_once(']')?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        if is_port { bare(address) } else { None }
    };
    let with_port = || hop.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    bare(hop).or_else(bracketed).or_else(with_port).map(|address| address.to_canonical())
}

/// What is counted as one client: an address, or the network of 2^64 addresses that one customer gets in IPv6, by its first.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

impl Network {
    /// Whether it is larger than the largest private one: `10.0.0.0/8`, `fc00::/7`.
    const fn is_too_wide(self) -> bool {
        self.bits < if self.address.is_ipv4() { 8 } else { 7 }
    }

    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (network.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

fn network(text: &str) -> Option<Network> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
    (bits <= most).then_some(Network { address, bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &str) -> String {
        let client = proxies.parse::<Proxies>().unwrap().client(peer.parse().unwrap(), forwarded);
        client.map_or("nobody".into(), |client| client.to_string())
    }

    #[test]
    fn only_a_proxy_is_believed() {
        assert_eq!(client("", "9.9.9.9", "1.2.3.4"), "9.9.9.9");
        assert_eq!(client("10.0.0.0/8", "9.9.9.9", "1.2.3.4"), "9.9.9.9");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", "1.2.3.4"), "1.2.3.4");
        assert_eq!(client("10.0.0.0/8", "::ffff:10.1.2.3", "1.2.3.4"), "1.2.3.4");
        assert_eq!(client("::1", "::1", "2001:db8::7"), "2001:db8::7");
    }

    #[test]
    fn what_a_client_writes_itself_is_not_believed() {
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2"), "1.2.3.4");
        assert_eq!(client("0.0.0.0/0", "10.0.0.1", "6.6.6.6, 1.2.3.4"), "6.6.6.6");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", "10.0.0.7"), "10.0.0.7");
    }

    #[test]
    fn a_proxy_that_says_nothing_readable_is_not_the_client() {
        for forwarded in
            ["", " , ", "unknown", "6.6.6.6, nonsense", "_hidden", "1.2.3.4:", "1.2.3.4:99999", "[::1]x", "::1]"]
        {
            assert_eq!(client("10.0.0.1", "10.0.0.1", forwarded), "nobody", "{forwarded:?}");
        }
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", "nonsense, 10.0.0.2"), "nobody");
        assert_eq!(client("10.0.0.1", "9.9.9.9", "unknown"), "9.9.9.9");
    }

    #[test]
    fn ports_brackets_and_zones_are_understood() {
        for forwarded in ["1.2.3.4:4711", "1.2.3.4", "::ffff:1.2.3.4", "[::ffff:1.2.3.4]:80", "unknown, 1.2.3.4:1"] {
            assert_eq!(client("10.0.0.1", "10.0.0.1", forwarded), "1.2.3.4", "{forwarded}");
        }
        for forwarded in
            ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711", "\"[2001:db8::7]:4711\"", "2001:db8::7%eth0"]
        {
            assert_eq!(client("10.0.0.1", "10.0.0.1", forwarded), "2001:db8::7", "{forwarded}");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |text: &str| client_network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::");
        assert_eq!((of("10.0.0.1"), of("::ffff:10.0.0.1")), ("10.0.0.1".into(), "10.0.0.1".into()));
    }

    #[test]
    fn a_network_in_which_strangers_are_is_told_of() {
        for wide in ["0.0.0.0/0", "::/0", "10.0.0.1, 128.0.0.0/1", "2000::/3", "0.0.0.0/7"] {
            let told = wide.parse::<Proxies>().unwrap().too_wide().unwrap_or_default();
            assert!(told.starts_with("HERALD_TRUSTED_PROXIES has ") && told.contains('/'), "{wide}: {told}");
        }
        for narrow in ["", "10.0.0.0/8", "fc00::/7, 127.0.0.1", "::1", "100.64.0.0/10"] {
            assert_eq!(narrow.parse::<Proxies>().unwrap().too_wide(), None, "{narrow}");
        }
    }

    #[test]
    fn networks_are_checked() {
        for wrong in ["x", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0/8"] {
            assert!(wrong.parse::<Proxies>().is_err(), "{wrong}");
        }
        assert_eq!(" 10.0.0.1 ,::1/64,".parse::<Proxies>().unwrap().0.len(), 2);
    }
}
