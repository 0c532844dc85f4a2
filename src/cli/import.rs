//! `herald import`: a list goes in without the API, with a progress bar.

mod leads;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use super::{Failure, Result, block_on, configured};
use crate::app::{App, cause};
use crate::config::Settings;
use domain::broadcast::ImportStatus;
use domain::encoding::FileEncoding;
use service::Actor;
use service::access::user;
use service::imports::{Importable, Progress, channels, run_pending, upload};
use storage::broadcast::channel_import;
use storage::imports::{Import as Counted, errors};

/// Import a list from a file
#[derive(Args)]
pub struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Import leads: CSV with the columns' names in the first line, or JSON, one lead a line
    Leads(leads::Leads),
    /// Import Telegram channels: JSON, one channel a line
    Channels {
        /// The file
        file: PathBuf,
        /// In which encoding it is, such as windows-1251, where that is neither UTF-8 nor UTF-16 with its mark
        #[arg(long)]
        encoding: Option<FileEncoding>,
        /// In whose name it is done
        #[arg(long, default_value = user::FIRST)]
        user: String,
        #[command(flatten)]
        settings: Settings,
    },
}

impl Import {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let (file, encoding, user, settings) = match self.what {
            What::Channels { file, encoding, user, settings } => (file, encoding, user, settings),
            What::Leads(leads) => return leads.run(),
        };
        let config = configured(settings)?;
        block_on(async {
            let app = App::open_for_files(config).await?;
            let result = import(&app, &file, encoding, &user).await;
            app.close().await;
            result
        })
    }
}

/// Puts a file among the uploads, in the name of a user.
async fn upload(app: &App, path: &Path, user: &str) -> Result<(Actor, storage::broadcast::upload::Model)> {
    let on = app.services();
    if let Some(password) = app.ensure_admin().await? {
        println!("The first user is {}, with the password {password}\nIt is told this once only.", user::FIRST);
    }
    let user = user::named(on, user).await.map_err(cause)?;
    let actor = Actor::user(user.id, user.role, None);
    let file = tokio::fs::File::open(path).await.with_context(|| format!("{} can't be read", path.display()))?;
    let stored = upload::store(on, &actor, ReaderStream::with_capacity(file, 1 << 20)).await.map_err(cause)?;
    Ok((actor, stored))
}

async fn import(app: &App, path: &Path, encoding: Option<FileEncoding>, user: &str) -> Result<()> {
    let (actor, stored) = upload(app, path, user).await?;
    let import = channels::create(app.services(), &actor, stored.id, encoding).await.map_err(cause)?;
    follow::<channel_import::Entity>(app, path, import.id, &stored).await
}

/// Does an import, and tells how far it is and what became of it.
async fn follow<I: Importable>(
    app: &App,
    path: &Path,
    id: I::Id,
    stored: &storage::broadcast::upload::Model,
) -> Result<()> {
    let (on, bar) = (app.services(), bar(u64::try_from(stored.bytes).unwrap_or_default()));
    let seen = |progress: &Progress<I::Id>| {
        if progress.id == id {
            bar.set_position(u64::try_from(progress.import.bytes_read).unwrap_or_default());
            bar.set_message(counts(&progress.import));
        }
    };
    run_pending::<I>(on, &CancellationToken::new(), seen).await.map_err(cause)?;
    bar.finish_and_clear();
    let db = on.db.reader();
    let ended = I::import(&I::get(db, id).await.map_err(cause)?);
    if [ImportStatus::Completed, ImportStatus::Failed].contains(&ended.status) {
        // It is a copy of a file that the caller has, and perhaps of people's addresses: nobody needs it any more.
        on.files.remove(stored.id).await.map_err(cause).context("its copy can't be deleted")?;
    }
    println!("{}: {} lines, {}", path.display(), ended.lines, counts(&ended));
    for error in errors::<I>(db, &[id]).await.map_err(cause)? {
        println!("  line {}: {}", error.line, error.message);
    }
    let failure = |why: String| Err(Failure::Other(anyhow!(why)));
    if ended.status != ImportStatus::Completed {
        return failure(ended.error_message.unwrap_or_else(|| "the import did not end".into()));
    }
    // Whoever calls this in a script hears that not all is in.
    if ended.invalid > 0 {
        return failure(format!("{} of {} lines did not go in", ended.invalid, ended.lines));
    }
    Ok(())
}

fn counts(import: &Counted) -> String {
    format!("{} inserted, {} known already, {} invalid", import.inserted, import.duplicates, import.invalid)
}

fn bar(bytes: u64) -> ProgressBar {
    let style = "{bar:40} {percent:>3} % {bytes_per_sec:>12} {eta:>4} {msg}";
    let style = ProgressStyle::with_template(style).expect("the template is right");
    ProgressBar::new(bytes).with_style(style)
}
