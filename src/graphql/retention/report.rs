//! Reports: what was done, what came of it, what it cost.

use std::collections::BTreeMap;

use async_graphql::ComplexObject;

use crate::prelude::*;
use ::service::retention::report::{self as service, Answer, Asked, Question, Report, Reports};
use domain::id::RetentionCampaignId;
use domain::money::Micros;
use domain::retention::figures::Figures;
use domain::retention::words::{ContactChannel, EnrollmentStatus, ExecutionStatus};
use storage::sums::Range;

/// An amount of money.
#[derive(SimpleObject)]
pub struct Money {
    /// How much.
    amount: Decimal,
    /// Of which currency, as ISO 4217 writes it.
    currency: String,
}

/// Attempts that began and conversions that were made in a range of time. The counts of the statuses add up to `attempts`.
#[derive(SimpleObject)]
pub struct ReportFigures {
    /// All attempts.
    attempts: i32,
    /// About to be handed over.
    pending: i32,
    /// Accepted by a provider, and no more is known.
    sent: i32,
    /// They reached the lead.
    delivered: i32,
    /// The lead answered, replied or clicked.
    success: i32,
    /// Refused, or they never arrived.
    failed: i32,
    /// Sent back by the lead's mail server.
    bounced: i32,
    /// Perhaps sent; nobody can know.
    unknown: i32,
    /// Emails that were opened.
    opened: i32,
    /// Contacts in which a link was followed.
    clicked: i32,
    /// Contacts that were answered.
    replied: i32,
    /// Contacts that reached the lead, of those that a provider accepted, 0 to 1; null if there is none.
    delivery_rate: Option<f64>,
    /// Contacts that were opened, of those that a provider accepted.
    open_rate: Option<f64>,
    /// Contacts in which a link was followed, of those that a provider accepted.
    click_rate: Option<f64>,
    /// Contacts that were answered, of those that a provider accepted.
    reply_rate: Option<f64>,
    /// The mean length of calls in seconds; null if none is known.
    average_duration_seconds: Option<f64>,
    /// Conversions, without those that were taken back.
    conversions: i32,
    /// Conversions that were taken back.
    rejected_conversions: i32,
    /// Conversions by contacts that a provider accepted. More than 1 if leads convert several times.
    conversion_rate: Option<f64>,
    /// What the conversions brought, by currency. What those would bring that are only a LEAD is `heldRevenue`.
    revenue: Vec<Money>,
    /// What the conversions would bring that are only a LEAD, by currency: nobody has confirmed it.
    held_revenue: Vec<Money>,
    /// What the providers took, by currency.
    cost: Vec<Money>,
    /// Revenue by cost; null unless both are in one and the same currency.
    return_on_cost: Option<f64>,
}

impl From<&Figures> for ReportFigures {
    fn from(figures: &Figures) -> Self {
        Self {
            attempts: int(figures.attempts),
            pending: int(figures.pending),
            sent: int(figures.sent),
            delivered: int(figures.delivered),
            success: int(figures.success),
            failed: int(figures.failed),
            bounced: int(figures.bounced),
            unknown: int(figures.unknown),
            opened: int(figures.opened),
            clicked: int(figures.clicked),
            replied: int(figures.replied),
            delivery_rate: figures.rate(figures.delivered + figures.success),
            open_rate: figures.rate(figures.opened),
            click_rate: figures.rate(figures.clicked),
            reply_rate: figures.rate(figures.replied),
            average_duration_seconds: figures.mean_duration(),
            conversions: int(figures.conversions),
            rejected_conversions: int(figures.rejected),
            conversion_rate: figures.rate(figures.conversions),
            revenue: money(&figures.revenue),
            held_revenue: money(&figures.held),
            cost: money(&figures.cost),
            return_on_cost: figures.return_on_cost(),
        }
    }
}

fn money(sums: &BTreeMap<String, i64>) -> Vec<Money> {
    let money = |(currency, sum): (&String, &i64)| Money { amount: Micros(*sum).into(), currency: currency.clone() };
    sums.iter().map(money).collect()
}

/// Of which range a report is, and since when it is known.
#[derive(SimpleObject)]
pub struct ReportRange {
    /// The first instant of it. Where contacts were deleted as too old, that of a quarter of an hour.
    from: DateTime,
    /// The first instant after it.
    to: DateTime,
    /// When it was added up. A report is kept for a minute, or until a person changes something that is in it.
    at: DateTime,
}

impl ReportRange {
    /// This range, added up at `at`.
    pub(crate) fn new(range: Range, at: chrono::DateTime<chrono::Utc>) -> Self {
        Self { from: range.from.into(), to: range.to.into(), at: at.into() }
    }
}

impl From<&Report> for ReportRange {
    fn from(report: &Report) -> Self {
        Self::new(report.range, report.at)
    }
}

/// Enrollments that began in a range of time and are in this state now.
#[derive(SimpleObject)]
struct ReportEnrollments {
    /// The state.
    status: EnrollmentStatus,
    /// How many there are.
    count: i32,
}

fn enrollments(counts: &[(EnrollmentStatus, i64)]) -> Vec<ReportEnrollments> {
    counts.iter().map(|(status, n)| ReportEnrollments { status: *status, count: int(*n) }).collect()
}

/// What was done in a range of time, and what came of it.
#[derive(SimpleObject)]
struct RetentionOverview {
    /// From when to when, and since when it is known.
    range: ReportRange,
    /// Leads that came.
    new_leads: i32,
    /// Enrollments that began, by what has become of them.
    enrollments: Vec<ReportEnrollments>,
    /// Attempts and conversions.
    figures: ReportFigures,
}

/// The same by the way in which leads are reached.
#[derive(SimpleObject)]
struct ChannelReport {
    /// From when to when, and since when it is known.
    range: ReportRange,
    /// Each channel that there was something on.
    channels: Vec<ChannelFigures>,
}

/// One channel of a report.
#[derive(SimpleObject)]
struct ChannelFigures {
    /// The channel; null for conversions of which nobody knows what led to them.
    channel: Option<ContactChannel>,
    /// Attempts and conversions.
    figures: ReportFigures,
}

/// The same by campaign.
#[derive(SimpleObject)]
struct CampaignReport {
    /// From when to when, and since when it is known.
    range: ReportRange,
    /// The campaigns, those with the most attempts first, at most 100.
    campaigns: Vec<CampaignFigures>,
}

/// One campaign of a report.
#[derive(SimpleObject)]
#[graphql(complex)]
struct CampaignFigures {
    #[graphql(skip)]
    id: Option<RetentionCampaignId>,
    /// Attempts and conversions.
    figures: ReportFigures,
}

#[ComplexObject]
impl CampaignFigures {
    /// The campaign; null for what belongs to none.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<Option<RetentionCampaign>> {
        let Some(id) = self.id else { return Ok(None) };
        RetentionCampaign::by_id(ctx, id).await
    }
}

/// A sequence, step by step.
#[derive(SimpleObject)]
struct SequenceFunnel {
    /// From when to when, and since when it is known.
    range: ReportRange,
    /// The sequence's id.
    sequence_id: ID,
    /// Enrollments that began, by what has become of them.
    enrollments: Vec<ReportEnrollments>,
    /// The steps of today, and those of earlier versions that something was done for, in their order.
    steps: Vec<FunnelStep>,
}

/// One step of a sequence in a report.
#[derive(SimpleObject)]
struct FunnelStep {
    /// The step's id.
    step_id: ID,
    /// Its place in the sequence, from 1.
    step_order: i32,
    /// The version of the sequence's steps that it belongs to.
    steps_version: i32,
    /// The way by which the lead is reached.
    channel: ContactChannel,
    /// Executions that were due in the range, by what has become of them.
    executions: Vec<ReportExecutions>,
    /// Attempts and conversions.
    figures: ReportFigures,
}

/// Executions of a step that are in this state now.
#[derive(SimpleObject)]
struct ReportExecutions {
    /// The state.
    status: ExecutionStatus,
    /// How many there are.
    count: i32,
}

impl From<&service::Step> for FunnelStep {
    fn from(found: &service::Step) -> Self {
        let executions = found.executions.iter();
        Self {
            step_id: found.step.id.global(),
            step_order: found.step.step_order,
            steps_version: found.step.steps_version,
            channel: found.step.channel,
            executions: executions.map(|(status, n)| ReportExecutions { status: *status, count: int(*n) }).collect(),
            figures: (&found.figures).into(),
        }
    }
}

/// An answer of another kind than the question: a defect.
fn other() -> Error {
    Error::internal(anyhow::anyhow!("a report answers another question"))
}

fn asked(from: Option<DateTime>, to: Option<DateTime>) -> Asked {
    Asked { from: from.map(Into::into), to: to.map(Into::into) }
}

/// Reads reports.
#[derive(Default)]
pub struct ReportQuery;

#[Object]
impl ReportQuery {
    /// What was done in a range of time, at most 366 days long, and what came of it.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn retention_overview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first instant; 30 days before the end if it is left out.")] from: Option<DateTime>,
        #[graphql(desc = "The first instant after it; now if it is left out.")] to: Option<DateTime>,
    ) -> Result<RetentionOverview> {
        let report = ctx.data_unchecked::<Reports>().read(Question::Overview, asked(from, to)).await?;
        let Answer::Overview(found) = &report.answer else { return Err(other()) };
        Ok(RetentionOverview {
            range: (&*report).into(),
            new_leads: int(found.new_leads),
            enrollments: enrollments(&found.enrollments),
            figures: (&found.figures).into(),
        })
    }

    /// What was done on each channel in a range of time, at most 366 days long, and what came of it.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn channel_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first instant; 30 days before the end if it is left out.")] from: Option<DateTime>,
        #[graphql(desc = "The first instant after it; now if it is left out.")] to: Option<DateTime>,
    ) -> Result<ChannelReport> {
        let report = ctx.data_unchecked::<Reports>().read(Question::Channels, asked(from, to)).await?;
        let Answer::Channels(found) = &report.answer else { return Err(other()) };
        let channel = |(channel, figures): &(_, Figures)| ChannelFigures { channel: *channel, figures: figures.into() };
        Ok(ChannelReport { range: (&*report).into(), channels: found.iter().map(channel).collect() })
    }

    /// What was done for each campaign in a range of time, at most 366 days long, and what came of it.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn campaign_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this campaign.")] campaign_id: Option<ID>,
        #[graphql(desc = "The first instant; 30 days before the end if it is left out.")] from: Option<DateTime>,
        #[graphql(desc = "The first instant after it; now if it is left out.")] to: Option<DateTime>,
    ) -> Result<CampaignReport> {
        let only = campaign_id.argument("campaignId")?;
        let report = ctx.data_unchecked::<Reports>().read(Question::Campaigns(only), asked(from, to)).await?;
        let Answer::Campaigns(found) = &report.answer else { return Err(other()) };
        let campaign = |(id, figures): &(_, Figures)| CampaignFigures { id: *id, figures: figures.into() };
        Ok(CampaignReport { range: (&*report).into(), campaigns: found.iter().map(campaign).collect() })
    }

    /// How a sequence's leads went through its steps in a range of time, at most 366 days long.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn sequence_funnel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sequence's id.")] sequence_id: ID,
        #[graphql(desc = "The first instant; 30 days before the end if it is left out.")] from: Option<DateTime>,
        #[graphql(desc = "The first instant after it; now if it is left out.")] to: Option<DateTime>,
    ) -> Result<SequenceFunnel> {
        let question = Question::Funnel(sequence_id.argument("sequenceId")?);
        let report = ctx.data_unchecked::<Reports>().read(question, asked(from, to)).await?;
        let Answer::Funnel(found) = &report.answer else { return Err(other()) };
        Ok(SequenceFunnel {
            range: (&*report).into(),
            sequence_id: found.sequence.global(),
            enrollments: enrollments(&found.enrollments),
            steps: found.steps.iter().map(Into::into).collect(),
        })
    }
}
