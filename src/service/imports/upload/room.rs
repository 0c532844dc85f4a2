//! Room for uploads: a share for each user, one for all, and what stays free for everything else.
//!
//! Nobody else writes into the data folder of this process, so that what comes in is counted here. To a place that a fleet shares
//! others write too: what they have taken in counts, what is on its way to them does not yet.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::sweep::UNUSED;
use crate::Services;
use domain::error::{Error, Result};
use domain::id::UserId;
use domain::limits::UploadLimits;
use storage::broadcast::upload;

/// What a file takes besides its bytes: many empty ones fill a disk, too.
const FILE: u64 = 4 << 10;
/// After so many bytes it is looked again how much is free.
const LOOK: u64 = 256 << 10;
/// Of the disk, one part of so many stays free,
const SHARE: u64 = 10;
/// but not more than this.
const MOST_FREE: u64 = 2 << 30;

/// The bytes of a user, or of all.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// On their way.
    coming: u64,
    /// That have come since the process started.
    come: u64,
}

/// What comes in, in this process. Copies of it are the same.
#[derive(Debug, Clone, Default)]
pub struct Tallies(Arc<Mutex<HashMap<Option<UserId>, Tally>>>);

/// The room that one upload takes, given back unless it is kept.
pub(super) struct Room {
    tallies: Tallies,
    user: UserId,
    taken: u64,
    /// What was kept before it began, of the user and of all, less what had come until then.
    kept: [u64; 2],
    limits: UploadLimits,
    /// Whose disk it fills; None: it fills none.
    folder: Option<PathBuf>,
    /// Bytes until the next look.
    looked: u64,
}

impl Room {
    /// Room for a file of `user`, of which nothing has come yet.
    pub(super) async fn open(on: &Services, user: UserId) -> Result<Self> {
        let rows = upload::Entity::kept(on.db.reader(), super::of(on), on.now() - UNUSED).await?;
        let bytes = |(_, files, bytes): &(UserId, i64, i64)| bytes.unsigned_abs() + files.unsigned_abs() * FILE;
        let all: u64 = rows.iter().map(bytes).sum();
        let of_user: u64 = rows.iter().filter(|(of, ..)| *of == user).map(bytes).sum();
        let tallies = on.uploads.clone();
        let kept = {
            let tallies = tallies.0.lock();
            let come = |of| tallies.get(&of).map_or(0, |tally: &Tally| tally.come);
            [of_user.wrapping_sub(come(Some(user))), all.wrapping_sub(come(None))]
        };
        let folder = on.files.folder().map(Path::to_path_buf);
        let limits = on.rules.limits.uploads;
        let mut room = Self { tallies, user, taken: 0, kept, limits, folder, looked: 0 };
        room.take(FILE).await?;
        Ok(room)
    }

    /// Refuses a file that says how long it is, if there is not so much room.
    pub(super) fn announce(&self, bytes: u64) -> Result<()> {
        self.reserve(bytes, false)
    }

    /// Takes room for what has come, before it is written.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] if the share of the user or of all is used up, [`Error::Unavailable`] if the disk is.
    pub(super) async fn take(&mut self, bytes: u64) -> Result<()> {
        self.reserve(bytes, true)?;
        self.taken += bytes;
        self.looked = self.looked.saturating_sub(bytes);
        if self.looked == 0 {
            self.looked = LOOK;
            if let Some(folder) = &self.folder {
                require_room(folder, 0).await?;
            }
        }
        Ok(())
    }

    fn reserve(&self, bytes: u64, is_taken: bool) -> Result<()> {
        let mut tallies = self.tallies.0.lock();
        for (of, kept, most) in self.shares() {
            let tally = tallies.entry(of).or_default();
            let used = kept.wrapping_add(tally.come) + tally.coming;
            if used + bytes > most {
                let whose = if of.is_some() { "your uploads" } else { "the uploads of all" };
                return Err(Error::PayloadTooLarge(format!(
                    "{whose} have {used} bytes, and may have {most} (HERALD_LIMIT_UPLOADS): unused ones vanish after a day"
                )));
            }
        }
        if is_taken {
            for (of, ..) in self.shares() {
                tallies.entry(of).or_default().coming += bytes;
            }
        }
        Ok(())
    }

    fn shares(&self) -> [(Option<UserId>, u64, u64); 2] {
        let [of_user, of_all] = self.kept;
        [(Some(self.user), of_user, self.limits.per_user), (None, of_all, self.limits.in_all)]
    }

    /// The file stays.
    pub(super) fn keep(mut self) {
        let taken = std::mem::take(&mut self.taken);
        let mut tallies = self.tallies.0.lock();
        for (of, ..) in self.shares() {
            let tally = tallies.entry(of).or_default();
            tally.coming -= taken;
            tally.come += taken;
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut tallies = self.tallies.0.lock();
        for (of, ..) in self.shares() {
            tallies.entry(of).or_default().coming -= self.taken;
        }
    }
}

/// Refuses what would fill the disk of `folder` by so many bytes more than it may be filled.
pub(crate) async fn require_room(folder: &Path, bytes: u64) -> Result<()> {
    let folder = folder.to_owned();
    let disk = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&folder)).await.map_err(Error::internal)?;
    let disk = disk.map_err(|error| Error::Unavailable(anyhow::Error::new(error).context("the disk of uploads")))?;
    let (all, free) = (disk.f_blocks.saturating_mul(disk.f_frsize), disk.f_bavail.saturating_mul(disk.f_frsize));
    if free > (all / SHARE).min(MOST_FREE).saturating_add(LOOK).saturating_add(bytes) {
        return Ok(());
    }
    let why = "the disk of HERALD_DATA_DIR has no room for uploads: what is free is kept for the database";
    Err(Error::Unavailable(anyhow::anyhow!(why)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Fixture};
    use sea_orm::{EntityTrait, IntoActiveModel};

    #[tokio::test]
    async fn what_comes_and_what_is_kept_counts_and_what_breaks_off_does_not() {
        let mut fixture = Fixture::new(4).await;
        let on = &mut fixture.services;
        let mut rules = (*on.rules).clone();
        rules.limits.uploads = UploadLimits { per_user: 100_000, in_all: 150_000 };
        on.rules = rules.into();
        let [anna, boris] = [testing::user(on.now()), testing::user(on.now())];
        for user in [&anna, &boris] {
            storage::access::user::Entity::insert(user.clone().into_active_model()).exec(on.db.reader()).await.unwrap();
        }
        let open = async |user: UserId| Room::open(on, user).await;
        let too_large = |result: Result<()>| matches!(result, Err(Error::PayloadTooLarge(_)));
        let mut first = open(anna.id).await.unwrap();
        first.take(60_000).await.unwrap();
        let mut second = open(anna.id).await.unwrap();
        assert!(too_large(second.announce(40_000)) && too_large(second.take(40_000).await));
        let mut other = open(boris.id).await.unwrap();
        other.take(60_000).await.unwrap();
        assert!(too_large(other.take(30_000).await), "all together");
        drop(other);
        first.keep();
        assert!(too_large(second.take(40_000).await), "what has come meanwhile");
        drop(second);
        let mut third = open(boris.id).await.unwrap();
        third.take(80_000).await.unwrap();
        drop(third);
        let tally = on.uploads.0.lock()[&None];
        assert_eq!((tally.coming, tally.come), (0, 60_000 + FILE));
    }
}
