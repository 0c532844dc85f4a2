//! Integrations: by what credentials providers know Herald. Sealed, write-only, and tried by asking the provider.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::IntegrationConfigId;
use domain::retention::credentials::{self, Change, Credentials, Keitaro, Provider};
use domain::retention::endpoints::AT_HOME;
use domain::sealed::{Sealed, SecretPlace};
use providers::Trial;
use providers::imap;
use providers::instantly::Instantly;
use providers::smtp::Smtp;
use providers::twilio::Twilio;
use providers::vapi::Vapi;
use storage::Noun;
use storage::retention::integration_config::{self, Model};
use storage::retention::mailbox;
use storage::violation::OnUnique;

/// Where the credentials of a row lie.
pub const fn place(id: IntegrationConfigId) -> SecretPlace {
    SecretPlace { table: "integration_configs", column: "config", row: id.0 }
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
    on.write(actor, |w| async move {
        let row = put(on, &w, credentials, is_active, expected).await?;
        if !matches!(credentials, Credentials::Smtp(credentials::Smtp { imap: Some(_), .. })) {
            mailbox::Entity::delete_by_id(row.id).exec(&w).await?;
        }
        let metadata = json!({ "provider": row.provider, "isActive": is_active, "version": row.version });
        w.note(Action::IntegrationSaved, row.id, metadata).await?;
        Ok(row)
    })
    .await
}

async fn put(
    on: &Services,
    w: &Write,
    credentials: &Credentials,
    is_active: bool,
    expected: Option<i32>,
) -> Result<Model> {
    let provider = credentials.provider();
    let secret = serde_json::to_vec(credentials).map_err(Error::internal)?;
    let hints = hints(credentials);
    if let Some(known) = integration_config::Entity::of(provider).one(w).await? {
        let old = w.require(known.id).await?;
        require_version("integration", old.version, expected)?;
        let config = on.vault.seal(place(old.id), &secret).0;
        return w.replace(&old, Model { config, hints, is_active, ..old.clone() }).await;
    }
    let id = IntegrationConfigId::generate();
    let row = Model {
        id,
        provider: provider.name().into(),
        kind: provider.kind().name().into(),
        config: on.vault.seal(place(id), &secret).0,
        hints,
        is_active,
        created_at: w.now,
        updated_at: w.now,
        version: 1,
    };
    let somebody = || Error::Conflict("somebody else saved this integration just now".into());
    row.into_active_model().insert(w).await.on_unique("integration_configs", "provider", somebody)
}

/// Switches an integration on or off, and changes what is no secret about it. Returns it as it was, and as it is.
///
/// # Errors
/// What can't be right, or belongs to another provider; CONFLICT if the row has another version than is expected.
pub async fn switch(
    on: &Services,
    actor: &Actor,
    id: IntegrationConfigId,
    is_active: Option<bool>,
    change: Change,
    expected: Option<i32>,
) -> Result<(Model, Model)> {
    let change = &change;
    if actor.is_mistaken() {
        change.check_alone()?;
    }
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("integration", old.version, expected)?;
        let credentials = change.onto(open(on, &old)?)?;
        let secret = serde_json::to_vec(&credentials).map_err(Error::internal)?;
        let new = Model {
            config: on.vault.seal(place(old.id), &secret).0,
            hints: hints(&credentials),
            is_active: is_active.unwrap_or(old.is_active),
            ..old.clone()
        };
        let row = w.replace(&old, new).await?;
        let metadata = json!({
            "provider": row.provider, "isActive": row.is_active, "version": row.version, "from": shown(&old), "to": shown(&row),
        });
        w.note(Action::IntegrationSwitched, id, metadata).await?;
        Ok((old, row))
    })
    .await
}

/// The fields of a row that are no secrets, for the audit log.
fn shown(row: &Model) -> serde_json::Value {
    let is_open = |hint: &&serde_json::Value| !hint["value"].as_str().is_some_and(|value| value.starts_with("****"));
    json!({ "isActive": row.is_active, "fields": row.hints.as_array().into_iter().flatten().filter(is_open).collect::<Vec<_>>() })
}

fn hints(credentials: &Credentials) -> serde_json::Value {
    credentials.hints().into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// Deletes an integration with its credentials.
pub async fn delete(on: &Services, actor: &Actor, id: IntegrationConfigId) -> Result<Model> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        integration_config::Entity::delete_by_id(id).exec(&w).await?;
        w.note(Action::IntegrationDeleted, id, json!({ "provider": row.provider })).await?;
        Ok(row)
    })
    .await
}

/// Asks the provider whether the credentials hold. Nothing is sent to anybody.
pub async fn test(on: &Services, actor: &Actor, id: IntegrationConfigId) -> Result<Trial> {
    let found = integration_config::Entity::by_ids(&[id]).one(on.db.reader()).await?;
    let row = found.ok_or(Error::NotFound("integration config"))?;
    let mut trial = ask(on, open(on, &row)?).await;
    if !on.rules.endpoints.is_simulated && on.rules.endpoints.is_at_home() {
        trial.message = format!("{}; {AT_HOME}", trial.message);
    }
    let (provider, is_ok) = (&row.provider, trial.is_ok);
    on.write(actor, |w| async move {
        w.note(Action::IntegrationTested, id, json!({ "provider": provider, "isOk": is_ok })).await
    })
    .await?;
    Ok(trial)
}

async fn ask(on: &Services, credentials: Credentials) -> Trial {
    let to = &on.rules.endpoints;
    if to.is_simulated {
        return Trial::passed("HERALD_PROVIDERS=simulated: nobody was asked");
    }
    match credentials {
        Credentials::Smtp(account) => {
            let (takes, imap) = (account.webhook_token.is_some(), account.imap.clone());
            let mut trial = Smtp::new(account, Arc::clone(&on.clock)).test().await;
            if takes {
                trial.message =
                    format!("{}; emails that come in are taken at {}/api/webhooks/mail", trial.message, to.public);
            }
            if let Some(imap) = imap {
                trial = trial.and(&imap::test(&imap).await);
            }
            trial
        }
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

/// The credentials that are set up for Keitaro's postbacks.
pub async fn keitaro(on: &Services, connection: &impl ConnectionTrait) -> Result<Option<Keitaro>> {
    Ok(active_in(on, connection, Provider::Keitaro).await?.and_then(|credentials| match credentials {
        Credentials::Keitaro(keitaro) => Some(keitaro),
        _ => None,
    }))
}
