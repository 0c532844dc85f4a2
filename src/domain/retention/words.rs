//! The words of retention: channels, states, triggers, units.

use crate::words::words;

words! {
    /// By which way a lead is reached.
    ContactChannel {
        /// An email, by SMTP or by Instantly.
        Email => "EMAIL",
        /// A text message, by Twilio.
        Sms => "SMS",
        /// A call, by VAPI.
        Call => "CALL",
        /// A signed request to a URL of one's own.
        Webhook => "WEBHOOK",
        /// A message from a Telegram account; needs a recorded consent.
        Telegram => "TELEGRAM",
    }
    /// What a script is written as.
    ScriptFormat {
        /// Words, which the lead reads as they stand.
        Text => "TEXT",
        /// A page of HTML: values are escaped where they stand, and a part in plain words goes with it. Emails only.
        Html => "HTML",
    }
    /// What sort of address a refusal belongs to.
    AddressKind {
        /// An email address.
        Email => "EMAIL",
        /// A phone number, for texts and calls.
        Phone => "PHONE",
        /// A name on Telegram.
        Telegram => "TELEGRAM",
    }
    /// How far a lead is.
    LeadStatus {
        /// Known, and nothing more.
        New => "NEW",
        /// Assigned to a campaign or enrolled in a sequence.
        InProgress => "IN_PROGRESS",
        /// A provider accepted a contact to it.
        Contacted => "CONTACTED",
        /// It did what it was contacted for.
        Converted => "CONVERTED",
        /// Must not be contacted on any channel.
        DoNotContact => "DO_NOT_CONTACT",
    }
    /// Whether a lead agreed to be contacted, or took it back.
    ConsentKind {
        /// The lead agreed.
        Given => "GIVEN",
        /// The lead took it back, or never agreed.
        Withdrawn => "WITHDRAWN",
    }
    /// How far a retention campaign is.
    RetentionCampaignStatus {
        /// Being prepared; nobody is contacted.
        Draft => "DRAFT",
        /// Its leads are contacted.
        Active => "ACTIVE",
        /// Stopped for a while.
        Paused => "PAUSED",
        /// Over for good.
        Completed => "COMPLETED",
    }
    /// How far a lead is within one campaign.
    CampaignLeadStatus {
        /// Assigned, not contacted yet.
        Pending => "PENDING",
        /// Contacted at least once.
        Contacted => "CONTACTED",
        /// The campaign is done with it.
        Completed => "COMPLETED",
    }
    /// A day of the week on which leads may be contacted.
    ContactDay {
        /// On Mondays, where the lead lives.
        Mon => "MON",
        /// On Tuesdays, where the lead lives.
        Tue => "TUE",
        /// On Wednesdays, where the lead lives.
        Wed => "WED",
        /// On Thursdays, where the lead lives.
        Thu => "THU",
        /// On Fridays, where the lead lives.
        Fri => "FRI",
        /// On Saturdays, where the lead lives.
        Sat => "SAT",
        /// On Sundays, where the lead lives.
        Sun => "SUN",
    }
    /// What became of one contact to a lead.
    ContactAttemptStatus {
        /// About to be handed to the provider.
        Pending => "PENDING",
        /// Accepted by the provider.
        Sent => "SENT",
        /// It reached the lead.
        Delivered => "DELIVERED",
        /// The lead answered, replied or clicked.
        Success => "SUCCESS",
        /// Refused, or it never arrived.
        Failed => "FAILED",
        /// The lead's mail server sent it back.
        Bounced => "BOUNCED",
        /// It may have been sent, and the provider has not said.
        Unknown => "UNKNOWN",
    }
    /// What a conversion stands for.
    ConversionStatus {
        /// Interest that is not confirmed yet.
        Lead => "LEAD",
        /// An account was made.
        Signup => "SIGNUP",
        /// A trial was begun.
        Trial => "TRIAL",
        /// Money was paid.
        Sale => "SALE",
        /// It was taken back: a refund, a fraud, a duplicate.
        Rejected => "REJECTED",
    }
    /// What a conversion rule looks at.
    ConversionMetric {
        /// Clicks by contacts that were sent and tell of clicks, 0 to 1. Emails by a mail server and text messages do where their
        /// campaign has `trackClicks`.
        Ctr => "CTR",
        /// Cost by click.
        Cpc => "CPC",
        /// Revenue by cost.
        Roas => "ROAS",
        /// Conversions by contacts that were sent, 0 to 1.
        ConversionRate => "CONVERSION_RATE",
        /// Contacts that arrived by contacts that were sent, 0 to 1.
        DeliveryRate => "DELIVERY_RATE",
        /// Replies by contacts that were sent, 0 to 1.
        ReplyRate => "REPLY_RATE",
    }
    /// How far a retention sequence is.
    RetentionSequenceStatus {
        /// Being prepared.
        Draft => "DRAFT",
        /// Leads go through it.
        Active => "ACTIVE",
        /// Stopped for a while; what is overdue runs after the resumption.
        Paused => "PAUSED",
        /// Over for good; its history stays.
        Archived => "ARCHIVED",
    }
    /// For which leads a sequence is.
    SequenceAudience {
        /// Those who have not converted. A conversion takes them out of it.
        Open => "OPEN",
        /// Those who have converted. Further conversions leave them in it.
        Converted => "CONVERTED",
    }
    /// What enrolls leads in a sequence.
    TriggerType {
        /// Nothing but enrollLead.
        Manual => "MANUAL",
        /// Each lead that is new.
        NewLead => "NEW_LEAD",
        /// Each lead that is known for a while and has not converted.
        NoConversion => "NO_CONVERSION",
    }
    /// A unit of a step's delay.
    DelayUnit {
        /// Sixty minutes.
        Hours => "HOURS",
        /// Twenty-four hours.
        Days => "DAYS",
        /// Seven days.
        Weeks => "WEEKS",
    }
    /// How far a lead is within a sequence.
    EnrollmentStatus = "SequenceEnrollmentStatus" {
        /// Its next step will be done when it is due.
        Active => "ACTIVE",
        /// Stopped for a while.
        Paused => "PAUSED",
        /// All steps were done.
        Completed => "COMPLETED",
        /// Ended before the last step; `endReason` says why.
        Cancelled => "CANCELLED",
        /// Ended because the lead converted.
        Converted => "CONVERTED",
    }
    /// What became of one step for one lead.
    ExecutionStatus = "SequenceStepExecutionStatus" {
        /// Not yet given an instant.
        Pending => "PENDING",
        /// Waits for its instant.
        Scheduled => "SCHEDULED",
        /// Accepted by the provider.
        Sent => "SENT",
        /// It reached the lead.
        Delivered => "DELIVERED",
        /// Refused for good.
        Failed => "FAILED",
        /// Left out; `reason` says why.
        Skipped => "SKIPPED",
        /// The enrollment ended before it was due.
        Cancelled => "CANCELLED",
        /// It may have been sent, and the provider has not said.
        Unknown => "UNKNOWN",
    }
    /// Why a step was put off, left out or cancelled.
    ExecutionReason = "SequenceStepExecutionReason" {
        /// Put off: contact hours, the lead's contacts of the day, or a contact on another channel just before.
        Limits => "LIMITS",
        /// Put off: the provider refused it, and is asked once more.
        Retry => "RETRY",
        /// Put off: the provider could not be asked.
        ProviderBusy => "PROVIDER_BUSY",
        /// Left out: the provider refused it twice.
        FailedTwice => "FAILED_TWICE",
        /// Left out: the lead must not be contacted on the channel.
        DoNotContact => "DO_NOT_CONTACT",
        /// Left out: the campaign does not contact leads on the channel.
        Channel => "CHANNEL",
        /// Waits: its enrollment, sequence or campaign does not run, or everything was stopped.
        Held => "HELD",
        /// Left out: the lead has no address for the channel.
        NoAddress => "NO_ADDRESS",
        /// Left out: the lead has not agreed to the channel, which needs that.
        NoConsent => "NO_CONSENT",
        /// Left out: the step's conditions did not hold.
        Conditions => "CONDITIONS",
        /// Left out: the step has no script, or the script can't be filled in for the lead.
        NoScript => "NO_SCRIPT",
        /// Left out: the channel does worse than a conversion rule allows.
        Rule => "RULE",
        /// Cancelled: the enrollment ended before.
        Ended => "ENDED",
    }
    /// Why an enrollment ended before its last step.
    EndReason = "SequenceEnrollmentEndReason" {
        /// Somebody cancelled it.
        Cancelled => "CANCELLED",
        /// The lead converted.
        Converted => "CONVERTED",
        /// The lead wants no more contacts.
        OptOut => "OPT_OUT",
        /// The lead replied.
        Reply => "REPLY",
        /// The sequence was archived.
        Archived => "ARCHIVED",
        /// The lead was merged into one that is in the sequence as well.
        Merged => "MERGED",
    }
    /// How far an A/B test is.
    AbTestStatus {
        /// Being prepared.
        Draft => "DRAFT",
        /// Contacts are divided between the variants.
        Running => "RUNNING",
        /// Over; with a winner, or without.
        Completed => "COMPLETED",
    }
    /// One of the two sides of an A/B test.
    AbVariant {
        /// The first script.
        A => "A",
        /// The second script.
        B => "B",
    }
    /// What a file of leads looks like.
    LeadImportFormat {
        /// Values between commas, with the columns' names in the first line.
        Csv => "CSV",
        /// A JSON object a line.
        Jsonl => "JSONL",
    }
    /// What became of a provider's callback.
    WebhookEventStatus {
        /// Stored, to be processed.
        Received => "RECEIVED",
        /// What it says was done.
        Processed => "PROCESSED",
        /// It names something that is not known yet; it is looked at again.
        Unmatched => "UNMATCHED",
        /// It could not be understood.
        Failed => "FAILED",
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ActiveEnum, Iterable};

    use super::*;

    /// Checks that what is shown, what is stored and what stands in JSON is one word.
    fn are_one_word<T: ActiveEnum<Value = String> + Iterable + std::fmt::Display + serde::Serialize>() {
        for word in T::iter() {
            let shown = word.to_string();
            assert_eq!(serde_json::to_value(&word).unwrap(), serde_json::Value::from(shown.clone()));
            assert_eq!(word.to_value(), shown);
        }
    }

    #[test]
    fn what_is_shown_is_what_is_stored() {
        are_one_word::<ContactChannel>();
        are_one_word::<LeadStatus>();
        are_one_word::<ConsentKind>();
        are_one_word::<RetentionCampaignStatus>();
        are_one_word::<CampaignLeadStatus>();
        are_one_word::<ContactDay>();
        are_one_word::<ContactAttemptStatus>();
        are_one_word::<ConversionStatus>();
        are_one_word::<ConversionMetric>();
        are_one_word::<RetentionSequenceStatus>();
        are_one_word::<SequenceAudience>();
        are_one_word::<TriggerType>();
        are_one_word::<DelayUnit>();
        are_one_word::<EnrollmentStatus>();
        are_one_word::<ExecutionStatus>();
        are_one_word::<ExecutionReason>();
        are_one_word::<EndReason>();
        are_one_word::<AbTestStatus>();
        are_one_word::<AbVariant>();
        are_one_word::<LeadImportFormat>();
        are_one_word::<WebhookEventStatus>();
    }
}
