//! What happens in a history: each by the use case that production calls, and told to the oracle.

use std::convert::Infallible;
use std::fmt::Write;

use async_graphql::MaybeUndefined::{Null, Value};
use chrono::TimeDelta;
use domain::retention::credentials::Provider;
use domain::retention::lead_columns::Mapping;
use domain::retention::lead_field::Field;
use domain::retention::words::{
    AddressKind, ContactAttemptStatus, ContactChannel, ContactDay, LeadImportFormat, LeadStatus,
    RetentionCampaignStatus,
};
use futures_util::stream;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use service::imports::{self, upload};
use service::retention::callback::{self, Incoming, Intake};
use service::retention::consent::{self, Word};
use service::retention::lead::{Change, Fields};
use service::retention::lead_merge::{self, Merge};
use service::retention::{campaign, contact_attempt, enrollment, lead, lead_erase, refusal, sequence, unsubscribe};
use storage::retention::{lead as leads, lead_import};
use tokio_util::sync::CancellationToken;

use super::oracle::{Made, addresses, email, phone};
use super::world::{History, allowed};
use super::{Op, PEOPLE};
use crate::delivery::fixture::Office;

/// Words that people stop with, and those that they start with again.
const STOPS: [&str; 4] = ["STOP", "stop please", "Unsubscribe me", "СТОП"];
const STARTS: [&str; 2] = ["START", "UNSTOP"];
const ZONES: [&str; 3] = ["Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo"];

const fn channel(about: u8) -> Option<ContactChannel> {
    match about % 3 {
        0 => None,
        1 => Some(ContactChannel::Email),
        _ => Some(ContactChannel::Sms),
    }
}

impl History<'_> {
    fn office(&self) -> &Office {
        &self.world.bureau.office
    }

    fn email(&self, person: u8) -> String {
        format!("h{}-{person}@example.com", self.number)
    }

    fn phone(&self, person: u8) -> String {
        format!("+49151{:08}", 10_000_000 + self.number * 10 + usize::from(person))
    }

    /// The leads of this history that somebody can be reached by.
    async fn leads(&self) -> Vec<leads::Model> {
        let emails: Vec<String> = (0..PEOPLE).map(|person| self.email(person)).collect();
        let phones: Vec<String> = (0..PEOPLE).map(|person| self.phone(person)).collect();
        let own = leads::Column::Email.is_in(emails).or(leads::Column::Phone.is_in(phones));
        let found = leads::Entity::find().filter(own).order_by_asc(leads::Column::CreatedAt);
        found.order_by_asc(leads::Column::Id).all(self.office().on.db.reader()).await.unwrap()
    }

    async fn lead(&self, which: u8) -> Option<leads::Model> {
        let all = self.leads().await;
        if all.is_empty() { None } else { Some(all[usize::from(which) % all.len()].clone()) }
    }

    /// Written as people do.
    fn fields(&self, email: Option<u8>, phone: Option<u8>, zone: u8) -> Fields {
        let mut fields = Fields::default();
        let mut give = |field, text: Option<String>| text.map(|text| fields.texts.insert(field, Some(text)));
        give(Field::Email, email.map(|person| format!(" {} ", self.email(person).to_uppercase())));
        give(Field::Phone, phone.map(|person| self.phone(person).replacen("+49", "+49 ", 1)));
        give(Field::TimeZone, ZONES.get(usize::from(zone)).map(|zone| (*zone).to_owned()));
        fields
    }

    pub async fn does(&mut self, op: &Op) -> Result<(), String> {
        let Office { on, actor, .. } = &self.world.bureau.office;
        match op {
            Op::Create { email, phone, zone } => {
                allowed(lead::create(on, actor, self.fields(*email, *phone, *zone)).await)?;
            }
            Op::Import { lines, kind } => self.import(lines, *kind).await?,
            Op::Merge { keep, duplicate, takes_addresses } => self.merge(*keep, *duplicate, *takes_addresses).await?,
            Op::Change { lead, email, phone, zone, is_closed } => {
                self.change(*lead, self.fields(*email, *phone, *zone), *is_closed).await?;
            }
            Op::Delete(which) => {
                let Some(row) = self.lead(*which).await else { return Ok(()) };
                allowed(lead::delete(on, actor, row.id).await)?;
            }
            Op::Erase(which) => {
                let Some(row) = self.lead(*which).await else { return Ok(()) };
                if allowed(lead_erase::erase(on, actor, row.id).await)?.is_some() {
                    self.refuse(&row, None);
                }
            }
            Op::Text { phone, words } => self.texts(*phone, *words).await?,
            Op::Unsubscribe(which) => self.unsubscribe(*which).await?,
            Op::Word { lead, about, is_refusal } => self.word(*lead, channel(*about), *is_refusal).await?,
            Op::Lift { person, is_email, about } => self.lift(*person, *is_email, channel(*about)).await?,
            Op::Enroll { lead, sequence } => {
                let Some(row) = self.lead(*lead).await else { return Ok(()) };
                let sequence = self.sequences[usize::from(*sequence) % self.sequences.len()];
                allowed(enrollment::enroll(on, actor, sequence, row.id).await)?;
            }
            Op::ByHand { lead, is_email } => self.by_hand(*lead, *is_email).await?,
            Op::Campaign { which, change } => self.campaign(*which, *change).await?,
            Op::Sequence { which, is_pause } => self.sequence(*which, *is_pause).await?,
            Op::Pass(minutes) => self.pass(u64::from(*minutes)).await?,
        }
        Ok(())
    }

    fn refuse(&mut self, lead: &leads::Model, channel: Option<ContactChannel>) {
        for address in addresses(lead) {
            self.oracle.says_no(address, channel);
        }
    }

    async fn change(&mut self, lead: u8, fields: Fields, is_closed: bool) -> Result<(), String> {
        let Some(row) = self.lead(lead).await else { return Ok(()) };
        let Office { on, actor, .. } = &self.world.bureau.office;
        let status = is_closed.then_some(LeadStatus::DoNotContact);
        let change = Change { fields, status, expected_version: None };
        if let Some(row) = allowed(lead::update(on, actor, row.id, change).await)?.filter(|_| is_closed) {
            self.refuse(&row, None);
        }
        Ok(())
    }

    async fn unsubscribe(&mut self, which: u8) -> Result<(), String> {
        let found = self.links.get(usize::from(which) % self.links.len().max(1));
        let Some((token, at)) = found.cloned() else { return Ok(()) };
        allowed(unsubscribe::unsubscribe(&self.office().on, &token).await)?;
        self.oracle.says_no(email(&at), Some(ContactChannel::Email));
        Ok(())
    }

    async fn lift(&mut self, person: u8, is_email: bool, about: Option<ContactChannel>) -> Result<(), String> {
        let (kind, at) =
            if is_email { (AddressKind::Email, self.email(person)) } else { (AddressKind::Phone, self.phone(person)) };
        let Office { on, actor, .. } = &self.world.bureau.office;
        if allowed(refusal::lift(on, actor, kind, &at, about, "they asked for it").await)?.is_some() {
            self.oracle.lifts((kind, at), about);
        }
        Ok(())
    }

    async fn sequence(&mut self, which: u8, is_pause: bool) -> Result<(), String> {
        let sequence = self.sequences[usize::from(which) % self.sequences.len()];
        let Office { on, actor, .. } = &self.world.bureau.office;
        let done = if is_pause {
            self.world.in_time(sequence::pause(on, actor, sequence)).await
        } else {
            sequence::activate(on, actor, sequence).await
        };
        allowed(done).map(drop)
    }

    async fn import(&mut self, lines: &[(Option<u8>, Option<u8>)], kind: u8) -> Result<(), String> {
        let (says_no, is_suppression_list) = (kind == 3, kind == 4);
        let mut list = String::from("email,phone,do_not_contact\n");
        for (email, phone) in lines {
            let cell = |text: Option<String>| text.unwrap_or_default();
            let (email, phone) = (cell(email.map(|one| self.email(one))), cell(phone.map(|one| self.phone(one))));
            writeln!(list, "{email},{phone},{}", if says_no { "yes" } else { "" }).unwrap();
        }
        let Office { on, actor, .. } = &self.world.bureau.office;
        let pieces = stream::iter([Ok::<_, Infallible>(list.into_bytes())]);
        let file = upload::store(on, actor, pieces).await.map_err(|error| format!("{error:?}"))?;
        let new = imports::leads::New {
            upload: file.id,
            format: LeadImportFormat::Csv,
            mapping: Mapping::default(),
            campaign: None,
            is_suppression_list,
            encoding: None,
        };
        imports::leads::create(on, actor, new).await.map_err(|error| format!("{error:?}"))?;
        let never = CancellationToken::new();
        let done = imports::run_pending::<lead_import::Entity>(on, &never, |_| ()).await;
        done.map_err(|error| format!("{error:?}"))?;
        if says_no || is_suppression_list {
            for (one, other) in lines {
                let told = [one.map(|one| email(&self.email(one))), other.map(|one| phone(&self.phone(one)))];
                for address in told.into_iter().flatten() {
                    self.oracle.says_no(address, None);
                }
            }
        }
        Ok(())
    }

    async fn merge(&mut self, keep: u8, duplicate: u8, takes_addresses: bool) -> Result<(), String> {
        let (Some(keep), Some(duplicate)) = (self.lead(keep).await, self.lead(duplicate).await) else { return Ok(()) };
        let Office { on, actor, .. } = &self.world.bureau.office;
        let merge = Merge { keep: keep.id, duplicate: duplicate.id, takes_addresses, expected_version: None };
        if allowed(lead_merge::merge(on, actor, merge).await)?.is_some() {
            self.oracle.merged(duplicate.id, keep.id);
        }
        Ok(())
    }

    async fn texts(&mut self, person: u8, words: u8) -> Result<(), String> {
        let (from, is_stop) = (self.phone(person), !words.is_multiple_of(3));
        let all: &[&str] = if is_stop { &STOPS } else { &STARTS };
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("From", &from)
            .append_pair("Body", all[usize::from(words) % all.len()])
            .finish();
        self.texts += 1;
        let incoming = Incoming {
            provider: Provider::Twilio,
            dedupe_key: format!("{}-{}{}", self.number, self.texts, callback::INBOUND),
            query: None,
            content_type: Some("application/x-www-form-urlencoded".into()),
            body,
        };
        let on = &self.office().on;
        Intake::default().store(on, incoming).await.map_err(|error| format!("{error:?}"))?;
        callback::pump(on).await.map_err(|error| format!("{error:?}"))?;
        if is_stop {
            self.oracle.says_no(phone(&from), Some(ContactChannel::Sms));
        } else {
            self.oracle.lifts(phone(&from), Some(ContactChannel::Sms));
        }
        Ok(())
    }

    async fn word(&mut self, lead: u8, about: Option<ContactChannel>, is_refusal: bool) -> Result<(), String> {
        let Some(row) = self.lead(lead).await else { return Ok(()) };
        let Office { on, actor, .. } = &self.world.bureau.office;
        let channels = about.map(|channel| vec![channel]);
        let (source, wording) = ("a call".to_owned(), None);
        let word = Word { channels, is_refusal, source, wording, at: None, expected_version: None };
        if allowed(consent::set(on, actor, row.id, word).await)?.is_none() {
            return Ok(());
        }
        if is_refusal {
            self.refuse(&row, about);
        } else {
            for address in addresses(&row) {
                self.oracle.lifts(address, about);
            }
        }
        Ok(())
    }

    async fn by_hand(&mut self, lead: u8, is_email: bool) -> Result<(), String> {
        let Some(row) = self.lead(lead).await else { return Ok(()) };
        let Office { on, actor, .. } = &self.world.bureau.office;
        let channel = if is_email { ContactChannel::Email } else { ContactChannel::Sms };
        let new = contact_attempt::New {
            lead: row.id,
            channel,
            status: ContactAttemptStatus::Sent,
            campaign: None,
            script: None,
            provider: None,
            provider_ref: None,
            started_at: None,
            completed_at: None,
            duration: None,
            cost: None,
            currency: None,
            result: None,
            notes: None,
        };
        if let Some(made) = allowed(contact_attempt::record(on, actor, new).await)? {
            self.oracle.made.push(Made { lead: row.id, channel, at: made.started_at });
        }
        Ok(())
    }

    async fn campaign(&mut self, which: u8, change: u8) -> Result<(), String> {
        use ContactDay::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        let id = self.campaigns[usize::from(which) % self.campaigns.len()];
        let Office { on, actor, .. } = &self.world.bureau.office;
        let hours = |start: &str, end: &str| campaign::Fields {
            contact_hours_start: Value(start.into()),
            contact_hours_end: Value(end.into()),
            ..campaign::Fields::default()
        };
        let none = campaign::Fields::default;
        let (fields, status) = match change % 13 {
            0 => (none(), Some(RetentionCampaignStatus::Paused)),
            1 | 2 => (none(), Some(RetentionCampaignStatus::Active)),
            3 => (hours("10:00", "12:00"), None),
            4 => (hours("22:00", "02:30"), None),
            5 => (campaign::Fields { contact_hours_start: Null, contact_hours_end: Null, ..none() }, None),
            6 => (campaign::Fields { contact_days: Some(vec![Tue, Sat]), ..none() }, None),
            7 => (campaign::Fields { contact_days: Some(vec![Mon, Tue, Wed, Thu, Fri, Sun]), ..none() }, None),
            8 => (campaign::Fields { max_contacts_per_day: Value(1), ..none() }, None),
            9 => (campaign::Fields { delay_between_channels: Value(10 * 3_600_000), ..none() }, None),
            10 => (campaign::Fields { channels: Some(vec![ContactChannel::Email]), ..none() }, None),
            11 => {
                let both = vec![ContactChannel::Email, ContactChannel::Sms];
                (campaign::Fields { channels: Some(both), ..none() }, None)
            }
            _ => (campaign::Fields { end_date: Value(on.now() + TimeDelta::hours(20)), ..none() }, None),
        };
        allowed(self.world.in_time(campaign::update(on, actor, id, fields, status, None)).await).map(drop)
    }
}
