//! `herald backup`: database, key, uploads and all else of the data folder in one file, beside whatever runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use chrono::{SecondsFormat, Utc};
use clap::Args;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

use super::{Failure, Result, block_on, configured};
use crate::app::{self, DATABASE, LOCK, MARK};
use crate::config::{Config, Settings};

/// The last file of an archive: one that does not have it is not whole.
pub(super) const LAST: &str = "herald-backup.json";

/// Put database, key and uploads into one file, beside whatever runs
#[derive(Args)]
pub struct Backup {
    /// The file to be made, a tar archive; it has the key and all secrets in it
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

/// What the last file says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The version that has made the archive.
    pub herald: String,
    /// Whether the database is in it; one in PostgreSQL is not.
    pub has_database: bool,
    /// When it was begun: what was done later is not in it.
    pub at: String,
    /// How many files there are before this one.
    pub files: usize,
    /// The SHA-256 of each, in hexadecimal digits; an archive of an earlier version has none.
    #[serde(default)]
    pub sha256: BTreeMap<String, String>,
}

impl Backup {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        let (folder, data) = place(&self.file, &config.rules.data_dir)?;
        #[expect(clippy::disallowed_methods, reason = "the archive is named by the machine's time")]
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let has_database = config.database_url.is_none();
        let database = if has_database { Some(copied(&config, &folder)?) } else { None };
        let mut archive = Archive::new(&folder)?;
        if let Some(database) = &database {
            archive.add(DATABASE, database.path())?;
        }
        // Uploads after the database: whatever it names is still there, for nothing goes before it was unused for a day.
        for path in files(&data, Path::new(""))? {
            archive.add(path.to_str().unwrap_or_default(), &data.join(&path))?;
        }
        let (files, sha256) = (archive.files, std::mem::take(&mut archive.sha256));
        let manifest = Manifest { herald: env!("CARGO_PKG_VERSION").into(), has_database, at, files, sha256 };
        let (files, bytes) = archive.end(&manifest, &self.file)?;
        println!("{}: {files} files, {} MiB, as of {}", self.file.display(), bytes.div_ceil(1 << 20), manifest.at);
        println!("{}", rest(&config));
        Ok(())
    }
}

/// What goes with the archive, and how it is used.
fn rest(config: &Config) -> String {
    let key = if config.secret_key.is_some() {
        "HERALD_SECRET_KEY is not in it: keep it with it, for without the key the database can't be used. "
    } else {
        "The key is in it: whoever has the file can read all secrets. "
    };
    let files = rest_files(config);
    if config.database_url.is_none() {
        return format!("{key}{files}herald restore {{FILE}} brings it back into an empty data folder");
    }
    format!(
        "{key}{files}The database is not in it: pg_dump --format=custom it just before, never after, and keep both together. To restore, \
         pg_restore into an empty database, herald restore the archive into each empty data folder, and start with --after-restore"
    )
}

/// What is to be known of files that lie elsewhere.
fn rest_files(config: &Config) -> String {
    let Some(place) = &config.files else { return String::new() };
    format!(
        "The uploads are not in it, they stay at {place} (HERALD_FILES): let that place keep what is deleted there for as long as you \
         keep backups, or copy it just after, never before. "
    )
}

/// The folder of the archive, and the data folder, as they really are.
fn place(file: &Path, data: &Path) -> Result<(PathBuf, PathBuf)> {
    if file.exists() {
        return Err(Failure::Usage(format!("{} is there already; give another name", file.display())));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let folder = folder.canonicalize().with_context(|| format!("{} is no folder to write to", folder.display()))?;
    let data =
        data.canonicalize().with_context(|| format!("HERALD_DATA_DIR: there is no folder {}", data.display()))?;
    if folder.starts_with(&data) {
        return Err(Failure::Usage("a backup in the data folder is lost with it; give a file elsewhere".into()));
    }
    Ok((folder, data))
}

/// A copy of SQLite's file, as it is at this instant, whatever else is written meanwhile.
fn copied(config: &Config, folder: &Path) -> Result<NamedTempFile> {
    app::require_database(config)?;
    let copy = NamedTempFile::new_in(folder).with_context(|| format!("{} can't be written to", folder.display()))?;
    block_on(async {
        let db = app::database(config).await?;
        let copied = db.copy_to(copy.path()).await.map_err(app::cause);
        db.close().await.map_err(app::cause)?;
        Ok(copied.context("the database can't be copied")?)
    })?;
    Ok(copy)
}

/// The files of the data folder that are not the database's, in order, without those that are being written.
fn files(data: &Path, below: &Path) -> Result<Vec<PathBuf>> {
    let folder = data.join(below);
    let read = || format!("{} can't be read", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(read)? {
        let path = below.join(entry.with_context(read)?.file_name());
        let name = path.to_string_lossy().into_owned();
        let is_of_the_process = name.starts_with(DATABASE) || [LOCK, MARK, "lost+found"].contains(&&*name);
        // What is gone by now was a file that somebody was writing, or an upload whose day was over.
        let Ok(kind) = std::fs::metadata(data.join(&path)) else { continue };
        if is_of_the_process || path.extension().is_some_and(|kind| kind == "part") {
            continue;
        }
        if path.to_str().is_none() {
            return Err(anyhow!("{} has a name that is no text", data.join(&path).display()).into());
        }
        if kind.is_dir() {
            found.extend(files(data, &path)?);
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What is read, and the SHA-256 of it.
pub(super) struct Digested<R> {
    inner: R,
    sha256: Sha256,
}

impl<R> Digested<R> {
    /// Nothing has been read yet.
    pub fn of(inner: R) -> Self {
        Self { inner, sha256: Sha256::new() }
    }

    /// The digest of what was read, in hexadecimal digits.
    pub fn digest(self) -> String {
        hex::encode(self.sha256.finalize())
    }
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(to)?;
        self.sha256.update(&to[..read]);
        Ok(read)
    }
}

/// An archive that is being written, under a name of its own until it is whole.
struct Archive {
    tar: Builder<NamedTempFile>,
    files: usize,
    sha256: BTreeMap<String, String>,
}

impl Archive {
    fn new(folder: &Path) -> Result<Self> {
        let file =
            NamedTempFile::new_in(folder).with_context(|| format!("{} can't be written to", folder.display()))?;
        Ok(Self { tar: Builder::new(file), files: 0, sha256: BTreeMap::new() })
    }

    /// Adds a file as long as it is now: one that is written to only gets longer. One that is gone is left out.
    fn add(&mut self, name: &str, path: &Path) -> Result<()> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(anyhow!(error).context(format!("{} can't be read", path.display())).into()),
        };
        let size = file.metadata().with_context(|| format!("{} can't be read", path.display()))?.len();
        let mut content = Digested::of(file.take(size));
        self.append(name, size, &mut content).with_context(|| format!("{name} can't be written"))?;
        self.sha256.insert(name.to_owned(), content.digest());
        self.files += 1;
        Ok(())
    }

    fn append(&mut self, name: &str, size: u64, content: impl Read) -> std::io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(size);
        self.tar.append_data(&mut header, name, content)
    }

    /// Writes the end, and gives the archive its name, which nothing has yet. Returns how many files and bytes it has.
    fn end(mut self, manifest: &Manifest, file: &Path) -> Result<(usize, u64)> {
        let text = serde_json::to_vec(manifest).map_err(anyhow::Error::from)?;
        let written = self.append(LAST, text.len() as u64, &text[..]).and_then(|()| self.tar.into_inner());
        let mut whole = written.context("the archive can't be written")?;
        let kept = whole.flush().and_then(|()| whole.as_file().sync_all());
        kept.context("the archive can't be written")?;
        let bytes = whole.as_file().metadata().map_err(anyhow::Error::from)?.len();
        let folder = whole.path().parent().map(Path::to_path_buf).unwrap_or_default();
        whole.persist_noclobber(file).with_context(|| format!("{} can't be made", file.display()))?;
        File::open(folder).and_then(|folder| folder.sync_all()).context("the archive can't be written")?;
        Ok((manifest.files, bytes))
    }
}
