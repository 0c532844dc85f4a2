//! How values of settings are written, and what is said of those that are not.

use std::ffi::OsStr;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use clap::ValueEnum;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::choices::{Mode, Model};
use domain::limits::UploadLimits;
use domain::retention::attribution::AttributionModel;
use domain::secret_key::SecretKey;
use service::access::password::violation;
use service::broadcast::telegram_account::is_api_hash;
use storage::place::Place;

/// A value, or a sentence that says why it can't be used.
pub(super) type Value<T> = Result<T, String>;

/// What is empty is not given.
pub(super) fn optional<T>(read: impl Fn(&str) -> Value<T>) -> impl Fn(&str) -> Value<Option<T>> {
    move |text| if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

#[expect(clippy::unnecessary_wraps, reason = "the table calls it like the others, which can refuse")]
pub(super) fn text(text: &str) -> Value<String> {
    Ok(text.to_owned())
}

pub(super) fn address(text: &str) -> Value<SocketAddr> {
    let numeric = text.replacen("localhost:", "127.0.0.1:", 1);
    numeric.parse().map_err(|_| format!("{text:?} is not an address such as 127.0.0.1:8080"))
}

/// A host and a port; the host is looked up at each connection.
pub(super) fn server(text: &str) -> Value<Arc<str>> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    let is_right = port.is_some_and(|port| port > 0) && !text.contains(char::is_whitespace);
    if is_right { Ok(text.into()) } else { Err(format!("{text:?} is not an address such as gateway.example:443")) }
}

pub(super) fn folder(path: &OsStr) -> Value<PathBuf> {
    if path.is_empty() { Err("it is empty".into()) } else { Ok(path.into()) }
}

/// The value is not repeated: it may have a password in it.
pub(super) fn url<const N: usize>(schemes: &[&'static str; N]) -> impl Fn(&str) -> Value<SecretString> {
    move |text| match text.split_once("://") {
        Some((scheme, _)) if schemes.contains(&scheme) => readable(text).map(|()| text.into()),
        _ => Err(format!("it does not begin with {}://", schemes[0])),
    }
}

/// An email address.
pub(super) fn email(text: &str) -> Value<String> {
    domain::retention::address::email(text).map_err(|why| format!("{text:?} {why}"))
}

/// Whether a URL says what it seems to say: signs of a password that are not escaped end it, and the rest of it is taken for
/// the path. Whoever connects would tell it.
fn readable(text: &str) -> Value<()> {
    let wrong = || {
        "it is no URL that can be read; in a user name or password write %2F for a slash, %23 for #, %3F for ?, %40 for @, \
         %3A for a colon and %25 for %"
            .to_owned()
    };
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    let behind = [url.path(), url.query().unwrap_or_default()];
    let is_cut =
        url.fragment().is_some() || (url.username().is_empty() && behind.iter().any(|part| part.contains('@')));
    if is_cut { Err(wrong()) } else { Ok(()) }
}

/// The address of a PostgreSQL.
pub(super) fn postgres(text: &str) -> Value<SecretString> {
    let read = url(&["postgres", "postgresql"])(text)?;
    // What the driver says of it has the whole of it.
    let is_wrong = || "the driver can't read it: see its port and what follows the question mark".to_owned();
    if storage::can_read_url(text) { Ok(read) } else { Err(is_wrong()) }
}

/// The address of a Redis.
pub(super) fn redis(text: &str) -> Value<SecretString> {
    if text.starts_with("rediss://") {
        let why = "Herald does not speak TLS with Redis: give redis:// and the address of one in its own network, or of a tunnel's end";
        return Err(why.into());
    }
    url(&["redis", "redis+unix", "unix"])(text)
}

pub(super) fn secret_key(text: &str) -> Value<SecretKey> {
    let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    let wrong = || "it is not 32 bytes in base64 (openssl rand -base64 32 makes one)".to_owned();
    bytes.map(SecretKey::new).ok_or_else(wrong)
}

/// An authorization key of MTProto; the text is not repeated.
pub(super) fn auth_key(text: &str) -> Value<Arc<[u8; 256]>> {
    let bytes: Option<[u8; 256]> = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Arc::new).ok_or_else(|| "it is not 256 bytes in base64".to_owned())
}

/// The hash is not repeated: it is a secret.
pub(super) fn api_hash(text: &str) -> Value<SecretString> {
    let wrong = || "it is not the 32 hexadecimal digits that my.telegram.org shows".to_owned();
    is_api_hash(text).then(|| text.into()).ok_or_else(wrong)
}

pub(super) fn password(text: &str) -> Value<SecretString> {
    match violation("password", text) {
        Some(violation) => Err(violation.message),
        None => Ok(text.into()),
    }
}

pub(super) fn choice<T: ValueEnum>(text: &str) -> Value<T> {
    T::from_str(text, true).map_err(|_| {
        let choices: Vec<String> = T::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value)
            .map(|value| value.get_name().into())
            .collect();
        format!("{text:?} is not one of {}", choices.join(", "))
    })
}

/// Whether what would be sent goes nowhere.
pub(super) fn is_simulated(text: &str) -> Value<bool> {
    Ok(choice::<Mode>(text)? == Mode::Simulated)
}

pub(super) fn attribution(text: &str) -> Value<AttributionModel> {
    Ok(match choice(text)? {
        Model::LastTouch => AttributionModel::LastTouch,
        Model::FirstTouch => AttributionModel::FirstTouch,
        Model::Linear => AttributionModel::Linear,
    })
}

pub(super) fn yes(text: &str) -> Value<bool> {
    match text.trim() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(format!("{text:?} is neither yes nor no")),
    }
}

pub(super) fn public_url(text: &str) -> Value<String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    if host.trim_end_matches('/').is_empty() || text.contains(char::is_whitespace) {
        return Err(format!("{text:?} is not an address such as https://herald.example.com"));
    }
    if text.contains(['@', '?', '#']) {
        // It is printed, and links are made of it: what stands before an @ may be a password.
        return Err("it is an address such as https://herald.example.com, without user, password and parameters".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub(super) fn origin(text: &str) -> Value<String> {
    let url = public_url(text)
        .map_err(|why| why.replace("an address such as https://herald", "an origin such as https://console"))?;
    match url.split_once("://") {
        Some((_, host)) if !host.contains('/') => Ok(url.to_ascii_lowercase()),
        _ => Err(format!("{text:?} has a path: an origin is only the scheme, the host and the port")),
    }
}

pub(super) fn place(text: &str) -> Value<Place> {
    match text.split_once("://") {
        None if !text.is_empty() => Ok(Place::Folder(text.into())),
        Some(("file", path)) if path.starts_with('/') => Ok(Place::Folder(path.into())),
        Some(("s3", bucket)) if bucket.starts_with(|first: char| first.is_ascii_alphanumeric()) => {
            Ok(Place::S3(text.to_owned()))
        }
        _ => Err(format!("{text:?} is neither a folder, nor file:///folder, nor s3://bucket/prefix")),
    }
}

pub(super) fn list<T>(one: impl Fn(&str) -> Value<T>) -> impl Fn(&str) -> Value<Vec<T>> {
    move |text| text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(&one).collect()
}

pub(super) fn size(text: &str) -> Value<u64> {
    let units = [("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1_u64 << 40)];
    let decimal = [("B", 1), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    let (number, unit) = split(text);
    let factor =
        units.iter().chain(&decimal).find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor);
    let size = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    size.filter(|size| (1..=1 << 50).contains(size))
        .ok_or_else(|| format!("{text:?} is not a size such as 512MiB or 1GiB"))
}

/// The most that uploads take: of a user, and, behind a comma, of all; without that four times as much.
pub(super) fn uploads(text: &str) -> Value<UploadLimits> {
    let (user, all) = text.split_once(',').map_or((text, None), |(user, all)| (user, Some(all)));
    let per_user = size(user)?;
    let in_all = all.map_or(Ok(per_user * 4), size)?;
    if in_all < per_user {
        return Err(format!("{text:?} gives less to all than to one"));
    }
    Ok(UploadLimits { per_user, in_all })
}

pub(super) fn duration(text: &str) -> Value<Duration> {
    let (number, unit) = split(text);
    let factor = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let millis = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    // Ten years: everything can add it to an instant.
    let millis = millis.filter(|millis| *millis <= 3_650 * 86_400_000);
    millis.map(Duration::from_millis).ok_or_else(|| format!("{text:?} is not a duration such as 30s, 5m or 1h"))
}

pub(super) fn number<T: FromStr + PartialOrd + Display>(range: RangeInclusive<T>) -> impl Fn(&str) -> Value<T> {
    move |text| {
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("{text:?} is not a whole number from {} to {}", range.start(), range.end()))
    }
}

pub(super) fn days(range: RangeInclusive<i64>) -> impl Fn(&str) -> Value<TimeDelta> {
    let number = number(range);
    move |text| number(text).map(TimeDelta::days)
}

/// A limit on how many.
pub(super) fn count<T: TryFrom<u32>>(text: &str) -> Value<T> {
    T::try_from(number(1..=1_000_000_u32)(text)?).map_err(|_| format!("{text:?} is too large"))
}

pub(super) fn count_or_none(text: &str) -> Value<u32> {
    number(0..=1_000_000)(text)
}

/// A limit on a size.
pub(super) fn bytes(text: &str) -> Value<usize> {
    let size = usize::try_from(size(text)?).ok().filter(|size| (1 << 10..=1 << 30).contains(size));
    size.ok_or_else(|| format!("{text:?} is not from 1KiB to 1GiB"))
}

/// The least that has to move in a second; 0 is no limit.
pub(super) fn rate(text: &str) -> Value<u32> {
    let rate = if text == "0" { 0 } else { size(text)? };
    let rate = u32::try_from(rate).ok().filter(|rate| *rate <= 1 << 20);
    rate.ok_or_else(|| format!("{text:?} is not from 0 to 1MiB"))
}

/// A limit on a time.
pub(super) fn time(text: &str) -> Value<Duration> {
    let range = Duration::from_millis(10)..=Duration::from_hours(24);
    let time = Some(duration(text)?).filter(|time| range.contains(time));
    time.ok_or_else(|| format!("{text:?} is not from 10ms to 24h"))
}

pub(super) fn filter(text: &str) -> Value<String> {
    // A word that is no level would be a module's name: then nothing else is logged.
    let is_level = |word: &str| LevelFilter::from_str(word.trim()).is_ok();
    let has_level = text.split(',').all(|one| one.contains(['=', '[']) || is_level(one));
    match EnvFilter::try_new(text) {
        Ok(_) if has_level => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not a log filter such as info or info,sqlx=debug")),
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_have_units() {
        assert_eq!(size("1GiB"), Ok(1 << 30));
        assert_eq!(size("512 mib"), Ok(512 << 20));
        assert_eq!((size("1000"), size("2KB")), (Ok(1000), Ok(2000)));
        assert!(size("0").is_err() && size("1.5GiB").is_err() && size("99999999999TiB").is_err() && size("").is_err());
        assert_eq!(uploads("1GiB"), Ok(UploadLimits { per_user: 1 << 30, in_all: 4 << 30 }));
        assert_eq!(uploads("1GiB, 1GiB"), Ok(UploadLimits { per_user: 1 << 30, in_all: 1 << 30 }));
        assert!(uploads("2GiB,1GiB").is_err() && uploads("1GiB,").is_err() && uploads("1,2,3").is_err());
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!((duration("5m"), duration("1d")), (Ok(Duration::from_mins(5)), Ok(Duration::from_hours(24))));
        assert!(duration("5").is_err() && duration("h").is_err() && duration("9999999999d").is_err());
    }

    #[test]
    fn an_address_that_is_printed_has_no_password() {
        assert_eq!(public_url("https://herald.example/"), Ok("https://herald.example".into()));
        for wrong in ["https://ann:geheim@herald.example/", "https://herald.example/?key=geheim", "http://h#geheim"] {
            assert!(!public_url(wrong).unwrap_err().contains("geheim"), "{wrong}");
            assert!(!origin(wrong).unwrap_err().contains("geheim"), "{wrong}");
        }
    }

    #[test]
    fn a_url_that_can_not_be_read_is_not_told() {
        for wrong in [
            "postgres://herald:pa/ss@db/herald",
            "postgres://herald:pa#ss@db/herald",
            "postgres://herald:pa?ss@db/herald",
            "postgres://herald:12/ss@db/herald",
            "postgres://herald:12#ss@db/herald",
            "postgres://herald:12?ss@db/herald",
            "postgres://herald:ss@db:port/herald",
            "postgres://herald:ss@db/herald?sslmode=perhaps",
        ] {
            let why = postgres(wrong).unwrap_err();
            assert!(!why.contains("ss@") && !why.contains("herald"), "{why}");
        }
        for right in [
            "postgres://herald:pa%2Fss@db/herald",
            "postgresql://herald:p@ss@db:5432/herald?sslmode=require",
            "postgres:///herald?host=/var/run/postgresql",
            "postgres://herald@%2Fvar%2Frun/herald",
        ] {
            assert!(postgres(right).is_ok(), "{right}");
        }
        let redis = url(&["redis", "unix"]);
        assert!(redis("redis://:pa/ss@cache").is_err() && redis("redis://:pa%2Fss@cache/1").is_ok());
        assert!(redis("unix:///run/redis.sock").is_ok());
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("https://A.example:8443/"), Ok("https://a.example:8443".into()));
        assert!(origin("https://a.example/x").is_err() && origin("a.example").is_err());
    }
}
