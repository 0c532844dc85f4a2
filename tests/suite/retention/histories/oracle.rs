//! What must hold of each contact, said without the code that decides about contacts.

use std::cmp::Ordering;
use std::collections::HashSet;

use chrono::{DateTime, Datelike, Days, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use domain::id::LeadId;
use domain::retention::words::{AddressKind, ContactChannel, ContactDay, RetentionCampaignStatus};
use storage::retention::{campaign, lead};

/// An address, as it is stored.
pub type Address = (AddressKind, String);

/// A contact that reached somebody, or may have.
#[derive(Debug, Clone)]
pub struct Made {
    pub lead: LeadId,
    pub channel: ContactChannel,
    pub at: DateTime<Utc>,
}

/// What people have said, and what was done.
#[derive(Debug, Default)]
pub struct Oracle {
    refused: HashSet<(Address, Option<ContactChannel>)>,
    pub made: Vec<Made>,
}

/// One contact that is handed over.
#[derive(Debug)]
pub struct Case<'a> {
    pub to: &'a str,
    pub channel: ContactChannel,
    pub lead: &'a lead::Model,
    pub campaign: Option<&'a campaign::Model>,
    pub now: DateTime<Utc>,
}

pub fn email(address: &str) -> Address {
    (AddressKind::Email, address.to_owned())
}

pub fn phone(address: &str) -> Address {
    (AddressKind::Phone, address.to_owned())
}

/// The addresses of a lead.
pub fn addresses(lead: &lead::Model) -> Vec<Address> {
    let (emails, phones) = (lead.email.as_deref().map(email), lead.phone.as_deref().map(phone));
    emails.into_iter().chain(phones).collect()
}

fn kind_of(channel: ContactChannel) -> AddressKind {
    if channel == ContactChannel::Email { AddressKind::Email } else { AddressKind::Phone }
}

impl Oracle {
    pub fn says_no(&mut self, address: Address, channel: Option<ContactChannel>) {
        if channel.is_none_or(|channel| kind_of(channel) == address.0) {
            self.refused.insert((address, channel));
        }
    }

    pub fn lifts(&mut self, address: Address, channel: Option<ContactChannel>) {
        self.refused.remove(&(address, channel));
    }

    /// The contacts to one lead are another's from now on.
    pub fn merged(&mut self, from: LeadId, to: LeadId) {
        for made in self.made.iter_mut().filter(|made| made.lead == from) {
            made.lead = to;
        }
    }

    /// # Errors
    /// The contact must not be made.
    pub fn judge(&self, case: &Case<'_>) -> Result<(), String> {
        let found = [self.wish(case), campaign_runs(case), hours(case), self.caps(case)];
        found.into_iter().flatten().next().map_or(Ok(()), |wrong| Err(format!("{wrong}: {case:?}")))
    }

    fn wish(&self, case: &Case<'_>) -> Option<&'static str> {
        let at = (kind_of(case.channel), case.to.to_owned());
        let of_channel = self.refused.contains(&(at.clone(), Some(case.channel)));
        let of_all = addresses(case.lead).into_iter().chain([at]).any(|at| self.refused.contains(&(at, None)));
        (of_channel || of_all).then_some("somebody said no")
    }

    fn caps(&self, case: &Case<'_>) -> Option<&'static str> {
        let (zone, of_lead) = (zone(case), self.made.iter().filter(|made| made.lead == case.lead.id));
        let today = case.now.with_timezone(&zone).date_naive();
        let of_today = of_lead.clone().filter(|made| made.at.with_timezone(&zone).date_naive() == today).count();
        let most = case.campaign.and_then(|row| row.max_contacts_per_day).unwrap_or(5);
        let pause = case.campaign.and_then(|row| row.delay_between_channels).unwrap_or(0);
        let mut others = of_lead.filter(|made| made.channel != case.channel);
        let is_soon = others.any(|made| case.now - made.at < TimeDelta::milliseconds(pause));
        let is_full = of_today >= usize::try_from(most).unwrap();
        is_full.then_some("too many on one day").or(is_soon.then_some("too soon after another channel"))
    }
}

fn campaign_runs(case: &Case<'_>) -> Option<&'static str> {
    let row = case.campaign?;
    let has_begun = row.start_date.is_none_or(|at| at <= case.now);
    let is_over = row.end_date.is_some_and(|at| at <= case.now);
    let goes_by = row.channels.0.contains(&case.channel);
    let runs = row.status == RetentionCampaignStatus::Active && has_begun && !is_over;
    (!runs).then_some("the campaign does not run").or((!goes_by).then_some("the campaign has another channel"))
}

fn zone(case: &Case<'_>) -> Tz {
    let of_campaign = case.campaign.and_then(|row| row.time_zone.as_deref());
    case.lead.time_zone.as_deref().or(of_campaign).unwrap_or("UTC").parse().unwrap()
}

fn hours(case: &Case<'_>) -> Option<&'static str> {
    let local = case.now.with_timezone(&zone(case));
    let minute = i32::try_from(local.hour() * 60 + local.minute()).unwrap();
    let daytime = if case.channel == ContactChannel::Sms { (9 * 60, 20 * 60) } else { (0, 24 * 60) };
    let own = case.campaign.and_then(|row| row.contact_hours_start.zip(row.contact_hours_end));
    let (start, end) = own.unwrap_or(daytime);
    let days = case.campaign.map(|row| row.contact_days.0.clone()).unwrap_or_default();
    let has = |date: chrono::NaiveDate| days.is_empty() || days.iter().any(|day| is_on(*day, date));
    let (today, yesterday) = (local.date_naive(), local.date_naive() - Days::new(1));
    let is_open = match start.cmp(&end) {
        Ordering::Less => (start..end).contains(&minute) && has(today),
        Ordering::Equal => has(today),
        Ordering::Greater => (minute >= start && has(today)) || (minute < end && has(yesterday)),
    };
    (!is_open).then_some("outside contact hours")
}

fn is_on(day: ContactDay, date: chrono::NaiveDate) -> bool {
    let days = [
        ContactDay::Mon,
        ContactDay::Tue,
        ContactDay::Wed,
        ContactDay::Thu,
        ContactDay::Fri,
        ContactDay::Sat,
        ContactDay::Sun,
    ];
    days[date.weekday().num_days_from_monday() as usize] == day
}
