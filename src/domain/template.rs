//! Templates: what they need, and how they become the text of one message.

use std::collections::{BTreeMap, BTreeSet};

use super::braces;
use super::broadcast::ParseMode;
use super::depth;
use super::markup::{self, Marked};
use minijinja::value::Rest;
use minijinja::{AutoEscape, Environment, ErrorKind, State, UndefinedBehavior, Value};

/// Telegram's limit of a message's text, in UTF-16 units.
pub const MESSAGE_LIMIT: usize = 4096;
/// Telegram's limit of a caption beside media, in UTF-16 units.
pub const CAPTION_LIMIT: usize = 1024;
/// The longest template that is accepted, in bytes.
pub const CONTENT_LIMIT: usize = 32 * 1024;

/// Steps that one rendering may take: far more than a message needs, far less than a loop that never ends.
const FUEL: u64 = 20_000;

/// Placeholders that the channel fills. [`Channel::of`] alone makes them, so a preview shows what will be sent.
#[derive(Debug, Clone)]
pub struct Channel<'a> {
    /// The title, or the username while no title is known.
    name: &'a str,
    /// The username, without `@`.
    username: &'a str,
    /// The title, if one is known.
    title: Option<&'a str>,
    /// The category.
    category: &'a str,
    /// The number of subscribers, if it is known.
    member_count: Option<i32>,
}

impl<'a> Channel<'a> {
    /// What a channel of which so much is known fills placeholders with.
    pub fn of(username: &'a str, title: Option<&'a str>, category: &'a str, member_count: Option<i32>) -> Self {
        let title = title.filter(|title| !title.is_empty());
        Self { name: title.unwrap_or(username), username, title, category, member_count }
    }
}

/// The names of the placeholders that the channel fills.
pub const BUILT_IN: [&str; 5] = ["channel_name", "username", "title", "category", "member_count"];

/// Those of them that may not be known.
const UNSURE: [&str; 2] = ["title", "member_count"];

/// Whether Telegram takes so long a text.
///
/// # Errors
/// The end of a sentence that begins with the text: it is empty, or too long.
pub fn check_length(text: &Marked, limit: usize) -> Result<(), String> {
    match text.utf16_length() {
        0 => Err("is empty".into()),
        length if length > limit => Err(format!("has {length} UTF-16 units; Telegram takes {limit}")),
        _ => Ok(()),
    }
}

/// The values that a campaign gives to placeholders. They win over built-ins of the same name.
pub type Params = BTreeMap<String, String>;

/// A template that has been read and can be rendered many times.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    /// For channels of which something is not known that the text has: that shows nothing. None if it has nothing such.
    forgiving: Option<Environment<'static>>,
    /// Placeholders that may be left out, for all have a `default(...)`.
    optional: BTreeSet<String>,
    placeholders: BTreeSet<String>,
    parse_mode: ParseMode,
    /// Whether it has statements: then it may build values of any depth while it is rendered.
    has_statements: bool,
}

/// Values that a placeholder may have: a text and an address, or a number.
const SAMPLES: [&str; 3] = ["https://example.org", "1", "👍"];

/// The filter `default`: like the language's own, and an empty text is as good as none.
fn default(state: &State<'_, '_>, value: &Value, other: Rest<Value>) -> Result<Value, minijinja::Error> {
    let value = if value.as_str() == Some("") { &Value::UNDEFINED } else { value };
    minijinja::filters::default(state, value, other)
}

const NAME: &str = "message";

impl Template {
    /// Reads `content`.
    ///
    /// # Errors
    /// A sentence that says where the syntax is wrong.
    pub fn read(content: &str, parse_mode: ParseMode) -> Result<Self, String> {
        if content.trim().is_empty() {
            return Err("the content is empty".into());
        }
        if content.len() > CONTENT_LIMIT {
            return Err(format!("the content is longer than {CONTENT_LIMIT} bytes"));
        }
        depth::check(content)?;
        braces::check(content)?;
        depth::apart(|| Self::compile(content, parse_mode))?
    }

    fn compile(content: &str, parse_mode: ParseMode) -> Result<Self, String> {
        let environment = environment(content, parse_mode, UndefinedBehavior::Strict)?;
        let placeholders: BTreeSet<String> = environment
            .get_template(NAME)
            .map_err(|error| sentence(&error))?
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !environment.globals().any(|(global, _)| global == name))
            .collect();
        let forgiving = if UNSURE.iter().any(|name| placeholders.contains(*name)) {
            Some(self::environment(content, parse_mode, UndefinedBehavior::Lenient)?)
        } else {
            None
        };
        let has_statements = content.contains("{%");
        let mut template =
            Self { environment, forgiving, optional: BTreeSet::new(), placeholders, parse_mode, has_statements };
        template.check_markup()?;
        let needed = |name: &&str| template.needs(name, &Params::new());
        template.optional = template.placeholders().filter(|name| !needed(name)).map(ToOwned::to_owned).collect();
        Ok(template)
    }

    /// Wrong tags are told as soon as they are written, as far as that can be known: with something in each placeholder.
    fn check_markup(&self) -> Result<(), String> {
        let Ok(template) = self.environment.get_template(NAME) else { return Ok(()) };
        let mut told = Ok(());
        for sample in SAMPLES {
            let filled: BTreeMap<&str, &str> = self.placeholders().map(|name| (name, sample)).collect();
            // What can't be rendered like this may well be rendered with real values.
            let Ok(text) = template.render(filled) else { return Ok(()) };
            match self.marked(&text) {
                Ok(_) => return Ok(()),
                Err(why) => told = told.and(Err(why)),
            }
        }
        told
    }

    fn marked(&self, text: &str) -> Result<Marked, String> {
        match self.parse_mode {
            ParseMode::Plain => Ok(Marked::plain(text.replace('\r', "")).trimmed()),
            ParseMode::Html => markup::read(text).map(Marked::trimmed),
        }
    }

    /// The names that it uses, in alphabetical order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.placeholders.iter().map(String::as_str)
    }

    /// Placeholders that neither `params` nor a channel can fill and for which there is no `default(...)`.
    pub fn missing(&self, params: &Params) -> Vec<String> {
        let unknown = |name: &&String| !params.contains_key(*name) && !BUILT_IN.contains(&name.as_str());
        let unknown: Vec<&String> = self.placeholders.iter().filter(unknown).collect();
        if unknown.is_empty() {
            return Vec::new();
        }
        // A strict rendering fails for a missing name, but not for one with a default: so ask it, name by name.
        let needed = |name: &&&String| self.needs(name, params);
        let missing = depth::apart(|| unknown.iter().filter(needed).map(|name| (*name).clone()).collect());
        missing.unwrap_or_else(|_| unknown.into_iter().cloned().collect())
    }

    /// Params that no placeholder takes: most often a name that is written wrong.
    pub fn unused<'a>(&self, params: &'a Params) -> Vec<&'a str> {
        params.keys().filter(|name| !self.placeholders.contains(*name)).map(String::as_str).collect()
    }

    /// What is wrong with a text that is the same for everybody, as far as that can be known without any value. None for a text
    /// with placeholders.
    pub fn fault_of_constant(&self, limit: usize) -> Option<String> {
        if !self.placeholders.is_empty() {
            return None;
        }
        let nobody = Channel::of("", None, "", None);
        self.render(&Params::new(), &nobody).and_then(|text| check_length(&text, limit)).err()
    }

    /// The text for one channel.
    ///
    /// # Errors
    /// A sentence that says what could not be rendered, or which tag is wrong.
    pub fn render(&self, params: &Params, channel: &Channel<'_>) -> Result<Marked, String> {
        if self.has_statements {
            return depth::apart(|| self.rendered(params, channel))?;
        }
        self.rendered(params, channel)
    }

    fn rendered(&self, params: &Params, channel: &Channel<'_>) -> Result<Marked, String> {
        let given = |name: &str| params.contains_key(name) || self.optional.contains(name) || BUILT_IN.contains(&name);
        if let Some(name) = self.placeholders().find(|name| !given(name)) {
            return Err(format!("{{{{ {name} }}}} has no value"));
        }
        let is_known = channel.title.is_some() && channel.member_count.is_some();
        let environment = self.forgiving.as_ref().filter(|_| !is_known).unwrap_or(&self.environment);
        let template = environment.get_template(NAME).map_err(|error| sentence(&error))?;
        let built_in = minijinja::context! {
            channel_name => channel.name,
            username => channel.username,
            title => channel.title.map_or(Value::UNDEFINED, Value::from),
            category => channel.category,
            member_count => channel.member_count.map_or(Value::UNDEFINED, Value::from),
        };
        let params = Value::from_pairs(params.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let text = template.render(minijinja::context! { ..params, ..built_in }).map_err(|error| sentence(&error))?;
        self.marked(&text)
    }

    /// Whether the text is the same for every channel.
    pub fn is_constant(&self, params: &Params) -> bool {
        !self.placeholders.iter().any(|name| BUILT_IN.contains(&name.as_str()) && !params.contains_key(name))
    }

    fn needs(&self, name: &str, params: &Params) -> bool {
        let filled: BTreeMap<&str, Value> = self
            .placeholders()
            .filter(|other| *other != name)
            .map(|other| (other, params.get(other).map_or_else(|| Value::from("x"), Value::from)))
            .collect();
        let Ok(template) = self.environment.get_template(NAME) else { return true };
        template.render(filled).is_err_and(|error| error.kind() == ErrorKind::UndefinedError)
    }
}

fn environment(
    content: &str,
    parse_mode: ParseMode,
    undefined: UndefinedBehavior,
) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.set_auto_escape_callback(move |_| match parse_mode {
        ParseMode::Plain => AutoEscape::None,
        ParseMode::Html => AutoEscape::Html,
    });
    environment.add_template_owned(NAME, content.to_owned()).map_err(|error| sentence(&error))?;
    Ok(environment)
}

fn sentence(error: &minijinja::Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    match error.line() {
        Some(line) => format!("{what} (line {line})"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel<'static> {
        Channel {
            name: "Тех <новости>", username: "technews", title: None, category: "tech", member_count: None
        }
    }

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn the_specifications_example_renders() {
        let template = Template::read("Привет, {{channel_name}}! {{ offer_text }}", ParseMode::Plain).expect("reads");
        assert_eq!(template.placeholders().collect::<Vec<_>>(), ["channel_name", "offer_text"]);
        assert_eq!(template.missing(&Params::new()), ["offer_text"]);
        let text = template.render(&params(&[("offer_text", "Скидка 20%")]), &channel());
        assert_eq!(text, Ok(Marked::plain("Привет, Тех <новости>! Скидка 20%".into())));
    }

    #[test]
    fn a_default_takes_the_place_of_a_missing_value() {
        let template = Template::read("{{ offer | default(\"none\") }} {{ other }}", ParseMode::Plain).expect("reads");
        assert_eq!(template.missing(&Params::new()), ["other"]);
        let text = template.render(&params(&[("other", "x")]), &channel());
        assert_eq!(text, Ok(Marked::plain("none x".into())));
    }

    #[test]
    fn what_is_not_known_of_a_channel_has_its_default_and_else_shows_nothing() {
        let rendered = |content: &str, given: &[(&str, &str)]| {
            let template = Template::read(content, ParseMode::Plain).expect("reads");
            assert!(template.missing(&params(given)).is_empty(), "{content}");
            template.render(&params(given), &channel()).map(|marked| marked.text)
        };
        for (content, text) in [
            ("Hello, {{ title | default(\"friends\") }}!", "Hello, friends!"),
            ("{{ member_count | default(\"many\") }}", "many"),
            ("{{ title | d('a') }} {{ title or 'b' }} {{ title | default('c', true) }}", "a b c"),
            ("x{{ title }}{{ member_count }}y", "xy"),
            ("x{{ title | upper }}{{ title | trim }}{{ title ~ '!' }}y", "x!y"),
            ("{% if title %}a{% else %}b{% endif %}{% if member_count %}a{% else %}b{% endif %}", "bb"),
            ("{% if member_count is defined and member_count > 5 %}a{% else %}b{% endif %}", "b"),
            ("{{ category | default('x') }}", "tech"),
        ] {
            assert_eq!(rendered(content, &[]).as_deref(), Ok(text), "{content}");
        }
        assert_eq!(rendered("{{ offer | default('none') }}", &[("offer", "")]).as_deref(), Ok("none"));
        let known = Channel::of("technews", Some("Tech"), "tech", Some(0));
        let template = Template::read("{{ title | default('x') }} {{ member_count | default('x') }}", ParseMode::Plain);
        let text = template.and_then(|template| template.render(&Params::new(), &known));
        assert_eq!(text.map(|marked| marked.text).as_deref(), Ok("Tech 0"));
    }

    #[test]
    fn params_that_nothing_takes_and_constant_texts_that_nobody_gets_are_told() {
        let template = Template::read("{{ offer | default('10%') }} {{ title }}", ParseMode::Plain).expect("reads");
        assert_eq!(template.unused(&params(&[("ofer", "20%"), ("title", "x")])), ["ofer"]);
        assert_eq!(template.fault_of_constant(1), None);
        let fault =
            |content: &str| Template::read(content, ParseMode::Html).expect("reads").fault_of_constant(CAPTION_LIMIT);
        assert_eq!(fault("<b>x</b>"), None);
        assert_eq!(fault("<b> </b>").as_deref(), Some("is empty"));
        assert!(fault(&"x".repeat(CAPTION_LIMIT + 1)).expect("too long").contains("1025 UTF-16 units"));
    }

    #[test]
    fn blanks_at_both_ends_are_not_counted() {
        let template = Template::read("{% if username %}\n<b>Head</b>\n{% endif %}", ParseMode::Html).expect("reads");
        let text = template.render(&Params::new(), &channel()).expect("renders");
        assert_eq!((text.text.as_str(), text.entities[0].offset), ("Head", 0));
        let long = format!("{} ", "🎬".repeat(MESSAGE_LIMIT / 2));
        let text = Template::read(&long, ParseMode::Plain).and_then(|read| read.render(&Params::new(), &channel()));
        assert_eq!(text.map(|text| text.utf16_length()), Ok(MESSAGE_LIMIT));
    }

    #[test]
    fn params_win_over_built_ins_and_html_escapes_values() {
        let template = Template::read("<b>{{ channel_name }}</b> {{ username }}", ParseMode::Html).expect("reads");
        let text = template.render(&params(&[("username", "mine")]), &channel()).expect("renders");
        assert_eq!((text.text.as_str(), text.entities.len()), ("Тех <новости> mine", 1));
        assert!(!template.is_constant(&Params::new()));
        assert!(template.is_constant(&params(&[("username", "a"), ("channel_name", "b")])));
    }

    #[test]
    fn wrong_syntax_is_a_sentence_and_a_loop_without_end_is_stopped() {
        assert!(Template::read("{{ open", ParseMode::Plain).expect_err("wrong").contains("line 1"));
        assert!(Template::read("  \n", ParseMode::Plain).is_err());
        let endless = "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}";
        let endless = Template::read(endless, ParseMode::Plain).expect("reads");
        assert!(endless.render(&Params::new(), &channel()).is_err());
    }

    #[test]
    fn wrong_tags_are_told_when_the_template_is_read() {
        let read = |content| Template::read(content, ParseMode::Html).map(drop);
        assert!(read("<b>{{ title }}").expect_err("wrong").contains("<b> is not closed"));
        assert!(read("<a href=\"{{ title }}/x\">{{ title }}</a> <tg-spoiler>x</tg-spoiler>").is_ok());
        assert!(read("<tg-emoji emoji-id=\"{{ emoji }}\">👍</tg-emoji>{{ x }}").is_ok());
        // Whether this one closes its tag, only the value of a placeholder decides.
        assert!(read("{% if offer == 'x' %}<b>{% endif %}x").is_ok());
        assert!(Template::read("<b>", ParseMode::Plain).is_ok());
    }

    #[test]
    fn telegram_counts_utf16_units_of_what_is_read() {
        let length = |content, mode| {
            let text = Template::read(content, mode).and_then(|read| read.render(&Params::new(), &channel()));
            text.map(|text| text.utf16_length())
        };
        assert_eq!(length("Привет", ParseMode::Plain), Ok(6));
        assert_eq!(length("😀", ParseMode::Plain), Ok(2));
        assert_eq!(length("<b>😀</b>&amp;", ParseMode::Html), Ok(3));
    }
}
