//! Keys by an address: they change while Herald runs, and whatever the address answers, those that were known go on counting.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;

use super::*;
use crate::harness::{Database, Process, RawSocket, eventually, herald as command};

/// What the address answers.
enum Answer {
    Keys(Vec<(&'static str, usize)>),
    Text(&'static str),
    Status(u16),
    Elsewhere,
    Huge,
    Never,
}

/// A server of keys.
#[derive(Clone)]
struct Keys {
    url: String,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

fn pairs() -> [EncodingKey; 2] {
    [ISSUER, STRANGER].map(|key| EncodingKey::from_rsa_pem(key.as_bytes()).unwrap())
}

/// The keys under these names, among others that mean nothing to Herald.
fn set(named: &[(&str, usize)]) -> Json {
    let keys = pairs();
    let jwk = |(name, key): &(&str, usize)| {
        let mut jwk = Jwk::from_encoding_key(&keys[*key], Algorithm::RS256).unwrap();
        jwk.common.key_id = Some((*name).to_owned());
        json!(jwk)
    };
    let others =
        [json!({ "kty": "AKP", "alg": "ML-DSA-65", "kid": "new", "pub": "AA" }), json!({ "kty": "EC", "crv": "X" })];
    json!({ "keys": others.into_iter().chain(named.iter().map(jwk)).collect::<Vec<_>>() })
}

impl Keys {
    async fn serve(answer: Answer) -> Self {
        herald::app::install_tls();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys?app=1", listener.local_addr().unwrap());
        let keys = Self { url, answer: Arc::new(Mutex::new(answer)), asked: Arc::default() };
        let here = keys.clone();
        let router = Router::new().fallback(move || {
            let here = here.clone();
            async move { here.respond().await }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        keys
    }

    async fn respond(self) -> Response {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let status = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
        let answered = match &*self.answer.lock().unwrap() {
            Answer::Keys(named) => Some(status(200).body(Body::from(set(named).to_string()))),
            Answer::Text(text) => Some(status(200).body(Body::from(*text))),
            Answer::Status(code) => Some(status(*code).body(Body::from(set(&[("k2", 1)]).to_string()))),
            Answer::Elsewhere => Some(status(302).header("location", "/other").body(Body::empty())),
            Answer::Huge => Some(status(200).body(Body::from(format!("{{\"keys\":[{}", " ".repeat(64 << 20))))),
            Answer::Never => None,
        };
        match answered {
            Some(answer) => answer.unwrap(),
            None => std::future::pending().await,
        }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn by(kid: &str, key: usize, claims: &Json) -> String {
    signed(&Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) }, claims, &pairs()[key])
}

fn at(seconds: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(seconds, 0).unwrap()
}

#[tokio::test]
async fn keys_that_change_at_their_address_change_here_and_forgers_cause_few_requests() {
    let keys = Keys::serve(Answer::Keys(vec![("k1", 0)])).await;
    let flags = [format!("--sso-jwks-url={}", keys.url), "--sso-alg=RS256".into(), "--sso-audience=herald".into()];
    let herald = TestApp::with(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let shows = async |kid: &str, key: usize| {
        let token = by(kid, key, &json!({ "role": "OPERATOR", "jti": format!("{kid}{key}") }));
        herald.nobody().with_token(&token).query(VIEWER, json!({})).await.0["errors"].is_null()
    };
    eventually("the first keys are known", async || shows("k1", 0).await).await;
    assert!(!shows("k2", 1).await && !shows("k1", 1).await);
    keys.answers(Answer::Keys(vec![("k2", 1)]));
    let (before, begun) = (keys.asked(), std::time::Instant::now());
    eventually("a token of the new key is believed", async || shows("k2", 1).await).await;
    assert!(!shows("k1", 0).await, "the key that was taken out does not hold any more");
    for n in 0..50 {
        assert!(!shows(&format!("made-up-{n}"), 1).await);
    }
    let most = usize::try_from(begun.elapsed().as_secs() / 5).unwrap() + 2;
    assert!(keys.asked() - before <= most, "{} requests, {most} at most", keys.asked() - before);
    keys.answers(Answer::Status(500));
    assert!(shows("k2", 1).await);
}

#[tokio::test]
async fn whatever_the_address_answers_the_keys_that_were_known_go_on_counting() {
    let keys = Keys::serve(Answer::Keys(vec![("k1", 0), ("k2", 1)])).await;
    let issuer = Issuer::of_address(&keys.url, Algorithm::RS256, Trust::default());
    let reads = async |kid: &str, key: usize, seconds: i64| {
        issuer.examine(&by(kid, key, &json!({})), at(seconds)).await.is_ok()
    };
    assert!(reads("k1", 0, 2_000).await, "it is asked by the first token, if nobody has before");
    for (n, (answer, why)) in [
        (Answer::Text("<html>sign in</html>"), "no public key"),
        (Answer::Text("{\"error\": \"no\"}"), "not a JWKS"),
        (Answer::Text("{\"keys\": []}"), "no public key"),
        (Answer::Text(""), "no public key"),
        (Answer::Status(404), "404"),
        (Answer::Status(500), "500"),
        (Answer::Elsewhere, "leads elsewhere"),
        (Answer::Huge, "too long"),
        (Answer::Never, "too long"),
    ]
    .into_iter()
    .enumerate()
    {
        keys.answers(answer);
        let now = 3_000 + 100 * i64::try_from(n).unwrap();
        let told = tokio::time::timeout(Duration::from_secs(20), issuer.ask(at(now))).await.unwrap().unwrap_err();
        assert!(told.starts_with("HERALD_SSO_JWKS_URL: ") && told.contains(why), "{why}: {told}");
        assert!(reads("k1", 0, now).await && reads("k2", 1, now).await && !reads("k3", 0, now).await, "{why}");
    }
    keys.answers(Answer::Keys(vec![("k3", 0)]));
    assert!(!reads("k3", 0, 3_802).await, "it was asked a moment ago");
    assert!(reads("k3", 0, 3_810).await && !reads("k1", 0, 3_810).await);
    let away = Issuer::of_address("http://127.0.0.1:1/keys", Algorithm::RS256, Trust::default());
    let service::access::sso::Refusal::NotYet(why) =
        away.examine(&by("k1", 0, &json!({})), at(2_000)).await.unwrap_err()
    else {
        panic!("it is signed");
    };
    assert!(why.contains("HERALD_SSO_JWKS_URL") && why.contains("no key is known"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_the_address_is_away_is_told_once_and_doctor_and_check_know_it() {
    let keys = Keys::serve(Answer::Status(500)).await;
    let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let url = format!("--sso-jwks-url={}", keys.url);
    let flags = [url.as_str(), "--sso-alg=RS256", "--sso-audience=herald"];
    let file = std::fs::File::create(&log).unwrap();
    let herald = Process::serve_logging(&database, &folder.path().join("data"), &flags, file);
    let token = by("k2", 1, &json!({ "role": "OPERATOR" }));
    let shows = async || {
        let request = reqwest::Client::new().post(format!("{}/graphql", herald.url)).bearer_auth(&token);
        let answer = request.json(&json!({ "query": VIEWER })).send().await.unwrap().json::<Json>().await.unwrap();
        answer["data"]["viewer"]["role"] == "OPERATOR"
    };
    let told = |word: &str| std::fs::read_to_string(&log).unwrap().lines().filter(|line| line.contains(word)).count();
    eventually("it was asked again", async || !shows().await && keys.asked() >= 2).await;
    assert_eq!(told("HERALD_SSO_JWKS_URL: it answers 500"), 1);
    let run = |command: &mut std::process::Command| {
        let output =
            command.arg("--data-dir").arg(folder.path().join("data")).args(database.flags()).args(flags).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (is_well, text) = run(&mut command("doctor"));
    assert!(!is_well && text.contains("HERALD_SSO_JWKS_URL: it answers 500"), "{text}");
    let (is_well, text) = run(command("sso").args(["check", &token]));
    assert!(!is_well && text.contains("HERALD_SSO_JWKS_URL"), "{text}");
    keys.answers(Answer::Keys(vec![("k2", 1)]));
    eventually("the keys are there", async || shows().await).await;
    assert_eq!((told("can be read again"), told("it answers 500")), (1, 1));
    let (is_well, text) = run(&mut command("doctor"));
    assert!(is_well && text.contains("HERALD_SSO_JWKS_URL has 1 key"), "{text}");
    let (is_well, text) = run(command("sso").args(["check", &token]));
    assert!(is_well && text.contains("OPERATOR"), "{text}");
}

#[tokio::test]
async fn before_any_key_is_known_a_token_may_be_good() {
    let keys = Keys::serve(Answer::Status(500)).await;
    let flags = [format!("--sso-jwks-url={}", keys.url), "--sso-alg=RS256".into(), "--sso-audience=herald".into()];
    let herald = TestApp::with(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let token = by("k1", 0, &json!({ "role": "OPERATOR" }));
    let client = herald.nobody().with_token(&token);
    assert_eq!(client.query(VIEWER, json!({})).await.code(), "UNAVAILABLE");
    let upload = client.request(Method::POST, "/uploads").body("{}").send().await.unwrap();
    assert_eq!(upload.status(), 503);
    let mut socket = RawSocket::open(&herald).await;
    socket.introduce(&token).await;
    assert_eq!(socket.closed().await.0, 1013, "clients come again by themselves");
    // What needs no key to be refused is refused, and a password is enough as ever.
    assert_eq!(herald.nobody().with_token("nonsense").query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    herald.admin().await;
    keys.answers(Answer::Keys(vec![("k1", 0)]));
    eventually("the keys are there", async || client.query(VIEWER, json!({})).await.0["errors"].is_null()).await;
    let wrong = herald.nobody().with_token(&by("k1", 1, &json!({ "role": "OPERATOR" })));
    assert_eq!(wrong.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED", "now it is known to be wrong");
}
