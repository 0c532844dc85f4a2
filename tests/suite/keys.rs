//! What each sort of key makes, over a replacement of the installation's key.

use domain::retention::words::AddressKind;
use domain::secret_key::{Lasting, LastingUse, SecretKey, ShortLivedUse};
use herald::app::{App, Parts};
use herald::config::Config;
use sea_orm::{ConnectionTrait, EntityTrait, Iterable};
use serde_json::{Value as Json, json};
use service::retention::unsubscribe;
use service::secrets::rotate;
use storage::access::installation_key;
use storage::retention::refusal::{self, Mark, Said};

use crate::harness::{Client, KEY, PASSWORD, Postgres, TestApp, eventually, only_on, secret_key};

const CREATE_LEAD: &str = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
const API: Parts = Parts { api: true, worker: false };

/// The settings of `herald` under other keys.
fn under(herald: &TestApp, key: &SecretKey, before: Option<&SecretKey>) -> Config {
    Config { secret_key: Some(key.clone()), secret_key_before: before.cloned(), ..herald.config() }
}

async fn create(by: &Client, email: &str) -> String {
    let reply = by.query(CREATE_LEAD, json!({ "input": { "email": email } })).await;
    if reply.errors().is_empty() { "created".to_owned() } else { reply.message().to_owned() }
}

async fn lead(by: &Client, email: &str) -> Json {
    by.data(CREATE_LEAD, json!({ "input": { "email": email } })).await["createLead"]["lead"]["id"].clone()
}

/// Refuses these addresses, as a list would.
async fn refuse(on: &service::Services, key: &Lasting, emails: &[&str]) {
    for email in emails {
        let kind = AddressKind::Email;
        let mark = Mark { kind, hash: refusal::hash(key, kind, email) };
        let said = Said { source: "LIST".into(), wording: None, at: on.now() };
        let row = refusal::Model::new(mark, None, &said, on.now());
        let keep = on.db.write(|tx| {
            let row = row.clone();
            async move { refusal::Entity::keep(&*tx, vec![row]).await }
        });
        keep.await.unwrap();
    }
}

async fn imported(by: &Client, line: &str) -> i64 {
    let upload = by.upload(format!("email\n{line}\n")).await;
    let import = "mutation($upload: ID!) { importLeads(input: { uploadId: $upload }) { import { id } } }";
    let id = by.data(import, json!({ "upload": upload })).await["importLeads"]["import"]["id"].clone();
    let read = "query($id: ID!) { leadImport(id: $id) { status inserted } }";
    let ended = async || by.data(read, json!({ "id": id })).await["leadImport"].clone();
    eventually("the import ends", async || {
        ["COMPLETED", "FAILED"].contains(&ended().await["status"].as_str().unwrap())
    })
    .await;
    ended().await["inserted"].as_i64().unwrap()
}

#[tokio::test]
async fn what_must_last_outlives_a_rotation_and_what_is_short_lived_ends() {
    let mut herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let gone = lead(&admin, "gone@example.com").await;
    lead(&admin, "stays@example.com").await;
    let erase = "mutation($id: ID!) { eraseLead(input: { id: $id }) { __typename } }";
    admin.data(erase, json!({ "id": gone })).await;
    let token = "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) { token } }";
    let input = json!({ "input": { "name": "nightly", "role": "OPERATOR", "idempotencyKey": "once" } });
    let told = admin.data(token, input.clone()).await["createApiToken"]["token"].clone();
    let on = herald.services().clone();
    let stays = storage::retention::lead::Entity::find().all(on.db.reader()).await.unwrap();
    let stays = stays.iter().find(|row| row.email.as_deref() == Some("stays@example.com")).unwrap();
    let link = unsubscribe::url(&on, stays);
    let made = |lasting: &Lasting| -> Vec<(String, i64)> {
        let job = uuid::Uuid::from_u128(5);
        LastingUse::iter().map(|of| (lasting.fingerprint(of, b"x"), lasting.random_id(of, job, 0))).collect()
    };
    let before = made(&on.keys.lasting);
    let short = ShortLivedUse::iter().map(|of| on.keys.short_lived.derive(of)).collect::<Vec<_>>();
    herald.stop().await;

    let (old, new) = (secret_key(KEY), SecretKey::new([9; 32]));
    let app = App::open(under(&herald, &new, Some(&old))).await.unwrap();
    assert_eq!(made(&app.services().keys.lasting), before, "while both are given");
    rotate(app.services()).await.unwrap();
    app.close().await;
    let refused = App::open(under(&herald, &old, None)).await.err().map(|error| format!("{error:#}"));
    assert!(refused.as_deref().is_some_and(|why| why.contains("HERALD_SECRET_KEY")), "{refused:?}");

    let running = App::open(under(&herald, &new, None)).await.unwrap().start(API).await.unwrap();
    let on = running.services().clone();
    assert_eq!(made(&on.keys.lasting), before);
    assert!(ShortLivedUse::iter().all(|of| !short.contains(&on.keys.short_lived.derive(of))));
    let nobody = Client::new(format!("http://{}", running.address()));
    assert_eq!(
        admin.at(format!("http://{}", running.address())).query("{ viewer { id } }", json!({})).await.code(),
        "UNAUTHENTICATED"
    );
    let admin = nobody.sign_in("admin", PASSWORD).await;
    assert!(create(&admin, "gone@example.com").await.contains("must not be contacted"));
    assert_eq!(imported(&admin, "gone@example.com").await, 0);
    assert_eq!(admin.data(token, input).await["createApiToken"]["token"], told);
    assert!(nobody.with_token(told.as_str().unwrap()).query("{ __typename }", json!({})).await.errors().is_empty());
    let path = link.rsplit_once('/').unwrap().1;
    let clicked = unsubscribe::unsubscribe(&on, path).await.unwrap();
    assert_eq!(clicked, unsubscribe::Clicked::Refused, "the link in a mail that was sent before");
    running.stop().await;
}

/// As an earlier version has left the database: with refusals under the installation's key, and without a key that lasts.
async fn earlier_version(herald: &mut TestApp, refusals: &[(&SecretKey, &str)]) {
    let on = herald.services().clone();
    for (key, email) in refusals {
        refuse(&on, &Lasting::new((*key).clone(), Vec::new()), &[email]).await;
    }
    on.db.reader().execute_unprepared("DELETE FROM installation_keys").await.unwrap();
    herald.stop().await;
}

#[tokio::test]
async fn what_an_earlier_version_has_made_holds_also_in_the_midst_of_a_rotation() {
    let mut herald = TestApp::api_only().await;
    let (present, before) = (secret_key(KEY), SecretKey::new([3; 32]));
    earlier_version(&mut herald, &[(&present, "a@example.com"), (&before, "b@example.com")]).await;
    // Without the key before, what was refused under it is not known; given once, it is remembered.
    for (given, refuses_b) in [(None, false), (Some(&before), true), (None, true)] {
        let running = App::open(under(&herald, &present, given)).await.unwrap().start(API).await.unwrap();
        let admin = Client::new(format!("http://{}", running.address())).sign_in("admin", PASSWORD).await;
        assert!(create(&admin, "a@example.com").await.contains("must not be contacted"));
        assert_eq!(imported(&admin, "a@example.com").await, 0);
        if refuses_b {
            assert!(create(&admin, "b@example.com").await.contains("must not be contacted"));
            assert_eq!(imported(&admin, "b@example.com").await, 0);
        }
        running.stop().await;
    }
}

#[tokio::test]
async fn a_database_is_not_opened_with_another_key_than_its_own() {
    let mut herald = TestApp::api_only().await;
    herald.stop().await;
    let other = App::open(under(&herald, &SecretKey::new([3; 32]), None)).await.err().unwrap();
    assert!(format!("{other:#}").contains("HERALD_SECRET_KEY: this database belongs to another key"), "{other:#}");
    App::open(herald.config()).await.unwrap().close().await;
}

#[tokio::test]
async fn processes_that_start_at_once_agree_on_the_key_that_lasts() {
    if !only_on(Postgres, "processes share a database there only") {
        return;
    }
    let herald = TestApp::api_only().await;
    let on = herald.services();
    on.db.reader().execute_unprepared("DELETE FROM installation_keys").await.unwrap();
    let starts = (0..8).map(|_| App::open_beside(herald.config()));
    let apps = futures_util::future::try_join_all(starts).await.unwrap();
    let ids: std::collections::HashSet<i64> = apps
        .iter()
        .map(|app| app.services().keys.lasting.random_id(LastingUse::Broadcasts, uuid::Uuid::from_u128(1), 0))
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(installation_key::Entity::everything(on.db.reader()).await.unwrap().len(), 1);
    for app in apps {
        app.close().await;
    }
}
