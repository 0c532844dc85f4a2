//! `herald help`: of a command, or all settings with their defaults.

use std::fmt::Write;

use clap::{Args, Command};

use super::{Failure, Result, print};
use crate::config::SETTINGS;

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
            return print(&settings());
        }
        cli.build();
        let mut command = &mut cli;
        for name in &self.topic {
            let unknown = || Failure::Usage(format!("there is no command {name:?}; see herald help"));
            command = command.find_subcommand_mut(name).ok_or_else(unknown)?;
        }
        // A server has use for each setting; of what other commands share with it the first few are enough.
        let is_server = ["serve", "worker"].contains(&command.get_name());
        let help = if is_server { command.render_long_help() } else { command.render_help() };
        print(&help.to_string())
    }
}

/// All settings: name, default, meaning.
fn settings() -> String {
    let rows: Vec<[String; 3]> = SETTINGS
        .iter()
        .map(|setting| {
            let flag = setting.flag().map(|flag| format!(" [--{flag}]")).unwrap_or_default();
            let default = setting.default().unwrap_or("-");
            [setting.name.into(), default.into(), format!("{}{flag}", setting.meaning())]
        })
        .collect();
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
