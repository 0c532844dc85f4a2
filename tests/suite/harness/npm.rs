//! The npm packages of `tests/clients`: installed once for each lockfile, used by all tests.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::needs::missing;

/// A copy of `schema` and `tests/clients`, laid as in the repository, in which the packages can be imported. It is thrown
/// away with the test.
pub struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// None if there is no npm on this machine. The first one for a lockfile downloads for half a minute.
    pub fn open() -> Option<Self> {
        if !is_here() {
            return None;
        }
        // Inside of what is installed: modules are looked for in the folders above.
        let folder = tempfile::Builder::new().prefix("work-").tempdir_in(installed()).unwrap();
        copy(&repository().join("schema"), &folder.path().join("schema"));
        copy(&clients(), &folder.path().join("tests/clients"));
        Some(Self { folder })
    }

    /// The copy of `tests/clients`.
    pub fn clients(&self) -> PathBuf {
        self.folder.path().join("tests/clients")
    }

    /// Runs `npm run SCRIPT` of the package there, and returns what it printed.
    pub async fn script(&self, script: &str, environment: &[(&str, &str)]) -> String {
        let mut command = Command::new("npm");
        command.args(["run", "--silent", script]).current_dir(self.clients()).envs(environment.iter().copied());
        run(command).await
    }
}

/// Runs a command that must succeed while this thread goes on serving it, and returns what it printed.
pub async fn run(mut command: Command) -> String {
    let ended = tokio::task::spawn_blocking(move || succeed(&mut command)).await;
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Runs a command that must succeed, and returns what it printed.
#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}\n{printed}\n{told}", output.status);
    printed
}

/// A folder that outlives the tests, made by `make` unless another test has made it. Its name is to change with whatever
/// goes into it.
pub fn cached(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let folder = cache.unwrap_or_else(std::env::temp_dir).join("herald").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let done = folder.join("done");
    if !done.exists() {
        make(&folder);
        File::create(done).unwrap();
    }
    folder
}

/// The name of what is made from this: `prefix` and a digest.
pub fn name_by(prefix: &str, contents: &[u8]) -> String {
    let digest = Sha256::digest(contents);
    let first = digest.first_chunk().expect("a digest has 32 bytes");
    format!("{prefix}-{:016x}", u64::from_be_bytes(*first))
}

/// The text of a file of an installed package; None if there is no npm on this machine.
pub fn file(path: &str) -> Option<String> {
    if !is_here() {
        return None;
    }
    Some(std::fs::read_to_string(installed().join("node_modules").join(path)).unwrap())
}

fn is_here() -> bool {
    let is_here = Command::new("npm").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !is_here {
        missing("npm");
    }
    is_here
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `tests/clients` of the repository.
pub fn clients() -> PathBuf {
    repository().join("tests/clients")
}

fn installed() -> PathBuf {
    let lockfile = std::fs::read(clients().join("package-lock.json")).unwrap();
    cached(&name_by("npm", &lockfile), |folder| {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(clients().join(file), folder.join(file)).unwrap();
        }
        // No package needs its install script: what is binary comes inside of a package.
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        succeed(Command::new("npm").args(arguments).current_dir(folder));
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "node_modules" {
            continue;
        }
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(source, target).unwrap();
        }
    }
}
