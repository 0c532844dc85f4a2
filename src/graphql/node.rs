//! Anything by its id alone.

use async_graphql::{Context, ID, Interface, Object};
use futures_util::future::try_join_all;

use super::engine::guard::{self, requires};
use super::engine::id::{self, GlobalId, MOST_IDS, ReadId};
use crate::prelude::*;
use domain::error::{Error, Result, Violation};
use domain::id::{
    AbTestId, ApiTokenId, AuditLogId, BatchId, BroadcastCampaignId, CampaignLeadId, ChannelId, ChannelImportId,
    ContactAttemptId, ConversionId, ConversionRuleId, IntegrationConfigId, JobId, LeadId, LeadImportId,
    RetentionCampaignId, RetentionSequenceId, ScriptId, SequenceEnrollmentId, SequenceStepExecutionId, SequenceStepId,
    TelegramAccountId, TemplateId, UserId,
};
use domain::role::Permission;

/// Anything that has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id, opaque and unique among all types."))]
pub enum Node {
    /// A user.
    User(User),
    /// What a script signs in with.
    ApiToken(ApiToken),
    /// A line of the audit log.
    AuditLog(AuditLog),
    /// A Telegram channel.
    Channel(Channel),
    /// An import of channels.
    ChannelImport(ChannelImport),
    /// A test of two scripts.
    AbTest(AbTest),
    /// An import of leads.
    LeadImport(LeadImport),
    /// A list of channels.
    Batch(Batch),
    /// A message with placeholders.
    Template(Template),
    /// One message to many channels.
    BroadcastCampaign(BroadcastCampaign),
    /// One message of a campaign to one channel.
    Job(Job),
    /// A person that retention writes to.
    Lead(Lead),
    /// Who is contacted, on which channels, and when.
    RetentionCampaign(RetentionCampaign),
    /// A lead in a retention campaign.
    CampaignLead(CampaignLead),
    /// One contact to a lead.
    ContactAttempt(ContactAttempt),
    /// What is said to leads on one channel.
    Script(Script),
    /// A rule that skips steps on a channel which does worse than it should.
    ConversionRule(ConversionRule),
    /// How a provider is reached.
    IntegrationConfig(IntegrationConfig),
    /// A Telegram account that sends.
    TelegramAccount(TelegramAccount),
    /// What came of contacts.
    Conversion(Conversion),
    /// Many steps over many channels, through which leads go.
    RetentionSequence(RetentionSequence),
    /// One contact of a sequence.
    SequenceStep(SequenceStep),
    /// A lead on its way through a sequence.
    SequenceEnrollment(SequenceEnrollment),
    /// One step for one lead.
    SequenceStepExecution(SequenceStepExecution),
}

/// Anything by its id alone.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// What has this id; null if there is nothing. It needs the permission that reading this type needs.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An id that any field `id` gave.")] id: ID,
    ) -> Result<Option<Node>> {
        find(ctx, &id, || vec!["id".into()]).await
    }

    /// What has these ids, in their order; null where there is nothing, or nothing that the viewer may read.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MOST_IDS {
            let message = format!("{} ids are given, {MOST_IDS} is the most", ids.len());
            return Err(Error::Invalid(vec![Violation { path: vec!["ids".into()], message }]));
        }
        let found = ids.iter().enumerate().map(async |(index, id)| {
            match find(ctx, id, || vec!["ids".into(), index.to_string()]).await {
                Err(Error::Forbidden) => Ok(None),
                found => found,
            }
        });
        try_join_all(found).await
    }
}

/// A line for each type: the permission that reads it, and how it is found.
async fn find(ctx: &Context<'_>, id: &ID, path: impl FnOnce() -> Vec<String>) -> Result<Option<Node>> {
    let Some((name, _)) = id::decode(id) else {
        return Err(Error::Invalid(vec![Violation { path: path(), message: "this is not an id".into() }]));
    };
    let need = async |permission| guard::require(ctx, permission).await;
    Ok(match name.as_str() {
        UserId::TYPE => {
            need(Permission::ReadUsers).await?;
            User::by_id(ctx, id.argument("id")?).await?.map(Node::User)
        }
        ApiTokenId::TYPE => {
            need(Permission::OwnApiTokens).await?;
            ApiToken::by_id(ctx, id.argument("id")?).await?.map(Node::ApiToken)
        }
        AuditLogId::TYPE => {
            need(Permission::ReadAudit).await?;
            AuditLog::by_id(ctx, id.argument("id")?).await?.map(Node::AuditLog)
        }
        ChannelId::TYPE => {
            need(Permission::ReadBroadcast).await?;
            Channel::by_id(ctx, id.argument("id")?).await?.map(Node::Channel)
        }
        ChannelImportId::TYPE => {
            need(Permission::ReadBroadcast).await?;
            ChannelImport::by_id(ctx, id.argument("id")?).await?.map(Node::ChannelImport)
        }
        AbTestId::TYPE => {
            need(Permission::ReadRetention).await?;
            AbTest::by_id(ctx, id.argument("id")?).await?.map(Node::AbTest)
        }
        LeadImportId::TYPE => {
            need(Permission::ReadRetention).await?;
            LeadImport::by_id(ctx, id.argument("id")?).await?.map(Node::LeadImport)
        }
        BatchId::TYPE => {
            need(Permission::ReadBroadcast).await?;
            Batch::by_id(ctx, id.argument("id")?).await?.map(Node::Batch)
        }
        TemplateId::TYPE => {
            need(Permission::ReadBroadcast).await?;
            Template::by_id(ctx, id.argument("id")?).await?.map(Node::Template)
        }
        BroadcastCampaignId::TYPE => {
            need(Permission::ReadBroadcast).await?;
            BroadcastCampaign::by_id(ctx, id.argument("id")?).await?.map(Node::BroadcastCampaign)
        }
        JobId::TYPE => {
            need(Permission::ReadBroadcast).await?;
            Job::by_id(ctx, id.argument("id")?).await?.map(Node::Job)
        }
        TelegramAccountId::TYPE => {
            need(Permission::TelegramAccounts).await?;
            TelegramAccount::by_id(ctx, id.argument("id")?).await?.map(Node::TelegramAccount)
        }
        name => return of_retention(ctx, name, id).await,
    })
}

/// A node of retention by its id, most of which needs one permission.
async fn of_retention(ctx: &Context<'_>, name: &str, id: &ID) -> Result<Option<Node>> {
    let may_read = guard::require(ctx, Permission::ReadRetention);
    Ok(match name {
        LeadId::TYPE => {
            may_read.await?;
            Lead::by_id(ctx, id.argument("id")?).await?.map(Node::Lead)
        }
        RetentionCampaignId::TYPE => {
            may_read.await?;
            RetentionCampaign::by_id(ctx, id.argument("id")?).await?.map(Node::RetentionCampaign)
        }
        CampaignLeadId::TYPE => {
            may_read.await?;
            CampaignLead::by_id(ctx, id.argument("id")?).await?.map(Node::CampaignLead)
        }
        ContactAttemptId::TYPE => {
            may_read.await?;
            ContactAttempt::by_id(ctx, id.argument("id")?).await?.map(Node::ContactAttempt)
        }
        ScriptId::TYPE => {
            may_read.await?;
            Script::by_id(ctx, id.argument("id")?).await?.map(Node::Script)
        }
        ConversionRuleId::TYPE => {
            may_read.await?;
            ConversionRule::by_id(ctx, id.argument("id")?).await?.map(Node::ConversionRule)
        }
        ConversionId::TYPE => {
            may_read.await?;
            Conversion::by_id(ctx, id.argument("id")?).await?.map(Node::Conversion)
        }
        IntegrationConfigId::TYPE => {
            guard::require(ctx, Permission::ManageIntegrations).await?;
            IntegrationConfig::by_id(ctx, id.argument("id")?).await?.map(Node::IntegrationConfig)
        }
        RetentionSequenceId::TYPE => {
            may_read.await?;
            RetentionSequence::by_id(ctx, id.argument("id")?).await?.map(Node::RetentionSequence)
        }
        SequenceStepId::TYPE => {
            may_read.await?;
            SequenceStep::by_id(ctx, id.argument("id")?).await?.map(Node::SequenceStep)
        }
        SequenceEnrollmentId::TYPE => {
            may_read.await?;
            SequenceEnrollment::by_id(ctx, id.argument("id")?).await?.map(Node::SequenceEnrollment)
        }
        SequenceStepExecutionId::TYPE => {
            may_read.await?;
            SequenceStepExecution::by_id(ctx, id.argument("id")?).await?.map(Node::SequenceStepExecution)
        }
        _ => None,
    })
}
