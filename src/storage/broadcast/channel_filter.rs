//! Which channels are wanted: the same words for lists, for batches and for counts.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Func, LikeExpr};
use sea_orm::{Condition, FromQueryResult, QuerySelect};
use serde::{Deserialize, Serialize};

use super::channel::{Column, Entity};
use crate::filter::Filter;
use crate::letters::{self, Asked};
use crate::page::{self, Length};
use crate::sql::{self, Dialect};
use crate::tallies::{self, Kept, Tally};
use domain::error::Result;
use domain::fold::fold;
use domain::id::ChannelId;

/// What the tallies of channels say of active ones.
const ACTIVE: &str = "yes";

/// All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChannelFilter {
    /// One of these.
    pub ids: Option<Vec<ChannelId>>,
    /// In one of these categories, in any case.
    pub categories: Option<Vec<String>>,
    /// A part of the username, in any case.
    pub username_contains: Option<String>,
    /// May be written to, or not.
    pub is_active: Option<bool>,
    /// Verified by Telegram, or not.
    pub is_verified: Option<bool>,
    /// So many subscribers at least; a channel whose number is not known has too few.
    pub member_count_min: Option<i32>,
    /// So many subscribers at most; a channel whose number is not known has too many.
    pub member_count_max: Option<i32>,
    /// Added to the catalog at or after this instant.
    pub created_after: Option<DateTimeUtc>,
    /// Added to the catalog before this instant.
    pub created_before: Option<DateTimeUtc>,
}

impl ChannelFilter {
    /// The channels that it finds.
    pub fn select(&self) -> Select<Entity> {
        Entity::find().filter(self.condition())
    }

    /// The same channels, found by SQLite's index of letters where few have the part of the username.
    pub async fn narrowed(&self, db: &impl ConnectionTrait) -> Result<Select<Entity>> {
        let words = self.username_contains.as_ref().and_then(|part| letters::part("username", &bare(part)));
        letters::narrowed(db, self.select(), words.map(|words| Asked { table: "channels", words })).await
    }

    /// How many channels it finds.
    pub async fn count(&self, db: &impl ConnectionTrait) -> Result<Length> {
        if let Self {
            ids: None,
            categories,
            username_contains: None,
            is_active,
            is_verified: None,
            member_count_min: None,
            member_count_max: None,
            created_after: None,
            created_before: None,
        } = self
            && let Some(tallies) = Kept::Channels.tallies(db, None).await?
        {
            let categories: Option<Vec<String>> =
                categories.as_ref().map(|names| names.iter().map(|name| fold(name.trim())).collect());
            let found = tallies::sum(&tallies, |tally| {
                categories.as_ref().is_none_or(|names| names.contains(&tally.one))
                    && is_active.is_none_or(|is_active| is_active == (tally.other == ACTIVE))
            });
            return Ok(Length::exactly(found));
        }
        if self.username_contains.is_some() {
            return page::count(db, self.narrowed(db).await?).await;
        }
        tallies::count_instead(db, self.select()).await
    }

    /// How many channels it finds, however long it takes to count them.
    pub async fn count_all(&self, db: &impl ConnectionTrait) -> Result<u64> {
        let length = self.count(db).await?;
        if length.is_exact { Ok(length.rows) } else { page::count_all(db, self.select()).await }
    }
}

impl Filter<Entity> for ChannelFilter {
    fn condition(&self) -> Condition {
        let Self {
            ids,
            categories,
            username_contains,
            is_active,
            is_verified,
            member_count_min,
            member_count_max,
            created_after,
            created_before,
        } = self;
        let has_part = |part: &String| Column::Username.like(contains(part));
        Condition::all()
            .add_option(ids.as_ref().map(|ids| Column::Id.is_in(ids.iter().copied())))
            .add_option(
                categories.as_ref().map(|names| Column::CategoryFold.is_in(names.iter().map(|name| fold(name.trim())))),
            )
            .add_option(username_contains.as_ref().map(has_part))
            .add_option(is_active.map(|is_active| Column::IsActive.eq(is_active)))
            .add_option(is_verified.map(verified))
            .add_option(member_count_min.or(member_count_max.map(|_| 0)).map(has_members))
            .add_option(member_count_max.map(|most| sea_orm::sea_query::ExprTrait::lte(members(), most)))
            .add_option(created_after.map(|at| Column::CreatedAt.gte(at)))
            .add_option(created_before.map(|at| Column::CreatedAt.lt(at)))
    }
}

/// In the words of the index of the few that are.
fn verified(is_verified: bool) -> Expr {
    let verified = Expr::col((Entity, Column::IsVerified));
    if is_verified { verified } else { sea_orm::sea_query::ExprTrait::not(verified) }
}

/// In the words of the index, which sorts channels of unknown size as having -1.
fn members() -> Expr {
    Expr::from(Func::coalesce([Expr::col(Column::MemberCount), Expr::cust("-1")]))
}

fn has_members(least: i32) -> Expr {
    sea_orm::sea_query::ExprTrait::gte(members(), Ord::max(least, 0))
}

/// Whether a part of a username is one of every username.
pub fn is_any(part: &str) -> bool {
    bare(part).is_empty()
}

/// A match for a part of a username.
fn contains(part: &str) -> LikeExpr {
    sql::contains(&bare(part))
}

/// A part of a username, which people may type like a link to it.
fn bare(part: &str) -> String {
    let part = fold(part.trim());
    let part = ["https://", "http://"].iter().find_map(|scheme| part.strip_prefix(scheme)).unwrap_or(&part);
    ["t.me/", "@"].iter().find_map(|prefix| part.strip_prefix(prefix)).unwrap_or(part).to_owned()
}

/// A category, and how many channels are in it.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Category {
    pub category: String,
    pub channel_count: i64,
    pub active_count: i64,
}

impl Category {
    /// Those of `names` that some channel has, folded.
    pub async fn of(db: &impl ConnectionTrait, names: &[String]) -> Result<Vec<String>> {
        let mut there = Vec::new();
        // The statement's parameters are limited.
        for names in names.chunks(1_000) {
            let folded = names.iter().map(|name| fold(name.trim()));
            let select = Entity::find().filter(Column::CategoryFold.is_in(folded)).select_only();
            there.extend(select.column(Column::CategoryFold).distinct().into_tuple::<String>().all(db).await?);
        }
        Ok(there)
    }

    /// The categories, those with the most channels first; spellings that differ in case only are one. Raw SQL, because sea-orm has
    /// no words for a conditional count.
    pub async fn all(db: &impl ConnectionTrait, limit: i64) -> Result<Vec<Self>> {
        if let Some(tallies) = Kept::Channels.tallies(db, None).await? {
            return Ok(Self::of_tallies(&tallies, limit));
        }
        let sql = "SELECT MIN(category) AS category, COUNT(*) AS channel_count,
                    SUM(CASE WHEN is_active THEN 1 ELSE 0 END) AS active_count
             FROM channels GROUP BY category_fold ORDER BY channel_count DESC, category_fold LIMIT $1";
        let statement = Dialect(db.get_database_backend()).statement(sql, [limit.into()]);
        Ok(Self::find_by_statement(statement).all(db).await?)
    }

    fn of_tallies(tallies: &[Tally], limit: i64) -> Vec<Self> {
        let mut found: BTreeMap<&str, Self> = BTreeMap::new();
        for Tally { one, other, third, n, .. } in tallies {
            let known =
                found.entry(one).or_insert_with(|| Self { category: third.clone(), channel_count: 0, active_count: 0 });
            known.channel_count += n;
            known.active_count += if other == ACTIVE { *n } else { 0 };
            if *third < known.category {
                known.category.clone_from(third);
            }
        }
        // Those with as many stay in the order of their folded names.
        let mut found: Vec<Self> = found.into_values().collect();
        found.sort_by_key(|category| std::cmp::Reverse(category.channel_count));
        found.truncate(usize::try_from(limit).unwrap_or_default());
        found
    }
}
