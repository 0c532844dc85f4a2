//! Each request to Twilio, VAPI and Instantly is one that its official `OpenAPI` file allows, and each answer is understood.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use domain::clock::{Clock, SystemClock};
use domain::retention::credentials::{self, Secret};
use herald::app::install_tls;
use providers::instantly::{Failure, Instantly, NewCampaign, NewLead};
use providers::twilio::Twilio;
use providers::vapi::Vapi;
use providers::webhook::{self, Webhook};
use providers::{Body, Call, Contact, Email, Message, Outcome, Refusal, Sender};
use serde_json::{Value as Json, json};

use super::openapi::OpenApi;
use super::{Catcher, Caught};

const PUBLIC: &str = "https://herald.example";
const SID: &str = "AC0123456789abcdef0123456789abcdef";
const CALL: &str = "019ffad2-9b9d-70ff-a76b-0e093eb63e6c";

fn contact(message: Message) -> Contact {
    Contact { attempt: domain::id::time_sorted(), lead: domain::id::time_sorted(), message }
}

/// Holds each request that was caught against the file.
pub fn assert_allowed(file: &str, catcher: &Catcher) {
    let file = OpenApi::read(file);
    for request in catcher.caught() {
        let violations = file.violations(&request);
        assert!(violations.is_empty(), "{} {}: {violations:#?}", request.method, request.path);
    }
}

fn twilio(base: &str, service: Option<&str>) -> Twilio {
    install_tls();
    let account = credentials::Twilio {
        account_sid: SID.into(),
        auth_token: Secret::new("the auth token"),
        from: service.is_none().then(|| "+14155552672".into()),
        messaging_service_sid: service.map(Into::into),
        segments_per_second: 1,
    };
    Twilio::new(base, PUBLIC, account)
}

#[tokio::test]
async fn text_messages_are_as_twilio_specifies() {
    let catcher = Catcher::start(|request| match request.form().iter().find(|(name, _)| name == "To") {
        Some((_, to)) if to == "+14155550001" => {
            (400, json!({ "code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400 }))
        }
        _ => (201, json!({ "sid": "SM0123456789abcdef0123456789abcdef", "status": "queued", "num_segments": "1" })),
    })
    .await;
    let sms = |to: &str| contact(Message::Sms { to: to.into(), body: "Hello, Ann & Bob + 🎉".into() });
    let first = sms("+14155552671");
    let attempt = first.attempt;
    let Outcome::Accepted(receipt) = twilio(&catcher.url, None).send(first).await else { panic!("it is taken") };
    assert_eq!(receipt.provider_ref.as_deref(), Some("SM0123456789abcdef0123456789abcdef"));
    let service = twilio(&catcher.url, Some("MG0123456789abcdef0123456789abcdef"));
    assert!(matches!(service.send(sms("+14155552671")).await, Outcome::Accepted(_)));
    let refused = service.send(sms("+14155550001")).await;
    assert!(matches!(refused, Outcome::Refused(Refusal { is_opt_out: true, is_permanent: true, .. })), "{refused:?}");
    assert!(service.test().await.is_ok);

    let caught = catcher.caught();
    let form = caught[0].form();
    let value = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(value("Body"), Some("Hello, Ann & Bob + 🎉"));
    let callback = format!("{PUBLIC}/api/webhooks/twilio?attempt={attempt}#rc=5&rp=all");
    assert_eq!(value("StatusCallback"), Some(callback.as_str()));
    assert!(caught[0].header("authorization").starts_with("Basic "));
    assert_eq!(caught.len(), 4);
    assert_allowed("twilio.json", &catcher);
}

#[tokio::test]
async fn calls_are_as_vapi_specifies() {
    let catcher = Catcher::start(|request| match request.method.as_str() {
        "POST" => (201, json!({ "id": CALL, "status": "queued" })),
        _ if request.path == "/call" => (200, json!([])),
        _ => (200, json!({ "id": CALL, "status": "ended" })),
    })
    .await;
    install_tls();
    let account = credentials::Vapi {
        api_key: Secret::new("a private key"),
        webhook_secret: Secret::new("a webhook secret"),
        assistant_id: Some("019ffad2-9b9f-79cc-82ca-2b31778b13de".into()),
        phone_number_id: Some("019ffad2-9b9f-79cc-82ca-2b33348f0860".into()),
    };
    let vapi = Vapi::new(&catcher.url, PUBLIC, account);
    let config = json!({ "assistantOverrides": { "maxDurationSeconds": 120, "variableValues": { "offer": "10 %" } },
        "nonsense": true });
    let call = Call {
        to: "+14155552671".into(),
        name: Some("Ann".into()),
        first_message: Some("Hello Ann".into()),
        variables: json!({ "first_name": "Ann" }).as_object().cloned().unwrap(),
        config: config.as_object().cloned().unwrap(),
    };
    let Outcome::Accepted(receipt) = vapi.send(contact(Message::Call(call))).await else { panic!("it is taken") };
    assert_eq!(receipt.provider_ref.as_deref(), Some(CALL));
    assert_eq!(vapi.call(CALL).await.unwrap().unwrap()["status"], "ended");
    assert!(vapi.test().await.is_ok);

    let body = catcher.caught()[0].json();
    let overrides = &body["assistantOverrides"];
    assert_eq!(overrides["variableValues"], json!({ "offer": "10 %", "first_name": "Ann" }));
    assert_eq!(overrides["server"]["url"], format!("{PUBLIC}/api/webhooks/vapi"));
    assert!(body.get("nonsense").is_none() && body["assistantId"].is_string());
    assert_allowed("vapi.json", &catcher);
}

fn instantly(base: &str) -> Instantly {
    install_tls();
    let account = credentials::Instantly {
        api_key: Secret::new("a key of version 2"),
        webhook_secret: Secret::new("a webhook secret"),
        accounts: vec!["sender@example.com".into()],
    };
    Instantly::new(base, account)
}

fn instantly_answers(request: &Caught) -> (u16, Json) {
    match request.path.as_str() {
        "/api/v2/campaigns/analytics" => (200, json!([{ "campaign_id": CALL, "emails_sent_count": 7 }])),
        "/api/v2/leads/add" => {
            let leads = request.json()["leads"].as_array().cloned().unwrap_or_default();
            let made = |(index, lead): (usize, &Json)| json!({ "id": CALL, "email": lead["email"], "index": index });
            let made: Vec<_> = leads.iter().enumerate().map(made).collect();
            (200, json!({ "status": "success", "leads_uploaded": made.len(), "created_leads": made }))
        }
        _ => (200, json!({ "id": CALL })),
    }
}

#[tokio::test]
async fn email_campaigns_are_as_instantly_specifies() {
    let catcher = Catcher::start(instantly_answers).await;
    let workspace = instantly(&catcher.url);
    let campaign = NewCampaign {
        name: "Winter".into(),
        time_zone: "Europe/Belgrade",
        hours: ("09:00".into(), "17:30".into()),
        days: [false, true, true, true, true, true, false],
        emails: vec![
            ("Hello {{firstName}}".into(), "Hi<br/>you".into(), 2),
            ("Again".into(), "Still there?".into(), 0),
        ],
    };
    let id = workspace.create_campaign(&campaign).await.unwrap();
    workspace.bring_webhook(id, &format!("{PUBLIC}/api/webhooks/instantly")).await.unwrap();
    let lead = |n: usize| NewLead {
        email: format!("lead{n}@example.com"),
        first_name: Some("Ann".into()),
        last_name: None,
        phone: Some("+14155552671".into()),
        custom_variables: serde_json::Map::default(),
    };
    let leads: Vec<_> = (0..1_000).map(lead).collect();
    assert_eq!(workspace.add_leads(id, &leads).await.unwrap().leads_uploaded, 1_000);
    workspace.activate(id).await.unwrap();
    assert_eq!(workspace.analytics(id).await.unwrap().unwrap().emails_sent_count, 7);
    workspace.block("gone@example.com").await.unwrap();
    assert!(workspace.test().await.is_ok);
    let email = Email {
        to: "ann@example.com".into(),
        name: Some("Ann".into()),
        first_name: Some("Ann".into()),
        last_name: None,
        subject: "Hello".into(),
        body: Body::Text("Hi Ann".into()),
        unsubscribe: None,
        tag: None,
        instantly_campaign: Some(id),
    };
    assert!(matches!(workspace.send(contact(Message::Email(email))).await, Outcome::Accepted(_)));
    assert_eq!(catcher.caught().len(), 9);
    assert_allowed("instantly.json", &catcher);
}

#[tokio::test]
async fn a_request_that_a_provider_would_refuse_is_told_from_one_that_it_takes() {
    let file = OpenApi::read("instantly.json");
    let request = |path: &str, body: &Json| Caught {
        method: "POST".into(),
        path: path.into(),
        query: String::new(),
        headers: HeaderMap::from_iter([("content-type".parse().unwrap(), "application/json".parse().unwrap())]),
        body: body.to_string().into_bytes(),
    };
    // As the specification of the Retention Center has it; version 2 of the API takes neither.
    let bulk = json!({ "campaign_id": CALL, "leads": [{ "email": "ann@example.com" }] });
    assert!(!file.violations(&request("/api/v2/leads", &bulk)).is_empty());
    assert!(file.violations(&request("/api/v2/leads/add", &bulk)).is_empty());
    assert!(!file.violations(&request(&format!("/api/v2/campaigns/{CALL}/analytics"), &json!({}))).is_empty());
    assert!(!file.violations(&request("/api/v2/leads/add", &json!({ "campaign_id": CALL, "leads": [] }))).is_empty());
}

#[tokio::test]
async fn what_may_have_been_taken_is_unknown_and_what_was_not_waits() {
    // Nobody listens there.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let sms = || contact(Message::Sms { to: "+14155552671".into(), body: "Hi".into() });
    assert!(matches!(twilio(&away, None).send(sms()).await, Outcome::Wait { .. }));
    // This one takes the request, and hangs up.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rude = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut line, _) = listener.accept().await.unwrap();
            tokio::io::AsyncReadExt::read(&mut line, &mut [0; 64]).await.unwrap();
        }
    });
    assert!(matches!(twilio(&rude, None).send(sms()).await, Outcome::Unknown { .. }));
    let campaign = domain::id::time_sorted();
    assert!(matches!(instantly(&rude).activate(campaign).await, Err(Failure::Unknown(_))));
    assert!(matches!(instantly(&away).activate(campaign).await, Err(Failure::Refused(_))));
}

#[tokio::test]
async fn webhooks_are_signed_and_never_go_inside() {
    install_tls();
    let catcher = Catcher::start(|request| match request.path.as_str() {
        "/gone" => (410, json!({})),
        "/busy" => (503, json!({})),
        "/private" => (401, json!({})),
        "/forbidden" => (403, json!({})),
        "/nowhere" => (404, json!({})),
        _ => (200, json!({})),
    })
    .await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let account = || credentials::Webhook { secret: Secret::new("a secret of some length") };
    let open = Webhook::new(clock.clone(), account(), true);
    let to = |url: String| contact(Message::Webhook { url, payload: json!({ "lead": "Ann" }) });
    let sent = to(format!("{}/hook", catcher.url));
    let attempt = sent.attempt;
    assert!(matches!(open.send(sent).await, Outcome::Accepted(_)));
    let caught = catcher.caught()[0].clone();
    let at = caught.header(webhook::SIGNATURE)[2..].split(',').next().unwrap().parse().unwrap();
    assert_eq!(caught.header(webhook::SIGNATURE), webhook::sign("a secret of some length", at, &caught.body));
    assert!((clock.now().timestamp() - at).abs() < 60);
    assert_eq!(caught.header("idempotency-key"), attempt.to_string());
    assert_eq!(caught.json()["data"], json!({ "lead": "Ann" }));
    let gone = open.send(to(format!("{}/gone", catcher.url))).await;
    assert!(matches!(gone, Outcome::Refused(Refusal { is_permanent: true, .. })), "{gone:?}");
    for path in ["private", "forbidden", "nowhere"] {
        let set_up = open.send(to(format!("{}/{path}", catcher.url))).await;
        assert!(matches!(set_up, Outcome::Wait { .. }), "{path}: {set_up:?}");
    }
    let busy = open.send(to(format!("{}/busy", catcher.url))).await;
    assert!(matches!(busy, Outcome::Refused(Refusal { is_permanent: false, .. })), "{busy:?}");

    let closed = Webhook::new(clock, account(), false);
    let port = catcher.url.rsplit(':').next().unwrap();
    let before = catcher.caught().len();
    // A public name that leads to this machine, too, if there is a resolver to ask.
    for url in [catcher.url.clone(), format!("http://localhost:{port}/"), format!("http://localtest.me:{port}/")] {
        let outcome = tokio::time::timeout(Duration::from_secs(20), closed.send(to(url.clone()))).await.unwrap();
        assert!(!matches!(outcome, Outcome::Accepted(_) | Outcome::Unknown { .. }), "{url}: {outcome:?}");
    }
    assert_eq!(catcher.caught().len(), before);
}
