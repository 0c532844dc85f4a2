//! Leads: each address is one lead's, however it is written and however many come at once.

use std::collections::BTreeMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, QuerySelect};
use serde_json::{Value as Json, json};

use super::endings::{self, Ending, end_all};
use super::refusal::{self, Said};
use super::{consent, meta, schedule};
use crate::once::{Again, Done};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::{LeadId, NounId};
use domain::retention::lead_field::Field;
use domain::retention::phone_zone;
use domain::retention::states::State;
use domain::retention::words::LeadStatus;
use domain::violation::OnUnique;
use storage::retention::queue::again::{self, Whose};
use storage::retention::{gone_lead, lead, members, refusal as refusals};
use storage::{Tx, noun};

/// What is said of a lead. A new lead has nothing that could stay.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// The fields that are to change; None empties one.
    pub texts: BTreeMap<Field, Option<String>>,
    /// An object of at most 16 KiB, in place of the one that was there.
    pub meta: Option<Json>,
}

/// The changes of a lead.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The new fields.
    pub fields: Fields,
    /// Where it goes; only as the table of transitions allows.
    pub status: Option<LeadStatus>,
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// A lead that was asked for, and whether it had to be made.
#[derive(Debug, Clone)]
pub struct Created {
    /// The lead.
    pub lead: lead::Model,
    /// False: it was there.
    pub is_new: bool,
}

impl Again for Created {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let is_new = done.answer(|told| told["isNew"].as_bool().unwrap_or_default())?;
        Ok(Self { lead: lead::Model::again(on, done).await?, is_new })
    }
}

/// Finds the lead with this email, phone number or id in another system, or makes it: then the campaigns that want new leads get
/// it. A name at Telegram finds the only lead that has it, unless another key says that they are two people. The lead that is found
/// gets the keys that it lacks.
///
/// # Errors
/// [`Error::Conflict`] if these are of several leads; [`Error::Precondition`] if everything is refused at one of the addresses, also
/// because the person was erased. What is refused there of a channel, the lead refuses.
pub async fn create(on: &Services, actor: &Actor, fields: Fields) -> Result<Created> {
    let row = &unknown(on, fields)?;
    on.write(actor, |w| async move {
        if let Some(lead) = known(&w, row).await? {
            return there_already(on, &w, lead, row).await;
        }
        let mut row = row.clone();
        let refused = refusal::obey(on, &w, &mut row, None).await?;
        let row = &row;
        let written = lead::Entity::insert(noun::fresh(row.clone()))
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&w)
            .await?;
        if written == 0 {
            // Somebody else was quicker, and has committed by now.
            let found = known(&w, row).await?;
            let lead = found.ok_or_else(|| Error::Conflict("the lead is just being changed; try again".into()))?;
            return there_already(on, &w, lead, row).await;
        }
        refusal::prove(&w, row.id, &refused).await?;
        let campaigns = members::assign_new(&w, &[row.id], row.created_at).await?;
        // A campaign that takes new leads has changed it.
        let lead = if campaigns > 0 { w.require(row.id).await? } else { row.clone() };
        let metadata = json!({ "isNew": true, "source": lead.source, "campaigns": campaigns });
        w.note_answer(Action::LeadCreated, lead.id, metadata, &true).await?;
        Ok(Created { lead, is_new: true })
    })
    .await
}

/// The lead that was there, and what it lacks of `row`.
async fn there_already(on: &Services, w: &Write, found: lead::Model, row: &lead::Model) -> Result<Created> {
    let (old, lead) = complete(on, w, found.id, |field| row.text(field)).await?;
    if lead == old {
        w.done(old.id, &false).await?;
    } else {
        let metadata = json!({ "from": old.status, "to": lead.status, "version": lead.version });
        w.note_answer(Action::LeadUpdated, lead.id, metadata, &false).await?;
    }
    Ok(Created { lead, is_new: false })
}

/// Gives a lead the keys that it has not and that nobody has, and the name at Telegram: who comes by them next is the same person.
/// Returns it as it was, and as it is now.
///
/// # Errors
/// [`Error::Conflict`] if another lead has a key; [`Error::Precondition`] if everything is refused at one.
pub(crate) async fn complete(
    on: &Services,
    w: &Write,
    id: LeadId,
    told: impl Fn(Field) -> Option<String>,
) -> Result<(lead::Model, lead::Model)> {
    let old = w.require(id).await?;
    let mut new = old.clone();
    for field in Field::COMPLETED.into_iter().filter(|field| old.text(*field).is_none()) {
        new.write(field, told(field));
    }
    if new == old {
        return Ok((old.clone(), old));
    }
    move_zone(Some(&old), &mut new);
    refuse_others(w, &new).await?;
    let refused = refusal::obey(on, w, &mut new, Some(&old)).await?;
    let taken = || Error::Conflict("another lead has this email, phone number or externalId".into());
    let lead = w.replace(&old, new).await.on_any_unique(taken)?;
    refusal::prove(w, lead.id, &refused).await?;
    spread(on, w, &old, &lead).await?;
    if lead.time_zone != old.time_zone {
        again::decide(w, Whose::Lead(id), schedule::now_in(on, w).await?).await?;
    }
    Ok((old, lead))
}

/// The lead that has the row's email, phone number or id in another system; or else the only one that has its name at Telegram, unless
/// something says that they are two people.
async fn known(tx: &Tx, row: &lead::Model) -> Result<Option<lead::Model>> {
    let mut found = match lead::Entity::sharing_keys(row) {
        Some(sharing) => sharing.all(tx).await?,
        None => Vec::new(),
    };
    if found.len() > 1 {
        return Err(several_leads(row, &found));
    }
    if found.is_empty()
        && let Some(id) = &row.external_id
    {
        // One that was merged is a part of another one now.
        found.extend(gone_lead::Entity::kept(tx, &[id]).await?.into_values());
    }
    if found.is_empty()
        && let Some(name) = &row.telegram_username
    {
        lead::lock_name(tx, name).await?;
        found = lead::Entity::known_as(Field::TelegramUsername, name).limit(2).all(tx).await?;
        found.retain(|lead| may_be(lead, |field| row.text(field)));
        // Of several nobody knows who is meant.
        if found.len() > 1 {
            found.clear();
        }
    }
    Ok(found.pop())
}

/// Whether the lead can be who is told of: there is no key of which both have another one.
pub(crate) fn may_be(lead: &lead::Model, told: impl Fn(Field) -> Option<String>) -> bool {
    Field::KEYS.into_iter().all(|field| match (lead.text(field), told(field)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    })
}

/// The error that names the leads of which a row has keys: who merges them needs their ids.
fn several_leads(row: &lead::Model, found: &[lead::Model]) -> Error {
    let owner =
        |field: Field| found.iter().find(|lead| row.text(field).is_some() && lead.text(field) == row.text(field));
    let owned = Field::KEYS.into_iter().filter_map(|field| Some((field.word(), owner(field)?.id.global_id())));
    let told = owned.enumerate().map(|(index, (word, id))| match index {
        0 => format!("the {word} is that of the lead {id}"),
        _ => format!("the {word} that of the lead {id}"),
    });
    Error::Conflict(told.collect::<Vec<_>>().join(", "))
}

/// A lead of which nothing is known but `fields`.
fn unknown(on: &Services, fields: Fields) -> Result<lead::Model> {
    let mut row = validated(lead::Model::new(on.now()), fields)?;
    move_zone(None, &mut row);
    if [&row.email, &row.phone, &row.telegram_username, &row.external_id].iter().all(|key| key.is_none()) {
        return Err(Error::invalid("email", "give an email, a phone, a telegramUsername or an externalId"));
    }
    Ok(row)
}

/// Gives a lead the time zone of its new phone, where that leaves no doubt, unless it has another one than that of the phone it had.
fn move_zone(old: Option<&lead::Model>, new: &mut lead::Model) {
    let of = |lead: &lead::Model| lead.phone.as_deref().and_then(phone_zone::of);
    let before = old.and_then(of);
    let has_own = new.time_zone.is_some() && new.time_zone.as_deref() != before;
    if !has_own && old.is_none_or(|old| old.phone != new.phone) {
        new.time_zone = of(new).map(ToOwned::to_owned);
    }
}

/// The lead with what `fields` say, in its stored form; or all that is wrong with them.
fn validated(mut lead: lead::Model, fields: Fields) -> Result<lead::Model> {
    let mut wrong = Violations::default();
    for (field, text) in fields.texts {
        let text = match (field, text) {
            (Field::Source, None) => continue,
            (Field::Source, Some(text)) => Some(wrong.take(field.name(), field.check(&text))),
            (_, text) => wrong.take_text(field.name(), text, |text| field.check(text)),
        };
        lead.write(field, text);
    }
    if let Some(given) = fields.meta {
        lead.meta = wrong.take("meta", meta::object(given));
    }
    wrong.into_result()?;
    Ok(lead)
}

/// Changes a lead.
///
/// # Errors
/// [`Error::Conflict`] if another lead has the new email, phone number or id in another system.
pub async fn update(on: &Services, actor: &Actor, id: LeadId, change: Change) -> Result<lead::Model> {
    let change = &change;
    // What is wrong with the fields is so of any lead: it is told beside a wrong id.
    validated(lead::Model::new(on.now()), change.fields.clone())?;
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("lead", old.version, change.expected_version)?;
        let mut new = validated(old.clone(), change.fields.clone())?;
        if !change.fields.texts.contains_key(&Field::TimeZone) {
            move_zone(Some(&old), &mut new);
        }
        refuse_others(&w, &new).await?;
        let refused = refusal::obey(on, &w, &mut new, Some(&old)).await?;
        if let Some(status) = change.status.filter(|status| *status != old.status) {
            old.status.require(status)?;
            new.status = status;
            new.status_before = (status == LeadStatus::DoNotContact).then_some(old.status);
        }
        let taken = || Error::Conflict("another lead has this email, phone number or externalId".into());
        let changed = w.replace(&old, new).await.on_any_unique(taken)?;
        refusal::prove(&w, id, &refused).await?;
        spread(on, &w, &old, &changed).await?;
        leave(on, &w, &old, &changed).await?;
        if changed.time_zone != old.time_zone {
            again::decide(&w, Whose::Lead(id), schedule::now_in(on, &w).await?).await?;
        }
        // Nothing of the person itself: the log outlives an erasure.
        let metadata = json!({ "from": old.status, "to": changed.status, "version": changed.version });
        w.note(Action::LeadUpdated, id, metadata).await?;
        Ok(changed)
    })
    .await
}

/// What a lead refuses holds at the addresses that it has now, too.
async fn spread(on: &Services, w: &Write, old: &lead::Model, changed: &lead::Model) -> Result<()> {
    let said = |source: &str| Said { source: source.into(), wording: None, at: w.now };
    if changed.status == LeadStatus::DoNotContact && old.status != LeadStatus::DoNotContact {
        refusal::prove_one(w, changed.id, None, &said("its status was set")).await?;
        refusal::keep_one(on, w, changed, None, &said("its status was set")).await?;
    }
    let has_another_name = old.telegram_username.is_some() && changed.telegram_username != old.telegram_username;
    if has_another_name {
        consent::end_for_name(w, changed.id, "it was said under another Telegram name").await?;
    }
    if !refusals::addresses(changed).eq(refusals::addresses(old)) {
        refusal::keep(on, w, changed, &said("the lead with this address refuses it")).await?;
    }
    Ok(())
}

/// Takes a lead out of all sequences that converted, or must not be contacted any more.
async fn leave(on: &Services, w: &Write, old: &lead::Model, changed: &lead::Model) -> Result<()> {
    let ending = match changed.status {
        status if status == old.status => return Ok(()),
        LeadStatus::Converted => Ending::Converted,
        LeadStatus::DoNotContact => Ending::OptOut,
        _ => return Ok(()),
    };
    end_all(on, w, changed.id, ending).await.map(drop)
}

/// Says which lead has one of the keys, where that is known before the unique index does.
async fn refuse_others(tx: &Tx, new: &lead::Model) -> Result<()> {
    let Some(sharing) = lead::Entity::sharing_keys(new) else { return Ok(()) };
    let Some(other) = sharing.all(tx).await?.into_iter().find(|other| other.id != new.id) else { return Ok(()) };
    let shared =
        Field::KEYS.into_iter().find(|field| other.text(*field).is_some() && other.text(*field) == new.text(*field));
    let (word, id) = (shared.map_or("key", Field::word), other.id.global_id());
    Err(Error::Conflict(format!("the {word} is that of the lead {id}; merge the two, or change that one")))
}

/// Deletes a lead with all that belongs to it: its assignments, contacts, enrollments and consents. Its conversions stay,
/// without it. What it refused stays refused at its addresses. Erasing a person is another thing: that keeps it from coming back.
pub async fn delete(on: &Services, actor: &Actor, id: LeadId) -> Result<lead::Model> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        endings::forgotten(&w, id).await?;
        let said = Said { source: "a lead that was deleted refused it".into(), wording: None, at: w.now };
        refusal::keep(on, &w, &row, &said).await?;
        gone_lead::Entity::note(&w, id, None, (refusal::email_hash(on, &row), None), w.now).await?;
        lead::Entity::delete_by_id(id).exec(&w).await?;
        w.note(Action::LeadDeleted, id, json!({ "source": row.source, "status": row.status })).await?;
        Ok(row)
    })
    .await
}
