//! Lists of conversion rules.

use crate::prelude::*;
use domain::retention::words::{ContactChannel, ConversionMetric};
use storage::retention::conversion_rule;

/// Which conversion rules are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ConversionRuleFilter {
    /// Of one of these channels.
    channels: Option<Vec<ContactChannel>>,
    /// About one of these metrics.
    metrics: Option<Vec<ConversionMetric>>,
    /// Only those that are in force, or only the others.
    is_active: Option<bool>,
}

/// Reads conversion rules.
#[derive(Default)]
pub struct ConversionRuleQuery;

#[Object]
impl ConversionRuleQuery {
    /// The conversion rules, in the order in which they were made.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn conversion_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which rules.")] filter: Option<ConversionRuleFilter>,
    ) -> Result<Option<Connection<ConversionRule>>> {
        let ConversionRuleFilter { channels, metrics, is_active } = filter.unwrap_or_default();
        let (channels, metrics) = (channels.map(each), metrics.map(each));
        let filter = conversion_rule::ConversionRuleFilter { channels, metrics, is_active };
        let (select, args) =
            (filter.cut(conversion_rule::Entity::all()), PageArgs::new(ctx, first, after, last, before));
        Connection::read(ctx, select, Sort::by_id(), &args).await.map(Some)
    }
}
