//! Whose conversion it is: a sub id or a click id names a contact, a lead, or a lead in another system.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::known::spellings;
use super::{Report, credit, follow};
use crate::Services;
use crate::retention::integration;
use domain::error::Result;
use domain::id::{ContactAttemptId, ConversionId, LeadId};
use domain::retention::credentials::{Keitaro, Provider};
use domain::retention::words::ConversionStatus;
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::retention::{contact_attempt, conversion, gone_lead, lead};

/// What a UUID looks like.
const UUID: &str = "________-____-____-____-____________";

/// Conversions that are looked at in one round.
const ROUND: u64 = 500;

/// The owner of a conversion, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) lead: Option<LeadId>,
    pub(super) attempt: Option<ContactAttemptId>,
}

/// Finds whose conversion a report tells of.
pub(super) async fn find(tx: &Tx, report: &Report) -> Result<Found> {
    if let Some(id) = report.attempt {
        return Ok(by_attempt(tx, id).await?.unwrap_or_default());
    }
    if report.lead.is_some() {
        return Ok(Found { lead: report.lead, attempt: None });
    }
    by_ids(tx, [&report.sub_id, &report.click_id]).await
}

async fn by_ids(tx: &Tx, ids: [&Option<String>; 2]) -> Result<Found> {
    for id in ids.into_iter().flatten() {
        if let Ok(uuid) = Uuid::try_parse(id) {
            if let Some(found) = by_attempt(tx, ContactAttemptId(uuid)).await? {
                return Ok(found);
            }
            // A lead that was merged is a part of another one now.
            let lead = gone_lead::Entity::today(tx, LeadId(uuid)).await?;
            if lead::Entity::by_ids(&[lead]).one(tx).await?.is_some() {
                return Ok(Found { lead: Some(lead), attempt: None });
            }
        }
        let named = lead::Column::ExternalId.is_in(spellings(&[Some(id)]));
        let by_other = lead::Entity::all().filter(named).order_by_asc(lead::Column::Id);
        if let Some(row) = by_other.limit(1).one(tx).await? {
            return Ok(Found { lead: Some(row.id), attempt: None });
        }
        if let Some(kept) = gone_lead::Entity::kept(tx, &[id]).await?.into_values().next() {
            return Ok(Found { lead: Some(kept.id), attempt: None });
        }
    }
    Ok(Found::default())
}

async fn by_attempt(tx: &Tx, id: ContactAttemptId) -> Result<Option<Found>> {
    let row = contact_attempt::Entity::by_ids(&[id]).one(tx).await?;
    Ok(row.map(|row| Found { lead: Some(row.lead_id), attempt: Some(row.id) }))
}

/// Conversions that came before their lead was known are matched as soon as it is.
pub async fn match_later(on: &Services) -> Result<()> {
    use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query};
    let conversion = |column| Expr::col((conversion::Entity, column));
    let named = [conversion::Column::SubId, conversion::Column::ClickId].into_iter().flat_map(|id| {
        let owned = || Expr::col((lead::Entity, lead::Column::ExternalId));
        // In small letters or in capitals, a UUID is the same.
        let spelled = [Func::lower(conversion(id)).into(), Func::upper(conversion(id)).into()];
        let of_uuid = conversion(id).like(UUID).and(owned().is_in::<Expr, _>(spelled));
        [owned().eq(conversion(id)), of_uuid]
    });
    let named = named.fold(Condition::any(), Condition::add);
    let names = Query::select().expr(Expr::val(1)).from(lead::Entity).cond_where(named).to_owned();
    let waiting = conversion::Entity::all()
        .filter(conversion::Column::LeadId.is_null())
        .filter(Expr::exists(names))
        .order_by_asc(conversion::Column::Id)
        .limit(ROUND);
    for row in waiting.all(on.db.reader()).await? {
        match_one(on, row.id).await?;
    }
    Ok(())
}

/// Conversions that were told by a word which nobody understood are what the operator's list says, as soon as it has the word.
pub async fn map_later(on: &Services) -> Result<()> {
    let Some(set_up) = integration::keitaro(on, on.db.reader()).await? else { return Ok(()) };
    let words = set_up.postback_mapping.own_words();
    if words.is_empty() {
        return Ok(());
    }
    let waiting = conversion::Entity::all()
        .filter(conversion::Column::OriginalStatus.is_in(words))
        .filter(conversion::Column::Source.eq(Provider::Keitaro.name()))
        .order_by_asc(conversion::Column::Id)
        .limit(ROUND);
    for row in waiting.all(on.db.reader()).await? {
        map_one(on, &row, &set_up).await?;
    }
    Ok(())
}

async fn map_one(on: &Services, seen: &conversion::Model, set_up: &Keitaro) -> Result<()> {
    on.system_write(|w| async move {
        let lead = super::locked(&w, seen.lead_id).await?;
        let Some(row) = conversion::Entity::by_ids(&[seen.id]).lock_exclusive().one(&w).await? else { return Ok(()) };
        let word = row.original_status.as_deref();
        let Some(status) = word.and_then(|word| set_up.postback_mapping.status(word)) else { return Ok(()) };
        if row.lead_id != seen.lead_id {
            // Somebody was quicker: at the next turn.
            return Ok(());
        }
        let is_rejected = status == ConversionStatus::Rejected;
        let revenue_micros = if is_rejected { 0 } else { row.revenue_micros };
        let new = conversion::Model { status, original_status: None, revenue_micros, ..row.clone() };
        let clicked = credit::clicked(&row);
        let new = credit::assign(on, &w, new, lead.as_ref(), clicked).await?;
        let row = w.replace(&row, new).await?;
        w.tell(Event::Report);
        follow(on, &w, &row, lead, set_up.lead_converts).await
    })
    .await
}

async fn match_one(on: &Services, id: ConversionId) -> Result<()> {
    let lead_converts = integration::keitaro(on, on.db.reader()).await?.is_none_or(|keitaro| keitaro.lead_converts);
    on.system_write(|w| async move {
        let Some(row) = conversion::Entity::by_ids(&[id]).one(&w).await? else { return Ok(()) };
        let found = by_ids(&w, [&row.sub_id, &row.click_id]).await?;
        let Some(lead) = found.lead else { return Ok(()) };
        let lead = w.require(lead).await?;
        let row = w.require(id).await?;
        if row.lead_id.is_none() {
            let new = credit::assign(on, &w, row.clone(), Some(&lead), found.attempt).await?;
            let row = w.replace(&row, new).await?;
            w.tell(Event::Report);
            follow(on, &w, &row, Some(lead), lead_converts).await?;
        }
        Ok(())
    })
    .await
}
