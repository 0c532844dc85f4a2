//! Who gets which arm.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The arm of `lead` in `test`, by position in `weights`: always the same one, evenly spread over leads, and independent of
/// all other tests. With no weight at all it is the first.
pub fn assign(test: Uuid, lead: Uuid, weights: &[u32]) -> usize {
    let hash = Sha256::new().chain_update(test.as_bytes()).chain_update(lead.as_bytes()).finalize();
    let (head, _) = hash.split_first_chunk::<8>().expect("a SHA-256 has 32 bytes");
    let all: u64 = weights.iter().copied().map(u64::from).sum();
    let place = u64::try_from((u128::from(u64::from_be_bytes(*head)) * u128::from(all)) >> 64).unwrap_or_default();
    let mut end = 0;
    let found = weights.iter().position(|weight| {
        end += u64::from(*weight);
        place < end
    });
    found.unwrap_or_default()
}
