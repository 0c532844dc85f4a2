//! Where providers are reached, and where they reach Herald.

/// Addresses, without a slash at their end.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Whether nothing is handed to any provider.
    pub is_simulated: bool,
    /// Of Twilio's API.
    pub twilio: String,
    /// Of VAPI's API.
    pub vapi: String,
    /// Of Instantly's API.
    pub instantly: String,
    /// Whether outgoing webhooks may go to private addresses.
    pub is_private_allowed: bool,
    /// By which providers reach Herald: signatures and callbacks use it.
    pub public: String,
}

/// Twilio's own.
pub const TWILIO: &str = "https://api.twilio.com";
/// VAPI's own.
pub const VAPI: &str = "https://api.vapi.ai";
/// Instantly's own.
pub const INSTANTLY: &str = "https://api.instantly.ai";

/// What follows from a public address that leads nowhere.
pub const AT_HOME: &str = "HERALD_PUBLIC_URL leads to this machine itself: the links in emails don't work for anybody else, and no callback comes in";

impl Endpoints {
    /// Whether the address that others are given leads to their own machines.
    pub fn is_at_home(&self) -> bool {
        let host = url::Url::parse(&self.public).ok().and_then(|url| url.host().map(|host| host.to_owned()));
        match host {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
            None => false,
        }
    }
}

impl Default for Endpoints {
    /// The providers' own, and Herald where it listens by default.
    fn default() -> Self {
        Self {
            is_simulated: false,
            twilio: TWILIO.into(),
            vapi: VAPI.into(),
            instantly: INSTANTLY.into(),
            is_private_allowed: false,
            public: "http://127.0.0.1:8080".into(),
        }
    }
}
