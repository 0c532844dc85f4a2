//! The words of broadcasting: states, modes, and the transitions that there are.

use super::words::words;

words! {
    /// How far a broadcast campaign is.
    CampaignStatus = "BroadcastCampaignStatus" {
        /// Created, not started; or scheduled.
        Queued => "QUEUED",
        /// Its jobs are being sent.
        Running => "RUNNING",
        /// Stopped by an operator or by itself; it goes on where it stopped.
        Paused => "PAUSED",
        /// Every job has ended.
        Completed => "COMPLETED",
        /// None of its accounts can ever send again.
        Failed => "FAILED",
        /// Stopped for good by an operator.
        Cancelled => "CANCELLED",
    }
    /// How far a campaign is, as its hot row says: the row that senders look at.
    ProgressStatus {
        /// As the campaign's of the same name.
        Queued => "QUEUED",
        /// Its jobs are being written; outside it is [`CampaignStatus::Queued`] (R23).
        Starting => "STARTING",
        /// As the campaign's of the same name.
        Running => "RUNNING",
        /// As the campaign's of the same name.
        Paused => "PAUSED",
        /// As the campaign's of the same name.
        Completed => "COMPLETED",
        /// As the campaign's of the same name.
        Failed => "FAILED",
        /// As the campaign's of the same name.
        Cancelled => "CANCELLED",
    }
    /// Who has paused a campaign.
    PausedBy {
        /// Herald, because something was wrong: `pauseReason` says what. It waits for somebody to mend it.
        Herald => "HERALD",
        /// Somebody, who knows why.
        Person => "PERSON",
    }
    /// Whom a campaign writes to.
    CampaignMode {
        /// The sending account's own Saved Messages: nobody else sees anything.
        Test => "TEST",
        /// The channels of the batch.
        Live => "LIVE",
    }
    /// What became of one message to one channel.
    JobStatus {
        /// Waits for its turn, or for an instant before which it must not be sent.
        Queued => "QUEUED",
        /// Handed over, or about to be.
        Sending => "SENDING",
        /// Accepted by Telegram, once.
        Sent => "SENT",
        /// Refused, and not to be tried again by itself.
        Failed => "FAILED",
        /// The campaign was cancelled before it was sent.
        Cancelled => "CANCELLED",
        /// It may have been sent, and there is no way to know.
        Unknown => "UNKNOWN",
    }
    /// What is attached to a message.
    MediaType {
        /// A picture, shown inline.
        Photo => "PHOTO",
        /// A film, played inline.
        Video => "VIDEO",
        /// A file of any other kind.
        Document => "DOCUMENT",
    }
    /// How the content of a template is read.
    ParseMode {
        /// As it is written.
        Plain => "PLAIN",
        /// With Telegram's HTML tags; values of placeholders are escaped.
        Html => "HTML",
    }
    /// The sort of a peer: what a username leads to.
    PeerKind {
        /// A channel: its admins write, its subscribers read.
        Channel => "CHANNEL",
        /// A group, in which its members write.
        Group => "GROUP",
        /// A group with topics.
        Forum => "FORUM",
        /// A person: messages to persons who did not ask for them cost accounts.
        Person => "PERSON",
        /// A program that answers whoever writes to it.
        Bot => "BOT",
    }
    /// Whether a channel takes messages of our accounts, as far as its rights tell.
    CanPost {
        /// One of our accounts may write there.
        Yes => "YES",
        /// Only others may.
        No => "NO",
        /// Nobody has asked yet, or the rights do not tell.
        Unknown => "UNKNOWN",
    }
    /// What becomes of messages that were sent.
    SentChangeKind {
        /// They get another text.
        Edit => "EDIT",
        /// They are taken back, for all who see them.
        Delete => "DELETE",
        /// Nothing: they are only looked for in the histories of their channels, since nobody knows whether they were sent.
        Find => "FIND",
    }
    /// How far the change of a sent message is.
    SentChangeStatus {
        /// Its account has not come to it yet.
        Queued => "QUEUED",
        /// The message has been changed, or found.
        Done => "DONE",
        /// It can't be done, as the error says.
        Failed => "FAILED",
    }
    /// How far an import is.
    ImportStatus {
        /// Waits for its turn.
        Queued => "QUEUED",
        /// Lines are being read.
        Running => "RUNNING",
        /// Every line was read; see the counts and the errors.
        Completed => "COMPLETED",
        /// It could not be read to its end.
        Failed => "FAILED",
        /// Somebody ended it before its time; what had gone in stays.
        Cancelled => "CANCELLED",
    }
    /// Whether a Telegram account can send.
    AccountStatus = "TelegramAccountStatus" {
        /// It sends.
        Active => "ACTIVE",
        /// Telegram told it to wait; it goes on by itself when the wait is over.
        FloodWait => "FLOOD_WAIT",
        /// Telegram limits it for spam. It stays so until an admin releases it, best after asking Telegram's `@SpamBot`.
        Restricted => "RESTRICTED",
        /// Telegram lets it read only. Its owner may appeal in a Telegram app.
        Frozen => "FROZEN",
        /// Its session has ended: give it a new session string.
        NeedsLogin => "NEEDS_LOGIN",
        /// Telegram has closed it for good.
        Banned => "BANNED",
        /// An admin took it out of use.
        Disabled => "DISABLED",
    }
}

impl PeerKind {
    /// Whether one person, or a program, reads what is written there, and nobody else.
    pub const fn is_private(self) -> bool {
        matches!(self, Self::Person | Self::Bot)
    }
}

impl From<CampaignStatus> for ProgressStatus {
    fn from(status: CampaignStatus) -> Self {
        match status {
            CampaignStatus::Queued => Self::Queued,
            CampaignStatus::Running => Self::Running,
            CampaignStatus::Paused => Self::Paused,
            CampaignStatus::Completed => Self::Completed,
            CampaignStatus::Failed => Self::Failed,
            CampaignStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl ProgressStatus {
    /// The status as it is shown: while its jobs are being written a campaign has not started yet.
    pub const fn shown(self) -> CampaignStatus {
        match self {
            Self::Queued | Self::Starting => CampaignStatus::Queued,
            Self::Running => CampaignStatus::Running,
            Self::Paused => CampaignStatus::Paused,
            Self::Completed => CampaignStatus::Completed,
            Self::Failed => CampaignStatus::Failed,
            Self::Cancelled => CampaignStatus::Cancelled,
        }
    }
}

impl CampaignStatus {
    /// The states that a campaign may enter from this one.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Queued => &[Self::Running, Self::Cancelled],
            Self::Running => &[Self::Paused, Self::Completed, Self::Failed, Self::Cancelled],
            Self::Paused => &[Self::Running, Self::Completed, Self::Cancelled],
            Self::Completed | Self::Failed => &[Self::Running],
            Self::Cancelled => &[],
        }
    }

    /// Whether it has ended: only a retry leads out of it.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ActiveEnum, Iterable};

    use super::*;

    #[test]
    fn what_is_shown_is_what_is_stored() {
        for status in CampaignStatus::iter() {
            assert_eq!(status.to_string(), status.to_value());
        }
        for status in JobStatus::iter() {
            assert_eq!(status.to_string(), status.to_value());
        }
    }

    #[test]
    fn nothing_leads_out_of_cancelled_and_only_a_retry_out_of_the_ended() {
        use CampaignStatus as S;
        assert!(S::Cancelled.next().is_empty());
        for from in S::iter().filter(|status| status.is_terminal() && *status != S::Cancelled) {
            assert_eq!(from.next(), [S::Running]);
        }
        assert!(!S::Queued.next().contains(&S::Paused));
    }
}
