//! Retention campaigns: what governs the contacts to their leads.

mod dates;

use async_graphql::MaybeUndefined;
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value as Json, json};

pub use self::dates::keep_dates;
use super::sequence::preflight;
use super::{changed_to, instantly_keep, meta, removal, schedule};
use crate::{Actor, Services, barrier};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::RetentionCampaignId;
use domain::retention::states::State;
use domain::retention::words::{ContactChannel, ContactDay, RetentionCampaignStatus, RetentionSequenceStatus};
use domain::retention::{address, hours};
use domain::text::{self, Bounds};
use storage::retention::lists::{Channels, Days, Texts};
use storage::retention::queue::again::{self, Whose};
use storage::retention::ties::Gone;
use storage::retention::{campaign, sequence};
use storage::{Folded, Noun, noun, task};

/// What a sequence is whose leads are on their way, or may be soon.
const GOING_ON: [RetentionSequenceStatus; 2] = [RetentionSequenceStatus::Active, RetentionSequenceStatus::Paused];
/// Milliseconds that may lie between contacts on different channels: seven days.
const LONGEST_DELAY: i32 = 604_800_000;
/// Contacts in a day that anybody might want.
const MOST_CONTACTS: i32 = 1_000;
/// Texts of a campaign's emails, and bytes of each.
const MOST_EMAILS: usize = 20;
const EMAIL_LIMIT: usize = 32 * 1_024;
/// Why nothing can be tracked.
const NOT_REACHED: &str = "HERALD_PUBLIC_URL leads to this machine itself, where no lead could follow a link: have whoever runs Herald \
    set it to the address by which others reach it";

/// The fields of a campaign; what is undefined stays, null removes. A new one has nothing that could stay.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// At most 2,000 characters.
    pub description: MaybeUndefined<String>,
    /// At least one when it is ACTIVE.
    pub channels: Option<Vec<ContactChannel>>,
    /// `09:00`; both or none.
    pub contact_hours_start: MaybeUndefined<String>,
    /// `18:00`.
    pub contact_hours_end: MaybeUndefined<String>,
    /// Empty: every day.
    pub contact_days: Option<Vec<ContactDay>>,
    /// The name of an IANA time zone.
    pub time_zone: MaybeUndefined<String>,
    /// 1 to 1,000.
    pub max_contacts_per_day: MaybeUndefined<i32>,
    /// Milliseconds, at most seven days.
    pub delay_between_channels: MaybeUndefined<i32>,
    /// Whether it gets the leads that become known while it is ACTIVE.
    pub auto_assign: Option<bool>,
    /// Whether its emails go by Instantly.
    pub instantly_sync: Option<bool>,
    /// Whether Herald's own links tell of clicks; only where others reach Herald.
    pub track_clicks: Option<bool>,
    /// Whether a picture of Herald's tells of opens; only where others reach Herald.
    pub track_opens: Option<bool>,
    /// At most 20 texts.
    pub email_sequence: Option<Vec<String>>,
    /// An object of at most 16 KiB.
    pub vapi_config: MaybeUndefined<Json>,
    /// When it becomes ACTIVE by itself.
    pub start_date: MaybeUndefined<DateTime<Utc>>,
    /// When it becomes COMPLETED by itself.
    pub end_date: MaybeUndefined<DateTime<Utc>>,
}

/// Creates a campaign, which is a DRAFT.
pub async fn create(on: &Services, actor: &Actor, fields: Fields) -> Result<campaign::Model> {
    let row = &validated(on, blank(on.now()), fields)?;
    on.write(actor, |w| async move {
        campaign::Entity::insert(noun::fresh(row.clone())).exec_without_returning(&w).await?;
        w.keep(row);
        w.note(Action::RetentionCampaignCreated, row.id, json!({ "name": row.name })).await
    })
    .await?;
    Ok(row.clone())
}

/// A campaign of which nothing has been said.
fn blank(now: DateTime<Utc>) -> campaign::Model {
    campaign::Model {
        id: RetentionCampaignId::generate(),
        name: String::new(),
        description: None,
        status: RetentionCampaignStatus::Draft,
        channels: Channels::default(),
        contact_hours_start: None,
        contact_hours_end: None,
        contact_days: Days::default(),
        time_zone: None,
        max_contacts_per_day: None,
        delay_between_channels: None,
        auto_assign: false,
        instantly_sync: false,
        instantly_campaign_id: None,
        track_clicks: false,
        track_opens: false,
        email_sequence: Texts::default(),
        vapi_config: None,
        start_date: None,
        end_date: None,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: Folded::default(),
        description_fold: Folded::default(),
        deleted_at: None,
    }
}

/// What is wrong with these fields, whatever the campaign has.
fn check_alone(on: &Services, fields: &Fields) -> Result<()> {
    // The other half of a span may be there.
    let other = |given: &MaybeUndefined<String>| given.value().map(|_| -1);
    let any = campaign::Model {
        contact_hours_start: other(&fields.contact_hours_end),
        contact_hours_end: other(&fields.contact_hours_start),
        ..blank(on.now())
    };
    validated(on, any, Fields { name: Some(fields.name.clone().unwrap_or_else(|| "any".to_owned())), ..fields.clone() })
        .map(drop)
}

/// The campaign `old` with what `fields` say, in its stored form; or all that is wrong with them.
fn validated(on: &Services, old: campaign::Model, fields: Fields) -> Result<campaign::Model> {
    let mut wrong = Violations::default();
    let is_reached = !on.rules.endpoints.is_at_home();
    for (field, wanted) in [("trackClicks", fields.track_clicks), ("trackOpens", fields.track_opens)] {
        wrong.require(wanted != Some(true) || is_reached, field, NOT_REACHED);
    }
    let prose = |text: &str| text::prose(text, Bounds::DESCRIPTION);
    let mut clock = |field: &str, written: MaybeUndefined<String>, old: Option<i32>| match written {
        MaybeUndefined::Undefined => old,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(time) => Some(wrong.take(field, hours::read(&time))),
    };
    let contact_hours_start = clock("contactHoursStart", fields.contact_hours_start, old.contact_hours_start);
    let contact_hours_end = clock("contactHoursEnd", fields.contact_hours_end, old.contact_hours_end);
    let vapi_config = match fields.vapi_config {
        MaybeUndefined::Undefined => old.vapi_config,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(given) => Some(wrong.take("vapiConfig", meta::public_object(given))),
    };
    let delay = fields.delay_between_channels.map_value(i64::from);
    let row = campaign::Model {
        name: fields.name.map_or(old.name, |name| wrong.take("name", text::line(&name, Bounds::NAME))),
        description: changed_to(old.description, wrong.take_change("description", fields.description, prose)),
        channels: fields.channels.map_or(old.channels, |list| Channels(each_once(&list))),
        contact_hours_start,
        contact_hours_end,
        contact_days: fields.contact_days.map_or(old.contact_days, |list| Days(each_once(&list))),
        time_zone: changed_to(old.time_zone, wrong.take_change("timeZone", fields.time_zone, address::time_zone)),
        max_contacts_per_day: changed_to(old.max_contacts_per_day, fields.max_contacts_per_day),
        delay_between_channels: changed_to(old.delay_between_channels, delay),
        auto_assign: fields.auto_assign.unwrap_or(old.auto_assign),
        instantly_sync: fields.instantly_sync.unwrap_or(old.instantly_sync),
        track_clicks: fields.track_clicks.unwrap_or(old.track_clicks),
        track_opens: fields.track_opens.unwrap_or(old.track_opens),
        email_sequence: fields.email_sequence.map_or(old.email_sequence, Texts),
        vapi_config,
        start_date: changed_to(old.start_date, fields.start_date),
        end_date: changed_to(old.end_date, fields.end_date),
        ..old
    };
    check(&mut wrong, &row);
    wrong.into_result()?;
    Ok(row)
}

/// Checks what must hold of a campaign as a whole.
fn check(wrong: &mut Violations, row: &campaign::Model) {
    let hours = (row.contact_hours_start, row.contact_hours_end);
    let has_both = hours.0.is_some() == hours.1.is_some();
    wrong.require(has_both, "contactHoursEnd", "give both contactHoursStart and contactHoursEnd, or none");
    let is_span = hours.0.is_none() || hours.0 != hours.1;
    wrong.require(is_span, "contactHoursEnd", "must not be the same as contactHoursStart");
    let is_some_contacts = row.max_contacts_per_day.is_none_or(|most| (1..=MOST_CONTACTS).contains(&most));
    wrong.require(is_some_contacts, "maxContactsPerDay", format!("must be from 1 to {MOST_CONTACTS}"));
    let is_delay = row.delay_between_channels.is_none_or(|delay| (0..=i64::from(LONGEST_DELAY)).contains(&delay));
    wrong.require(is_delay, "delayBetweenChannels", format!("must be from 0 to {LONGEST_DELAY} milliseconds"));
    let emails = &row.email_sequence.0;
    wrong.require(emails.len() <= MOST_EMAILS, "emailSequence", format!("must have at most {MOST_EMAILS} texts"));
    let are_short = emails.iter().all(|text| text.len() <= EMAIL_LIMIT && !text.contains('\0'));
    wrong.require(are_short, "emailSequence", format!("each text must have at most {EMAIL_LIMIT} bytes and no NUL"));
    let is_in_order = row.start_date.zip(row.end_date).is_none_or(|(start, end)| start < end);
    wrong.require(is_in_order, "endDate", "must lie after startDate");
}

/// Each word once, in the order of its enum.
fn each_once<W: Iterable + PartialEq>(given: &[W]) -> Vec<W> {
    W::iter().filter(|word| given.contains(word)).collect()
}

/// Changes a campaign: its settings, its status, or both. Once it is PAUSED no step of its sequences starts; what is overdue when
/// it is ACTIVE again runs at the pace of its channel.
///
/// # Errors
/// [`Error::Precondition`] if the status does not allow it, or if an ACTIVE campaign would have no channels.
pub async fn update(
    on: &Services,
    actor: &Actor,
    id: RetentionCampaignId,
    fields: Fields,
    status: Option<RetentionCampaignStatus>,
    expected_version: Option<i32>,
) -> Result<campaign::Model> {
    let fields = &fields;
    if actor.is_mistaken() {
        check_alone(on, fields)?;
    }
    let (changed, is_pause) = on
        .write(actor, |w| async move {
            let old = w.require(id).await?;
            require_version("retention campaign", old.version, expected_version)?;
            let mut new = validated(on, old.clone(), fields.clone())?;
            if let Some(status) = status.filter(|status| *status != old.status) {
                old.status.require(status)?;
                new.status = status;
            }
            require_channels(&new)?;
            let is_other = (old.instantly_sync, &old.email_sequence) != (new.instantly_sync, &new.email_sequence);
            if new.instantly_sync && is_other {
                preflight::require_instantly(&w, &new).await?;
            }
            let metadata = json!({ "name": new.name, "from": old.status, "to": new.status });
            let is_pause = old.status == RetentionCampaignStatus::Active && old.status != new.status;
            let changed = w.replace(&old, new).await?;
            if limits(&changed) != limits(&old) {
                again::decide(&w, Whose::Campaign(id), schedule::now_in(on, &w).await?).await?;
            }
            w.note(Action::RetentionCampaignUpdated, id, metadata).await?;
            Ok((changed, is_pause))
        })
        .await?;
    if is_pause {
        barrier::wait(on).await;
    }
    Ok(changed)
}

/// What puts steps off.
fn limits(row: &campaign::Model) -> impl PartialEq + use<> {
    let hours = (row.contact_hours_start, row.contact_hours_end, row.contact_days.clone(), row.time_zone.clone());
    (hours, row.max_contacts_per_day, row.delay_between_channels)
}

fn require_channels(row: &campaign::Model) -> Result<()> {
    if row.status == RetentionCampaignStatus::Active && row.channels.0.is_empty() {
        return Err(Error::Precondition("an ACTIVE campaign needs at least one channel".into()));
    }
    Ok(())
}

/// Deletes a campaign with its assignments and A/B tests. Its contacts, scripts, conversions and sequences stay, without it. It is gone
/// at once; of a large one a task, which is returned with it, takes away what is left.
///
/// # Errors
/// [`Error::Precondition`] while it is ACTIVE, or while leads are on their way through a sequence that goes by its hours and limits:
/// without them they would be contacted at once.
pub async fn delete(
    on: &Services,
    actor: &Actor,
    id: RetentionCampaignId,
) -> Result<(campaign::Model, Option<task::Model>)> {
    let found = campaign::Entity::by_ids(&[id]).one(on.db.reader()).await?;
    if let Some(row) = found.filter(|row| row.status != RetentionCampaignStatus::Active) {
        Box::pin(instantly_keep::hold(on, &row)).await?;
    }
    let deleted = on.write(actor, |w| async move {
        let row = w.require(id).await?;
        if row.status == RetentionCampaignStatus::Active {
            return Err(Error::Precondition("the campaign is ACTIVE; pause it before you delete it".into()));
        }
        let governed = sequence::Entity::of(id.0).filter(sequence::Column::Status.is_in(GOING_ON));
        if let Some(sequence) = governed.order_by_asc(sequence::Column::Id).lock_exclusive().one(&w).await? {
            return Err(Error::Precondition(format!(
                "the sequence \"{}\" goes by the hours and limits of this campaign: archive it, or give it another campaign first",
                sequence.name
            )));
        }
        let begun = removal::begin(on, &w, Gone::Campaign(id)).await?;
        w.note(Action::RetentionCampaignDeleted, id, json!({ "name": row.name })).await?;
        Ok((row, begun))
    });
    let (row, begun) = deleted.await?;
    Ok((row, removal::soon(on, begun).await?))
}
