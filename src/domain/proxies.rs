//! Proxies in front of Herald, and which address a request came from.

use std::net::IpAddr;
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

    /// The address that a request came from: `peer` is at the other end of the connection, `forwarded` is what
    /// `X-Forwarded-For` says. Each proxy appends whom it was called by, so the last that is no proxy is believed.
    pub fn client(&self, peer: IpAddr, forwarded: &str) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in forwarded.rsplit(',').map(str::trim) {
            if !self.contains(client) {
                break;
            }
            let Ok(address) = hop.parse::<IpAddr>() else { break };
            client = address.to_canonical();
        }
        client
    }
}

impl Network {
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
        proxies.parse::<Proxies>().unwrap().client(peer.parse().unwrap(), forwarded).to_string()
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
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", "6.6.6.6, nonsense"), "10.0.0.1");
        assert_eq!(client("0.0.0.0/0", "10.0.0.1", "6.6.6.6, 1.2.3.4"), "6.6.6.6");
        assert_eq!(client("10.0.0.1", "10.0.0.1", ""), "10.0.0.1");
    }

    #[test]
    fn networks_are_checked() {
        for wrong in ["x", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0/8"] {
            assert!(wrong.parse::<Proxies>().is_err(), "{wrong}");
        }
        assert_eq!(" 10.0.0.1 ,::1/64,".parse::<Proxies>().unwrap().0.len(), 2);
    }
}
