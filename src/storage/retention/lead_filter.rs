//! Which leads are wanted: the same words for lists, for counts and for assignments.

use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};

use super::campaign_lead;
use super::lead::{Column, Entity};
use crate::filter::Filter;
use crate::{folded, sql};
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
}

impl Filter<Entity> for LeadFilter {
    fn condition(&self) -> Condition {
        let Self { ids, statuses, sources, campaign_ids, created_after, created_before, search, is_blind_to_contacts } =
            self;
        let is_in = |campaigns: &Vec<RetentionCampaignId>| {
            let members = campaign_lead::Entity::find()
                .filter(campaign_lead::Column::CampaignId.is_in(campaigns.iter().copied()))
                .select_only()
                .column(campaign_lead::Column::LeadId);
            Column::Id.in_subquery(members.into_query())
        };
        Condition::all()
            .add_option(ids.as_ref().map(|ids| Column::Id.is_in(ids.iter().copied())))
            .add_option(statuses.as_ref().map(|statuses| Column::Status.is_in(statuses.iter().copied())))
            .add_option(sources.as_ref().map(|sources| Column::Source.is_in(sources)))
            .add_option(campaign_ids.as_ref().map(is_in))
            .add_option(created_after.map(|at| Column::CreatedAt.gte(at)))
            .add_option(created_before.map(|at| Column::CreatedAt.lt(at)))
            .add_option(search.as_ref().map(|text| found_by(text, !is_blind_to_contacts)))
    }
}

/// Names and addresses are looked for word by word, so that `ann smith` finds Smith, Ann; a phone number as a whole, because
/// people write blanks into it.
fn found_by(text: &str, sees_contacts: bool) -> Condition {
    let words = text.split_whitespace().take(WORDS).map(|word| {
        let names = Condition::any().add(folded::has(Column::NamesFold, word));
        let emails = if sees_contacts { searched(word) } else { Vec::new() };
        emails.iter().fold(names, |any, part| any.add(Column::Email.like(sql::contains(part))))
    });
    let by_words = words.fold(Condition::all(), Condition::add);
    let text = fold(text);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_number = text.chars().all(|letter| letter.is_ascii_digit() || " +-()./".contains(letter));
    if sees_contacts && is_number && digits.len() >= DIGITS {
        // Abroad one dials 00 for the plus.
        let digits = digits.strip_prefix("00").unwrap_or(&digits);
        return Condition::any().add(by_words).add(Column::Phone.like(sql::contains(digits)));
    }
    by_words
}
