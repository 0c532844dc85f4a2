//! Lists below leads, campaigns, scripts and steps that are of nodes with files of their own.

use sea_orm::Select;
use sea_orm::sea_query::Expr;

use crate::prelude::*;
use storage::retention::{ab_test, conversion, execution, sequence, sequence_step};

/// The conversions of a lead, the latest first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ConversionsBy;

impl Nested for ConversionsBy {
    type Entity = conversion::Entity;

    fn select(&self, lead: Expr) -> Select<conversion::Entity> {
        conversion::Entity::by(lead)
    }

    fn sort(&self) -> Sort<conversion::Entity> {
        Sort::by(conversion::Column::CreatedAt).descending(true)
    }
}

/// The conversions that are credited to a campaign, the latest first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ConversionsOf;

impl Nested for ConversionsOf {
    type Entity = conversion::Entity;

    fn select(&self, campaign: Expr) -> Select<conversion::Entity> {
        conversion::Entity::of(campaign)
    }

    fn sort(&self) -> Sort<conversion::Entity> {
        Sort::by(conversion::Column::CreatedAt).descending(true)
    }
}

/// The sequences that a campaign governs, the latest first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SequencesOf;

impl Nested for SequencesOf {
    type Entity = sequence::Entity;

    fn select(&self, campaign: Expr) -> Select<sequence::Entity> {
        sequence::Entity::of(campaign)
    }

    fn sort(&self) -> Sort<sequence::Entity> {
        Sort::by(sequence::Column::CreatedAt).descending(true)
    }
}

/// The A/B tests of a campaign's contacts, the latest first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TestsOf;

impl Nested for TestsOf {
    type Entity = ab_test::Entity;

    fn select(&self, campaign: Expr) -> Select<ab_test::Entity> {
        ab_test::Entity::of(campaign)
    }

    fn sort(&self) -> Sort<ab_test::Entity> {
        Sort::by(ab_test::Column::CreatedAt).descending(true)
    }
}

/// The steps that say a script, of all versions, the latest first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StepsSaying;

impl Nested for StepsSaying {
    type Entity = sequence_step::Entity;

    fn select(&self, script: Expr) -> Select<sequence_step::Entity> {
        sequence_step::Entity::saying(script)
    }

    fn sort(&self) -> Sort<sequence_step::Entity> {
        Sort::by_id().descending(true)
    }
}

/// The list of a step's executions, the latest first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExecutionsOf;

impl Nested for ExecutionsOf {
    type Entity = execution::Entity;

    fn select(&self, step: Expr) -> Select<execution::Entity> {
        execution::Entity::of_step(step)
    }

    fn sort(&self) -> Sort<execution::Entity> {
        Sort::by_id().descending(true)
    }
}
