//! Columns of lists that say that somebody must not be contacted, whatever the list's maker calls them.
//!
//! What can be read as a refusal is one: who is left out by mistake can be told of, who is written to by mistake can't be unwritten.

/// How a column says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It is filled in for those who refuse: `do_not_contact`, `unsubscribed`, `opt_out`.
    Refusal,
    /// It says no for those who refuse: `subscribed`, `opt_in`, `consent`.
    Consent,
    /// It has a word of many, of which some are refusals: `status`.
    Status,
}

/// Columns of refusals, in small letters, without what is neither letter nor digit.
const REFUSALS: [&str; 38] = [
    "donotcontact",
    "dnc",
    "donotcall",
    "donottext",
    "donotsms",
    "donotemail",
    "donotmail",
    "donotdisturb",
    "nocontact",
    "noemail",
    "nosms",
    "nocall",
    "unsubscribed",
    "unsubscribe",
    "unsub",
    "unsubscribedat",
    "unsubscribeddate",
    "isunsubscribed",
    "optout",
    "optedout",
    "isoptedout",
    "hasoptedout",
    "hasoptedoutofemail",
    "optoutdate",
    "optoutat",
    "emailoptout",
    "smsoptout",
    "calloptout",
    "phoneoptout",
    "blacklist",
    "blacklisted",
    "blocked",
    "suppressed",
    "suppression",
    "stop",
    "abgemeldet",
    "отписан",
    "отписался",
];
/// Columns of consents.
const CONSENTS: [&str; 16] = [
    "subscribed",
    "issubscribed",
    "optin",
    "optedin",
    "emailoptin",
    "smsoptin",
    "consent",
    "marketingconsent",
    "emailconsent",
    "smsconsent",
    "acceptsmarketing",
    "acceptsemailmarketing",
    "acceptssmsmarketing",
    "cancontact",
    "maycontact",
    "подписан",
];
/// Columns of states.
const STATES: [&str; 14] = [
    "status",
    "state",
    "emailstatus",
    "smsstatus",
    "phonestatus",
    "leadstatus",
    "contactstatus",
    "memberstatus",
    "subscriberstatus",
    "subscription",
    "subscriptionstatus",
    "marketingstatus",
    "emailmarketingstatus",
    "статус",
];
/// Words that say no.
const NO: [&str; 17] = [
    "0", "00", "false", "f", "no", "n", "off", "none", "null", "nil", "na", "never", "нет", "nein", "non", "nao", "não",
];
/// States that are refusals, or addresses at which nobody is.
const REFUSED: [&str; 34] = [
    "unsubscribed",
    "unsubscribe",
    "unsub",
    "notsubscribed",
    "donotcontact",
    "donotcall",
    "donotemail",
    "donottext",
    "dnc",
    "optout",
    "optedout",
    "blacklisted",
    "blacklist",
    "blocked",
    "suppressed",
    "complained",
    "complaint",
    "spam",
    "spamcomplaint",
    "abuse",
    "bounced",
    "hardbounce",
    "hardbounced",
    "cleaned",
    "stop",
    "stopped",
    "revoked",
    "abgemeldet",
    "gesperrt",
    "désabonné",
    "отписан",
    "отписался",
    "отписалась",
    "неписать",
];

fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Sign {
    /// What a column of this name says; None if it is not about refusals.
    pub fn of(column: &str) -> Option<Self> {
        let name = plain(column);
        let is_of = |names: &[&str]| names.contains(&name.as_str());
        if is_of(&REFUSALS) {
            Some(Self::Refusal)
        } else if is_of(&CONSENTS) {
            Some(Self::Consent)
        } else {
            is_of(&STATES).then_some(Self::Status)
        }
    }

    /// Whether this value, which is not empty, is a refusal. In a column of refusals all is but a plain no, such as a date.
    pub fn is_refusal(self, value: &str) -> bool {
        let word = plain(value);
        let is_no = word.is_empty() || NO.contains(&word.as_str());
        match self {
            Self::Refusal => !is_no && !["subscribed", "optedin", "optin", "active"].contains(&word.as_str()),
            Self::Consent => (is_no && !word.is_empty()) || REFUSED.contains(&word.as_str()),
            Self::Status => REFUSED.contains(&word.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_say_in_many_ways_who_must_not_be_contacted() {
        for (column, value, is_refusal) in [
            ("do_not_contact", "1", true),
            ("Do Not Contact", "TRUE", true),
            ("do-not-contact", "yes", true),
            ("DoNotContact", "x", true),
            ("unsubscribed", "2024-05-01", true),
            ("unsubscribed_at", "2024-05-01T10:00:00Z", true),
            ("opt_out", "да", true),
            ("opt_out", "ja", true),
            ("opt_out", "0", false),
            ("opt_out", "No", false),
            ("opt_out", "false", false),
            ("opt_out", "нет", false),
            ("unsubscribed", "-", false),
            ("unsubscribed", "N/A", false),
            ("status", "unsubscribed", true),
            ("status", "Do Not Contact", true),
            ("Status", "OPTED_OUT", true),
            ("status", "cleaned", true),
            ("status", "отписан", true),
            ("status", "new", false),
            ("status", "subscribed", false),
            ("status", "active", false),
            ("subscribed", "false", true),
            ("Subscribed", "yes", false),
            ("consent", "no", true),
            ("consent", "2024-05-01", false),
            ("Accepts Marketing", "no", true),
        ] {
            let sign = Sign::of(column).unwrap_or_else(|| panic!("{column}"));
            assert_eq!(sign.is_refusal(value), is_refusal, "{column}: {value}");
        }
        for column in ["email", "plan", "city", "stage", "first_name", ""] {
            assert_eq!(Sign::of(column), None, "{column}");
        }
    }
}
