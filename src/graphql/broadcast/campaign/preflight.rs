//! What a campaign's start would find.

use crate::broadcast::job::failure::JobFailure;
use crate::prelude::*;
use ::service::broadcast::campaign::{self as service, Emptiness, LeftOut, Report};
use domain::delivery::failure::explain;

/// What a start would find now: whom it would write to, whom it leaves out, and what stands in its way.
#[derive(SimpleObject)]
struct BroadcastCampaignPreflight {
    /// Whether it can be started: there are no problems.
    is_ready: bool,
    /// The channels that it would write to.
    recipients: i32,
    /// What stands in the way of the start: a sentence for each, at most about 100.
    problems: Vec<String>,
    /// The channels of the batch that it would not write to, by the reason, the most frequent first.
    left_out: Vec<LeftOutChannels>,
    /// What looks like another tool's sign for something to be filled in, such as `{username}`, and would be sent as it stands: a
    /// sentence for each.
    warnings: Vec<String>,
    /// Placeholders of the text that are not known of some recipients: there their defaults stand, or nothing.
    unknown_placeholders: Vec<UnknownPlaceholder>,
    /// Recipients where only others may post, as far as is known. Sends to them will fail.
    closed_channels: i32,
    /// Recipients where each message costs Telegram Stars. Sends to them will fail.
    paid_channels: i32,
}

/// Channels that a campaign leaves out for one reason.
#[derive(SimpleObject)]
struct LeftOutChannels {
    /// Why, and what can be done about it.
    failure: JobFailure,
    /// How many channels these are.
    count: i32,
    /// The usernames of the first ten.
    usernames: Vec<String>,
}

/// A placeholder that is not known of some recipients.
#[derive(SimpleObject)]
struct UnknownPlaceholder {
    /// The placeholder's name.
    name: String,
    /// Of how many recipients it is not known.
    count: i32,
}

impl From<Report> for BroadcastCampaignPreflight {
    fn from(report: Report) -> Self {
        let is_ready = report.is_ready();
        let Report { recipients, problems, left_out, warnings, unknown, closed, paid } = report;
        Self {
            is_ready,
            recipients: int(recipients),
            problems,
            left_out: left_out.into_iter().map(Into::into).collect(),
            warnings,
            unknown_placeholders: unknown.into_iter().map(Into::into).collect(),
            closed_channels: int(closed),
            paid_channels: int(paid),
        }
    }
}

impl From<LeftOut> for LeftOutChannels {
    fn from(left_out: LeftOut) -> Self {
        let LeftOut { reason, channels, examples } = left_out;
        Self { failure: explain(&reason).into(), count: int(channels), usernames: examples }
    }
}

impl From<Emptiness> for UnknownPlaceholder {
    fn from(emptiness: Emptiness) -> Self {
        Self { name: emptiness.name.to_owned(), count: int(emptiness.channels) }
    }
}

/// Looks at campaigns before they are started.
#[derive(Default)]
pub struct PreflightQuery;

#[Object]
impl PreflightQuery {
    /// What a start of a campaign would find now: it renders each recipient's text, as the start does. Null if there is no such
    /// campaign; `PRECONDITION_FAILED` once it has been started.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn broadcast_campaign_preflight(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id.")] id: ID,
    ) -> Result<Option<BroadcastCampaignPreflight>> {
        match service::preflight(ctx.services(), id.argument("id")?).boxed().await {
            Ok(report) => Ok(Some(report.into())),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
