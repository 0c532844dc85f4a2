//! An account goes.

use sea_orm::EntityTrait;
use serde_json::json;

use super::carried;
use super::detach::detach;
use crate::broadcast::usage;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::Result;
use domain::id::TelegramAccountId;
use events::Event;
use storage::broadcast::campaign;
use storage::broadcast::telegram_account::{Entity, Model};

/// Removes an account with its key. Its jobs that may have been sent become UNKNOWN; what it sent stays listed.
///
/// # Errors
/// [`Error::Precondition`](domain::error::Error::Precondition) while a campaign that has not ended was given it.
pub async fn remove(on: &Services, actor: &Actor, id: TelegramAccountId) -> Result<Model> {
    // Asked before it is taken out of use, and again in the transaction that removes it.
    on.write(actor, |w| async move { refuse_chosen(&w, id).await.map(drop) }).await?;
    let (on, actor) = (on.clone(), actor.clone());
    let task = tokio::spawn(async move {
        detach(&on, id).await?;
        let removed = on.write(&actor, |w| async move {
            let account = refuse_chosen(&w, id).await?;
            storage::broadcast::campaign_account::Entity::forget(id).exec(&w).await?;
            Entity::delete_by_id(id).exec(&w).await?;
            w.tell(Event::Account(id));
            carried::keep(&w, &account).await?;
            let user = account.telegram_user_id.map(|user| user.to_string());
            let told = json!({ "label": account.label, "telegramUserId": user });
            w.note(Action::TelegramAccountRemoved, id, told).await?;
            Ok(account)
        });
        removed.await
    });
    task.await.map_err(domain::error::Error::internal)?
}

async fn refuse_chosen(w: &Write, id: TelegramAccountId) -> Result<Model> {
    let account = w.require(id).await?;
    usage::refuse(w, campaign::Entity::waiting_for(id), "the account is needed by").await?;
    Ok(account)
}
