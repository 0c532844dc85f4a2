//! Callbacks of providers: authenticated, stored, then answered. What they mean is found out behind the answer.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{OriginalUri, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};
use subtle::ConstantTimeEq;

use super::ways::Part;
use super::{Http, answer};
use domain::error::{Error, Result};
use domain::json;
use domain::retention::credentials::{Credentials, Provider, Secret};
use domain::retention::keitaro::{Postback, TOKENS, flat};
use domain::retention::twilio_signature::{self, Request};
use providers::instantly::SECRET_HEADER;
use service::retention::callback::{INBOUND, Incoming, fingerprint, mail as inbound};
use service::retention::integration;

/// The longest body of a postback or a status, in bytes.
const SHORT: usize = 64 << 10;
/// The longest report of a call, with all that was said, or event with an email in it.
const LONG: usize = 4 << 20;
/// The longest email that came in: what mail servers take.
const MAIL: usize = 25 << 20;
/// How long the credentials of a provider are good without another look.
const FRESH: Duration = Duration::from_secs(1);
/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A callback before it is known whose it is.
struct Raw {
    query: String,
    content_type: String,
    body: String,
}

impl Raw {
    async fn read(uri: &Uri, headers: &HeaderMap, body: Body, most: usize) -> Result<Self> {
        let body = whole(body, most).await?;
        let content_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        // PostgreSQL takes no NUL in a text.
        let body = String::from_utf8_lossy(&body).replace('\0', "");
        Ok(Self { query: uri.query().unwrap_or_default().to_owned(), content_type: content_type.to_owned(), body })
    }

    fn is_form(&self) -> bool {
        self.content_type.starts_with("application/x-www-form-urlencoded")
    }

    fn form(&self) -> Vec<(String, String)> {
        if self.is_form() { pairs(&self.body) } else { Vec::new() }
    }

    fn incoming(self, provider: Provider, dedupe_key: String) -> Incoming {
        let some = |text: String| (!text.is_empty()).then_some(text);
        Incoming {
            provider,
            dedupe_key,
            query: some(self.query),
            content_type: some(self.content_type),
            body: self.body,
        }
    }
}

async fn whole(body: Body, most: usize) -> Result<Bytes> {
    let late = |_| Error::Unavailable(anyhow::anyhow!("the body took too long to come"));
    let body = tokio::time::timeout(PATIENCE, to_bytes(body, most)).await.map_err(late)?;
    body.map_err(|_| Error::PayloadTooLarge(format!("a callback has at most {most} bytes")))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    // As they are signed, with the character NUL too: what is kept of them is the text itself, or a key that `Intake` looks at.
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// Whether two secrets are the same, in a time that tells nothing of where they differ.
fn is_same(given: &str, secret: &Secret) -> bool {
    given.as_bytes().ct_eq(secret.expose().as_bytes()).into()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

const REFUSED: Error = Error::Unauthenticated("this is not from the provider, as far as Herald can tell");

/// The credentials by which a provider's callbacks are known, if `holds` says that this is one. Those that were read within the last
/// second are good enough to let somebody in, but not to turn anybody away.
async fn authenticated(http: &Http, provider: Provider, holds: impl Fn(&Credentials) -> bool) -> Result<Credentials> {
    let now = http.services.clock.monotonic();
    let known = http.passes.lock().get(&provider).filter(|(read, _)| now.saturating_sub(*read) < FRESH).cloned();
    if let Some((_, known)) = known.filter(|(_, known)| holds(known)) {
        return Ok(known);
    }
    let read = integration::active(&http.services, provider).await?.ok_or(REFUSED)?;
    http.passes.lock().insert(provider, (now, read.clone()));
    if holds(&read) { Ok(read) } else { Err(REFUSED) }
}

/// Stores it and wakes who processes it. Once this returns, the provider may forget it.
async fn keep(http: &Http, incoming: Incoming) -> Result<()> {
    http.intake.store(&http.services, incoming).await?;
    http.callbacks.notify_one();
    Ok(())
}

fn answered(outcome: Result<Response>) -> Response {
    outcome.unwrap_or_else(|error| answer::failed(error, None))
}

fn fine() -> Response {
    (StatusCode::OK, axum::Json(json!({ "status": "ok" }))).into_response()
}

/// A postback of Keitaro, whose token stands in the query, the body or a header.
pub(super) async fn keitaro(
    State(http): State<Http>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answered(postback(&http, None, &method, &uri, &headers, body).await)
}

/// A postback of Keitaro, whose token stands in the path.
pub(super) async fn keitaro_with_token(
    State(http): State<Http>,
    Part(token): Part,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answered(postback(&http, Some(token), &method, &uri, &headers, body).await)
}

async fn postback(
    http: &Http,
    token: Option<String>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response> {
    let mut raw = Raw::read(uri, headers, body, SHORT).await?;
    let query = pairs(&raw.query);
    if *method == Method::HEAD || (*method == Method::GET && query.is_empty() && token.is_none()) {
        // Somebody looks whether there is something here.
        return Ok(fine());
    }
    let body = if raw.body.trim_start().starts_with('{') { told(&raw.body)? } else { pairs(&raw.body) };
    let told = token.into_iter().chain([header(headers, "x-webhook-token").to_owned()]);
    let told = told.chain(TOKENS.iter().flat_map(|name| [find(&query, name).to_owned(), find(&body, name).to_owned()]));
    let told: Vec<String> = told.filter(|token| !token.is_empty()).collect();
    let holds = |known: &Credentials| {
        matches!(known, Credentials::Keitaro(keitaro)
        if told.iter().any(|token| is_same(token, &keitaro.token)))
    };
    authenticated(http, Provider::Keitaro, holds).await?;
    // What it was known by is kept nowhere.
    let clean = |pairs: &[(String, String)]| {
        let pairs = pairs.iter().filter(|(name, _)| !TOKENS.contains(&name.as_str()));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    Postback::read(query.iter().chain(&body).cloned()).map_err(|why| Error::invalid("sub_id", why))?;
    (raw.query, raw.body) = (clean(&query), clean(&body));
    raw.content_type = "application/x-www-form-urlencoded".into();
    let key = fingerprint(&[&raw.query, &raw.body]);
    keep(http, raw.incoming(Provider::Keitaro, key)).await?;
    Ok(fine())
}

/// The pairs of a JSON object.
fn told(body: &str) -> Result<Vec<(String, String)>> {
    let read: Json = json::from_outside(body).map_err(|_| Error::invalid("body", "this is no JSON"))?;
    Ok(flat(&read))
}

/// A status of a text message, or one that a lead sent.
pub(super) async fn twilio(
    State(http): State<Http>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answered(from_twilio(&http, &uri, &headers, body).await)
}

async fn from_twilio(http: &Http, uri: &Uri, headers: &HeaderMap, body: Body) -> Result<Response> {
    let raw = Raw::read(uri, headers, body, SHORT).await?;
    let form = raw.form();
    // By the address that Twilio was given, not by what proxies say.
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let url = format!("{}{path}", http.services.rules.endpoints.public);
    let settings =
        headers.get("x-twilio-webhooks-signature-settings").map(|value| value.to_str().unwrap_or("algorithm="));
    let signature = header(headers, "x-twilio-signature");
    let request = Request { url: &url, form: &form, body: raw.body.as_bytes(), signature, settings };
    let holds = |known: &Credentials| {
        matches!(known, Credentials::Twilio(account)
        if twilio_signature::holds(&request, account.auth_token.expose()))
    };
    authenticated(http, Provider::Twilio, holds).await?;
    let sid = [find(&form, "MessageSid"), find(&form, "SmsSid")].into_iter().find(|sid| !sid.is_empty());
    let status = find(&form, "MessageStatus");
    let is_inbound = status.is_empty() || status == "received";
    let key = match sid {
        Some(sid) if is_inbound => format!("{sid}{INBOUND}"),
        Some(sid) => format!("{sid}:{status}"),
        None => fingerprint(&[&raw.query, &raw.body]),
    };
    keep(http, raw.incoming(Provider::Twilio, key)).await?;
    Ok((StatusCode::OK, [(CONTENT_TYPE, "text/xml")], "<Response/>").into_response())
}

/// A status of a call, or its report.
pub(super) async fn vapi(
    State(http): State<Http>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answered(from_vapi(&http, &uri, &headers, body).await)
}

async fn from_vapi(http: &Http, uri: &Uri, headers: &HeaderMap, body: Body) -> Result<Response> {
    let bearer = header(headers, AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or_default();
    let told = [header(headers, "x-vapi-secret"), bearer];
    let holds = |known: &Credentials| {
        matches!(known, Credentials::Vapi(account)
        if told.iter().any(|told| !told.is_empty() && is_same(told, &account.webhook_secret)))
    };
    authenticated(http, Provider::Vapi, holds).await?;
    let raw = Raw::read(uri, headers, body, LONG).await?;
    let read: Json = json::from_outside(&raw.body).map_err(|_| Error::invalid("body", "this is no JSON"))?;
    let message = &read["message"];
    let kind = message["type"].as_str().unwrap_or_default();
    // Of what is told while people talk nothing is kept: that would be much.
    if matches!(kind, "end-of-call-report" | "status-update") {
        let status = message["status"].as_str().unwrap_or_default();
        let key = match message["call"]["id"].as_str() {
            Some(call) => format!("{call}:{kind}:{status}"),
            None => fingerprint(&[&raw.body]),
        };
        keep(http, raw.incoming(Provider::Vapi, key)).await?;
    }
    Ok((StatusCode::OK, axum::Json(json!({}))).into_response())
}

/// Takes the news of an email of Instantly's.
pub(super) async fn instantly(
    State(http): State<Http>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answered(from_instantly(&http, &uri, &headers, body).await)
}

async fn from_instantly(http: &Http, uri: &Uri, headers: &HeaderMap, body: Body) -> Result<Response> {
    let told = header(headers, SECRET_HEADER);
    let holds = |known: &Credentials| {
        matches!(known, Credentials::Instantly(account)
        if is_same(told, &account.webhook_secret))
    };
    authenticated(http, Provider::Instantly, holds).await?;
    let raw = Raw::read(uri, headers, body, LONG).await?;
    let read: Json = json::from_outside(&raw.body).map_err(|_| Error::invalid("body", "this is no JSON"))?;
    let text = |name: &str| read[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| read[name].to_string();
    let mail = if text("email_id").is_empty() { text("lead_email") } else { text("email_id") };
    let (kind, campaign, at) = (text("event_type"), text("campaign_id"), text("timestamp"));
    let key = fingerprint(&[&kind, &mail, &campaign, &number("step"), &number("variant"), &at]);
    keep(http, raw.incoming(Provider::Instantly, key)).await?;
    Ok(fine())
}

/// An email that came in, whose token stands in the query or a header.
pub(super) async fn mail(
    State(http): State<Http>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answered(from_mailbox(&http, None, &uri, &headers, body).await)
}

/// An email that came in, whose token stands in the path.
pub(super) async fn mail_with_token(
    State(http): State<Http>,
    Part(token): Part,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answered(from_mailbox(&http, Some(token), &uri, &headers, body).await)
}

async fn from_mailbox(
    http: &Http,
    token: Option<String>,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response> {
    let query = pairs(uri.query().unwrap_or_default());
    let bearer = header(headers, AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or_default();
    let told =
        [token.as_deref().unwrap_or_default(), header(headers, "x-webhook-token"), bearer, find(&query, "token")];
    let holds = |known: &Credentials| {
        matches!(known, Credentials::Smtp(account) if account.webhook_token.as_ref().is_some_and(|token| {
            told.iter().any(|told| !told.is_empty() && is_same(told, token))
        }))
    };
    authenticated(http, Provider::Smtp, holds).await?;
    // The bytes as they are: what letters they mean says the message itself.
    let body = whole(body, MAIL).await?;
    let incoming = inbound::incoming(body).await?;
    let incoming =
        incoming.ok_or_else(|| Error::invalid("body", "this is no email: the message is wanted as RFC 5322 has it"))?;
    keep(http, incoming).await?;
    Ok(fine())
}
