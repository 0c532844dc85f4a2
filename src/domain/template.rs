//! Templates: what they need, and how they become the text of one message.

mod mistake;
mod place;
mod room;

use std::collections::{BTreeMap, BTreeSet};

use super::braces;
use super::broadcast::ParseMode;
use super::depth;
use super::filters;
use super::language::{self, Kind, Tongue};
use super::markup::{self, Marked};
use super::text::is_seen;
use super::tokens;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};
use mistake::sentence;
pub use place::{CAPTION_LIMIT, MESSAGE_LIMIT, Place};
pub use room::Room;

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
        // Of some there is nothing to see.
        let title = title.filter(|title| title.chars().any(is_seen));
        Self { name: title.unwrap_or(username), username, title, category, member_count }
    }

    /// The names of the placeholders that it can't fill, for so much is not known of it.
    pub fn unknown(&self) -> impl Iterator<Item = &'static str> {
        let is_known = [self.title.is_some(), self.member_count.is_some()];
        UNSURE.into_iter().zip(is_known).filter(|(_, is_known)| !is_known).map(|(name, _)| name)
    }
}

/// The names of the placeholders that the channel fills.
pub const BUILT_IN: [&str; 5] = ["channel_name", "username", "title", "category", "member_count"];

/// Those of them that may not be known.
const UNSURE: [&str; 2] = ["title", "member_count"];

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

const NAME: &str = "message";

impl Template {
    /// Reads `content` as the text of a message.
    ///
    /// # Errors
    /// A sentence that says where the syntax is wrong, or that there is nothing.
    pub fn read(content: &str, parse_mode: ParseMode) -> Result<Self, String> {
        Self::read_at(content, parse_mode, Place::Message)
    }

    /// Refuses what a text names and is not there, which no rendering could do.
    ///
    /// # Errors
    /// A sentence with the name, and with what there is.
    pub fn check_names(content: &str, parse_mode: ParseMode) -> Result<(), String> {
        let kind = if parse_mode == ParseMode::Html { Kind::Html } else { Kind::Words };
        language::check(content, Tongue { kind, is_for_leads: false })?;
        let parts = depth::apart(|| {
            let environment = environment(content, parse_mode, UndefinedBehavior::Strict).ok()?;
            let template = environment.get_template(NAME).ok()?;
            template.undeclared_variables(true).into_iter().find(|name| name.contains('.'))
        })?;
        match parts {
            // What the channel or the campaign gives is a text or a number.
            Some(name) => Err(format!("there is no {{{{ {name} }}}}: a placeholder is one word, and has no parts")),
            None => Ok(()),
        }
    }

    /// Reads `content` as the text that stands at `place`: a caption may be empty.
    ///
    /// # Errors
    /// A sentence that says where the syntax is wrong, or that there is nothing.
    pub fn read_at(content: &str, parse_mode: ParseMode, place: Place) -> Result<Self, String> {
        if content.trim().is_empty() && place == Place::Message {
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
            .map_err(|error| sentence(content, &error))?
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
    pub fn fault_of_constant(&self, place: Place) -> Option<String> {
        if !self.placeholders.is_empty() {
            return None;
        }
        self.fault(&Params::new(), &Channel::of("", None, "", None), place)
    }

    /// Why the text for one channel can't be sent: the end of a sentence that begins with the text. None if it can.
    pub fn fault(&self, params: &Params, channel: &Channel<'_>, place: Place) -> Option<String> {
        match self.render(params, channel) {
            Err(why) => Some(format!("cannot be rendered: {why}")),
            Ok(text) => place.fault(&text),
        }
    }

    /// What of the text looks like another tool's sign for something to be filled in, and would be sent as it stands.
    pub fn warnings(&self, content: &str, params: &Params) -> Vec<String> {
        let mut known: BTreeSet<&str> = self.placeholders().chain(BUILT_IN).collect();
        known.extend(params.keys().map(String::as_str));
        tokens::warnings(content, self.parse_mode, params, &known)
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
        let told = |error: minijinja::Error| sentence("", &error);
        let template = environment.get_template(NAME).map_err(told)?;
        let built_in = minijinja::context! {
            channel_name => channel.name,
            username => channel.username,
            title => channel.title.map_or(Value::UNDEFINED, Value::from),
            category => channel.category,
            member_count => channel.member_count.map_or(Value::UNDEFINED, Value::from),
        };
        let params = Value::from_pairs(params.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let text = template.render(minijinja::context! { ..params, ..built_in }).map_err(told)?;
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
        let is_it = |detail: &str| detail.contains(&format!("`{name}` is undefined"));
        template
            .render(filled)
            .is_err_and(|error| error.kind() == ErrorKind::UndefinedError || error.detail().is_some_and(is_it))
    }
}

fn environment(
    content: &str,
    parse_mode: ParseMode,
    undefined: UndefinedBehavior,
) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    depth::bound(&mut environment, FUEL);
    filters::set(&mut environment);
    environment.set_auto_escape_callback(move |_| match parse_mode {
        ParseMode::Plain => AutoEscape::None,
        ParseMode::Html => AutoEscape::Html,
    });
    environment.add_template_owned(NAME, depth::bounded(content)).map_err(|error| sentence(content, &error))?;
    Ok(environment)
}

#[cfg(test)]
mod tests;
