//! The command line: what a person types, and what he is told.

mod audit;
mod backup;
mod check;
mod compact;
mod demo;
mod doctor;
mod follow;
mod help;
mod import;
mod log;
mod migrate;
mod restore;
mod secrets;
mod serve;
mod sso;
mod stop;
mod telegram;
mod traces;
mod users;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::error::ErrorKind as Misuse;
use clap::{CommandFactory, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::app::require_database;
use crate::config::{Config, Settings, Wrong, unknown};

/// Herald runs outreach: one message to many Telegram channels, exactly once, at the promised rate, live
#[derive(Parser)]
#[command(name = "herald", version, disable_help_subcommand = true, max_term_width = 160)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the API and a worker (default: both)
    Serve(serve::Serve),
    /// Run a worker alone, beside others on one PostgreSQL
    Worker(serve::Worker),
    /// Stop all sends at once, in all processes; it works beside running ones
    Stop(stop::Stop),
    /// Let everything go on that was stopped
    Resume(stop::Resume),
    /// Wait for the end of a campaign, an import or a task; the status says which
    Follow(follow::Follow),
    /// Show a whole campaign and a sequence on a throw-away installation, then a tour of it
    Demo(demo::Demo),
    /// Apply the database's migrations, or say which are missing
    Migrate(migrate::Migrate),
    /// Say what is wrong with the installation, from settings to accounts, and what to do
    Doctor(doctor::Doctor),
    /// Look for what contradicts itself in the database, and mend it with --fix, beside whatever runs
    Check(check::Check),
    /// Put database, key and uploads into one file, beside whatever runs
    Backup(backup::Backup),
    /// Bring a backup back into an empty data folder
    Restore(restore::Restore),
    /// Give room in SQLite's file back to the disk, while nothing runs
    Compact(compact::Compact),
    /// Import a list from a file
    Import(import::Import),
    /// Create, change and list users
    User(users::User),
    /// Add, examine and list the Telegram accounts that send
    Telegram(telegram::Telegram),
    /// Examine or archive the audit log
    Audit(audit::Audit),
    /// Replace the key under which secrets are stored
    Secrets(secrets::Secrets),
    /// Try out single sign-on
    Sso(sso::Sso),
    /// Print the API's schema
    Schema,
    /// Say what a command does, or list all settings
    Help(help::Help),
}

/// Why a command ended badly.
enum Failure {
    /// The command line or a setting can't be used.
    Usage(String),
    /// The command could not do its work.
    Other(anyhow::Error),
    /// What it was about ended so that this status says it.
    Ended(u8, String),
    /// The command, whose status says what it has found, could not look.
    Unseen(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Usage(wrong.to_string())
    }
}

type Result<T, E = Failure> = std::result::Result<T, E>;

/// Runs the command of this process' arguments.
pub fn main() -> ExitCode {
    crate::app::install_tls();
    let ended = run(std::env::args_os());
    log::end();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(line)) => {
            eprintln!("herald: {line}");
            ExitCode::from(2)
        }
        Err(Failure::Ended(status, line)) => {
            eprintln!("herald: {}", one_line(&line));
            ExitCode::from(status)
        }
        Err(Failure::Other(error)) => {
            eprintln!("herald: {}", one_line(&format!("{error:#}")));
            ExitCode::FAILURE
        }
        Err(Failure::Unseen(error)) => {
            eprintln!("herald: {}", one_line(&format!("{error:#}")));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) if matches!(error.kind(), Misuse::DisplayHelp | Misuse::DisplayVersion) => {
            return print(&error.to_string());
        }
        Err(error) => return Err(Failure::Usage(misuse(&error))),
    };
    match cli.command {
        Command::Serve(command) => command.run(),
        Command::Worker(command) => command.run(),
        Command::Stop(command) => command.run(),
        Command::Resume(command) => command.run(),
        Command::Follow(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Compact(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::User(command) => command.run(),
        Command::Telegram(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Secrets(command) => command.run(),
        Command::Sso(command) => command.run(),
        Command::Schema => print(&graphql::sdl()),
        Command::Help(command) => command.run(Cli::command()),
    }
}

/// The settings, checked, with the log set up as they say.
fn configured(settings: Settings) -> Result<Config> {
    let names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    unknown::check(names.iter().cloned())?;
    let config = settings.check(|name| std::env::var(name).ok())?;
    log::start(&config);
    for line in unknown::unprefixed(&names) {
        tracing::warn!("{line}");
    }
    Ok(config)
}

/// Like [`configured`], for a command that has nothing to do where no installation is.
fn installed(settings: Settings) -> Result<Config> {
    let config = configured(settings)?;
    require_database(&config)?;
    Ok(config)
}

/// Prints a long text. Who has read enough of it closes the pipe, which is no fault.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow::Error::from(error).into()),
        _ => Ok(()),
    }
}

/// Runs `work` on a runtime of its own.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if cfg!(debug_assertions) {
        // Deep resolver trees overflow 2 MiB where nothing is optimised.
        runtime.thread_stack_size(4 << 20);
    }
    let runtime = runtime.enable_all().build().map_err(anyhow::Error::from)?;
    let result = runtime.block_on(async {
        let beyond = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        // A write beyond a limit of file sizes is then an error, like one on a full disk, and not the end of the process.
        let _caught = signal(beyond).map_err(anyhow::Error::from)?;
        work.await
    });
    // Password hashes that nobody waits for any more must not hold the end up.
    runtime.shutdown_background();
    result
}

/// Clap's message of several lines, in one.
fn misuse(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    format!("{}; see herald help", one_line(first.trim_start_matches("error: ")))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_one_line_of_help_and_its_defaults() {
        // One line each, however wide the terminal is.
        let mut cli = Cli::command().term_width(0);
        let mut pages = vec![cli.render_help().to_string()];
        cli.build();
        for command in cli.get_subcommands_mut() {
            let help = command.render_help();
            pages.push(format!("--- {}\n{help}", command.get_name()));
        }
        insta::assert_snapshot!("help", pages.join("\n"));
    }

    #[test]
    fn misuse_is_told_in_one_line() {
        let told = |arguments: &[&str]| match run(arguments.iter().map(OsString::from)) {
            Err(Failure::Usage(line)) => line,
            _ => panic!("{arguments:?} is no misuse"),
        };
        assert_eq!(told(&["herald", "fly"]), "unrecognized subcommand 'fly'; see herald help");
        assert_eq!(told(&["herald", "serve", "--fast"]), "unexpected argument '--fast' found; see herald help");
        assert!(!told(&["herald", "import", "channels"]).contains('\n'));
        assert!(told(&["herald", "help", "flying"]).contains("flying"));
    }
}
