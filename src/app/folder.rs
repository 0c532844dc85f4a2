//! The data folder: one process at a time, with a name and a key that outlive it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::Mode;

use domain::id::NodeId;
use domain::secret_key::SecretKey;

/// The installation's key, and the one before while secrets are being sealed anew.
const KEY: &str = "secret.key";
const KEY_BEFORE: &str = "secret.key.before";

/// The folder's name among all nodes.
const NODE: &str = "node-id";

/// Who has it open has the folder.
pub const LOCK: &str = "herald.lock";
/// The file of SQLite's database.
pub const DATABASE: &str = "herald.db";
/// What a data folder is known by.
const OURS: [&str; 4] = [LOCK, DATABASE, NODE, KEY];
/// The bits of a mode that let others in: the group, and everybody.
const OTHERS: u32 = 0o077;
/// The bit that lets everybody write.
const EVERYBODY_WRITES: u32 = 0o002;
/// The bit of folders that many share, such as /tmp.
const SHARED: u32 = 0o1000;

/// A data folder that this process has to itself.
pub struct Folder {
    path: PathBuf,
    /// The operating system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is not there, and takes it. What this process makes from now on is for its own user only.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("HERALD_DATA_DIR: {shown} can't be made"))?;
        keep_to_oneself(path)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join(LOCK));
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
        node_of(&self.path, &self.kept(NODE, || domain::id::time_sorted().to_string())?)
    }

    /// The installation's key, made at the first start.
    pub fn secret_key(&self) -> Result<SecretKey> {
        self.key(KEY, &self.kept(KEY, made_up)?)
    }

    /// The key before, while secrets are being sealed anew.
    pub fn secret_key_before(&self) -> Result<Option<SecretKey>> {
        match self.read(KEY_BEFORE)? {
            Some(text) => self.key(KEY_BEFORE, &text).map(Some),
            None => Ok(None),
        }
    }

    /// Puts a new key in the place of the installation's, unless that was done and not finished. At no instant is the old
    /// one gone: it is copied first, and stays until [`Folder::forget_key_before`].
    pub fn renew_key(&self) -> Result<()> {
        let present = self.kept(KEY, made_up)?;
        let before = self.read(KEY_BEFORE)?;
        if before.is_some_and(|before| before != present) {
            return Ok(());
        }
        let written = self.write(KEY_BEFORE, &present).and_then(|()| self.write(KEY, &made_up()));
        written.with_context(|| format!("the key in {} can't be replaced", self.path.display()))
    }

    /// The key before opens nothing any more.
    pub fn forget_key_before(&self) -> Result<()> {
        let path = self.path.join(KEY_BEFORE);
        std::fs::remove_file(&path).with_context(|| format!("{} can't be deleted", path.display()))
    }

    fn key(&self, name: &str, text: &str) -> Result<SecretKey> {
        key_of(&self.path.join(name), text)
    }

    /// The text of a file that only its owner may read; written whole or not at all if it is not there yet.
    fn kept(&self, name: &str, make: impl FnOnce() -> String) -> Result<String> {
        if let Some(text) = self.read(name)? {
            return Ok(text);
        }
        let text = make();
        self.write(name, &text).with_context(|| format!("{} can't be written", self.path.join(name).display()))?;
        Ok(text)
    }

    /// The text of a file, if it is there.
    fn read(&self, name: &str) -> Result<Option<String>> {
        read(&self.path.join(name))
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        write_whole(&self.path, name, text)
    }
}

/// The key in the data folder at `path`, which another process may use; None if it has none.
///
/// # Errors
/// It can't be read, or is damaged.
pub fn present_key(path: &Path) -> Result<Option<SecretKey>> {
    let path = path.join(KEY);
    read(&path)?.map(|text| key_of(&path, &text)).transpose()
}

/// The name among all nodes of the data folder at `path`, which another process may use; None if it has none.
///
/// # Errors
/// It can't be read, or is damaged.
pub fn present_node(path: &Path) -> Result<Option<NodeId>> {
    read(&path.join(NODE))?.map(|text| node_of(path, &text)).transpose()
}

fn node_of(path: &Path, text: &str) -> Result<NodeId> {
    text.parse().map(NodeId).map_err(|_| anyhow!("{} is damaged", path.join(NODE).display()))
}

/// Whether a process has the data folder at `path` open.
pub fn is_in_use(path: &Path) -> bool {
    File::open(path.join(LOCK)).is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn key_of(path: &Path, text: &str) -> Result<SecretKey> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(SecretKey::new).ok_or_else(|| anyhow!("{} is damaged: tokens and secrets depend on it", path.display()))
}

/// The text of a file without the spaces around it; None if it is not there.
fn read(path: &Path) -> Result<Option<String>> {
    let mut text = String::new();
    match File::open(path).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow!(error).context(format!("{} can't be read", path.display()))),
    }
}

/// Writes a file that only its owner may read, with one line of text: after a crash it is the old one or the new one, whole.
pub fn write_whole(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let part = folder.join(format!("{name}.part"));
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    std::fs::rename(&part, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Takes away from other users of the machine what they may do in the folder, and the files that were made when they might.
fn keep_to_oneself(path: &Path) -> Result<()> {
    let shown = path.display();
    let seen = || format!("HERALD_DATA_DIR: {shown} can't be looked at");
    let folder = std::fs::metadata(path).with_context(seen)?;
    if folder.mode() & OTHERS != 0 {
        let is_ours = OURS.iter().any(|name| path.join(name).exists());
        // A disk of its own has that from the beginning.
        let is_empty =
            std::fs::read_dir(path).with_context(seen)?.flatten().all(|entry| entry.file_name() == "lost+found");
        if folder.mode() & SHARED != 0 || !(is_ours || is_empty) {
            bail!(
                "HERALD_DATA_DIR: the folder {shown} is open to other users and has other things in it; give Herald a \
                 folder of its own"
            );
        }
        match std::fs::set_permissions(path, std::fs::Permissions::from_mode(folder.mode() & !OTHERS & 0o7777)) {
            Ok(()) => tracing::warn!("HERALD_DATA_DIR: {shown} was open to other users; now it is not"),
            Err(error) if folder.mode() & EVERYBODY_WRITES != 0 => {
                let why =
                    format!("HERALD_DATA_DIR: everybody may write in {shown}, and that can't be changed; chmod 700 it");
                return Err(anyhow!(error).context(why));
            }
            Err(error) => tracing::warn!(
                %error,
                "HERALD_DATA_DIR: {shown} is open to other users, and that can't be changed; its files are not"
            ),
        }
    }
    close_files(path).with_context(|| format!("HERALD_DATA_DIR: files in {shown} are open to other users"))
}

/// Closes the files of a folder, and of those in it, that were made open to others.
fn close_files(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Of a link this is what the link is, not where it leads.
        let found = match entry.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            found => found?,
        };
        if found.is_dir() {
            close_files(&entry.path())?;
        }
        let is_open = (found.is_file() || found.is_dir()) && found.mode() & OTHERS != 0;
        if is_open && found.uid() == rustix::process::geteuid().as_raw() {
            std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(found.mode() & !OTHERS & 0o7777))?;
        }
    }
    Ok(())
}

fn made_up() -> String {
    STANDARD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn give(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn nobody_else_reads_what_lies_in_a_folder() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        std::fs::create_dir(&path).unwrap();
        give(&path, 0o755);
        drop(Folder::open(&path).unwrap());
        assert_eq!(mode(&path), 0o700, "an empty one is closed");
        // As earlier versions left it.
        std::fs::create_dir_all(path.join("uploads")).unwrap();
        for file in ["herald.db", "herald.db-wal", "uploads/1"] {
            std::fs::write(path.join(file), "x").unwrap();
            give(&path.join(file), 0o644);
        }
        for folder in ["", "uploads"] {
            give(&path.join(folder), 0o755);
        }
        drop(Folder::open(&path).unwrap());
        for file in ["herald.db", "herald.db-wal", "uploads/1", "herald.lock"] {
            assert_eq!(mode(&path.join(file)), 0o600, "{file}");
        }
        assert_eq!([mode(&path), mode(&path.join("uploads"))], [0o700; 2]);
        std::fs::write(path.join("new"), "x").unwrap();
        assert_eq!(mode(&path.join("new")), 0o600);
    }

    #[test]
    fn a_folder_with_the_things_of_others_is_left_as_it_is() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("letter.txt"), "x").unwrap();
        for open in [0o755, 0o1777, 0o770] {
            give(parent.path(), open);
            let refusal = Folder::open(parent.path()).err().unwrap().to_string();
            assert!(refusal.contains("a folder of its own") && !refusal.contains("chmod"), "{refusal}");
            assert_eq!(mode(parent.path()), open);
        }
        give(parent.path(), 0o700);
        Folder::open(parent.path()).unwrap();
    }

    #[test]
    fn a_folder_is_for_one_process_and_keeps_its_name_and_key() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let folder = Folder::open(&path).unwrap();
        let (node, key) = (folder.node().unwrap(), folder.secret_key().unwrap());
        assert_eq!(mode(&path.join("secret.key")), 0o600);
        let refusal = Folder::open(&path).err().unwrap().to_string();
        assert!(refusal.contains("another herald uses the folder"), "{refusal}");
        drop(folder);
        let folder = Folder::open(&path).unwrap();
        assert_eq!(folder.node().unwrap(), node);
        assert!(folder.secret_key().unwrap().is_same(&key));
        std::fs::write(path.join("secret.key"), "short").unwrap();
        assert!(folder.secret_key().unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn a_key_is_replaced_and_the_old_one_stays_until_it_is_forgotten() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let same = SecretKey::is_same;
        let old = folder.secret_key().unwrap();
        assert!(folder.secret_key_before().unwrap().is_none());
        folder.renew_key().unwrap();
        let new = folder.secret_key().unwrap();
        assert!(!same(&old, &new) && same(&old, &folder.secret_key_before().unwrap().unwrap()));
        // After an interruption it goes on with the same two.
        folder.renew_key().unwrap();
        assert!(same(&new, &folder.secret_key().unwrap()));
        // An interruption between the two writes leaves the old key twice: then a new one is made.
        std::fs::copy(parent.path().join(KEY_BEFORE), parent.path().join(KEY)).unwrap();
        folder.renew_key().unwrap();
        assert!(!same(&old, &folder.secret_key().unwrap()));
        folder.forget_key_before().unwrap();
        assert!(folder.secret_key_before().unwrap().is_none());
    }
}
