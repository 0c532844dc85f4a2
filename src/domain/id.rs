//! Typed ids: a lead's where a channel's is wanted does not compile.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// An id as the API shows it: base64url of `Type:<uuid>`, so that an id says of itself what it names.
pub fn global(name: &str, uuid: Uuid) -> String {
    let mut digits = Uuid::encode_buffer();
    let uuid = uuid.hyphenated().encode_lower(&mut digits);
    URL_SAFE_NO_PAD.encode([name, ":", uuid].concat())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            sea_orm::DeriveValueType, serde::Serialize, serde::Deserialize,
        )]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id. `UUIDv7`: sorts by the time of its making, so it is the keyset too.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        // sea-orm 2.0.4 does not derive this for a newtype of Uuid.
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids!(
    /// A person or script that signs in.
    UserId,
    /// A refresh token of a session.
    RefreshTokenId,
    /// An API token of a script.
    ApiTokenId,
    /// A Telegram channel.
    ChannelId,
    /// A list of channels.
    BatchId,
    /// A message to be sent.
    TemplateId,
    /// A broadcast campaign.
    BroadcastCampaignId,
    /// One message of a campaign to one channel.
    JobId,
    /// A line of the audit log.
    AuditLogId,
    /// An uploaded file.
    UploadId,
    /// An import of channels.
    ChannelImportId,
    /// A process that leases jobs, for as long as it runs.
    SenderId,
    /// The data folder of a process: uploads lie there.
    NodeId,
    /// A Telegram account that sends.
    TelegramAccountId,
    /// A person that retention writes to.
    LeadId,
    /// What a lead agreed to.
    ConsentId,
    /// A retention campaign.
    RetentionCampaignId,
    /// A lead in a retention campaign.
    CampaignLeadId,
    /// A contact to a lead.
    ContactAttemptId,
    /// A text for leads.
    ScriptId,
    /// What came of contacts.
    ConversionId,
    /// A rule that skips a channel.
    ConversionRuleId,
    /// A retention sequence.
    RetentionSequenceId,
    /// A step of a retention sequence.
    SequenceStepId,
    /// A lead in a retention sequence.
    SequenceEnrollmentId,
    /// A step for a lead.
    SequenceStepExecutionId,
    /// How a provider is reached.
    IntegrationConfigId,
    /// A test of two scripts.
    AbTestId,
    /// An import of leads.
    LeadImportId,
    /// A callback of a provider.
    WebhookEventId,
);
