//! What a file of SQLite needs that a server does by itself: a look whether it is whole, a copy, and its empty pages given back.
//! Statements that can't be in a transaction run on a connection of their own, without limits.

use std::path::Path;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection as _, Row};
use sea_orm::{DbErr, RuntimeErr, Statement};

use super::connection::Target;
use super::{Db, opening};
use crate::violation;
use domain::error::{Error, Result};

/// Pages of 4 KiB that are given back at once: some milliseconds, in which others wait for their turn to write.
const PAGES: u32 = 2_000;

impl Db {
    /// Looks through all pages of SQLite's file; what is wrong with them, or None. With PostgreSQL there is nothing to look at.
    ///
    /// # Errors
    /// It can't be read, for another reason than that it is damaged.
    pub async fn damage(&self) -> Result<Option<String>> {
        self.first_damage("PRAGMA quick_check(1)").await
    }

    /// [`Self::damage`], and whether each index has the rows of its table: that takes several times as long.
    ///
    /// # Errors
    /// As of [`Self::damage`].
    pub async fn any_damage(&self) -> Result<Option<String>> {
        self.first_damage("PRAGMA integrity_check(1)").await
    }

    async fn first_damage(&self, look: &'static str) -> Result<Option<String>> {
        let Some(mut connection) = self.alone().await? else { return Ok(None) };
        let found = sqlx::query(look).fetch_one(&mut connection).await;
        let found = found.and_then(|row| row.try_get::<String, _>(0));
        close(connection).await;
        match found {
            Ok(text) if text == "ok" => Ok(None),
            Ok(text) => Ok(Some(text.replace('\n', " "))),
            Err(error) => match DbErr::Query(RuntimeErr::SqlxError(error.into())) {
                error if violation::is_damage(&error) => Ok(Some(error.to_string())),
                error => Err(error.into()),
            },
        }
    }

    /// Whether a statement of this process has met a page that is damaged.
    pub fn has_met_damage(&self) -> bool {
        [&self.reader, &self.writer, &self.sessions].iter().any(|pooled| pooled.pool.has_met_damage())
    }

    /// Puts a copy of SQLite's file, as it is at one instant, into the file `to`, which is empty or not there. Others go on meanwhile.
    ///
    /// # Errors
    /// This is PostgreSQL, the disk is full, or the database is damaged.
    pub async fn copy_to(&self, to: &Path) -> Result<()> {
        let Some(mut connection) = self.alone().await? else {
            return Err(Error::Precondition("PostgreSQL is copied by pg_dump".into()));
        };
        let to = to.to_str().ok_or_else(|| Error::Precondition("the path of the copy is no text".into()))?;
        let copied = sqlx::query("VACUUM INTO ?1").bind(to).execute(&mut connection).await;
        close(connection).await;
        copied.map(drop).map_err(failed)
    }

    /// Writes SQLite's file anew, without its empty pages, so that from now on they can be given back bit by bit. It needs as much room
    /// again, and nobody else may use the database. Returns the sizes before and after, in bytes.
    ///
    /// # Errors
    /// This is PostgreSQL, the disk is full, or somebody uses the database.
    pub async fn compact(&self) -> Result<(u64, u64)> {
        let (Some(file), Some(mut connection)) = (self.file(), self.alone().await?) else {
            return Err(Error::Precondition(
                "PostgreSQL gives room back to its tables by itself; VACUUM FULL gives it to the disk".into(),
            ));
        };
        let before = size(file)?;
        for sql in ["PRAGMA auto_vacuum = INCREMENTAL", "VACUUM"] {
            sqlx::query(sql).execute(&mut connection).await.map_err(failed)?;
        }
        renumber(&mut connection).await.map_err(failed)?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.map_err(failed)?;
        close(connection).await;
        Ok((before, size(file)?))
    }

    /// Gives some empty pages of SQLite's file back to the disk, if it was made or compacted by a version that can.
    ///
    /// # Errors
    /// As of any write.
    pub async fn give_pages_back(&self) -> Result<()> {
        if self.is_postgres() {
            return Ok(());
        }
        let sql = format!("PRAGMA incremental_vacuum({PAGES})");
        self.unnoticed().write_alone(Statement::from_string(self.backend(), sql)).await.map(drop)
    }

    /// A connection to SQLite beside all others; None with PostgreSQL.
    async fn alone(&self) -> Result<Option<SqliteConnection>> {
        let Target::Sqlite(options) = &self.target else { return Ok(None) };
        let options: &SqliteConnectOptions = options;
        Ok(Some(options.connect().await.map_err(opening)?))
    }
}

/// Makes the indexes of letters anew, which know rows by numbers that SQLite may give anew as it writes its file anew, and gives back what
/// the old ones have taken.
async fn renumber(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let known = "SELECT name FROM sqlite_master WHERE name = 'letters'";
    if sqlx::query(known).fetch_optional(&mut *connection).await?.is_some() {
        for sql in crate::letters::TABLES.iter().flat_map(|table| crate::letters::anew(table)) {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await?;
        }
    }
    sqlx::query("PRAGMA incremental_vacuum").fetch_all(&mut *connection).await.map(drop)
}

async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "a connection was gone before it was closed");
    }
}

fn failed(error: sqlx::Error) -> Error {
    DbErr::Exec(RuntimeErr::SqlxError(error.into())).into()
}

fn size(file: &Path) -> Result<u64> {
    std::fs::metadata(file).map(|found| found.len()).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use sea_orm::ConnectionTrait;

    use super::*;

    async fn filled(folder: &Path) -> Db {
        let db = Db::sqlite(&folder.join("herald.db")).await.unwrap();
        let fill = "CREATE TABLE t (a integer PRIMARY KEY, b text);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
            INSERT INTO t SELECT i, hex(randomblob(200)) FROM n";
        db.write(|tx| async move { Ok(tx.execute_unprepared(fill).await.map(drop)?) }).await.unwrap();
        db
    }

    fn folded(folder: &Path) -> u64 {
        std::fs::metadata(folder.join("herald.db")).unwrap().len()
    }

    #[tokio::test]
    async fn a_damaged_page_is_found_and_a_whole_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let db = filled(folder.path()).await;
        assert_eq!(db.damage().await.unwrap(), None);
        let copy = folder.path().join("copy.db");
        db.copy_to(&copy).await.unwrap();
        db.close().await.unwrap();
        for damaged in ["herald.db", "copy.db"] {
            let path = folder.path().join(damaged);
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&[0xa5; 3 * 4_096], 20 * 4_096).unwrap();
            let db = Db::sqlite(&path).await.unwrap();
            assert!(db.damage().await.unwrap().is_some(), "{damaged}");
        }
    }

    #[tokio::test]
    async fn what_was_deleted_is_given_back_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let db = filled(folder.path()).await;
        let empty = "DELETE FROM t WHERE a > 100";
        db.write(|tx| async move { Ok(tx.execute_unprepared(empty).await.map(drop)?) }).await.unwrap();
        db.give_pages_back().await.unwrap();
        db.close().await.unwrap();
        assert!(folded(folder.path()) < 200_000, "{}", folded(folder.path()));
    }

    #[tokio::test]
    async fn a_file_of_an_earlier_version_is_compacted_and_gives_back_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("herald.db");
        let old = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut old = old.connect().await.unwrap();
        sqlx::query("PRAGMA journal_mode = WAL").execute(&mut old).await.unwrap();
        sqlx::query("CREATE TABLE old (a integer)").execute(&mut old).await.unwrap();
        close(old).await;
        let db = filled(folder.path()).await;
        let most = "DELETE FROM t WHERE a > 2500";
        db.write(|tx| async move { Ok(tx.execute_unprepared(most).await.map(drop)?) }).await.unwrap();
        db.close().await.unwrap();
        let db = Db::sqlite(&path).await.unwrap();
        let (before, after) = db.compact().await.unwrap();
        assert!(after < before * 6 / 10, "{before} {after}");
        let rest = "DELETE FROM t";
        db.write(|tx| async move { Ok(tx.execute_unprepared(rest).await.map(drop)?) }).await.unwrap();
        db.give_pages_back().await.unwrap();
        db.close().await.unwrap();
        assert!(folded(folder.path()) < 100_000, "{}", folded(folder.path()));
    }
}
