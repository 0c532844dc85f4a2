//! Nobody is picked by mistake: a filter of a change that finds nothing is told where it is written.

use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect};

use domain::error::{Error, Result, Violation};
use domain::fold::fold;
use domain::nearest::nearest;
use storage::broadcast::channel_filter::{Category, ChannelFilter};
use storage::retention::lead_filter::LeadFilter;
use storage::retention::{counts, lead};

/// Categories that are looked through for what may have been meant.
const KNOWN: i64 = 1_000;
/// Categories that are named where none is near.
const SHOWN: usize = 5;

/// How nobody is picked on purpose.
pub(crate) const ALLOWED: &str = "; if that is meant, give allowEmpty: true";

/// Refuses a filter that names a category that no channel has, or that finds no channel.
///
/// # Errors
/// [`Error::Invalid`] at `input.filter`, with the nearest category, or with `hint` behind the sentence.
pub(crate) async fn require_channels(db: &impl ConnectionTrait, filter: &ChannelFilter, hint: &str) -> Result<()> {
    let named = filter.categories.as_deref().unwrap_or_default();
    let there = Category::of(db, named).await?;
    let missing: Vec<&str> =
        named.iter().map(String::as_str).filter(|name| !there.contains(&fold(name.trim()))).collect();
    if !missing.is_empty() {
        let known = Category::all(db, KNOWN).await?;
        let known: Vec<&str> = known.iter().map(|category| category.category.as_str()).collect();
        let wrong = missing.into_iter().take(SHOWN).map(|name| at("category", unknown("category", name, &known)));
        return Err(Error::Invalid(wrong.collect()));
    }
    if filter.select().limit(1).one(db).await?.is_none() {
        return Err(Error::invalid("filter", format!("no channel is like that{hint}")));
    }
    Ok(())
}

/// Refuses a filter that names a source that no lead has, or that finds no lead; or a list that names none.
///
/// # Errors
/// [`Error::Invalid`] at `input.filter`, with the nearest source.
pub(crate) async fn require_leads(db: &impl ConnectionTrait, filter: &LeadFilter) -> Result<()> {
    let named = filter.sources.as_deref().unwrap_or_default();
    let there = counts::sources(db, named).await?;
    let missing: Vec<&String> = named.iter().filter(|name| !there.contains(name)).collect();
    if !missing.is_empty() {
        let known = counts::by_source(db, lead::Entity::find()).await?;
        let known: Vec<&str> = known.iter().map(|(source, _)| source.as_str()).collect();
        let wrong = missing.iter().map(|name| at("sources", unknown("source", name, &known)));
        return Err(Error::Invalid(wrong.collect()));
    }
    // Leads that are named are there, or the whole request is refused.
    let by_name = LeadFilter { ids: filter.ids.clone(), ..LeadFilter::default() };
    if *filter == by_name && filter.ids.as_ref().is_some_and(|ids| !ids.is_empty()) {
        return Ok(());
    }
    if filter.ids.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::invalid("leadIds", format!("names no lead{ALLOWED}")));
    }
    if filter.select().limit(1).one(db).await?.is_none() {
        return Err(Error::invalid("filter", format!("no lead is like that{ALLOWED}")));
    }
    Ok(())
}

/// What is wrong with a source that no lead has; None if some have it.
pub(crate) async fn unknown_source(db: &impl ConnectionTrait, source: &str) -> Result<Option<String>> {
    if !counts::sources(db, &[source.to_owned()]).await?.is_empty() {
        return Ok(None);
    }
    let known = counts::by_source(db, lead::Entity::find()).await?;
    let known: Vec<&str> = known.iter().map(|(source, _)| source.as_str()).collect();
    Ok(Some(unknown("source", source, &known)))
}

/// The sentence about a word that nothing has, with the one that may have been meant.
fn unknown(what: &str, written: &str, known: &[&str]) -> String {
    let meant = match nearest(written, known.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None if known.is_empty() => "there are none yet".to_owned(),
        None => format!("there are: {}", known[..known.len().min(SHOWN)].join(", ")),
    };
    format!("nothing has the {what} \"{written}\"; {meant}")
}

/// A mistake in a field of the filter.
fn at(field: &str, message: String) -> Violation {
    Violation { path: vec!["input".into(), "filter".into(), field.into()], message }
}
