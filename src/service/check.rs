//! Whether the database contradicts itself: rows whose owner is gone, counters that their rows belie, uploads without files, a broken
//! audit log, damaged pages. What can be mended is mended in chunks, under the locks that writers take, beside whatever runs.

mod mend;

use crate::Services;
use crate::access::chain;
use crate::imports::upload;
use domain::error::{Error, Result};
use storage::archive::Archive;
use storage::check::counters::Counter;
use storage::check::references::{self, Cure, Reference};
use storage::check::{counters, letters, strays, tallies};
use storage::db::patiently;
use storage::letters::TABLES;
use storage::sums::check as sums;

/// What contradicts itself, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub found: String,
    /// What there is to do.
    pub cure: Mending,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mending {
    /// It can't be mended here: what a person can do.
    Yours(&'static str),
    /// What mending does.
    Would(&'static str),
    /// It was mended: what was done.
    Done(&'static str),
}

/// How a look is done, and who is told of each finding as it is made.
struct Look<'a> {
    on: &'a Services,
    mends: bool,
    tell: &'a (dyn Fn(&Finding) + Sync),
}

/// Looks at everything. With `mends` it mends what can be mended. Without a node of its own in `on` it passes over uploads.
///
/// # Errors
/// It could not look to the end.
pub async fn run(
    on: &Services,
    archive: Option<&Archive>,
    has_node: bool,
    mends: bool,
    tell: &(dyn Fn(&Finding) + Sync),
) -> Result<()> {
    let look = Look { on, mends, tell };
    patiently(Box::pin(async {
        if let Some(damage) = on.db.any_damage().await? {
            // What is read from damaged pages says nothing.
            look.found(
                format!("the database is damaged, and nothing else was looked at: {damage}"),
                Mending::Yours("stop Herald and restore the last backup; the manual has it step by step"),
            );
            return Ok(());
        }
        look.audit(archive).await?;
        look.strays().await?;
        look.references().await?;
        look.counters().await?;
        look.sums().await?;
        if has_node { look.uploads().await } else { Ok(()) }
    }))
    .await
}

impl Look<'_> {
    fn found(&self, found: String, cure: Mending) {
        (self.tell)(&Finding { found, cure });
    }

    /// A finding, once it is mended if that is wanted.
    async fn mended(
        &self,
        found: String,
        what: [&'static str; 2],
        mend: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let [would, done] = what;
        if self.mends {
            mend.await?;
        }
        self.found(found, if self.mends { Mending::Done(done) } else { Mending::Would(would) });
        Ok(())
    }

    async fn audit(&self, archive: Option<&Archive>) -> Result<()> {
        let report = match chain::verify(&self.on.db, archive).await {
            // The archive is elsewhere: that is for `herald audit verify` to say.
            Err(Error::Precondition(why)) => {
                self.found(
                    format!("the audit log was not examined: {why}"),
                    Mending::Yours("set HERALD_AUDIT_ARCHIVE"),
                );
                return Ok(());
            }
            report => report?,
        };
        if let Some(broken) = report.broken {
            let found = format!("the audit log is broken at line {}: {}", broken.seq, broken.reason);
            self.found(
                found,
                Mending::Yours("nothing mends evidence: find out who wrote to the database, and keep a copy"),
            );
        }
        Ok(())
    }

    async fn strays(&self) -> Result<()> {
        let db = self.on.db.reader();
        let campaigns = strays::campaigns(db).await?;
        if !campaigns.is_empty() {
            let found = format!(
                "{} jobs of {} broadcast campaigns that are gone are left",
                strays::jobs(db, &campaigns).await?,
                campaigns.len()
            );
            self.mended(found, ["removes them", "they were removed"], mend::campaigns(self.on, &campaigns)).await?;
        }
        let deleted = strays::deleted(db).await?;
        if !deleted.is_empty() {
            let found =
                format!("{} deleted campaigns, sequences or scripts are left, and no task removes them", deleted.len());
            let what = ["has a task remove them", "a task removes them, as soon as a process runs"];
            self.mended(found, what, mend::deleted(self.on, &deleted)).await?;
        }
        let credits = strays::credits(db).await?;
        if credits > 0 {
            let found = format!(
                "credit of {credits} conversions was computed by a task that is gone, and is in the way of the next"
            );
            self.mended(found, ["forgets it", "it was forgotten"], mend::credits(self.on)).await?;
        }
        Ok(())
    }

    async fn references(&self) -> Result<()> {
        for reference in references::all(self.on.db.reader()).await? {
            let rows = reference.broken(self.on.db.reader()).await?;
            if rows == 0 {
                continue;
            }
            let Reference { table, column, parent, cure, .. } = &reference;
            let found = format!("{rows} rows of {table} name a {column} that {parent} does not have");
            let what = match cure {
                Cure::Remove => ["removes them", "they were removed"],
                Cure::Loosen => ["empties the column", "the column was emptied"],
                Cure::Count => ["makes what they lack, and counts", "what they lacked was made"],
                Cure::Nothing => {
                    self.found(
                        found,
                        Mending::Yours("nobody can know what they should name: look at them, or restore a backup"),
                    );
                    continue;
                }
            };
            self.mended(found, what, mend::reference(self.on, &reference)).await?;
        }
        Ok(())
    }

    async fn counters(&self) -> Result<()> {
        for (what, told) in [
            (Counter::Jobs, "broadcast campaigns have counters that their jobs belie"),
            (Counter::Channels, "batches have another number of channels than they say"),
            (Counter::Enrollments, "sequences have counters that their enrollments or steps belie"),
        ] {
            let wrong = counters::wrong(self.on.db.reader(), what).await?;
            if !wrong.is_empty() {
                let found = format!("{} {told}", wrong.len());
                let mend = mend::counters(self.on, what, &wrong);
                self.mended(found, ["counts anew", "they were counted anew"], mend).await?;
            }
        }
        for what in tallies::ALL {
            let wrong = tallies::wrong(self.on.db.reader(), what).await?;
            if wrong > 0 {
                let found = format!("{wrong} tallies of {} are not what there is", what.table());
                let mend = mend::tallies(self.on, what);
                self.mended(found, ["counts anew", "they were counted anew"], mend).await?;
            }
        }
        for table in TABLES {
            let wrong = letters::wrong(self.on.db.reader(), table).await?;
            if wrong > 0 {
                let found =
                    format!("{wrong} rows of {table} are in the index of their letters and not there, or not in it");
                let mend = mend::letters(self.on, table);
                self.mended(found, ["makes the index anew", "the index was made anew"], mend).await?;
            }
        }
        Ok(())
    }

    async fn sums(&self) -> Result<()> {
        for what in sums::ALL {
            let wrong = sums::wrong(self.on.db.reader(), what).await?;
            if !wrong.is_empty() {
                let found = format!("sums over time of {} are not what the rows come to", what.name());
                let mend = mend::sums(self.on, what, &wrong);
                self.mended(found, ["adds up anew", "they were added up anew"], mend).await?;
            }
        }
        let wrong = sums::wrong_spans(self.on.db.reader()).await?;
        if wrong > 0 {
            let found = format!("{wrong} sums of hours, days or months are not what their quarters of an hour come to");
            self.mended(found, ["adds up anew", "they were added up anew"], mend::spans(self.on)).await?;
        }
        Ok(())
    }

    async fn uploads(&self) -> Result<()> {
        let upload::Astray { files, unused, named } = upload::astray(self.on).await?;
        if !files.is_empty() {
            let found = format!("{} files of uploads are there that no upload names", files.len());
            self.mended(found, ["removes them", "they were removed"], mend::files(self.on, &files)).await?;
        }
        if !unused.is_empty() {
            let found = format!("{} uploads that nothing uses have no file", unused.len());
            self.mended(found, ["removes them", "they were removed"], mend::uploads(self.on, &unused)).await?;
        }
        if !named.is_empty() {
            let found = format!("{} uploads that templates, campaigns or imports use have no file", named.len());
            self.found(found, Mending::Yours("upload the files anew, and give them to what uses them"));
        }
        Ok(())
    }
}
