//! What somebody wishes who answers a text: no more of them, more of them again, or to talk.
//!
//! The law takes a refusal in any reasonable wording. So a word list per language says which words refuse, which ask nicely around
//! them, and which whole phrases are refusals; a message of such words only is one, in any case, with any signs. Whoever says more
//! than that wants to talk, and gets a person.

/// The wish that a message expresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// No more of them.
    Stop,
    /// Of them again: it counts only where somebody has refused them.
    Start,
    /// To be talked to.
    Talk,
}

/// The words of a language, in small letters, with a stroke between two.
struct Words {
    /// One of them, with no others but fillers around it, is a refusal.
    refusals: &'static str,
    /// Phrases that are refusals wherever they stand in a short message.
    phrases: &'static str,
    /// What may stand around a word of refusal without changing it.
    fillers: &'static str,
}

const ENGLISH: Words = Words {
    refusals: "stop|stopall|stopp|stopped|unsubscribe|unsubscribed|unsub|cancel|end|quit|revoke|optout|remove|halt|\
        desist|cease|arret|arrêt|stpo|unsubcribe|unsuscribe|stop2end|stoptoend|nomore|goaway",
    phrases: "no longer interested|take my number off|delete my data|go away|please stop|said stop|said to stop|\
        told you to stop|asked you to stop|stop calling|dont write to me|no more contact|opt out|opt me out|opting out|sign me off|take me off|remove me|delete me|remove my number|\
        delete my number|remove this number|lose my number|unsubscribe me|leave me alone|stop texting|\
        stop messaging|stop sending|stop contacting|stop writing|stop spamming|stop bothering|stop it|stop this|\
        stop these|quit texting|do not text|do not contact|do not message|do not write|do not call|do not send|\
        do not email|dont text|dont contact|dont message|dont write|dont call|dont send|dont email|\
        no more texts|no more messages|no more sms|no more emails|not interested|never contact|never text|\
        wrong number|cease and desist|i want to unsubscribe|i want out|get me off",
    fillers: "no|omg|really|once|at|please|pls|plz|now|all|me|us|messages|message|msgs|texts|text|texting|sms|emails|email|mails|calls|this|\
        these|it|the|your|you|from|to|list|my|number|thanks|thank|ok|okay|just|immediately|promotions|ads|spam|\
        subscription|forever|hi|hello|hey|sorry|everything|contact|sending|i|want|would|like|wish|need",
};

const GERMAN: Words = Words {
    refusals: "stop|stopp|abmelden|abbestellen|abbestellung|austragen|kündigen|kuendigen|aufhören|aufhoeren|abmeldung|\
        löschen|loeschen|widerruf|widerrufe|schluss|ende",
    phrases: "keine weiteren nachrichten|keine weitere nachricht|keine weiteren sms|keine sms mehr|keine nachrichten mehr|keine mails mehr|keine emails mehr|keine e mails mehr|\
        keine werbung|nicht mehr schreiben|nicht mehr anschreiben|nicht mehr kontaktieren|nicht mehr anrufen|\
        melden sie mich ab|meldet mich ab|melde mich ab|ich melde mich ab|tragen sie mich aus|lass mich in ruhe|\
        lasst mich in ruhe|lassen sie mich in ruhe|hören sie auf|hört auf|hör auf|kein interesse|\
        aus dem verteiler|falsche nummer|löschen sie meine|löscht meine|schreiben sie mir nicht|\
        schreibt mir nicht",
    fillers: "bitte|mich|sofort|jetzt|alle|danke|die|den|newsletter|nachrichten|mehr|mit|sms",
};

const RUSSIAN: Words = Words {
    refusals: "стоп|стой|отписаться|отпишись|отпишите|отписка|отписываюсь|отпишусь|отказ|отказываюсь|отмена|отменить|\
        прекратить|прекратите|прекрати|хватит|удалите|удалить|удали|отстаньте|отстань|отвали|отвалите|отключить|\
        отключите|уберите|стопэ",
    phrases: "не нужно мне писать|не нужно писать|не надо мне писать|не нужно мне звонить|перестаньте писать|\
        перестаньте звонить|отвяжитесь|отвяжись|не хочу получать|не пишите|не пиши|не писать|не звоните|не звони|не звонить|не беспокойте|не беспокоить|не присылайте|\
        не присылай|не отправляйте|не шлите|не надо писать|не надо присылать|не надо звонить|больше не надо|\
        отпишите меня|удалите меня|удалите мой номер|уберите меня|уберите мой номер|исключите меня|\
        оставьте меня в покое|отстаньте от меня|хочу отписаться|прошу отписать|прошу не писать|не интересно|\
        неинтересно|не интересует|ошиблись номером|не тот номер|отказываюсь от рассылки|отменить подписку|\
        отмените подписку|прекратите рассылку|снимите меня",
    fillers: "пожалуйста|пожалуйте|пж|плиз|меня|мне|мой|номер|рассылку|рассылки|рассылка|сообщения|смс|спам|спамить|\
        писать|от|вас|всё|все|уже|больше|спасибо|подписку|прошу|хочу|я|слать|сейчас|немедленно|из|базы|списка|\
        эту|это",
};

const UKRAINIAN: Words = Words {
    refusals: "відписатися|відписатись|відпишіть|відписка|досить|припиніть|видаліть|відмова|скасувати",
    phrases: "не пишіть|не пиши|не дзвоніть|не турбуйте|не надсилайте|відпишіть мене|видаліть мене|не цікаво",
    fillers: "будь|ласка|мене|мені|дякую|більше|розсилку|повідомлення",
};

const SPANISH: Words = Words {
    refusals: "alto|parar|para|pare|basta|baja|cancelar|cancela|cancele|desuscribir|desuscribirme|detener|eliminar|\
        salir",
    phrases: "no quiero recibir|no deseo recibir|darme de baja|dame de baja|dar de baja|deme de baja|no me escriban|no me escribas|no me contacten|\
        no me llamen|no me llames|no mas mensajes|no más mensajes|no quiero mas|no quiero más|no envíen|\
        no envien|no me envien|no me envíen|déjenme en paz|dejenme en paz|numero equivocado|número equivocado|\
        no me interesa|no estoy interesado|no estoy interesada",
    fillers: "por|favor|ya|mensajes|gracias|todo|de|la|lista|suscripción|suscripcion|quiero",
};

const FRENCH: Words = Words {
    refusals: "stop|arret|arrêt|arrêter|arreter|arrêtez|arretez|desabonner|désabonner|désinscrire|desinscrire|\
        désabonnement|desabonnement|désinscription|annuler|résilier|resilier",
    phrases: "plus de message|ne plus recevoir|me désabonner|me desabonner|me désinscrire|désabonnez moi|desabonnez moi|désinscrivez moi|\
        ne mécrivez plus|ne me contactez plus|ne mappelez plus|plus de messages|plus de sms|\
        laissez moi tranquille|retirez moi|supprimez mon|pas intéressé|pas interesse|mauvais numéro|\
        mauvais numero",
    fillers: "svp|sil|vous|plait|plaît|merci|de|les|messages|maintenant|veuillez|me|tout",
};

const ITALIAN_AND_PORTUGUESE: Words = Words {
    refusals: "basta|ferma|fermati|annulla|cancella|cancellami|disiscrivi|disiscrivimi|disdici|parar|pare|sair|\
        cancelar|descadastrar|remover",
    phrases: "non scrivetemi|non scrivermi|non contattatemi|non contattarmi|non chiamatemi|non mi interessa|\
        lasciatemi in pace|não me escreva|nao me escreva|não me contate|nao me contate|não me mande|nao me mande|\
        não quero receber|não me ligue|nao me ligue|não quero|nao quero|me tire da lista|me remova|não tenho interesse|número errado|\
        numero sbagliato",
    fillers: "per|favore|grazie|por|favor|obrigado|obrigada|messaggi|mensagens|mi|me|da|lista",
};

const POLISH_AND_TURKISH: Words = Words {
    refusals: "stop|rezygnuję|rezygnuje|wypisz|wypisać|wypisac|usuń|usun|iptal",
    phrases: "nie piszcie|nie pisz|nie dzwońcie|proszę mnie wypisać|prosze mnie wypisac|wypisz mnie|wypiszcie mnie|\
        usuńcie mnie|nie jestem zainteresowany|nie jestem zainteresowana|mesaj atmayın|yazmayın|aramayın|\
        mesaj istemiyorum|abonelikten çık",
    fillers: "proszę|prosze|mnie|dziękuję|lütfen|teşekkürler|mesaj",
};

/// The word that carriers of other countries take, and what their people say in its place.
const OTHERS: Words = Words {
    refusals: "afmelden|uitschrijven|stoppen|avregistrera|avsluta|avmeld|afmeld|avmelding|lopeta|peruuta|leiratkozás|\
        leiratkozom|dezabonare|dezaboneaza|odhlásit|odhlasit|zrušit|zrusit|odjava|berhenti|hủy|huỷ|ngừng|dừng|στοπ|\
        διαγραφή|הסר|הסירו|توقف|إلغاء|الغاء|إيقاف|ايقاف|退订|退訂|取消订阅|取消訂閱|停止|配信停止|解除|수신거부|구독취소|해지|\
        ยกเลิก|หยุด",
    phrases: "niet meer|geen berichten meer|geen sms meer|inga fler|ikke flere|ei enää|ne írjon|nu mai|už nepište|nepište mi|\
        jangan hubungi|jangan kirim|đừng nhắn|لا ترسل|别再发|不要再发|不要再發|もう送らないで",
    fillers: "aub|graag|tack|takk|kiitos|prosím|tolong|من فضلك|请|請|してください|주세요",
};

const LANGUAGES: [&Words; 9] =
    [&ENGLISH, &GERMAN, &RUSSIAN, &UKRAINIAN, &SPANISH, &FRENCH, &ITALIAN_AND_PORTUGUESE, &POLISH_AND_TURKISH, &OTHERS];
/// Words that mean nothing else: a clause of one of them refuses, whatever else the message says.
const STRONG: &str = "stop|stopp|stopall|unsubscribe|optout|стоп|отписаться|отпишите|хватит|basta|abmelden|баста|arrêt";
/// Signs that say the same.
const SIGNS: [char; 5] = ['🛑', '⛔', '🚫', '✋', '🤚'];
/// Letters of other alphabets that look like Latin ones, in small letters.
const ALIKE: [(char, char); 14] = [
    ('а', 'a'),
    ('с', 'c'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('т', 't'),
    ('х', 'x'),
    ('у', 'y'),
    ('ѕ', 's'),
    ('ο', 'o'),
    ('τ', 't'),
    ('ρ', 'p'),
    ('і', 'i'),
    ('к', 'k'),
];
/// Words that take a refusal back.
const START: &str = "start|yes|unstop|subscribe|resume|optin|да|старт|подписаться|ja|si|sí|oui|sim";
/// A message that begins with one of them is a refusal, whatever follows.
const FIRST: &str = "stop|stopall|стоп|unsubscribe|отписаться";
/// What makes of such a beginning something else: stop by, stop at.
const PLACES: &str = "by|over|sign";
/// What follows `stop at` where it is no place.
const AT: &str = "once|this|all|last";
/// Words that make the opposite of what follows them, and how phrases begin of which the opposite is no refusal.
const NEGATIONS: &str = "dont|never|not|не";
const NEGATED: &str = "stop|quit|хочу";
/// A message of more words is for a person to read.
const SHORT: usize = 80;
/// What makes a message with a question mark a question: that is for a person.
const QUESTIONS: &str = "when|what|how|why|where|which|who|wann|wie|когда|как";

/// The words of a message, in small letters: what is neither letter nor digit parts them, and `ё` is `е`.
fn words(body: &str) -> Vec<String> {
    let small: String =
        body.chars().map(narrow).flat_map(char::to_lowercase).filter(|letter| *letter != '\u{307}').collect();
    let small = small.replace('ё', "е");
    let joined = small.replace(['\'', '’', '`'], "");
    let parts = joined.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    parts.map(one_alphabet).collect()
}

/// A letter of double width as the usual one.
fn narrow(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        other => other,
    }
}

/// A word of two alphabets is one of Latin letters that somebody has hidden.
fn one_alphabet(word: &str) -> String {
    let is_mixed = word.chars().any(|letter| letter.is_ascii_alphabetic()) && !word.is_ascii();
    let latin = |letter: char| ALIKE.iter().find(|(other, _)| *other == letter).map_or(letter, |(_, latin)| *latin);
    if is_mixed { word.chars().map(latin).collect() } else { word.to_owned() }
}

fn is_one_of(word: &str, list: &str) -> bool {
    list.split('|').any(|known| known.replace('ё', "е") == word)
}

/// Whether these words, in this order, stand somewhere in the message, and are not taken back by the word before them: don't stop.
fn has_phrase(message: &[String], phrase: &str) -> bool {
    let phrase: Vec<String> = words(phrase);
    let can_be_negated = phrase.first().is_some_and(|first| is_one_of(first, NEGATED));
    let is_negated = |at: usize| can_be_negated && at > 0 && is_one_of(&message[at - 1], NEGATIONS);
    message.windows(phrase.len()).enumerate().any(|(at, window)| window == phrase && !is_negated(at))
}

/// Whether the message is nothing but a word of refusal and what may stand around one.
fn is_plain_refusal(message: &[String], of: &Words) -> bool {
    let is_refusal = |word: &String| is_one_of(word, of.refusals);
    let is_filler = |word: &String| is_one_of(word, of.fillers) || is_one_of(word, ENGLISH.fillers);
    message.iter().any(is_refusal) && message.iter().all(|word| is_refusal(word) || is_filler(word))
}

/// The letters of the message without anything between them: `S.T.O.P`, `opt-out`.
fn is_refusal_in_one(message: &[String]) -> bool {
    let whole = message.concat();
    LANGUAGES.iter().any(|language| is_one_of(&whole, language.refusals))
}

fn is_refusal(body: &str) -> bool {
    let message = words(body);
    if message.is_empty() {
        return body.contains(SIGNS);
    }
    if message.len() > SHORT {
        return false;
    }
    if is_refusal_in_one(&message) || LANGUAGES.iter().any(|language| is_plain_refusal(&message, language)) {
        return true;
    }
    if is_one_of(&message[0], FIRST) {
        // Who begins with the word has said it, whatever follows: to go on writing is the worse mistake.
        return match message.get(1).map(String::as_str) {
            Some("at") => message.get(2).is_some_and(|next| is_one_of(next, AT)),
            Some(next) => !is_one_of(next, PLACES),
            None => true,
        };
    }
    // Each sentence is judged by itself: to ask who writes is no reason to go on.
    body.split_inclusive(['.', '!', '?', '\n', '…', ';']).any(|sentence| {
        let said = words(sentence);
        let asks = sentence.contains('?') && said.iter().any(|word| is_one_of(word, QUESTIONS));
        let has = |language: &Words| language.phrases.split('|').any(|phrase| has_phrase(&said, phrase));
        let is_strong = |clause: &str| {
            let clause = words(clause);
            clause.iter().any(|word| is_one_of(word, STRONG))
                && LANGUAGES.iter().any(|language| is_plain_refusal(&clause, language))
        };
        sentence.split([',', ':', '—']).any(is_strong) || (!asks && LANGUAGES.iter().any(|language| has(language)))
    })
}

/// The wish that a text message expresses. `opt_out_type` is what Twilio made of it, where it does that.
pub fn wish(body: &str, opt_out_type: Option<&str>) -> Wish {
    match opt_out_type {
        Some("STOP") => Wish::Stop,
        Some("START") => Wish::Start,
        _ if is_refusal(body) => Wish::Stop,
        _ if is_one_of(&words(body).concat(), START) => Wish::Start,
        _ => Wish::Talk,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_understood_in_any_plain_wording() {
        for body in
            "STOP|stop| Stop. |Stop!!!|S.T.O.P|STOP ALL|stopall|stop please|Please stop|pls stop|Stop texting me|\
            STOP SENDING ME MESSAGES|stop it|Stop now|stop, thanks|Stop please, I have a question|opt out|\
            opt-out|OPTOUT|Unsubscribe|Unsubscribe!|Unsubscribe me|unsubscribe please|remove me|\
            Remove me from your list|please remove my number|REMOVE|cancel|End|quit|revoke|don't text me|\
            Don’t contact me again|do not contact me|Do not call me anymore|leave me alone|\
            take me off your list|no more texts please|not interested|wrong number|I want to unsubscribe|\
            lose my number|СТОП|Стоп|стоп!|стоп пожалуйста|ОТПИСАТЬСЯ|отписаться|Отпишите меня|\
            отпишите меня пожалуйста|Хочу отписаться|не пишите мне больше|Не пишите|Больше не пишите мне|\
            удалите мой номер|хватит|Хватит спамить!|прекратите рассылку|не надо писать|отстаньте|\
            не беспокойте меня|не интересует|СТОП СМС|Всё, хватит|відписатися|не пишіть мені|Abmelden|\
            bitte abmelden|keine SMS mehr|Bitte keine Nachrichten mehr|stopp|Lasst mich in Ruhe|BAJA|\
            darme de baja|no me escriban más|basta|ARRÊT|désabonner|Arrêtez svp|me désabonner|\
            non scrivetemi più|Who is this? Stop texting me|How did you get my number? Do not contact me again|\
            Why do you keep texting? STOP|STOP at once!|Stop at this point please|I said stop|No, stop.|OMG stop|\
            I'm going to report you, stop|SТOP|ＳＴＯＰ|🛑|Unsubcribe|STPO|STOP2END|no more|I'm no longer interested|\
            take my number off|Delete my data|cease|Go away|Keine weiteren Nachrichten bitte|Не нужно мне писать|\
            Отвяжитесь|No quiero recibir mensajes|Não me mande mais mensagens|Plus de message svp|Afmelden|退订|停止|\
            수신거부|توقف|ΣΤΟΠ|odhlásit|BERHENTI|Stoppen aub|İptal|non scrivetemi più|sair|rezygnuję|wypisz mnie|iptal"
                .split('|')
        {
            assert_eq!(wish(body, None), Wish::Stop, "{body}");
        }
        assert_eq!(wish("whatever", Some("STOP")), Wish::Stop);
    }

    #[test]
    fn what_is_not_a_refusal_is_for_a_person_to_read() {
        for body in "|help|HELP|ok|Thanks!|no|Hello, who is this?|When does the offer end?|I can't stop laughing|\
            What time do you stop working?|Can I cancel my order and get another size?|don't stop|\
            Please don't stop|My bus stop is close, see you at 5|How do I end my trial?|не понял|\
            Когда закончится акция?|Не останавливайтесь|Спасибо, интересно|Der Bus hält am Ende der Straße|\
            para qué es esto|I will call you at the end of the week|Send me the list please|text me later|\
            stop by at five|stop at the red light|nonstop flights please|the last stop, then left|\
            When does the offer stop? Tell me|no|Don't stop sending these!|please never stop texting me|не хочу отписаться|\
            stop over in Rome|is the subscription for me or for all of us"
            .split('|')
        {
            assert_eq!(wish(body, None), Wish::Talk, "{body}");
        }
        assert_eq!(wish("help", Some("HELP")), Wish::Talk);
    }

    #[test]
    fn a_plain_yes_takes_a_refusal_back() {
        for body in ["START", "start", "Yes!", "UNSTOP", "да", "Старт", "opt in"] {
            assert_eq!(wish(body, None), Wish::Start, "{body}");
        }
        for body in ["yes but call me tomorrow", "yes please", "start when?"] {
            assert_eq!(wish(body, None), Wish::Talk, "{body}");
        }
    }
}
