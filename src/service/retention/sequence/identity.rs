//! Which step is which over the versions of a sequence: what hangs on a step, such as an A/B test, goes on with it and with no other.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, QueryOrder};

use super::steps::{NewStep, mistake, of};
use domain::error::{Result, Violations};
use domain::id::SequenceStepId;
use domain::retention::words::AbTestStatus;
use serde_json::json;
use storage::retention::{ab_test, sequence, sequence_step};

/// Whether a step of before may be a new one.
type Way<'a> = dyn Fn(&sequence_step::Model, &NewStep) -> bool + 'a;

/// The steps of a sequence as they are, and the tests that hang on them.
pub(super) struct Present {
    steps: Vec<sequence_step::Model>,
    tests: Vec<ab_test::Model>,
}

impl Present {
    /// Reads those of the version that a sequence has now.
    pub(super) async fn read(db: &impl ConnectionTrait, sequence: &sequence::Model) -> Result<Self> {
        let steps = of(sequence.id, sequence.steps_version).all(db).await?;
        let origins = steps.iter().map(sequence_step::Model::origin);
        let tests = ab_test::Entity::at_steps(origins).order_by_asc(ab_test::Column::Id).all(db).await?;
        Ok(Self { steps, tests: tests.into_iter().filter(says_something).collect() })
    }

    /// Which of them each of the new steps is; None: it is new. If one of the new steps names one, only those that do are any; otherwise
    /// it is the one that says the same by the same way, or in the words that an A/B test has for it.
    ///
    /// # Errors
    /// What can't be told: a name that is none, or which of several steps goes on with its test.
    pub(super) fn origins(&self, new: &[NewStep]) -> Result<Vec<Option<SequenceStepId>>> {
        let mut wrong = Violations::default();
        let origins = if new.iter().any(|step| step.id.is_some()) {
            self.named(new, &mut wrong)
        } else {
            self.found(new, &mut wrong)
        };
        wrong.into_result().map(|()| origins)
    }

    fn named(&self, new: &[NewStep], wrong: &mut Violations) -> Vec<Option<SequenceStepId>> {
        let mut taken = HashSet::new();
        let mut named = |index: usize, step: &NewStep| {
            let id = step.id?;
            let mut refuse = |field: &str, why: String| wrong.push(mistake(index, field, why));
            let Some(old) = self.steps.iter().find(|old| old.id == id || old.origin() == id) else {
                refuse("id", "is none of the steps that the sequence has now".to_owned());
                return None;
            };
            if !taken.insert(old.id) {
                refuse("id", "another step has this id, and only one of them can be that step".to_owned());
            } else if old.channel != step.channel {
                let why = format!(
                    "this step goes by {}: leave the id out, by {} it is another one",
                    old.channel, step.channel
                );
                refuse("id", why);
            } else if let Some(test) = self.test(old).filter(|test| old.script_id != step.script && !keeps(test, step))
            {
                let why = format!(
                    "the A/B test \"{}\" says what this step sends: end it first, or leave the step's id out, and the test ends with \
                     the step that is replaced",
                    test.name
                );
                refuse("scriptId", why);
            }
            Some(old.origin())
        };
        new.iter().enumerate().map(|(index, step)| named(index, step)).collect()
    }

    fn found(&self, new: &[NewStep], wrong: &mut Violations) -> Vec<Option<SequenceStepId>> {
        let mut left: Vec<&sequence_step::Model> = self.steps.iter().collect();
        let mut origins = vec![None; new.len()];
        let same =
            |old: &sequence_step::Model, step: &NewStep| (old.channel, old.script_id) == (step.channel, step.script);
        let equal = |old: &sequence_step::Model, step: &NewStep| {
            let rest =
                (old.delay_value, old.delay_unit, old.is_active) == (step.delay_value, step.delay_unit, step.is_active);
            same(old, step) && rest && old.conditions == json!(step.conditions)
        };
        let tested = |old: &sequence_step::Model, step: &NewStep| {
            old.channel == step.channel
                && self.tests.iter().any(|test| test.step_id == Some(old.origin()) && keeps(test, step))
        };
        // What has not changed at all is known first; what is left may have another time or other conditions, then other words.
        let ways: [&Way<'_>; 3] = [&equal, &same, &tested];
        for (way, is_it) in ways.into_iter().enumerate() {
            for (index, step) in new.iter().enumerate() {
                if origins[index].is_some() {
                    continue;
                }
                let may_be: Vec<usize> = (0..left.len()).filter(|at| is_it(left[*at], step)).collect();
                let Some(first) = may_be.first() else { continue };
                let (here, others) =
                    new.iter().zip(&origins).enumerate().fold((0, 0), |(here, others), (other, (one, origin))| {
                        let is_like = origin.is_none() && is_it(left[*first], one);
                        (here + usize::from(is_like), others + usize::from(is_like && other != index))
                    });
                let is_clear = if way == 0 { may_be.len() <= here } else { may_be.len() == 1 && others == 0 };
                if let Some(test) = may_be.iter().find_map(|at| self.test(left[*at])).filter(|_| !is_clear) {
                    let why = format!(
                        "several steps say the same by the same way, and the A/B test \"{}\" belongs to one of them: give each step \
                         that stays its id, and none to the others",
                        test.name
                    );
                    wrong.push(mistake(index, "id", why));
                }
                origins[index] = Some(left.remove(*first).origin());
            }
        }
        origins
    }

    /// A test of a step.
    fn test(&self, step: &sequence_step::Model) -> Option<&ab_test::Model> {
        self.tests.iter().find(|test| test.step_id == Some(step.origin()))
    }
}

/// What the last change of a sequence's steps has cost: a sentence for each A/B test whose step is there no more.
pub async fn lost_tests(db: &impl ConnectionTrait, sequence: &sequence::Model) -> Result<Vec<String>> {
    let origins =
        |steps: Vec<sequence_step::Model>| steps.iter().map(sequence_step::Model::origin).collect::<HashSet<_>>();
    let before = origins(of(sequence.id, sequence.steps_version - 1).all(db).await?);
    let now = origins(of(sequence.id, sequence.steps_version).all(db).await?);
    let tests = ab_test::Entity::at_steps(before.difference(&now).copied());
    let tests = tests.order_by_asc(ab_test::Column::Name).all(db).await?;
    let told = tests.iter().filter(|test| says_something(test)).map(|test| {
        let name = &test.name;
        match test.status {
            AbTestStatus::Running => format!(
                "the A/B test \"{name}\" is RUNNING, and the step that it is about is there no more: it counts only who is on the way, stop it"
            ),
            AbTestStatus::Draft => {
                format!("the A/B test \"{name}\" is a DRAFT, and the step that it is about is there no more: delete it, or make it anew")
            }
            AbTestStatus::Completed => {
                format!("the step is there no more in which the winner of the A/B test \"{name}\" went out")
            }
        }
    });
    Ok(told.collect())
}

/// Whether a test has anything to do with what is sent, now or when it is started.
fn says_something(test: &ab_test::Model) -> bool {
    test.status != AbTestStatus::Completed || test.winner_id.is_some()
}

/// Whether a test goes on with the script of a step: while it has no winner that is one of its two, afterwards the winner.
fn keeps(test: &ab_test::Model, step: &NewStep) -> bool {
    let Some(script) = step.script else { return false };
    match test.status {
        AbTestStatus::Completed => test.winner_id == Some(script),
        _ => [test.variant_a, test.variant_b].contains(&script),
    }
}
