//! The lives of the database: see [`domain::life`].

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder, QuerySelect, Statement, Value};

use crate::Db;
use crate::access::audit_log;
use crate::broadcast::sender;
use crate::retention::contact_attempt;
use crate::sql::Dialect;
use domain::error::Result;
use domain::life::Life;

/// A life of the database.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lives")]
pub struct Model {
    /// The first is 1; the present one has the highest.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    /// Made up when it began.
    pub id: Uuid,
    /// Rises with each look, if anything was written since the one before.
    pub age: i64,
    /// Where the database lay when it began.
    pub home: String,
    /// When it began.
    pub began_at: DateTimeUtc,
    /// When it last got older.
    pub seen_at: DateTimeUtc,
    /// Since when anything may have been done that it does not know; None if it is the database's first life.
    pub doubted_since: Option<DateTimeUtc>,
    /// When all that could have been sent twice was paused.
    pub settled_at: Option<DateTimeUtc>,
}

joins_nothing!();

impl From<&Model> for Life {
    fn from(row: &Model) -> Self {
        Self { id: row.id, age: row.age, home: row.home.clone(), began_at: row.began_at }
    }
}

impl Entity {
    /// All of them, the oldest first.
    pub async fn everything(db: &impl ConnectionTrait) -> Result<Vec<Model>> {
        Ok(Self::find().order_by_asc(Column::Ordinal).all(db).await?)
    }

    /// Begins a life, unless another process has begun that one. Whether it was this one.
    pub async fn begin(tx: &impl ConnectionTrait, row: Model) -> Result<bool> {
        let known = OnConflict::column(Column::Ordinal).do_nothing().to_owned();
        let row = Self::insert(row.into_active_model()).on_conflict(known);
        Ok(row.exec_without_returning(tx).await? > 0)
    }

    /// Notes that all that could have been sent twice is paused.
    pub async fn settle(tx: &impl ConnectionTrait, ordinal: i32, now: DateTimeUtc) -> Result<()> {
        let row = Self::update_many().col_expr(Column::SettledAt, Expr::value(now));
        row.filter(Column::Ordinal.eq(ordinal)).exec(tx).await?;
        Ok(())
    }

    /// The life gets older; returns its age, or None if the database does not know it any more.
    pub async fn grow(db: &Db, ordinal: i32, id: Uuid, now: DateTimeUtc) -> Result<Option<i64>> {
        let sql = "UPDATE lives SET age = age + 1, seen_at = $3 WHERE ordinal = $1 AND id = $2 RETURNING age";
        let values: [Value; 3] = [ordinal.into(), id.into(), now.into()];
        let grown = db.unnoticed().write_alone(Dialect(db.backend()).statement(sql, values)).await?;
        Ok(grown.first().map(|row| row.try_get("", "age")).transpose()?)
    }
}

/// When anything was last done with the database, as far as it can be seen without its lives: a line of the audit log, a process that
/// sends, a contact, jobs that were sent.
pub async fn last_trace(db: &impl ConnectionTrait) -> Result<Option<DateTimeUtc>> {
    use contact_attempt::Column::StartedAt;
    let line = audit_log::Entity::find().order_by_desc(audit_log::Column::Id).limit(1).one(db).await?;
    let contact = contact_attempt::Entity::find().order_by_desc(StartedAt).limit(1).one(db).await?;
    let processes = sender::Entity::find().all(db).await?;
    let jobs = "SELECT CAST(MAX(at) AS bigint) AS at FROM
                (SELECT at FROM time_sums WHERE what = 'jobs' UNION ALL SELECT at FROM time_notes WHERE what = 'jobs') AS sent";
    let jobs = db.query_one_raw(Dialect(db.get_database_backend()).statement(jobs, [])).await?;
    let jobs: Option<i64> = jobs.map(|row| row.try_get("", "at")).transpose()?.flatten();
    let all = processes.iter().flat_map(|row| [Some(row.started_at), row.ended_at, row.drained_at]).flatten();
    let all = all.chain(line.map(|line| line.timestamp)).chain(contact.map(|row| row.started_at));
    Ok(all.chain(jobs.and_then(|at| DateTimeUtc::from_timestamp(at, 0))).max())
}

impl Db {
    /// Where the database lies, as [`domain::life`] writes it down. What can't be found out is empty.
    pub async fn home(&self) -> Result<String> {
        let Some(file) = self.file() else { return self.home_on_postgres().await };
        let Ok(found) = std::fs::metadata(file) else { return Ok(String::new()) };
        let made = found.created().ok().and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
        let made = made.map(|made| made.as_nanos().to_string()).unwrap_or_default();
        Ok(format!("file:{}:{made}", std::os::unix::fs::MetadataExt::ino(&found)))
    }

    async fn home_on_postgres(&self) -> Result<String> {
        let text = |sql: &str| Statement::from_string(self.backend(), sql.to_owned());
        // A dump that is read in makes its tables anew; what copies files keeps their numbers.
        let place = text(
            "SELECT CAST(d.oid AS text) AS base, CAST(CAST('lives' AS regclass)::oid AS text) AS place
             FROM pg_database d WHERE d.datname = current_database()",
        );
        let place = self.reader().query_one_raw(place).await?;
        let (base, place): (String, String) = match place {
            Some(row) => (row.try_get("", "base")?, row.try_get("", "place")?),
            None => Default::default(),
        };
        // Not everybody is let.
        let cluster = text("SELECT CAST(system_identifier AS text) AS cluster FROM pg_control_system()");
        let cluster = self.reader().query_one_raw(cluster).await.ok().flatten();
        let cluster: String = cluster.and_then(|row| row.try_get("", "cluster").ok()).unwrap_or_default();
        Ok(format!("postgres:{cluster}:{base}:{place}"))
    }
}
