//! The funnel of a sequence: a bar for each step in a terminal, plain lines elsewhere.

use std::time::Duration;

use indicatif::ProgressBar;

use super::board::Board;
use super::sequence::Funnel;

/// The bars of a sequence.
pub struct Bars {
    board: Board,
    steps: Vec<ProgressBar>,
    people: ProgressBar,
}

impl Board {
    /// The bars of a sequence.
    pub fn funnel(&self, funnel: &Funnel) -> Bars {
        let steps = funnel.steps.iter().map(|(name, _)| self.bar(name, "{msg}")).collect();
        Bars { board: self.clone(), steps, people: self.words() }
    }

    /// How it ended.
    pub fn funnel_summary(&self, funnel: &Funnel, converted: u64) {
        for (name, counts) in &funnel.steps {
            let told: Vec<String> =
                counts.iter().map(|(status, count)| format!("{} {count}", status.to_lowercase())).collect();
            self.item(name, &told.join(", "));
        }
        self.item("leads", &people(funnel));
        self.item("converted", &format!("{converted:<8}leads on their way: what was left for them was cancelled"));
        let (skipped, unknown) = (funnel.executions("SKIPPED"), funnel.executions("UNKNOWN"));
        self.item("skipped", &format!("{skipped:<8}no telephone, or refused twice"));
        self.item("unknown", &format!("{unknown:<8}the answer was lost: never sent again, since nobody can know"));
    }
}

impl Bars {
    /// Shows the latest counters.
    pub fn show(&self, funnel: &Funnel) {
        for (bar, (_, counts)) in self.steps.iter().zip(&funnel.steps) {
            let count = |status: &str| counts.get(status).copied().unwrap_or_default();
            let sent = count("SENT") + count("DELIVERED");
            bar.set_length(funnel.enrolled().max(1));
            bar.set_position(sent);
            bar.set_message(format!("{sent} sent, {} scheduled", count("SCHEDULED")));
        }
        self.people.set_message(format!("{:<12}{}", "leads", people(funnel)));
    }

    /// Prints the funnel in a line, where there are no bars.
    pub fn tick(&self, after: Duration, funnel: &Funnel) {
        if !self.board.is_terminal() {
            let sent: Vec<String> = funnel
                .steps
                .iter()
                .map(|(_, counts)| counts.get("SENT").copied().unwrap_or_default().to_string())
                .collect();
            self.board.event(after, &format!("sent by step {}; {}", sent.join(" > "), people(funnel)));
        }
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        self.people.finish_and_clear();
        self.steps.iter().rev().for_each(ProgressBar::finish_and_clear);
    }
}

fn people(funnel: &Funnel) -> String {
    let told = funnel.enrollments.iter().filter(|(_, count)| **count > 0);
    let told: Vec<String> = told.map(|(status, count)| format!("{} {count}", status.to_lowercase())).collect();
    told.join(", ")
}
