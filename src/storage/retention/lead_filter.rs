//! Which leads are wanted: the same words for lists, for counts and for assignments.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{Condition, PaginatorTrait, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};

use super::campaign_lead;
use super::lead::{Column, Entity};
use crate::filter::Filter;
use crate::letters::{self, Asked};
use crate::page::MOST_COUNTED;
use crate::{folded, sql};
use domain::error::Result;
use domain::fold::fold;
use domain::id::{LeadId, RetentionCampaignId};
use domain::retention::address::searched;
use domain::retention::words::LeadStatus;

/// Words of a search that count; more narrow it down no further.
const WORDS: usize = 8;
/// Fewer digits are no part of a phone number.
const DIGITS: usize = 3;

/// All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeadFilter {
    /// One of these.
    pub ids: Option<Vec<LeadId>>,
    /// The statuses.
    pub statuses: Option<Vec<LeadStatus>>,
    /// From one of these sources.
    pub sources: Option<Vec<String>>,
    /// In one of these campaigns.
    pub campaign_ids: Option<Vec<RetentionCampaignId>>,
    /// Known since this instant or later.
    pub created_after: Option<DateTimeUtc>,
    /// Known before this instant.
    pub created_before: Option<DateTimeUtc>,
    /// Each of its words is part of a name, of the email or of the phone number, in any case.
    pub search: Option<String>,
    /// Whether the search looks at names only.
    pub is_blind_to_contacts: bool,
}

impl LeadFilter {
    /// The leads that it finds.
    pub fn select(&self) -> Select<Entity> {
        Entity::find().filter(self.condition())
    }

    /// The same leads, found by SQLite's index of letters where few have the words of the search.
    pub async fn narrowed(&self, db: &impl ConnectionTrait) -> Result<Select<Entity>> {
        let words = self.search.as_ref().and_then(|text| Searched::new(text, !self.is_blind_to_contacts).asked());
        letters::narrowed(db, self.select(), words.map(|words| Asked { table: "leads", words })).await
    }

    /// The same leads for a page of a list. SQLite would gather all members of a campaign and sort them, though some are soon met in the
    /// order of the list where there are many.
    pub async fn listed(&self, db: &impl ConnectionTrait) -> Result<Select<Entity>> {
        let Self { ids: None, search: None, campaign_ids: Some(campaigns), .. } = self else {
            return self.narrowed(db).await;
        };
        let is_postgres = sql::Dialect(db.get_database_backend()).is_postgres();
        if is_postgres || members(campaigns).limit(MOST_COUNTED).count(db).await? < MOST_COUNTED {
            return Ok(self.select());
        }
        let this = Expr::col((campaign_lead::Entity, campaign_lead::Column::LeadId)).equals((Entity, Column::Id));
        // Not in words that SQLite would make a join of.
        let one = members(campaigns).filter(this).limit(1).into_query();
        let is_member = Expr::SubQuery(None, Box::new(one.into()));
        let others = Self { campaign_ids: None, ..self.clone() };
        Ok(others.select().filter(is_member.is_not_null()))
    }
}

/// The leads of some campaigns, by their ids.
fn members(campaigns: &[RetentionCampaignId]) -> Select<campaign_lead::Entity> {
    let members =
        campaign_lead::Entity::find().filter(campaign_lead::Column::CampaignId.is_in(campaigns.iter().copied()));
    members.select_only().column(campaign_lead::Column::LeadId)
}

impl Filter<Entity> for LeadFilter {
    fn condition(&self) -> Condition {
        let Self { ids, statuses, sources, campaign_ids, created_after, created_before, search, is_blind_to_contacts } =
            self;
        let is_in = |campaigns: &Vec<RetentionCampaignId>| Column::Id.in_subquery(members(campaigns).into_query());
        Condition::all()
            .add_option(ids.as_ref().map(|ids| Column::Id.is_in(ids.iter().copied())))
            .add_option(statuses.as_ref().map(|statuses| Column::Status.is_in(statuses.iter().copied())))
            .add_option(sources.as_ref().map(|sources| Column::Source.is_in(sources)))
            .add_option(campaign_ids.as_ref().map(is_in))
            .add_option(created_after.map(|at| Column::CreatedAt.gte(at)))
            .add_option(created_before.map(|at| Column::CreatedAt.lt(at)))
            .add_option(search.as_ref().map(|text| Searched::new(text, !is_blind_to_contacts).condition()))
    }
}

/// What a search looks for. Names and addresses are looked for word by word, so that `ann smith` finds Smith, Ann; a phone number as a
/// whole, because people write blanks into it.
struct Searched {
    words: Vec<Word>,
    /// Of a phone number.
    digits: Option<String>,
}

/// A word of a search, and the ways in which it may stand in an address.
struct Word {
    word: String,
    emails: Vec<String>,
}

impl Searched {
    fn new(text: &str, sees_contacts: bool) -> Self {
        let words = text.split_whitespace().take(WORDS).map(|word| Word {
            word: word.to_owned(),
            emails: if sees_contacts { searched(word) } else { Vec::new() },
        });
        let words = words.collect();
        let text = fold(text);
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_number = text.chars().all(|letter| letter.is_ascii_digit() || " +-()./".contains(letter));
        // Abroad one dials 00 for the plus.
        let digits = (sees_contacts && is_number && digits.len() >= DIGITS)
            .then(|| digits.strip_prefix("00").unwrap_or(&digits).to_owned());
        Self { words, digits }
    }

    fn condition(&self) -> Condition {
        let words = self.words.iter().map(|Word { word, emails }| {
            let names = Condition::any().add(folded::has(Column::NamesFold, word));
            emails.iter().fold(names, |any, part| any.add(Column::Email.like(sql::contains(part))))
        });
        let by_words = words.fold(Condition::all(), Condition::add);
        match &self.digits {
            Some(digits) => Condition::any().add(by_words).add(Column::Phone.like(sql::contains(digits))),
            None => by_words,
        }
    }

    /// The same in the words of the index of letters, as far as it knows it.
    fn asked(&self) -> Option<String> {
        let words = self.words.iter().map(|Word { word, emails }| {
            let emails = emails.iter().map(|part| letters::part("email", part));
            letters::any([letters::part("names_fold", &fold(word))].into_iter().chain(emails))
        });
        let by_words = letters::each(words);
        match &self.digits {
            Some(digits) => letters::any([by_words, letters::part("phone", digits)]),
            None => by_words,
        }
    }
}
