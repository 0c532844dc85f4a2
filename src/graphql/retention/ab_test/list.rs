//! Lists of A/B tests.

use crate::prelude::*;
use domain::retention::words::{AbTestStatus, ContactChannel};
use storage::retention::ab_test::{self, Column};

/// Which A/B tests are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct AbTestFilter {
    /// In one of these states.
    statuses: Option<Vec<AbTestStatus>>,
    /// Those that divide the contacts of this retention campaign.
    campaign_id: Option<ID>,
    /// In this step of a sequence.
    step_id: Option<ID>,
    /// On this channel.
    channel: Option<ContactChannel>,
}

impl AbTestFilter {
    fn read(self) -> Result<ab_test::AbTestFilter> {
        let Self { statuses, campaign_id, step_id, channel } = self;
        let (campaign, step) = (campaign_id.argument("filter.campaignId")?, step_id.argument("filter.stepId")?);
        Ok(ab_test::AbTestFilter { statuses, campaign, step, channel })
    }
}

/// Reads A/B tests.
#[derive(Default)]
pub struct AbTestQuery;

#[Object]
impl AbTestQuery {
    /// The A/B tests, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn ab_tests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which tests.")] filter: Option<AbTestFilter>,
        #[graphql(desc = "Whether the oldest or the newest come first.", default_with = "OrderDirection::Desc")]
        direction: OrderDirection,
    ) -> Result<Option<Connection<AbTest>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let sort = Sort::by(Column::CreatedAt).descending(direction.is_desc());
        let select = filter.unwrap_or_default().read()?.cut(ab_test::Entity::all());
        Connection::read(ctx, select, sort, &args).await.map(Some)
    }

    /// The A/B test with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn ab_test(&self, ctx: &Context<'_>, #[graphql(desc = "The test's id.")] id: ID) -> Result<Option<AbTest>> {
        AbTest::by_argument(ctx, &id).await
    }
}
