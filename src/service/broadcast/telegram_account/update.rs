//! Label, limits, and whether an account is in use.

use serde_json::json;

use super::{Budget, works};
use crate::access::changes::with_changes;
use crate::{Actor, Services, barrier};
use domain::audit::Action;
use domain::broadcast::AccountStatus;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::TelegramAccountId;
use events::Event;
use storage::broadcast::telegram_account::Model;

/// The changes of an account; None leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// 1 to 200 characters.
    pub label: Option<String>,
    /// Acts on the next message.
    pub messages_per_minute: Option<i32>,
    /// Acts at once.
    pub new_peers_per_day: Option<i32>,
    /// Acts at once.
    pub resolves_per_day: Option<i32>,
    /// Into use, or out of it.
    pub is_active: Option<bool>,
    /// Only if this is still its version.
    pub expected_version: Option<i32>,
}

/// Changes an account. Out of use, it starts no send after this has returned.
pub async fn update(on: &Services, actor: &Actor, id: TelegramAccountId, change: Change) -> Result<Model> {
    let change = &change;
    if actor.is_mistaken() {
        // What is wrong with it whatever the account has.
        settings(change, "any".to_owned(), Budget::CAREFUL)?;
    }
    let changed = on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("Telegram account", old.version, change.expected_version)?;
        let new = w.replace(&old, changed(on, old.clone(), change)?).await?;
        w.tell(Event::Account(id));
        let metadata = json!({ "label": new.label, "from": old.status, "to": new.status });
        w.note(Action::TelegramAccountUpdated, id, with_changes(metadata, &old, &new)).await?;
        Ok((old.status, new))
    });
    let (was, changed) = changed.await?;
    if works(was) && !works(changed.status) {
        barrier::wait(on).await;
    }
    Ok(changed)
}

/// The label and the limits as they would be, or all that is wrong with them.
fn settings(change: &Change, label: String, budget: Budget) -> Result<(String, Budget)> {
    let mut wrong = Violations::default();
    let label = change.label.as_ref().map_or(label, |written| super::label(&mut wrong, written));
    let budget = Budget {
        messages_per_minute: change.messages_per_minute.unwrap_or(budget.messages_per_minute),
        new_peers_per_day: change.new_peers_per_day.unwrap_or(budget.new_peers_per_day),
        resolves_per_day: change.resolves_per_day.unwrap_or(budget.resolves_per_day),
    };
    budget.check(&mut wrong);
    wrong.into_result()?;
    Ok((label, budget))
}

/// The row as it would be, or all that is wrong with it.
fn changed(on: &Services, old: Model, change: &Change) -> Result<Model> {
    let Model { messages_per_minute, new_peers_per_day, resolves_per_day, .. } = old;
    let had = Budget { messages_per_minute, new_peers_per_day, resolves_per_day };
    let (label, budget) = settings(change, old.label.clone(), had)?;
    let waits = old.send_not_before.is_some_and(|until| until > on.now());
    let status = match change.is_active {
        None => old.status,
        Some(false) => AccountStatus::Disabled,
        Some(true) => into_use(old.status, waits)?,
    };
    let last_error = old.last_error.filter(|_| status == old.status);
    let Budget { messages_per_minute, new_peers_per_day, resolves_per_day } = budget;
    Ok(Model { label, status, last_error, messages_per_minute, new_peers_per_day, resolves_per_day, ..old })
}

/// The state of an account that an admin puts into use: what Telegram asked to wait for is waited for all the same.
fn into_use(from: AccountStatus, waits: bool) -> Result<AccountStatus> {
    use AccountStatus as S;
    match from {
        S::NeedsLogin | S::Banned => {
            let how = "give it a session that works with rotateTelegramSession";
            Err(Error::Precondition(format!("the account is {from}: {how}")))
        }
        S::FloodWait | S::Restricted | S::Frozen | S::Disabled if waits => Ok(S::FloodWait),
        S::Active | S::FloodWait | S::Restricted | S::Frozen | S::Disabled => Ok(S::Active),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_released_but_its_wait_is_obeyed() {
        use AccountStatus as S;
        for from in [S::Restricted, S::Frozen, S::Disabled, S::FloodWait] {
            assert_eq!(into_use(from, false).unwrap(), S::Active);
            assert_eq!(into_use(from, true).unwrap(), S::FloodWait);
        }
        assert!(into_use(S::Banned, false).is_err() && into_use(S::NeedsLogin, false).is_err());
    }
}
