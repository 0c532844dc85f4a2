//! `herald import leads`: a list of people goes in without the API, with a progress bar.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::super::{Failure, Result, block_on, configured};
use super::{follow, upload};
use crate::app::{App, cause};
use crate::config::Settings;
use domain::encoding::FileEncoding;
use domain::retention::lead_columns::{Field, Mapping};
use domain::retention::words::LeadImportFormat;
use service::access::user;
use service::imports::leads;
use storage::retention::lead_import;

/// Import leads from a file
#[derive(Args)]
pub struct Leads {
    /// The file: JSON lines if its name ends in .jsonl or .ndjson, CSV otherwise
    file: PathBuf,
    /// Which column holds what, such as email="E-Mail"; meta=Plan makes a column a custom field. May come several times.
    /// Without it columns of the usual names are understood
    #[arg(long = "map", value_name = "FIELD=COLUMN", value_parser = pair)]
    mapping: Vec<(String, String)>,
    /// In which encoding it is, such as windows-1251, where that is neither UTF-8 nor UTF-16 with its mark
    #[arg(long)]
    encoding: Option<FileEncoding>,
    /// In whose name it is done
    #[arg(long, default_value = user::FIRST)]
    user: String,
    #[command(flatten)]
    settings: Settings,
}

impl Leads {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let Self { file, mapping, encoding, user, settings } = self;
        let mapping = self::mapping(mapping)?;
        let config = configured(settings)?;
        block_on(async {
            let app = App::open_for_files(config).await?;
            let result = import(&app, &file, mapping, encoding, &user).await;
            app.close().await;
            result
        })
    }
}

async fn import(
    app: &App,
    path: &std::path::Path,
    mapping: Mapping,
    encoding: Option<FileEncoding>,
    user: &str,
) -> Result<()> {
    let (actor, stored) = upload(app, path, user).await?;
    let new = leads::New {
        upload: stored.id,
        format: format(path),
        mapping,
        campaign: None,
        is_suppression_list: false,
        encoding,
    };
    let import = leads::create(app.services(), &actor, new).await.map_err(cause)?;
    follow::<lead_import::Entity>(app, path, import.id, &stored).await
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
