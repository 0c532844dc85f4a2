//! Who watches a sequence hears at once when an enrollment in it ends, whatever ended it.

use std::time::Duration;

use domain::id::RetentionSequenceId;
use domain::retention::words::{ContactChannel, LeadStatus};
use events::Event;
use service::retention::{consent, lead, lead_erase, lead_merge, unsubscribe};
use service::{Actor, Services};
use storage::retention::{enrollment, lead as row, sequence, sequence_step};

use super::rows;
use crate::harness::TestApp;

/// A lead on its way through the sequence.
async fn enrolled(on: &Services, sequence: RetentionSequenceId) -> row::Model {
    let lead = rows::lead(on.now());
    rows::insert::<row::Entity, _>(on, vec![lead.clone()]).await;
    rows::insert::<enrollment::Entity, _>(on, vec![rows::enrollment(sequence, lead.id, on.now())]).await;
    lead
}

/// Does `work`, after which the sequence must be told.
async fn tells<T>(on: &Services, sequence: RetentionSequenceId, what: &str, work: impl Future<Output = T>) {
    let mut events = on.events.subscribe();
    work.await;
    let told = async { while events.next().await != Event::Sequence(sequence) {} };
    tokio::time::timeout(Duration::from_secs(5), told).await.unwrap_or_else(|_| panic!("{what} tells nobody"));
}

#[tokio::test]
async fn whatever_ends_an_enrollment_tells_its_sequence() {
    let herald = TestApp::api_only().await;
    let (on, actor) = (herald.services(), &Actor::system());
    let sequence = rows::sequence(on.now());
    let id = sequence.id;
    rows::insert::<sequence::Entity, _>(on, vec![sequence]).await;
    rows::insert::<sequence_step::Entity, _>(on, vec![rows::step(id, 1, on.now())]).await;

    let one = enrolled(on, id).await.id;
    tells(on, id, "a deletion", async { lead::delete(on, actor, one).await.unwrap() }).await;

    let (keep, duplicate) = (enrolled(on, id).await.id, enrolled(on, id).await.id);
    let merge = lead_merge::Merge { keep, duplicate, takes_addresses: true, expected_version: None };
    tells(on, id, "a merge", async { lead_merge::merge(on, actor, merge).await.unwrap() }).await;

    let one = enrolled(on, id).await.id;
    tells(on, id, "an erasure", async { lead_erase::erase(on, actor, one).await.unwrap() }).await;

    let one = enrolled(on, id).await.id;
    let word = consent::Word {
        channels: None,
        is_refusal: true,
        source: "a letter".into(),
        wording: None,
        at: None,
        expected_version: None,
    };
    tells(on, id, "an opt-out", async { consent::set(on, actor, one, word).await.unwrap() }).await;

    let one = enrolled(on, id).await;
    assert!(!one.refuses(ContactChannel::Email));
    let link = unsubscribe::url(on, &one);
    let token = link.rsplit('/').next().unwrap();
    tells(on, id, "a click on the link", async {
        assert_eq!(unsubscribe::unsubscribe(on, token).await.unwrap(), unsubscribe::Clicked::Refused);
    })
    .await;

    for status in [LeadStatus::Converted, LeadStatus::DoNotContact] {
        let one = enrolled(on, id).await.id;
        let change = lead::Change { status: Some(status), ..lead::Change::default() };
        tells(on, id, "a change of status", async { lead::update(on, actor, one, change).await.unwrap() }).await;
    }
}
