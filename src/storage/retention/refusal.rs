//! Refusals: who said no at an address, by its keyed hash, so that it outlives the lead.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{IntoActiveModel, Iterable};
use serde::Serialize;

use super::lead;
use crate::noun::noun;
use domain::error::Result;
use domain::id::RefusalId;
use domain::retention::address;
use domain::retention::words::{AddressKind, ContactChannel, LeadStatus};
use domain::secret_key::{Lasting, LastingUse};

/// Hashes that one statement looks for.
const CHUNK: usize = 500;

/// What was refused at an address: no row goes, a refusal that no longer holds is lifted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refusals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefusalId,
    pub kind: AddressKind,
    /// A keyed hash of the address in its stored form.
    pub hash: String,
    /// None: every channel.
    pub channel: Option<ContactChannel>,
    /// How it came: a reply, a link, a list, a person.
    pub source: String,
    /// What was said, word for word.
    pub wording: Option<String>,
    pub said_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    /// None: it holds.
    pub lifted_at: Option<DateTimeUtc>,
    /// Why it was lifted.
    pub lifted_source: Option<String>,
}

joins_nothing!();

noun!(RefusalId);

/// An address as refusals know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    pub kind: AddressKind,
    pub hash: String,
}

/// What the hashes of addresses of a kind are made for.
const fn purpose(kind: AddressKind) -> LastingUse {
    match kind {
        AddressKind::Email => LastingUse::RefusedEmails,
        AddressKind::Phone => LastingUse::RefusedPhones,
        AddressKind::Telegram => LastingUse::RefusedTelegramNames,
    }
}

/// The keyed hash of an address in its stored form: who has only the database can't try out whose it is.
pub fn hash(key: &Lasting, kind: AddressKind, address: &str) -> String {
    key.fingerprint(purpose(kind), address.as_bytes())
}

/// All hashes by which an address may be known: the present one first, then those of earlier keys.
pub fn marks(key: &Lasting, kind: AddressKind, address: &str) -> Vec<Mark> {
    // An earlier version may have stored the address in another form, and some numbers are written in two.
    let other = match kind {
        AddressKind::Email => address::earlier_email(address),
        AddressKind::Phone => address::other_phone(address),
        AddressKind::Telegram => None,
    };
    let forms = std::iter::once(address.to_owned()).chain(other);
    let hashes = forms.flat_map(|form| {
        let earlier = key.earlier_fingerprints(purpose(kind), form.as_bytes());
        std::iter::once(hash(key, kind, &form)).chain(earlier).collect::<Vec<_>>()
    });
    hashes.map(|hash| Mark { kind, hash }).collect()
}

/// All hashes by which the addresses of a lead may be known.
pub fn marks_of(key: &Lasting, lead: &lead::Model) -> Vec<Mark> {
    addresses(lead).flat_map(|(kind, address)| marks(key, kind, address)).collect()
}

/// The addresses of a lead.
pub fn addresses(lead: &lead::Model) -> impl Iterator<Item = (AddressKind, &str)> {
    let all = [
        (AddressKind::Email, &lead.email),
        (AddressKind::Phone, &lead.phone),
        (AddressKind::Telegram, &lead.telegram_username),
    ];
    all.into_iter().filter_map(|(kind, address)| Some((kind, address.as_deref()?)))
}

/// Whether a refusal of `channel` is one of addresses of this kind. What reaches no address of the lead is refused at all of them.
pub const fn concerns(channel: Option<ContactChannel>, kind: AddressKind) -> bool {
    match channel {
        None | Some(ContactChannel::Webhook) => true,
        Some(ContactChannel::Email) => matches!(kind, AddressKind::Email),
        Some(ContactChannel::Sms | ContactChannel::Call) => matches!(kind, AddressKind::Phone),
        Some(ContactChannel::Telegram) => matches!(kind, AddressKind::Telegram),
    }
}

/// What a lead's row says that it refuses: everything, or some channels.
pub fn refused_by(lead: &lead::Model) -> impl Iterator<Item = Option<ContactChannel>> {
    let all = (lead.status == LeadStatus::DoNotContact).then_some(None);
    all.into_iter().chain(ContactChannel::iter().filter(|channel| lead.has_refused(*channel)).map(Some))
}

/// How a refusal came.
#[derive(Debug, Clone)]
pub struct Said {
    /// A reply, a link, a list, a person.
    pub source: String,
    /// Word for word.
    pub wording: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Model {
    /// A refusal at an address.
    pub fn new(mark: Mark, channel: Option<ContactChannel>, said: &Said, now: DateTime<Utc>) -> Self {
        Self {
            id: RefusalId::generate(),
            kind: mark.kind,
            hash: mark.hash,
            channel,
            source: said.source.clone(),
            wording: said.wording.clone(),
            said_at: said.at,
            created_at: now,
            lifted_at: None,
            lifted_source: None,
        }
    }
}

impl Entity {
    /// Keeps refusals; what holds already stays as it was said first.
    pub async fn keep(tx: &impl ConnectionTrait, rows: Vec<Model>) -> Result<()> {
        for chunk in rows.chunks(CHUNK) {
            let rows = chunk.iter().cloned().map(IntoActiveModel::into_active_model);
            let holds = OnConflict::new().do_nothing().to_owned();
            Self::insert_many(rows).on_conflict(holds).exec_without_returning(tx).await?;
        }
        Ok(())
    }

    /// The refusals that hold at these addresses.
    pub async fn in_force(db: &impl ConnectionTrait, marks: &[Mark]) -> Result<Vec<Model>> {
        let mut found = Vec::new();
        for chunk in marks.chunks(CHUNK) {
            found.extend(Self::of(chunk).filter(Column::LiftedAt.is_null()).all(db).await?);
        }
        Ok(found)
    }

    /// All refusals at these addresses, lifted or not.
    pub fn of(marks: &[Mark]) -> Select<Self> {
        Self::find().filter(Column::Hash.is_in(marks.iter().map(|mark| mark.hash.clone())))
    }

    /// Forgets what was said word for word at these addresses.
    pub async fn forget_words(tx: &impl ConnectionTrait, marks: &[Mark]) -> Result<()> {
        Self::update_many()
            .col_expr(Column::Wording, Expr::value(None::<String>))
            .filter(Column::Hash.is_in(marks.iter().map(|mark| mark.hash.clone())))
            .exec(tx)
            .await?;
        Ok(())
    }

    /// Lifts what is refused of `channel` at these addresses, and nothing else. Returns how many refusals that were.
    pub async fn lift(
        tx: &impl ConnectionTrait,
        marks: &[Mark],
        channel: Option<ContactChannel>,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let of_channel = match channel {
            Some(channel) => Column::Channel.eq(channel),
            None => Column::Channel.is_null(),
        };
        let lifted = Self::update_many()
            .col_expr(Column::LiftedAt, Expr::value(now))
            .col_expr(Column::LiftedSource, Expr::value(why))
            .filter(Column::Hash.is_in(marks.iter().map(|mark| mark.hash.clone())))
            .filter(of_channel)
            .filter(Column::LiftedAt.is_null())
            .exec(tx)
            .await?;
        Ok(lifted.rows_affected)
    }
}
