//! What tables of imports have in common. Each kind of import has a table of its own, and one of the lines that did not go in.

use std::ops::Range;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Select, Value,
};
use serde::Serialize;
use uuid::Uuid;

use crate::broadcast::upload;
use crate::noun::{Noun, replace};
use crate::sql::{self, Dialect};
use domain::broadcast::ImportStatus;
use domain::encoding::FileEncoding;
use domain::error::{Error, Result};
use domain::id::{NodeId, UploadId, UserId};

/// Errors of an import that are kept.
pub const ERRORS: i64 = 1_000;

/// The columns that all tables of imports have, apart from the id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are those of the rows")]
pub struct Import {
    pub upload_id: UploadId,
    /// The node that does the work: the one that took the file in, or one that can read it too and found the import standing still.
    pub node_id: NodeId,
    pub status: ImportStatus,
    pub lines: i64,
    pub inserted: i64,
    pub duplicates: i64,
    pub invalid: i64,
    pub bytes_read: i64,
    pub error_message: Option<String>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub created_by_id: UserId,
    /// Rises with every change, so that subscribers can tell old from new.
    pub version: i32,
    /// The encoding of its file; None: it is not known yet, and nobody has said it.
    pub encoding: Option<FileEncoding>,
}

/// Lines of a file that go in together.
#[derive(Debug, Clone)]
pub struct Batch<R> {
    /// What becomes of them.
    pub rows: Vec<R>,
    /// Lines that are to be told, by number: those that are wrong, and those that went in without one of their fields.
    pub errors: Vec<(i64, String)>,
    /// Lines that are not empty.
    pub lines: i64,
    /// Those of them that are wrong.
    pub invalid: i64,
    /// Columns of the file that nothing is taken from.
    pub unused: Vec<String>,
    /// Where the batch begins and ends in the file.
    pub bytes: Range<i64>,
}

/// What a batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Lines that are not empty.
    pub lines: i64,
    /// Rows that are new.
    pub inserted: i64,
    /// Lines that did not go in.
    pub invalid: i64,
}

/// A line that did not go in, or went in without one of its fields.
#[derive(Debug, Clone, FromQueryResult)]
pub struct LineError {
    /// The import.
    pub import_id: Uuid,
    /// Its number in the file, from 1.
    pub line: i64,
    /// What is wrong with it.
    pub message: String,
}

impl Import {
    /// An import of `file` that waits for its turn.
    pub const fn queued(
        file: &upload::Model,
        user: UserId,
        now: DateTime<Utc>,
        encoding: Option<FileEncoding>,
    ) -> Self {
        Self {
            upload_id: file.id,
            node_id: file.node_id,
            status: ImportStatus::Queued,
            lines: 0,
            inserted: 0,
            duplicates: 0,
            invalid: 0,
            bytes_read: 0,
            error_message: None,
            created_at: now,
            started_at: None,
            completed_at: None,
            created_by_id: user,
            version: 1,
            encoding,
        }
    }

    /// Whether it has ended, in whatever way.
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, ImportStatus::Queued | ImportStatus::Running)
    }

    /// Whether it is being done, and everything before this byte of its file has been written.
    pub fn is_at(&self, byte: i64) -> bool {
        self.status == ImportStatus::Running && self.bytes_read == byte
    }

    /// The import after a batch that ends at this byte.
    #[must_use]
    pub fn moved_on(self, byte: i64, Counts { lines, inserted, invalid }: Counts) -> Self {
        Self {
            lines: self.lines + lines,
            inserted: self.inserted + inserted,
            duplicates: self.duplicates + lines - inserted - invalid,
            invalid: self.invalid + invalid,
            bytes_read: byte,
            version: self.version + 1,
            ..self
        }
    }
}

/// How many errors can still be kept when there are so many already.
pub fn room(kept: i64) -> usize {
    usize::try_from(ERRORS - Ord::min(kept, ERRORS)).unwrap_or_default()
}

/// How many errors of an import are kept.
pub async fn errors_kept<T: ImportTable>(db: &impl ConnectionTrait, id: T::Id) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) AS n FROM {} WHERE import_id = $1", T::ERRORS);
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(&sql, [id.into()])).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// A table of imports. [`import_table!`] makes one.
pub trait ImportTable:
    Noun<Model: IntoActiveModel<<Self as EntityTrait>::ActiveModel> + Sync, ActiveModel: Send>
{
    /// The table of the lines that did not go in.
    const ERRORS: &'static str;
    /// The column of the node.
    const NODE: Self::Column;
    /// The column of the status.
    const STATUS: Self::Column;
    /// The column of who asked for it.
    const OWNER: Self::Column;

    /// The columns that all have.
    fn import(row: &Self::Model) -> Import;

    /// The row with these columns.
    fn with(row: &Self::Model, import: Import) -> Self::Model;

    /// Imports that have not ended.
    fn in_progress() -> Select<Self> {
        Self::find().filter(Self::STATUS.is_in([ImportStatus::Queued, ImportStatus::Running]))
    }

    /// Imports of `user` that have not ended.
    fn waiting_of(user: UserId) -> Select<Self> {
        Self::in_progress().filter(Self::OWNER.eq(user))
    }

    /// Imports of `node` that have not ended, oldest first: those of an earlier run of the process too.
    fn unfinished(node: NodeId) -> Select<Self> {
        Self::in_progress().filter(Self::NODE.eq(node)).order_by_asc(Self::ID)
    }

    /// The oldest imports of other nodes that have not ended.
    fn of_others(node: NodeId, most: u64) -> Select<Self> {
        Self::in_progress().filter(Self::NODE.ne(node)).order_by_asc(Self::ID).limit(most)
    }
}

/// Changes an import, whose row is locked.
pub async fn change<T: ImportTable>(
    tx: &impl ConnectionTrait,
    row: &T::Model,
    now: DateTime<Utc>,
    change: impl FnOnce(Import) -> Import,
) -> Result<T::Model> {
    replace(tx, row, T::with(row, change(T::import(row))), now).await
}

/// Keeps lines that did not go in.
pub async fn keep_errors<T: ImportTable>(
    tx: &impl ConnectionTrait,
    id: T::Id,
    errors: impl Iterator<Item = &(i64, String)>,
) -> Result<()> {
    #[derive(Serialize)]
    struct Row<'a> {
        line: i64,
        message: &'a str,
    }
    let errors: Vec<Row<'_>> = errors.map(|(line, message)| Row { line: *line, message }).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let dialect = Dialect(tx.get_database_backend());
    let table = dialect.table("$2", &[("line", "bigint"), ("message", "text")]);
    let sql = format!("INSERT INTO {} (import_id, line, message) SELECT $1, line, message FROM {table}", T::ERRORS);
    let values: [Value; 2] = [id.into(), sql::rows(&errors)];
    tx.execute_raw(dialect.statement(&sql, values)).await?;
    Ok(())
}

/// The first lines of some imports that did not go in, by number.
pub async fn errors<T: ImportTable>(db: &impl ConnectionTrait, imports: &[T::Id]) -> Result<Vec<LineError>> {
    let select = Query::select()
        .columns([Alias::new("import_id"), Alias::new("line"), Alias::new("message")])
        .from(Alias::new(T::ERRORS))
        .and_where(Expr::col(Alias::new("import_id")).is_in(imports.iter().copied()))
        .order_by(Alias::new("line"), Order::Asc)
        .to_owned();
    let rows = db.query_all(&select).await?;
    rows.iter().map(|row| LineError::from_query_result(row, "").map_err(Error::from)).collect()
}

/// Makes a table of imports in a module of its own: the columns that all have, and those in braces.
macro_rules! import_table {
    ($table:literal, $errors:literal, $id:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        use sea_orm::entity::prelude::*;

        use $crate::imports::{Import, ImportTable};
        use $crate::noun::noun;
        use domain::broadcast::ImportStatus;
        use domain::encoding::FileEncoding;
        use domain::id::{$id, NodeId, UploadId, UserId};

        /// An import.
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = $table)]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: $id,
            pub upload_id: UploadId,
            /// The node that does the work: the one that took the file in, or one that can read it too and found the import standing still.
            pub node_id: NodeId,
            pub status: ImportStatus,
            $($(#[$doc])* pub $field: $type,)*
            pub lines: i64,
            pub inserted: i64,
            pub duplicates: i64,
            pub invalid: i64,
            pub bytes_read: i64,
            pub error_message: Option<String>,
            pub created_at: DateTimeUtc,
            pub started_at: Option<DateTimeUtc>,
            pub completed_at: Option<DateTimeUtc>,
            pub created_by_id: UserId,
            /// Rises with every change, so that subscribers can tell old from new.
            pub version: i32,
            pub encoding: Option<FileEncoding>,
        }

        joins_nothing!();

        noun!($id);

        impl Model {
            /// The row of an import.
            pub fn of(id: $id, import: Import, $($field: $type),*) -> Self {
                let Import {
                    upload_id, node_id, status, lines, inserted, duplicates, invalid, bytes_read, error_message,
                    created_at, started_at, completed_at, created_by_id, version, encoding,
                } = import;
                Self {
                    id, upload_id, node_id, status, $($field,)* lines, inserted, duplicates, invalid, bytes_read,
                    error_message, created_at, started_at, completed_at, created_by_id, version, encoding,
                }
            }
        }

        impl ImportTable for Entity {
            const ERRORS: &'static str = $errors;
            const NODE: Column = Column::NodeId;
            const STATUS: Column = Column::Status;
            const OWNER: Column = Column::CreatedById;

            fn import(row: &Model) -> Import {
                let Model {
                    upload_id, node_id, status, lines, inserted, duplicates, invalid, bytes_read, error_message,
                    created_at, started_at, completed_at, created_by_id, version, encoding, ..
                } = row.clone();
                Import {
                    upload_id, node_id, status, lines, inserted, duplicates, invalid, bytes_read, error_message,
                    created_at, started_at, completed_at, created_by_id, version, encoding,
                }
            }

            fn with(row: &Model, import: Import) -> Model {
                Model::of(row.id, import, $(row.$field.clone()),*)
            }
        }
    };
}

pub(crate) use import_table;
