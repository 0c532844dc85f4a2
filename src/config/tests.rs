//! What settings are taken, and what is said of those that are not.

use clap::Parser;

use super::*;
use service::Rules;

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
}

fn check(flags: &[&str], secrets: &[(&str, &str)]) -> Result<Config, String> {
    let line = CommandLine::try_parse_from([&["herald"], flags].concat()).unwrap();
    let secret = |name: &str| secrets.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    line.settings.check(secret).map_err(|wrong| wrong.to_string())
}

#[test]
fn without_any_setting_herald_starts() {
    let config = check(&[], &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(format!("{:?}", config.rules), format!("{:?}", Rules::default()));
    assert!(config.database_url.is_none() && config.redis_url.is_none() && config.origins.is_empty());
}

#[test]
fn a_wrong_setting_is_named_with_what_is_wrong() {
    let told = |flags: &[&str]| check(flags, &[]).unwrap_err();
    assert_eq!(told(&["--listen", "x"]), r#"HERALD_LISTEN: "x" is not an address such as 127.0.0.1:8080"#);
    assert!(told(&["--redis-url=rediss://:secret@host/0"]).contains("does not speak TLS"));
    let answers = [
        "--database-url=mysql://user:secret@host",
        "--redis-url=localhost",
        "--telegram=dry",
        "--telegram-server=gateway",
        "--telegram-api-id=0",
        "--public-url=herald.example",
        "--origins=https://a.example,https://b.example/x",
        "--trusted-proxies=10.0.0.0/33",
        "--upload-max-bytes=lots",
        "--progress-hz=0",
        "--late-limit=5",
        "--pause-after-failures=many",
        "--dedupe-window=-1s",
        "--providers=dry",
        "--attribution=best",
        "--attribution-days=0",
        "--sso-alg=RS256",
        "--sso-key-file=/nowhere",
        "--sso-jwks-url=http://id.example/keys",
        "--audit-archive=ftp://host",
        "--audit-days=89",
        "--log=herald=loud",
        "--log-format=xml",
        "--limit-depth=0",
        "--limit-body=1B",
        "--limit-socket-ping=0s",
        "--limit-points=-1",
        "--limit-least-rate=2MiB",
    ];
    insta::assert_snapshot!("wrong_settings", answers.map(|flag| told(&[flag])).join("\n"));
}

#[test]
fn secrets_are_checked_and_never_shown() {
    let key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0czE=";
    let secrets = [("HERALD_SECRET_KEY", key), ("HERALD_ADMIN_PASSWORD", "a secret of some length")];
    let config =
        check(&["--database-url", "postgres://me:secret@host/db", "--redis-url", "redis://:secret@host"], &secrets);
    let shown = format!("{:?}", config.unwrap());
    assert!(!shown.contains("secret@") && !shown.contains("a secret") && !shown.contains("c2Vj"), "{shown}");
    let wrong = check(&[], &[("HERALD_SECRET_KEY", "c2VjcmV0")]).unwrap_err();
    assert_eq!(wrong, "HERALD_SECRET_KEY: it is not 32 bytes in base64 (openssl rand -base64 32 makes one)");
    let wrong = check(&[], &[("HERALD_ADMIN_PASSWORD", "short")]).unwrap_err();
    assert_eq!(wrong, "HERALD_ADMIN_PASSWORD: a password has 12 to 128 characters");
    assert!(check(&[], &[("HERALD_SECRET_KEY", "")]).is_ok());
}

#[test]
fn keys_are_asked_for_where_nobody_on_the_way_can_change_them() {
    let told = |url: &str| {
        check(&["--sso-alg=RS256", &format!("--sso-jwks-url={url}")], &[]).map(|config| config.rules.sso.is_some())
    };
    for url in [
        "https://id.example/realms/x/certs",
        "https://id.example/keys?appid=1",
        "http://127.0.0.1:8080/keys",
        "http://localhost/keys",
        "http://[::1]:1/keys",
    ] {
        assert_eq!(told(url), Ok(true), "{url}");
    }
    for url in [
        "http://id.example/keys",
        "http://127.0.0.1.id.example/keys",
        "http://localhost.id.example/keys",
        "http://10.0.0.1/keys",
        "https://ann:geheim@id.example/keys",
        "file:///keys.json",
        "id.example/keys",
        "https://",
    ] {
        let why = told(url).unwrap_err();
        assert!(why.starts_with("HERALD_SSO_JWKS_URL: ") && !why.contains("geheim"), "{url}: {why}");
    }
    let both = ["--sso-alg=RS256", "--sso-jwks-url=https://id.example/keys", "--sso-key-file=/nowhere"];
    assert!(check(&both, &[]).unwrap_err().contains("HERALD_SSO_KEY_FILE is set too"));
}
