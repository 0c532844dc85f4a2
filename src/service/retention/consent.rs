//! What leads agree to and what they take back: the channels on which they must not be contacted, and the proof.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{EntityTrait, IntoActiveModel, Iterable};
use serde_json::json;

use super::endings::{Ending, end_all};
use super::refusal::{self, Said};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Result, Violations, require_version};
use domain::id::{ConsentId, LeadId};
use domain::retention::words::{ConsentKind, ContactChannel};
use domain::text::{self, Bounds};
use storage::retention::queue::surroundings;
use storage::retention::{consent, lead};

/// By how much the clock of who tells of a word may be ahead.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// A lead's word: consent or refusal.
#[derive(Debug, Clone)]
pub struct Word {
    /// About these channels; None: about all.
    pub channels: Option<Vec<ContactChannel>>,
    /// Whether it must not be contacted on them, or may be.
    pub is_refusal: bool,
    /// How it came, at most 200 characters.
    pub source: String,
    /// The text that it agreed to, at most 2,000 characters.
    pub wording: Option<String>,
    /// When, not in the future; None: now.
    pub at: Option<DateTime<Utc>>,
    /// The version that it is meant for.
    pub expected_version: Option<i32>,
}

/// Writes down what a lead said, and obeys it: from the commit on nothing is sent on a channel that it refuses. Who refuses all
/// of them leaves all sequences. What is lifted is what is named: a channel, or the refusal of everything, and then what was refused
/// of channels before is as it was.
pub async fn set(on: &Services, actor: &Actor, id: LeadId, word: Word) -> Result<lead::Model> {
    let word = &checked(word, on.now())?;
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        require_version("lead", row.version, word.expected_version)?;
        let changed = obey(on, &w, row, word).await?;
        if word.is_refusal && word.channels.is_none() {
            end_all(on, &w, id, Ending::OptOut).await?;
        }
        let metadata = json!({ "channels": word.channels, "isRefusal": word.is_refusal, "source": word.source });
        w.note(Action::LeadDoNotContactSet, id, metadata).await?;
        Ok(changed)
    })
    .await
}

/// Whether a lead has agreed to be written to on Telegram.
pub async fn has_agreed(w: &Write, id: LeadId) -> Result<bool> {
    surroundings::agreed(&**w, &[id], w.now).await.map(|found| found.get(&id).copied().unwrap_or_default())
}

/// Ends what a lead has agreed to on Telegram, if it has: it was said by who had another name there.
pub async fn end_for_name(w: &Write, id: LeadId, source: &str) -> Result<()> {
    if !has_agreed(w, id).await? {
        return Ok(());
    }
    let ended = consent::Model {
        id: ConsentId::generate(),
        lead_id: id,
        channel: Some(ContactChannel::Telegram),
        kind: ConsentKind::Withdrawn,
        source: source.to_owned(),
        wording: None,
        given_at: w.now,
        created_at: w.now,
    };
    consent::Entity::insert(ended.into_active_model()).exec_without_returning(w).await?;
    Ok(())
}

fn checked(word: Word, now: DateTime<Utc>) -> Result<Word> {
    let mut wrong = Violations::default();
    wrong.require(word.channels.as_ref().is_none_or(|list| !list.is_empty()), "channels", "must not be empty");
    wrong.require(word.at.is_none_or(|at| at <= now + AHEAD), "givenAt", "must not lie in the future");
    let source = wrong.take("source", text::line(&word.source, Bounds::NAME));
    let wording = wrong.take_text("wording", word.wording, |text| text::prose(text, Bounds::DESCRIPTION));
    wrong.into_result()?;
    let each_once = |list: Vec<_>| ContactChannel::iter().filter(|channel| list.contains(channel)).collect();
    let channels = word.channels.map(each_once);
    Ok(Word { channels, source, wording, ..word })
}

/// Writes the proof down, changes the lead, which is locked, and what is refused at its addresses.
async fn obey(on: &Services, w: &Write, old: lead::Model, word: &Word) -> Result<lead::Model> {
    let kind = if word.is_refusal { ConsentKind::Withdrawn } else { ConsentKind::Given };
    let about: Vec<Option<ContactChannel>> = match &word.channels {
        Some(channels) => channels.iter().copied().map(Some).collect(),
        None => vec![None],
    };
    let consents = about.iter().map(|channel| {
        let proof = consent::Model {
            id: ConsentId::generate(),
            lead_id: old.id,
            channel: *channel,
            kind,
            source: word.source.clone(),
            wording: word.wording.clone(),
            given_at: word.at.unwrap_or(w.now),
            created_at: w.now,
        };
        proof.into_active_model()
    });
    consent::Entity::insert_many(consents).exec_without_returning(w).await?;
    let mut row = old.clone();
    let said = Said { source: word.source.clone(), wording: word.wording.clone(), at: word.at.unwrap_or(w.now) };
    for channel in about {
        match channel {
            Some(channel) => row.refuse(channel, word.is_refusal),
            None if word.is_refusal => row.close(),
            None => row.reopen(),
        }
        if word.is_refusal {
            refusal::keep_one(on, w, &row, channel, &said).await?;
        } else {
            refusal::lift_of(on, w, &row, channel, &said.source).await?;
        }
    }
    w.replace(&old, row).await
}
