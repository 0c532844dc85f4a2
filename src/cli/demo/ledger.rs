//! What the simulated messenger accepted, counted in its own ledger.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Result, bail};
use serde::Deserialize;

/// The ledger's account of a campaign.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Messages of this campaign.
    pub messages: u64,
    /// Channels of this campaign that got more than one.
    pub twice: u64,
    /// Random ids of any campaign that were accepted more than once.
    pub repeated: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LedgerLine {
    username: String,
    random_id: String,
    text: String,
}

/// Counts the messages with `issue` in their text.
pub fn check(ledger: &Path, issue: &str) -> Result<Accepted> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let (mut ids, mut repeated) = (HashSet::new(), 0);
    let written = std::fs::read_to_string(ledger)?;
    // What follows the last line's end is just being written.
    let whole = written.rfind('\n').map_or("", |end| &written[..end]);
    for line in whole.lines() {
        let LedgerLine { username, random_id, text } = serde_json::from_str(line)?;
        if text.contains(issue) {
            *counts.entry(username).or_default() += 1;
        }
        repeated += u64::from(!ids.insert(random_id));
    }
    let twice = counts.values().filter(|count| **count > 1).count();
    Ok(Accepted { messages: counts.values().sum(), twice: u64::try_from(twice)?, repeated })
}

impl Accepted {
    /// Fails unless the ledger says what the counters of the API say.
    pub fn agree_with(&self, sent: u64) -> Result<()> {
        if self.twice > 0 || self.repeated > 0 {
            bail!("{} channels got a message twice", self.twice.max(self.repeated));
        }
        if self.messages != sent {
            bail!("{sent} messages count as sent, but {} were accepted", self.messages);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_message_to_a_channel_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("simulated.jsonl");
        let line = |name: &str, id: &str, issue: &str| {
            format!(r#"{{"at":"x","username":"{name}","randomId":"{id}","text":"Выпуск {issue}"}}"#)
        };
        let text = [line("a", "1", "7"), line("b", "2", "7"), line("a", "3", "6"), String::new()].join("\n");
        std::fs::write(&ledger, &text).unwrap();
        let accepted = check(&ledger, "7").unwrap();
        assert_eq!(accepted, Accepted { messages: 2, twice: 0, repeated: 0 });
        assert!(accepted.agree_with(2).is_ok() && accepted.agree_with(3).is_err());
        std::fs::write(&ledger, text + &line("a", "4", "7") + "\n").unwrap();
        assert!(check(&ledger, "7").unwrap().agree_with(3).is_err());
    }
}
