//! `herald import leads`: a list of people goes in without the API, with a progress bar.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::super::{Failure, Result, block_on, configured};
use super::{bar, upload};
use crate::app::{App, cause};
use crate::config::Settings;
use domain::broadcast::ImportStatus;
use domain::retention::lead_columns::{Field, Mapping};
use domain::retention::words::LeadImportFormat;
use service::access::user;
use service::retention::lead_import;
use storage::retention::lead_import::Model;

/// Import leads from a file
#[derive(Args)]
pub struct Leads {
    /// The file: JSON lines if its name ends in .jsonl or .ndjson, CSV otherwise
    file: PathBuf,
    /// Which column holds what, such as email="E-Mail"; meta=Plan makes a column a custom field. May come several times.
    /// Without it columns of the usual names are understood
    #[arg(long = "map", value_name = "FIELD=COLUMN", value_parser = pair)]
    mapping: Vec<(String, String)>,
    /// In whose name it is done
    #[arg(long, default_value = user::FIRST)]
    user: String,
    #[command(flatten)]
    settings: Settings,
}

impl Leads {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let Self { file, mapping, user, settings } = self;
        let mapping = self::mapping(mapping)?;
        let config = configured(settings)?;
        block_on(async {
            let app = App::open(config).await?;
            let result = import(&app, &file, mapping, &user).await;
            app.close().await;
            result
        })
    }
}

async fn import(app: &App, path: &std::path::Path, mapping: Mapping, user: &str) -> Result<()> {
    let on = app.services();
    let (actor, stored) = upload(app, path, user).await?;
    let new = lead_import::New {
        upload: stored.id,
        format: format(path),
        mapping,
        campaign: None,
        is_suppression_list: false,
    };
    let import = lead_import::create(on, &actor, new).await.map_err(cause)?;
    let bar = bar(u64::try_from(stored.bytes).unwrap_or_default());
    let seen = |progress: &Model| {
        if progress.id == import.id {
            bar.set_position(u64::try_from(progress.bytes_read).unwrap_or_default());
            bar.set_message(counts(progress));
        }
    };
    lead_import::run_pending(on, &CancellationToken::new(), seen).await.map_err(cause)?;
    bar.finish_and_clear();
    let ended = lead_import::read(on, import.id).await.map_err(cause)?;
    if ended.status != ImportStatus::Completed {
        return Err(Failure::Other(anyhow!(ended.error_message.unwrap_or_else(|| "the import did not end".into()))));
    }
    println!("{}: {} lines, {}", path.display(), ended.lines, counts(&ended));
    for error in lead_import::errors(on, import.id).await.map_err(cause)? {
        println!("  line {}: {}", error.line, error.message);
    }
    Ok(())
}

fn counts(import: &Model) -> String {
    format!("{} inserted, {} known already, {} invalid", import.inserted, import.duplicates, import.invalid)
}

fn format(path: &std::path::Path) -> LeadImportFormat {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let is_json = ["jsonl", "ndjson"].iter().any(|json| extension.eq_ignore_ascii_case(json));
    if is_json { LeadImportFormat::Jsonl } else { LeadImportFormat::Csv }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (field, column) = text.split_once('=').ok_or("write FIELD=COLUMN")?;
    Ok((field.trim().to_owned(), column.trim().to_owned()))
}

fn mapping(pairs: Vec<(String, String)>) -> Result<Mapping> {
    let mut mapping = Mapping { fields: BTreeMap::new(), meta: Vec::new() };
    for (name, column) in pairs {
        match Field::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(&name)) {
            Some(field) => drop(mapping.fields.insert(field, column)),
            None if name == "meta" => mapping.meta.push(column),
            None => {
                let known = Field::ALL.map(Field::name).join(", ");
                return Err(Failure::Other(anyhow!("--map {name}: there are {known}, and meta")));
            }
        }
    }
    Ok(mapping)
}
