//! Which ways of contact a refusal is about: the one that it came by, and whatever else it names.

use sea_orm::Iterable;

use super::letters::words;
use crate::retention::words::ContactChannel;

/// Words that name a way, a star after those of which only the beginning counts.
const NAMES: [(ContactChannel, &str); 4] = [
    (
        ContactChannel::Call,
        "call|calls|calling|called|caller|phone|phoning|ring|ringing|anruf*|angerufen|rufen|ruf|ruft|telefon*|звон*|позвон*|звонк*|\
         дзвон*|зателефон*|llam*|telefone*|appel*|mappel*|chiam*|ligue|liguem|ligar|ligacoes|ligacao|dzwon*|arama|aramayin|\
         aranmak|bel|bellen|belt|ringa|ringe|soita|soittako|hiv*|suna|sunati|volat|volej|volejte|volaj*|zovi|zovite|zvati|\
         обаждайте|звънете|menelepon|telepon|goi|dien|καλειτε|παιρνετε|תתקשרו|תתקשר|להתקשר|تتصل*|زنگ|कॉल|फोन|전화*|dnc|donotcall",
    ),
    (ContactChannel::Sms, "text|texts|texting|sms|smses|смс|эсэмэс|mms|messaggini|msgs"),
    (
        ContactChannel::Email,
        "email|emails|emailing|emailed|mail|mails|mailing|mailings|newsletter|newsletters|письм*|почт*|correo|correos|\
         courriel*|mejl|mejla|maila|maile|mailen|eposta|posta|имейл*|имэйл*|листи",
    ),
    (ContactChannel::Telegram, "telegram|tg|телеграм|телеграмм|телеграме|телеграмме|телега|телегу"),
];
/// Words that name all ways at once, unless one is named beside them.
const CONTACT: &str = "contact|contacts|contacting|contacted|contactar|contacten|contactes|contacte|contacter|contactez|contacteer|\
    contacteren|contatt*|contat*|contacta|contactati|reach|reaching|bother|bothering|bothered|disturb|kontakt*|контакт*|связы*|hubungi|\
    menghubungi|iletisim*|yhteytta|contacto|lien";
/// Phrases that name all ways, whatever else is named.
const ALL: &str = "any way|any form|any means|any channel|any channels|any kind of contact|all contact|all channels|all communication|\
    all communications|any communication|no more communication|no further communication|no more contact|no further contact|by all means|\
    everything|leave me alone|leave us alone|delete my data|erase my data|delete my details|remove my data|remove my details|forget me|\
    do not disturb|cease and desist|in ruhe|meine daten|auf keinem weg*|keiner weise|в покое|в спокої|никак*|любым способом|любым образом|\
    мои данные|мої дані|en paz|mis datos|ninguna forma|ninguna manera|ningun medio|tranquille|la paix|mes donnees|aucun moyen|aucune facon|\
    in pace|i miei dati|nessun modo|meus dados|nenhuma forma|nenhum meio|met rust|mijn gegevens|spokoju|spokoj|moje dane|rahat|verilerimi|\
    i fred|ifred|mina uppgifter|rauhaan|beken|na pokoji|na miru";
/// Words that say by which way: then a word for contact means that one.
const BY: &str = "by|via|per|through|over|on|par|por|durch|uber|по|через";
/// What makes a way that is named behind it one that is wanted.
const RATHER: &str =
    "but|only|just|rather|prefer|better|nur|lieber|sondern|только|лучше|а|solo|mejor|seulement|plutot|invece|meglio";
/// The same, where it stands behind the way.
const INSTEAD: &str = "instead|stattdessen|fine|ok|okay";
/// Whom a way reaches, where somebody asks to be reached.
const ME: &str = "me|us|mir|mich|мне|меня";
/// Where a refusal begins: what is asked for before is wanted.
const NO: &str = "dont|not|never|no|stop|quit|cease|nicht|kein|keine|не|хватит|стоп";
/// The phone number is somebody else's.
const WRONG_NUMBER: &str = "wrong number|lose my number|lose this number|remove my number|delete my number|remove this number|\
    take my number off|forget my number|falsche nummer|не тот номер|ошиблись номером|удалите мой номер|numero equivocado|mauvais numero|\
    numero errado|numero sbagliato|verkeerd nummer|zly numer|yanlis numara|fel nummer";

/// Whether a word is one of these, of which those with a star may go on.
pub(super) fn is_of(word: &str, list: &str) -> bool {
    list.split('|').any(|known| match known.strip_suffix('*') {
        Some(head) => word.starts_with(head),
        None => word == known,
    })
}

/// Whether the words have one of these phrases in them.
fn has(said: &[String], phrases: &str) -> bool {
    phrases.split('|').any(|phrase| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        said.windows(phrase.len()).any(|window| window.iter().zip(&phrase).all(|(word, known)| is_of(word, known)))
    })
}

/// The ways that a refusing sentence names, and those that it wishes instead.
fn named(said: &[String]) -> (Vec<ContactChannel>, Vec<ContactChannel>) {
    let (mut refused, mut wanted) = (Vec::new(), Vec::new());
    let no = said.iter().position(|word| is_of(word, NO));
    let channel = |word: &String| NAMES.iter().find(|(_, names)| is_of(word, names)).map(|(channel, _)| *channel);
    for (at, word) in said.iter().enumerate() {
        let Some(channel_of_word) = channel(word) else { continue };
        let is_asked = no.is_some_and(|no| at < no) && said.get(at + 1).is_some_and(|next| is_of(next, ME));
        let mut before = said[at.saturating_sub(2)..at].iter().rev().take_while(|word| channel(word).is_none());
        let mut behind = said[at + 1..].iter().take(2).take_while(|word| channel(word).is_none());
        let is_wanted = is_asked || before.any(|word| is_of(word, RATHER)) || behind.any(|word| is_of(word, INSTEAD));
        if is_wanted { wanted.push(channel_of_word) } else { refused.push(channel_of_word) }
    }
    (refused, wanted)
}

/// The ways that a refusal is about which came by one of them: these are its sentences.
pub(super) fn of(sentences: &[Vec<String>], came_by: ContactChannel) -> Vec<ContactChannel> {
    let (mut refused, mut wanted, mut is_all) = (Vec::new(), Vec::new(), false);
    for said in sentences {
        let (no, yes) = named(said);
        let says_contact = said.iter().any(|word| is_of(word, CONTACT));
        let is_by_one = !no.is_empty() && said.iter().any(|word| is_of(word, BY));
        is_all |= has(said, ALL) || (says_contact && !is_by_one && yes.is_empty());
        if has(said, WRONG_NUMBER) {
            refused.extend([ContactChannel::Sms, ContactChannel::Call]);
        }
        refused.extend(no);
        wanted.extend(yes);
    }
    let is_kept = wanted.contains(&came_by) && !refused.is_empty() && !refused.contains(&came_by);
    let is_refused =
        |channel: &ContactChannel| is_all || refused.contains(channel) || (*channel == came_by && !is_kept);
    ContactChannel::iter().filter(is_refused).collect()
}

/// The ways that a text names, such as the name of a column: none if it names none.
pub fn channels_in(text: &str) -> Vec<ContactChannel> {
    let (named, _) = named(&words(text));
    ContactChannel::iter().filter(|channel| named.contains(channel)).collect()
}
