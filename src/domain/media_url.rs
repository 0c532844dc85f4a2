//! Where the media of messages may come from: the server fetches it, so it must not be led to the networks behind it.
//!
//! This looks at the address as it is written. Whoever fetches must look at the resolved addresses too, by [`is_public`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The longest URL, in bytes.
const LIMIT: usize = 2_048;

/// Names that lead to this machine or into its network.
const PRIVATE_NAMES: [&str; 8] =
    ["localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa", "private"];

/// The URL in its normal form, if media may be fetched from it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(written: &str) -> Result<String, &'static str> {
    if written.len() > LIMIT {
        return Err("must have at most 2,048 bytes");
    }
    let url = Url::parse(written.trim()).map_err(|_| "must be a URL such as https://example.com/photo.jpg")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must be an http or https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name or a password in it");
    }
    let is_public = match url.host() {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        None => false,
    };
    if is_public { Ok(url.into()) } else { Err("must not lead to a private or loopback address") }
}

/// A name with a dot in it, and none that is known to be private.
fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let is_under = |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !PRIVATE_NAMES.iter().any(|zone| is_under(zone))
}

/// Whether an address belongs to the internet at large.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || is_shared
        || is_protocol
        || is_benchmark)
}

/// Only `2000::/3` is given out; in it, addresses that carry another one are judged by that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let segments = address.segments();
    match segments {
        // NAT64 and 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        // Teredo, benchmarks, ORCHID, documentation.
        [0x2001, 0 | 2 | 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [0x2001, second, ..] if second & 0xfff0 == 0x10 || second & 0xfff0 == 0x20 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_internet_is_allowed() {
        for (written, normal) in [
            ("https://example.com/photo.jpg?x=1#y", "https://example.com/photo.jpg?x=1#y"),
            (" HTTP://Example.COM:8080 ", "http://example.com:8080/"),
            ("https://президент.рф/", "https://xn--d1abbgf6aiiy.xn--p1ai/"),
            ("https://93.184.215.14/a", "https://93.184.215.14/a"),
            ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/"),
            ("https://localhost.example.com/", "https://localhost.example.com/"),
        ] {
            assert_eq!(check(written).as_deref(), Ok(normal));
        }
    }

    #[test]
    fn no_way_of_writing_leads_inside() {
        for written in [
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://printer/",
            "http://printer.local/",
            "http://metadata.google.internal/",
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://0/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[2001:db8::1]/",
            "http://１２７.0.0.1/",
        ] {
            assert_eq!(check(written), Err("must not lead to a private or loopback address"), "{written}");
        }
    }

    #[test]
    fn other_schemes_and_nonsense_are_refused() {
        for written in ["", "example.com", "ftp://example.com/", "file:///etc/passwd", "data:image/png;base64,AA=="] {
            assert!(check(written).is_err(), "{written}");
        }
        assert!(check("https://user:secret@example.com/").is_err());
        assert!(check("https://user@example.com/").is_err());
        assert!(check(&format!("https://example.com/{}", "x".repeat(2_100))).is_err());
    }
}
