//! Lists of scripts.

use crate::prelude::*;
use domain::retention::words::ContactChannel;
use storage::retention::script::{self, Column};

/// Which scripts are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ScriptFilter {
    /// Written for one of these channels.
    types: Option<Vec<ContactChannel>>,
    /// Of this retention campaign.
    campaign_id: Option<ID>,
    /// Only those that are the default of their channel, or only the others.
    is_default: Option<bool>,
    /// This is part of the name, in any case.
    name_contains: Option<String>,
}

impl ScriptFilter {
    fn read(self) -> Result<script::ScriptFilter> {
        let Self { types, campaign_id, is_default, name_contains } = self;
        let campaign = campaign_id.argument("filter.campaignId")?;
        Ok(script::ScriptFilter { types: types.map(each), campaign, is_default, name_contains })
    }
}

order! {
    /// What scripts can be sorted by.
    enum ScriptOrderField of script::Entity {
        /// The instant of writing.
        CreatedAt => Sort::by(Column::CreatedAt),
        /// The instant of the last change.
        UpdatedAt => Sort::by(Column::UpdatedAt),
        /// In the order of the alphabet.
        Name => Sort::by_text(Column::NameFold, Column::Name),
    }
    /// How scripts are sorted.
    ScriptOrder, falling CreatedAt
}

/// Reads scripts.
#[derive(Default)]
pub struct ScriptQuery;

#[Object]
impl ScriptQuery {
    /// The scripts, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn scripts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which scripts.")] filter: Option<ScriptFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ScriptOrder>,
    ) -> Result<Option<Connection<Script>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().read()?.cut(script::Entity::all());
        Connection::read(ctx, select, ScriptOrder::sort(order_by), &args).await.map(Some)
    }
}
