//! Adding, changing and removing Telegram accounts.

use secrecy::SecretString;

use crate::prelude::*;
use ::service::broadcast::telegram_account::{self as service, Budget};
use domain::id::TelegramAccountId;

/// The Telegram account that is to be added.
#[derive(InputObject)]
struct AddTelegramAccountInput {
    /// What people call it: 1 to 200 characters.
    label: String,
    /// A session that no other program uses, as Telethon, `GramJS` or Pyrogram write it. It is stored encrypted, and never
    /// shown again. `herald telegram login` makes one from a telephone number.
    session_string: String,
    /// The number of your application, from my.telegram.org. Without it, that of the setting `HERALD_TELEGRAM_API_ID`.
    api_id: Option<i32>,
    /// The hash of your application, 32 hexadecimal digits. It is stored encrypted, and never shown again.
    api_hash: Option<String>,
    /// Messages a minute at most, over all campaigns, from 1 to 6,000. Telegram tells nobody its limits, and bans those who
    /// ignore them; the default is careful.
    #[graphql(default_with = "Budget::CAREFUL.messages_per_minute")]
    messages_per_minute: i32,
    /// Channels a day at most that it has not written to before, from 0 to 100,000.
    #[graphql(default_with = "Budget::CAREFUL.new_peers_per_day")]
    new_peers_per_day: i32,
    /// Usernames a day at most that it looks up, from 0 to 100,000.
    #[graphql(default_with = "Budget::CAREFUL.resolves_per_day")]
    resolves_per_day: i32,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The Telegram account that was added.
#[derive(SimpleObject)]
struct AddTelegramAccountPayload {
    /// The account, which sends from now on.
    account: TelegramAccount,
}

/// The session that an account is to have.
#[derive(InputObject)]
struct RotateTelegramSessionInput {
    /// Which account.
    id: ID,
    /// A session that no other program uses, as Telethon, `GramJS` or Pyrogram write it; best of the same Telegram user.
    session_string: String,
    /// The number of another application; without it the account's stays.
    api_id: Option<i32>,
    /// The hash of another application; without it the account's stays.
    api_hash: Option<String>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The account with its new session.
#[derive(SimpleObject)]
struct RotateTelegramSessionPayload {
    /// The account, which sends by the new session from now on.
    account: TelegramAccount,
}

/// What an admin can say of an account's state; the other states are Telegram's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum TelegramAccountUse {
    /// In use. It releases an account that is RESTRICTED or FROZEN: do that only once Telegram has.
    Active,
    /// Out of use: it starts no send after the mutation has answered.
    Disabled,
}

/// What is to change of a Telegram account. What is left out stays.
#[derive(InputObject)]
struct UpdateTelegramAccountInput {
    /// Which account.
    id: ID,
    /// What people call it: 1 to 200 characters.
    label: Option<String>,
    /// Messages a minute at most, over all campaigns, from 1 to 6,000; it acts on the next message.
    messages_per_minute: Option<i32>,
    /// Channels a day at most that it has not written to before, from 0 to 100,000.
    new_peers_per_day: Option<i32>,
    /// Usernames a day at most that it looks up, from 0 to 100,000.
    resolves_per_day: Option<i32>,
    /// Into use or out of it. A wait that Telegram asked for is waited for all the same.
    status: Option<TelegramAccountUse>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The Telegram account that was changed.
#[derive(SimpleObject)]
struct UpdateTelegramAccountPayload {
    /// The account, as it is now.
    account: TelegramAccount,
}

/// The Telegram account that is to go.
#[derive(InputObject)]
struct RemoveTelegramAccountInput {
    /// Which account.
    id: ID,
}

/// The Telegram account that went.
#[derive(SimpleObject)]
struct RemoveTelegramAccountPayload {
    /// The id that it had.
    removed_id: ID,
}

/// Adds, changes and removes Telegram accounts.
#[derive(Default)]
pub struct TelegramAccountMutation;

#[Object]
impl TelegramAccountMutation {
    /// Adds an account: connects, asks Telegram whose session it is, and stores it encrypted. A session that Telegram does
    /// not know, and a Telegram user that is there already, are refused, and nothing is left of them.
    #[graphql(directive = requires::apply(Permission::TelegramAccounts), directive = needs_login::apply())]
    async fn add_telegram_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account.")] input: AddTelegramAccountInput,
    ) -> Result<AddTelegramAccountPayload> {
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat.clone())?);
        let account = once(on, &actor, service::add(on, &actor, new(input))).await?;
        Ok(AddTelegramAccountPayload { account: account.into() })
    }

    /// Gives an account another session. If it is of another Telegram user, jobs that the old one may have sent become
    /// UNKNOWN, and its waits and counts begin anew.
    #[graphql(directive = requires::apply(Permission::TelegramAccounts), directive = needs_login::apply())]
    async fn rotate_telegram_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account, and its session.")] input: RotateTelegramSessionInput,
    ) -> Result<RotateTelegramSessionPayload> {
        let RotateTelegramSessionInput { id, session_string, api_id, api_hash, expected_version, repeat } = input;
        let rotation = service::Rotation {
            session: session_string.into(),
            api_id,
            api_hash: api_hash.map(SecretString::from),
            expected_version,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let account = once(on, &actor, service::rotate(on, &actor, id.input("id")?, rotation)).await?;
        Ok(RotateTelegramSessionPayload { account: account.into() })
    }

    /// Changes the label or the limits of an account, takes it out of use, or puts it into use again.
    #[graphql(directive = requires::apply(Permission::TelegramAccounts), directive = needs_login::apply())]
    async fn update_telegram_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account, and what changes.")] input: UpdateTelegramAccountInput,
    ) -> Result<UpdateTelegramAccountPayload> {
        let (id, change) = change(input)?;
        let account = service::update(ctx.services(), &ctx.actor(), id, change).boxed().await?;
        Ok(UpdateTelegramAccountPayload { account: account.into() })
    }

    /// Removes an account and its session. Refused while a campaign that has not ended was given it. Jobs that it may have
    /// sent become UNKNOWN; what it sent stays listed. At Telegram the session stays signed in: end it there.
    #[graphql(directive = requires::apply(Permission::TelegramAccounts), directive = needs_login::apply())]
    async fn remove_telegram_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account.")] input: RemoveTelegramAccountInput,
    ) -> Result<RemoveTelegramAccountPayload> {
        let removed = service::remove(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(RemoveTelegramAccountPayload { removed_id: removed.id.global() })
    }
}

fn new(input: AddTelegramAccountInput) -> service::New {
    let AddTelegramAccountInput {
        label,
        session_string,
        api_id,
        api_hash,
        messages_per_minute,
        new_peers_per_day,
        resolves_per_day,
        repeat: _,
    } = input;
    service::New {
        label,
        session: session_string.into(),
        api_id,
        api_hash: api_hash.map(SecretString::from),
        budget: Budget { messages_per_minute, new_peers_per_day, resolves_per_day },
    }
}

fn change(input: UpdateTelegramAccountInput) -> Result<(TelegramAccountId, service::Change)> {
    let UpdateTelegramAccountInput {
        id,
        label,
        messages_per_minute,
        new_peers_per_day,
        resolves_per_day,
        status,
        expected_version,
    } = input;
    let change = service::Change {
        label,
        messages_per_minute,
        new_peers_per_day,
        resolves_per_day,
        is_active: status.map(|status| status == TelegramAccountUse::Active),
        expected_version,
    };
    Ok((id.input("id")?, change))
}
