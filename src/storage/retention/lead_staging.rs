//! One batch of an import of leads, in one transaction: the leads, their campaigns, the counts, the errors.
//!
//! The lines come in one parameter, as a table: what is there already, what must not come back and what is new is found by
//! statements over all of them at once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::campaign;
use super::lead_import::{self, Entity};
use crate::imports::{self, Counts, ImportTable};
use crate::noun::{self, Noun};
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
/// Columns without a use that are told at most.
const MOST_UNUSED: usize = 100;
/// Where a lead comes from whose line does not say.
const SOURCE: &str = "UPLOAD";

/// Where refusals find the addresses of a line: their kind, the column of the address, that of its hash.
const ADDRESSES: [(&str, &str, &str); 3] = [
    ("EMAIL", "email", "email_hash"),
    ("PHONE", "phone", "phone_hash"),
    ("TELEGRAM", "telegram_username", "telegram_hash"),
];

/// A lead to be inserted.
#[derive(Debug, Clone)]
pub struct NewLead {
    pub id: LeadId,
    /// The number of its line in the file.
    pub line: i64,
    /// Whether it makes no lead: it is only who refuses, or where else he does.
    pub is_bare: bool,
    /// The lead's addresses, as they would be in the list of those that must not come back.
    pub email_hash: Option<String>,
    pub phone_hash: Option<String>,
    pub telegram_hash: Option<String>,
    pub lead: LeadLine,
}

/// Lines of a file that go in together: each person once.
pub type Batch = imports::Batch<NewLead>;

/// A lead as [`Dialect::table`] reads it.
impl Serialize for NewLead {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let Self { id, line, is_bare: _, email_hash, phone_hash, telegram_hash, lead } = self;
        let mut row = to.serialize_map(None)?;
        row.serialize_entry("id", id)?;
        row.serialize_entry("line", line)?;
        row.serialize_entry("email_hash", email_hash)?;
        row.serialize_entry("phone_hash", phone_hash)?;
        row.serialize_entry("telegram_hash", telegram_hash)?;
        row.serialize_entry("refused", lead.refused.as_deref().unwrap_or_default())?;
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
    let (all, rows) = (&sql::rows(&batch.rows), &sql::rows(&of_leads(&batch.rows)));
    db.write(|tx| async move {
        let staged = Staged { dialect: Dialect(tx.get_database_backend()), tx: &tx, all, rows, now };
        staged.write(import, batch).await
    })
    .await
}

/// Those that make leads.
fn of_leads(rows: &[NewLead]) -> Vec<&NewLead> {
    rows.iter().filter(|row| !row.is_bare).collect()
}

/// The lines, by their places in `rows`, that have a key or a name at Telegram which nobody has, with the lead that has another key of
/// theirs. By its name at Telegram a lead is known only if it is the one that has it, and no other key tells of one.
pub async fn incomplete(db: &impl ConnectionTrait, rows: &[NewLead]) -> Result<Vec<(usize, LeadId)>> {
    let dialect = Dialect(db.get_database_backend());
    let columns = ["line", "email", "phone", "external_id", "telegram_username"];
    let table = dialect.table("$1", &columns.map(|name| (name, if name == "line" { "bigint" } else { "text" })));
    let sql = format!(
        "SELECT r.line AS line, COALESCE(le.id, lp.id, lx.id, lt.id) AS id FROM {table}
         LEFT JOIN leads le ON le.email = r.email
         LEFT JOIN leads lp ON lp.phone = r.phone
         LEFT JOIN leads lx ON lx.external_id = r.external_id
         LEFT JOIN leads lt ON lt.telegram_username = r.telegram_username
             AND COALESCE(le.id, lp.id, lx.id) IS NULL
         WHERE COALESCE(le.id, lp.id, lx.id, lt.id) IS NOT NULL
           AND ((r.email IS NOT NULL AND le.id IS NULL) OR (r.phone IS NOT NULL AND lp.id IS NULL)
             OR (r.external_id IS NOT NULL AND lx.id IS NULL)
             OR (r.telegram_username IS NOT NULL AND lt.id IS NULL))
         ORDER BY r.line"
    );
    let found = db.query_all_raw(dialect.statement(&sql, [sql::rows(&of_leads(rows))])).await?;
    let read = |row: &QueryResult| Ok((row.try_get("", "line")?, LeadId::from_uuid(row.try_get("", "id")?)));
    let found: Vec<(i64, LeadId)> = found.iter().map(read).collect::<Result<_>>()?;
    let places: HashMap<i64, usize> =
        rows.iter().enumerate().filter(|(_, row)| !row.is_bare).map(|(place, row)| (row.line, place)).collect();
    // Several leads have the name.
    let is_one = |index: usize, line: i64| {
        let beside = [index.checked_sub(1), Some(index + 1)].into_iter().flatten();
        beside.into_iter().all(|other| found.get(other).is_none_or(|(other, _)| *other != line))
    };
    let known = found.iter().enumerate().filter(|(index, (line, _))| is_one(*index, *line));
    Ok(known.filter_map(|(_, (line, lead))| Some((*places.get(line)?, *lead))).collect())
}

/// The columns that had no use so far, and those of another batch.
fn unused(known: &Json, more: &[String]) -> Json {
    let mut all: Vec<Json> = known.as_array().cloned().unwrap_or_default();
    for name in more.iter().map(|name| json!(name)) {
        if !all.contains(&name) && all.len() < MOST_UNUSED {
            all.push(name);
        }
    }
    Json::Array(all)
}

/// A batch on its way into the database.
struct Staged<'a> {
    dialect: Dialect,
    tx: &'a Tx,
    all: &'a Value,
    /// Without those that make no lead.
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
            self.prove().await?;
            if batch.rows.iter().any(|new| new.lead.refused.is_some()) {
                self.refuse("'LIST: ' || r.refused", "r.refused <> ''").await?;
            }
            self.assign_all(&import, batch, &refused).await?;
            (inserted, refused)
        };
        let told = refused.iter().take(imports::room(import.invalid + batch.invalid));
        imports::keep_errors::<Entity>(self.tx, id, batch.errors.iter().chain(told)).await?;
        let invalid = batch.invalid + i64::try_from(refused.len()).map_err(Error::internal)?;
        let counts = Counts { lines: batch.lines, inserted, invalid };
        let moved = Entity::with(&import, Entity::import(&import).moved_on(batch.bytes.end, counts));
        let unused_columns = unused(&import.unused_columns, &batch.unused);
        noun::replace(self.tx, &import, lead_import::Model { unused_columns, ..moved }, self.now).await?;
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
        let table = self.table(&["line", "email_hash", "phone_hash", "telegram_hash"]);
        let is_new = ADDRESSES.map(|(kind, _, hash)| {
            format!(
                "(r.{hash} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM refusals s WHERE s.kind = '{kind}'
                    AND s.hash = r.{hash} AND s.channel IS NULL AND s.lifted_at IS NULL))"
            )
        });
        let sql = format!("SELECT COUNT(DISTINCT r.line) AS n FROM {table} WHERE {}", is_new.join(" OR "));
        let row = self.tx.query_one_raw(self.dialect.statement(&sql, [self.all.clone()])).await?;
        let news: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
        self.refuse("'LIST'", "TRUE").await?;
        Ok(news)
    }

    /// Keeps a refusal of everything at the addresses of the lines of which `which` holds, and closes the leads that have one of them.
    /// What an import does once more changes nothing.
    async fn refuse(&self, source: &str, which: &str) -> Result<()> {
        let hashes: Vec<&str> = ADDRESSES.iter().map(|(_, _, hash)| *hash).collect();
        let columns: Vec<&str> = ADDRESSES.iter().map(|(_, column, _)| *column).collect();
        let table = self.table(&[["refused"].as_slice(), &hashes, &columns].concat());
        let run = async |sql: &str| {
            let values = [self.all.clone(), self.now.into()];
            self.tx.execute_raw(self.dialect.statement(sql, values)).await
        };
        let id = self.dialect.random_uuid();
        for (kind, _, hash) in ADDRESSES {
            let keep = format!(
                "INSERT INTO refusals (id, kind, hash, source, said_at, created_at)
                 SELECT {id}, '{kind}', r.{hash}, {source}, $2, $2 FROM {table}
                 WHERE r.{hash} IS NOT NULL AND {which} ORDER BY r.{hash}
                 ON CONFLICT DO NOTHING"
            );
            run(&keep).await?;
        }
        let of_a_line = ADDRESSES.map(|(_, column, _)| {
            format!("l.{column} IN (SELECT r.{column} FROM {table} WHERE r.{column} IS NOT NULL AND {which})")
        });
        let open = format!("l.status <> 'DO_NOT_CONTACT' AND ({})", of_a_line.join(" OR "));
        let prove = format!(
            "INSERT INTO consents (id, lead_id, kind, source, given_at, created_at)
             SELECT {id}, l.id, 'WITHDRAWN', 'a list of people who must not be contacted', $2, $2
             FROM leads l WHERE {open}"
        );
        run(&prove).await?;
        let close = format!(
            "UPDATE leads AS l SET status_before = status, status = 'DO_NOT_CONTACT', updated_at = $2,
                 version = version + 1 WHERE {open}"
        );
        run(&close).await?;
        Ok(())
    }

    /// Lines that can't go in: of people who must not come back, and of two people at once.
    async fn refused(&self) -> Result<Vec<(i64, String)>> {
        let table = self.table(&["line", "email", "phone", "external_id", "email_hash", "phone_hash", "telegram_hash"]);
        let at = |alias: &str, kind: &str, hash: &str| {
            format!(
                "LEFT JOIN refusals {alias} ON {alias}.kind = '{kind}' AND {alias}.hash = r.{hash}
                    AND {alias}.channel IS NULL AND {alias}.lifted_at IS NULL"
            )
        };
        let sql = format!(
            "SELECT r.line AS line, CASE
                    WHEN e.hash IS NOT NULL THEN 'the email is that of a person who must not be contacted again'
                    WHEN p.hash IS NOT NULL THEN 'the phone is that of a person who must not be contacted again'
                    WHEN t.hash IS NOT NULL THEN 'the Telegram name is that of a person who must not be contacted again'
                    WHEN le.id <> lp.id THEN 'email and phone belong to two leads that are there already' END AS why,
                COALESCE(le.id, lp.id) AS reached, lx.id AS known
             FROM {table}
             {} {} {}
             LEFT JOIN leads le ON le.email = r.email
             LEFT JOIN leads lp ON lp.phone = r.phone
             LEFT JOIN leads lx ON lx.external_id = r.external_id
             WHERE e.hash IS NOT NULL OR p.hash IS NOT NULL OR t.hash IS NOT NULL OR le.id <> lp.id
                 OR lx.id <> COALESCE(le.id, lp.id)
             ORDER BY r.line",
            at("e", "EMAIL", "email_hash"),
            at("p", "PHONE", "phone_hash"),
            at("t", "TELEGRAM", "telegram_hash"),
        );
        let found = self.tx.query_all_raw(self.dialect.statement(&sql, [self.rows.clone()])).await?;
        found.iter().map(|row| Ok((row.try_get("", "line")?, why(row)?))).collect()
    }

    /// The new ones go in; who is there, by email, phone or external id, stays as he is. What is refused at an address of a channel,
    /// its lead refuses. Returns how many are new.
    async fn insert(&self) -> Result<i64> {
        let fields = Field::ALL.map(Field::column);
        let own = ["id", "line", "email_hash", "phone_hash", "telegram_hash", "names_fold", "meta"];
        let table = self.table(&[own.as_slice(), fields.as_slice()].concat());
        let meta = if self.dialect.is_postgres() { "r.meta::jsonb" } else { "r.meta" };
        let columns = fields.join(", ");
        let values = fields.map(|field| format!("r.{field}")).join(", ");
        let refuses = |channel: &str, of: &str| {
            format!("EXISTS (SELECT 1 FROM refusals s WHERE {of} AND s.channel = '{channel}' AND s.lifted_at IS NULL)")
        };
        let at = |kind: &str, hash: &str| format!("(s.kind = '{kind}' AND s.hash = r.{hash})");
        let (email, phone) = (at("EMAIL", "email_hash"), at("PHONE", "phone_hash"));
        let telegram = at("TELEGRAM", "telegram_hash");
        let any = "s.hash IN (r.email_hash, r.phone_hash, r.telegram_hash)";
        let refusals = [
            refuses("EMAIL", &email),
            refuses("SMS", &phone),
            refuses("CALL", &phone),
            refuses("WEBHOOK", any),
            refuses("TELEGRAM", &telegram),
        ];
        let sql = format!(
            "INSERT INTO leads (id, {columns}, names_fold, meta, no_email, no_sms, no_call, no_webhook, no_telegram, status,
                 created_at, updated_at)
             SELECT r.id, {values}, r.names_fold, {meta}, {}, 'NEW', $2, $2
             FROM {table}
             WHERE NOT EXISTS (SELECT 1 FROM refusals s WHERE {any} AND s.channel IS NULL AND s.lifted_at IS NULL)
             ORDER BY r.line
             ON CONFLICT DO NOTHING",
            refusals.join(", ")
        );
        let inserted = self.tx.execute_raw(self.dialect.statement(&sql, [self.rows.clone(), self.now.into()])).await?;
        i64::try_from(inserted.rows_affected()).map_err(Error::internal)
    }

    /// Shows what was refused at the addresses of new leads among what they took back.
    async fn prove(&self) -> Result<()> {
        let table = self.table(&["id", "email_hash", "phone_hash", "telegram_hash"]);
        let at = ADDRESSES.map(|(kind, _, hash)| {
            format!(
                "SELECT {}, l.id, s.channel, 'WITHDRAWN', s.source, s.wording, s.said_at, $2
                 FROM {table} JOIN refusals s ON s.kind = '{kind}' AND s.hash = r.{hash}
                     AND s.channel IS NOT NULL AND s.lifted_at IS NULL
                 JOIN leads l ON l.id = r.id",
                self.dialect.random_uuid()
            )
        });
        let sql = format!(
            "INSERT INTO consents (id, lead_id, channel, kind, source, wording, given_at, created_at) {}",
            at.join(" UNION ALL ")
        );
        self.tx.execute_raw(self.dialect.statement(&sql, [self.rows.clone(), self.now.into()])).await?;
        Ok(())
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
