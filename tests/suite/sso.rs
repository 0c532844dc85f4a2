//! Single sign-on: whom Herald believes, what it makes of it, and what a foreign page can't do with a cookie.

mod ended;
mod remote;
mod trust;

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value as Json, json};
use service::access::sso::{Issuer, Trust};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::harness::{Browser, Client, PASSWORD, TestApp};

/// Keys that are of no use but here.
const ISSUER: &str = include_str!("sso/issuer.key.pem");
const PUBLIC: &str = include_str!("sso/issuer.pub.pem");
const STRANGER: &str = include_str!("sso/stranger.key.pem");

const VIEWER: &str = "{ viewer { id username role } }";
const DELETE: &str = "mutation($id: ID!) { deleteUser(input: { id: $id }) { user { id } } }";
/// 2286: long after every test.
const LATE: i64 = 10_000_000_000;

fn file(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/suite/sso").join(name).display().to_string()
}

async fn herald() -> TestApp {
    let key = format!("--sso-key-file={}", file("issuer.pub.pem"));
    let flags = [&key, "--sso-alg=RS256", "--sso-issuer=https://id.example", "--sso-audience=herald"];
    let more = ["--sso-login-url=https://id.example/login", "--origins=https://console.example"];
    TestApp::with(&[&flags[..], &more[..]].concat()).await
}

/// A token by the issuer, with what `claims` add or replace.
fn token(claims: &Json) -> String {
    signed(&Header::new(Algorithm::RS256), claims, &EncodingKey::from_rsa_pem(ISSUER.as_bytes()).unwrap())
}

fn signed(header: &Header, claims: &Json, key: &EncodingKey) -> String {
    let mut all = json!({ "sub": "u1", "exp": LATE, "iat": 1_000, "iss": "https://id.example", "aud": "herald" });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    jsonwebtoken::encode(header, &all, key).unwrap()
}

async fn viewer(client: &Client) -> Json {
    client.data(VIEWER, json!({})).await["viewer"].clone()
}

#[tokio::test]
async fn an_unknown_subject_becomes_a_user_whose_role_follows_the_claim() {
    let herald = herald().await;
    let nobody = herald.nobody();
    let operator = nobody.with_token(&token(&json!({ "sub": "anna@example", "role": "OPERATOR" })));
    let first = viewer(&operator).await;
    assert_eq!((&first["username"], &first["role"]), (&json!("anna-example"), &json!("OPERATOR")));
    let roles = json!({ "sub": "anna@example", "role": ["AUDITOR", "admin", "other"], "iat": 2_000 });
    let admin = nobody.with_token(&token(&roles));
    assert_eq!(viewer(&admin).await["role"], "ADMIN");
    assert_eq!(viewer(&operator).await, viewer(&admin).await, "one user, one role, whichever token");
    let stale = nobody.with_token(&token(&json!({ "sub": "anna@example", "role": "OPERATOR", "iat": 1_500 })));
    assert_eq!(viewer(&stale).await["role"], "ADMIN", "an older token takes nothing back");
    let lost = nobody.with_token(&token(&json!({ "sub": "anna@example", "iat": 3_000 })));
    assert_eq!(viewer(&lost).await["role"], "AUDITOR", "who has lost his role has lost it");

    // Not the one who was there before, whatever he is called.
    let other = nobody.with_token(&token(&json!({ "sub": "x", "preferred_username": "admin" })));
    let other = viewer(&other).await;
    assert!(other["username"].as_str().unwrap().starts_with("admin-") && other["role"] == "AUDITOR", "{other}");
    assert_eq!(herald.nobody().login("anna-example", "").await.code(), "WRONG_CREDENTIALS");

    let lines = "{ auditLogs(filter: { resourceType: \"User\" }, orderBy: { field: TIMESTAMP }) {
        nodes { action ipAddress metadata user { username } } } }";
    let lines = herald.admin().await.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    let of_anna = |line: &&Json| line["user"]["username"] == "anna-example";
    let actions: Vec<_> = lines.as_array().unwrap().iter().filter(of_anna).map(|line| &line["action"]).collect();
    let expected = "USER_CREATED USER_LOGIN USER_UPDATED USER_UPDATED";
    assert_eq!(actions, expected.split(' ').collect::<Vec<_>>());
    assert!(lines.as_array().unwrap().iter().filter(of_anna).all(|line| line["ipAddress"] == "127.0.0.1"));
}

#[tokio::test]
async fn what_the_issuer_did_not_sign_for_herald_is_refused() {
    let herald = herald().await;
    let answers = async |token: &str| herald.nobody().with_token(token).query(VIEWER, json!({})).await;
    let (rs256, none) = (Header::new(Algorithm::RS256), json!({}));
    let stranger = EncodingKey::from_rsa_pem(STRANGER.as_bytes()).unwrap();
    let issuer = EncodingKey::from_rsa_pem(ISSUER.as_bytes()).unwrap();
    let confused = EncodingKey::from_secret(PUBLIC.as_bytes());
    let [header, body] =
        [json!({ "alg": "none" }), json!({ "sub": "u1", "exp": LATE, "iss": "https://id.example", "aud": "herald" })]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let refused = [
        ("another's key", signed(&rs256, &none, &stranger)),
        ("the public key as a shared secret", signed(&Header::new(Algorithm::HS256), &none, &confused)),
        ("another algorithm", signed(&Header::new(Algorithm::RS512), &none, &issuer)),
        ("no signature", format!("{header}.{body}.")),
        ("no signature, and no part for it", format!("{header}.{body}")),
        ("an end that has come", token(&json!({ "exp": 1_600_000_000 }))),
        ("no end", token(&json!({ "exp": null }))),
        ("a beginning that has not come", token(&json!({ "nbf": LATE - 1 }))),
        ("a beginning that is none", token(&json!({ "nbf": "soon" }))),
        ("another issuer", token(&json!({ "iss": "https://evil.example" }))),
        ("no issuer", token(&json!({ "iss": null }))),
        ("another audience", token(&json!({ "aud": ["mail", "wiki"] }))),
        ("no audience", token(&json!({ "aud": null }))),
        ("no subject", token(&json!({ "sub": null }))),
        ("an empty subject", token(&json!({ "sub": "" }))),
        ("a subject that can't be stored", token(&json!({ "sub": "a\0b" }))),
        ("too long a token", token(&json!({ "more": "x".repeat(9_000) }))),
    ];
    for (what, token) in refused {
        let reply = answers(&token).await;
        assert_eq!(reply.code(), "UNAUTHENTICATED", "{what}: {reply:?}");
    }
    answers(&token(&json!({ "aud": ["mail", "herald"] }))).await.data();
}

#[test]
fn a_key_of_a_set_is_found_by_its_name_and_by_no_other() {
    let set = |names: &[Option<&str>]| {
        let key = EncodingKey::from_rsa_pem(ISSUER.as_bytes()).unwrap();
        let jwk = |name: Option<&str>| {
            let mut jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
            jwk.common.key_id = name.map(ToOwned::to_owned);
            jwk
        };
        let set = serde_json::to_vec(&JwkSet { keys: names.iter().copied().map(jwk).collect() }).unwrap();
        Issuer::new(&set, Algorithm::RS256, Trust { role_claim: "role".into(), ..Trust::default() }).unwrap()
    };
    let key = EncodingKey::from_rsa_pem(ISSUER.as_bytes()).unwrap();
    let reads = |issuer: &Issuer, kid: Option<&str>| {
        let header = Header { kid: kid.map(ToOwned::to_owned), ..Header::new(Algorithm::RS256) };
        let token = signed(&header, &json!({}), &key);
        let now = chrono::DateTime::from_timestamp(2_000, 0).unwrap();
        issuer.read(&token, now).now_or_never().unwrap().is_ok()
    };
    let two = set(&[Some("k1"), Some("k2")]);
    assert!(reads(&two, Some("k1")) && reads(&two, Some("k2")));
    assert!(!reads(&two, Some("k3")) && !reads(&two, Some("")) && !reads(&two, None));
    assert!(reads(&set(&[None]), None) && !reads(&set(&[None]), Some("k1")));
    let wrong = |file: &str| Issuer::new(file.as_bytes(), Algorithm::RS256, Trust::default()).unwrap_err();
    assert_eq!(wrong("nonsense"), "it has no public key for RS256, neither as PEM nor as JWKS");
    assert_eq!(wrong("{}"), "it is not a JWKS: { \"keys\": [...] }");
    assert_eq!(wrong("{\"keys\": []}"), "it has no public key for RS256");
    assert!(Issuer::new(include_bytes!("sso/ec.key.pem"), Algorithm::RS256, Trust::default()).is_err());
    assert!(Issuer::algorithm("HS256").is_err() && Issuer::algorithm("none").is_err());
}

#[test]
fn the_clock_says_when_a_token_begins_and_ends() {
    let issuer = Issuer::new(PUBLIC.as_bytes(), Algorithm::RS256, Trust::default()).unwrap();
    let token = token(&json!({ "nbf": 2_000, "exp": 3_000, "iat": 2_000 }));
    let at = |seconds: i64| {
        let now = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        issuer.read(&token, now).now_or_never().unwrap().is_ok()
    };
    assert_eq!([1_900, 1_996, 2_000, 2_999, 3_000].map(at), [false, true, true, true, false]);
}

#[tokio::test]
async fn a_session_ends_here_although_its_token_goes_on() {
    let herald = herald().await;
    let nobody = herald.nobody();
    let (here, there) = (token(&json!({ "role": "OPERATOR" })), token(&json!({ "role": "OPERATOR", "jti": "2" })));
    let [here, there] = [here, there].map(|token| nobody.with_token(&token));
    let user = viewer(&here).await["id"].clone();
    viewer(&there).await;
    here.data("mutation { logout { user { id } } }", json!({})).await;
    assert_eq!(here.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    viewer(&there).await;
    herald.admin().await.data(DELETE, json!({ "id": user })).await;
    assert_eq!(there.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    let again = nobody.with_token(&token(&json!({ "role": "ADMIN", "iat": 5_000 })));
    assert_eq!(again.query(VIEWER, json!({})).await.message(), "this user was deleted");
}

/// The same signature with its second number `s` as `n - s`, which holds as well.
fn respelled(token: &str) -> String {
    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for place in (0..32).rev() {
        let of_order = i32::from(u8::from_str_radix(&ORDER[2 * place..2 * place + 2], 16).unwrap());
        let difference = of_order - i32::from(bytes[32 + place]) - borrow;
        borrow = i32::from(difference < 0);
        bytes[32 + place] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

#[tokio::test]
async fn an_ended_session_stays_ended_however_its_signature_is_spelled() {
    let key = EncodingKey::from_ec_pem(include_bytes!("sso/ec.key.pem")).unwrap();
    let keys = JwkSet { keys: vec![Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()] };
    let mut set = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut set, &serde_json::to_vec(&keys).unwrap()).unwrap();
    let file = format!("--sso-key-file={}", set.path().display());
    let herald =
        TestApp::with(&[&file, "--sso-alg=ES256", "--sso-issuer=https://id.example", "--sso-audience=herald"]).await;
    let token = signed(&Header::new(Algorithm::ES256), &json!({ "role": "ADMIN" }), &key);
    let other = respelled(&token);
    assert_ne!(token, other);
    let [one, two] = [&token, &other].map(|token| herald.nobody().with_token(token));
    viewer(&one).await;
    assert_eq!(viewer(&two).await, viewer(&one).await, "it is one token");
    one.data("mutation { logout { user { id } } }", json!({})).await;
    for client in [&one, &two, &herald.nobody().with_token(&respelled(&other))] {
        assert_eq!(client.query(VIEWER, json!({})).await.message(), "the session has ended, sign in again");
    }
}

#[tokio::test]
async fn of_two_cookies_that_differ_neither_is_believed() {
    let herald = herald().await;
    let [own, foreign] = ["anna", "mallory"].map(|sub| token(&json!({ "sub": sub })));
    let ask = async |cookie: String| {
        let request = herald.nobody().request(Method::POST, "/graphql").header("cookie", cookie);
        let request = request.header("graphql-require-preflight", "1").json(&json!({ "query": VIEWER }));
        request.send().await.unwrap().json::<Json>().await.unwrap()
    };
    let two = ask(format!("ac_access={foreign}; ac_access={own}")).await;
    assert_eq!(two["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert!(ask(format!("ac_access={own}; ac_access={own}")).await["data"]["viewer"]["id"].is_string());
}

#[tokio::test]
async fn many_first_requests_make_one_user_and_one_session() {
    let herald = herald().await;
    let somebody = herald.nobody().with_token(&token(&json!({ "sub": "crowd" })));
    let viewers = futures_util::future::join_all((0..12).map(|_| viewer(&somebody))).await;
    assert!(viewers.iter().all(|viewer| *viewer == viewers[0]), "{viewers:?}");
    let logins =
        "{ auditLogs(filter: { actions: [USER_CREATED, USER_LOGIN], resourceType: \"User\" }) { nodes { metadata } } }";
    let logins = herald.admin().await.data(logins, json!({})).await["auditLogs"]["nodes"].clone();
    let of_crowd = logins.as_array().unwrap().iter().filter(|line| line["metadata"]["sso"] == "crowd").count();
    assert_eq!(of_crowd, 2);
}

#[tokio::test]
async fn a_cookie_needs_the_header_that_a_foreign_page_cannot_send() {
    let herald = herald().await;
    let cookie = format!("theme=dark; ac_access={}", token(&json!({ "role": "OPERATOR" })));
    let post = async |headers: &[(&str, &str)]| {
        let mut request = herald.nobody().request(Method::POST, "/graphql").header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.json(&json!({ "query": VIEWER })).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Json = answer.json().await.unwrap();
        let code = body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned();
        (status, code, body["data"]["viewer"]["username"].clone())
    };
    assert_eq!(
        post(&[("graphql-require-preflight", "1")]).await,
        (200, String::new(), json!("u1-".to_owned() + &tail()))
    );
    assert_eq!(post(&[]).await, (403, "CSRF_BLOCKED".into(), Json::Null));
    // Who shows another token besides is who that token says.
    let admin = herald.nobody().login("admin", PASSWORD).await;
    let bearer = format!("Bearer {}", admin.data()["login"]["accessToken"].as_str().unwrap());
    assert_eq!(post(&[("authorization", &bearer)]).await.2, "admin");
    let page = herald.nobody().request(Method::GET, "/sso");
    let page = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
        .execute(page.build().unwrap());
    assert_eq!(page.await.unwrap().headers()["location"], "https://id.example/login");

    let without = TestApp::api_only().await;
    let request = without.nobody().request(Method::POST, "/graphql").header("cookie", &cookie);
    let answer: Json = request.json(&json!({ "query": VIEWER })).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "without single sign-on it is no cookie of ours"
    );
}

/// What is put behind a name that is too short, for the subject `u1`.
fn tail() -> String {
    use sha2::{Digest, Sha256};
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest("u1")).to_lowercase();
    digest.chars().filter(char::is_ascii_alphanumeric).take(10).collect()
}

#[tokio::test]
async fn a_cookie_opens_a_socket_for_an_allowed_page_only() {
    let herald = herald().await;
    let cookie = format!("ac_access={}", token(&json!({ "role": "OPERATOR" })));
    let says = async |origin: Option<&str>| {
        let mut request = (herald.url().replacen("http", "ws", 1) + "/graphql").into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        headers.insert("cookie", cookie.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.ok()?;
        let mut socket = crate::harness::Subscription::over(socket);
        socket.introduce(None).await;
        if socket.message().await?["type"] != "connection_ack" {
            return None;
        }
        socket.subscribe(VIEWER, json!({})).await;
        Some(socket.next().await?.0["data"]["viewer"]["role"].clone())
    };
    assert_eq!(says(Some("https://console.example")).await, Some(json!("OPERATOR")));
    assert_eq!(says(Some("https://evil.example")).await, None);
    assert!(says(None).await.is_none_or(|role| role.is_null()), "a cookie without an origin says nothing");
}

#[tokio::test]
async fn whoever_has_the_cookie_is_signed_in_at_the_dashboard() {
    let Some(browser) = Browser::start() else { return };
    let herald = herald().await;
    let mut tab = browser.open(&herald.url()).await;
    tab.reads("a[href='/sso']", "Use single sign-on").await;
    let cookie = format!("document.cookie = 'ac_access={}'", token(&json!({ "sub": "olga", "role": "OPERATOR" })));
    tab.value(&cookie).await;
    tab.go(&herald.url()).await;
    tab.until("document.getElementById('who').textContent === 'olga · Operator'").await;
    tab.reads("#connection", "Live").await;
    tab.reads(".notice", "Nothing runs").await;
    tab.assert_clean(&herald.url()).await;
}
