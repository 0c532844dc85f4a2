//! Environment variables that were meant as settings and are none: what is misspelt must not be passed over.

use super::Wrong;
use super::table::SETTINGS;

/// Refuses a name that begins like Herald's and is none of its settings.
///
/// # Errors
/// The first such name, with the setting that is nearest to it.
pub fn check(names: impl IntoIterator<Item = String>) -> Result<(), Wrong> {
    let is_known = |name: &String| SETTINGS.iter().any(|known| known.name == name);
    let is_unknown = |name: &String| !is_known(name) && (name.starts_with("HERALD_") || is_meant(name));
    let Some(name) = names.into_iter().filter(is_unknown).min() else { return Ok(()) };
    let why = match nearest(&name) {
        Some(known) => format!("there is no such setting; {known}?"),
        None => "there is no such setting; herald help settings lists all".into(),
    };
    Err(Wrong { name, why })
}

/// Whether a name is a setting's but for its case, its underscores, or two letters of its prefix: what is misspelt there is nobody else's.
fn is_meant(name: &str) -> bool {
    let plain = |name: &str| name.replace('_', "").to_ascii_uppercase();
    let written = plain(name);
    let prefix = "HERALD";
    SETTINGS.iter().map(|known| plain(known.name)).any(|known| {
        let rest = known.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        let has_rest = rest.and_then(|rest| written.strip_suffix(rest));
        let is_near = has_rest.is_some_and(|start| {
            start.starts_with('H') && start.len() > 3 && strsim::damerau_levenshtein(start, prefix) <= 2
        });
        // In capitals or in small letters alone another program may have its own of that name, such as http_proxy.
        (written == known && known.starts_with(prefix)) || is_near
    })
}

/// Names that are a setting's without its prefix, or nearly that of one that has none, and the settings that are not given: they do
/// nothing, and may have been meant.
pub fn unprefixed(names: &[String]) -> Vec<String> {
    let is_given = |name: &str| names.iter().any(|given| given == name);
    // One word, such as LOG or LISTEN, is too often somebody else's.
    let likely = names.iter().filter(|name| name.contains('_'));
    let meant = likely.filter_map(|name| {
        let is_near = |known: &str| (1..=2).contains(&strsim::damerau_levenshtein(known, &name.to_ascii_uppercase()));
        let known = SETTINGS.iter().find(|known| match known.name.strip_prefix("HERALD_") {
            Some(rest) => rest == name,
            None => is_near(known.name),
        })?;
        (!is_given(known.name)).then(|| format!("{name} is not read; {}?", known.name))
    });
    meant.collect()
}

/// The setting that is spelled most like `name`, if one is near: a third of its letters may differ.
fn nearest(name: &str) -> Option<&'static str> {
    let short = |name: &'static str| name.strip_prefix("HERALD_").unwrap_or(name);
    let name = name.to_ascii_uppercase();
    let written = match name.split_once('_') {
        Some((start, rest)) if strsim::damerau_levenshtein(start, "HERALD") <= 2 => rest,
        _ => &name,
    };
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
            ("HERLAD_TELEGRAM", "HERALD_TELEGRAM"),
            ("herald_telegram", "HERALD_TELEGRAM"),
            ("Herald_Data_Dir", "HERALD_DATA_DIR"),
            ("HERALD_LIMIT_DEPHT", "HERALD_LIMIT_DEPTH"),
        ] {
            assert_eq!(told(&[written, "PATH"]), format!("{written}: there is no such setting; {meant}?"));
        }
        assert_eq!(told(&["HERALD_FOO"]), "HERALD_FOO: there is no such setting; herald help settings lists all");
        assert_eq!(
            told(&["HERALD_LISTEN", "DATABASE_URL", "PORT", "HERALDRY_X", "HEROKU_LOG", "http_proxy", "HOME"]),
            ""
        );
        assert!(told(&["HERALDTELEGRAM"]).starts_with("HERALDTELEGRAM: there is no such setting"));
        let every: Vec<&str> = SETTINGS.iter().map(|known| known.name).collect();
        assert_eq!(told(&every), "");
    }

    #[test]
    fn a_name_without_its_prefix_is_told() {
        let told = |names: &[&str]| unprefixed(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(told(&["TELEGRAM_API_ID", "LOG"]), ["TELEGRAM_API_ID is not read; HERALD_TELEGRAM_API_ID?"]);
        assert!(told(&["TELEGRAM_API_ID", "HERALD_TELEGRAM_API_ID"]).is_empty());
        assert_eq!(told(&["DATABASE_URI"]), ["DATABASE_URI is not read; DATABASE_URL?"]);
        assert_eq!(told(&["DATABSE_URL", "Redis_Uri"]).len(), 2);
        assert!(told(&["DATABASE_URI", "DATABASE_URL", "DATABASE_HOST"]).is_empty());
    }
}
