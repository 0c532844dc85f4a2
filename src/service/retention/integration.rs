//! Integrations: by what credentials providers know Herald. Sealed, write-only, and tried by asking the provider.

use std::sync::Arc;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::IntegrationConfigId;
use domain::retention::credentials::{Credentials, Keitaro, Provider};
use domain::sealed::{Place, Sealed};
use events::Event;
use providers::Trial;
use providers::instantly::Instantly;
use providers::smtp::Smtp;
use providers::twilio::Twilio;
use providers::vapi::Vapi;
use storage::Noun;
use storage::Tx;
use storage::retention::integration_config::{self, Model};
use storage::violation::OnUnique;

/// Where the credentials of a row lie.
pub const fn place(id: IntegrationConfigId) -> Place {
    Place { table: "integration_configs", column: "config", row: id.0 }
}

/// Saves the credentials of a provider, in place of those that it had.
///
/// # Errors
/// What can't be right about them; CONFLICT if the row has another version than is expected.
pub async fn save(
    on: &Services,
    actor: &Actor,
    credentials: Credentials,
    is_active: bool,
    expected: Option<i32>,
) -> Result<Model> {
    let mut violations = Violations::default();
    credentials.check(&mut violations);
    violations.into_result()?;
    let credentials = &credentials;
    let saved = on.db.write(|tx| async move {
        let row = put(on, &tx, credentials, is_active, expected).await?;
        let metadata = json!({ "provider": row.provider, "isActive": is_active, "version": row.version });
        let subject = Subject("IntegrationConfig", row.id.0);
        audit::record(on, &*tx, actor, Action::IntegrationSaved, subject, metadata).await?;
        Ok(row)
    });
    let saved = saved.await?;
    on.tell(Event::Audit);
    Ok(saved)
}

async fn put(
    on: &Services,
    tx: &Tx,
    credentials: &Credentials,
    is_active: bool,
    expected: Option<i32>,
) -> Result<Model> {
    let provider = credentials.provider();
    let secret = serde_json::to_vec(credentials).map_err(Error::internal)?;
    let hints = credentials.hints().into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let now = on.now();
    if let Some(row) = integration_config::Entity::of(provider).one(tx).await? {
        let row = integration_config::Entity::require(tx, row.id).await?;
        require_version("integration", row.version, expected)?;
        let sealed = on.vault.seal(place(row.id), &secret);
        let mut row = row.changed(now);
        row.config = Set(sealed.0);
        row.hints = Set(hints);
        row.is_active = Set(is_active);
        return Ok(row.update(tx).await?);
    }
    let id = IntegrationConfigId::generate();
    let row = Model {
        id,
        provider: provider.name().into(),
        kind: provider.kind().name().into(),
        config: on.vault.seal(place(id), &secret).0,
        hints,
        is_active,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let somebody = || Error::Conflict("somebody else saved this integration just now".into());
    row.into_active_model().insert(tx).await.on_unique("integration_configs", "provider", somebody)
}

/// Deletes an integration with its credentials.
pub async fn delete(on: &Services, actor: &Actor, id: IntegrationConfigId) -> Result<Model> {
    let deleted = on.db.write(|tx| async move {
        let row = integration_config::Entity::require(&*tx, id).await?;
        integration_config::Entity::delete_by_id(id).exec(&*tx).await?;
        let metadata = json!({ "provider": row.provider });
        let subject = Subject("IntegrationConfig", id.0);
        audit::record(on, &*tx, actor, Action::IntegrationDeleted, subject, metadata).await?;
        Ok(row)
    });
    let deleted = deleted.await?;
    on.tell(Event::Audit);
    Ok(deleted)
}

/// Asks the provider whether the credentials hold. Nothing is sent to anybody.
pub async fn test(on: &Services, actor: &Actor, id: IntegrationConfigId) -> Result<Trial> {
    let found = integration_config::Entity::by_ids(&[id]).one(on.db.reader()).await?;
    let row = found.ok_or(Error::NotFound("integration config"))?;
    let trial = ask(on, open(on, &row)?).await;
    let (provider, is_ok) = (&row.provider, trial.is_ok);
    on.db
        .write(|tx| async move {
            let metadata = json!({ "provider": provider, "isOk": is_ok });
            let subject = Subject("IntegrationConfig", id.0);
            audit::record(on, &*tx, actor, Action::IntegrationTested, subject, metadata).await
        })
        .await?;
    on.tell(Event::Audit);
    Ok(trial)
}

async fn ask(on: &Services, credentials: Credentials) -> Trial {
    let to = &on.rules.endpoints;
    if to.is_simulated {
        return Trial::passed("HERALD_PROVIDERS=simulated: nobody was asked");
    }
    match credentials {
        Credentials::Smtp(account) => Smtp::new(account, Arc::clone(&on.clock)).test().await,
        Credentials::Twilio(account) => Twilio::new(&to.twilio, &to.public, account).test().await,
        Credentials::Vapi(account) => Vapi::new(&to.vapi, &to.public, account).test().await,
        Credentials::Instantly(account) => Instantly::new(&to.instantly, account).test().await,
        Credentials::Webhook(_) => Trial::passed("requests will be signed with this secret; there is nobody to ask"),
        Credentials::Keitaro(_) => {
            Trial::passed(format!("postbacks with this token are taken at {}/api/webhooks/keitaro", to.public))
        }
    }
}

/// The credentials of a row.
///
/// # Errors
/// They were sealed under another key.
pub fn open(on: &Services, row: &Model) -> Result<Credentials> {
    let secret = on.vault.open(place(row.id), &Sealed(row.config.clone()));
    let secret = secret.map_err(|error| Error::Precondition(format!("the integration {}: {error}", row.provider)))?;
    serde_json::from_slice(secret.expose_secret()).map_err(Error::internal)
}

/// The credentials of a provider; None if it is not set up, or switched off.
pub async fn active(on: &Services, provider: Provider) -> Result<Option<Credentials>> {
    active_in(on, on.db.reader(), provider).await
}

async fn active_in(
    on: &Services,
    connection: &impl ConnectionTrait,
    provider: Provider,
) -> Result<Option<Credentials>> {
    let select = integration_config::Entity::of(provider).filter(integration_config::Column::IsActive.eq(true));
    select.one(connection).await?.map(|row| open(on, &row)).transpose()
}

/// What is set up for Keitaro's postbacks.
pub async fn keitaro(on: &Services, connection: &impl ConnectionTrait) -> Result<Option<Keitaro>> {
    Ok(active_in(on, connection, Provider::Keitaro).await?.and_then(|credentials| match credentials {
        Credentials::Keitaro(keitaro) => Some(keitaro),
        _ => None,
    }))
}
