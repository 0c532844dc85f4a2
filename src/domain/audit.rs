//! The words of the audit log.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::NounId;

/// What happened, as the audit log calls it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "AuditAction")]
pub enum Action {
    /// Sending of every sort was stopped, everywhere; `metadata` has the reason.
    EverythingStopped,
    /// What had been stopped everywhere went on.
    EverythingResumed,
    /// The database was found to be a restored or copied one, and what could have been sent twice was paused; `metadata` has how that was
    /// known, and since when anything may be missing.
    DatabaseRestored,
    /// `herald check --fix` mended what contradicted itself in the database; `metadata` has what, and how many rows.
    DatabaseMended,
    /// Somebody signed in with a password.
    UserLogin,
    /// Somebody ended one session, or all.
    UserLogout,
    /// An admin ended a session of somebody; `metadata` has whose.
    UserSessionEnded,
    /// A password or a refresh token was refused; `metadata` says whose.
    UserLoginFailed,
    /// Somebody was given access.
    UserCreated,
    /// The role or the password of a user was changed by an admin.
    UserUpdated,
    /// The access of a user was ended for good.
    UserDeleted,
    /// Somebody changed the own password.
    UserPasswordChanged,
    /// Somebody made an API token for a script.
    ApiTokenCreated,
    /// An API token was ended before its time.
    ApiTokenRevoked,
    /// A role was refused what it may not do; `metadata` has the field.
    PermissionDenied,
    /// A broadcast campaign was made.
    CampaignCreated,
    /// Settings of a campaign were changed.
    CampaignUpdated,
    /// A campaign went, with its jobs.
    CampaignDeleted,
    /// A campaign was given the instant of its start, or another one.
    CampaignScheduled,
    /// A scheduled start was given up: overdue for too long, or not possible.
    CampaignScheduleMissed,
    /// The jobs were made, and the first may be sent.
    CampaignStarted,
    /// Sending was stopped until a resumption, by an operator or by Herald itself.
    CampaignPaused,
    /// Sending went on after a pause.
    CampaignResumed,
    /// The last job ended.
    CampaignCompleted,
    /// None of its accounts can ever send again.
    CampaignFailed,
    /// A campaign was ended for good before all was sent.
    CampaignCancelled,
    /// The failed jobs of a campaign were queued anew.
    CampaignJobsRetried,
    /// The messages that a campaign had sent were given another text; `metadata` has how many.
    CampaignMessagesEdited,
    /// The messages that a campaign had sent were taken back; `metadata` has how many.
    CampaignMessagesDeleted,
    /// One job was queued anew.
    JobRetried,
    /// One job was taken out before it was sent.
    JobCancelled,
    /// Somebody said what became of jobs whose fate nobody could know.
    JobsResolved,
    /// A list of channels was made.
    BatchCreated,
    /// The name, the notes or the channels of a batch were changed.
    BatchUpdated,
    /// A list of channels went; the channels stayed.
    BatchDeleted,
    /// A message was written.
    TemplateCreated,
    /// A message was changed.
    TemplateUpdated,
    /// A message went.
    TemplateDeleted,
    /// A channel was added by hand.
    ChannelCreated,
    /// What is known of a channel was corrected.
    ChannelUpdated,
    /// A channel left the catalog and its batches.
    ChannelDeleted,
    /// Telegram is to be asked about channels anew; `metadata` has how many.
    ChannelRefreshRequested,
    /// A list of channels was read to its end; `metadata` has the counts.
    ChannelImported,
    /// Campaigns stopped writing to a channel, because sends to it failed.
    ChannelDeactivated,
    /// A lead became known; `metadata` says from where, and how many campaigns got it.
    LeadCreated,
    /// What is known of a lead was corrected, or its status was set.
    LeadUpdated,
    /// A lead went, with its contacts and enrollments.
    LeadDeleted,
    /// A lead said on which channels it may be contacted, or not.
    LeadDoNotContactSet,
    /// Somebody lifted what was refused at an address; `metadata` has what and why.
    RefusalLifted,
    /// Leads were put into a retention campaign; `metadata` has how many.
    LeadsAssigned,
    /// Leads were taken out of a retention campaign; `metadata` has how many.
    LeadsRemoved,
    /// A retention campaign was made.
    RetentionCampaignCreated,
    /// Settings or the status of a retention campaign were changed.
    RetentionCampaignUpdated,
    /// A retention campaign went, with its assignments.
    RetentionCampaignDeleted,
    /// A retention campaign became ACTIVE because its start had come.
    RetentionCampaignActivated,
    /// A retention campaign became COMPLETED because its end had come.
    RetentionCampaignCompleted,
    /// A script was written.
    ScriptCreated,
    /// A script was changed.
    ScriptUpdated,
    /// A script went.
    ScriptDeleted,
    /// Somebody noted a contact that was made elsewhere.
    ContactAttemptRecorded,
    /// Somebody corrected what became of a contact.
    ContactAttemptCorrected,
    /// Somebody noted that a lead has answered.
    LeadReplied,
    /// Somebody had a callback processed once more.
    WebhookEventRetried,
    /// A rule for channels was made.
    ConversionRuleCreated,
    /// A rule for channels was changed.
    ConversionRuleUpdated,
    /// A rule for channels went.
    ConversionRuleDeleted,
    /// A Telegram account was given its session.
    SessionStringAdded,
    /// The session of a Telegram account was replaced.
    SessionStringRotated,
    /// The label, the limits or the use of a Telegram account were changed.
    TelegramAccountUpdated,
    /// A Telegram account went, with its session.
    TelegramAccountRemoved,
    /// Telegram told a sender to wait; `metadata` has the seconds.
    FloodWaitTriggered,
    /// Telegram closed an account.
    AccountBanned,
    /// A provider was given its credentials, or others.
    IntegrationSaved,
    /// A provider was switched on or off, or changed in what is no secret; `metadata` has both.
    IntegrationSwitched,
    /// The credentials of a provider went.
    IntegrationDeleted,
    /// A provider was asked whether its credentials hold.
    IntegrationTested,
    /// The mailbox to which bounces and answers come can't be read; `metadata` says why.
    MailboxFailed,
    /// Telegram lets an account send no more, until somebody does something about it; `metadata` says why.
    AccountParked,
    /// All secrets were encrypted under a new key; `metadata` says how many.
    SecretsRotated,
    /// A lead told a provider that it wants no more contacts on a channel.
    LeadOptedOut,
    /// A lead told a provider that it wants contacts on a channel again.
    LeadOptedIn,
    /// A campaign and its leads were brought to Instantly.
    RetentionCampaignSynced,
    /// Somebody recorded a conversion.
    ConversionRecorded,
    /// Somebody corrected a conversion; `metadata` has what it was and is.
    ConversionCorrected,
    /// Somebody took a conversion back for good; `metadata` has what it was.
    ConversionDeleted,
    /// Conversions were credited anew; `metadata` has the model.
    ConversionsAttributed,
    /// A process that sends began its work.
    WorkerStarted,
    /// A process that sends ended in order.
    WorkerStopped,
    /// A process that sends was told to claim nothing more, and to stay.
    WorkerDrained,
    /// A process that was drained claims again.
    WorkerResumed,
    /// A slot in the far future was a fault of a clock, and was mended.
    ClockCorrected,
    /// The database was brought to the version of the program.
    DatabaseMigration,
    /// Two leads that are one person became one; `metadata` has what moved.
    LeadsMerged,
    /// A person was erased; nothing here says who it was.
    LeadErased,
    /// Somebody took everything that is known of a lead.
    LeadExported,
    /// A test of two scripts was made.
    AbTestCreated,
    /// A test of two scripts that has not begun was changed.
    AbTestUpdated,
    /// A test of two scripts that had not begun went.
    AbTestDeleted,
    /// A test of two scripts began to divide contacts.
    AbTestStarted,
    /// A test of two scripts was ended without a winner; `metadata` has its numbers.
    AbTestStopped,
    /// A test of two scripts has a winner; `metadata` has its numbers.
    AbTestWinnerDeclared,
    /// A list of leads was read to its end; `metadata` has the counts.
    LeadsImported,
    /// Somebody ended an import before its time; `metadata` has the counts until then.
    ImportCancelled,
    /// Somebody ended a task before its time; `metadata` has how far it was.
    TaskCancelled,
    /// A task could not be done; `metadata` has why.
    TaskFailed,
    /// Somebody made a sequence of steps, a DRAFT.
    RetentionSequenceCreated,
    /// A retention sequence was changed.
    RetentionSequenceUpdated,
    /// A retention sequence was deleted, with its enrollments.
    RetentionSequenceDeleted,
    /// A retention sequence got new steps; who is on the way keeps the old ones.
    SequenceStepsReplaced,
    /// A retention sequence was activated, for the first time or again.
    RetentionSequenceActivated,
    /// Nobody goes on through a sequence until it is activated again.
    RetentionSequencePaused,
    /// A retention sequence was archived: its enrollments end.
    RetentionSequenceArchived,
    /// A lead was enrolled in a sequence.
    LeadEnrolled,
    /// A trigger enrolled leads; `metadata` has how many.
    LeadsEnrolled,
    /// A lead stops on its way through a sequence.
    EnrollmentPaused,
    /// A paused enrollment goes on.
    EnrollmentResumed,
    /// A lead was taken out of a sequence.
    EnrollmentCancelled,
    /// Old lines of this log moved to the archive; `metadata` has the file, and from where to where.
    AuditArchived,
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
            Self::EverythingStopped
            | Self::EverythingResumed
            | Self::DatabaseRestored
            | Self::DatabaseMended
            | Self::FloodWaitTriggered
            | Self::UserLoginFailed
            | Self::PermissionDenied
            | Self::ChannelDeactivated
            | Self::CampaignScheduleMissed
            | Self::CampaignFailed
            | Self::TaskFailed
            | Self::ClockCorrected
            | Self::MailboxFailed
            | Self::AccountParked => Severity::Warning,
            Self::AccountBanned => Severity::Critical,
            _ => Severity::Info,
        }
    }
}

/// What a line of the audit log is about: a noun, or nothing in particular. Typed ids turn into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject(Option<(&'static str, Uuid)>);

impl Subject {
    /// Nothing in particular.
    pub const NONE: Self = Self(None);

    /// The noun `kind` with this id.
    pub const fn new(kind: &'static str, id: Uuid) -> Self {
        Self(Some((kind, id)))
    }

    /// The noun's type, as the API calls it.
    pub fn kind(self) -> Option<&'static str> {
        self.0.map(|(kind, _)| kind)
    }

    /// Which one.
    pub fn id(self) -> Option<Uuid> {
        self.0.map(|(_, id)| id)
    }
}

impl<I: NounId> From<I> for Subject {
    fn from(id: I) -> Self {
        Self::new(I::NAME, id.uuid())
    }
}

impl<I: NounId> From<Option<I>> for Subject {
    fn from(id: Option<I>) -> Self {
        id.map_or(Self::NONE, Self::from)
    }
}
