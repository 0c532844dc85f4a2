//! Typed ids: a lead's where a channel's is wanted does not compile.

use std::fmt::{Debug, Display};
use std::hash::Hash;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::clock::nanos_of_ids;
use crate::role::Permission;

/// An id as the API shows it: base64url of `Type:<uuid>`, so that an id says of itself what it names.
pub fn global(name: &str, uuid: Uuid) -> String {
    let mut digits = Uuid::encode_buffer();
    let uuid = uuid.hyphenated().encode_lower(&mut digits);
    URL_SAFE_NO_PAD.encode([name, ":", uuid].concat())
}

/// A new `UUIDv7` of the fleet's time, whatever this machine takes for the time of day: ids of one process never fall behind each
/// other, but where its clock was set back by more than a second.
pub fn time_sorted() -> Uuid {
    const BACK: i64 = 1_000_000_000;
    static LAST: Mutex<(i64, ContextV7)> = Mutex::new((0, ContextV7::new()));
    let nanos = nanos_of_ids();
    let mut last = LAST.lock();
    if nanos < last.0 - BACK {
        // The counter would go on at the latest time that it has seen.
        last.1 = ContextV7::new();
    }
    last.0 = nanos;
    let seconds = u64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(0);
    let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(&last.1, seconds, rest))
}

/// The id of a noun: something that the API, the audit log or an error names.
pub trait NounId: Copy + Eq + Ord + Hash + Debug + Display + Into<sea_orm::Value> + Send + Sync + 'static {
    /// The noun's type, as the API and the audit log call it.
    const NAME: &'static str;
    /// The noun, as people are told of it.
    const WORD: &'static str;
    /// The permission that finding it by its id alone needs; None if it can't be found so.
    const READ: Option<Permission>;

    /// The id without its type.
    fn uuid(self) -> Uuid;

    /// The id that names this row.
    fn from_uuid(uuid: Uuid) -> Self;

    /// The id as the API shows it.
    fn global_id(self) -> String {
        global(Self::NAME, self.uuid())
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident $(: $name:literal, $word:literal $(, $read:ident)?)?;)+) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            sea_orm::DeriveValueType, serde::Serialize, serde::Deserialize,
        )]
        pub struct $id(pub Uuid);

        impl $id {
            /// A new id. `UUIDv7`: sorts by the time of its making, so it is the keyset too.
            pub fn generate() -> Self {
                Self(time_sorted())
            }
        }

        // sea-orm 2.0.4 does not derive this for a newtype of Uuid.
        impl sea_orm::TryFromU64 for $id {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($id)))
            }
        }

        impl Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                Display::fmt(&self.0, f)
            }
        }

        $(
            impl NounId for $id {
                const NAME: &'static str = $name;
                const WORD: &'static str = $word;
                const READ: Option<Permission> = ids!(@read $($read)?);

                fn uuid(self) -> Uuid {
                    self.0
                }

                fn from_uuid(uuid: Uuid) -> Self {
                    Self(uuid)
                }
            }
        )?
    )+};
    (@read) => { None };
    (@read $permission:ident) => { Some(Permission::$permission) };
}

// A noun's line: its id, its type in the API, the word for people, and the permission that reads it.
ids!(
    /// A person or script that signs in.
    UserId: "User", "user", ReadUsers;
    /// A session of a user, from a login on: the family of its refresh tokens.
    SessionId: "Session", "session", Administer;
    /// A refresh token of a session.
    RefreshTokenId;
    /// An API token of a script.
    ApiTokenId: "ApiToken", "API token", OwnApiTokens;
    /// A Telegram channel.
    ChannelId: "Channel", "channel", ReadBroadcast;
    /// A list of channels.
    BatchId: "Batch", "batch", ReadBroadcast;
    /// A message to be sent.
    TemplateId: "Template", "template", ReadBroadcast;
    /// A broadcast campaign.
    BroadcastCampaignId: "BroadcastCampaign", "broadcast campaign", ReadBroadcast;
    /// One message of a campaign to one channel.
    JobId: "Job", "job", ReadBroadcast;
    /// A line of the audit log.
    AuditLogId: "AuditLog", "audit line", ReadAudit;
    /// An uploaded file.
    UploadId: "Upload", "upload";
    /// An import of channels.
    ChannelImportId: "ChannelImport", "channel import", ReadBroadcast;
    /// A process that leases jobs, for as long as it runs.
    SenderId: "Worker", "worker", Administer;
    /// The data folder of a process: uploads lie there.
    NodeId;
    /// A Telegram account that sends.
    TelegramAccountId: "TelegramAccount", "Telegram account", TelegramAccounts;
    /// A person that retention writes to.
    LeadId: "Lead", "lead", ReadRetention;
    /// What a lead agreed to.
    ConsentId;
    /// What was refused at an address.
    RefusalId: "Refusal", "refusal", ReadContacts;
    /// A retention campaign.
    RetentionCampaignId: "RetentionCampaign", "retention campaign", ReadRetention;
    /// A lead in a retention campaign.
    CampaignLeadId: "CampaignLead", "campaign lead", ReadRetention;
    /// A contact to a lead.
    ContactAttemptId: "ContactAttempt", "contact attempt", ReadRetention;
    /// A text for leads.
    ScriptId: "Script", "script", ReadRetention;
    /// What came of contacts.
    ConversionId: "Conversion", "conversion", ReadRetention;
    /// A rule that skips a channel.
    ConversionRuleId: "ConversionRule", "conversion rule", ReadRetention;
    /// A retention sequence.
    RetentionSequenceId: "RetentionSequence", "retention sequence", ReadRetention;
    /// A step of a retention sequence.
    SequenceStepId: "SequenceStep", "sequence step", ReadRetention;
    /// A lead in a retention sequence.
    SequenceEnrollmentId: "SequenceEnrollment", "enrollment", ReadRetention;
    /// A step for a lead.
    SequenceStepExecutionId: "SequenceStepExecution", "step execution", ReadRetention;
    /// How a provider is reached.
    IntegrationConfigId: "IntegrationConfig", "integration config", ManageIntegrations;
    /// A test of two scripts.
    AbTestId: "AbTest", "A/B test", ReadRetention;
    /// An import of leads.
    LeadImportId: "LeadImport", "lead import", ReadRetention;
    /// Work over many rows, done in chunks.
    TaskId: "Task", "task", ReadBroadcast;
    /// A callback of a provider.
    WebhookEventId: "WebhookEvent", "webhook event", ReadContacts;
);
