//! `herald restore`: a backup back into an empty data folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;

use super::backup::{Digested, LAST, Manifest};
use super::{Failure, Result, block_on, configured};
use crate::app::{self, DATABASE, Folder, LOCK};
use crate::config::{Config, Settings};

/// The database until all else is there.
const PART: &str = "herald.db.part";

/// Bring a backup back into an empty data folder; what could be sent twice is paused at the next start
#[derive(Args)]
pub struct Restore {
    /// The file that herald backup has made
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

impl Restore {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        let data = config.rules.data_dir.clone();
        let archive = opened(&self.file)?;
        require_empty(&data)?;
        let folder = Folder::open(&data)?;
        // Before anything else: however this ends, no start takes the folder for the one it was.
        app::mark_restored(&data).with_context(|| format!("{} can't be written to", data.display()))?;
        let filled = fill(&data, archive).and_then(|manifest| finish(&config, manifest));
        let manifest = filled.with_context(|| {
            format!("{} is not restored; empty {} before you try again", self.file.display(), data.display())
        })?;
        drop(folder);
        println!("{} is as it was at {}, {} files", data.display(), manifest.at, manifest.files);
        println!("{}", next(&config, &manifest));
        Ok(())
    }
}

/// The archive, from its beginning.
fn opened(path: &Path) -> Result<File> {
    let shown = path.display();
    let mut archive = File::open(path).with_context(|| format!("{shown} can't be read"))?;
    let mut first = [0; 2];
    let is_compressed = archive.read_exact(&mut first).is_ok() && first == [0x1f, 0x8b];
    archive.rewind().with_context(|| format!("{shown} can't be read"))?;
    if is_compressed {
        return Err(Failure::Usage(format!("{shown} is compressed: gunzip it first")));
    }
    Ok(archive)
}

/// What is to be done now.
fn next(config: &Config, manifest: &Manifest) -> String {
    let database = if manifest.has_database || config.database_url.is_none() {
        ""
    } else {
        "Restore the database's dump, too, if it is not done. "
    };
    let files = config.files.as_ref().map_or_else(String::new, |place| {
        format!(
            "The uploads are those at {place} (HERALD_FILES): herald doctor names the ones that are missing. Nothing is deleted there \
             until you have said that this database has taken the other one's place, by deleting the file herald-files there. "
        )
    });
    format!(
        "{database}{files}At the next start of herald serve all that could be sent twice is paused; look at it, and resume what is still wanted"
    )
}

/// A folder that is somebody's is left alone.
fn require_empty(data: &Path) -> Result<()> {
    let found = match std::fs::read_dir(data) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(anyhow!(error).context(format!("HERALD_DATA_DIR: {} can't be read", data.display())).into());
        }
    };
    let known = [LOCK, "lost+found"];
    if found.flatten().any(|entry| known.iter().all(|name| entry.file_name() != *name)) {
        // One that is in use says so.
        drop(Folder::open(data)?);
        return Err(Failure::Usage(format!(
            "HERALD_DATA_DIR: {} is not empty; give a new folder, or move what is in it away",
            data.display()
        )));
    }
    Ok(())
}

/// Unpacks the archive; the database gets its name last.
fn fill(data: &Path, archive: impl Read) -> anyhow::Result<Manifest> {
    let mut archive = tar::Archive::new(archive);
    let (mut manifest, mut found, mut folders) = (None, BTreeMap::new(), BTreeSet::from([data.to_path_buf()]));
    for entry in archive.entries()? {
        // What the library says is about bytes; it may repeat them.
        let mut entry = entry.map_err(|_| anyhow!("it is damaged, or no backup that herald has made"))?;
        let path = entry.path().context("it is damaged")?.into_owned();
        if manifest.is_some() || !entry.header().entry_type().is_file() || !is_below(&path) {
            bail!("it is no backup that herald has made: {}", path.display());
        }
        if path == Path::new(LAST) {
            let mut text = String::new();
            entry.read_to_string(&mut text).context("it is damaged")?;
            let told: Manifest = serde_json::from_str(&text).context("it is damaged")?;
            manifest = Some(told);
            continue;
        }
        let to = data.join(if path == Path::new(DATABASE) { Path::new(PART) } else { &path });
        let folder = to.parent().unwrap_or(data).to_path_buf();
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&to);
        let file = file.as_mut().map_err(|error| anyhow!("{} can't be written: {error}", to.display()))?;
        let mut content = Digested::of(&mut entry);
        std::io::copy(&mut content, file).with_context(|| format!("{} can't be written", to.display()))?;
        file.sync_all()?;
        folders.insert(folder);
        found.insert(path.to_string_lossy().into_owned(), content.digest());
    }
    let manifest = manifest.filter(|manifest| manifest.files == found.len());
    let manifest = manifest.context("it is cut off: its last files are missing")?;
    for (name, sha256) in &manifest.sha256 {
        if found.get(name) != Some(sha256) {
            bail!("it is damaged: {name} is not as it was written; take another backup");
        }
    }
    if manifest.has_database {
        std::fs::rename(data.join(PART), data.join(DATABASE)).context("it has no database")?;
    }
    for folder in folders {
        File::open(folder)?.sync_all()?;
    }
    Ok(manifest)
}

/// Whether a path leads nowhere but below where it begins.
fn is_below(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Whether what was unpacked can be used.
fn finish(config: &Config, manifest: Manifest) -> anyhow::Result<Manifest> {
    if !manifest.has_database {
        if config.database_url.is_none() {
            tracing::warn!(
                "DATABASE_URL: the backup is of a Herald on PostgreSQL; set it, and restore the database's dump"
            );
        }
        return Ok(manifest);
    }
    if config.database_url.is_some() {
        bail!("DATABASE_URL: the backup has an SQLite database, which is not used while this is set; unset it");
    }
    let looked = block_on(async {
        let db = app::database(config).await?;
        let damage = db.damage().await.map_err(app::cause)?;
        db.close().await.map_err(app::cause)?;
        Ok(damage)
    });
    match looked {
        Ok(None) => Ok(manifest),
        Ok(Some(damage)) => bail!("the database in it is damaged ({damage}); take an earlier backup"),
        Err(Failure::Usage(why) | Failure::Ended(_, why)) => bail!(why),
        Err(Failure::Other(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_unpacked_elsewhere() {
        for (path, is) in [
            ("herald.db", true),
            ("uploads/1", true),
            ("../x", false),
            ("/etc/x", false),
            ("a/../../x", false),
            ("", false),
        ] {
            assert_eq!(is_below(Path::new(path)), is, "{path}");
        }
    }

    #[test]
    fn what_is_cut_off_or_no_backup_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let mut whole = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o600);
        whole.append_data(&mut header, "node-id", &b"x"[..]).unwrap();
        let cut = whole.into_inner().unwrap();
        let refusal = fill(data.path(), &cut[..]).unwrap_err().to_string();
        assert!(refusal.contains("cut off"), "{refusal}");
        assert!(fill(data.path(), &b"no archive"[..]).is_err());
    }
}
