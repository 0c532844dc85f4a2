//! Looking at an account: whether Telegram lets it in. Nothing is sent.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::greet::refusal;
use super::{credentials, require_live};
use crate::Services;
use crate::broadcast::delivery::account::{acquire, release};
use domain::error::{Error, Result};
use storage::broadcast::queue::senders;
use storage::broadcast::telegram_account::Model;
use storage::broadcast::{account_lease, sender};
use telegram::live::Connection;

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Telegram lets it in.
    Well,
    /// A process holds it, so that nobody else may connect it (R17); what that process knows is in the account's state.
    Held {
        /// The host and the process.
        by: String,
    },
    /// What is wrong with it.
    Trouble(String),
}

/// Looks at accounts one by one, each under its lease. `holder` is this process.
pub async fn check(
    on: &Services,
    holder: sender::Model,
    accounts: &[Model],
    mut tell: impl FnMut(&Model, &Finding),
) -> Result<()> {
    require_live(on)?;
    // Without a data folder it is no process that sends, and no account is set aside for it.
    let holder = sender::Model { data_dir: String::new(), ..holder };
    let row = &holder;
    on.system_write(|w| async move { Ok(row.clone().into_active_model().insert(&w).await?) }).await?;
    for account in accounts {
        // One account takes ten seconds at most: nobody takes this process for dead meanwhile.
        senders::beat(&on.db, holder.id, holder.epoch, None).await?;
        let finding = look(on, &holder, account).await;
        if finding.is_err() {
            senders::end(&on.db, holder.id, on.now()).await?;
        }
        tell(account, &finding?);
    }
    senders::end(&on.db, holder.id, on.now()).await
}

async fn look(on: &Services, holder: &sender::Model, account: &Model) -> Result<Finding> {
    let Some(held) = acquire(on, holder, account.id).await? else { return held_by(on, account).await };
    if !held.quiet.is_zero() {
        release(on, holder.id, account.id, held.epoch).await?;
        let by = format!("a process that fell silent; ask again in {} seconds", held.quiet.as_secs() + 1);
        return Ok(Finding::Held { by });
    }
    let finding = match credentials(on, &held.account) {
        Ok(credentials) => match Connection::connect(credentials).await {
            Ok((connection, _)) => {
                connection.close().await;
                Finding::Well
            }
            Err(fault) => Finding::Trouble(refusal(&fault).to_string()),
        },
        Err(Error::Internal(cause)) => Finding::Trouble(cause.to_string()),
        Err(error) => Finding::Trouble(error.to_string()),
    };
    release(on, holder.id, account.id, held.epoch).await?;
    Ok(finding)
}

async fn held_by(on: &Services, account: &Model) -> Result<Finding> {
    let lease = account_lease::Entity::of(&[account.id]).one(on.db.reader()).await?;
    let holder = match lease.and_then(|lease| lease.holder_id) {
        Some(holder) => sender::Entity::find_by_id(holder).one(on.db.reader()).await?,
        None => None,
    };
    let by =
        holder.map_or_else(|| "another process".into(), |holder| format!("{}, process {}", holder.host, holder.pid));
    Ok(Finding::Held { by })
}
