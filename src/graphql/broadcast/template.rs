//! A template, as it is shown, and lists of them.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Iterable, QueryFilter, Select};

use super::campaign::BroadcastCampaign;
use crate::engine::connection::{Connection, OrderDirection, PageArgs};
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{GlobalId, ReadId};
use crate::engine::loaders::{Load, LoadError, Reader};
use crate::engine::nested::{self, Nested};
use crate::engine::scalar::DateTime;
use ::domain::broadcast::{MediaType, ParseMode};
use ::domain::error::{Error, Result};
use ::domain::id::TemplateId;
use ::domain::role::Permission;
use ::domain::template as domain;
use storage::broadcast::campaign;
use storage::broadcast::template::{self, Column};
use storage::page::Sort;

/// A message with placeholders.
pub struct Template(template::Model);

impl From<template::Model> for Template {
    fn from(row: template::Model) -> Self {
        Self(row)
    }
}

/// A message with placeholders, such as `Hello, {{ channel_name }}! {{ offer | default("See you") }}`.
#[Object]
impl Template {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The text, with its placeholders.
    async fn content(&self) -> &str {
        &self.0.content
    }

    /// Notes for people; recipients never see them.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How the text is read.
    async fn parse_mode(&self) -> ParseMode {
        self.0.parse_mode
    }

    /// What is attached; null if nothing is.
    async fn media_type(&self) -> Option<MediaType> {
        self.0.media_type
    }

    /// Where the attachment comes from; null if it was uploaded.
    async fn media_url(&self) -> Option<&str> {
        self.0.media_url.as_deref()
    }

    /// The upload that is attached.
    async fn media_upload_id(&self) -> Option<ID> {
        self.0.media_upload_id.map(|id| id.global())
    }

    /// How many campaigns were created with it.
    async fn usage_count(&self) -> i32 {
        self.0.usage_count
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The names of its placeholders, in alphabetical order, those that the channel fills too.
    async fn placeholders(&self) -> Result<Vec<String>> {
        Ok(self.read()?.placeholders().map(Into::into).collect())
    }

    /// The placeholders that a campaign must give values for: neither the channel nor a default fills them.
    async fn required_params(&self) -> Result<Vec<String>> {
        Ok(self.read()?.missing(&domain::Params::new()))
    }

    /// The campaigns that were made with it, newest first.
    async fn campaigns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BroadcastCampaign>> {
        nested::connection(ctx, self.0.id, CampaignsOf, PageArgs::new(ctx, first, after, last, before)).await
    }
}

impl Template {
    /// The template `id`.
    pub async fn by_id(ctx: &Context<'_>, id: TemplateId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }

    fn read(&self) -> Result<domain::Template> {
        let read = domain::Template::read(&self.0.content, self.0.parse_mode);
        read.map_err(|why| Error::internal(anyhow::anyhow!("a stored template can't be read: {why}")))
    }
}

/// Templates by id.
impl Loader<TemplateId> for Reader {
    type Value = template::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[TemplateId]) -> Result<HashMap<TemplateId, template::Model>, LoadError> {
        let rows = template::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct CampaignsOf;

impl Nested for CampaignsOf {
    type Entity = campaign::Entity;

    fn select(&self, template: Expr) -> Select<campaign::Entity> {
        campaign::Entity::of_template(template)
    }

    fn sort(&self) -> Sort<campaign::Entity> {
        Sort::by_id().descending(true)
    }
}

/// Which templates are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct TemplateFilter {
    /// This is part of the name, in any case.
    name_contains: Option<String>,
    /// With an attachment of one of these kinds.
    media_types: Option<Vec<MediaType>>,
}

impl TemplateFilter {
    fn select(self) -> Select<template::Entity> {
        let Self { name_contains, media_types } = self;
        let mut select = match name_contains {
            Some(part) => template::Entity::named_like(&part),
            None => template::Entity::all(),
        };
        if let Some(types) = media_types {
            // Each once, however often it was given: a statement takes only so many values.
            select = select.filter(Column::MediaType.is_in(MediaType::iter().filter(|kind| types.contains(kind))));
        }
        select
    }
}

/// What templates can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum TemplateOrderField {
    /// In the order of the alphabet.
    Name,
    /// The instant of creation.
    CreatedAt,
    /// The instant of the last change.
    UpdatedAt,
    /// The number of campaigns created with it.
    UsageCount,
}

/// How templates are sorted.
#[derive(InputObject)]
struct TemplateOrder {
    /// What decides the order.
    field: TemplateOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl TemplateOrder {
    fn sort(order: Option<Self>) -> Sort<template::Entity> {
        let order = order.unwrap_or(Self { field: TemplateOrderField::Name, direction: OrderDirection::Asc });
        let sort = match order.field {
            TemplateOrderField::Name => Sort::by(Column::Name),
            TemplateOrderField::CreatedAt => Sort::by_id(),
            TemplateOrderField::UpdatedAt => Sort::by(Column::UpdatedAt),
            TemplateOrderField::UsageCount => Sort::by(Column::UsageCount),
        };
        sort.descending(order.direction.is_desc())
    }
}

/// Reads templates.
#[derive(Default)]
pub struct TemplateQuery;

#[Object]
impl TemplateQuery {
    /// The templates, by name unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn templates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which templates.")] filter: Option<TemplateFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<TemplateOrder>,
    ) -> Result<Option<Connection<Template>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().select();
        Connection::read(&ctx.services().db, select, TemplateOrder::sort(order_by), &args).await.map(Some)
    }

    /// The template with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template's id.")] id: ID,
    ) -> Result<Option<Template>> {
        Template::by_id(ctx, id.argument("id")?).await
    }
}
