//! Uploaded files; the bytes lie in the data folder of the node that took them, or in a place that all nodes have: see [`crate::files`].

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, Func};
use sea_orm::{Condition, DeleteMany, QueryOrder, QuerySelect, QueryTrait};

use crate::broadcast::{campaign, channel_import, template};
use crate::imports::ImportTable;
use crate::noun::{Noun, noun};
use crate::retention::lead_import;
use domain::error::Result;
use domain::id::{NodeId, UploadId, UserId};

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "uploads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UploadId,
    pub user_id: UserId,
    pub node_id: NodeId,
    pub bytes: i64,
    pub created_at: DateTimeUtc,
    /// None: it vanishes after a day.
    pub used_at: Option<DateTimeUtc>,
    /// What whoever uploaded it called it.
    pub name: Option<String>,
    /// Its type by content and name; None of those that came before it was looked for.
    pub mime_type: Option<String>,
}

joins_nothing!();

noun!(UploadId);

impl Entity {
    /// Removes the rows of `node`, or of all, that nothing has used since `before` and nothing refers to.
    pub fn forget(node: Option<NodeId>, before: DateTimeUtc) -> DeleteMany<Self> {
        Self::forget_unnamed().filter(of(node)).filter(ExprTrait::lt(last_use(), before))
    }

    /// Removes those of `ids` that nothing refers to.
    pub fn forget_these(ids: &[UploadId]) -> DeleteMany<Self> {
        Self::forget_unnamed().filter(Column::Id.is_in(ids.iter().copied()))
    }

    fn forget_unnamed() -> DeleteMany<Self> {
        Self::delete_many().filter(is_named().not())
    }

    /// Those of `ids` that something refers to.
    pub fn named(ids: &[UploadId]) -> Select<Self> {
        Self::find().filter(Column::Id.is_in(ids.iter().copied())).filter(is_named())
    }

    /// The uploads of `ids` whose files are needed: lately used, or media of a message, or being imported.
    pub fn needed(ids: impl IntoIterator<Item = UploadId>, since: DateTimeUtc) -> Select<Self> {
        Self::find().filter(Column::Id.is_in(ids)).filter(is_needed(since))
    }

    /// Up to `most` uploads of `node`, or of all, whose files are needed, by id, those after `after`.
    pub fn needed_after(node: Option<NodeId>, after: UploadId, since: DateTimeUtc, most: u64) -> Select<Self> {
        let later = Self::find().filter(of(node)).filter(Column::Id.gt(after)).filter(is_needed(since));
        later.order_by_asc(Column::Id).limit(most)
    }

    /// The files on `node`, or on all, that are needed: whose, how many, and their bytes.
    pub async fn kept(
        db: &impl ConnectionTrait,
        node: Option<NodeId>,
        since: DateTimeUtc,
    ) -> Result<Vec<(UserId, i64, i64)>> {
        let kept = Self::find()
            .select_only()
            .column(Column::UserId)
            .column_as(Column::Id.count(), "files")
            // PostgreSQL's sum of these is a number of any length.
            .column_as(Expr::col(Column::Bytes).sum().cast_as("bigint"), "bytes")
            .filter(of(node))
            .filter(is_needed(since))
            .group_by(Column::UserId);
        Ok(kept.into_tuple().all(db).await?)
    }
}

fn of(node: Option<NodeId>) -> Condition {
    Condition::all().add_option(node.map(|node| Column::NodeId.eq(node)))
}

/// Whether something refers to it.
fn is_named() -> Condition {
    let imports = channel_import::Entity::find().select_only().column(channel_import::Column::UploadId);
    let lead_imports = lead_import::Entity::all().select_only().column(lead_import::Column::UploadId);
    Condition::any()
        .add(Column::Id.in_subquery(template_media().into_query()))
        .add(Column::Id.in_subquery(campaign_media().into_query()))
        .add(Column::Id.in_subquery(imports.into_query()))
        .add(Column::Id.in_subquery(lead_imports.into_query()))
}

/// Why files stay.
fn is_needed(since: DateTimeUtc) -> Condition {
    let importing = channel_import::Entity::in_progress().select_only().column(channel_import::Column::UploadId);
    let importing_leads = lead_import::Entity::in_progress().select_only().column(lead_import::Column::UploadId);
    Condition::any()
        .add(ExprTrait::gte(last_use(), since))
        .add(Column::Id.in_subquery(template_media().into_query()))
        .add(Column::Id.in_subquery(campaign_media().into_query()))
        .add(Column::Id.in_subquery(importing.into_query()))
        .add(Column::Id.in_subquery(importing_leads.into_query()))
}

fn last_use() -> Expr {
    Func::coalesce([Expr::col(Column::UsedAt), Expr::col(Column::CreatedAt)]).into()
}

fn template_media() -> Select<template::Entity> {
    let media = template::Column::MediaUploadId;
    template::Entity::find().select_only().column(media).filter(media.is_not_null())
}

fn campaign_media() -> Select<campaign::Entity> {
    let media = campaign::Column::MediaUploadId;
    campaign::Entity::find().select_only().column(media).filter(media.is_not_null())
}
