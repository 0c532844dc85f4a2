//! Lists of templates.

use sea_orm::{ColumnTrait, Iterable, QueryFilter, Select};

use crate::prelude::*;
use ::domain::broadcast::MediaType;
use ::domain::error::Result;
use ::domain::role::Permission;
use storage::broadcast::template::{self, Column};

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
