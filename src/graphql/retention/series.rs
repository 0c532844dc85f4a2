//! Contacts and conversions over time.

use super::report::ReportFigures;
use crate::prelude::*;
use ::service::series::{self as service, Asked, Filter};
use domain::retention::words::ContactChannel;
use domain::series::SeriesInterval;

/// Which contacts and conversions a series has.
#[derive(InputObject, Default)]
pub struct RetentionSeriesFilter {
    /// Those of this campaign. Not together with `sequenceId`.
    campaign_id: Option<ID>,
    /// Those of the steps of this sequence.
    sequence_id: Option<ID>,
    /// Those by one of these ways.
    channels: Option<Vec<ContactChannel>>,
}

/// Contacts and conversions over time.
#[derive(SimpleObject)]
struct RetentionSeries {
    /// The points, one after the other, those without anything too.
    points: Vec<RetentionSeriesPoint>,
}

/// One point of time.
#[derive(SimpleObject)]
struct RetentionSeriesPoint {
    /// The first instant of it.
    from: DateTime,
    /// The first instant after it.
    to: DateTime,
    /// Attempts that began in it, and conversions that were made.
    figures: ReportFigures,
}

/// Reads contacts and conversions over time.
#[derive(Default)]
pub struct SeriesQuery;

#[Object]
impl SeriesQuery {
    /// Contacts and conversions over time, by the quarter of an hour, the hour or the day: at most 366 days, and 1,000 points. Points
    /// are whole: the first begins at `from` or before it.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn retention_series(
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
        #[graphql(desc = "Which contacts and conversions; all if it is left out.")] filter: Option<
            RetentionSeriesFilter,
        >,
    ) -> Result<RetentionSeries> {
        let filter = filter.unwrap_or_default();
        let filter = Filter {
            campaign: filter.campaign_id.argument("filter.campaignId")?,
            sequence: filter.sequence_id.argument("filter.sequenceId")?,
            channels: filter.channels.map(each),
        };
        let asked = Asked { from: from.map(Into::into), to: to.map(Into::into), interval, time_zone };
        let found = service::retention(ctx.services(), &asked, &filter).boxed().await?;
        let point = |(point, figures): &(domain::series::Point, domain::retention::figures::Figures)| {
            RetentionSeriesPoint { from: point.from.into(), to: point.to.into(), figures: ReportFigures::from(figures) }
        };
        Ok(RetentionSeries { points: found.iter().map(point).collect() })
    }
}
