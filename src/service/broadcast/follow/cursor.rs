//! A place in a campaign's change log, as clients keep it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use domain::error::{Error, Result, Violation};
use domain::id::BroadcastCampaignId;

/// Everything up to a position of an entry, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The campaign whose log is read.
    pub campaign: BroadcastCampaignId,
    /// The entry.
    pub seq: i64,
    /// The job's position.
    pub position: i32,
}

impl Cursor {
    /// Reads what [`Display`](std::fmt::Display) wrote for the same campaign.
    ///
    /// # Errors
    /// A violation of the argument `after`: it is something else.
    pub fn read(text: &str, campaign: BroadcastCampaignId) -> Result<Self> {
        Self::decode(text, campaign).ok_or_else(|| {
            let message = "is not a cursor of this campaign's job updates".into();
            Error::Invalid(vec![Violation { path: vec!["after".into()], message }])
        })
    }

    fn decode(text: &str, campaign: BroadcastCampaignId) -> Option<Self> {
        let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (mark, place) = bytes.split_first_chunk::<4>()?;
        let (seq, position) = place.split_first_chunk::<8>()?;
        let seq = i64::from_be_bytes(*seq);
        let position = i32::from_be_bytes(position.try_into().ok()?);
        (*mark == mark_of(campaign) && seq > 0 && position >= 0).then_some(Self { campaign, seq, position })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&mark_of(self.campaign));
        bytes[4..12].copy_from_slice(&self.seq.to_be_bytes());
        bytes[12..].copy_from_slice(&self.position.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The last bytes of the id, which are random: by them the cursor of another campaign is refused.
fn mark_of(campaign: BroadcastCampaignId) -> [u8; 4] {
    let [.., a, b, c, d] = *campaign.0.as_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let campaign = BroadcastCampaignId::generate();
        let cursor = Cursor { campaign, seq: i64::MAX, position: 7 };
        let text = cursor.to_string();
        assert_eq!(Cursor::read(&text, campaign).ok(), Some(cursor));
        let other = BroadcastCampaignId::generate();
        for (text, campaign) in [(text.as_str(), other), ("", campaign), ("nonsense", campaign), (&text[1..], campaign)]
        {
            let error = Cursor::read(text, campaign).expect_err("refused");
            assert!(matches!(error, Error::Invalid(found) if found[0].path == ["after"]), "{text}");
        }
    }
}
