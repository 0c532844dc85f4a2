//! What somebody wishes who answers: no more of them, more of them again, or to talk; and which ways of contact a refusal is about.
//!
//! The law takes a refusal in any reasonable wording. So a word list per language says which words refuse, which ask nicely around
//! them, and which whole phrases are refusals; a message of such words only is one, in any case, with any signs. Whoever says more
//! than that wants to talk, and gets a person. Texts, emails, calls and what somebody writes down are all judged here.

mod languages;
mod letters;
mod scope;

use std::collections::HashSet;
use std::sync::LazyLock;

use self::languages::{ENGLISH, LANGUAGES, UNBROKEN, UNBROKEN_NEGATIONS, Words};
use self::letters::{visible, word, words};
pub use self::scope::channels_in;
use self::scope::is_of;
use super::words::ContactChannel;

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

/// Words that mean nothing else: a clause of one of them refuses, whatever else the message says.
const STRONG: &str = "stop|stopp|stopall|unsubscribe|optout|goaway|стоп|отписаться|отпишите|хватит|basta|abmelden|баста|arret|\
    відписатися|afmelden|avregistrera|berhenti|στοπ";
/// Words that refuse behind `dude`, `you`, `please` and the like, with nothing but fillers after them.
const IMPERATIVES: &str = "stop|stopp|unsubscribe|goaway";
/// What may stand before such a word.
const BEFORE: &str = "you|u|ya|yall|please|pls|plz|dude|bro|bruh|man|guys|just|and|so|now|must|should|omg|wtf|ffs|hey|sir|maam|lady|\
    buddy|mate|pal|girl|lol|god|jesus|christ|fuck|fucking|fuckin|goddamn|damn|bitch|asshole|idiot|again|already|seriously|enough|ok|\
    okay|kindly|hello|hi|yes|spam|thanks|sorry|gonna|either|immediately|time|nope|nah";
/// What may stand before `to` with such a word: need to stop, want you to stop.
const BEFORE_TO: &str =
    "you|need|needs|has|have|want|wants|got|told|asked|said|going|time|ought|supposed|like|please|wish|us|u|guys|times";
/// What may stand behind it, beside what may stand in any refusal.
const BEHIND: &str = "contacting|messaging|bothering|spamming|calling|emailing|mailing|harassing|with|already|dude|bro|man|asap|right|\
    today|that|them|those|here|any|more|for|good|ever|again|bullshit|shit|crap|doing|u|ya|my|people|right|thx|ty|2|text";
/// Signs that say the same.
const SIGNS: [char; 6] = ['🛑', '⛔', '🚫', '✋', '🤚', '🖕'];
/// Words that take a refusal back.
const START: &str = "start|yes|unstop|subscribe|resume|optin|да|старт|подписаться|ja|si|oui|sim|так|tak|evet";
/// A message that begins with one of them is a refusal, whatever follows.
const FIRST: &str = "stop|stopall|стоп|unsubscribe|отписаться|optout|відписатися";
/// What makes of such a beginning something else: stop by, stop at.
const PLACES: &str = "by|over|sign|signs|off|round|light|lights|watch|loss|motion";
/// What follows `stop at` where it is no place.
const AT: &str = "once|this|all|last";
/// Words that make the opposite of what follows them.
const NEGATIONS: &str = "dont|never|not|cannot|cant|wont|didnt|doesnt|wouldnt|shouldnt|couldnt|не|nicht|ne|nie|nao|non|nem|nu|pas|ikke|inte|\
    tidak|jangan|khong|μη|μην|δεν|לא|אל|لا";

/// Characters of a message that are judged, from its beginning: as many as are kept of an email.
const MOST: usize = 4_000;

/// Words that make a wish louder, and no other.
const OATHS: &str = "hell|heck|fuckin|fucking|freaking|frigging|goddamn|goddam|damn|bloody|effing";
/// What may stand between the two.
const BETWEEN: &str = "want|wanted|you|u|to|ever|like|need|me|him|her|ask|asked|asking|wish|think|should|would|it|us|say|said|saying|mean|\
    intend|going|just|even|have|really|plan|will|be|do|i|that|feel|hope|dare|хочу|хотел|хотела|хотим|вас|я|чтобы|будете|\
    mochte|will|quiero|deseo|quero|voglio|veux|хотів|vreau|chci|chcem|zelim|chce|wil|vil|vill";
/// Whose habit it is not to do it, where they stand before: I don't text while I drive.
const SUBJECTS: &str = "i|we|they|he|she|people";
/// What it is that they don't do.
const VERBS: &str = "text|call|email|message|write|send|contact|mail|ring|phone|sms|disturb|bother";
/// Pairs that do the same in languages whose `no` is also an answer.
const NEGATED_WISHES: [&str; 5] = ["no quiero", "no deseo", "no voy", "no pienso", "no puedo"];
/// A message's words up to here are judged: what comes later is for a person to read.
const SHORT: usize = 80;
/// What makes a message with a question mark a question: that is for a person.
const QUESTIONS: &str = "when|what|how|why|where|which|who|wann|wie|warum|wieso|когда|как|почему|чому";
/// Questions that ask for nothing else than the end of it.
const RHETORICAL: &str = "why dont you stop|why wont you stop|why cant you stop|wont you stop|cant you stop|when will you stop|\
    when are you going to stop|how do i stop|how can i stop these|how can i stop this|how to stop this|how to stop these|\
    how do i unsubscribe|how can i unsubscribe|how to unsubscribe|how do i opt out|how can i opt out|how to opt out|how do i get off|\
    how can i get off|how do i get removed|where do i unsubscribe|where can i unsubscribe|wie kann ich mich abmelden|wie melde ich mich ab|\
    wie bestelle ich|как отписаться|как мне отписаться|как от вас отписаться|як відписатися|come mi cancello|como me desuscribo|\
    comment me desabonner|comment me desinscrire";
/// What ends a message that a telephone has signed.
const SIGNED: &str = "sent from|get outlook|sent via|gesendet|von meinem|envoye|enviado|inviato|отправлено|отправлен";

/// A list of words or phrases, read once.
struct Read {
    refusals: HashSet<String>,
    phrases: Vec<Vec<String>>,
    fillers: HashSet<String>,
}

static READ: LazyLock<Vec<Read>> = LazyLock::new(|| LANGUAGES.iter().map(|language| read(language)).collect());
static FILLERS: LazyLock<HashSet<String>> = LazyLock::new(|| listed(ENGLISH.fillers).collect());
static ASKED: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| phrases(RHETORICAL));
/// What refuses where words are not parted, with what would make the opposite of it.
static IN_ONE: LazyLock<(Vec<String>, Vec<String>)> =
    LazyLock::new(|| (listed(UNBROKEN).collect(), listed(UNBROKEN_NEGATIONS).collect()));

fn read(of: &Words) -> Read {
    Read {
        refusals: listed(of.refusals).collect(),
        phrases: phrases(of.phrases),
        fillers: listed(of.fillers).collect(),
    }
}

/// The entries of a list, as messages have them.
fn listed(list: &str) -> impl Iterator<Item = String> {
    list.split('|').map(|entry| words(entry).concat())
}

/// The phrases of a list. Of a word with a star behind it only the beginning counts.
fn phrases(list: &str) -> Vec<Vec<String>> {
    let star = |written: &str| if written.ends_with('*') { "*" } else { "" };
    let phrase = |phrase: &str| -> Vec<String> {
        phrase.split(' ').map(|word| format!("{}{}", words(word).concat(), star(word))).collect()
    };
    list.split('|').map(phrase).collect()
}

/// The words of a clause, with `go away` as one.
fn said_in(text: &str) -> Vec<String> {
    let mut said = words(text);
    without_oaths(&mut said);
    while let Some(at) = said.windows(2).position(|pair| pair[0] == "go" && pair[1] == "away") {
        said.splice(at..at + 2, ["goaway".to_owned()]);
    }
    said
}

/// Takes out what only makes words louder: leave me the hell alone.
fn without_oaths(said: &mut Vec<String>) {
    // By itself this one sends somebody away.
    let is_loud = |said: &[String], at: usize| at > 0 && said[at] == "fuck" && said[at - 1] == "the";
    while said.len() > 2
        && let Some(at) = (0..said.len()).find(|at| is_of(&said[*at], OATHS) || is_loud(said, *at))
    {
        let has_article = at > 0 && said[at - 1] == "the" && at + 1 < said.len();
        said.drain(at - usize::from(has_article)..=at);
    }
}

/// Whether the word at `at` is taken back by what stands before it: don't stop, I do not want you to stop.
fn is_negated(said: &[String], at: usize) -> bool {
    let before = &said[..at];
    let gap = before.iter().rev().take_while(|word| is_of(word, BETWEEN)).count();
    let is_pair = |end: usize| {
        end >= 2
            && NEGATED_WISHES.iter().any(|pair| pair.split(' ').eq(before[end - 2..end].iter().map(String::as_str)))
    };
    let negation = (0..=gap).find(|gap| at > *gap && is_of(&before[at - 1 - gap], NEGATIONS));
    negation.is_some() || is_pair(at)
}

/// Whether what follows a word such as stop makes a visit of it: stop by, stop at the shop.
fn is_visit(behind: &[String]) -> bool {
    match behind.first().map(String::as_str) {
        Some("at") => !behind.get(1).is_some_and(|next| is_of(next, AT)),
        Some(next) => is_of(next, PLACES),
        None => false,
    }
}

/// Whether these words, in this order, stand somewhere in the message, and are not taken back by what stands before them.
fn has_phrase(said: &[String], phrase: &[String]) -> bool {
    let is_it = |(word, known): (&String, &String)| match known.strip_suffix('*') {
        Some(head) => word.starts_with(head),
        None => word == known,
    };
    let is_no = || phrase.first().is_some_and(|first| is_of(first, NEGATIONS) || first == "no");
    let is_habit = |at: usize| {
        at > 0
            && is_no()
            && is_of(&said[at - 1], SUBJECTS)
            && phrase.len() <= 3
            && phrase.last().is_some_and(|verb| is_of(verb, VERBS))
    };
    let is_visit = |end: usize| phrase.last().is_some_and(|last| last == "stop") && is_visit(&said[end..]);
    said.windows(phrase.len()).enumerate().any(|(at, window)| {
        window.iter().zip(phrase).all(is_it)
            && (is_no() || !is_negated(said, at))
            && !is_habit(at)
            && !is_visit(at + phrase.len())
    })
}

/// Whether the message is nothing but a word of refusal and what may stand around one.
fn is_plain_refusal(said: &[String], of: &Read) -> bool {
    let is_filler = |word: &String| of.fillers.contains(word) || FILLERS.contains(word);
    let is_refusal = |(at, word): (usize, &String)| of.refusals.contains(word) && !is_negated(said, at);
    said.iter().enumerate().any(is_refusal) && said.iter().all(|word| of.refusals.contains(word) || is_filler(word))
}

/// Whether somebody is told to stop, and nothing after that makes something else of it: dude stop, can you stop.
fn is_told_to_stop(said: &[String]) -> bool {
    let is_around = |word: &String| FILLERS.contains(word) || is_of(word, BEHIND);
    let is_before = |at: usize| match said[at - 1].as_str() {
        "to" | "2" => at >= 2 && is_of(&said[at - 2], BEFORE_TO),
        word => is_of(word, BEFORE),
    };
    (1..said.len()).any(|at| {
        is_of(&said[at], IMPERATIVES) && is_before(at) && said[at + 1..].iter().all(is_around) && !is_negated(said, at)
    })
}

/// Whether a language that parts no words refuses somewhere.
fn refuses_in_one(said: &[String]) -> bool {
    let whole = said.concat();
    let (refusals, negations) = &*IN_ONE;
    !whole.is_ascii()
        && refusals.iter().any(|refusal| {
            whole
                .match_indices(refusal.as_str())
                .any(|(at, _)| !negations.iter().any(|no| whole[..at].ends_with(no.as_str())))
        })
}

/// Whether a sentence refuses. Each one is judged by itself: to ask who writes is no reason to go on.
fn refuses(sentence: &str) -> bool {
    let asks = sentence.contains(['?', '？', '؟']) && words(sentence).iter().any(|word| is_of(word, QUESTIONS));
    let clauses = || sentence.split([',', ':', '—', '–', '，', '،', '、']).chain([sentence]).map(said_in);
    let has = |said: &[String], list: &[Vec<String>]| list.iter().any(|phrase| has_phrase(said, phrase));
    let is_strong = |said: &[String]| {
        said.iter().any(|word| is_of(word, STRONG)) && READ.iter().any(|language| is_plain_refusal(said, language))
    };
    clauses().any(|said| {
        is_strong(&said)
            || ASKED.iter().any(|asked| said.windows(asked.len()).any(|window| window == asked))
            || (!asks
                && (is_told_to_stop(&said)
                    || refuses_in_one(&said)
                    || READ.iter().any(|language| has(&said, &language.phrases))))
    })
}

/// The sentences of a message that refuse, as words; none if it is no refusal.
fn refusing(body: &str) -> Vec<Vec<String>> {
    let body: String = visible(body).chars().take(MOST).collect();
    let body = unsigned(&body);
    let said = said_in(body);
    if said.is_empty() {
        return if body.contains(SIGNS) { vec![said] } else { Vec::new() };
    }
    let is_short = said.len() <= SHORT;
    let in_one = word(&said.concat());
    let is_in_one = || READ.iter().any(|language| language.refusals.contains(&in_one)) || in_one == "stopped";
    if is_short && (is_in_one() || READ.iter().any(|language| is_plain_refusal(&said, language))) {
        return vec![said];
    }
    // A line may end within a sentence, or with it.
    let ends = ['.', '!', '?', '…', ';', '。', '！', '？', '؟', '।'];
    let joined = body.replace(['\r', '\n'], " ");
    let mut sentences: Vec<&str> = judged(joined.split_inclusive(ends)).collect();
    // Who begins with the word has said it, whatever follows: to go on writing is the worse mistake.
    let begins = is_of(&said[0], FIRST) && !is_visit(&said[1..]);
    let first = begins.then(|| sentences.first().copied()).flatten();
    sentences.extend(judged(body.split_inclusive(|sign| ends.contains(&sign) || sign == '\n')));
    let refusing = sentences.into_iter().filter(|sentence| refuses(sentence));
    first.into_iter().chain(refusing).map(said_in).collect()
}

/// The sentences that are within the beginning of a message.
fn judged<'a>(sentences: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    sentences.scan(0, |before, sentence| {
        let is_within = *before < SHORT;
        *before += sentence.split_whitespace().count();
        is_within.then_some(sentence)
    })
}

/// A message without the line by which a telephone signs it, and what follows.
fn unsigned(body: &str) -> &str {
    let mut end = 0;
    for line in body.split_inclusive('\n') {
        let start = words(line).into_iter().take(2).collect::<Vec<_>>();
        let is_signed = SIGNED.split('|').any(|known| start.join(" ").starts_with(known));
        if is_signed && end > 0 {
            break;
        }
        end += line.len();
    }
    &body[..end]
}

/// The wish that a message expresses. `opt_out_type` is what Twilio made of it, where it does that.
pub fn wish(body: &str, opt_out_type: Option<&str>) -> Wish {
    match opt_out_type {
        Some("STOP") => Wish::Stop,
        Some("START") => Wish::Start,
        _ if !refusing(body).is_empty() => Wish::Stop,
        _ if is_of(&words(&visible(body)).concat(), START) => Wish::Start,
        _ => Wish::Talk,
    }
}

/// The ways of contact that a message refuses which came by one of them: that one, and whatever else it names. None if it refuses
/// nothing.
pub fn refused_by(body: &str, came_by: ContactChannel) -> Vec<ContactChannel> {
    let sentences = refusing(body);
    if sentences.is_empty() { Vec::new() } else { scope::of(&sentences, came_by) }
}

#[cfg(test)]
mod tests;
