//! Scripts: what is said to leads, checked when it is written.

pub mod preview;

use async_graphql::MaybeUndefined;
use chrono::{DateTime, Utc};
use sea_orm::{EntityTrait, Iterable, QuerySelect};
use serde_json::{Value as Json, json};

use super::{changed_to, meta, removal};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result, Violation, Violations, require_version};
use domain::id::{RetentionCampaignId, ScriptId};
use domain::retention::placeholders;
use domain::retention::rendering::has_tags;
use domain::retention::words::{ContactChannel, ScriptFormat};
use domain::text::{self, Bounds};
use storage::retention::ties::Gone;
use storage::retention::{ab_test, campaign, script, sequence};
use storage::{Folded, Noun, Tx, noun, task};

/// The longest text message that is sent in parts, in characters.
const SMS_LIMIT: usize = 1_600;

/// The fields of a script; what is undefined stays, null removes. A new one has nothing that could stay.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// Of an email, 1 to 200 characters.
    pub subject: MaybeUndefined<String>,
    /// At most 32 KiB, with placeholders.
    pub content: MaybeUndefined<String>,
    /// What the content is written as. A new one with tags in it is to say so.
    pub format: Option<ScriptFormat>,
    /// Of an email in HTML, at most 32 KiB, with placeholders: the words beside it.
    pub plain_content: MaybeUndefined<String>,
    /// Of a call, an object of at most 16 KiB.
    pub vapi_config: MaybeUndefined<Json>,
    /// The campaign that it belongs to.
    pub campaign: MaybeUndefined<RetentionCampaignId>,
    /// Whether it is the one for its channel, in its campaign or outside of campaigns. Then no other is.
    pub is_default: Option<bool>,
}

/// Writes a script for `channel`.
///
/// # Errors
/// [`Error::Invalid`] with wrong syntax too; `NOT_FOUND` if there is no such campaign.
pub async fn create(on: &Services, actor: &Actor, channel: ContactChannel, fields: Fields) -> Result<script::Model> {
    let row = &validated(blank(channel, on.now()), fields)?;
    on.write(actor, |w| async move {
        settle(&w, row).await?;
        script::Entity::insert(noun::fresh(row.clone())).exec_without_returning(&w).await?;
        w.keep(row);
        w.note(Action::ScriptCreated, row.id, json!({ "name": row.name, "type": row.channel })).await
    })
    .await?;
    Ok(row.clone())
}

/// A new script that says nothing yet.
fn blank(channel: ContactChannel, now: DateTime<Utc>) -> script::Model {
    script::Model {
        id: ScriptId::generate(),
        name: String::new(),
        channel,
        subject: None,
        content: None,
        format: ScriptFormat::Text,
        plain_content: None,
        vapi_config: None,
        campaign_id: None,
        is_default: false,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: Folded::default(),
        deleted_at: None,
    }
}

/// The script `old` with what `fields` say, in its stored form; or all that is wrong with them.
fn validated(old: script::Model, fields: Fields) -> Result<script::Model> {
    let Fields { name, subject: given, content, format, plain_content, vapi_config, campaign, is_default } = fields;
    let mut wrong = Violations::default();
    let had_tags = old.content.as_deref().is_some_and(has_tags);
    let is_written = !content.is_undefined() || format.is_some();
    let row = script::Model {
        name: name.map_or(old.name, |name| wrong.take("name", text::line(&name, Bounds::NAME))),
        subject: changed_to(old.subject, wrong.take_change("subject", given, subject)),
        content: changed_to(old.content, content),
        format: format.unwrap_or(old.format),
        plain_content: changed_to(old.plain_content, wrong.take_change("plainContent", plain_content, words)),
        vapi_config: match vapi_config {
            MaybeUndefined::Undefined => old.vapi_config,
            MaybeUndefined::Null => None,
            MaybeUndefined::Value(given) => Some(wrong.take("vapiConfig", meta::public_object(given))),
        },
        campaign_id: changed_to(old.campaign_id, campaign),
        is_default: is_default.unwrap_or(old.is_default),
        ..old
    };
    if let Some(text) = row.content.as_deref().filter(|_| is_written) {
        if let Err(why) = checked(text, row.channel, row.format) {
            wrong.push(Violation::of("content", why));
        }
        let is_said = format.is_some() || row.format == ScriptFormat::Html || had_tags;
        let is_plain = row.channel != ContactChannel::Email || is_said || !has_tags(text);
        wrong.require(is_plain, "format", ASKED);
    }
    fits_channel(&row, &mut wrong);
    wrong.into_result()?;
    Ok(row)
}

/// What is asked of a new text with tags: to send them as words, or words as a page, would be a guess.
const ASKED: &str = "the text has tags of HTML: say format: HTML, or format: TEXT if they are to be read as they stand";

/// Refuses what its channel or its format has not.
fn fits_channel(row: &script::Model, wrong: &mut Violations) {
    let is = |channel| row.channel == channel;
    let (is_email, is_html) = (is(ContactChannel::Email), row.format == ScriptFormat::Html);
    let characters = row.content.as_deref().map_or(0, |text| text.chars().count());
    wrong.require(is_email || row.subject.is_none(), "subject", "only emails have a subject");
    wrong.require(is_email || !is_html, "format", "only emails are written in HTML");
    let has_page = row.plain_content.is_none() || (is_email && is_html);
    wrong.require(has_page, "plainContent", "only emails in HTML have words beside them: put them into content");
    wrong.require(is(ContactChannel::Call) || row.vapi_config.is_none(), "vapiConfig", "only calls have a vapiConfig");
    let says_something = row.content.is_some() || (is(ContactChannel::Call) && row.vapi_config.is_some());
    wrong.require(says_something, "content", "must not be empty");
    let is_short = !is(ContactChannel::Sms) || characters <= SMS_LIMIT;
    wrong.require(is_short, "content", format!("a text message has at most {SMS_LIMIT} characters"));
}

fn words(text: &str) -> Result<String, String> {
    checked(text, ContactChannel::Email, ScriptFormat::Text)
}

/// What is wrong with these fields, whatever the script has.
fn check_alone(fields: &Fields, now: DateTime<Utc>) -> Result<()> {
    let of = |channel, format, plain_content: Option<&str>, vapi_config| script::Model {
        name: "any".into(),
        content: Some("any".into()),
        format,
        plain_content: plain_content.map(Into::into),
        vapi_config,
        ..blank(channel, now)
    };
    let text = |channel| of(channel, ScriptFormat::Text, None, None);
    let html = |plain| of(ContactChannel::Email, ScriptFormat::Html, plain, None);
    let call = of(ContactChannel::Call, ScriptFormat::Text, None, Some(json!({ "any": 1 })));
    let rows = ContactChannel::iter().map(text).chain([html(None), html(Some("any")), call]);
    Violations::of_any(rows.map(|row| validated(row, fields.clone())))
}

/// A subject, in a line, that says only what is known of leads.
fn subject(text: &str) -> Result<String, String> {
    let line = text::line(text, Bounds::NAME)?;
    placeholders::check(&line).map(|()| line)
}

/// A text that can be read, and says only what is known of leads.
fn checked(text: &str, channel: ContactChannel, format: ScriptFormat) -> Result<String, String> {
    if text.contains('\0') {
        return Err("must not have control characters".into());
    }
    placeholders::check_content(text, channel, format).map(|()| text.to_owned())
}

/// Checks that a script's campaign is there, and makes it the only default of its channel.
async fn settle(tx: &Tx, row: &script::Model) -> Result<()> {
    if let Some(id) = row.campaign_id {
        campaign::Entity::by_ids(&[id]).lock_shared().one(tx).await?.ok_or(Error::NotFound("retention campaign"))?;
    }
    if row.is_default {
        script::Entity::no_default_but(row).exec(tx).await?;
    }
    Ok(())
}

/// Changes a script: what is sent from now on says it the new way.
pub async fn update(
    on: &Services,
    actor: &Actor,
    id: ScriptId,
    fields: Fields,
    expected_version: Option<i32>,
) -> Result<script::Model> {
    let fields = &fields;
    if actor.is_mistaken() {
        check_alone(fields, on.now())?;
    }
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("script", old.version, expected_version)?;
        let new = validated(old.clone(), fields.clone())?;
        settle(&w, &new).await?;
        let changed = w.replace(&old, new).await?;
        w.note(Action::ScriptUpdated, id, json!({ "name": changed.name, "version": changed.version })).await?;
        Ok(changed)
    })
    .await
}

/// Deletes a script. The contacts that used it stay, without it. It is gone at once; of one that many name a task, which is returned
/// with it, takes it from them.
///
/// # Errors
/// [`Error::Precondition`] while a sequence that is not archived or an A/B test uses it.
pub async fn delete(on: &Services, actor: &Actor, id: ScriptId) -> Result<(script::Model, Option<task::Model>)> {
    let deleted = on.write(actor, |w| async move {
        let row = w.require(id).await?;
        if let Some(user) = sequence::Entity::using(id).one(&w).await? {
            return Err(Error::Precondition(format!("the script is used by the sequence \"{}\"", user.name)));
        }
        if let Some(user) = ab_test::Entity::using(id).one(&w).await? {
            return Err(Error::Precondition(format!("the script is used by the A/B test \"{}\"", user.name)));
        }
        let begun = removal::begin(on, &w, Gone::Script(id)).await?;
        w.note(Action::ScriptDeleted, id, json!({ "name": row.name })).await?;
        Ok((row, begun))
    });
    let (row, begun) = deleted.await?;
    Ok((row, removal::soon(on, begun).await?))
}
