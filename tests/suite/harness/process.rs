//! A Herald in a process of its own, that can be killed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use super::{Client, Database, KEY, PASSWORD};

/// A process; it is killed when the test ends.
pub struct Process {
    child: Child,
    /// The address of its API; empty if it has none.
    pub url: String,
}

impl Process {
    /// Starts `herald serve` on the data folder, and waits until it serves.
    pub fn serve(database: &Database, data_dir: &std::path::Path, flags: &[&str]) -> Self {
        Self::start(herald("serve"), database, data_dir, flags, None)
    }

    /// Starts a command that [`herald`] has made, such as one with an environment of its own, and waits until it serves.
    pub fn of(command: Command, database: &Database, data_dir: &std::path::Path, flags: &[&str]) -> Self {
        Self::start(command, database, data_dir, flags, None)
    }

    /// Like [`Process::serve`], with a log of all in JSON, which goes to `log`.
    pub fn serve_logging(database: &Database, data_dir: &std::path::Path, flags: &[&str], log: File) -> Self {
        Self::start(herald("serve"), database, data_dir, flags, Some(log))
    }

    /// Like [`Process::serve`], where the machine trusts this certificate, too.
    pub fn serve_trusting(
        database: &Database,
        data_dir: &std::path::Path,
        flags: &[&str],
        certificate: &std::path::Path,
    ) -> Self {
        let mut process = herald("serve");
        process.env("SSL_CERT_FILE", certificate);
        Self::start(process, database, data_dir, flags, None)
    }

    /// Starts `herald worker` on the data folder, and waits until it works.
    pub fn worker(database: &Database, data_dir: &std::path::Path, flags: &[&str]) -> Self {
        Self::start(herald("worker"), database, data_dir, flags, None)
    }

    fn start(
        mut process: Command,
        database: &Database,
        data_dir: &std::path::Path,
        flags: &[&str],
        log: Option<File>,
    ) -> Self {
        match log {
            Some(log) => process.args(["--log=herald=debug", "--log-format=json"]).stderr(log),
            None => process.arg("--log=warn"),
        };
        if !flags.iter().any(|flag| flag.starts_with("--telegram=")) {
            process.arg("--telegram=simulated");
        }
        let mut child = process
            .arg("--listen=127.0.0.1:0")
            .arg(format!("--data-dir={}", data_dir.display()))
            .args(database.flags())
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("Herald ") {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before it served");
        }
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        let url = line.split_whitespace().find_map(|word| word.strip_suffix("/graphql")).unwrap_or_default().to_owned();
        Self { child, url }
    }

    /// The admin, signed in at this process.
    pub async fn admin(&self) -> Client {
        Client::new(self.url.clone()).sign_in("admin", PASSWORD).await
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; returns whether it ended well.
    pub fn terminate(&mut self) -> bool {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().unwrap().success()
    }

    /// From now on no file grows beyond so many bytes; None ends that. To a process it is what a full disk is.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let limit = rustix::process::Rlimit { current: bytes, maximum: None };
        rustix::process::prlimit(Some(pid), rustix::process::Resource::Fsize, limit).unwrap();
    }

    /// Sends a signal, such as STOP and CONT.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The command, with no setting of the developer's in its environment.
pub fn herald(command: &str) -> Command {
    let mut process = Command::new(env!("CARGO_BIN_EXE_herald"));
    for (name, _) in std::env::vars() {
        if name.starts_with("HERALD_") || name.starts_with("OTEL_") || name == "DATABASE_URL" || name == "REDIS_URL" {
            process.env_remove(name);
        }
    }
    process.env("HERALD_SECRET_KEY", KEY).env("HERALD_ADMIN_PASSWORD", PASSWORD).arg(command);
    process
}
