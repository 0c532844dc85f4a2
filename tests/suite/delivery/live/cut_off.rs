//! Accounts whose connections to the database are lost without a word send on.

use std::time::Duration;

use domain::broadcast::CampaignStatus;

use super::super::fixture::names;
use super::field::Field;
use crate::harness::{Cable, Postgres, only_on, within};

#[tokio::test]
async fn heavy_connections_that_are_lost_without_a_word_stop_no_account() {
    if !only_on(Postgres, "SQLite is a file: there is no way to it that could be lost") {
        return;
    }
    let mut field = Field::open(3).await;
    let cable = Cable::to(&field.office.database().server()).await;
    let behind = field.office.database().by(cable.port).open(field.office.folder.path()).await;
    let direct = std::mem::replace(&mut field.office.on.db, behind);
    let id = field.office.campaign(&names("lost", 300), 1_200).await;
    field.office.start(id).await;
    let worker = field.worker();
    // The test itself looks past the cable.
    field.office.on.db = direct;
    field.until("some are sent", async || field.sends().len() > 20).await;
    cable.forget();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = field.sends().len();
    within(Duration::from_secs(10), "sends go on", async || {
        let sends = field.sends().len();
        if sends >= before + 20 { Ok(()) } else { Err(sends) }
    })
    .await;
    let row = field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.unknown), (300, 0));
    field.assert_once();
    field.office.assert_counters(id).await;
}
