//! What is seen: bars in a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use secrecy::ExposeSecret;

use super::campaign::{Ended, Progress};
use super::house::House;
use super::ledger::Accepted;
use super::prepare::RATE;
use super::tour::Tour;
use telegram::simulated::LEDGER;

/// The standard output.
#[derive(Clone)]
pub struct Board {
    bars: MultiProgress,
    is_terminal: bool,
}

impl Board {
    /// The standard output, as it is.
    pub fn new() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        Self { bars: MultiProgress::with_draw_target(ProgressDrawTarget::stdout()), is_terminal }
    }

    /// A line, above the bars.
    pub fn line(&self, text: &str) {
        if self.is_terminal && self.bars.println(text).is_ok() {
            return;
        }
        println!("{text}");
    }

    /// A heading.
    pub fn heading(&self, text: &str) {
        self.line("");
        let is_bold = self.is_terminal && std::env::var_os("NO_COLOR").is_none();
        self.line(&if is_bold { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() });
    }

    /// A thing, and what there is to say of it.
    pub fn item(&self, name: &str, text: &str) {
        self.line(&format!("  {name:<12}{text}"));
    }

    /// Prints what there is to say besides of the last thing.
    pub fn more(&self, text: &str) {
        self.item("", &format!("  {text}"));
    }

    /// Something that happened, so long after the start.
    pub fn event(&self, after: Duration, text: &str) {
        self.line(&format!("{:>5.1} s  {text}", after.as_secs_f64()));
    }

    /// Prints what this is, and where.
    pub fn greet(&self, house: &House) {
        let version = env!("CARGO_PKG_VERSION");
        self.line(&format!("Herald {version}, a demonstration: Telegram is simulated, nothing is sent."));
        self.heading("Server");
        self.item("address", &format!("http://{}", house.address));
        if let Some(busy) = house.busy {
            self.more(&format!("{busy} is in use by another process"));
        }
        self.item("data", &house.data_dir.display().to_string());
        self.item("sign-in", &login(house));
        self.more("open it now, and watch there what is told here");
    }

    /// How it ended.
    pub fn summary(&self, ended: &Ended, accepted: &Accepted) {
        let Progress { total, sent, failed, unknown, .. } = ended.progress;
        let took = ended.took.as_secs_f64();
        self.item("messages", &format!("{} in {took:.1} s, with the pause and the flood waits", HumanCount(total)));
        self.item("sent", &HumanCount(sent).to_string());
        self.item("failed", &format!("{failed:<8}refused by the channel, or there is no such channel"));
        self.item("unknown", &format!("{unknown:<8}nobody can know; Herald says so instead of guessing"));
        let lines = HumanCount(accepted.messages).to_string();
        self.item("accepted", &format!("{lines:<8}lines of this campaign in {LEDGER}"));
        self.item("twice", &format!("{:<8}channels have more than one of them", accepted.twice));
    }

    /// Prints what can be done now.
    pub fn go_on(&self, house: &House, tour: &Tour) {
        let address = format!("http://{}", house.address);
        self.heading("Look");
        for (name, path, proof) in tour.places() {
            self.item(name, &format!("{address}{path}"));
            self.more(proof);
        }
        self.heading("Go on");
        self.item("manual", &format!("{address}/manual"));
        self.item("GraphQL", &format!("{address}/graphql, by POST and by WebSocket"));
        self.item("sign-in", &login(house));
        self.item("data", &house.data_dir.display().to_string());
        self.more("delete it when you have seen enough");
        self.line("");
        self.line("Herald serves until Ctrl-C.");
    }

    /// The bar of an import.
    pub fn import(&self) -> ProgressBar {
        self.bar("import", "{bytes} of {total_bytes}")
    }

    /// The bars of a campaign.
    pub fn sending(&self) -> Sending {
        let sent = self.bar("messages", "{msg}");
        let rate = self.bar("pace", "{msg}");
        rate.set_length(RATE.into());
        let counts = self.words();
        Sending { board: self.clone(), sent, rate, counts }
    }

    /// Whether bars can be drawn.
    pub const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// A line of words below the bars.
    pub fn words(&self) -> ProgressBar {
        let words = self.bars.add(ProgressBar::no_length());
        words.set_style(style("  {msg}"));
        words
    }

    /// A bar of this name, with a text beside it.
    pub fn bar(&self, name: &str, text: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(0));
        bar.set_style(style(&format!("  {name:<12}{{bar:32.cyan/dim}}  {text}")).progress_chars("━╸─"));
        bar
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is right")
}

fn login(house: &House) -> String {
    if house.is_made_up {
        format!("{}, with the password {}", house.username, house.password.expose_secret())
    } else {
        format!("{}, with the password of HERALD_ADMIN_PASSWORD", house.username)
    }
}

/// The bars of a campaign.
pub struct Sending {
    board: Board,
    sent: ProgressBar,
    rate: ProgressBar,
    counts: ProgressBar,
}

impl Sending {
    /// Shows the latest counters.
    pub fn show(&self, progress: &Progress) {
        self.sent.set_length(progress.total);
        self.sent.set_position(progress.done());
        self.sent.set_message(far(progress));
        self.rate.set_position(progress.rate_per_minute.min(RATE.into()));
        self.rate.set_message(format!("{} of {}", pace(progress), HumanCount(RATE.into())));
        self.counts.set_message(format!("{:<12}{}", progress.status.to_lowercase(), counts(progress)));
    }

    /// Prints the progress in a line, where there are no bars.
    pub fn tick(&self, after: Duration, progress: &Progress) {
        if !self.board.is_terminal && progress.total > 0 {
            let status = progress.status.to_lowercase();
            let text = format!("{status:<12} {}; {}; {}", far(progress), pace(progress), counts(progress));
            self.board.event(after, &text);
        }
    }

    /// Takes the bars away.
    pub fn finish(self) {
        [self.counts, self.rate, self.sent].iter().for_each(ProgressBar::finish_and_clear);
    }
}

fn far(progress: &Progress) -> String {
    let far = format!("{} of {}", HumanCount(progress.done()), HumanCount(progress.total));
    match progress.eta_seconds {
        Some(seconds) if progress.done() < progress.total => format!("{far}, {seconds} s left"),
        _ => far,
    }
}

fn pace(progress: &Progress) -> String {
    format!("{}/min", HumanCount(progress.rate_per_minute))
}

fn counts(progress: &Progress) -> String {
    let Progress { queued, sending, sent, failed, unknown, .. } = progress;
    format!("queued {queued}, sending {sending}, sent {sent}, failed {failed}, unknown {unknown}")
}
