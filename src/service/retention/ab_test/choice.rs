//! Which script goes out: asked before each send, answered from a handful of rows.

use sea_orm::ConnectionTrait;

use super::rule;
use domain::error::Result;
use domain::id::{AbTestId, LeadId, RetentionCampaignId, ScriptId, SequenceStepId};
use domain::retention::ab_test::Rule;
use domain::retention::words::{AbTestStatus, AbVariant, ContactChannel};
use domain::statistics;
use storage::retention::ab_test;

/// A contact that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Contact {
    /// The step of a sequence that it is made for.
    pub step: Option<SequenceStepId>,
    /// The campaign that it belongs to.
    pub campaign: Option<RetentionCampaignId>,
    /// The way by which the lead is reached.
    pub channel: ContactChannel,
    /// The script that it would use.
    pub script: Option<ScriptId>,
    /// The lead.
    pub lead: LeadId,
}

/// The choice of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The script to use.
    pub script: ScriptId,
    /// The test that it counts for, and as which variant: both are to be stored with the attempt. None if the test is over and
    /// this is its winner.
    pub test: Option<(AbTestId, AbVariant)>,
}

/// All tests that run or have a winner, read once for many contacts.
#[derive(Debug, Clone)]
pub struct Choices(Vec<(ab_test::Model, Rule)>);

/// Reads the tests that decide.
pub async fn choices(db: &impl ConnectionTrait) -> Result<Choices> {
    let rows = ab_test::Entity::deciding().all(db).await?;
    let with_rule = |row: ab_test::Model| Ok((rule(&row)?, row));
    let tests: Result<Vec<(Rule, ab_test::Model)>> = rows.into_iter().map(with_rule).collect();
    Ok(Choices(tests?.into_iter().map(|(rule, row)| (row, rule)).collect()))
}

impl Choices {
    /// The choice of the tests for a contact: one that runs before one that has ended, that of the step before that of
    /// the campaign, the newer before the older. None: they say nothing. Always the same for the same lead and test.
    pub fn of(&self, contact: &Contact) -> Option<Choice> {
        let rank = |test: &ab_test::Model| (test.status != AbTestStatus::Running, test.step_id.is_none());
        let fitting = self.0.iter().filter(|(test, _)| is_about(test, contact));
        let (test, rule) = fitting.min_by_key(|(test, _)| rank(test))?;
        if let (AbTestStatus::Completed, Some(script)) = (test.status, test.winner_id) {
            return Some(Choice { script, test: None });
        }
        let (variant, script) = match statistics::assign(test.id.0, contact.lead.0, &rule.split) {
            0 => (AbVariant::A, test.variant_a),
            _ => (AbVariant::B, test.variant_b),
        };
        Some(Choice { script, test: Some((test.id, variant)) })
    }
}

fn is_about(test: &ab_test::Model, contact: &Contact) -> bool {
    if test.channel != contact.channel {
        return false;
    }
    match (test.step_id, test.campaign_id) {
        (Some(step), _) => contact.step == Some(step),
        // The campaign's other texts are none of this test's.
        (None, Some(campaign)) => {
            contact.campaign == Some(campaign)
                && contact.script.is_none_or(|script| script == test.variant_a || script == test.variant_b)
        }
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    fn test(status: AbTestStatus, step: Option<SequenceStepId>, campaign: RetentionCampaignId) -> ab_test::Model {
        ab_test::Model {
            id: AbTestId::generate(),
            name: "subject".into(),
            campaign_id: step.is_none().then_some(campaign),
            step_id: step,
            channel: ContactChannel::Email,
            variant_a: ScriptId::generate(),
            variant_b: ScriptId::generate(),
            status,
            rule: json!(Rule::default()),
            winner: None,
            winner_id: None,
            stats_a: None,
            stats_b: None,
            verdict: None,
            started_at: None,
            ended_at: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
            deleted_at: None,
        }
    }

    #[test]
    fn the_step_comes_before_the_campaign_and_what_runs_before_what_has_ended() {
        let (step, campaign) = (SequenceStepId::generate(), RetentionCampaignId::generate());
        let mut ended = test(AbTestStatus::Completed, Some(step), campaign);
        (ended.winner, ended.winner_id) = (Some(AbVariant::B), Some(ended.variant_b));
        let running = test(AbTestStatus::Running, None, campaign);
        let contact = Contact {
            step: Some(step),
            campaign: Some(campaign),
            channel: ContactChannel::Email,
            script: None,
            lead: LeadId::generate(),
        };
        let choices =
            |tests: Vec<ab_test::Model>| Choices(tests.into_iter().map(|test| (test, Rule::default())).collect());
        let won = choices(vec![ended.clone()]).of(&contact);
        assert_eq!(won, Some(Choice { script: ended.variant_b, test: None }));
        let both = choices(vec![ended.clone(), running.clone()]);
        assert_eq!(both.of(&contact).unwrap().test.unwrap().0, running.id);
        // Another text of the campaign is left alone, other channels and campaigns too.
        let other_text = Contact { script: Some(ScriptId::generate()), ..contact };
        assert_eq!(both.of(&other_text), won);
        assert_eq!(both.of(&Contact { channel: ContactChannel::Sms, ..contact }), None);
        assert_eq!(choices(vec![running]).of(&Contact { campaign: None, ..contact }), None);
    }

    #[test]
    fn a_lead_keeps_its_variant() {
        let (step, campaign) = (SequenceStepId::generate(), RetentionCampaignId::generate());
        let running = test(AbTestStatus::Running, Some(step), campaign);
        let choices = Choices(vec![(running.clone(), Rule::default())]);
        let of = |lead| {
            let contact =
                Contact { step: Some(step), campaign: None, channel: ContactChannel::Email, script: None, lead };
            choices.of(&contact).unwrap()
        };
        let leads: Vec<LeadId> = (0..200).map(|_| LeadId::generate()).collect();
        let first: Vec<Choice> = leads.iter().map(|lead| of(*lead)).collect();
        assert_eq!(first, leads.iter().map(|lead| of(*lead)).collect::<Vec<_>>());
        let to_a = first.iter().filter(|choice| choice.script == running.variant_a).count();
        assert!((60..140).contains(&to_a), "{to_a}");
    }
}
