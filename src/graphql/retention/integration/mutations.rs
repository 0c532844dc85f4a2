//! Saving, deleting and trying integrations.

use crate::prelude::*;
use crate::retention::integration::input::{
    InstantlyCredentialsInput, KeitaroCredentialsInput, PostbackMappingInput, SmtpCredentialsInput,
    TwilioCredentialsInput, VapiCredentialsInput, WebhookCredentialsInput, mapping, number, one_of, some,
};
use ::service::retention::{integration as service, reliance};
use domain::retention::credentials::Change;

/// The credentials that are to be saved: those of exactly one provider.
#[derive(InputObject)]
struct SaveIntegrationConfigInput {
    /// Of a mail server, which sends email steps.
    smtp: Option<SmtpCredentialsInput>,
    /// Of Twilio, which sends text messages.
    twilio: Option<TwilioCredentialsInput>,
    /// Of VAPI, which makes calls.
    vapi: Option<VapiCredentialsInput>,
    /// Of Instantly, which runs email campaigns.
    instantly: Option<InstantlyCredentialsInput>,
    /// Of outgoing webhooks, which are signed.
    webhook: Option<WebhookCredentialsInput>,
    /// Of Keitaro, which posts conversions back.
    keitaro: Option<KeitaroCredentialsInput>,
    /// Whether it is used from now on.
    #[graphql(default = true)]
    is_active: bool,
    /// Save it only if this is the version of what is there, otherwise CONFLICT.
    expected_version: Option<i32>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The integration that was saved.
#[derive(SimpleObject)]
struct SaveIntegrationConfigPayload {
    /// The integration, as it is now.
    integration_config: IntegrationConfig,
    /// Who goes by it and waits from now on, or goes elsewhere: a sentence each.
    warnings: Vec<String>,
}

/// What is to change of an integration. What is left out stays, its secrets always; null removes. Where it connects to is not here: for that
/// the secrets are given again, by `saveIntegrationConfig`.
#[derive(InputObject)]
struct SwitchIntegrationInput {
    /// Which integration.
    id: ID,
    /// Whether it is used. What is due to go by one that is not waits.
    is_active: Option<bool>,
    /// Of a mail server: whom emails come from. Of Twilio: the number that messages come from.
    from: MaybeUndefined<String>,
    /// Of a mail server: where answers go, if not there.
    reply_to: MaybeUndefined<String>,
    /// Of a mail server: the mailbox to which bounces and answers come.
    inbox: MaybeUndefined<String>,
    /// Of a mail server: emails a second at most.
    per_second: Option<i32>,
    /// Of Twilio: the Messaging Service that messages come from.
    messaging_service_sid: MaybeUndefined<String>,
    /// Of Twilio: segments a second at most.
    segments_per_second: Option<i32>,
    /// Of VAPI: the assistant of calls whose script names none.
    assistant_id: MaybeUndefined<String>,
    /// Of VAPI: the phone number of calls whose script names none.
    phone_number_id: MaybeUndefined<String>,
    /// Of Instantly: the email accounts that campaigns are sent from, at most 100.
    accounts: Option<Vec<String>>,
    /// Of Keitaro: the currency of revenue that names none.
    currency: Option<String>,
    /// Of Keitaro: whether a tentative conversion, a `lead`, ends sequences as a sale does.
    lead_converts: Option<bool>,
    /// Of Keitaro: what words of postbacks stand for, in place of the list that was there. Conversions that were told by one of these words
    /// before it was understood follow within a minute.
    postback_mapping: Option<Vec<PostbackMappingInput>>,
    /// The version that you have seen: if it is another one by now, nothing is changed.
    expected_version: Option<i32>,
}

impl From<SwitchIntegrationInput> for Change {
    fn from(input: SwitchIntegrationInput) -> Self {
        // An empty text is none.
        let text = |given: MaybeUndefined<String>| match given {
            MaybeUndefined::Value(text) => some(Some(text)).map_or(MaybeUndefined::Null, MaybeUndefined::Value),
            other => other,
        };
        Self {
            from: text(input.from),
            reply_to: text(input.reply_to),
            inbox: text(input.inbox),
            per_second: input.per_second.map(number),
            messaging_service_sid: text(input.messaging_service_sid),
            segments_per_second: input.segments_per_second.map(number),
            assistant_id: text(input.assistant_id),
            phone_number_id: text(input.phone_number_id),
            accounts: input.accounts,
            currency: input.currency.map(|currency| currency.trim().to_uppercase()),
            lead_converts: input.lead_converts,
            postback_mapping: input.postback_mapping.map(mapping),
        }
    }
}

/// The integration that was changed.
#[derive(SimpleObject)]
struct SwitchIntegrationPayload {
    /// The integration, as it is now.
    integration_config: IntegrationConfig,
    /// Who goes by it and waits from now on, or goes elsewhere: a sentence each.
    warnings: Vec<String>,
}

/// Which integration is to be deleted.
#[derive(InputObject)]
struct DeleteIntegrationConfigInput {
    /// Which integration.
    id: ID,
}

/// The integration that was deleted.
#[derive(SimpleObject)]
struct DeleteIntegrationConfigPayload {
    /// The integration, as it was.
    integration_config: IntegrationConfig,
    /// The id that it had.
    deleted_id: ID,
    /// Who goes by it and waits from now on, or goes elsewhere: a sentence each.
    warnings: Vec<String>,
}

/// Which integration is to be tried.
#[derive(InputObject)]
struct TestIntegrationInput {
    /// Which integration.
    id: ID,
}

/// What the provider said.
#[derive(SimpleObject)]
struct TestIntegrationPayload {
    /// Whether the provider lets Herald in by these credentials.
    is_ok: bool,
    /// What it said, in a sentence; no secret is in it.
    message: String,
}

/// Changes integrations.
#[derive(Default)]
pub struct IntegrationMutation;

#[Object]
impl IntegrationMutation {
    /// Saves the credentials of one provider, in place of those that it had. Secrets are sealed, and never shown again.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations), directive = needs_login::apply())]
    async fn save_integration_config(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which credentials.")] input: SaveIntegrationConfigInput,
    ) -> Result<SaveIntegrationConfigPayload> {
        let SaveIntegrationConfigInput {
            smtp,
            twilio,
            vapi,
            instantly,
            webhook,
            keitaro,
            is_active,
            expected_version,
            repeat,
        } = input;
        let credentials = one_of(smtp, twilio, vapi, instantly, webhook, keitaro)?;
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let provider = credentials.provider();
        let before = reliance::present(on, provider).boxed().await?;
        let row = once(on, &actor, service::save(on, &actor, credentials, is_active, expected_version)).await?;
        let warnings = reliance::told(on, provider, before.as_ref(), Some(&row)).boxed().await?;
        Ok(SaveIntegrationConfigPayload { integration_config: row.into(), warnings })
    }

    /// Switches an integration on or off, and changes its pace, whom it writes as, and what it makes of words, without its secrets.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations), directive = needs_login::apply())]
    async fn switch_integration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which integration, and what.")] input: SwitchIntegrationInput,
    ) -> Result<SwitchIntegrationPayload> {
        let (id, is_active, expected) = (input.id.input("id")?, input.is_active, input.expected_version);
        let on = ctx.services();
        let (before, row) = service::switch(on, &ctx.actor(), id, is_active, input.into(), expected).boxed().await?;
        let warnings = reliance::of_row(on, &before, Some(&row)).boxed().await?;
        Ok(SwitchIntegrationPayload { integration_config: row.into(), warnings })
    }

    /// Deletes the credentials of a provider. What is due to go by it waits until it is set up again.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations), directive = needs_login::apply())]
    async fn delete_integration_config(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which integration.")] input: DeleteIntegrationConfigInput,
    ) -> Result<DeleteIntegrationConfigPayload> {
        let on = ctx.services();
        let row = service::delete(on, &ctx.actor(), input.id.input("id")?).boxed().await?;
        let warnings = reliance::of_row(on, &row, None).boxed().await?;
        let deleted_id = row.id.global();
        Ok(DeleteIntegrationConfigPayload { integration_config: row.into(), deleted_id, warnings })
    }

    /// Asks the provider whether it lets Herald in by these credentials. Nothing is sent to anybody.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations), directive = needs_login::apply())]
    async fn test_integration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which integration.")] input: TestIntegrationInput,
    ) -> Result<TestIntegrationPayload> {
        let trial = service::test(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(TestIntegrationPayload { is_ok: trial.is_ok, message: trial.message })
    }
}
