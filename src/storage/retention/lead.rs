//! Leads: the people that retention writes to.

use std::str::FromStr;

use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryOrder, Value};

use crate::Tx;
use crate::folded::{Folded, FoldedFrom};
use crate::noun::noun;
use crate::sql::Dialect;
use domain::error::Result;
use domain::id::LeadId;
use domain::retention::lead_field::Field;
use domain::retention::words::{ContactChannel, LeadStatus};

/// A lead.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leads")]
#[expect(clippy::struct_excessive_bools, reason = "statements ask for each of them")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LeadId,
    /// Its id in another system; no two leads have the same.
    pub external_id: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// In E.164; no two leads have the same.
    pub phone: Option<String>,
    /// In lower case; no two leads have the same.
    pub email: Option<String>,
    /// Without `@`, in lower case.
    pub telegram_username: Option<String>,
    /// Where it came from, in capitals: MANUAL, UPLOAD, API, CRM and others.
    pub source: String,
    pub status: LeadStatus,
    /// The status that lifting `DO_NOT_CONTACT` restores; None while it may be contacted.
    pub status_before: Option<LeadStatus>,
    /// Must not be contacted by email, and so on. All channels at once: `status` is `DO_NOT_CONTACT`.
    pub no_email: bool,
    pub no_sms: bool,
    pub no_call: bool,
    pub no_webhook: bool,
    pub no_telegram: bool,
    /// Custom fields, a JSON object.
    pub meta: Json,
    pub notes: Option<String>,
    /// The name of an IANA time zone.
    pub time_zone: Option<String>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
    /// First and last name as they are searched.
    pub names_fold: Folded,
}

joins_nothing!();

noun!(LeadId {
    const FOLDED: &'static [FoldedFrom<Column>] = &[(Column::NamesFold, &[Column::FirstName, Column::LastName])];
});

impl Entity {
    /// The leads that have one of the row's keys, at most one for each; None if it has none.
    pub fn sharing_keys(row: &Model) -> Option<Select<Self>> {
        let keys = Field::KEYS.into_iter().filter_map(|field| Some(Column::of(field).eq(row.text(field)?)));
        let any = keys.fold(Condition::any(), Condition::add);
        (!any.is_empty()).then(|| Self::find().filter(any).order_by_asc(Column::Id))
    }

    /// The leads of which this field is `text`, in its stored form.
    pub fn known_as(field: Field, text: &str) -> Select<Self> {
        Self::find().filter(Column::of(field).eq(text))
    }
}

/// Holds all others back, until the transaction ends, who look whether somebody has this name at Telegram: no index keeps two leads from
/// having it. `SQLite` has one writer at a time.
pub async fn lock_name(tx: &Tx, name: &str) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    if dialect.is_postgres() {
        let lock = dialect.statement("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", [name.into()]);
        tx.execute_raw(lock).await?;
    }
    Ok(())
}

impl Column {
    /// The column of a field.
    fn of(field: Field) -> Self {
        Self::from_str(field.column()).expect("each field has its column")
    }

    /// The column that says whether the lead must not be contacted on `channel`.
    pub const fn refusal(channel: ContactChannel) -> Self {
        match channel {
            ContactChannel::Email => Self::NoEmail,
            ContactChannel::Sms => Self::NoSms,
            ContactChannel::Call => Self::NoCall,
            ContactChannel::Webhook => Self::NoWebhook,
            ContactChannel::Telegram => Self::NoTelegram,
        }
    }
}

impl Model {
    /// A lead of which nothing is known yet.
    pub fn new(now: DateTimeUtc) -> Self {
        Self {
            id: LeadId::generate(),
            external_id: None,
            first_name: None,
            last_name: None,
            phone: None,
            email: None,
            telegram_username: None,
            source: "MANUAL".into(),
            status: LeadStatus::New,
            status_before: None,
            no_email: false,
            no_sms: false,
            no_call: false,
            no_webhook: false,
            no_telegram: false,
            meta: Json::Object(serde_json::Map::new()),
            notes: None,
            time_zone: None,
            language: None,
            created_at: now,
            updated_at: now,
            version: 1,
            names_fold: Folded::default(),
        }
    }

    /// What is known of a field.
    pub fn text(&self, field: Field) -> Option<String> {
        match self.get(Column::of(field)) {
            Value::String(text) => text,
            _ => None,
        }
    }

    /// Puts a text in its stored form into a field; None empties it, which the source never is.
    pub fn write(&mut self, field: Field, text: Option<String>) {
        self.set(Column::of(field), text.into());
    }

    /// Whether it must not be contacted on `channel`.
    pub fn refuses(&self, channel: ContactChannel) -> bool {
        self.status == LeadStatus::DoNotContact || self.has_refused(channel)
    }

    /// Whether it has refused `channel` by itself, whatever it may have said of all of them.
    pub fn has_refused(&self, channel: ContactChannel) -> bool {
        self.get(Column::refusal(channel)) == true.into()
    }

    /// Notes whether it must not be contacted on `channel`.
    pub fn refuse(&mut self, channel: ContactChannel, is_refused: bool) {
        self.set(Column::refusal(channel), is_refused.into());
    }

    /// It must not be contacted at all.
    pub fn close(&mut self) {
        if self.status != LeadStatus::DoNotContact {
            self.status_before = Some(self.status);
            self.status = LeadStatus::DoNotContact;
        }
    }

    /// It may be contacted again, but for the channels that it refuses by themselves.
    pub fn reopen(&mut self) {
        if self.status == LeadStatus::DoNotContact {
            self.status = self.status_before.take().unwrap_or(LeadStatus::New);
        }
    }

    /// The address to which a contact on `channel` goes; None if the lead has none. A webhook needs none of the lead's.
    pub fn address(&self, channel: ContactChannel) -> Option<&str> {
        match channel {
            ContactChannel::Email => self.email.as_deref(),
            ContactChannel::Sms | ContactChannel::Call => self.phone.as_deref(),
            ContactChannel::Webhook => Some(""),
            ContactChannel::Telegram => self.telegram_username.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn each_field_has_its_column() {
        let mut lead = Model::new(DateTimeUtc::UNIX_EPOCH);
        for field in Field::ALL {
            lead.write(field, Some(field.name().into()));
        }
        assert_eq!(Field::ALL.map(|field| lead.text(field)), Field::ALL.map(|field| Some(field.name().into())));
    }

    #[test]
    fn a_lead_refuses_the_channels_that_it_was_asked_about() {
        for channel in ContactChannel::iter() {
            let mut lead = Model::new(DateTimeUtc::UNIX_EPOCH);
            lead.refuse(channel, true);
            let refused: Vec<_> = ContactChannel::iter().filter(|other| lead.refuses(*other)).collect();
            assert_eq!(refused, [channel]);
            lead.refuse(channel, false);
            assert_eq!(lead, Model { id: lead.id, ..Model::new(DateTimeUtc::UNIX_EPOCH) });
        }
    }
}
