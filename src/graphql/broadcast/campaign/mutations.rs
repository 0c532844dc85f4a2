//! Creating, changing and running broadcast campaigns.

use std::collections::BTreeMap;

use async_graphql::ComplexObject;

use crate::engine::id;
use crate::prelude::*;
use ::service::broadcast::campaign as service;
use ::service::broadcast::channel_refresh::obstacles;
use ::service::tasks;
use domain::broadcast::CampaignMode;
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use domain::task::TaskKind;
use storage::broadcast::channel_refresh::Obstacles;

/// What a new campaign is made of.
#[derive(InputObject)]
struct CreateBroadcastCampaignInput {
    /// What people call it: 1 to 200 characters.
    name: String,
    /// Notes, at most 2,000 characters.
    description: Option<String>,
    /// Whom it writes to.
    batch_id: ID,
    /// What it says.
    template_id: ID,
    /// Values of the template's placeholders: an object of strings. `channel_name`, `username`, `title`, `category` and
    /// `member_count` come from each channel unless they are given here. A name that the template does not have is refused.
    params: Option<Json>,
    /// TEST sends to the sending account's own Saved Messages, LIVE to the channels.
    #[graphql(default_with = "CampaignMode::Test")]
    mode: CampaignMode,
    /// Messages a minute, from 1 to 1,000,000.
    #[graphql(default = 20)]
    delivery_rate: i32,
    /// How often a message is tried again after a failure that may pass, from 0 to 100.
    #[graphql(default = 3)]
    retry_limit: i32,
    /// When it starts by itself, within a year; an instant in the past is refused. Without it somebody has to start it.
    scheduled_at: Option<DateTime>,
    /// How many messages are sent at most in TEST mode, from 1 to 1,000.
    #[graphql(default = 20)]
    test_limit: i32,
    /// The Telegram accounts that send, at most 100; without it, all that are active. A TEST goes to the Saved Messages of the
    /// first. Where sending is only simulated, none is needed.
    telegram_account_ids: Option<Vec<ID>>,
    /// Whether messages that wait for an account which was parked or told to wait may go by the others instead, if it has not
    /// tried them yet. Telegram may hold it against the others.
    #[graphql(default)]
    account_failover: bool,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The campaign that was created.
#[derive(SimpleObject)]
struct CreateBroadcastCampaignPayload {
    /// The new campaign, which is QUEUED.
    campaign: BroadcastCampaign,
}

/// What is to change of a campaign. What is left out stays.
#[derive(InputObject)]
struct UpdateBroadcastCampaignInput {
    /// Which campaign.
    id: ID,
    /// What people call it: 1 to 200 characters.
    name: Option<String>,
    /// Notes, at most 2,000 characters; null removes them.
    description: MaybeUndefined<String>,
    /// Values of the placeholders; only before the start; null removes them.
    params: MaybeUndefined<Json>,
    /// Messages a minute, from 1 to 1,000,000; it acts on the next message.
    delivery_rate: Option<i32>,
    /// How often a message is tried again, from 0 to 100; it acts on the next answer.
    retry_limit: Option<i32>,
    /// When it starts by itself, within a year and not in the past; only before the start. Null removes the schedule.
    scheduled_at: MaybeUndefined<DateTime>,
    /// The campaign's own copy of the text, only while it is PAUSED: so a text that Telegram refuses is mended.
    content: Option<String>,
    /// The Telegram accounts that send, only while it is QUEUED or PAUSED; null: all that are active.
    telegram_account_ids: MaybeUndefined<Vec<ID>>,
    /// Whether untouched messages of a parked account may go by the others.
    account_failover: Option<bool>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The campaign that was changed.
#[derive(SimpleObject)]
struct UpdateBroadcastCampaignPayload {
    /// The campaign, as it is now.
    campaign: BroadcastCampaign,
}

/// Which campaign is to be deleted.
#[derive(InputObject)]
struct DeleteBroadcastCampaignInput {
    /// Which campaign.
    id: ID,
}

/// The campaign that was deleted.
#[derive(SimpleObject)]
struct DeleteBroadcastCampaignPayload {
    /// The id that it had.
    deleted_id: ID,
}

/// Which campaign is to be started.
#[derive(InputObject)]
struct StartBroadcastCampaignInput {
    /// Which campaign.
    id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The campaign that was started.
#[derive(SimpleObject)]
#[graphql(complex)]
struct StartBroadcastCampaignPayload {
    /// Which campaign.
    #[graphql(skip)]
    id: BroadcastCampaignId,
    /// The campaign, which is RUNNING now; still QUEUED while `task` goes on.
    campaign: BroadcastCampaign,
    /// A warning: recipients where only others may post, as far as is known. Sends to them will fail.
    closed_channels: i32,
    /// A warning: recipients where each message costs Telegram Stars. Sends to them will fail.
    paid_channels: i32,
}

#[ComplexObject]
impl StartBroadcastCampaignPayload {
    /// Where the campaign has more than 10,000 channels: the task that checks their texts and makes the messages. The campaign does not
    /// send before it is COMPLETED, and is QUEUED again if it fails or is cancelled. Null for a smaller campaign.
    async fn task(&self, ctx: &Context<'_>) -> Result<Option<Task>> {
        let task = tasks::latest(ctx.services(), TaskKind::StartBroadcastCampaign, self.id.0).await?;
        Ok(task.map(Into::into))
    }
}

/// Which campaign is to be paused.
#[derive(InputObject)]
struct PauseBroadcastCampaignInput {
    /// Which campaign.
    id: ID,
}

/// The campaign that was paused.
#[derive(SimpleObject)]
struct PauseBroadcastCampaignPayload {
    /// The campaign, which is PAUSED now.
    campaign: BroadcastCampaign,
}

/// Which campaign is to go on.
#[derive(InputObject)]
struct ResumeBroadcastCampaignInput {
    /// Which campaign.
    id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The campaign that goes on.
#[derive(SimpleObject)]
struct ResumeBroadcastCampaignPayload {
    /// The campaign, which is RUNNING now.
    campaign: BroadcastCampaign,
}

/// Which campaign is to be cancelled.
#[derive(InputObject)]
struct CancelBroadcastCampaignInput {
    /// Which campaign.
    id: ID,
}

/// The campaign that was cancelled.
#[derive(SimpleObject)]
struct CancelBroadcastCampaignPayload {
    /// The campaign, which is CANCELLED now.
    campaign: BroadcastCampaign,
}

/// Creates, changes and runs broadcast campaigns.
#[derive(Default)]
pub struct CampaignMutation;

#[Object]
impl CampaignMutation {
    /// Creates a campaign. It waits for its start, or for its schedule.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn create_broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made of.")] input: CreateBroadcastCampaignInput,
    ) -> Result<CreateBroadcastCampaignPayload> {
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat.clone())?);
        let campaign = once(on, &actor, service::create(on, &actor, new(input)?)).await?;
        Ok(CreateBroadcastCampaignPayload { campaign: campaign.into() })
    }

    /// Changes a campaign: everything before its start, the pace while it runs, the text while it is paused.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn update_broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign, and what changes.")] input: UpdateBroadcastCampaignInput,
    ) -> Result<UpdateBroadcastCampaignPayload> {
        let (id, change) = change(input)?;
        let campaign = service::update(ctx.services(), &ctx.actor(), id, change).boxed().await?;
        Ok(UpdateBroadcastCampaignPayload { campaign: campaign.into() })
    }

    /// Deletes a campaign with its jobs. One that is RUNNING or PAUSED has to be cancelled first.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn delete_broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: DeleteBroadcastCampaignInput,
    ) -> Result<DeleteBroadcastCampaignPayload> {
        let id: BroadcastCampaignId = input.id.input("id")?;
        service::delete(ctx.services(), &ctx.actor(), id).boxed().await?;
        Ok(DeleteBroadcastCampaignPayload { deleted_id: id.global() })
    }

    /// Starts a campaign, if every recipient's text can be rendered and sent; otherwise it says all that is wrong. The
    /// template's text and the batch's active channels are copied: later changes don't touch the campaign. With more than 10,000
    /// channels it answers within a second, and a `task` goes on: the texts of the first 10,000 are checked at once, the others' by it.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn start_broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: StartBroadcastCampaignInput,
    ) -> Result<StartBroadcastCampaignPayload> {
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let campaign = once(on, &actor, service::start(on, &actor, input.id.input("id")?)).await?;
        let shown = ctx.look_ahead();
        let are_shown = ["closedChannels", "paidChannels"].into_iter().any(|name| shown.field(name).exists());
        // Counted where they are asked for: of a million that takes a while.
        let Obstacles { closed, paid } = if are_shown { obstacles(on, &campaign).await? } else { Obstacles::default() };
        Ok(StartBroadcastCampaignPayload {
            id: campaign.id,
            campaign: campaign.into(),
            closed_channels: i32::try_from(closed).map_err(Error::internal)?,
            paid_channels: i32::try_from(paid).map_err(Error::internal)?,
        })
    }

    /// Pauses a running campaign. No send starts after the answer.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn pause_broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: PauseBroadcastCampaignInput,
    ) -> Result<PauseBroadcastCampaignPayload> {
        let campaign = service::pause(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(PauseBroadcastCampaignPayload { campaign: campaign.into() })
    }

    /// Lets a paused campaign go on exactly where it stopped.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn resume_broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: ResumeBroadcastCampaignInput,
    ) -> Result<ResumeBroadcastCampaignPayload> {
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let campaign = once(on, &actor, service::resume(on, &actor, input.id.input("id")?)).await?;
        Ok(ResumeBroadcastCampaignPayload { campaign: campaign.into() })
    }

    /// Cancels a campaign for good. No send starts after the answer; jobs that were queued become CANCELLED, those of a
    /// large campaign in the seconds that follow.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn cancel_broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: CancelBroadcastCampaignInput,
    ) -> Result<CancelBroadcastCampaignPayload> {
        let campaign = service::cancel(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(CancelBroadcastCampaignPayload { campaign: campaign.into() })
    }
}

fn new(input: CreateBroadcastCampaignInput) -> Result<service::New> {
    let CreateBroadcastCampaignInput {
        name,
        description,
        batch_id,
        template_id,
        params,
        mode,
        delivery_rate,
        retry_limit,
        scheduled_at,
        test_limit,
        telegram_account_ids,
        account_failover,
        repeat: _,
    } = input;
    Ok(service::New {
        name,
        description,
        batch: batch_id.input("batchId")?,
        template: template_id.input("templateId")?,
        params: params.map(read_params).transpose()?.unwrap_or_default(),
        mode,
        delivery_rate,
        retry_limit,
        test_limit,
        scheduled_at: scheduled_at.map(Into::into),
        accounts: accounts(&telegram_account_ids.unwrap_or_default())?,
        account_failover,
    })
}

fn change(input: UpdateBroadcastCampaignInput) -> Result<(BroadcastCampaignId, service::Update)> {
    let UpdateBroadcastCampaignInput {
        id,
        name,
        description,
        params,
        delivery_rate,
        retry_limit,
        scheduled_at,
        content,
        telegram_account_ids,
        account_failover,
        expected_version,
    } = input;
    let accounts = match telegram_account_ids {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(Vec::new()),
        MaybeUndefined::Value(ids) => Some(accounts(&ids)?),
    };
    let change = service::Update {
        name,
        description,
        // Null stands for none.
        params: match params {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(BTreeMap::new()),
            MaybeUndefined::Value(params) => Some(read_params(params)?),
        },
        delivery_rate,
        retry_limit,
        scheduled_at: scheduled_at.map_value(Into::into),
        content,
        accounts,
        account_failover,
        expected_version,
    };
    Ok((id.input("id")?, change))
}

fn accounts(ids: &[ID]) -> Result<Vec<TelegramAccountId>> {
    id::list(ids, &["input", "telegramAccountIds"], id::MOST_IDS)
}

fn read_params(Json(params): Json) -> Result<BTreeMap<String, String>> {
    let read = serde_json::from_value(params).map_err(|_| Error::invalid("params", "must be an object of strings"));
    noted(read, BTreeMap::new)
}
