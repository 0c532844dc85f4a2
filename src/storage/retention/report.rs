//! Figures over a range of time, added up from the sums that are kept.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use sea_orm::{ConnectionTrait, TryGetable};

use crate::sums::{self, By, Only, Range, Sum, Summed};
use crate::tallies::word;
use domain::error::Result;
use domain::id::{RetentionCampaignId, RetentionSequenceId, SequenceStepId};
use domain::retention::figures::Figures;
use domain::retention::words::{ContactAttemptStatus, ConversionStatus, EnrollmentStatus, ExecutionStatus};

/// The figures of attempts that began and of conversions that were made in the range, for each channel, campaign or step. `only`
/// narrows it down to one campaign.
pub async fn figures<K: TryGetable + Eq + Hash>(
    db: &impl ConnectionTrait,
    range: Range,
    by: By,
    only: Option<RetentionCampaignId>,
) -> Result<HashMap<Option<K>, Figures>> {
    let mut found: HashMap<Option<K>, Figures> = HashMap::new();
    let only = only.map(Only::Campaign);
    for mut sum in sums::read(db, Summed::Contacts, range, by, only).await? {
        let status = word(&sum.status)?;
        contact(found.entry(sum.place.take()).or_default(), status, sum);
    }
    for mut sum in sums::read(db, Summed::Conversions, range, by, only).await? {
        let status = word(&sum.status)?;
        conversion(found.entry(sum.place.take()).or_default(), status, sum);
    }
    Ok(found)
}

/// Counts attempts of a status.
pub fn contact<K>(figures: &mut Figures, status: ContactAttemptStatus, sum: Sum<K>) {
    figures.count(status, sum.n);
    figures.opened += sum.opened;
    figures.clicked += sum.clicked;
    figures.replied += sum.replied;
    figures.seconds += sum.seconds;
    figures.calls += sum.timed;
    if sum.paid > 0 {
        add(&mut figures.cost, sum.detail, sum.micros);
    }
}

/// Counts conversions of a status.
pub fn conversion<K>(figures: &mut Figures, status: ConversionStatus, sum: Sum<K>) {
    if sum.n == 0 {
        return;
    }
    if status == ConversionStatus::Rejected {
        figures.rejected += sum.n;
        return;
    }
    figures.conversions += sum.n;
    // What only a LEAD would bring is not brought yet.
    let sums = if status == ConversionStatus::Lead { &mut figures.held } else { &mut figures.revenue };
    add(sums, sum.detail, sum.micros);
}

fn add(sums: &mut BTreeMap<String, i64>, currency: String, micros: i64) {
    if !currency.is_empty() {
        *sums.entry(currency).or_default() += micros;
    }
}

/// Leads that came in the range.
pub async fn new_leads(db: &impl ConnectionTrait, range: Range) -> Result<i64> {
    let sums = sums::read::<String>(db, Summed::Leads, range, By::Nothing, None).await?;
    Ok(sums.iter().map(|sum| sum.n).sum())
}

/// Counts what became of the enrollments that began in the range: of one sequence, or of all.
pub async fn enrollments(
    db: &impl ConnectionTrait,
    range: Range,
    of: Option<RetentionSequenceId>,
) -> Result<Vec<(EnrollmentStatus, i64)>> {
    let only = of.map(Only::Sequence);
    let mut sums = sums::read::<String>(db, Summed::Enrollments, range, By::Nothing, only).await?;
    sums.sort_by(|one, other| one.status.cmp(&other.status));
    sums.iter().map(|sum| Ok((word(&sum.status)?, sum.n))).collect()
}

/// Counts what became of the executions that were due in the range, of each step of a sequence.
pub async fn executions(
    db: &impl ConnectionTrait,
    range: Range,
    of: RetentionSequenceId,
) -> Result<Vec<(SequenceStepId, ExecutionStatus, i64)>> {
    let only = Some(Only::StepsOf(of));
    let mut sums = sums::read(db, Summed::Executions, range, By::Step, only).await?;
    sums.sort_by(|one, other| one.status.cmp(&other.status));
    let of_step = |sum: Sum<SequenceStepId>| sum.place.map(|step| Ok((step, word(&sum.status)?, sum.n)));
    sums.into_iter().filter_map(of_step).collect()
}
