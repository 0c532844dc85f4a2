//! Creating, changing and deleting retention campaigns, and who is in them.

use crate::engine::id;
use crate::prelude::*;
use crate::retention::lead::list::LeadFilter;
use ::service::retention::{campaign as service, members};
use domain::id::LeadId;
use domain::retention::words::{ContactChannel, ContactDay, RetentionCampaignStatus};
use storage::retention::lead_filter;

/// What a new retention campaign is made of. It is a DRAFT.
#[derive(InputObject)]
struct CreateRetentionCampaignInput {
    /// What people call it: 1 to 200 characters.
    name: String,
    /// Notes, at most 2,000 characters.
    description: Option<String>,
    /// By which ways its leads are contacted; at least one before it can be ACTIVE.
    channels: Option<Vec<ContactChannel>>,
    /// From when on leads may be contacted, by the clock where they live: `09:00`. Only together with the end.
    contact_hours_start: Option<String>,
    /// Until when: `18:00`. Before the start it means the next morning.
    contact_hours_end: Option<String>,
    /// On which days leads may be contacted; every day if none are given.
    contact_days: Option<Vec<ContactDay>>,
    /// The clock of leads whose own time zone is not known, as an IANA name.
    time_zone: Option<String>,
    /// Contacts that a lead gets in a day at most, 1 to 1,000.
    max_contacts_per_day: Option<i32>,
    /// Milliseconds between contacts to a lead on two different channels, at most seven days.
    delay_between_channels: Option<i32>,
    /// Whether leads that become known while it is ACTIVE are assigned to it.
    auto_assign: Option<bool>,
    /// Whether its emails go by Instantly, which writes to each lead by itself: the texts of `emailSequence`, or without those the one
    /// email of a sequence's step. Pauses, other texts, and leads who bought or want no more are brought there within seconds.
    instantly_sync: Option<bool>,
    /// Whether the http and https links of its emails and text messages are replaced by Herald's own, which lead there and tell of the
    /// first click, so that reports, A/B tests and rules about clicks work with a mail server and with text messages. Emails by
    /// Instantly are left to Instantly. `BAD_USER_INPUT` where `HERALD_PUBLIC_URL` leads to Herald's own machine.
    track_clicks: Option<bool>,
    /// Whether its emails in HTML end with a picture of Herald's of one invisible point, which tells that the email was opened. Many mail
    /// programs load no pictures, or all of them by themselves. `BAD_USER_INPUT` where `HERALD_PUBLIC_URL` leads to Herald's own machine.
    track_opens: Option<bool>,
    /// The texts of Instantly's emails, in order, at most 20, each written in HTML: the end of a line becomes `<br/>`, and `&`, `<` and
    /// `>` that are to be read are `&amp;`, `&lt;` and `&gt;`. A first line `Subject: ..` is the subject. Placeholders are Instantly's,
    /// such as `{{first_name}}`. Without any texts, leads come there by a step of a sequence only, with its text.
    email_sequence: Option<Vec<String>>,
    /// What replaces parts of the assistant of VAPI's calls: an object of at most 16 KiB.
    vapi_config: Option<Json>,
    /// When it becomes ACTIVE by itself.
    start_date: Option<DateTime>,
    /// When it becomes COMPLETED by itself.
    end_date: Option<DateTime>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The retention campaign that was created.
#[derive(SimpleObject)]
struct CreateRetentionCampaignPayload {
    /// The new campaign.
    campaign: RetentionCampaign,
}

/// What is to change of a retention campaign. What is left out stays, null removes.
#[derive(InputObject)]
struct UpdateRetentionCampaignInput {
    /// Which campaign.
    id: ID,
    /// What people call it: 1 to 200 characters.
    name: Option<String>,
    /// Notes, at most 2,000 characters.
    description: MaybeUndefined<String>,
    /// Where it goes: DRAFT to ACTIVE, ACTIVE to PAUSED or COMPLETED, PAUSED to ACTIVE or COMPLETED. Anything else is
    /// `PRECONDITION_FAILED`.
    status: Option<RetentionCampaignStatus>,
    /// By which ways its leads are contacted.
    channels: Option<Vec<ContactChannel>>,
    /// From when on leads may be contacted, by the clock where they live: `09:00`.
    contact_hours_start: MaybeUndefined<String>,
    /// Until when: `18:00`. Before the start it means the next morning.
    contact_hours_end: MaybeUndefined<String>,
    /// On which days leads may be contacted; empty: every day.
    contact_days: Option<Vec<ContactDay>>,
    /// The clock of leads whose own time zone is not known, as an IANA name.
    time_zone: MaybeUndefined<String>,
    /// Contacts that a lead gets in a day at most, 1 to 1,000.
    max_contacts_per_day: MaybeUndefined<i32>,
    /// Milliseconds between contacts to a lead on two different channels, at most seven days.
    delay_between_channels: MaybeUndefined<i32>,
    /// Whether leads that become known while it is ACTIVE are assigned to it.
    auto_assign: Option<bool>,
    /// Whether its emails go by Instantly, which writes to each lead by itself: the texts of `emailSequence`, or without those the one
    /// email of a sequence's step. Pauses, other texts, and leads who bought or want no more are brought there within seconds.
    instantly_sync: Option<bool>,
    /// Whether the http and https links of its emails and text messages are replaced by Herald's own, which lead there and tell of the
    /// first click, so that reports, A/B tests and rules about clicks work with a mail server and with text messages. Emails by
    /// Instantly are left to Instantly. `BAD_USER_INPUT` where `HERALD_PUBLIC_URL` leads to Herald's own machine.
    track_clicks: Option<bool>,
    /// Whether its emails in HTML end with a picture of Herald's of one invisible point, which tells that the email was opened. Many mail
    /// programs load no pictures, or all of them by themselves. `BAD_USER_INPUT` where `HERALD_PUBLIC_URL` leads to Herald's own machine.
    track_opens: Option<bool>,
    /// The texts of Instantly's emails, in order, at most 20, each written in HTML: the end of a line becomes `<br/>`, and `&`, `<` and
    /// `>` that are to be read are `&amp;`, `&lt;` and `&gt;`. A first line `Subject: ..` is the subject. Placeholders are Instantly's,
    /// such as `{{first_name}}`. Without any texts, leads come there by a step of a sequence only, with its text.
    email_sequence: Option<Vec<String>>,
    /// What replaces parts of the assistant of VAPI's calls: an object of at most 16 KiB.
    vapi_config: MaybeUndefined<Json>,
    /// When it becomes ACTIVE by itself.
    start_date: MaybeUndefined<DateTime>,
    /// When it becomes COMPLETED by itself.
    end_date: MaybeUndefined<DateTime>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The retention campaign that was changed.
#[derive(SimpleObject)]
struct UpdateRetentionCampaignPayload {
    /// The campaign, as it is now.
    campaign: RetentionCampaign,
}

/// Which retention campaign is to be deleted.
#[derive(InputObject)]
struct DeleteRetentionCampaignInput {
    /// Which campaign.
    id: ID,
}

/// The retention campaign that was deleted.
#[derive(SimpleObject)]
struct DeleteRetentionCampaignPayload {
    /// The id that it had.
    deleted_id: ID,
    /// Where more than 10,000 rows name it: the task that takes away what is left. Null otherwise.
    task: Option<Task>,
}

/// Which leads are to be put into which retention campaign: by their ids, or all that a filter finds now.
#[derive(InputObject)]
struct AssignLeadsInput {
    /// The id of a retention campaign that is there; otherwise `NOT_FOUND`.
    campaign_id: ID,
    /// These leads, at most 10,000. One that is not there is `NOT_FOUND`, and nothing changes.
    lead_ids: Option<Vec<ID>>,
    /// Or all leads that it finds now. An empty filter finds all leads; `all: true` says so in words. One that finds none is refused.
    filter: Option<LeadFilter>,
    /// True: all leads that there are now.
    #[graphql(default)]
    all: bool,
    /// Whether the filter may find nobody.
    #[graphql(default)]
    allow_empty: bool,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The retention campaign with its new leads.
#[derive(SimpleObject)]
struct AssignLeadsPayload {
    /// The campaign, as it is now.
    campaign: RetentionCampaign,
    /// How many of the leads were not in it before; until now, if there is a task. Those that must not be contacted are passed over.
    assigned: i32,
    /// Where there are more than 10,000 leads: the task that puts them into the campaign. Null otherwise.
    task: Option<Task>,
}

/// Which leads are to be taken out of which retention campaign: by their ids, or all that a filter finds now.
#[derive(InputObject)]
struct RemoveLeadsInput {
    /// The id of a retention campaign that is there; otherwise `NOT_FOUND`.
    campaign_id: ID,
    /// These leads, at most 10,000. Those that are not in it are passed over.
    lead_ids: Option<Vec<ID>>,
    /// Or all leads that it finds now. An empty filter finds all leads; `all: true` says so in words. One that finds none is refused.
    filter: Option<LeadFilter>,
    /// True: all leads that there are now.
    #[graphql(default)]
    all: bool,
    /// Whether the filter may find nobody.
    #[graphql(default)]
    allow_empty: bool,
}

/// The retention campaign without these leads.
#[derive(SimpleObject)]
struct RemoveLeadsPayload {
    /// The campaign, as it is now.
    campaign: RetentionCampaign,
    /// How many of the leads were in it; until now, if there is a task.
    removed: i32,
    /// Where more than 10,000 of the leads are in it: the task that takes them out. Null otherwise.
    task: Option<Task>,
}

/// Changes retention campaigns.
#[derive(Default)]
pub struct RetentionCampaignMutation;

#[Object]
impl RetentionCampaignMutation {
    /// Makes a retention campaign, which is a DRAFT: nobody is contacted yet.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn create_retention_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made of.")] input: CreateRetentionCampaignInput,
    ) -> Result<CreateRetentionCampaignPayload> {
        let fields = service::Fields {
            name: Some(input.name),
            description: Some(input.description).into(),
            channels: input.channels,
            contact_hours_start: Some(input.contact_hours_start).into(),
            contact_hours_end: Some(input.contact_hours_end).into(),
            contact_days: input.contact_days,
            time_zone: Some(input.time_zone).into(),
            max_contacts_per_day: Some(input.max_contacts_per_day).into(),
            delay_between_channels: Some(input.delay_between_channels).into(),
            auto_assign: input.auto_assign,
            instantly_sync: input.instantly_sync,
            track_clicks: input.track_clicks,
            track_opens: input.track_opens,
            email_sequence: input.email_sequence,
            vapi_config: Some(input.vapi_config.map(|given| given.0)).into(),
            start_date: Some(input.start_date.map(|at| at.0)).into(),
            end_date: Some(input.end_date.map(|at| at.0)).into(),
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let campaign = once(on, &actor, service::create(on, &actor, fields)).await?;
        Ok(CreateRetentionCampaignPayload { campaign: campaign.into() })
    }

    /// Changes the settings of a retention campaign, or its status: that is how it is started, paused, resumed and ended.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn update_retention_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign, and what.")] input: UpdateRetentionCampaignInput,
    ) -> Result<UpdateRetentionCampaignPayload> {
        let fields = service::Fields {
            name: input.name,
            description: input.description,
            channels: input.channels,
            contact_hours_start: input.contact_hours_start,
            contact_hours_end: input.contact_hours_end,
            contact_days: input.contact_days,
            time_zone: input.time_zone,
            max_contacts_per_day: input.max_contacts_per_day,
            delay_between_channels: input.delay_between_channels,
            auto_assign: input.auto_assign,
            instantly_sync: input.instantly_sync,
            track_clicks: input.track_clicks,
            track_opens: input.track_opens,
            email_sequence: input.email_sequence,
            vapi_config: input.vapi_config.map_value(|given| given.0),
            start_date: input.start_date.map_value(|at| at.0),
            end_date: input.end_date.map_value(|at| at.0),
        };
        let (on, actor, id) = (ctx.services(), ctx.actor(), input.id.input("id")?);
        let changed = service::update(on, &actor, id, fields, input.status, input.expected_version);
        // Boxed, because a whole use case lies in it.
        let campaign = Box::pin(changed).await?;
        Ok(UpdateRetentionCampaignPayload { campaign: campaign.into() })
    }

    /// Deletes a retention campaign with its assignments and A/B tests. Its contacts, scripts, conversions and sequences
    /// stay. It is gone at once; of a large one a `task` goes on behind the answer. `PRECONDITION_FAILED` while it is ACTIVE,
    /// or while Instantly, which would go on writing, can't be told to hold it.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_retention_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: DeleteRetentionCampaignInput,
    ) -> Result<DeleteRetentionCampaignPayload> {
        let (deleted, task) = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(DeleteRetentionCampaignPayload { deleted_id: deleted.id.global(), task: task.map(Into::into) })
    }

    /// Puts leads into a retention campaign, each once. NEW leads become `IN_PROGRESS`. Of more than 10,000 it answers within a second,
    /// and a `task` goes on. `PRECONDITION_FAILED` if the
    /// campaign is COMPLETED.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn assign_leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which leads, and where to.")] input: AssignLeadsInput,
    ) -> Result<AssignLeadsPayload> {
        let AssignLeadsInput { campaign_id, lead_ids, filter, all, allow_empty, repeat } = input;
        let (id, leads) = (
            campaign_id.input("campaignId")?,
            noted(which(ctx, lead_ids, filter, all), lead_filter::LeadFilter::default)?,
        );
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let made = once(on, &actor, members::assign(on, &actor, id, leads, allow_empty)).await?;
        let members::Assigned { campaign, assigned, task } = made;
        Ok(AssignLeadsPayload { campaign: campaign.into(), assigned, task: task.map(Into::into) })
    }

    /// Takes leads out of a retention campaign. Their contacts stay. Of more than 10,000 it answers within a second, and a `task` goes on.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn remove_leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which leads, and where from.")] input: RemoveLeadsInput,
    ) -> Result<RemoveLeadsPayload> {
        let RemoveLeadsInput { campaign_id, lead_ids, filter, all, allow_empty } = input;
        let (id, leads) = (
            campaign_id.input("campaignId")?,
            noted(which(ctx, lead_ids, filter, all), lead_filter::LeadFilter::default)?,
        );
        let removal = members::remove(ctx.services(), &ctx.actor(), id, leads, allow_empty).boxed().await;
        let members::Removed { campaign, removed, task } = removal?;
        Ok(RemoveLeadsPayload { campaign: campaign.into(), removed, task: task.map(Into::into) })
    }
}

/// The leads that are named, all that the filter finds, or all.
fn which(
    ctx: &Context<'_>,
    ids: Option<Vec<ID>>,
    filter: Option<LeadFilter>,
    all: bool,
) -> Result<lead_filter::LeadFilter> {
    match (ids, filter, all) {
        (Some(ids), None, false) => {
            let ids: Vec<LeadId> = id::list(&ids, &["input", "leadIds"], members::MOST_LEADS)?;
            Ok(lead_filter::LeadFilter { ids: Some(ids), ..lead_filter::LeadFilter::default() })
        }
        (None, Some(filter), false) => filter.read(ctx, &["input", "filter"]),
        (None, None, true) => Ok(lead_filter::LeadFilter::default()),
        _ => Err(Error::invalid("filter", "give one of leadIds, filter, and all: true for all leads")),
    }
}
