//! Editing and deleting what a campaign has sent, and how far that is.

use crate::prelude::*;
use ::service::broadcast::campaign as service;
use ::service::once::{Again, once_or};
use ::service::{Actor, Services};
use domain::broadcast::SentChangeKind;
use domain::id::BroadcastCampaignId;
use storage::broadcast::campaign;
use storage::broadcast::sent_change::{self, Begun};

/// Which messages get another text, and which text.
#[derive(InputObject)]
struct EditSentMessagesInput {
    /// All that this campaign has sent.
    campaign_id: ID,
    /// The new text, with the same placeholders and in the same parse mode as the old one.
    content: String,
    /// Change it only if this is still the campaign's version, otherwise CONFLICT.
    expected_version: Option<i32>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// What is going to be edited.
#[derive(SimpleObject)]
struct EditSentMessagesPayload {
    /// The campaign; its `content` is the new text.
    campaign: BroadcastCampaign,
    /// Messages that will get the new text; `sentChanges` of the campaign tells how far that is. Those of which it is not known
    /// whether they were sent are looked for before, in the histories of their channels.
    queued: i32,
    /// Messages that keep the old text, since the accounts that sent them were removed. `jobs(filter: {sentChangeStatuses: [FAILED]})`
    /// names each that could not be changed, and its `sentChange` says why.
    left: i32,
}

/// Which messages are taken back.
#[derive(InputObject)]
struct DeleteSentMessagesInput {
    /// All that this campaign has sent.
    campaign_id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// What is going to be deleted.
#[derive(SimpleObject)]
struct DeleteSentMessagesPayload {
    /// The campaign, whose jobs stay SENT.
    campaign: BroadcastCampaign,
    /// Messages that will be deleted; `sentChanges` of the campaign tells how far that is. Those of which it is not known whether
    /// they were sent are looked for before, in the histories of their channels.
    queued: i32,
    /// Messages that stay, since the accounts that sent them were removed. `jobs(filter: {sentChangeStatuses: [FAILED]})` names
    /// each that could not be deleted, and its `sentChange` says why.
    left: i32,
}

/// How far the last edit or recall of a campaign's sent messages is.
#[derive(SimpleObject)]
pub struct SentChanges {
    /// What becomes of them.
    kind: SentChangeKind,
    /// Waiting for their turn: accounts change messages at the pace at which they send.
    queued: i32,
    /// Told by Telegram to be changed now.
    done: i32,
    /// Not to be changed: refused by Telegram, for instance because too much time has passed, or not to be found. The jobs say
    /// which and why: `jobs(filter: {sentChangeStatuses: [FAILED]})`.
    failed: i32,
}

/// Changes what was sent.
#[derive(Default)]
pub struct SentMessagesMutation;

#[Object]
impl SentMessagesMutation {
    /// Gives the messages that a campaign has sent another text, each by the account that sent it. The campaign must be PAUSED
    /// or have ended. Where messages go nowhere, the ledger `simulated.jsonl` gets a line for each.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn edit_sent_messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which messages, and what they are to say.")] input: EditSentMessagesInput,
    ) -> Result<EditSentMessagesPayload> {
        let EditSentMessagesInput { campaign_id, content, expected_version, repeat } = input;
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let id = campaign_id.input("campaignId")?;
        let edit = service::edit_sent(on, &actor, id, content, expected_version);
        let (campaign, Begun { queued, left }) = once_beginning(on, &actor, edit).await?;
        Ok(EditSentMessagesPayload { campaign: campaign.into(), queued, left })
    }

    /// Deletes the messages that a campaign has sent, for all who see them, each by the account that sent it. The campaign must
    /// be PAUSED or have ended. Where messages go nowhere, the ledger `simulated.jsonl` gets a line for each.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn delete_sent_messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which messages.")] input: DeleteSentMessagesInput,
    ) -> Result<DeleteSentMessagesPayload> {
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let id = input.campaign_id.input("campaignId")?;
        let (campaign, Begun { queued, left }) =
            once_beginning(on, &actor, service::delete_sent(on, &actor, id)).await?;
        Ok(DeleteSentMessagesPayload { campaign: campaign.into(), queued, left })
    }
}

/// [`once`] for a campaign, and what was begun with its messages.
fn once_beginning<'a>(
    on: &'a Services,
    actor: &'a Actor,
    work: impl Future<Output = Result<(campaign::Model, Begun)>> + Send + 'a,
) -> impl Future<Output = Result<(campaign::Model, Begun)>> + Send + 'a {
    once_or(on, actor, work, move |done| async move {
        // Earlier versions of Herald answered with a number.
        let begun = match done.answer(|_| None::<Begun>) {
            Ok(Some(begun)) => begun,
            Ok(None) | Err(_) => Begun { queued: done.moved()?, left: 0 },
        };
        Ok((campaign::Model::again(on, done).await?, begun))
    })
}

question! {
    /// How far the change of a campaign's messages is.
    pub(crate) SentChangesOf(BroadcastCampaignId) -> sent_change::Counts = |db, campaigns| {
        sent_change::Entity::counts(db, &campaigns).await?.into_iter().collect()
    }
}

impl From<sent_change::Counts> for SentChanges {
    fn from(counts: sent_change::Counts) -> Self {
        let sent_change::Counts { kind, queued, done, failed } = counts;
        Self { kind, queued: int(queued), done: int(done), failed: int(failed) }
    }
}
