//! Recording and crediting conversions.

use chrono::TimeDelta;

use crate::prelude::*;
use ::service::retention::conversion::{self as service, Report};
use domain::id::{ContactAttemptId, LeadId};
use domain::retention::attribution::{AttributionModel, Rule};
use domain::retention::words::ConversionStatus;

/// A conversion that somebody tells of. The same source, click or sub id and transaction are the same conversion: told again it
/// changes nothing, told with a later status it moves on.
#[derive(InputObject)]
struct RecordConversionInput {
    /// Who converted, if that is known.
    lead_id: Option<ID>,
    /// The contact whose link was clicked, if that is known.
    contact_attempt_id: Option<ID>,
    /// The sub id of the link: a contact's, a lead's, or a lead's `externalId`.
    sub_id: Option<String>,
    /// The id that a tracker gave to the click.
    click_id: Option<String>,
    /// Tells several conversions of one click apart.
    transaction_id: Option<String>,
    /// Who tells it, in small letters; `manual` by default.
    #[graphql(default_with = "String::from(\"manual\")")]
    source: String,
    /// What it stands for.
    status: ConversionStatus,
    /// What it brought.
    revenue: Option<Decimal>,
    /// The currency of the revenue, as in ISO 4217; USD by default.
    #[graphql(default_with = "String::from(\"USD\")")]
    currency: String,
    /// What else is known, an object of at most 16 KiB.
    postback_data: Option<Json>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The conversion that was recorded.
#[derive(SimpleObject)]
struct RecordConversionPayload {
    /// The conversion, as it is now.
    conversion: Conversion,
    /// Whether it was not known before. Two sales of one lead are two conversions only by their `transactionId`, or their `clickId`.
    is_new: bool,
}

/// What is to change of a conversion. What is left out stays.
#[derive(InputObject)]
struct CorrectConversionInput {
    /// Which conversion.
    id: ID,
    /// What it stands for; any status may follow any other.
    status: Option<ConversionStatus>,
    /// What it brought. Of one that is REJECTED nothing is left.
    revenue: Option<Decimal>,
    /// The currency of the revenue, as in ISO 4217.
    currency: Option<String>,
    /// Who converted.
    lead_id: Option<ID>,
    /// The version that you have seen: if it is another one by now, nothing is changed.
    expected_version: Option<i32>,
}

/// The conversion that was corrected.
#[derive(SimpleObject)]
struct CorrectConversionPayload {
    /// The conversion, as it is now.
    conversion: Conversion,
}

/// The conversion that is to be taken back for good.
#[derive(InputObject)]
struct DeleteConversionInput {
    /// Which conversion.
    id: ID,
    /// The version that you have seen: if it is another one by now, nothing is deleted.
    expected_version: Option<i32>,
}

/// The conversion that was taken back.
#[derive(SimpleObject)]
struct DeleteConversionPayload {
    /// The id that it had.
    deleted_id: ID,
}

/// How conversions are to be credited from now on.
#[derive(InputObject)]
struct RecomputeAttributionInput {
    /// To whom they are credited.
    model: AttributionModel,
    /// How many days before the conversion a contact may lie, 1 to 365; 30 by default.
    #[graphql(default = 30)]
    window_days: i32,
    /// Those that were first told at this instant or later.
    since: DateTime,
}

/// What was credited anew.
#[derive(SimpleObject)]
struct RecomputeAttributionPayload {
    /// So many conversions were looked at; until now, if there is a task.
    conversions: i32,
    /// Where there are more than a few hundred: the task that computes their credit. Until it is COMPLETED all have the one that they had.
    /// Null otherwise.
    task: Option<Task>,
}

/// Records and credits conversions.
#[derive(Default)]
pub struct ConversionMutation;

#[Object]
impl ConversionMutation {
    /// Records a conversion by hand or from a system of yours. Its lead is CONVERTED, and nothing more is sent to it.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn record_conversion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which conversion.")] input: RecordConversionInput,
    ) -> Result<RecordConversionPayload> {
        let repeat = input.repeat.clone();
        let (on, actor, report) = (ctx.services(), ctx.actor_once(repeat)?, report(input)?);
        let recorded = once(on, &actor, service::record(on, &actor, report)).await?;
        Ok(RecordConversionPayload { conversion: recorded.conversion.into(), is_new: recorded.is_new })
    }

    /// Corrects a conversion: what it stands for, what it brought, or whose it is. A lead that has converted by it alone, and no longer has,
    /// is where its contacts have brought it.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn correct_conversion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which conversion, and what.")] input: CorrectConversionInput,
    ) -> Result<CorrectConversionPayload> {
        let CorrectConversionInput { id, status, revenue, currency, lead_id, expected_version } = input;
        let correction = service::Correction {
            status,
            revenue: revenue.map(|Decimal(amount)| amount),
            currency,
            lead: lead_id.input("leadId")?,
            expected_version,
        };
        let id = id.input("id")?;
        let conversion = service::correct(ctx.services(), &ctx.actor(), id, correction).boxed().await?;
        Ok(CorrectConversionPayload { conversion: conversion.into() })
    }

    /// Takes a conversion back for good, such as one that was recorded by mistake: it is in no list and no report any more. Told once more
    /// it would be recorded anew; one that shall stay taken back is corrected to REJECTED.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_conversion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which conversion.")] input: DeleteConversionInput,
    ) -> Result<DeleteConversionPayload> {
        let id = input.id.input("id")?;
        let row = service::delete(ctx.services(), &ctx.actor(), id, input.expected_version).boxed().await?;
        Ok(DeleteConversionPayload { deleted_id: row.id.global() })
    }

    /// Credits conversions anew by another model or window, all of them at once: reports show the revenue by the old model until then.
    /// Of more than a few hundred it answers within a second, and a `task` goes on. New ones go on being credited as the settings say.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn recompute_attribution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which conversions, and how.")] input: RecomputeAttributionInput,
    ) -> Result<RecomputeAttributionPayload> {
        let RecomputeAttributionInput { model, window_days, since } = input;
        if !(1..=365).contains(&window_days) {
            return Err(Error::invalid("windowDays", "must be 1 to 365"));
        }
        let rule = Rule { model, window: TimeDelta::days(window_days.into()) };
        let made = service::recompute(ctx.services(), &ctx.actor(), rule, since.0).boxed().await?;
        Ok(RecomputeAttributionPayload { conversions: made.conversions, task: made.task.map(Into::into) })
    }
}

fn report(input: RecordConversionInput) -> Result<Report> {
    let RecordConversionInput {
        lead_id,
        contact_attempt_id,
        sub_id,
        click_id,
        transaction_id,
        source,
        status,
        revenue,
        currency,
        postback_data,
        repeat: _,
    } = input;
    let some = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let data = postback_data.map(|Json(data)| data);
    if data.as_ref().is_some_and(|data| !data.is_object() || data.to_string().len() > 16 << 10) {
        return Err(Error::invalid("postbackData", "must be an object of at most 16 KiB"));
    }
    Ok(Report {
        source,
        lead: lead_id.input::<LeadId>("leadId")?,
        attempt: contact_attempt_id.input::<ContactAttemptId>("contactAttemptId")?,
        sub_id: some(sub_id),
        click_id: some(click_id),
        transaction_id: some(transaction_id),
        status,
        original_status: None,
        revenue_micros: revenue.map(|Decimal(amount)| amount.0),
        currency: currency.trim().to_uppercase(),
        data,
        lead_converts: true,
    })
}
