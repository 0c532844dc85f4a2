//! `herald help`: of a command, or all settings with their defaults.

use std::fmt::Write;

use clap::{Args, Command};

use super::{Failure, Result};
use crate::config::{SECRETS, Settings};

/// What `herald help` is about
#[derive(Args)]
pub struct Help {
    /// A command, or: settings
    topic: Vec<String>,
}

impl Help {
    /// Prints it.
    pub fn run(self, mut cli: Command) -> Result<()> {
        if self.topic == ["settings"] {
            print!("{}", settings());
            return Ok(());
        }
        cli.build();
        let mut command = &mut cli;
        for name in &self.topic {
            let unknown = || Failure::Usage(format!("there is no command {name:?}; see herald help"));
            command = command.find_subcommand_mut(name).ok_or_else(unknown)?;
        }
        print!("{}", command.render_long_help());
        Ok(())
    }
}

/// All settings: name, default, meaning.
fn settings() -> String {
    let command = Settings::augment_args(Command::new("settings"));
    let mut rows: Vec<[String; 3]> = Vec::new();
    for argument in command.get_arguments() {
        let Some(name) = argument.get_env() else { continue };
        let default = argument.get_default_values().first().map_or_else(|| "-".into(), |value| value.to_string_lossy());
        let meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let flag = argument.get_long().map(|flag| format!("--{flag}")).unwrap_or_default();
        rows.push([name.to_string_lossy().into(), default.into_owned(), format!("{meaning} [{flag}]")]);
    }
    rows.extend(SECRETS.map(|(name, meaning)| [name.into(), "-".into(), meaning.into()]));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let (name, default) = (width(0), width(1));
    let mut text = "Each setting is an environment variable; most are a flag too, which wins.\n\n".to_owned();
    for [setting, value, meaning] in &rows {
        writeln!(text, "{setting:name$}  {value:default$}  {meaning}").expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_settings_are_listed_with_their_defaults() {
        insta::assert_snapshot!("settings", super::settings());
    }
}
