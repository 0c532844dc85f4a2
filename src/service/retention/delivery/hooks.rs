//! What else has a say before a step is done: conversion rules, and A/B tests of its script.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::Services;
use crate::retention::ab_test;
use crate::retention::conversion_rule_check::ruled_out;
use domain::error::Result;
use domain::id::{AbTestId, LeadId, ScriptId, SequenceStepId};
use domain::retention::words::{AbVariant, ContactChannel};
use storage::retention::queue::claim::Due;

/// The assignment that an A/B test makes for a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// The script that goes out.
    pub script: ScriptId,
    /// The test and the side for which it counts; None if the test is over and this is its winner.
    pub test: Option<(AbTestId, AbVariant)>,
}

/// The assignments for the steps that are due.
#[derive(Debug, Default)]
pub struct Answers {
    /// Channels that do worse than a conversion rule allows.
    pub ruled_out: HashSet<ContactChannel>,
    /// Tests of steps, for some of the leads.
    pub assignments: HashMap<(SequenceStepId, LeadId), Assignment>,
}

/// Asks all of them, once for many steps.
pub async fn ask(on: &Services, due: &[Due], now: DateTime<Utc>) -> Result<Answers> {
    let channels: HashSet<ContactChannel> = due.iter().map(|due| due.step.channel).collect();
    let channels: Vec<ContactChannel> = channels.into_iter().collect();
    let (ruled_out, choices) = tokio::try_join!(ruled_out(on, &channels, now), ab_test::choices(on.db.reader()))?;
    let assignment = |due: &Due| {
        let contact = ab_test::Contact {
            step: Some(due.step.origin()),
            campaign: due.sequence.campaign_id,
            channel: due.step.channel,
            script: due.step.script_id,
            lead: due.lead.id,
        };
        let ab_test::Choice { script, test } = choices.of(&contact)?;
        Some(((due.step.id, due.lead.id), Assignment { script, test }))
    };
    Ok(Answers { ruled_out, assignments: due.iter().filter_map(assignment).collect() })
}
