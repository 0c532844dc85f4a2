//! Reports: what was done, what came of it, what it cost. Each answer is kept for a minute.

mod cache;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::cache::Cache;
use crate::Services;
use ::storage::Noun;
use ::storage::retention::report as storage;
use ::storage::retention::{campaign, sequence, sequence_step};
use ::storage::sums::{self, By, Range};
use domain::error::{Error, Result, Violation};
use domain::id::{RetentionCampaignId, RetentionSequenceId, SequenceStepId};
use domain::retention::figures::Figures;
use domain::retention::words::{ContactChannel, EnrollmentStatus, ExecutionStatus};

/// The longest range.
const LONGEST: TimeDelta = TimeDelta::days(366);
/// The range where none is given.
const DEFAULT: TimeDelta = TimeDelta::days(30);
/// Campaigns that one report has: those with the most attempts.
pub const MOST_CAMPAIGNS: usize = 100;

/// The question of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// All of it.
    Overview,
    /// By the way in which leads are reached.
    Channels,
    /// By campaign, or of one.
    Campaigns(Option<RetentionCampaignId>),
    /// By the steps of a sequence.
    Funnel(RetentionSequenceId),
}

/// From when to when, as it was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Asked {
    /// 30 days before the end where it is left out.
    pub from: Option<DateTime<Utc>>,
    /// Now where it is left out.
    pub to: Option<DateTime<Utc>>,
}

/// An answer, and of which range it is.
#[derive(Debug)]
pub struct Report {
    /// From when to when.
    pub range: Range,
    /// When it was added up.
    pub at: DateTime<Utc>,
    /// The answer.
    pub answer: Answer,
}

/// The answer to a question.
#[derive(Debug)]
pub enum Answer {
    /// Of [`Question::Overview`].
    Overview(Overview),
    /// Of [`Question::Channels`], in the order of their names. Conversions without a channel have None.
    Channels(Vec<(Option<ContactChannel>, Figures)>),
    /// Of [`Question::Campaigns`], those with the most attempts first. What belongs to no campaign has None.
    Campaigns(Vec<(Option<RetentionCampaignId>, Figures)>),
    /// Of [`Question::Funnel`].
    Funnel(Funnel),
}

/// All of it.
#[derive(Debug, Default)]
pub struct Overview {
    /// Attempts and conversions.
    pub figures: Figures,
    /// Leads that came.
    pub new_leads: i64,
    /// Enrollments that began, by what has become of them.
    pub enrollments: Vec<(EnrollmentStatus, i64)>,
}

/// A sequence, step by step.
#[derive(Debug)]
pub struct Funnel {
    /// The sequence whose steps these are.
    pub sequence: RetentionSequenceId,
    /// Enrollments that began, by what has become of them.
    pub enrollments: Vec<(EnrollmentStatus, i64)>,
    /// The sequence's steps: those of today, and those of before that something was done for.
    pub steps: Vec<Step>,
}

/// A step of a sequence.
#[derive(Debug)]
pub struct Step {
    /// The step.
    pub step: sequence_step::Model,
    /// Executions that were due, by what has become of them.
    pub executions: Vec<(ExecutionStatus, i64)>,
    /// Attempts and conversions.
    pub figures: Figures,
}

/// Reports of this process. There must be one of it only; copies of it are the same.
#[derive(Clone)]
pub struct Reports {
    on: Services,
    cache: Arc<Cache<(Question, Asked), Report>>,
}

impl Reports {
    /// Nothing is known yet.
    pub fn new(on: &Services) -> Self {
        Self { on: on.clone(), cache: Arc::new(Cache::new(on.events.subscribe())) }
    }

    /// The answer to a question: one of the last minute, unless something was told since that changes it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the range is none, [`Error::NotFound`] for a campaign or a sequence that is not there.
    pub async fn read(&self, question: Question, asked: Asked) -> Result<Arc<Report>> {
        let range = range(asked, self.on.now())?;
        self.cache.read((question, asked), || report(&self.on, question, range)).await
    }
}

fn range(asked: Asked, now: DateTime<Utc>) -> Result<Range> {
    let to = asked.to.unwrap_or(now);
    let from = asked.from.unwrap_or(to - DEFAULT);
    let wrong = |message: &str| Error::Invalid(vec![Violation { path: vec!["from".into()], message: message.into() }]);
    if from >= to {
        return Err(wrong("must be before to"));
    }
    if to - from > LONGEST {
        return Err(wrong("must be at most 366 days before to"));
    }
    Ok(Range { from, to })
}

async fn report(on: &Services, question: Question, range: Range) -> Result<Report> {
    let range = sums::whole(on.db.reader(), range).await?;
    let answer = match question {
        Question::Overview => Answer::Overview(overview(on, range).await?),
        Question::Channels => Answer::Channels(channels(on, range).await?),
        Question::Campaigns(only) => Answer::Campaigns(campaigns(on, range, only).await?),
        Question::Funnel(sequence) => Answer::Funnel(funnel(on, range, sequence).await?),
    };
    Ok(Report { range, at: on.now(), answer })
}

async fn overview(on: &Services, range: Range) -> Result<Overview> {
    let db = on.db.reader();
    let mut overview = Overview::default();
    for figures in storage::figures::<ContactChannel>(db, range, By::Channel, None).await?.values() {
        overview.figures += figures;
    }
    overview.new_leads = storage::new_leads(db, range).await?;
    overview.enrollments = storage::enrollments(db, range, None).await?;
    Ok(overview)
}

async fn channels(on: &Services, range: Range) -> Result<Vec<(Option<ContactChannel>, Figures)>> {
    let found = storage::figures(on.db.reader(), range, By::Channel, None).await?;
    let mut found: Vec<(Option<ContactChannel>, Figures)> = found.into_iter().collect();
    found.sort_by_key(|(channel, _)| (channel.is_none(), channel.map(|channel| channel.to_string())));
    Ok(found)
}

async fn campaigns(
    on: &Services,
    range: Range,
    only: Option<RetentionCampaignId>,
) -> Result<Vec<(Option<RetentionCampaignId>, Figures)>> {
    let db = on.db.reader();
    if let Some(id) = only {
        campaign::Entity::by_ids(&[id]).one(db).await?.ok_or(Error::NotFound("retention campaign"))?;
    }
    let mut found: HashMap<Option<RetentionCampaignId>, Figures> = storage::figures(db, range, By::Owner, only).await?;
    // Contacts that are kept no longer went before their campaign did: what is left of it belongs to none.
    let ids: Vec<RetentionCampaignId> = found.keys().filter_map(|id| *id).collect();
    let there: Vec<_> = campaign::Entity::by_ids(&ids).all(db).await?.into_iter().map(|row| row.id).collect();
    for id in ids.into_iter().filter(|id| !there.contains(id)) {
        if let Some(figures) = found.remove(&Some(id)) {
            *found.entry(None).or_default() += &figures;
        }
    }
    let mut found: Vec<(Option<RetentionCampaignId>, Figures)> = found.into_iter().collect();
    if let (Some(id), true) = (only, found.is_empty()) {
        found.push((Some(id), Figures::default()));
    }
    found.sort_by_key(|(id, figures)| (std::cmp::Reverse(figures.attempts), *id));
    found.truncate(MOST_CAMPAIGNS);
    Ok(found)
}

async fn funnel(on: &Services, range: Range, id: RetentionSequenceId) -> Result<Funnel> {
    let db = on.db.reader();
    let sequence = sequence::Entity::by_ids(&[id]).one(db).await?.ok_or(Error::NotFound("retention sequence"))?;
    let mut figures: HashMap<Option<SequenceStepId>, Figures> = storage::figures(db, range, By::Step, None).await?;
    let mut executions: HashMap<SequenceStepId, Vec<(ExecutionStatus, i64)>> = HashMap::new();
    for (step, status, n) in storage::executions(db, range, id).await? {
        executions.entry(step).or_default().push((status, n));
    }
    let mut steps = Vec::new();
    for step in sequence_step::Entity::of(id).all(db).await? {
        let executions = executions.remove(&step.id).unwrap_or_default();
        let figures = figures.remove(&Some(step.id));
        if step.steps_version == sequence.steps_version || !executions.is_empty() || figures.is_some() {
            steps.push(Step { step, executions, figures: figures.unwrap_or_default() });
        }
    }
    steps.sort_by_key(|found| (found.step.steps_version, found.step.step_order));
    Ok(Funnel { sequence: id, enrollments: storage::enrollments(db, range, Some(id)).await?, steps })
}
