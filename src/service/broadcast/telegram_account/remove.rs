//! An account goes.

use sea_orm::EntityTrait;
use serde_json::json;

use super::detach::detach;
use super::subject;
use crate::access::audit;
use crate::broadcast::usage;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::Result;
use domain::id::TelegramAccountId;
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::broadcast::campaign;
use storage::broadcast::telegram_account::{Entity, Model};

/// Removes an account with its key. Its jobs that may have been sent become UNKNOWN; what it sent stays listed.
///
/// # Errors
/// [`Error::Precondition`](domain::error::Error::Precondition) while a campaign that has not ended was given it.
pub async fn remove(on: &Services, actor: &Actor, id: TelegramAccountId) -> Result<Model> {
    // Asked before it is taken out of use, and again in the transaction that removes it.
    on.db.write(|tx| async move { refuse_chosen(&tx, id).await }).await?;
    let (on, actor) = (on.clone(), actor.clone());
    let task = tokio::spawn(async move {
        detach(&on, id).await?;
        let (on, actor) = (&on, &actor);
        let removed = on.db.write(|tx| async move { delete(on, &tx, actor, id).await }).await?;
        on.tell(Event::Account(id));
        on.tell(Event::Audit);
        Ok(removed)
    });
    task.await.map_err(domain::error::Error::internal)?
}

async fn refuse_chosen(tx: &Tx, id: TelegramAccountId) -> Result<()> {
    Entity::require(tx, id).await?;
    usage::refuse(tx, campaign::Entity::waiting_for(id), "the account is needed by").await
}

async fn delete(on: &Services, tx: &Tx, actor: &Actor, id: TelegramAccountId) -> Result<Model> {
    refuse_chosen(tx, id).await?;
    let account = Entity::require(tx, id).await?;
    storage::broadcast::campaign_account::Entity::forget(id).exec(tx).await?;
    Entity::delete_by_id(id).exec(tx).await?;
    let metadata = json!({ "label": account.label });
    audit::record(on, tx, actor, Action::TelegramAccountRemoved, subject(&account), metadata).await?;
    Ok(account)
}
