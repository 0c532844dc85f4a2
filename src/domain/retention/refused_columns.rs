//! Columns of lists that say that somebody must not be contacted, whatever the list's maker calls them.
//!
//! What can be read as a refusal is one: who is left out by mistake can be told of, who is written to by mistake can't be unwritten.

mod nested;

pub use self::nested::{Found, found_in};

/// How a column says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It is filled in for those who refuse: `do_not_contact`, `unsubscribed`, `opt_out`.
    Refusal,
    /// It says no for those who refuse: `subscribed`, `opt_in`, `consent`.
    Consent,
    /// It has a word for how somebody stands to a newsletter, of which few are a consent: `Subscription status`.
    Subscription,
    /// It is about what somebody wants, and only a plain no says that it is not this: `Newsletter`, `Receive marketing emails?`.
    Wish,
    /// It has a word of many, of which some are refusals: `status`.
    Status,
    /// It has many words, and one of them may be a refusal: `tags`.
    Tags,
}

/// What a value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing against it.
    Fine,
    /// That the person must not be contacted.
    Refused,
    /// A word that is not known where only a yes would do: so it is none.
    UnclearRefused,
    /// A word that is not known, where most say nothing of this.
    Unclear,
}

impl Answer {
    /// Whether the person must not be contacted.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Refused | Self::UnclearRefused)
    }
}

/// Columns of refusals, in small letters, without what is neither letter nor digit.
const REFUSALS: &str = "donotcontact|dnc|donotcall|donottext|donotsms|donotemail|donotmail|donotdisturb|nocontact|noemail|nosms|\
    nocall|unsubscribed|unsubscribe|unsub|unsubscribedat|unsubscribeddate|isunsubscribed|optout|optedout|\
    isoptedout|hasoptedout|hasoptedoutofemail|optoutdate|optoutat|emailoptout|smsoptout|calloptout|phoneoptout|\
    blacklist|blacklisted|blocked|suppressed|suppression|stop|abgemeldet|отписан|отписался|unsubtime|\
    unsubreason|unsubcampaign|cleantime|werbesperre|sperrvermerk|gesperrt|widerspruch|widersprochen|неписать|\
    неконтактировать|небеспокоить|чс|чёрныйсписок|черныйсписок|bounced|hardbounced|spamreport|spamcomplaint|\
    complained|portalbounce|globalbounce|removefromlist|nomarketing|nomail|baja|debaja|dadodebaja|fechabaja|fechadebaja|\
    robinson|robinsonliste|robinsonlist|kontaktsperre|mailsperre|anrufsperre|uitgeschreven|afgemeld|avregistrerad|avmeldt|odhlášen|\
    odhlasen|disiscritto|cancellato|wypisany|leiratkozott|dezabonat|listanera|listanegra|listanoire|czarnalista|cancelado|svartlista|zwartelijst|\
    karaliste|verwijderd";
/// What columns of refusals have in their names.
const REFUSAL_PARTS: &str = "unsubscrib|optout|optedout|donotcontact|donotcall|donotemail|donottext|donotmail|donotsms|donotmarket|\
    dontcontact|dontcall|donttext|dontemail|blacklist|blocklist|suppress|отписан|отписал|отписк|abgemeldet|abbestell|desabonn|désabonn|\
    desinscri|désinscri|darbaja|dadodebaja|wyrejestr|wypisan|nichtkontakt|keinewerb|keinkontakt|nichtanruf|nichtanschreib|nepascontact|\
    nepasappel|nocontact|nollamar|noncontatt|nonchiam|descadastr|dezabon|niekontakt|niedzwon|nietcontact|nietbellen|nietmail|ejkontakt|ikkekontakt|nekontakt|stopsms|\
    smsstop|stopemail|emailstop|stopmail|stopcall|stoptext|stopmarketing|неконтакт|незвон|неписа|небеспок|нетурбув";
/// Columns of consents.
const CONSENTS: &str = "subscribed|issubscribed|optin|optedin|emailoptin|smsoptin|consent|marketingconsent|emailconsent|smsconsent|\
    acceptsmarketing|acceptsemailmarketing|acceptssmsmarketing|cancontact|maycontact|подписан|\
    subscribedtonewsletter|einwilligung|zustimmung|согласие|permission|marketingpermission|emailpermission|\
    smspermission";
/// What columns have in their names that say what somebody lets be done.
const PERMITS: &str = "accept|akzept|accett|acepta|aceita|akceptuj|allowed|erlaubt|gestattet|permitted|permission|autoris|autoriz|agree|\
    einverstanden|zgod|соглас|разреш|consent|optin|optedin|subscribed";
/// How such columns begin, in which nothing else says so.
const PERMITTING: &str =
    "receive|wants|want|wishes|can|may|ok|send|get|erhält|recibir|recevoir|receber|ricever|получать";
/// What it is that they let be done.
const CONTACTS: &str = "mail|sms|text|call|phone|contact|kontakt|marketing|newsletter|werbung|anruf|telefon|courriel|correo|rodo|gdpr|dsgvo|\
    rgpd|lopd|рассыл|звон|контакт|писать|promo";
/// Columns whose name is that alone.
const WISHES: &str = "newsletter|newsletters|mailing|mailings|mailinglist|рассылка|рассылки|werbung|emailmarketing|marketingemails|\
    marketingemail|smsmarketing|marketing|promotions|emailnotifications|smsnotifications";
/// How the names end of what is told beside a consent, and is none.
const BESIDE: &str =
    "timestamp|ip|source|time|date|method|channel|version|id|type|at|by|campaign|form|country|language";
/// How the names of columns of consents end.
const CONSENT_ENDS: &str = "consent|optin|optedin|subscribed|acceptsmarketing|consentgiven|consentgranted";
/// Columns of subscriptions.
const SUBSCRIPTIONS: &str = "memberstatus|subscriberstatus|subscription|subscriptionstatus|marketingstatus|emailmarketingstatus|\
    smsmarketingstatus|marketingcontactstatus";
/// Columns of states.
const STATES: &str = "status|state|emailstatus|smsstatus|phonestatus|leadstatus|contactstatus|статус|recordstatus";
/// Columns of many words.
const TAGS: &str = "tags|tag|labels|label|segments|segment|groups|теги|метки";
/// What is no sign, though it is called after one: a link to unsubscribe is in each mail.
const OTHERS: &str = "url|link|token|hash|key|page|text|wording|html";
/// Words that say no.
const NO: &str = "0|00|false|f|no|n|off|none|null|nil|na|never|нет|nein|non|nao|não|nie|ne|nej|nee|hayır|hayir|net|niet|nei|\
    ei|nem|nu|ні|нi|не|unchecked|unticked";
/// Words that say yes, where that is a consent.
const YES: &str = "1|true|t|yes|y|on|ja|да|si|sí|oui|sim|tak|evet|x|checked|given|granted|allowed|accepted|accept|agreed|\
    confirmed|subscribed|optin|optedin|active|valid|enabled|explicit|implicit|implied|express|expressed|\
    doubleoptin|singleoptin|marketingcontact|так|ano|ok|okay|verified|whitelisted|allowlisted|erteilt|\
    zugestimmt|согласен|подписан";
/// States that are refusals, or addresses at which nobody is.
const REFUSED: &str = "unsubscribed|unsubscribe|unsub|notsubscribed|donotcontact|donotcall|donotemail|donottext|dnc|optout|\
    optedout|blacklisted|blacklist|blocked|suppressed|complained|complaint|spam|spamcomplaint|abuse|bounced|\
    hardbounce|hardbounced|cleaned|stop|stopped|revoked|abgemeldet|gesperrt|désabonné|отписан|отписался|\
    отписалась|неписать|removed|withdrawn|denied|declined|rejected|refused|noconsent|neversubscribed|\
    nonsubscribed|nonsubscriber|notoptedin|nonmarketingcontact|donotdisturb|donotmarket|donotmail|donotsms|\
    transactional|unsubscribedfromall|unsubscribedfromallemail|nocontact|noemail|nomarketing|widerrufen|\
    widerruf|abgelehnt|forbidden|disallowed|notallowed|usersuppressed|blocklisted|blocklist|optedoutofall|\
    deleted|invalid|notgiven|notgranted|withdrew|revoke|неподписан|отказ|отказался|отказалась|отозвано|чс|\
    désinscrit|desabonne|desinscrit|baja|optoutofall|globallyunsubscribed|unsubscribedglobally|wrongnumber|\
    wrongperson|notinterested|descadastrado|wypisany|disiscritto|uitgeschreven|afgemeld|avregistrerad|odhlášen|dezabonat";
/// States that say nothing of refusals.
const FINE: &str = "new|open|lead|customer|contacted|qualified|converted|inprogress|working|won|lost|pending|prospect|client|\
    trial|paid|member|guest|vip|hot|warm|cold|archived|unverified|guessed|unknown|inactive|replied|interested|\
    meetingbooked|closed|done|imported|новый|активен|клиент|neu|offen|kunde|aktiv";
/// What a word of refusal has in it, whatever else stands there.
const REFUSED_PARTS: &str =
    "unsubscrib|optout|optedout|donotcontact|donotcall|donotemail|donottext|blacklist|blocklist|suppress|отписа";

fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_of(word: &str, list: &str) -> bool {
    list.split('|').any(|known| known == word)
}

fn has_of(word: &str, parts: &str) -> bool {
    parts.split('|').any(|part| word.contains(part))
}

impl Sign {
    /// What a column of this name says; None if it is not about refusals.
    pub fn of(column: &str) -> Option<Self> {
        let name = plain(column);
        let is_of_a_subscription =
            |name: &str| has_of(name, "subscription|subscriber|marketing|consent|newsletter|permission|optin");
        if is_of(&name, REFUSALS) {
            Some(Self::Refusal)
        } else if is_of(&name, CONSENTS) {
            Some(Self::Consent)
        } else if is_of(&name, SUBSCRIPTIONS) {
            Some(Self::Subscription)
        } else if is_of(&name, STATES) {
            Some(Self::Status)
        } else if is_of(&name, TAGS) {
            Some(Self::Tags)
        } else if is_of(&name, WISHES) {
            Some(Self::Wish)
        } else if OTHERS.split('|').any(|end| name.ends_with(end)) {
            None
        } else if has_of(&name, REFUSAL_PARTS) {
            Some(Self::Refusal)
        } else if (name.ends_with("status") || name.ends_with("state")) && is_of_a_subscription(&name) {
            Some(Self::Subscription)
        } else if CONSENT_ENDS.split('|').any(|end| name.ends_with(end)) {
            Some(Self::Consent)
        } else {
            is_permit(&name).then_some(Self::Wish)
        }
    }

    /// What this value, which is not empty, says. In a column of refusals all is one but a plain no, such as a date.
    pub fn answer(self, value: &str) -> Answer {
        let word = plain(value);
        // A date of nothing but zeros is none.
        let is_no = is_of(&word, NO) || word.chars().all(|sign| sign == '0');
        // A date says when it was said.
        let is_yes = is_of(&word, YES) || word.chars().filter(char::is_ascii_digit).count() >= 4;
        let is_refused = is_of(&word, REFUSED) || has_of(&word, REFUSED_PARTS);
        let of = |is_refusal: bool| if is_refusal { Answer::Refused } else { Answer::Fine };
        match self {
            _ if word.is_empty() => Answer::Fine,
            Self::Refusal => of(!is_no && !is_of(&word, "subscribed|optedin|optin|active")),
            Self::Consent | Self::Subscription if is_no || is_refused => Answer::Refused,
            Self::Consent | Self::Subscription if is_yes => Answer::Fine,
            Self::Consent | Self::Subscription => Answer::UnclearRefused,
            Self::Wish => of(is_no || is_refused),
            Self::Tags => of(value.split([',', ';', '|']).any(is_tag_of_refusal)),
            Self::Status if is_refused => Answer::Refused,
            Self::Status if is_yes || is_no || is_of(&word, FINE) => Answer::Fine,
            Self::Status => Answer::Unclear,
        }
    }

    /// Whether this value, which is not empty, is a refusal.
    pub fn is_refusal(self, value: &str) -> bool {
        self.answer(value).is_refusal()
    }
}

/// Whether a column is about what somebody lets be done, by its name in plain letters.
fn is_permit(name: &str) -> bool {
    let begins = || PERMITTING.split('|').any(|begin| name.starts_with(begin) && !name.starts_with("received"));
    let is_other = BESIDE.split('|').any(|end| name.ends_with(end)) || has_of(name, "callback|rückruf|перезвон");
    !is_other && has_of(name, CONTACTS) && (has_of(name, PERMITS) || begins())
}

/// Whether one tag says that somebody refuses.
fn is_tag_of_refusal(tag: &str) -> bool {
    let word = plain(tag);
    is_of(&word, REFUSED) || has_of(&word, REFUSED_PARTS)
}

/// Whether a value is a plain yes.
fn is_yes(value: &str) -> bool {
    is_of(&plain(value), YES)
}

#[cfg(test)]
mod tests;
