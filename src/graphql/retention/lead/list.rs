//! Lists of leads: which, in which order, and how many of what.

use sea_orm::{Iterable, Select};

use crate::engine::connection::Count;
use crate::engine::{guard, id};
use crate::prelude::*;
use crate::retention::lead::may_see_contacts;
use domain::error::Violations;
use domain::retention::lead_field::Field;
use domain::retention::words::LeadStatus;
use service::retention::members::MOST_LEADS;
use storage::retention::gone_lead;
use storage::retention::lead::{self, Column};
use storage::retention::{counts, lead_filter};

/// Values that a list in a filter has at most, ids aside.
const MOST: usize = 100;
/// The longest search, in characters.
const SEARCH: usize = 200;

/// Which leads are wanted. All that is given must hold.
#[derive(InputObject, Default)]
pub struct LeadFilter {
    /// One of these, at most 10,000.
    ids: Option<Vec<ID>>,
    /// This far.
    statuses: Option<Vec<LeadStatus>>,
    /// From one of these sources, in any case; at most 100.
    sources: Option<Vec<String>>,
    /// In one of these retention campaigns, at most 100.
    campaign_ids: Option<Vec<ID>>,
    /// Known since this instant or later.
    created_after: Option<DateTime>,
    /// Known before this instant.
    created_before: Option<DateTime>,
    /// Each word is part of a name or of the email, in any case; digits are part of the phone number. At most 200 characters.
    /// A role that may not see how leads are reached searches names only.
    search: Option<String>,
}

impl LeadFilter {
    /// The filter in the words of the storage. `path` leads to it from the arguments' root.
    pub(crate) fn read(self, ctx: &Context<'_>, path: &[&str]) -> Result<lead_filter::LeadFilter> {
        let Self { ids, statuses, sources, campaign_ids, created_after, created_before, search } = self;
        let path_to = |field| [path, &[field]].concat();
        let mut wrong = Violations::default();
        let mut require = |holds: bool, field, message: String| {
            if !holds {
                let path = path_to(field).into_iter().map(ToOwned::to_owned).collect();
                wrong.push(Violation { path, message });
            }
        };
        let few = sources.as_ref().is_none_or(|sources| sources.len() <= MOST);
        require(few, "sources", format!("at most {MOST} sources can be given"));
        let is_short = search.as_ref().is_none_or(|text| text.chars().count() <= SEARCH);
        require(is_short, "search", format!("must have at most {SEARCH} characters"));
        wrong.into_result()?;
        Ok(lead_filter::LeadFilter {
            ids: ids.map(|ids| id::list(&ids, &path_to("ids"), MOST_LEADS)).transpose()?,
            // Each once, however often it was given: a statement takes only so many values.
            statuses: statuses.map(|given| LeadStatus::iter().filter(|status| given.contains(status)).collect()),
            sources: sources.map(|sources| sources.iter().map(|source| source.trim().to_uppercase()).collect()),
            campaign_ids: campaign_ids.map(|ids| id::list(&ids, &path_to("campaignIds"), MOST)).transpose()?,
            created_after: created_after.map(Into::into),
            created_before: created_before.map(Into::into),
            search: search.filter(|text| !text.trim().is_empty()),
            is_blind_to_contacts: !may_see_contacts(ctx),
        })
    }
}

/// By what a lead is known: one of these. They are understood in every form in which they may be written.
#[derive(OneofObject)]
enum LeadKey {
    /// The address, in any case. Not for a role that may not see how leads are reached.
    Email(String),
    /// The number with its country. Not for a role that may not see how leads are reached.
    Phone(String),
    /// Its id in another system, letter for letter. That of a lead that was merged finds the lead that it is a part of now.
    ExternalId(String),
    /// The name on Telegram, or any address that leads to it. Not for a role that may not see how leads are reached.
    TelegramUsername(String),
}

impl LeadKey {
    /// The id in another system, if it is by that.
    fn external_id(&self) -> Result<Option<String>> {
        let Self::ExternalId(written) = self else { return Ok(None) };
        lookup::key(Field::ExternalId.name(), Field::ExternalId.check(written)).map(Some)
    }

    /// The leads with this key. Who may not see an address does not find out whose it is, either.
    fn select(self, ctx: &Context<'_>) -> Result<Select<lead::Entity>> {
        let (field, written) = match self {
            Self::Email(written) => (Field::Email, written),
            Self::Phone(written) => (Field::Phone, written),
            Self::ExternalId(written) => (Field::ExternalId, written),
            Self::TelegramUsername(written) => (Field::TelegramUsername, written),
        };
        if field != Field::ExternalId {
            guard::require(ctx, Permission::ReadContacts)?;
        }
        Ok(lead::Entity::known_as(field, &lookup::key(field.name(), field.check(&written))?))
    }
}

order! {
    /// What leads can be sorted by.
    enum LeadOrderField of lead::Entity {
        /// The instant at which they became known.
        CreatedAt => Sort::by(Column::CreatedAt),
        /// The instant of the last change.
        UpdatedAt => Sort::by(Column::UpdatedAt),
        /// Given and family name, in the order of the alphabet, in any case; leads without a name come first.
        Name => Sort::by(Column::NamesFold),
        /// The address, in the order of the alphabet; leads without one come first. Not for a role that may not see how leads are reached.
        Email => Sort::by_text_or_empty(Column::Email),
        /// How far they are, in the order of the alphabet.
        Status => Sort::by(Column::Status),
        /// Where they came from, in the order of the alphabet.
        Source => Sort::by(Column::Source),
    }
    /// How leads are sorted.
    LeadOrder, falling CreatedAt
}

/// How many leads there are.
#[derive(SimpleObject)]
struct LeadStats {
    /// All of them.
    total: i32,
    /// How many are how far; every status is listed.
    by_status: Vec<LeadStatusCount>,
    /// How many came from where, the sources with the most leads first; at most 200 sources.
    by_source: Vec<LeadSourceCount>,
}

/// How many leads are this far.
#[derive(SimpleObject)]
struct LeadStatusCount {
    /// How far they are.
    status: LeadStatus,
    /// How many there are.
    count: i32,
}

/// How many leads came from one source.
#[derive(SimpleObject)]
struct LeadSourceCount {
    /// Where they came from.
    source: String,
    /// How many there are.
    count: i32,
}

/// Reads leads.
#[derive(Default)]
pub struct LeadQuery;

#[Object]
impl LeadQuery {
    /// The leads, the newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which leads.")] filter: Option<LeadFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<LeadOrder>,
    ) -> Result<Option<Connection<Lead>>> {
        if order_by.is_some_and(|order| order.field == LeadOrderField::Email) {
            // Cursors say where in the order a lead stands.
            guard::require(ctx, Permission::ReadContacts)?;
        }
        let args = PageArgs::new(ctx, first, after, last, before);
        let filter = filter.unwrap_or_default().read(ctx, &["filter"])?;
        let found = filter.listed(ctx.services().db.reader()).await?;
        let found = Connection::read(ctx, found, LeadOrder::sort(order_by), &args).await?;
        let count: Count = Box::new(move |ctx| {
            let filter = filter.clone();
            Box::pin(async move { counts::lead_count(ctx.services().db.reader(), &filter).await })
        });
        Ok(Some(found.counted(count)))
    }

    /// The lead with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn lead(&self, ctx: &Context<'_>, #[graphql(desc = "The lead's id.")] id: ID) -> Result<Option<Lead>> {
        Lead::by_argument(ctx, &id).await
    }

    /// The lead with this key; null if there is none. Several leads may have one Telegram name: then CONFLICT names them.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn lead_by(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what it is known.")] key: LeadKey,
    ) -> Result<Option<Lead>> {
        let external = key.external_id()?;
        let found = lookup::only(ctx, key.select(ctx)?).boxed().await?;
        let (None, Some(id)) = (&found, external) else { return Ok(found) };
        let mut kept = gone_lead::Entity::kept(ctx.services().db.reader(), &[&id]).boxed().await?;
        Ok(kept.remove(&id).map(Lead::of))
    }

    /// How many leads are how far, and came from where. With a `search`, `campaignIds` or instants all leads that match are read, which
    /// takes the longer, the more there are; of all leads, and by status and source, PostgreSQL keeps the numbers.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn lead_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which leads are counted; all by default.")] filter: Option<LeadFilter>,
    ) -> Result<Option<LeadStats>> {
        let filter = filter.unwrap_or_default().read(ctx, &["filter"])?;
        let counts::LeadCounts { statuses, sources } = counts::of_leads(ctx.services().db.reader(), &filter).await?;
        let of = |status| statuses.iter().find(|(known, _)| *known == status).map_or(0, |(_, count)| *count);
        Ok(Some(LeadStats {
            total: int(statuses.iter().map(|(_, count)| count).sum::<i64>()),
            by_status: LeadStatus::iter().map(|status| LeadStatusCount { status, count: int(of(status)) }).collect(),
            by_source: sources
                .into_iter()
                .map(|(source, count)| LeadSourceCount { source, count: int(count) })
                .collect(),
        }))
    }
}
