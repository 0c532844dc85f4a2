//! Messages of broadcasts over time.

use super::job::failure::FailureCount;
use crate::prelude::*;
use crate::retention::report::ReportRange;
use ::service::series::{self as service, Asked, Sends};
use domain::id::BroadcastCampaignId;
use domain::series::SeriesInterval;

/// What was sent in a range of time, of all campaigns that are there.
#[derive(SimpleObject)]
struct BroadcastOverview {
    /// From when to when: whole quarters of an hour.
    range: ReportRange,
    /// Messages that were sent.
    sent: i32,
    /// Messages that have failed, and were not tried again since.
    failed: i32,
    /// Why they have failed, the most frequent reason first.
    failures: Vec<FailureCount>,
    /// Campaigns of which something was sent, or has failed.
    campaign_count: i32,
}

/// Messages over time.
#[derive(SimpleObject)]
struct SendSeries {
    /// The points, one after the other, those without anything too.
    points: Vec<SendSeriesPoint>,
}

/// One point of time.
#[derive(SimpleObject)]
struct SendSeriesPoint {
    /// The first instant of it.
    from: DateTime,
    /// The first instant after it.
    to: DateTime,
    /// Messages that were sent in it.
    sent: i32,
    /// Messages that have failed in it, and were not tried again since.
    failed: i32,
    /// Why they have failed, the most frequent reason first.
    failures: Vec<FailureCount>,
}

fn failures(sends: &Sends) -> Vec<FailureCount> {
    let mut reasons: Vec<(&String, i64)> = sends.failures.iter().map(|(reason, n)| (reason, *n)).collect();
    // Those with as many stay in the order of the alphabet.
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    reasons.into_iter().map(|(reason, n)| FailureCount::of(reason, n)).collect()
}

/// Reads messages over time.
#[derive(Default)]
pub struct OverviewQuery;

#[Object]
impl OverviewQuery {
    /// What was sent in a range of time, at most 366 days long. It is widened to whole quarters of an hour.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn broadcast_overview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first instant; 30 days before the end if it is left out.")] from: Option<DateTime>,
        #[graphql(desc = "The first instant after it; now if it is left out.")] to: Option<DateTime>,
    ) -> Result<BroadcastOverview> {
        let on = ctx.services();
        let found = service::overview(on, from.map(Into::into), to.map(Into::into)).await?;
        Ok(BroadcastOverview {
            range: ReportRange::new(found.range, on.now()),
            sent: int(found.sends.sent),
            failed: int(found.sends.failed()),
            failures: failures(&found.sends),
            campaign_count: i32::try_from(found.campaigns).unwrap_or(i32::MAX),
        })
    }

    /// Messages over time, by the quarter of an hour, the hour or the day: at most 366 days, and 1,000 points. Points are whole: the
    /// first begins at `from` or before it. Messages of deleted campaigns are in none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn send_series(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How long each point is.")] interval: SeriesInterval,
        #[graphql(
            desc = "An instant of the first point; if it is left out, 30 days, two days or six hours before the end."
        )]
        from: Option<DateTime>,
        #[graphql(desc = "The first instant that is not wanted; now if it is left out.")] to: Option<DateTime>,
        #[graphql(
            desc = "By whose clock hours and days begin, as IANA names it, such as Asia/Kolkata; UTC if it is left out."
        )]
        time_zone: Option<String>,
        #[graphql(desc = "Only messages of this campaign.")] campaign_id: Option<ID>,
    ) -> Result<SendSeries> {
        let campaign: Option<BroadcastCampaignId> = campaign_id.argument("campaignId")?;
        let asked = Asked { from: from.map(Into::into), to: to.map(Into::into), interval, time_zone };
        let found = service::sends(ctx.services(), &asked, campaign).boxed().await?;
        let point = |(point, sends): &(domain::series::Point, Sends)| SendSeriesPoint {
            from: point.from.into(),
            to: point.to.into(),
            sent: int(sends.sent),
            failed: int(sends.failed()),
            failures: failures(sends),
        };
        Ok(SendSeries { points: found.iter().map(point).collect() })
    }
}
