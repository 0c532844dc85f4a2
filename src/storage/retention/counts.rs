//! How many of what: counts over many rows, of many campaigns in one statement.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QuerySelect, Select};

use super::lead_filter::LeadFilter;
use super::{campaign_lead, contact_attempt, lead};
use crate::page::{self, Length};
use crate::sums::{self, Summed};
use crate::tallies::{self, Kept, Tally, word};
use domain::error::Result;
use domain::id::RetentionCampaignId;
use domain::retention::words::{CampaignLeadStatus, ContactChannel, LeadStatus};

/// Sources of leads that are told apart: more than anybody has, so that the answer is never large.
const SOURCES: u64 = 200;
/// How many rows, in words that need no column: an index that has no id is enough.
const ROWS: &str = "COUNT(*)";

/// A campaign, what was counted, and how many there are.
pub type Count<W> = (RetentionCampaignId, W, i64);

/// The leads of some campaigns, by how far they are.
pub async fn leads(
    db: &impl ConnectionTrait,
    campaigns: &[RetentionCampaignId],
) -> Result<Vec<Count<CampaignLeadStatus>>> {
    use campaign_lead::Column;
    if let Some(tallies) = Kept::Members.tallies(db, Some(&ids(campaigns))).await? {
        let count =
            |tally: &Tally| Ok((RetentionCampaignId(tally.owner.unwrap_or_default()), word(&tally.one)?, tally.n));
        return tallies.iter().map(count).collect();
    }
    let found = campaign_lead::Entity::find().filter(Column::CampaignId.is_in(campaigns.iter().copied())).select_only();
    let found = found.column(Column::CampaignId).column(Column::Status).column_as(Expr::cust(ROWS), "count");
    Ok(found.group_by(Column::CampaignId).group_by(Column::Status).into_tuple().all(db).await?)
}

/// The contacts of some campaigns, by channel.
pub async fn attempts(
    db: &impl ConnectionTrait,
    campaigns: &[RetentionCampaignId],
) -> Result<Vec<Count<ContactChannel>>> {
    use contact_attempt::Column;
    if let Some(tallies) = Kept::Contacts.tallies(db, Some(&ids(campaigns))).await? {
        let mut counts: BTreeMap<(Uuid, &str), i64> = BTreeMap::new();
        for tally in &tallies {
            *counts.entry((tally.owner.unwrap_or_default(), &tally.one)).or_default() += tally.n;
        }
        let count = |((owner, channel), n): (_, i64)| Ok((RetentionCampaignId(owner), word(channel)?, n));
        return counts.into_iter().map(count).collect();
    }
    // Of what is kept no longer the sums still tell.
    if sums::pruned_until(db, Summed::Contacts).await?.is_none() {
        let count = |(owner, channel, n): (_, String, _)| Ok((RetentionCampaignId(owner), word(&channel)?, n));
        return sums::contacts_of(db, &ids(campaigns)).await?.into_iter().map(count).collect();
    }
    let found = contact_attempt::Entity::find().filter(Column::CampaignId.is_in(campaigns.iter().copied()));
    let found = found.select_only().column(Column::CampaignId).column(Column::Channel);
    let found = found.column_as(Expr::cust(ROWS), "count");
    Ok(found.group_by(Column::CampaignId).group_by(Column::Channel).into_tuple().all(db).await?)
}

fn ids(campaigns: &[RetentionCampaignId]) -> Vec<Uuid> {
    campaigns.iter().map(|campaign| campaign.0).collect()
}

/// Leads by status, and by source: the sources with the most leads first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeadCounts {
    /// By status.
    pub statuses: Vec<(LeadStatus, i64)>,
    /// By source: at most so many as are told apart.
    pub sources: Vec<(String, i64)>,
}

/// The leads that the filter finds, by status and by source.
pub async fn of_leads(db: &impl ConnectionTrait, filter: &LeadFilter) -> Result<LeadCounts> {
    let Some(tallies) = tallied(db, filter).await? else {
        let found = filter.narrowed(db).await?;
        return Ok(LeadCounts { statuses: by_status(db, found.clone()).await?, sources: by_source(db, found).await? });
    };
    let (mut statuses, mut sources) = (BTreeMap::<&str, i64>::new(), BTreeMap::<&str, i64>::new());
    for tally in &tallies {
        *statuses.entry(&tally.one).or_default() += tally.n;
        *sources.entry(&tally.other).or_default() += tally.n;
    }
    let statuses = statuses.into_iter().map(|(status, n)| Ok((word(status)?, n))).collect::<Result<_>>()?;
    let mut sources: Vec<(String, i64)> = sources.into_iter().map(|(source, n)| (source.to_owned(), n)).collect();
    // Those with as many stay in the order of the alphabet.
    sources.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    sources.truncate(usize::try_from(SOURCES).unwrap_or(usize::MAX));
    Ok(LeadCounts { statuses, sources })
}

/// How many leads the filter finds.
pub async fn lead_count(db: &impl ConnectionTrait, filter: &LeadFilter) -> Result<Length> {
    let LeadFilter { ids: no_ids, statuses, sources, campaign_ids, created_after, created_before, search, .. } = filter;
    let rest = (no_ids, statuses, sources, created_after, created_before, search);
    // A lead is in a campaign once.
    if let (Some([campaign]), (None, None, None, None, None, None)) = (campaign_ids.as_deref(), rest)
        && let Some(tallies) = Kept::Members.tallies(db, Some(&[campaign.0])).await?
    {
        return Ok(Length::exactly(tallies::sum(&tallies, |_| true)));
    }
    match tallied(db, filter).await? {
        Some(tallies) => Ok(Length::exactly(tallies::sum(&tallies, |_| true))),
        None if search.is_some() => page::count(db, filter.narrowed(db).await?).await,
        None => tallies::count_instead(db, filter.select()).await,
    }
}

/// The tallies of the leads that the filter finds, if it asks for nothing that tallies don't tell.
async fn tallied(db: &impl ConnectionTrait, filter: &LeadFilter) -> Result<Option<Vec<Tally>>> {
    let LeadFilter {
        ids: None,
        statuses,
        sources,
        campaign_ids: None,
        created_after: None,
        created_before: None,
        search: None,
        is_blind_to_contacts: _,
    } = filter
    else {
        return Ok(None);
    };
    let Some(mut tallies) = Kept::Leads.tallies(db, None).await? else { return Ok(None) };
    let statuses: Option<Vec<String>> =
        statuses.as_ref().map(|statuses| statuses.iter().map(ToString::to_string).collect());
    tallies.retain(|tally| {
        statuses.as_ref().is_none_or(|statuses| statuses.contains(&tally.one))
            && sources.as_ref().is_none_or(|sources| sources.contains(&tally.other))
    });
    Ok(Some(tallies))
}

/// The leads that `found` selects, by status.
async fn by_status(db: &impl ConnectionTrait, found: Select<lead::Entity>) -> Result<Vec<(LeadStatus, i64)>> {
    use lead::Column;
    let found = found.select_only().column(Column::Status).column_as(Expr::cust(ROWS), "count");
    Ok(found.group_by(Column::Status).into_tuple().all(db).await?)
}

/// Those of `names` that some lead has as its source.
pub async fn sources(db: &impl ConnectionTrait, names: &[String]) -> Result<Vec<String>> {
    use lead::Column;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let found = lead::Entity::find().filter(Column::Source.is_in(names)).select_only().column(Column::Source);
    Ok(found.distinct().into_tuple().all(db).await?)
}

/// The leads that `found` selects, by source: the sources with the most leads first.
pub async fn by_source(db: &impl ConnectionTrait, found: Select<lead::Entity>) -> Result<Vec<(String, i64)>> {
    use lead::Column;
    use sea_orm::QueryOrder;
    let found = found.select_only().column(Column::Source).column_as(Expr::cust(ROWS), "count");
    let found = found.group_by(Column::Source).order_by_desc(Expr::cust(ROWS)).order_by_asc(Column::Source);
    Ok(found.limit(SOURCES).into_tuple().all(db).await?)
}
