//! A refusal belongs to an address: it is kept under the address' keyed hash, and outlives merges, changes, deletion and erasure of
//! the lead that has it.
//!
//! What a lead refuses stands in its own row as well, so that lists and statements see it. Wherever an address or a word comes to a
//! lead, [`keep`] brings the row's refusals to the addresses, and [`obey`] those of the addresses to the row. A lease looks at the
//! addresses once more, under its locks; what it finds that the row does not say, [`heal`] writes there.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations};
use domain::id::{ConsentId, LeadId};
use domain::retention::address;
use domain::retention::words::{AddressKind, ConsentKind, ContactChannel, LeadStatus};
use domain::text::{self, Bounds};
use domain::username;
use storage::Tx;
use storage::retention::refusal::{self, Entity, Mark, Model, addresses, concerns, hash, marks, marks_of, refused_by};
use storage::retention::{consent, lead, refusal_to_carry};

pub use storage::retention::refusal::Said;

/// The source of what somebody refuses who answers a text message.
pub const BY_TEXT: &str = "a reply to a text message";
/// That of what a provider tells.
pub const BY_PROVIDER: &str = "a provider told so";
/// That of an address at which nobody is.
pub const DEAD: &str = "the address does not exist";
/// What somebody takes back who texts START: a STOP, what a provider made of one, and that nobody is there. What the team wrote down,
/// or a list said, is lifted by people only.
const BY_STOP: [&str; 3] = [BY_TEXT, BY_PROVIDER, DEAD];

/// Leads of an earlier version that one transaction brings to their addresses.
const CARRIED: u64 = 200;

/// Keeps what a lead's row refuses, under each of its addresses.
pub async fn keep(on: &Services, w: &Write, lead: &lead::Model, said: &Said) -> Result<()> {
    let rows = refused_by(lead).flat_map(|channel| at_addresses(on, w, lead, channel, said)).collect();
    Entity::keep(w, rows).await
}

/// Keeps one refusal under each address of a lead that it concerns.
pub async fn keep_one(
    on: &Services,
    w: &Write,
    lead: &lead::Model,
    channel: Option<ContactChannel>,
    said: &Said,
) -> Result<()> {
    Entity::keep(w, at_addresses(on, w, lead, channel, said)).await
}

fn at_addresses(
    on: &Services,
    w: &Write,
    lead: &lead::Model,
    channel: Option<ContactChannel>,
    said: &Said,
) -> Vec<Model> {
    let concerned = addresses(lead).filter(|(kind, _)| concerns(channel, *kind));
    let mark = |(kind, address)| Mark { kind, hash: hash(&on.keys.lasting, kind, address) };
    concerned.map(|address| Model::new(mark(address), channel, said, w.now)).collect()
}

/// Keeps what somebody refuses who may be no lead yet, at an address in its stored form: who refuses all channels refuses everything.
pub async fn keep_at(
    on: &Services,
    w: &Write,
    (kind, at): (AddressKind, &str),
    channels: &[ContactChannel],
    said: &Said,
) -> Result<()> {
    let is_all = ContactChannel::iter().all(|channel| channels.contains(&channel));
    let about = channels.iter().copied().map(Some).filter(|channel| !is_all && concerns(*channel, kind));
    let hash = hash(&on.keys.lasting, kind, at);
    let mark = || Mark { kind, hash: hash.clone() };
    let rows = about.chain(is_all.then_some(None)).map(|channel| Model::new(mark(), channel, said, w.now)).collect();
    Entity::keep(w, rows).await
}

/// The hash of a lead's email address.
pub fn email_hash(on: &Services, lead: &lead::Model) -> Option<String> {
    lead.email.as_deref().map(|email| hash(&on.keys.lasting, AddressKind::Email, email))
}

/// Whether one of the channels, or everything, is refused at an address in its stored form.
pub async fn hold_at(
    on: &Services,
    tx: &Tx,
    (kind, at): (AddressKind, &str),
    channels: &[ContactChannel],
) -> Result<bool> {
    let found = Entity::in_force(tx, &marks(&on.keys.lasting, kind, at)).await?;
    Ok(found.iter().any(|refusal| refusal.channel.is_none_or(|of| channels.contains(&of))))
}

/// Whether a lead, which is locked, has refused a channel by its own word there and by nothing else: then it can take that back.
pub async fn is_own_word(on: &Services, w: &Write, lead: &lead::Model, channel: ContactChannel) -> Result<bool> {
    let all = addresses(lead).filter(|(kind, _)| concerns(Some(channel), *kind));
    let marks: Vec<Mark> = all.flat_map(|(kind, address)| marks(&on.keys.lasting, kind, address)).collect();
    let Some(first) = first_own_word(w, &marks, channel).await? else { return Ok(false) };
    // Who refuses twice is kept as it was said first: a later word of another kind stands among the proofs only.
    let proofs = consent::Entity::of(&[lead.id]).all(w).await?;
    let is_other = |proof: &consent::Model| {
        proof.kind == ConsentKind::Withdrawn
            && proof.channel == Some(channel)
            && proof.created_at >= first
            && !BY_STOP.contains(&proof.source.as_str())
    };
    Ok(!proofs.iter().any(is_other))
}

/// Since when a channel is refused at these addresses, if that was said there and nowhere else.
async fn first_own_word(tx: &Tx, marks: &[Mark], channel: ContactChannel) -> Result<Option<DateTime<Utc>>> {
    let mut found = Entity::in_force(tx, marks).await?;
    found.retain(|refusal| refusal.channel == Some(channel));
    let is_own = found.iter().all(|refusal| BY_STOP.contains(&refusal.source.as_str()));
    Ok(found.iter().map(|refusal| refusal.created_at).min().filter(|_| is_own))
}

/// Lifts a refusal of somebody who may be no lead, at an address in its stored form, unless another than he wrote it down.
pub async fn lift_at(
    on: &Services,
    w: &Write,
    (kind, at): (AddressKind, &str),
    channel: ContactChannel,
    why: &str,
) -> Result<()> {
    let marks = marks(&on.keys.lasting, kind, at);
    if first_own_word(w, &marks, channel).await?.is_some() {
        Entity::lift(w, &marks, Some(channel), why, w.now).await?;
    }
    Ok(())
}

/// Brings what is refused at a row's addresses into the row. Returns the refusals that are new to it. `before` is the row until
/// now, if there was one: only addresses that it had not are asked about.
///
/// # Errors
/// [`Error::Precondition`] if everything is refused at one of them: whoever has it does not come back.
pub async fn obey(on: &Services, tx: &Tx, row: &mut lead::Model, before: Option<&lead::Model>) -> Result<Vec<Model>> {
    let had: Vec<(AddressKind, &str)> = before.into_iter().flat_map(addresses).collect();
    let new = addresses(row).filter(|address| !had.contains(address));
    let marks: Vec<Mark> = new.flat_map(|(kind, address)| marks(&on.keys.lasting, kind, address)).collect();
    let found = Entity::in_force(tx, &marks).await?;
    let is_open = row.status != LeadStatus::DoNotContact;
    if is_open && found.iter().any(|refusal| refusal.channel.is_none()) {
        return Err(Error::Precondition(
            "who has this email, phone number or Telegram name must not be contacted again: they refused it, were erased, or \
             are on a list of such people; liftRefusal lifts that, with a reason"
                .into(),
        ));
    }
    Ok(applied(row, found))
}

/// [`obey`] for what is there already: who refuses everything is closed.
pub async fn absorb(on: &Services, tx: &Tx, row: &mut lead::Model) -> Result<Vec<Model>> {
    let found = Entity::in_force(tx, &marks_of(&on.keys.lasting, row)).await?;
    Ok(applied(row, found))
}

/// Puts refusals into a row, and returns those that it did not have.
fn applied(row: &mut lead::Model, found: Vec<Model>) -> Vec<Model> {
    let mut news = Vec::new();
    for refusal in found {
        let before = row.clone();
        match refusal.channel {
            Some(channel) => row.refuse(channel, true),
            None => row.close(),
        }
        if *row != before {
            news.push(refusal);
        }
    }
    news
}

/// Shows a word of a lead among what it took back.
pub async fn prove_one(w: &Write, lead: LeadId, channel: Option<ContactChannel>, said: &Said) -> Result<()> {
    let unknown = Mark { kind: AddressKind::Email, hash: String::new() };
    prove(w, lead, &[Model::new(unknown, channel, said, w.now)]).await
}

/// Shows refusals of addresses among what their lead took back.
pub async fn prove(w: &Write, lead: LeadId, refusals: &[Model]) -> Result<()> {
    let proof = |refusal: &Model| consent::Model {
        id: ConsentId::generate(),
        lead_id: lead,
        channel: refusal.channel,
        kind: ConsentKind::Withdrawn,
        source: refusal.source.clone(),
        wording: refusal.wording.clone(),
        given_at: refusal.said_at,
        created_at: w.now,
    };
    let proofs: Vec<_> = refusals.iter().map(|refusal| proof(refusal).into_active_model()).collect();
    if !proofs.is_empty() {
        consent::Entity::insert_many(proofs).exec_without_returning(w).await?;
    }
    Ok(())
}

/// Brings what is refused at the addresses of leads, which are locked and as they are here, into their rows.
pub async fn heal(on: &Services, w: &Write, leads: &[&lead::Model]) -> Result<()> {
    for lead in leads {
        let mut row = (*lead).clone();
        let news = absorb(on, w, &mut row).await?;
        w.replace(*lead, row).await?;
        prove(w, lead.id, &news).await?;
    }
    Ok(())
}

/// Forgets what was said word for word at a lead's addresses, and keeps that something was refused.
pub async fn forget_words(on: &Services, w: &Write, lead: &lead::Model) -> Result<()> {
    Entity::forget_words(w, &marks_of(&on.keys.lasting, lead)).await
}

/// Those of the leads at whose addresses a channel is refused, or everything.
pub async fn refused_among(on: &Services, leads: &[lead::Model], channel: ContactChannel) -> Result<Vec<LeadId>> {
    let marks = |lead: &lead::Model| marks_of(&on.keys.lasting, lead);
    let all: Vec<Mark> = leads.iter().flat_map(marks).collect();
    let found = Entity::in_force(on.db.reader(), &all).await?;
    let found = found.into_iter().filter(|refusal| refusal.channel.is_none_or(|of| of == channel));
    let hashes: HashSet<String> = found.map(|refusal| refusal.hash).collect();
    let is_refused = |lead: &&lead::Model| marks(lead).iter().any(|mark| hashes.contains(&mark.hash));
    Ok(leads.iter().filter(is_refused).map(|lead| lead.id).collect())
}

/// Lifts one refusal at the addresses of a lead: that of a channel, or that of everything.
pub async fn lift_of(
    on: &Services,
    w: &Write,
    lead: &lead::Model,
    channel: Option<ContactChannel>,
    why: &str,
) -> Result<()> {
    let marks: Vec<Mark> = addresses(lead)
        .filter(|(kind, _)| concerns(channel, *kind))
        .flat_map(|(kind, address)| marks(&on.keys.lasting, kind, address))
        .collect();
    Entity::lift(w, &marks, channel, why, w.now).await.map(drop)
}

/// An address in its stored form, as refusals know it.
///
/// # Errors
/// [`Error::Invalid`] at `field`.
pub fn normal(kind: AddressKind, written: &str, field: &str) -> Result<String> {
    let read = match kind {
        AddressKind::Email => address::email(written),
        AddressKind::Phone => address::phone(written),
        AddressKind::Telegram => username::normalise(written).map_err(ToString::to_string),
    };
    read.map_err(|why| Error::invalid(field, why))
}

/// The hashes by which an address in its stored form may be known.
pub fn marks_at(on: &Services, kind: AddressKind, address: &str) -> Vec<Mark> {
    marks(&on.keys.lasting, kind, address)
}

/// All that was refused at an address, the newest first, lifted or not.
pub async fn at(on: &Services, kind: AddressKind, address: &str) -> Result<Vec<Model>> {
    let marks = marks(&on.keys.lasting, kind, address);
    Ok(Entity::of(&marks).order_by_desc(refusal::Column::SaidAt).all(on.db.reader()).await?)
}

/// Lifts one refusal at an address, that of a channel or that of everything: the others stay. Who has the address may be contacted
/// again as far as nothing else speaks against it.
///
/// # Errors
/// [`Error::Precondition`] if that is not refused there; [`Error::Invalid`] without a reason.
pub async fn lift(
    on: &Services,
    actor: &Actor,
    kind: AddressKind,
    address: &str,
    channel: Option<ContactChannel>,
    reason: &str,
) -> Result<Vec<Model>> {
    let mut wrong = Violations::default();
    let reason = &wrong.take("reason", text::line(reason, Bounds::NAME));
    wrong.into_result()?;
    let marks = &marks(&on.keys.lasting, kind, address);
    on.write(actor, |w| async move {
        let leads = having(kind, address).order_by_asc(lead::Column::Id).lock_exclusive().all(&w).await?;
        let before = Entity::in_force(&w, marks).await?;
        let lifted: Vec<&Model> = before.iter().filter(|refusal| refusal.channel == channel).collect();
        let Some(first) = lifted.first() else {
            return Err(Error::Precondition("that is not refused at this address".into()));
        };
        Entity::lift(&w, marks, channel, reason, w.now).await?;
        for lead in &leads {
            reopened(on, &w, lead, channel).await?;
        }
        let metadata = json!({ "channel": channel, "source": first.source, "reason": reason });
        w.note(Action::RefusalLifted, first.id, metadata).await?;
        Ok(())
    })
    .await?;
    at(on, kind, address).await
}

/// Leads with an address.
fn having(kind: AddressKind, address: &str) -> sea_orm::Select<lead::Entity> {
    let column = match kind {
        AddressKind::Email => lead::Column::Email,
        AddressKind::Phone => lead::Column::Phone,
        AddressKind::Telegram => lead::Column::TelegramUsername,
    };
    lead::Entity::find().filter(column.eq(address))
}

/// Takes a refusal out of a lead's row, unless another of its addresses still has it.
async fn reopened(on: &Services, w: &Write, lead: &lead::Model, channel: Option<ContactChannel>) -> Result<()> {
    let still = Entity::in_force(w, &marks_of(&on.keys.lasting, lead)).await?;
    if still.iter().any(|refusal| refusal.channel == channel) {
        return Ok(());
    }
    let mut row = lead.clone();
    match channel {
        Some(channel) => row.refuse(channel, false),
        None => row.reopen(),
    }
    w.replace(lead, row).await.map(drop)
}

/// Keeps by address what leads of an earlier version refuse, in steps that a crash does not undo. Returns how many leads that were.
pub async fn carry_over(on: &Services) -> Result<usize> {
    let mut carried = 0;
    loop {
        let ids = &refusal_to_carry::Entity::some(on.db.reader(), CARRIED).await?;
        if ids.is_empty() {
            return Ok(carried);
        }
        on.system_write(|w| async move {
            let rows = lead::Entity::find().filter(lead::Column::Id.is_in(ids.iter().copied()));
            let rows = rows.order_by_asc(lead::Column::Id).lock_exclusive().all(&w).await?;
            let proofs = consent::Entity::of(ids).all(&w).await?;
            let mut kept = Vec::new();
            for row in rows {
                let row = &spelled(&w, row).await?;
                for channel in refused_by(row) {
                    kept.extend(at_addresses(on, &w, row, channel, &known(row, channel, &proofs)));
                }
            }
            Entity::keep(&w, kept).await?;
            refusal_to_carry::Entity::done(&w, ids).await
        })
        .await?;
        carried += ids.len();
    }
}

/// The lead with its email address as addresses are stored today. Where another lead has that, its own row keeps the old one until
/// people merge the two.
async fn spelled(w: &Write, row: lead::Model) -> Result<lead::Model> {
    let today = row.email.as_deref().and_then(|email| address::email(email).ok());
    if today.is_none() || today == row.email {
        return Ok(row);
    }
    let new = lead::Model { email: today.clone(), ..row.clone() };
    let other = lead::Entity::find().filter(lead::Column::Email.eq(today)).one(w).await?;
    if other.is_some() { Ok(new) } else { w.replace(&row, new).await }
}

/// How a lead's refusal came, as far as that was written down.
fn known(row: &lead::Model, channel: Option<ContactChannel>, proofs: &[consent::Model]) -> Said {
    let is_proof = |proof: &&consent::Model| {
        proof.lead_id == row.id && proof.channel == channel && proof.kind == ConsentKind::Withdrawn
    };
    match proofs.iter().rev().find(is_proof) {
        Some(proof) => Said { source: proof.source.clone(), wording: proof.wording.clone(), at: proof.given_at },
        None => Said { source: "known before refusals had a source".into(), wording: None, at: row.updated_at },
    }
}
