//! Conversions that somebody corrects or takes back: what followed from them follows from what they are now.

use sea_orm::ModelTrait;
use serde_json::json;

use super::{counts, credit, follow, locked, taken_back};
use crate::retention::integration;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::{ConversionId, LeadId};
use domain::money::{self, Micros};
use domain::retention::words::ConversionStatus;
use events::Event;
use storage::Noun;
use storage::retention::{conversion, lead};

/// What is to change of a conversion; what is None stays.
#[derive(Debug, Clone, Default)]
pub struct Correction {
    /// What it stands for.
    pub status: Option<ConversionStatus>,
    /// What it brought.
    pub revenue: Option<Micros>,
    /// In which money.
    pub currency: Option<String>,
    /// Whose it is.
    pub lead: Option<LeadId>,
    /// The version that it is meant for.
    pub expected_version: Option<i32>,
}

/// Corrects a conversion: any status may follow any other. Its lead, and the one that it was credited to before, are where their
/// conversions bring them.
///
/// # Errors
/// `NOT_FOUND`; CONFLICT if it has another version; [`Error::Invalid`] for an amount of one that is REJECTED.
pub async fn correct(on: &Services, actor: &Actor, id: ConversionId, to: Correction) -> Result<conversion::Model> {
    let mut wrong = Violations::default();
    let currency = to.currency.map(|currency| wrong.take("currency", money::currency(&currency)));
    let is_amount = to.revenue.is_none_or(|revenue| (-super::MOST..=super::MOST).contains(&revenue.0));
    wrong.require(is_amount, "revenue", "must be at most a thousand million");
    wrong.into_result()?;
    let to = &Correction { currency, ..to };
    on.write(actor, |w| async move {
        let (old, leads) = lock(&w, id, to.lead).await?;
        require_version("conversion", old.version, to.expected_version)?;
        if to.lead.is_some_and(|wanted| !leads.iter().any(|lead| lead.id == wanted)) {
            return Err(Error::NotFound("lead"));
        }
        let new = corrected(&old, to)?;
        let of = |id: Option<LeadId>| leads.iter().find(|lead| Some(lead.id) == id);
        let owner = to.lead.or(old.lead_id);
        // Of another lead no contact was clicked.
        let clicked = credit::clicked(&old).filter(|_| owner == old.lead_id);
        let new = credit::assign(on, &w, new, of(owner), clicked).await?;
        let row = w.replace(&old, new).await?;
        let lead_converts = lead_converts(on, &w, &row).await?;
        let counted = counts(&old, lead_converts).then_some(old.lead_id).flatten();
        let counts_now = counts(&row, lead_converts).then_some(row.lead_id).flatten();
        if counted != counts_now {
            if let Some(lead) = of(counted) {
                taken_back(&w, lead.clone(), lead_converts).await?;
            }
            follow(on, &w, &row, of(counts_now).cloned(), lead_converts).await?;
        }
        w.tell(Event::Report);
        w.note(Action::ConversionCorrected, id, json!({ "from": noted(&old), "to": noted(&row) })).await?;
        Ok(row)
    })
    .await
}

/// Takes a conversion back for good: it is in no list and no report, and its lead has not converted by it.
///
/// # Errors
/// `NOT_FOUND`; CONFLICT if it has another version.
pub async fn delete(
    on: &Services,
    actor: &Actor,
    id: ConversionId,
    expected: Option<i32>,
) -> Result<conversion::Model> {
    on.write(actor, |w| async move {
        let (old, leads) = lock(&w, id, None).await?;
        require_version("conversion", old.version, expected)?;
        old.clone().delete(&w).await?;
        let lead_converts = lead_converts(on, &w, &old).await?;
        if let Some(lead) = leads.into_iter().next().filter(|_| counts(&old, lead_converts)) {
            taken_back(&w, lead, lead_converts).await?;
        }
        w.tell(Event::Report);
        w.note(Action::ConversionDeleted, id, noted(&old)).await?;
        Ok(old)
    })
    .await
}

/// The conversion, locked after its lead and the one that it shall have: in this order all lock.
async fn lock(w: &Write, id: ConversionId, wanted: Option<LeadId>) -> Result<(conversion::Model, Vec<lead::Model>)> {
    let seen = conversion::Entity::by_ids(&[id]).one(w).await?.ok_or(Error::NotFound("conversion"))?;
    let mut ids: Vec<LeadId> = [seen.lead_id, wanted].into_iter().flatten().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut leads = Vec::new();
    for id in ids {
        leads.extend(locked(w, Some(id)).await?);
    }
    let row = w.require(id).await?;
    if row.lead_id != seen.lead_id {
        return Err(Error::Conflict("somebody else is just changing this conversion; repeat it in a moment".into()));
    }
    Ok((row, leads))
}

fn corrected(old: &conversion::Model, to: &Correction) -> Result<conversion::Model> {
    let status = to.status.unwrap_or(old.status);
    let is_rejected = status == ConversionStatus::Rejected;
    if is_rejected && to.revenue.is_some_and(|revenue| revenue.0 != 0) {
        return Err(Error::invalid(
            "revenue",
            "nothing is left of a conversion that is REJECTED: give 0, or no revenue",
        ));
    }
    let revenue_micros = if is_rejected { 0 } else { to.revenue.map_or(old.revenue_micros, |revenue| revenue.0) };
    Ok(conversion::Model {
        status,
        revenue_micros,
        currency: to.currency.clone().unwrap_or_else(|| old.currency.clone()),
        // What a person says of it is understood; its own word stays in what was posted.
        original_status: old.original_status.clone().filter(|_| to.status.is_none()),
        ..old.clone()
    })
}

/// Whether one of this source that is only a LEAD counts as a conversion.
async fn lead_converts(on: &Services, w: &Write, row: &conversion::Model) -> Result<bool> {
    let set_up = if row.source == "keitaro" { integration::keitaro(on, w).await? } else { None };
    Ok(set_up.is_none_or(|set_up| set_up.lead_converts))
}

fn noted(row: &conversion::Model) -> serde_json::Value {
    json!({
        "status": row.status, "revenueMicros": row.revenue_micros, "currency": row.currency, "leadId": row.lead_id, "source": row.source,
    })
}
