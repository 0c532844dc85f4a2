//! Lists of templates.

use sea_orm::Select;

use crate::prelude::*;
use ::domain::broadcast::MediaType;
use ::domain::error::Result;
use ::domain::role::Permission;
use ::domain::text::{self, Bounds};
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
        let filter = template::TemplateFilter { name_contains, media_types: media_types.map(each) };
        filter.cut(template::Entity::all())
    }
}

order! {
    /// What templates can be sorted by.
    enum TemplateOrderField of template::Entity {
        /// In the order of the alphabet.
        Name => Sort::by_text(Column::NameFold, Column::Name),
        /// The instant of creation.
        CreatedAt => Sort::by_id(),
        /// The instant of the last change.
        UpdatedAt => Sort::by(Column::UpdatedAt),
        /// The number of campaigns created with it.
        UsageCount => Sort::by(Column::UsageCount),
    }
    /// How templates are sorted.
    TemplateOrder, rising Name
}

/// By what a template is known.
#[derive(OneofObject)]
enum TemplateKey {
    /// What people call it, letter for letter, without the blanks around it.
    Name(String),
}

/// Reads templates.
#[derive(Default)]
pub struct TemplateQuery;

#[Object]
impl TemplateQuery {
    /// The templates, by name unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
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
        Connection::read(ctx, select, TemplateOrder::sort(order_by), &args).await.map(Some)
    }

    /// The template with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template's id.")] id: ID,
    ) -> Result<Option<Template>> {
        Template::by_argument(ctx, &id).await
    }

    /// The template with this name; null if there is none. Several may have one name: then CONFLICT names their ids.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn template_by(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what it is known.")] key: TemplateKey,
    ) -> Result<Option<Template>> {
        let TemplateKey::Name(name) = key;
        let name = lookup::key("name", text::line(&name, Bounds::NAME))?;
        lookup::only(ctx, template::Entity::named(&name)).boxed().await
    }
}
