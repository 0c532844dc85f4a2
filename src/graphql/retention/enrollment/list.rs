//! Lists of enrollments: of all sequences, and of each of many sequences in one statement.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Iterable, QueryFilter, Select};

use crate::prelude::*;
use domain::id::{LeadId, RetentionSequenceId};
use domain::retention::words::EnrollmentStatus;
use storage::retention::enrollment::{self, Column};

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

/// What enrollments can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
enum SequenceEnrollmentOrderField {
    /// The instant at which they began.
    EnrolledAt,
    /// The instant of creation.
    CreatedAt,
}

/// How enrollments are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, InputObject)]
pub struct SequenceEnrollmentOrder {
    /// What decides the order.
    field: SequenceEnrollmentOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

const NEWEST: SequenceEnrollmentOrder =
    SequenceEnrollmentOrder { field: SequenceEnrollmentOrderField::EnrolledAt, direction: OrderDirection::Desc };

impl SequenceEnrollmentOrder {
    fn sort(self) -> Sort<enrollment::Entity> {
        let sort = match self.field {
            SequenceEnrollmentOrderField::EnrolledAt => Sort::by(Column::EnrolledAt),
            SequenceEnrollmentOrderField::CreatedAt => Sort::by_id(),
        };
        sort.descending(self.direction.is_desc())
    }
}

/// A filter whose ids have been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Wanted {
    sequence: Option<RetentionSequenceId>,
    lead: Option<LeadId>,
    statuses: Option<Vec<EnrollmentStatus>>,
}

impl Wanted {
    fn read(filter: Option<SequenceEnrollmentFilter>) -> Result<Self> {
        let SequenceEnrollmentFilter { statuses, sequence_id, lead_id } = filter.unwrap_or_default();
        // Each once, however often it was given.
        let each = |statuses: Vec<_>| EnrollmentStatus::iter().filter(|one| statuses.contains(one)).collect();
        Ok(Self {
            sequence: sequence_id.map(|id| id.argument("filter.sequenceId")).transpose()?,
            lead: lead_id.map(|id| id.argument("filter.leadId")).transpose()?,
            statuses: statuses.map(each),
        })
    }

    fn cut(&self, mut select: Select<enrollment::Entity>) -> Select<enrollment::Entity> {
        if let Some(sequence) = self.sequence {
            select = select.filter(Column::SequenceId.eq(sequence));
        }
        if let Some(lead) = self.lead {
            select = select.filter(Column::LeadId.eq(lead));
        }
        if let Some(statuses) = &self.statuses {
            select = select.filter(Column::Status.is_in(statuses.iter().copied()));
        }
        select
    }
}

/// The enrollments of one sequence.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct EnrollmentsOf {
    wanted: Wanted,
    order: SequenceEnrollmentOrder,
}

impl Nested for EnrollmentsOf {
    type Entity = enrollment::Entity;

    fn select(&self, parent: Expr) -> Select<enrollment::Entity> {
        self.wanted.cut(enrollment::Entity::of(parent))
    }

    fn sort(&self) -> Sort<enrollment::Entity> {
        self.order.sort()
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
    let mut wanted = Wanted::read(filter)?;
    if wanted.sequence.take().is_some_and(|other| other != sequence) {
        let message = "these are the enrollments of another sequence".into();
        return Err(Error::Invalid(vec![Violation { path: vec!["filter".into(), "sequenceId".into()], message }]));
    }
    nested::connection(ctx, sequence, EnrollmentsOf { wanted, order: order.unwrap_or(NEWEST) }, args).await
}

/// Reads enrollments.
#[derive(Default)]
pub struct EnrollmentQuery;

#[Object]
impl EnrollmentQuery {
    /// The enrollments of all sequences, the latest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        let select = Wanted::read(filter)?.cut(enrollment::Entity::all());
        let sort = order_by.unwrap_or(NEWEST).sort();
        Connection::read(&ctx.services().db, select, sort, &args).await.map(Some)
    }
}
