//! The Python packages of a folder of `tests/clients`: installed once for each list of them.

use std::path::PathBuf;
use std::process::Command;

use super::needs::missing;
use super::npm::{cached, clients, name_by, succeed};

/// A Python that has the packages of the folder `of`. None if there is no Python that can make virtual environments on this machine.
pub fn interpreter(of: &str) -> Option<PathBuf> {
    let version = Command::new("python3").args(["-c", "import ensurepip, sys, venv; print(sys.version)"]).output();
    let Some(version) = version.ok().filter(|version| version.status.success()) else {
        missing("Python with venv and pip");
        return None;
    };
    let requirements = clients().join(of).join("requirements.txt");
    let mut key = std::fs::read(&requirements).unwrap();
    key.extend(version.stdout);
    let folder = cached(&name_by(&format!("python-{of}"), &key), |folder| {
        succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")));
        // The list is whole. Without it two of them could not be together: each names a version of what only one of them uses.
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary=:all:",
            "--no-deps",
            "-r",
        ];
        succeed(Command::new(folder.join("venv/bin/python")).args(pip).arg(requirements));
    });
    Some(folder.join("venv/bin/python"))
}
