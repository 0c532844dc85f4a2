//! Listing, recording and crediting conversions.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::TimeDelta;
use sea_orm::{ColumnTrait, QueryFilter, Select};

use super::conversion::Conversion;
use crate::engine::connection::{Connection, OrderDirection, PageArgs};
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::ReadId;
use crate::engine::scalar::{DateTime, Decimal, Json};
use ::service::once::once;
use ::service::retention::conversion::{self as service, Report};
use domain::error::{Error, Result};
use domain::id::{ContactAttemptId, LeadId, RetentionCampaignId};
use domain::retention::attribution::{AttributionModel, Rule};
use domain::retention::words::{ContactChannel, ConversionStatus};
use domain::role::Permission;
use storage::page::Sort;
use storage::retention::conversion::{Column, Entity};

/// Which conversions are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ConversionFilter {
    /// By whom they were made, as far as that is known.
    lead_id: Option<ID>,
    /// Credited to this retention campaign.
    campaign_id: Option<ID>,
    /// Credited to one of these channels.
    channels: Option<Vec<ContactChannel>>,
    /// With one of these states.
    statuses: Option<Vec<ConversionStatus>>,
    /// Told by this source, such as `keitaro`.
    source: Option<String>,
    /// Of the link that carried exactly this id.
    sub_id: Option<String>,
    /// Of the click to which a tracker gave exactly this id.
    click_id: Option<String>,
    /// First told at this instant or later.
    since: Option<DateTime>,
    /// First told before this instant.
    until: Option<DateTime>,
    /// Whether the lead is known.
    is_matched: Option<bool>,
}

impl ConversionFilter {
    fn select(self) -> Result<Select<Entity>> {
        let Self { lead_id, campaign_id, channels, statuses, source, sub_id, click_id, since, until, is_matched } =
            self;
        let lead = lead_id.map(|id| id.argument::<LeadId>("filter.leadId")).transpose()?;
        let campaign = campaign_id.map(|id| id.argument::<RetentionCampaignId>("filter.campaignId")).transpose()?;
        let conditions = [
            lead.map(|id| Column::LeadId.eq(id)),
            campaign.map(|id| Column::CampaignId.eq(id)),
            channels.map(|channels| Column::Channel.is_in(channels)),
            statuses.map(|statuses| Column::Status.is_in(statuses)),
            source.map(|source| Column::Source.eq(source)),
            sub_id.map(|id| Column::SubId.eq(id)),
            click_id.map(|id| Column::ClickId.eq(id)),
            since.map(|since| Column::CreatedAt.gte(since.0)),
            until.map(|until| Column::CreatedAt.lt(until.0)),
            is_matched.map(|is| if is { Column::LeadId.is_not_null() } else { Column::LeadId.is_null() }),
        ];
        Ok(conditions.into_iter().flatten().fold(Entity::all(), QueryFilter::filter))
    }
}

/// What conversions can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum ConversionOrderField {
    /// The instant at which they were first told.
    CreatedAt,
    /// What they brought, whatever the currency.
    Revenue,
}

/// How conversions are sorted.
#[derive(InputObject)]
struct ConversionOrder {
    /// What decides the order.
    field: ConversionOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

/// Reads conversions.
#[derive(Default)]
pub struct ConversionQuery;

#[Object]
impl ConversionQuery {
    /// The conversions that were told, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn conversions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which conversions.")] filter: Option<ConversionFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ConversionOrder>,
    ) -> Result<Option<Connection<Conversion>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let newest = ConversionOrder { field: ConversionOrderField::CreatedAt, direction: OrderDirection::Desc };
        let order = order_by.unwrap_or(newest);
        let sort = match order.field {
            ConversionOrderField::CreatedAt => Sort::by(Column::CreatedAt),
            ConversionOrderField::Revenue => Sort::by(Column::RevenueMicros),
        };
        let select = filter.unwrap_or_default().select()?;
        Connection::read(&ctx.services().db, select, sort.descending(order.direction.is_desc()), &args).await.map(Some)
    }
}

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
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
}

/// The conversion that was recorded.
#[derive(SimpleObject)]
struct RecordConversionPayload {
    /// The conversion, as it is now.
    conversion: Conversion,
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
    /// So many conversions were looked at.
    conversions: i32,
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
        let idempotency_key = input.idempotency_key.clone();
        let (on, actor, report) = (ctx.services(), ctx.actor_once(idempotency_key)?, report(input)?);
        let row = once(on, &actor, service::record(on, &actor, report)).await?;
        Ok(RecordConversionPayload { conversion: row.into() })
    }

    /// Credits conversions anew by another model or window. New ones go on being credited as the settings say.
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
        let conversions = service::recompute(ctx.services(), &ctx.actor(), rule, since.0).await?;
        Ok(RecomputeAttributionPayload { conversions })
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
        idempotency_key: _,
    } = input;
    let some = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let data = postback_data.map(|Json(data)| data);
    if data.as_ref().is_some_and(|data| !data.is_object() || data.to_string().len() > 16 << 10) {
        return Err(Error::invalid("postbackData", "must be an object of at most 16 KiB"));
    }
    Ok(Report {
        source,
        lead: lead_id.map(|id| id.input::<LeadId>("leadId")).transpose()?,
        attempt: contact_attempt_id.map(|id| id.input::<ContactAttemptId>("contactAttemptId")).transpose()?,
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
