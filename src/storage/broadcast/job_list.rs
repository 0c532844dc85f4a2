//! Lists of the jobs of all campaigns, of which most tables have millions: by the campaigns whose counters say that they have some.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Select};
use uuid::Uuid;

use super::job::{Column, Entity, JobFilter, Model};
use super::{progress, sent_change};
use crate::filter::Filter;
use crate::page::{self, Length, Page, Sort, Window};
use domain::broadcast::JobStatus;
use domain::error::Result;

/// States of jobs between which one index, or none, tells: each group is read by itself.
const GROUPS: [&[JobStatus]; 4] =
    [&[JobStatus::Queued, JobStatus::Sending], &[JobStatus::Failed], &[JobStatus::Cancelled], &[JobStatus::Unknown]];

/// The order of the places, in which an index has the jobs of each campaign; their ids rise with them.
pub const WITHIN: Sort<Entity> = Sort::by(Column::Position);

/// One page of the jobs that are wanted.
///
/// Jobs that were sent are everywhere, and those to a channel are few: both are found by walking an index. All others may be rare, and
/// no index names the states through which a job goes on its way; but the campaigns that have such jobs are known.
pub async fn read(
    db: &impl ConnectionTrait,
    filter: &JobFilter,
    sort: Sort<Entity>,
    window: &Window,
) -> Result<Page<Model>> {
    if filter.is_impossible() {
        return Ok(Page::none());
    }
    let parts = parts(filter, sort);
    if parts.is_empty() {
        return page::read(db, filter.cut(Entity::find()), sort, window).await;
    }
    let mut known = Vec::with_capacity(parts.len());
    for (campaigns, wanted) in parts {
        let campaigns = campaigns.select_only().column(progress::Column::CampaignId).into_tuple::<Uuid>();
        let campaigns = campaigns.all(db).await?;
        known.push((campaigns, move |campaign: Expr| wanted.cut(Entity::of(campaign))));
    }
    page::read_across(db, known, sort, WITHIN, window).await
}

/// The parts of a list, each with the campaigns that may have such jobs. None if the list is read as it is.
fn parts(filter: &JobFilter, sort: Sort<Entity>) -> Vec<(Select<progress::Entity>, JobFilter)> {
    let JobFilter { campaign, channel, statuses, reasons, sent_changes } = filter;
    if campaign.is_some() || channel.is_some() {
        return Vec::new();
    }
    if reasons.is_some() {
        return vec![(progress::Entity::having(&[JobStatus::Failed]), filter.clone())];
    }
    if sent_changes.is_some() {
        let of_campaign = Expr::col(sent_change::Column::CampaignId.as_column_ref())
            .equals(progress::Column::CampaignId.as_column_ref());
        let some = Query::select().expr(Expr::val(1)).from(sent_change::Entity).and_where(of_campaign).take();
        return vec![(progress::Entity::find().filter(Expr::exists(some)), filter.clone())];
    }
    match statuses {
        Some(statuses) if !statuses.contains(&JobStatus::Sent) => {
            let groups = GROUPS.iter().map(|group| -> Vec<JobStatus> {
                group.iter().copied().filter(|status| statuses.contains(status)).collect()
            });
            let groups = groups.filter(|group| !group.is_empty());
            groups
                .map(|group| {
                    let wanted = JobFilter { statuses: Some(group.clone()), ..filter.clone() };
                    (progress::Entity::having(&group), wanted)
                })
                .collect()
        }
        _ if sort == WITHIN || sort == WITHIN.descending(true) => {
            vec![(progress::Entity::find().filter(progress::Column::Total.gt(0)), filter.clone())]
        }
        _ => Vec::new(),
    }
}

/// How many jobs are wanted: by the counters of all campaigns, where nothing but states is asked.
pub async fn count(db: &impl ConnectionTrait, filter: &JobFilter) -> Result<Length> {
    if filter.is_impossible() {
        return Ok(Length::default());
    }
    let JobFilter { campaign: None, channel: None, statuses, reasons: None, sent_changes: None } = filter else {
        return page::count(db, filter.cut(Entity::find())).await;
    };
    Ok(Length::exactly(progress::jobs(db, statuses.as_deref()).await?))
}
