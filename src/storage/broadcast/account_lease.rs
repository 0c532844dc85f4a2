//! Leases of accounts: the process that may connect one, and the account's own pace (R15, R16).

use sea_orm::entity::prelude::*;

use domain::id::{SenderId, TelegramAccountId};

/// The lease of an account. Its sign of life is its holder's.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_leases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: TelegramAccountId,
    /// The process that may connect it; None: nobody has a connection.
    pub holder_id: Option<SenderId>,
    /// Raised whenever it goes from hand to hand: what was leased before settles nothing any more.
    pub epoch: i64,
    /// The last slot of the account's own pace, in nanoseconds since 1970.
    pub last_slot: i64,
    /// Channels in a row that refused this account: several are no accident.
    pub refusals: i32,
    /// Nobody connects it before: a holder that fell silent may stand still, with its socket open.
    pub quiet_until: Option<DateTimeUtc>,
}

joins_nothing!();

impl Entity {
    /// The leases of a process.
    pub fn held_by(holder: SenderId) -> Select<Self> {
        Self::find().filter(Column::HolderId.eq(holder))
    }

    /// The leases of these accounts.
    pub fn of(accounts: &[TelegramAccountId]) -> Select<Self> {
        Self::find().filter(Column::AccountId.is_in(accounts.iter().copied()))
    }
}
