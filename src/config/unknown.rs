//! Environment variables that were meant as settings and are none: what is misspelt must not be passed over.

use super::Wrong;
use super::table::SETTINGS;

/// Refuses a name that begins like Herald's and is none of its settings.
///
/// # Errors
/// The first such name, with the setting that is nearest to it.
pub fn check(names: impl IntoIterator<Item = String>) -> Result<(), Wrong> {
    let is_unknown = |name: &String| name.starts_with("HERALD_") && !SETTINGS.iter().any(|known| known.name == name);
    let Some(name) = names.into_iter().filter(is_unknown).min() else { return Ok(()) };
    let why = match nearest(&name) {
        Some(known) => format!("there is no such setting; {known}?"),
        None => "there is no such setting; herald help settings lists all".into(),
    };
    Err(Wrong { name, why })
}

/// Names that are a setting's without its prefix, and the settings that are not given: they do nothing, and may have been meant.
pub fn unprefixed(names: &[String]) -> Vec<String> {
    let is_given = |name: &str| names.iter().any(|given| given == name);
    // One word, such as LOG or LISTEN, is too often somebody else's.
    let likely = names.iter().filter(|name| name.contains('_'));
    let meant = likely.filter_map(|name| {
        let known = SETTINGS.iter().find(|known| known.name.strip_prefix("HERALD_") == Some(name))?;
        (!is_given(known.name)).then(|| format!("{name} is not read; {}?", known.name))
    });
    meant.collect()
}

/// The setting that is spelled most like `name`, if one is near: a third of its letters may differ.
fn nearest(name: &str) -> Option<&'static str> {
    let short = |name: &'static str| name.strip_prefix("HERALD_").unwrap_or(name);
    let written = name.strip_prefix("HERALD_").unwrap_or(name);
    let far = |known: &'static str| strsim::damerau_levenshtein(written, short(known));
    let (known, distance) = SETTINGS.iter().map(|known| (known.name, far(known.name))).min_by_key(|(_, far)| *far)?;
    (distance <= (written.len() / 3).max(1)).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[&str]) -> String {
        check(names.iter().map(ToString::to_string)).err().map(|wrong| wrong.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_misspelt_setting_is_refused_with_the_nearest_name() {
        for (written, meant) in [
            ("HERALD_TELEGARM", "HERALD_TELEGRAM"),
            ("HERALD_TELEGRAM_APP_ID", "HERALD_TELEGRAM_API_ID"),
            ("HERALD_DATABASE_URL", "DATABASE_URL"),
            ("HERALD_REDIS_URL", "REDIS_URL"),
            ("HERALD_PROVIDER", "HERALD_PROVIDERS"),
            ("HERALD_DATADIR", "HERALD_DATA_DIR"),
            ("HERALD_SECRETKEY", "HERALD_SECRET_KEY"),
            ("HERALD_ORIGIN", "HERALD_ORIGINS"),
            ("HERALD_LIMIT_DEPHT", "HERALD_LIMIT_DEPTH"),
        ] {
            assert_eq!(told(&[written, "PATH"]), format!("{written}: there is no such setting; {meant}?"));
        }
        assert_eq!(told(&["HERALD_FOO"]), "HERALD_FOO: there is no such setting; herald help settings lists all");
        assert_eq!(told(&["HERALD_LISTEN", "DATABASE_URL", "PORT", "HERALDRY_X"]), "");
        let every: Vec<&str> = SETTINGS.iter().map(|known| known.name).collect();
        assert_eq!(told(&every), "");
    }

    #[test]
    fn a_name_without_its_prefix_is_told() {
        let told = |names: &[&str]| unprefixed(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(told(&["TELEGRAM_API_ID", "LOG"]), ["TELEGRAM_API_ID is not read; HERALD_TELEGRAM_API_ID?"]);
        assert!(told(&["TELEGRAM_API_ID", "HERALD_TELEGRAM_API_ID"]).is_empty());
    }
}
