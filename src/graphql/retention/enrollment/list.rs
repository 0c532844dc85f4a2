//! Lists of enrollments: of all sequences, and of each of many sequences in one statement.

use crate::engine::connection::Count;
use crate::prelude::*;
use crate::retention::sequence::ProgressOf;
use domain::id::RetentionSequenceId;
use domain::retention::words::EnrollmentStatus;
use storage::retention::enrollment::{self, Column};
use storage::retention::sequence_progress;

/// Which enrollments are wanted. All that is given must hold.
#[derive(InputObject, Default)]
pub struct SequenceEnrollmentFilter {
    /// In one of these states.
    statuses: Option<Vec<EnrollmentStatus>>,
    /// The id of the sequence that the leads go through.
    sequence_id: Option<ID>,
    /// The id of the lead that is on the way.
    lead_id: Option<ID>,
}

order! {
    /// What enrollments can be sorted by.
    pub enum SequenceEnrollmentOrderField of enrollment::Entity {
        /// The instant at which they began.
        EnrolledAt => Sort::by(Column::EnrolledAt),
        /// The instant of creation.
        CreatedAt => Sort::by_id(),
    }
    /// How enrollments are sorted.
    SequenceEnrollmentOrder, falling EnrolledAt
}

impl SequenceEnrollmentFilter {
    fn read(self) -> Result<enrollment::EnrollmentFilter> {
        let Self { statuses, sequence_id, lead_id } = self;
        Ok(enrollment::EnrollmentFilter {
            sequence: sequence_id.argument("filter.sequenceId")?,
            lead: lead_id.argument("filter.leadId")?,
            statuses: statuses.map(each),
        })
    }
}

/// The enrollments of one sequence.
pub(crate) async fn enrollments_of(
    ctx: &Context<'_>,
    sequence: RetentionSequenceId,
    args: PageArgs,
    filter: Option<SequenceEnrollmentFilter>,
    order: Option<SequenceEnrollmentOrder>,
) -> Result<Connection<SequenceEnrollment>> {
    let mut filter = filter.unwrap_or_default().read()?;
    if filter.sequence.take().is_some_and(|other| other != sequence) {
        let message = "these are the enrollments of another sequence".into();
        return Err(Error::Invalid(vec![Violation { path: vec!["filter".into(), "sequenceId".into()], message }]));
    }
    let list = List { below: enrollment::Entity::of, filter, sort: SequenceEnrollmentOrder::sort(order) };
    let count: Count = {
        let list = list.clone();
        Box::new(move |ctx| {
            let list = list.clone();
            Box::pin(async move {
                let row = match &list.filter {
                    enrollment::EnrollmentFilter { lead: None, .. } => ctx.loaders().one(ProgressOf(sequence)).await?,
                    _ => None,
                };
                match row {
                    Some(row) => Ok(Length::exactly(row.enrolled(list.filter.statuses.as_deref()))),
                    None => nested::length(ctx, sequence.0, list).await,
                }
            })
        })
    };
    nested::connection_counted(ctx, sequence, list, args, count).await
}

/// Reads enrollments.
#[derive(Default)]
pub struct EnrollmentQuery;

#[Object]
impl EnrollmentQuery {
    /// The enrollments of all sequences, the latest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn sequence_enrollments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which enrollments.")] filter: Option<SequenceEnrollmentFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<SequenceEnrollmentOrder>,
    ) -> Result<Option<Connection<SequenceEnrollment>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let filter = filter.unwrap_or_default().read()?;
        let select = filter.cut(enrollment::Entity::all());
        let enrollments = Connection::read(ctx, select, SequenceEnrollmentOrder::sort(order_by), &args).await?;
        let enrollment::EnrollmentFilter { sequence, lead: None, statuses } = filter else {
            return Ok(Some(enrollments));
        };
        let count: Count = Box::new(move |ctx| {
            let statuses = statuses.clone();
            Box::pin(async move {
                let db = ctx.services().db.reader();
                let rows = sequence_progress::enrollments(db, sequence, statuses.as_deref()).await?;
                Ok(Length::exactly(rows))
            })
        });
        Ok(Some(enrollments.counted(count)))
    }
}
