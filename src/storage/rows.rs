//! Rows read by the places of their columns.
//!
//! sea-orm looks each column of each row up by its name, and writes the name into an error that it then throws away where the
//! value is null. In a page of a hundred rows that is most of the time. The rows of the longest lists look their columns up
//! once a result, and ask for null first.

use sea_orm::sqlx::{Row as _, ValueRef};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryResult, QueryTrait, Select, TryGetable};

use domain::error::Result;

/// A row of a result.
pub trait Row: FromQueryResult {
    /// The columns that [`Row::read`] takes, in this order; empty where sea-orm reads the row.
    const COLUMNS: &'static [&'static str] = &[];

    /// The row of these values.
    ///
    /// # Errors
    /// A value is not of the column's type.
    fn read(cells: &mut Cells<'_>) -> Result<Self, DbErr> {
        Self::from_query_result(cells.row, "")
    }
}

/// The values of one row, one after the other.
pub struct Cells<'a> {
    row: &'a QueryResult,
    places: std::slice::Iter<'a, usize>,
}

impl Cells<'_> {
    /// The next value, which is never null.
    pub(crate) fn required<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        self.row.try_get_by_index(self.place())
    }

    /// The next value, unless it is null.
    pub(crate) fn nullable<T: TryGetable>(&mut self) -> Result<Option<T>, DbErr> {
        let place = self.place();
        let is_null = match (self.row.try_as_pg_row(), self.row.try_as_sqlite_row()) {
            (Some(row), _) => row.try_get_raw(place).is_ok_and(|value| value.is_null()),
            (_, Some(row)) => row.try_get_raw(place).is_ok_and(|value| value.is_null()),
            (None, None) => false,
        };
        if is_null { Ok(None) } else { self.row.try_get_by_index(place).map(Some) }
    }

    fn place(&mut self) -> usize {
        *self.places.next().expect("a place for each column")
    }
}

/// The columns of a result that [`Row::read`] takes, looked up at its first row.
#[derive(Default)]
pub(crate) struct Places(Option<Vec<usize>>);

impl Places {
    /// Reads the next row of the result.
    pub(crate) fn read<R: Row>(&mut self, row: &QueryResult) -> Result<R, DbErr> {
        let places = match &mut self.0 {
            Some(places) => places,
            empty => {
                let names = row.column_names();
                let place = |column: &&str| {
                    let missing = || DbErr::Type(format!("the result has no column {column}"));
                    names.iter().position(|name| name == column).ok_or_else(missing)
                };
                empty.insert(R::COLUMNS.iter().map(place).collect::<Result<_, _>>()?)
            }
        };
        R::read(&mut Cells { row, places: places.iter() })
    }
}

/// All rows of `select`.
///
/// # Errors
/// The database is away, or a value is not of its column's type.
pub async fn all<E: EntityTrait<Model: Row>>(select: Select<E>, db: &impl ConnectionTrait) -> Result<Vec<E::Model>> {
    let mut places = Places::default();
    let rows = db.query_all(&select.into_query()).await?;
    Ok(rows.iter().map(|row| places.read(row)).collect::<Result<_, _>>()?)
}

/// Reads `Model` by these columns: those that are never null; those that may be.
macro_rules! row {
    ($($required:ident),+ $(,)?; $($nullable:ident),* $(,)?) => {
        impl $crate::rows::Row for Model {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($required),)+ $(stringify!($nullable)),*];

            fn read(cells: &mut $crate::rows::Cells<'_>) -> std::result::Result<Self, sea_orm::DbErr> {
                Ok(Self { $($required: cells.required()?,)+ $($nullable: cells.nullable()?),* })
            }
        }
    };
}

pub(crate) use row;

/// Rows of lists that are short or seldom read: sea-orm reads them.
macro_rules! by_name {
    ($($floor:ident::{$($noun:ident),+ $(,)?}),+ $(,)?) => {$($( impl Row for crate::$floor::$noun::Model {} )+)+};
}

by_name!(
    access::{api_token, audit_log, refresh_token, user},
    broadcast::{channel_import, telegram_account, upload},
    retention::{
        ab_test, campaign, campaign_lead, contact_attempt, conversion, conversion_rule, enrollment, execution, refusal,
        integration_config, lead, lead_import, script, sequence, sequence_step, webhook_event,
    },
);
