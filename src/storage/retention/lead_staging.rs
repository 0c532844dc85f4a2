//! One batch of an import of leads, in one transaction: the leads, their campaigns, the counts, the errors.
//!
//! The lines come in one parameter, as a table: what is there already, what must not come back and what is new is found by
//! statements over all of them at once.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::campaign;
use super::lead_import::{self, Entity};
use crate::imports::{self, Counts, ImportTable};
use crate::noun::Noun;
use crate::sql::{self, Dialect};
use crate::{Db, Tx, folded};
use domain::error::{Error, Result};
use domain::id::{CampaignLeadId, LeadId, LeadImportId, NounId, RetentionCampaignId};
use domain::retention::lead_field::Field;
use domain::retention::lead_line::LeadLine;

/// The lock that imports of leads take on PostgreSQL, one batch after the other: `leads` in ASCII. Two lists with the
/// same people in another order would lock each other out: in whichever order their emails go, their phones go in
/// another.
const IMPORTING: i64 = 0x6c_6561_6473;
/// Where a lead comes from whose line does not say.
const SOURCE: &str = "UPLOAD";

/// A lead to be inserted.
#[derive(Debug, Clone)]
pub struct NewLead {
    pub id: LeadId,
    /// The number of its line in the file.
    pub line: i64,
    /// The lead's addresses, as they would be in the list of those that must not come back.
    pub email_hash: Option<String>,
    pub phone_hash: Option<String>,
    pub lead: LeadLine,
}

/// Lines of a file that go in together: each person once.
pub type Batch = imports::Batch<NewLead>;

/// A lead as [`Dialect::table`] reads it.
impl Serialize for NewLead {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let Self { id, line, email_hash, phone_hash, lead } = self;
        let mut row = to.serialize_map(None)?;
        row.serialize_entry("id", id)?;
        row.serialize_entry("line", line)?;
        row.serialize_entry("email_hash", email_hash)?;
        row.serialize_entry("phone_hash", phone_hash)?;
        for (field, text) in &lead.fields {
            row.serialize_entry(field.column(), text)?;
        }
        if lead.get(Field::Source).is_none() {
            row.serialize_entry(Field::Source.column(), SOURCE)?;
        }
        let names = [Field::FirstName, Field::LastName].into_iter().filter_map(|field| lead.get(field));
        row.serialize_entry("names_fold", &folded::together(names))?;
        row.serialize_entry("meta", &Json::Object(lead.meta.clone()).to_string())?;
        row.end()
    }
}

/// Writes a batch, if the import is where the batch begins. None: it has ended or is somewhere else, because what was thought
/// to have failed was committed after all.
pub async fn write(db: &Db, import: LeadImportId, batch: &Batch, now: DateTime<Utc>) -> Result<Option<Counts>> {
    let rows = &sql::rows(&batch.rows);
    db.write(|tx| async move {
        let staged = Staged { dialect: Dialect(tx.get_database_backend()), tx: &tx, rows, now };
        staged.write(import, batch).await
    })
    .await
}

/// A batch on its way into the database.
struct Staged<'a> {
    dialect: Dialect,
    tx: &'a Tx,
    rows: &'a Value,
    now: DateTime<Utc>,
}

impl Staged<'_> {
    async fn write(&self, id: LeadImportId, batch: &Batch) -> Result<Option<Counts>> {
        if self.dialect.is_postgres() {
            let lock = self.dialect.statement("SELECT pg_advisory_xact_lock($1)", [IMPORTING.into()]);
            self.tx.execute_raw(lock).await?;
        }
        let import = Entity::require(self.tx, id).await?;
        if !Entity::import(&import).is_at(batch.bytes.start) {
            return Ok(None);
        }
        let (inserted, refused) = if import.is_suppression_list {
            (self.suppress().await?, Vec::new())
        } else {
            let refused = self.refused().await?;
            let inserted = self.insert().await?;
            self.assign_all(&import, batch, &refused).await?;
            (inserted, refused)
        };
        let told = refused.iter().take(imports::room(import.invalid + batch.invalid));
        imports::keep_errors::<Entity>(self.tx, id, batch.errors.iter().chain(told)).await?;
        let invalid = batch.invalid + i64::try_from(refused.len()).map_err(Error::internal)?;
        let counts = Counts { lines: batch.lines, inserted, invalid };
        imports::change::<Entity>(self.tx, &import, self.now, |import| import.moved_on(batch.bytes.end, counts))
            .await?;
        Ok(Some(counts))
    }

    /// Those who are in the database come to the campaign of the import, and those who are new to the campaigns that take all.
    async fn assign_all(&self, import: &lead_import::Model, batch: &Batch, refused: &[(i64, String)]) -> Result<()> {
        if let Some(campaign) = import.campaign_id {
            let present = self.present().await?;
            let is_refused = |line: i64| refused.binary_search_by_key(&line, |(line, _)| *line).is_ok();
            self.assign(campaign, present.into_iter().filter(|(line, _)| !is_refused(*line)).map(|(_, id)| id)).await?;
        }
        for campaign in campaign::Entity::taking_new_leads().all(self.tx).await? {
            self.assign(campaign.id, batch.rows.iter().map(|new| new.id.0)).await?;
        }
        Ok(())
    }

    /// The batch as a table, of the columns that a statement needs.
    fn table(&self, columns: &[&str]) -> String {
        let kind = |name: &str| match name {
            "id" => "uuid",
            "line" => "bigint",
            _ => "text",
        };
        let columns: Vec<(&str, &str)> = columns.iter().map(|name| (*name, kind(name))).collect();
        self.dialect.table("$1", &columns)
    }

    /// Keeps the addresses of people who must never be contacted; those of them who are leads are closed, and what they are on the
    /// way through ends when its next step is due. Returns of how many lines something was new.
    async fn suppress(&self) -> Result<i64> {
        let table = self.table(&["line", "email", "phone", "email_hash", "phone_hash"]);
        let run = async |sql: &str, values: Vec<Value>| self.tx.execute_raw(self.dialect.statement(sql, values)).await;
        let is_new = |hash: &str, kind: &str| {
            format!(
                "(r.{hash} IS NOT NULL AND NOT EXISTS
                    (SELECT 1 FROM suppressions s WHERE s.kind = '{kind}' AND s.hash = r.{hash}))"
            )
        };
        let (email, phone) = (is_new("email_hash", "EMAIL"), is_new("phone_hash", "PHONE"));
        let sql = format!("SELECT COUNT(*) AS n FROM {table} WHERE {email} OR {phone}");
        let row = self.tx.query_one_raw(self.dialect.statement(&sql, [self.rows.clone()])).await?;
        let news: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
        for (kind, hash) in [("EMAIL", "email_hash"), ("PHONE", "phone_hash")] {
            let sql = format!(
                "INSERT INTO suppressions (kind, hash, reason, created_at)
                 SELECT '{kind}', r.{hash}, 'LIST', $2 FROM {table} WHERE r.{hash} IS NOT NULL ORDER BY r.{hash}
                 ON CONFLICT DO NOTHING"
            );
            run(&sql, vec![self.rows.clone(), self.now.into()]).await?;
        }
        let close = format!(
            "UPDATE leads SET status_before = status, status = 'DO_NOT_CONTACT', updated_at = $2, version = version + 1
             WHERE status <> 'DO_NOT_CONTACT' AND (email IN (SELECT r.email FROM {table} WHERE r.email IS NOT NULL)
                OR phone IN (SELECT r.phone FROM {table} WHERE r.phone IS NOT NULL))"
        );
        run(&close, vec![self.rows.clone(), self.now.into()]).await?;
        Ok(news)
    }

    /// Lines that can't go in: of people who must not come back, and of two people at once.
    async fn refused(&self) -> Result<Vec<(i64, String)>> {
        let table = self.table(&["line", "email", "phone", "external_id", "email_hash", "phone_hash"]);
        let sql = format!(
            "SELECT r.line AS line, CASE
                    WHEN e.hash IS NOT NULL THEN 'the email is that of a person who must not be contacted again'
                    WHEN p.hash IS NOT NULL THEN 'the phone is that of a person who must not be contacted again'
                    WHEN le.id <> lp.id THEN 'email and phone belong to two leads that are there already' END AS why,
                COALESCE(le.id, lp.id) AS reached, lx.id AS known
             FROM {table}
             LEFT JOIN suppressions e ON e.kind = 'EMAIL' AND e.hash = r.email_hash
             LEFT JOIN suppressions p ON p.kind = 'PHONE' AND p.hash = r.phone_hash
             LEFT JOIN leads le ON le.email = r.email
             LEFT JOIN leads lp ON lp.phone = r.phone
             LEFT JOIN leads lx ON lx.external_id = r.external_id
             WHERE e.hash IS NOT NULL OR p.hash IS NOT NULL OR le.id <> lp.id OR lx.id <> COALESCE(le.id, lp.id)
             ORDER BY r.line"
        );
        let found = self.tx.query_all_raw(self.dialect.statement(&sql, [self.rows.clone()])).await?;
        found.iter().map(|row| Ok((row.try_get("", "line")?, why(row)?))).collect()
    }

    /// The new ones go in; who is there, by email, phone or external id, stays as he is. Returns how many are new.
    async fn insert(&self) -> Result<i64> {
        let fields = Field::ALL.map(Field::column);
        let table = self
            .table(&[&["id", "line", "email_hash", "phone_hash", "names_fold", "meta"], fields.as_slice()].concat());
        let meta = if self.dialect.is_postgres() { "r.meta::jsonb" } else { "r.meta" };
        let columns = fields.join(", ");
        let values = fields.map(|field| format!("r.{field}")).join(", ");
        let sql = format!(
            "INSERT INTO leads (id, {columns}, names_fold, meta, status, created_at, updated_at)
             SELECT r.id, {values}, r.names_fold, {meta}, 'NEW', $2, $2
             FROM {table}
             WHERE NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.kind = 'EMAIL' AND s.hash = r.email_hash)
               AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.kind = 'PHONE' AND s.hash = r.phone_hash)
             ORDER BY r.line
             ON CONFLICT DO NOTHING"
        );
        let inserted = self.tx.execute_raw(self.dialect.statement(&sql, [self.rows.clone(), self.now.into()])).await?;
        i64::try_from(inserted.rows_affected()).map_err(Error::internal)
    }

    /// The leads of the batch that are in the database, new or not, by the numbers of their lines.
    async fn present(&self) -> Result<Vec<(i64, Uuid)>> {
        let table = self.table(&["line", "email", "phone", "external_id"]);
        let sql = format!(
            "SELECT r.line AS line, COALESCE(le.id, lp.id, lx.id) AS id FROM {table}
             LEFT JOIN leads le ON le.email = r.email
             LEFT JOIN leads lp ON lp.phone = r.phone
             LEFT JOIN leads lx ON lx.external_id = r.external_id
             WHERE le.id IS NOT NULL OR lp.id IS NOT NULL OR lx.id IS NOT NULL"
        );
        let found = self.tx.query_all_raw(self.dialect.statement(&sql, [self.rows.clone()])).await?;
        found.iter().map(|row| Ok((row.try_get("", "line")?, row.try_get("", "id")?))).collect()
    }

    /// Leads come to a campaign, unless they are in it or must not be contacted.
    async fn assign(&self, campaign: RetentionCampaignId, leads: impl Iterator<Item = Uuid>) -> Result<()> {
        let pairs: Vec<Json> = leads.map(|lead| json!({ "id": lead, "member": CampaignLeadId::generate() })).collect();
        let pairs = sql::rows(&pairs);
        let table = self.dialect.table("$1", &[("id", "uuid"), ("member", "uuid")]);
        let assign = format!(
            "INSERT INTO campaign_leads (id, campaign_id, lead_id, status, assigned_at)
             SELECT r.member, $3, l.id, 'PENDING', $2 FROM {table} JOIN leads l ON l.id = r.id
             WHERE l.status <> 'DO_NOT_CONTACT' ORDER BY l.id
             ON CONFLICT (campaign_id, lead_id) DO NOTHING"
        );
        let values = [pairs.clone(), self.now.into(), campaign.into()];
        self.tx.execute_raw(self.dialect.statement(&assign, values)).await?;
        let begin = format!(
            "UPDATE leads SET status = 'IN_PROGRESS', updated_at = $2, version = version + 1
             WHERE status = 'NEW' AND id IN (SELECT r.id FROM {table})"
        );
        self.tx.execute_raw(self.dialect.statement(&begin, [pairs, self.now.into()])).await?;
        Ok(())
    }
}

/// Why a line can't go in. Where nothing else is wrong, its external id is another lead's.
fn why(row: &QueryResult) -> Result<String> {
    if let Some(why) = row.try_get("", "why")? {
        return Ok(why);
    }
    let id = |column| Ok::<_, Error>(LeadId::from_uuid(row.try_get("", column)?).global_id());
    let (known, reached) = (id("known")?, id("reached")?);
    Ok(format!("the externalId is that of the lead {known}, email or phone that of the lead {reached}"))
}
