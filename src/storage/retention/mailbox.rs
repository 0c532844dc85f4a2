//! How far a mailbox was read, who reads it at the moment, and why it can't be.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Condition, IntoActiveModel, UpdateMany};

use domain::error::Result;
use domain::id::IntegrationConfigId;

/// The mailbox of an integration.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mailboxes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub integration_id: IntegrationConfigId,
    /// The version of the integration by which it was read last.
    pub version: i32,
    /// Which mailbox the numbers are of: server, name and folder.
    pub place: String,
    /// The life of the numbers; with another one they are others.
    pub uid_validity: Option<i64>,
    /// The number of the last email that is stored, or need not be.
    pub last_uid: Option<i64>,
    /// When it was last read to its end.
    pub read_at: Option<DateTimeUtc>,
    /// Failures since then.
    pub failures: i32,
    /// The number of the email behind `last_uid` that was asked for in vain.
    pub stuck_uid: Option<i64>,
    /// How often it was.
    pub stuck_times: i32,
    /// Why it can't be read, for operators.
    pub error: Option<String>,
    pub first_failed_at: Option<DateTimeUtc>,
    /// Whether somebody was told that it can't be read.
    pub is_told: bool,
    /// Until then nobody reads it, but the one process that does.
    pub held_until: DateTimeUtc,
}

joins_nothing!();

/// Who reads: the integration as it was when he began. What has changed since is nothing that he may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// Which integration.
    pub id: IntegrationConfigId,
    /// Its version.
    pub version: i32,
}

impl Reader {
    fn own(self) -> Condition {
        Condition::all().add(Column::IntegrationId.eq(self.id)).add(Column::Version.eq(self.version))
    }
}

/// No email is asked for in vain any more.
fn unstuck(these: UpdateMany<Entity>) -> UpdateMany<Entity> {
    let none = these.col_expr(Column::StuckUid, Expr::value(None::<i64>));
    none.col_expr(Column::StuckTimes, Expr::value(0))
}

impl Entity {
    /// Takes the turn to read it until `until`. False if somebody else has it. The numbers of another place are forgotten.
    pub async fn hold(
        db: &impl ConnectionTrait,
        reader: Reader,
        place: &str,
        now: DateTimeUtc,
        until: DateTimeUtc,
    ) -> Result<bool> {
        let Reader { id, version } = reader;
        let fresh = Model {
            integration_id: id,
            version,
            place: place.to_owned(),
            uid_validity: None,
            last_uid: None,
            read_at: None,
            failures: 0,
            stuck_uid: None,
            stuck_times: 0,
            error: None,
            first_failed_at: None,
            is_told: false,
            held_until: now,
        };
        let known = OnConflict::column(Column::IntegrationId).do_nothing().to_owned();
        Self::insert(fresh.into_active_model()).on_conflict(known).exec_without_returning(db).await?;
        let is_free = Condition::any().add(Column::HeldUntil.lte(now)).add(Column::Version.ne(version));
        let these = Self::update_many().filter(Column::IntegrationId.eq(id)).filter(is_free);
        let held = these.clone().col_expr(Column::HeldUntil, Expr::value(until)).exec(db).await?;
        if held.rows_affected == 0 {
            return Ok(false);
        }
        // It is ours now. What was wrong by other credentials counts no more.
        let own = || Self::update_many().filter(Column::IntegrationId.eq(id));
        let other = unstuck(own().filter(Column::Version.ne(version))).col_expr(Column::Version, Expr::value(version));
        other.col_expr(Column::Failures, Expr::value(0)).col_expr(Column::IsTold, Expr::value(false)).exec(db).await?;
        unstuck(own().filter(Column::Place.ne(place)))
            .col_expr(Column::Place, Expr::value(place))
            .col_expr(Column::UidValidity, Expr::value(None::<i64>))
            .col_expr(Column::LastUid, Expr::value(None::<i64>))
            .col_expr(Column::ReadAt, Expr::value(None::<DateTimeUtc>))
            .exec(db)
            .await?;
        Ok(true)
    }

    /// From now on what comes after `last_uid` is read. False if the integration is another one by now.
    pub async fn begin(db: &impl ConnectionTrait, reader: Reader, uid_validity: i64, last_uid: i64) -> Result<bool> {
        let begun = unstuck(Self::update_many().filter(reader.own()))
            .col_expr(Column::UidValidity, Expr::value(uid_validity))
            .col_expr(Column::LastUid, Expr::value(last_uid));
        Ok(begun.exec(db).await?.rows_affected > 0)
    }

    /// All up to `uid` is stored, or need not be. False if that was so already, or the integration is another one by now: then
    /// somebody else reads.
    pub async fn advance(
        db: &impl ConnectionTrait,
        reader: Reader,
        uid_validity: i64,
        uid: i64,
        until: DateTimeUtc,
    ) -> Result<bool> {
        let these = Self::update_many().filter(reader.own()).filter(Column::UidValidity.eq(uid_validity));
        let these = unstuck(these.filter(Column::LastUid.lt(uid))).col_expr(Column::LastUid, Expr::value(uid));
        let these = these.col_expr(Column::HeldUntil, Expr::value(until)).col_expr(Column::Failures, Expr::value(0));
        Ok(these.exec(db).await?.rows_affected > 0)
    }

    /// It was read to its end; the next look is at `next`.
    pub async fn done(db: &impl ConnectionTrait, reader: Reader, now: DateTimeUtc, next: DateTimeUtc) -> Result<()> {
        unstuck(Self::update_many().filter(reader.own()))
            .col_expr(Column::ReadAt, Expr::value(now))
            .col_expr(Column::HeldUntil, Expr::value(next))
            .col_expr(Column::Failures, Expr::value(0))
            .col_expr(Column::Error, Expr::value(None::<String>))
            .col_expr(Column::FirstFailedAt, Expr::value(None::<DateTimeUtc>))
            .col_expr(Column::IsTold, Expr::value(false))
            .exec(db)
            .await?;
        Ok(())
    }

    /// It can't be read; the next try is at `next`. False if the integration is another one by now.
    pub async fn failed(db: &impl ConnectionTrait, reader: Reader, new: &Model) -> Result<bool> {
        let these = Self::update_many().filter(reader.own());
        let these = these
            .col_expr(Column::Failures, Expr::value(new.failures))
            .col_expr(Column::StuckUid, Expr::value(new.stuck_uid))
            .col_expr(Column::StuckTimes, Expr::value(new.stuck_times))
            .col_expr(Column::Error, Expr::value(new.error.clone()))
            .col_expr(Column::FirstFailedAt, Expr::value(new.first_failed_at))
            .col_expr(Column::IsTold, Expr::value(new.is_told))
            .col_expr(Column::HeldUntil, Expr::value(new.held_until));
        Ok(these.exec(db).await?.rows_affected > 0)
    }
}
