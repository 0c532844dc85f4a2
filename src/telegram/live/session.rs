//! What the protocol's library may know and keep: one address and one key, which it can't change.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::atomic::{AtomicBool, Ordering};

use grammers_session::types::{DcOption, PeerId, PeerInfo, UpdateState, UpdatesState};
use grammers_session::{BoxFuture, Session, SessionData};

use super::Credentials;

/// A session that stays as it is.
///
/// The library overwrites addresses at each connection; and if the server does not know the key, it agrees upon another one
/// and keeps that instead: the account would look logged out for ever.
pub(super) struct Pinned {
    home: DcOption,
    refused: AtomicBool,
}

/// The library came with another key.
#[derive(Debug, thiserror::Error)]
#[error("another key than the account's own is not kept")]
pub(super) struct ForeignKey;

impl Pinned {
    /// The account's key at its data centre, or at the server that stands in.
    ///
    /// # Errors
    /// The server's name leads nowhere, or there is no such data centre.
    pub(super) async fn new(of: &Credentials) -> std::io::Result<Self> {
        let id = i32::from(of.dc);
        let (ipv4, ipv6) = match &of.server {
            Some(server) => addresses(tokio::net::lookup_host(&**server).await?.next())?,
            None => match SessionData::default().dc_options.remove(&id) {
                Some(known) => (known.ipv4, known.ipv6),
                None => return Err(std::io::Error::other("there is no such data centre")),
            },
        };
        let home = DcOption { id, ipv4, ipv6, auth_key: Some(*of.key) };
        Ok(Self { home, refused: AtomicBool::new(false) })
    }

    /// Whether the server did not know the key.
    pub(super) fn has_refused_a_key(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Where the data centre is.
    pub(super) fn address(&self) -> SocketAddr {
        if self.is_ipv6() { self.home.ipv6.into() } else { self.home.ipv4.into() }
    }

    /// Whether the address is one of IPv6 only.
    pub(super) fn is_ipv6(&self) -> bool {
        self.home.ipv4.port() == 0
    }
}

/// Both forms of an address; one of IPv6 has no form in IPv4, which then has the port 0.
fn addresses(found: Option<SocketAddr>) -> std::io::Result<(SocketAddrV4, SocketAddrV6)> {
    match found {
        Some(SocketAddr::V4(v4)) => Ok((v4, SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0))),
        Some(SocketAddr::V6(v6)) => Ok((SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), v6)),
        None => Err(std::io::Error::other("the server's name leads to no address")),
    }
}

impl Session for Pinned {
    type Error = ForeignKey;

    fn home_dc_id(&self) -> Result<i32, ForeignKey> {
        Ok(self.home.id)
    }

    fn set_home_dc_id(&self, _: i32) -> BoxFuture<'_, Result<(), ForeignKey>> {
        Box::pin(async { Ok(()) })
    }

    /// Only the account's own data centre: at another one the library would agree upon a key.
    fn dc_option(&self, id: i32) -> Result<Option<DcOption>, ForeignKey> {
        Ok((id == self.home.id).then(|| self.home.clone()))
    }

    fn set_dc_option(&self, option: &DcOption) -> BoxFuture<'_, Result<(), ForeignKey>> {
        let is_foreign = option.id == self.home.id && option.auth_key != self.home.auth_key;
        if is_foreign {
            self.refused.store(true, Ordering::Relaxed);
        }
        Box::pin(async move { if is_foreign { Err(ForeignKey) } else { Ok(()) } })
    }

    fn peer(&self, _: PeerId) -> BoxFuture<'_, Result<Option<PeerInfo>, ForeignKey>> {
        Box::pin(async { Ok(None) })
    }

    fn cache_peer(&self, _: PeerInfo) -> BoxFuture<'_, Result<(), ForeignKey>> {
        Box::pin(async { Ok(()) })
    }

    fn updates_state(&self) -> BoxFuture<'_, Result<UpdatesState, ForeignKey>> {
        Box::pin(async { Ok(UpdatesState::default()) })
    }

    fn set_update_state(&self, _: UpdateState) -> BoxFuture<'_, Result<(), ForeignKey>> {
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn neither_key_nor_address_can_be_overwritten() {
        let credentials = Credentials { dc: 2, key: Arc::new([7; 256]), api_id: 1, server: Some("127.0.0.1:9".into()) };
        let session = Pinned::new(&credentials).await.unwrap();
        let own = session.dc_option(2).unwrap().unwrap();
        let moved = DcOption { ipv4: SocketAddrV4::new([192, 0, 2, 1].into(), 443), ..own.clone() };
        session.set_dc_option(&moved).await.unwrap();
        assert!(!session.has_refused_a_key());
        let stolen = DcOption { auth_key: Some([8; 256]), ..own.clone() };
        assert!(session.set_dc_option(&stolen).await.is_err());
        assert!(session.has_refused_a_key());
        assert_eq!(session.dc_option(2).unwrap().unwrap(), own);
        assert_eq!(session.dc_option(3).unwrap(), None);
    }
}
