//! Who may what: the roles, the permissions, and the one table that joins them.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What a user may do.
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
#[graphql(name = "UserRole")]
pub enum Role {
    /// Reads campaigns, reports and audit logs; changes nothing.
    Auditor,
    /// Works with channels, batches, templates and campaigns.
    Operator,
    /// May do everything, users and accounts included.
    Admin,
}

/// One right. Each field of the API names the one that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, async_graphql::Enum)]
pub enum Permission {
    /// Everyone has it, signed in or not.
    Anyone,
    /// Any signed-in user.
    SignedIn,
    /// Change one's own password.
    ChangeOwnPassword,
    /// Make, see and revoke one's own API tokens.
    OwnApiTokens,
    /// See the users.
    ReadUsers,
    /// Create, change and delete users.
    WriteUsers,
    /// See the channels, batches, templates, campaigns, jobs and imports.
    ReadBroadcast,
    /// Create and import channels.
    CreateChannels,
    /// Change, delete and refresh channels.
    WriteChannels,
    /// Create, change and run batches, templates and campaigns.
    WriteCampaigns,
    /// Retry, cancel and resolve single jobs.
    WriteJobs,
    /// See the audit log.
    ReadAudit,
    /// See leads, retention campaigns, scripts, attempts, conversions, sequences, tests and reports.
    ReadRetention,
    /// See how leads are reached, and what people noted of them.
    ReadContacts,
    /// Create, change, import and run what belongs to retention.
    WriteRetention,
    /// Erase a person for good.
    EraseLeads,
    /// See, set up and try the credentials of providers.
    ManageIntegrations,
    /// See, add, change and remove the Telegram accounts that send.
    TelegramAccounts,
    /// Stop all sends, and let them go on.
    StopEverything,
    /// See and end the sessions of others, see the processes that send and drain them, and see what keeps the database busy.
    Administer,
}

impl Role {
    /// The table of the contract, *Who may what*.
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::Anyone => true,
            P::SignedIn | P::ReadUsers | P::ReadBroadcast | P::ReadAudit | P::ReadRetention
                if matches!(self, Self::Auditor) =>
            {
                true
            }
            P::SignedIn
            | P::ReadBroadcast
            | P::ChangeOwnPassword
            | P::OwnApiTokens
            | P::CreateChannels
            | P::WriteCampaigns
            | P::ReadRetention
            | P::ReadContacts
            | P::WriteRetention
                if matches!(self, Self::Operator) =>
            {
                true
            }
            _ => matches!(self, Self::Admin),
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Admin => "ADMIN",
            Self::Operator => "OPERATOR",
            Self::Auditor => "AUDITOR",
        })
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn an_auditor_only_reads_and_an_admin_does_everything() {
        use Permission as P;
        let of = |role: Role| P::iter().filter(|permission| role.may(*permission)).collect::<Vec<_>>();
        assert_eq!(of(Role::Admin).len(), P::iter().count());
        assert_eq!(
            of(Role::Auditor),
            [P::Anyone, P::SignedIn, P::ReadUsers, P::ReadBroadcast, P::ReadAudit, P::ReadRetention]
        );
        assert_eq!(
            of(Role::Operator),
            [
                P::Anyone,
                P::SignedIn,
                P::ChangeOwnPassword,
                P::OwnApiTokens,
                P::ReadBroadcast,
                P::CreateChannels,
                P::WriteCampaigns,
                P::ReadRetention,
                P::ReadContacts,
                P::WriteRetention,
            ]
        );
    }
}
