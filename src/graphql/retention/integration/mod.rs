//! Integrations: what providers are set up, and by what credentials, of which nothing but a hint is shown.

use crate::prelude::*;
use ::service::retention::mailbox;
use domain::id::IntegrationConfigId;
use domain::retention::credentials::{Kind, Provider};
use storage::retention::integration_config::Model;

mod input;
pub mod list;
pub mod mutations;

/// How a provider is reached. Its credentials are sealed in the database, and nobody is shown them again.
#[derive(Description)]
pub struct IntegrationConfig(Model);

node!(IntegrationConfig: IntegrationConfigId, Model);

/// One of the credentials, as far as it may be shown.
#[derive(SimpleObject)]
struct IntegrationField {
    /// What it is, as the field of the input that it was given in.
    name: String,
    /// Its value; of a secret no more than `****` and its last four characters.
    value: String,
}

/// The mailbox that is read by IMAP.
#[derive(SimpleObject)]
struct IntegrationMailbox {
    /// When it was last read to its end; null if that never was so.
    read_at: Option<DateTime>,
    /// Why it can't be read, in a sentence that says what to do; null if it can. Bounces and answers wait there until it can.
    error: Option<String>,
    /// Since when it can't be read; null if it can.
    first_failed_at: Option<DateTime>,
}

#[Object(use_type_description)]
impl IntegrationConfig {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Who is reached by it; each provider has one integration at most.
    async fn provider(&self) -> Result<Provider> {
        self.known()
    }

    /// What the provider is for.
    #[graphql(name = "type")]
    async fn kind(&self) -> Result<Kind> {
        Ok(self.known()?.kind())
    }

    /// Whether it is used. One that is not keeps its credentials.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// The credentials, as far as they may be shown.
    async fn fields(&self) -> Vec<IntegrationField> {
        let hints = self.0.hints.as_array().cloned().unwrap_or_default();
        let text = |hint: &serde_json::Value, name: &str| hint[name].as_str().unwrap_or_default().to_owned();
        hints.iter().map(|hint| IntegrationField { name: text(hint, "name"), value: text(hint, "value") }).collect()
    }

    /// How the mailbox stands to which bounces and answers come; null if none is read, or it was not looked at yet.
    async fn mailbox(&self, ctx: &Context<'_>) -> Result<Option<IntegrationMailbox>> {
        if self.0.provider != Provider::Smtp.name() {
            return Ok(None);
        }
        let found = mailbox::state(ctx.services(), self.0.id).await?;
        Ok(found.map(|state| IntegrationMailbox {
            read_at: state.read_at.map(Into::into),
            first_failed_at: state.first_failed_at.map(Into::into),
            error: state.error,
        }))
    }

    /// When it was first saved.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last saved.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

impl IntegrationConfig {
    fn known(&self) -> Result<Provider> {
        Provider::named(&self.0.provider).ok_or_else(|| Error::internal(anyhow::anyhow!("an unknown provider")))
    }
}
