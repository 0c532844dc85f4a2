//! Leads: each address is one lead's, however it is written and however many come at once.

use async_graphql::MaybeUndefined;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::{Value as Json, json};

use super::effects::{self, Ending};
use super::{endings, meta};
use crate::access::audit::{self, Subject};
use crate::once::{self, Again, Done};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::LeadId;
use domain::retention::address;
use domain::retention::states::State;
use domain::retention::words::LeadStatus;
use domain::text::{self, Bounds};
use domain::username;
use domain::violation::OnUnique;
use events::Event;
use storage::Tx;
use storage::retention::{lead, members, suppression};

/// The longest source.
const SOURCE: usize = 50;

/// What is said of a lead; what is undefined stays, null removes. A new lead has nothing that could stay.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// At most 200 characters.
    pub external_id: MaybeUndefined<String>,
    /// At most 200 characters.
    pub first_name: MaybeUndefined<String>,
    /// At most 200 characters.
    pub last_name: MaybeUndefined<String>,
    /// In any spelling that begins with the country.
    pub phone: MaybeUndefined<String>,
    /// In any case.
    pub email: MaybeUndefined<String>,
    /// With `@` or without.
    pub telegram_username: MaybeUndefined<String>,
    /// A word; MANUAL if it is not said.
    pub source: Option<String>,
    /// An object of at most 16 KiB, in place of the one that was there.
    pub meta: Option<Json>,
    /// At most 10,000 characters.
    pub notes: MaybeUndefined<String>,
    /// The name of an IANA time zone.
    pub time_zone: MaybeUndefined<String>,
    /// A BCP 47 tag.
    pub language: MaybeUndefined<String>,
}

/// What is to be changed of a lead.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What is said of it.
    pub fields: Fields,
    /// Where it goes; only as the table of transitions allows.
    pub status: Option<LeadStatus>,
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// A lead that was asked for, and whether it had to be made.
#[derive(Debug, Clone)]
pub struct Created {
    /// The lead.
    pub lead: lead::Model,
    /// False: it was there.
    pub is_new: bool,
}

impl Again for Created {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let is_new = done.result["isNew"].as_bool().unwrap_or_default();
        Ok(Self { lead: lead::Model::again(on, done).await?, is_new })
    }
}

/// Finds the lead with this email or this phone number, or makes it: then the campaigns that want new leads get it.
///
/// # Errors
/// [`Error::Conflict`] if the email is one lead's and the phone number another's; [`Error::Precondition`] if the person was
/// erased.
pub async fn create(on: &Services, actor: &Actor, fields: Fields) -> Result<Created> {
    let row = &unknown(on, fields)?;
    let created = on
        .write(|tx| async move {
            let tx = &*tx;
            if let Some(lead) = known(tx, row).await? {
                let told = Some(json!({ "isNew": false }));
                once::note(on, tx, actor, Some(Subject("Lead", lead.id.0)), told).await?;
                return Ok(Created { lead, is_new: false });
            }
            refuse_erased(on, tx, row).await?;
            let written = lead::Entity::insert(row.clone().into_active_model())
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .exec_without_returning(tx)
                .await?;
            if written == 0 {
                // Somebody else was quicker, and has committed by now.
                let found = known(tx, row).await?;
                let lead = found.ok_or_else(|| Error::Conflict("the lead is just being changed; try again".into()))?;
                let told = Some(json!({ "isNew": false }));
                once::note(on, tx, actor, Some(Subject("Lead", lead.id.0)), told).await?;
                return Ok(Created { lead, is_new: false });
            }
            let campaigns = members::assign_new(tx, &[row.id], row.created_at).await?;
            let lead = lead::Entity::require(tx, row.id).await?;
            let metadata = json!({ "isNew": true, "source": lead.source, "campaigns": campaigns });
            audit::record(on, tx, actor, Action::LeadCreated, Subject("Lead", lead.id.0), metadata).await?;
            Ok(Created { lead, is_new: true })
        })
        .await?;
    on.tell(Event::Audit);
    Ok(created)
}

/// Who was erased does not come back by hand either.
async fn refuse_erased(on: &Services, tx: &Tx, row: &lead::Model) -> Result<()> {
    if suppression::Entity::has(tx, &on.key, row.email.as_deref(), row.phone.as_deref()).await? {
        return Err(Error::Precondition(
            "who has this email or phone number must not be contacted again: they were erased, or are on a list of such people".into(),
        ));
    }
    Ok(())
}

/// The lead that has the row's email or phone number.
async fn known(tx: &Tx, row: &lead::Model) -> Result<Option<lead::Model>> {
    if row.email.is_none() && row.phone.is_none() {
        return Ok(None);
    }
    let found = lead::Entity::reached_by(row.email.as_deref(), row.phone.as_deref()).all(tx).await?;
    match <[_; 2]>::try_from(found) {
        Ok([one, other]) => Err(two_leads(&one, &other, row.email.as_deref())),
        Err(mut at_most_one) => Ok(at_most_one.pop()),
    }
}

/// Who merges the two needs their ids.
fn two_leads(one: &lead::Model, other: &lead::Model, email: Option<&str>) -> Error {
    let is_by_email = one.email.as_deref() == email;
    let (by_email, by_phone) = if is_by_email { (one, other) } else { (other, one) };
    let id = |lead: &lead::Model| Subject("Lead", lead.id.0).global();
    Error::Conflict(format!(
        "the email is that of the lead {}, the phone number that of the lead {}",
        id(by_email),
        id(by_phone)
    ))
}

/// A lead of which nothing is known but `fields`.
fn unknown(on: &Services, fields: Fields) -> Result<lead::Model> {
    let now = on.now();
    let blank = lead::Model {
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
        meta: meta::empty(),
        notes: None,
        time_zone: None,
        language: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let row = told(blank, fields)?;
    if [&row.email, &row.phone, &row.telegram_username, &row.external_id].iter().all(|key| key.is_none()) {
        return Err(Error::invalid("email", "give an email, a phone, a telegramUsername or an externalId"));
    }
    Ok(row)
}

/// The lead `old` with what `fields` say, in its stored form; or all that is wrong with them.
fn told(old: lead::Model, fields: Fields) -> Result<lead::Model> {
    let Fields {
        external_id,
        first_name,
        last_name,
        phone,
        email,
        telegram_username,
        source,
        meta,
        notes,
        time_zone,
        language,
    } = fields;
    let mut wrong = Violations::default();
    let name = |text: &str| text::line(text, Bounds::NAME);
    let username = |text: &str| username::normalise(text).map_err(ToOwned::to_owned);
    let prose = |text: &str| text::prose(text, Bounds::NOTES);
    let row = lead::Model {
        external_id: or(old.external_id, wrong.take_change("externalId", external_id, name)),
        first_name: or(old.first_name, wrong.take_change("firstName", first_name, name)),
        last_name: or(old.last_name, wrong.take_change("lastName", last_name, name)),
        phone: or(old.phone, wrong.take_change("phone", phone, address::phone)),
        email: or(old.email, wrong.take_change("email", email, address::email)),
        telegram_username: or(
            old.telegram_username,
            wrong.take_change("telegramUsername", telegram_username, username),
        ),
        source: source.map_or(old.source, |source| wrong.take("source", source_of(&source))),
        meta: meta.map_or(old.meta, |given| wrong.take("meta", meta::object(given))),
        notes: or(old.notes, wrong.take_change("notes", notes, prose)),
        time_zone: or(old.time_zone, wrong.take_change("timeZone", time_zone, address::time_zone)),
        language: or(old.language, wrong.take_change("language", language, address::language)),
        ..old
    };
    wrong.into_result()?;
    Ok(row)
}

fn or<T>(old: Option<T>, new: MaybeUndefined<T>) -> Option<T> {
    if new.is_undefined() { old } else { new.take() }
}

/// A source as it is stored: a word in capitals.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn source_of(written: &str) -> Result<String, String> {
    let word = written.trim().to_uppercase();
    let is_word = word.chars().all(|letter| letter.is_alphanumeric() || "_-.".contains(letter));
    if is_word && (1..=SOURCE).contains(&word.chars().count()) {
        Ok(word)
    } else {
        Err(format!("must be a word of at most {SOURCE} letters, digits, underscores, hyphens and points"))
    }
}

/// Changes a lead.
///
/// # Errors
/// [`Error::Conflict`] if another lead has the new email or phone number.
pub async fn update(on: &Services, actor: &Actor, id: LeadId, change: Change) -> Result<lead::Model> {
    let change = &change;
    let changed = on
        .write(|tx| async move {
            let tx = &*tx;
            let old = lead::Entity::require(tx, id).await?;
            require_version("lead", old.version, change.expected_version)?;
            let new = told(old.clone(), change.fields.clone())?;
            refuse_others(tx, &new).await?;
            if new.email != old.email || new.phone != old.phone {
                refuse_erased(on, tx, &new).await?;
            }
            let mut row = old.clone().changed(on.now());
            if let Some(status) = change.status.filter(|status| *status != old.status) {
                old.status.require(status)?;
                row.status = Set(status);
                row.status_before = Set((status == LeadStatus::DoNotContact).then_some(old.status));
            }
            row.external_id = Set(new.external_id);
            row.first_name = Set(new.first_name);
            row.last_name = Set(new.last_name);
            row.phone = Set(new.phone);
            row.email = Set(new.email);
            row.telegram_username = Set(new.telegram_username);
            row.source = Set(new.source);
            row.meta = Set(new.meta);
            row.notes = Set(new.notes);
            row.time_zone = Set(new.time_zone);
            row.language = Set(new.language);
            let changed = row.update(tx).await.on_any_unique(taken)?;
            leave(on, tx, &old, &changed).await?;
            // Nothing of the person itself: the log outlives an erasure.
            let metadata = json!({ "from": old.status, "to": changed.status, "version": changed.version });
            audit::record(on, tx, actor, Action::LeadUpdated, Subject("Lead", id.0), metadata).await?;
            Ok(changed)
        })
        .await?;
    on.tell(Event::Audit);
    Ok(changed)
}

/// Who converted, or must not be contacted any more, leaves all sequences.
async fn leave(on: &Services, tx: &Tx, old: &lead::Model, changed: &lead::Model) -> Result<()> {
    let ending = match changed.status {
        status if status == old.status => return Ok(()),
        LeadStatus::Converted => Ending::Converted,
        LeadStatus::DoNotContact => Ending::OptOut,
        _ => return Ok(()),
    };
    effects::end(on, tx, changed.id, ending).await.map(drop)
}

/// Says which lead has the address, where that is known before the unique index does.
async fn refuse_others(tx: &Tx, new: &lead::Model) -> Result<()> {
    if new.email.is_none() && new.phone.is_none() {
        return Ok(());
    }
    let found = lead::Entity::reached_by(new.email.as_deref(), new.phone.as_deref()).all(tx).await?;
    match found.into_iter().find(|other| other.id != new.id) {
        Some(other) => {
            let what = if other.email.is_some() && other.email == new.email { "email" } else { "phone number" };
            let id = Subject("Lead", other.id.0).global();
            Err(Error::Conflict(format!("the {what} is that of the lead {id}; merge the two, or change that one")))
        }
        None => Ok(()),
    }
}

fn taken() -> Error {
    Error::Conflict("another lead has this email or phone number".into())
}

/// Deletes a lead with all that belongs to it: its assignments, contacts, enrollments and consents. Its conversions stay,
/// without it. Erasing a person is another thing: that keeps it from coming back.
pub async fn delete(on: &Services, actor: &Actor, id: LeadId) -> Result<lead::Model> {
    let deleted = on
        .write(|tx| async move {
            let tx = &*tx;
            let row = lead::Entity::require(tx, id).await?;
            endings::forgotten(tx, id).await?;
            lead::Entity::delete_by_id(id).exec(tx).await?;
            let metadata = json!({ "source": row.source, "status": row.status });
            audit::record(on, tx, actor, Action::LeadDeleted, Subject("Lead", id.0), metadata).await?;
            Ok(row)
        })
        .await?;
    on.tell(Event::Audit);
    Ok(deleted)
}
