//! The data folder: one process at a time, with a name and a key that outlive it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::domain::id::NodeId;
use crate::domain::secret_key::SecretKey;

/// A data folder that this process has to itself.
pub struct Folder {
    path: PathBuf,
    /// The operating system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is not there, and takes it.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("HERALD_DATA_DIR: {shown} can't be made"))?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join("herald.lock"));
        let lock = lock.with_context(|| format!("HERALD_DATA_DIR: {shown} can't be written to"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "HERALD_DATA_DIR: another herald uses the folder {shown}; stop it, or give this one a folder of its own"
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(anyhow!(error).context(format!("HERALD_DATA_DIR: {shown} can't be locked")))
            }
        }
    }

    /// The folder's name among all nodes.
    pub fn node(&self) -> Result<NodeId> {
        let text = self.kept("node-id", || Uuid::now_v7().to_string())?;
        text.parse().map(NodeId).map_err(|_| anyhow!("{} is damaged", self.path.join("node-id").display()))
    }

    /// The installation's key, made at the first start.
    pub fn secret_key(&self) -> Result<SecretKey> {
        let text = self.kept("secret.key", || STANDARD.encode(rand::random::<[u8; 32]>()))?;
        let bytes = STANDARD.decode(&text).ok().and_then(|bytes| bytes.try_into().ok());
        let damaged =
            || anyhow!("{} is damaged: tokens and secrets depend on it", self.path.join("secret.key").display());
        bytes.map(SecretKey::new).ok_or_else(damaged)
    }

    /// The text of a file that only its owner may read; written whole or not at all if it is not there yet.
    fn kept(&self, name: &str, make: impl FnOnce() -> String) -> Result<String> {
        let path = self.path.join(name);
        let mut text = String::new();
        match File::open(&path) {
            Ok(mut file) => file.read_to_string(&mut text).map(drop),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                text = make();
                self.write(name, &text)
            }
            Err(error) => Err(error),
        }
        .with_context(|| format!("{} can't be read or written", path.display()))?;
        Ok(text.trim().to_owned())
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        let part = self.path.join(format!("{name}.part"));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        std::fs::rename(&part, self.path.join(name))?;
        File::open(&self.path)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_is_for_one_process_and_keeps_its_name_and_key() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let folder = Folder::open(&path).unwrap();
        let (node, key) = (folder.node().unwrap(), folder.secret_key().unwrap());
        let mode = std::fs::metadata(path.join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let refusal = Folder::open(&path).err().unwrap().to_string();
        assert!(refusal.contains("another herald uses the folder"), "{refusal}");
        drop(folder);
        let folder = Folder::open(&path).unwrap();
        assert_eq!(folder.node().unwrap(), node);
        assert_eq!(folder.secret_key().unwrap().derive("x"), key.derive("x"));
        std::fs::write(path.join("secret.key"), "short").unwrap();
        assert!(folder.secret_key().unwrap_err().to_string().contains("damaged"));
    }
}
