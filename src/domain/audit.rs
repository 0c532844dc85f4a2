//! The words of the audit log.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What happened, as the audit log calls it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "AuditAction")]
#[expect(missing_docs, reason = "each is NOUN_VERB of what it records; the API describes the enum as a whole")]
pub enum Action {
    UserLogin,
    UserLogout,
    UserLoginFailed,
    UserCreated,
    UserUpdated,
    UserDeleted,
    UserPasswordChanged,
    ApiTokenCreated,
    ApiTokenRevoked,
    PermissionDenied,
    CampaignCreated,
    CampaignUpdated,
    CampaignDeleted,
    CampaignScheduled,
    CampaignScheduleMissed,
    CampaignStarted,
    CampaignPaused,
    CampaignResumed,
    CampaignCompleted,
    CampaignCancelled,
    CampaignJobsRetried,
    JobRetried,
    JobCancelled,
    JobsResolved,
    BatchCreated,
    BatchUpdated,
    BatchDeleted,
    TemplateCreated,
    TemplateUpdated,
    TemplateDeleted,
    ChannelCreated,
    ChannelUpdated,
    ChannelDeleted,
    ChannelImported,
    ChannelDeactivated,
    SessionStringAdded,
    SessionStringRotated,
    FloodWaitTriggered,
    AccountBanned,
    WorkerStarted,
    WorkerStopped,
    ClockCorrected,
    DatabaseMigration,
}

/// How much a line of the audit log matters.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "LogSeverity")]
pub enum Severity {
    /// For those who look for a fault.
    Debug,
    /// The ordinary course of things.
    Info,
    /// Somebody should have a look.
    Warning,
    /// Something did not work.
    Error,
    /// Somebody must act.
    Critical,
}

impl Action {
    /// The severity that goes with this action.
    pub const fn severity(self) -> Severity {
        match self {
            Self::FloodWaitTriggered | Self::UserLoginFailed | Self::PermissionDenied | Self::ChannelDeactivated => {
                Severity::Warning
            }
            Self::CampaignScheduleMissed | Self::ClockCorrected => Severity::Warning,
            Self::AccountBanned => Severity::Critical,
            _ => Severity::Info,
        }
    }
}
