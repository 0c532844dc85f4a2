//! `schema/operations`: one documented operation a use case, all of them run here as one story.

mod figures;
mod retention;

use std::collections::BTreeSet;
use std::path::PathBuf;

use async_graphql::parser::types::{Selection, TypeKind, TypeSystemDefinition};
use async_graphql::parser::{parse_query, parse_schema};
use herald::app::Parts;
use serde_json::{Value as Json, json};

use crate::harness::telegram::TelegramServer;
use crate::harness::{Client, PASSWORD, TestApp, eventually};
use crate::providers::instantly;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema/operations")
}

/// Runs the published operations, and remembers which.
struct Story {
    client: Client,
    told: BTreeSet<String>,
}

impl Story {
    fn document(&mut self, name: &str) -> String {
        self.told.insert(format!("{name}.graphql"));
        let document = std::fs::read_to_string(folder().join(format!("{name}.graphql"))).unwrap();
        assert!(document.starts_with("# "), "{name} says what it is for");
        document
    }

    async fn run(&mut self, name: &str, variables: Json) -> Json {
        let document = self.document(name);
        self.client.data(&document, variables).await
    }

    /// Runs a mutation with this input.
    async fn input(&mut self, name: &str, input: Json) -> Json {
        self.run(name, json!({ "input": input })).await
    }

    /// The first event of a subscription.
    async fn first(&mut self, name: &str, variables: Json) -> Json {
        let document = self.document(name);
        self.client.subscribe(&document, variables).await.data().await
    }
}

async fn callbacks(story: &mut Story, herald: &TestApp) {
    let failed = crate::callbacks::log::failed(herald.services(), "From=%2B14155552699&Body=hello").await;
    let log = story.run("list-webhook-events", json!({ "filter": { "statuses": ["FAILED"] } })).await;
    assert_eq!(log["webhookEvents"]["nodes"][0]["id"], failed);
    let again = story.input("retry-webhook-event", json!({ "id": failed })).await;
    assert_eq!(again["retryWebhookEvent"]["webhookEvent"]["id"], failed);
}

#[test]
fn every_root_field_has_an_operation() {
    let mut used = BTreeSet::new();
    for file in std::fs::read_dir(folder()).unwrap() {
        let document = parse_query(std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
        for (_, operation) in document.operations.iter() {
            let selected = operation.node.selection_set.node.items.iter();
            used.extend(selected.filter_map(|selection| match &selection.node {
                Selection::Field(field) => Some(field.node.name.node.to_string()),
                _ => None,
            }));
        }
    }
    for definition in parse_schema(graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let (name, kind) = (definition.node.name.node, definition.node.kind);
        if let ("Query" | "Mutation" | "Subscription", TypeKind::Object(root)) = (name.as_str(), kind) {
            let mut fields = root.fields.iter().map(|field| field.node.name.node.as_str());
            let unused: Vec<&str> = fields.by_ref().filter(|field| !used.contains(*field)).collect();
            assert!(unused.is_empty(), "no operation in schema/operations uses {unused:?} of {name}");
        }
    }
}

#[tokio::test]
async fn every_published_operation_runs() {
    let instantly = instantly::workspace().await;
    let herald = TestApp::with(&["--instantly-url", &instantly.url]).await;
    let mut story = Story { client: herald.nobody(), told: BTreeSet::new() };
    let login = story.input("login", json!({ "username": "admin", "password": PASSWORD })).await;
    story.client = herald.nobody().with_token(login["login"]["accessToken"].as_str().unwrap());
    let refreshed = story.input("refresh-session", json!({ "refreshToken": login["login"]["refreshToken"] })).await;
    let token = refreshed["refreshSession"]["accessToken"].clone();
    story.client = herald.nobody().with_token(token.as_str().unwrap());
    let renewed = story.first("renew-socket", json!({ "input": { "accessToken": token } })).await;
    assert_eq!(renewed["renewSocket"]["expiresAt"], refreshed["refreshSession"]["expiresAt"]);
    callbacks(&mut story, &herald).await;
    assert_eq!(story.run("viewer", json!({})).await["serverInfo"]["isSimulated"], true);
    let codes = story.run("server-info", json!({})).await["serverInfo"]["errorCodes"].clone();
    assert!(codes.as_array().unwrap().contains(&json!("CONFLICT")), "{codes}");
    people(&mut story).await;
    script(&mut story).await;

    let (batch, channel) = catalog(&mut story).await;
    let template = json!({ "name": "hello", "content": "Hello {{ channel_name }}: {{ offer }}" });
    let template = story.input("create-template", template).await["createTemplate"]["template"].clone();
    assert_eq!(template["placeholders"], json!(["channel_name", "offer"]));
    let preview = json!({ "templateId": template["id"], "channelId": channel, "params": { "offer": "20 %" } });
    assert_eq!(story.run("preview-template", preview).await["previewTemplate"]["text"], "Hello extra_news: 20 %");
    campaign(&mut story, &batch, &template["id"]).await;
    single_jobs(&mut story).await;
    accounts(&mut story).await;
    things_by_id(&mut story, &batch, &channel).await;
    integrations(&mut story).await;
    conversions(&mut story).await;
    synced(&mut story, instantly::campaign(&herald, "UTC").await).await;
    tidying(&mut story, &batch, &channel, &template["id"]).await;
    Box::pin(retention::catalogue(&mut story)).await;
    figures::leads(&mut story).await;
    figures::ab_test(&mut story, herald.services()).await;
    figures::reports(&mut story, herald.services()).await;
    figures::person(&mut story, herald.services()).await;

    sequences(&herald, &mut story).await;

    figures::tasks(&mut story, herald.services()).await;
    watched(&mut story).await;
    stopped(&mut story).await;
    let report = story.run("audit-report", json!({ "since": "2020-01-01T00:00:00Z", "severities": ["INFO"] })).await;
    assert!(report["auditLogs"]["nodes"].as_array().unwrap().len() > 5);
    let document = story.document("audit-logged");
    let mut audit = story.client.subscribe(&document, json!({})).await;
    story
        .client
        .data(
            "mutation { login(input: { username: \"admin\", password: \"a password of some length\" }) { expiresAt } }",
            json!({}),
        )
        .await;
    // The lines of what was done just now may still be on their way.
    while audit.data().await["auditLogged"]["action"] != "USER_LOGIN" {}
    story
        .input("change-password", json!({ "currentPassword": PASSWORD, "newPassword": "correct horse battery" }))
        .await;
    story.run("logout", json!({})).await;

    let published: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(story.told, published, "each published operation is part of the story");
}

/// Somebody is given access, another role, and loses it.
async fn people(story: &mut Story) {
    let anna = json!({ "username": "anna", "password": PASSWORD, "role": "OPERATOR" });
    let anna = story.input("create-user", anna).await["createUser"]["user"]["id"].clone();
    let changed = story.input("update-user", json!({ "id": anna, "role": "AUDITOR" })).await;
    assert_eq!(changed["updateUser"]["user"]["role"], "AUDITOR");
    let listed = story.run("list-users", json!({ "roles": ["AUDITOR", "ADMIN"] })).await["users"].clone();
    assert_eq!((&listed["totalCount"], &listed["nodes"][1]["username"]), (&json!(2), &json!("anna")));
    assert_eq!(story.run("user-by", json!({ "key": { "name": "Anna" } })).await["userBy"]["id"], anna);
    let deleted = story.input("delete-user", json!({ "id": anna })).await["deleteUser"]["user"].clone();
    assert!(deleted["deletedAt"].is_string(), "{deleted}");
}

/// An admin looks who is there, ends a session, and drains a process.
async fn watched(story: &mut Story) {
    let login = "mutation($input: LoginInput!) { login(input: $input) { expiresAt } }";
    story.client.data(login, json!({ "input": { "username": "admin", "password": PASSWORD } })).await;
    let seen = story.run("admin", json!({})).await["admin"].clone();
    let latest = seen["sessions"]["nodes"][0]["id"].clone();
    let ended = story.input("end-user-session", json!({ "id": latest })).await["endUserSession"]["session"].clone();
    assert_eq!((&ended["id"], &ended["user"]["username"]), (&latest, &json!("admin")));
    for is_drained in [true, false] {
        let input = json!({ "id": seen["workers"][0]["id"], "isDrained": is_drained });
        let worker = story.input("drain-worker", input).await["drainWorker"]["worker"].clone();
        assert_eq!(worker["drainedAt"].is_string(), is_drained, "{worker}");
    }
}

/// Everything is stopped, and goes on.
async fn stopped(story: &mut Story) {
    let stop = story.input("stop-all", json!({ "reason": "a wrong link" })).await["stopAll"]["stop"].clone();
    assert_eq!((&stop["reason"], &stop["by"]["username"]), (&json!("a wrong link"), &json!("admin")));
    let now = story.first("server-updated", json!({})).await["serverUpdated"]["stop"].clone();
    assert_eq!(now, stop);
    let resumed = story.run("resume-all", json!({})).await["resumeAll"].clone();
    assert_eq!(resumed, json!({ "hasResumed": true, "serverInfo": { "stop": null } }));
}

/// A script is given a token, which is taken away again.
async fn script(story: &mut Story) {
    let token =
        story.input("create-api-token", json!({ "name": "nightly", "role": "OPERATOR" })).await["createApiToken"]
            .clone();
    assert_eq!(story.run("list-api-tokens", json!({})).await["apiTokens"]["nodes"][0]["id"], token["apiToken"]["id"]);
    story.input("revoke-api-token", json!({ "id": token["apiToken"]["id"] })).await;
}

/// An import, a channel by hand, a batch of all; returns the ids of the batch and the channel.
async fn catalog(story: &mut Story) -> (Json, Json) {
    let lines =
        (0..5).map(|n| format!("{{\"username\": \"news_{n}\", \"category\": \"новости\"}}")).collect::<Vec<_>>();
    let upload = story.client.upload(format!("{}\nnot json", lines.join("\n"))).await;
    let import = story.input("import-channels", json!({ "uploadId": upload })).await;
    let id = json!({ "id": import["importChannels"]["import"]["id"] });
    story.first("channel-import-progress", id.clone()).await;
    let document = story.document("channel-import");
    let client = story.client.clone();
    eventually("the import has ended", async || {
        client.data(&document, id.clone()).await["channelImport"]["status"] == "COMPLETED"
    })
    .await;
    let import = story.run("channel-import", id).await["channelImport"].clone();
    assert_eq!((import["inserted"].clone(), import["invalid"].clone()), (json!(5), json!(1)), "{import}");
    // One that takes long is ended by hand.
    let long = "{\"username\": \"news_1\", \"category\": \"tech\"}\n".repeat(200_000);
    let long = json!({ "uploadId": story.client.upload(long).await });
    let long = story.input("import-channels", long).await["importChannels"]["import"]["id"].clone();
    let ended = story.input("cancel-import", json!({ "id": long })).await["cancelImport"]["import"].clone();
    assert_eq!(ended["status"], "CANCELLED");
    let listed =
        story.run("list-channel-imports", json!({ "statuses": ["COMPLETED"] })).await["channelImports"].clone();
    assert_eq!((&listed["totalCount"], &listed["nodes"][0]["invalid"]), (&json!(1), &json!(1)), "{listed}");
    let channel = json!({ "username": "@Extra_News", "category": "tech" });
    let channel = story.input("create-channel", channel).await["createChannel"]["channel"]["id"].clone();
    let found = story.run("list-channels", json!({ "category": "новости", "usernameContains": "news" })).await;
    assert_eq!(found["channels"]["totalCount"], 5);
    let batch = json!({ "name": "news", "filter": { "category": "новости" } });
    let batch = story.input("create-batch", batch).await["createBatch"]["batch"].clone();
    assert_eq!(batch["channelCount"], 5);
    let added = story.input("add-batch-channels", json!({ "batchId": batch["id"], "channelIds": [channel] })).await;
    assert_eq!(added["addBatchChannels"]["batch"]["channelCount"], 6);
    (batch["id"].clone(), channel)
}

async fn campaign(story: &mut Story, batch: &Json, template: &Json) {
    let new = json!({
        "name": "autumn", "batchId": batch, "templateId": template, "params": { "offer": "20 %" },
        "mode": "LIVE", "deliveryRate": 60,
    });
    let created = story.input("create-broadcast-campaign", new).await;
    let id = json!({ "id": created["createBroadcastCampaign"]["campaign"]["id"] });
    let found = story.run("broadcast-campaign-preflight", id.clone()).await["broadcastCampaignPreflight"].clone();
    assert_eq!((&found["isReady"], &found["recipients"]), (&json!(true), &json!(6)), "{found}");
    story.input("start-broadcast-campaign", id.clone()).await;
    let progress = story.first("broadcast-campaign-progress", id.clone()).await;
    assert_eq!(progress["broadcastCampaignProgress"]["totalJobs"], 6);
    story.first("job-updates", json!({ "campaignId": id["id"] })).await;
    let paused = story.input("pause-broadcast-campaign", id.clone()).await;
    assert_eq!(paused["pauseBroadcastCampaign"]["campaign"]["status"], "PAUSED");
    story.input("update-broadcast-campaign", json!({ "id": id["id"], "deliveryRate": 6_000 })).await;
    story.input("resume-broadcast-campaign", id.clone()).await;
    let document = story.document("campaign-with-jobs");
    let client = story.client.clone();
    eventually("the campaign is complete", async || {
        client.data(&document, id.clone()).await["broadcastCampaign"]["status"] == "COMPLETED"
    })
    .await;
    let jobs = story.run("campaign-with-jobs", json!({ "id": id["id"], "statuses": ["SENT"] })).await;
    assert_eq!(jobs["broadcastCampaign"]["jobs"]["totalCount"], 6);
    let listed = story.run("list-broadcast-campaigns", json!({ "statuses": ["COMPLETED"] })).await;
    assert_eq!(listed["broadcastCampaigns"]["nodes"][0]["createdBy"]["username"], "admin");
    let retried = story.input("retry-failed-jobs", json!({ "campaignId": id["id"] })).await;
    assert_eq!(retried["retryFailedJobs"]["retried"], 0);
    let edited = json!({ "campaignId": id["id"], "content": "Better" });
    let edited = story.input("edit-sent-messages", edited).await["editSentMessages"].clone();
    assert_eq!((&edited["left"], &edited["campaign"]["content"]), (&json!(0), &json!("Better")));
    let deleted = story.input("delete-sent-messages", json!({ "campaignId": id["id"] })).await;
    assert_eq!(deleted["deleteSentMessages"]["campaign"]["status"], "COMPLETED");
    let second = json!({ "name": "second", "batchId": batch, "templateId": template, "params": { "offer": "1" }, "mode": "TEST" });
    let second = story.input("create-broadcast-campaign", second).await;
    let id = json!({ "id": second["createBroadcastCampaign"]["campaign"]["id"] });
    story.input("cancel-broadcast-campaign", id.clone()).await;
    assert_eq!(
        story.input("delete-broadcast-campaign", id.clone()).await["deleteBroadcastCampaign"]["deletedId"],
        id["id"]
    );
}

/// One job is cancelled, one fails and is tried again, one can't be known and is looked after.
async fn single_jobs(story: &mut Story) {
    let mut channels = Vec::new();
    for username in ["odd_forbidden", "odd_error500", "odd_late"] {
        let channel = story.input("create-channel", json!({ "username": username, "category": "odd" })).await;
        channels.push(channel["createChannel"]["channel"]["id"].clone());
    }
    let batch = story.input("create-batch", json!({ "name": "odd", "channelIds": channels })).await;
    let template = story.input("create-template", json!({ "name": "odd", "content": "Hi" })).await;
    let new = json!({
        "name": "odd", "batchId": batch["createBatch"]["batch"]["id"], "mode": "LIVE", "deliveryRate": 1, "retryLimit": 0,
        "templateId": template["createTemplate"]["template"]["id"],
    });
    let created = story.input("create-broadcast-campaign", new).await;
    let campaign = created["createBroadcastCampaign"]["campaign"]["id"].clone();
    story.input("start-broadcast-campaign", json!({ "id": campaign })).await;
    // The rate leaves a minute to take the last one out.
    let waiting = json!({ "campaignId": campaign, "channelId": channels[2], "statuses": ["QUEUED"] });
    let late = story.run("list-jobs", waiting).await["jobs"]["nodes"][0]["id"].clone();
    let cancelled = story.input("cancel-job", json!({ "id": late })).await;
    assert_eq!(cancelled["cancelJob"]["job"]["status"], "CANCELLED");
    story.input("update-broadcast-campaign", json!({ "id": campaign, "deliveryRate": 6_000 })).await;
    eventually("its fate is unknown", async || {
        let shown = story.run("campaign-with-progress", json!({ "id": campaign })).await;
        shown["broadcastCampaign"]["counters"]["unknown"] == 1
    })
    .await;
    let job_of = async |story: &mut Story, channel: &Json| {
        let jobs = story.run("list-jobs", json!({ "campaignId": campaign, "channelId": channel })).await;
        jobs["jobs"]["nodes"][0]["id"].clone()
    };
    let unknown = job_of(story, &channels[1]).await;
    let resolution = json!({ "jobIds": [unknown], "resolution": "SENT" });
    assert_eq!(
        story.input("resolve-unknown-jobs", resolution).await["resolveUnknownJobs"]["jobs"][0]["status"],
        "SENT"
    );
    let failed = job_of(story, &channels[0]).await;
    let again = story.input("retry-job", json!({ "id": failed })).await["retryJob"]["job"].clone();
    assert_eq!((&again["status"], &again["campaign"]["status"]), (&json!("QUEUED"), &json!("RUNNING")));
    eventually("it has failed again", async || {
        story.run("job", json!({ "id": failed })).await["job"]["status"] == "FAILED"
    })
    .await;
}

/// A conversion is told by a system of one's own, and credited.
async fn conversions(story: &mut Story) {
    let sale = json!({ "subId": "order-7", "status": "SALE", "revenue": "12.50", "currency": "EUR" });
    let made = story.input("record-conversion", sale).await["recordConversion"]["conversion"].clone();
    assert_eq!((&made["revenue"], &made["lead"]), (&json!("12.5"), &Json::Null));
    let listed = story.run("list-conversions", json!({ "filter": { "statuses": ["SALE"] } })).await;
    assert_eq!(listed["conversions"]["nodes"][0]["id"], made["id"]);
    let right = json!({ "id": made["id"], "revenue": "13" });
    let corrected = story.input("correct-conversion", right).await["correctConversion"]["conversion"].clone();
    assert_eq!(corrected["revenue"], "13");
    story.input("delete-conversion", json!({ "id": made["id"] })).await;
    let anew = json!({ "model": "LINEAR", "since": "2020-01-01T00:00:00Z" });
    assert_eq!(story.input("recompute-attribution", anew).await["recomputeAttribution"]["conversions"], 0);
}

/// A campaign goes by Instantly.
async fn synced(story: &mut Story, campaign: Json) {
    let account = json!({ "apiKey": "a key of some length", "webhookSecret": "a webhook secret" });
    story.input("save-integration-config", json!({ "instantly": account })).await;
    let synced =
        story.input("sync-retention-campaign", json!({ "id": campaign })).await["syncRetentionCampaign"].clone();
    assert_eq!((&synced["pushed"], &synced["timeZone"]), (&json!(2), &json!("America/Danmarkshavn")));
}

/// A provider is set up, tried, and taken away again.
async fn integrations(story: &mut Story) {
    let secret = json!({ "webhook": { "secret": "a secret of some length" } });
    let saved = story.input("save-integration-config", secret).await["saveIntegrationConfig"].clone();
    let id = saved["integrationConfig"]["id"].clone();
    assert_eq!(story.input("test-integration", json!({ "id": id })).await["testIntegration"]["isOk"], true);
    let off =
        story.input("switch-integration", json!({ "id": id, "isActive": false })).await["switchIntegration"].clone();
    assert_eq!(off["integrationConfig"]["isActive"], false);
    let listed = story.run("list-integration-configs", json!({ "providers": ["WEBHOOK"] })).await;
    assert_eq!(listed["integrationConfigs"]["nodes"][0]["fields"][0]["value"], "****ngth");
    story.input("delete-integration-config", json!({ "id": id })).await;
}

/// What is there is found again by its id.
async fn things_by_id(story: &mut Story, batch: &Json, channel: &Json) {
    let found = story.run("node", json!({ "id": batch })).await["node"].clone();
    assert_eq!((&found["__typename"], &found["name"]), (&json!("Batch"), &json!("news")));
    let both = story.run("nodes", json!({ "ids": [channel, batch] })).await["nodes"].clone();
    assert_eq!(both, json!([{ "__typename": "Channel", "id": channel }, { "__typename": "Batch", "id": batch }]));
    let channel_by = story.run("channel-by", json!({ "key": { "username": "https://t.me/Extra_News" } })).await;
    assert_eq!(&channel_by["channelBy"]["id"], channel);
    assert_eq!(&story.run("batch-by", json!({ "key": { "name": "news" } })).await["batchBy"]["id"], batch);
    let template = story.run("template-by", json!({ "key": { "name": "hello" } })).await["templateBy"].clone();
    assert_eq!(template["placeholders"], json!(["channel_name", "offer"]));
    let categories = story.run("channel-categories", json!({})).await["channelCategories"].clone();
    assert_eq!(categories[0], json!({ "category": "новости", "channelCount": 5, "activeChannelCount": 5 }));
}

/// Telegram accounts come, change and go, where messages do go to Telegram.
async fn accounts(story: &mut Story) {
    let telegram = TelegramServer::start(2).await;
    let live = TestApp::live(&telegram, &[], Parts { api: true, worker: true }).await;
    let simulated = std::mem::replace(&mut story.client, live.admin().await);
    let new = json!({ "label": "main", "sessionString": telegram.session_string(0) });
    let added = story.input("add-telegram-account", new).await["addTelegramAccount"]["account"].clone();
    assert_eq!((&added["status"], &added["messagesPerMinute"]), (&json!("ACTIVE"), &json!(20)));
    let id = added["id"].clone();
    let slower = json!({ "id": id, "messagesPerMinute": 5, "expectedVersion": 1 });
    story.input("update-telegram-account", slower).await;
    let listed = story.run("list-telegram-accounts", json!({ "statuses": ["ACTIVE"] })).await;
    assert_eq!(listed["telegramAccounts"]["nodes"][0]["messagesPerMinute"], 5);
    let other = json!({ "id": id, "sessionString": telegram.session_string(1) });
    let rotated = story.input("rotate-telegram-session", other).await["rotateTelegramSession"]["account"].clone();
    assert_eq!(rotated["telegramUserId"], telegram.user_id(1).to_string());
    story.input("remove-telegram-account", json!({ "id": id })).await;
    story.client = simulated;
}

/// The catalog is looked through, corrected and cleared of what is not used.
async fn tidying(story: &mut Story, batch: &Json, channel: &Json, template: &Json) {
    let corrected = story.input("update-channel", json!({ "id": channel, "title": "Extra", "isActive": false })).await;
    assert_eq!(corrected["updateChannel"]["channel"]["title"], "Extra");
    let asked = story.input("refresh-channels", json!({ "channelIds": [channel] })).await;
    assert_eq!(asked["refreshChannels"]["requested"], 1);
    assert_eq!(story.run("channel", json!({ "id": channel })).await["channel"]["batches"]["totalCount"], 1);
    let spare = story.input("create-channel", json!({ "username": "spare_one", "category": "tech" })).await;
    let spare = spare["createChannel"]["channel"]["id"].clone();
    let copy = story.input("create-batch", json!({ "name": "copy", "channelIds": [channel, spare] })).await;
    let copy = copy["createBatch"]["batch"]["id"].clone();
    assert_eq!(story.run("list-batches", json!({ "nameContains": "COP" })).await["batches"]["totalCount"], 1);
    let shown = story.run("batch-with-channels", json!({ "id": batch, "filter": { "isActive": true } })).await;
    assert_eq!((&shown["batch"]["channels"]["totalCount"], &shown["batch"]["channelCount"]), (&json!(5), &json!(6)));
    let renamed = story.input("update-batch", json!({ "id": copy, "description": "to be deleted" })).await;
    assert_eq!(renamed["updateBatch"]["batch"]["version"], 2);
    let left = story.input("remove-batch-channels", json!({ "batchId": copy, "channelIds": [channel] })).await;
    assert_eq!(left["removeBatchChannels"]["removed"], 1);
    story.input("delete-channel", json!({ "id": spare })).await;
    story.input("delete-batch", json!({ "id": copy })).await;
    let read = story.run("template", json!({ "id": template })).await["template"].clone();
    assert_eq!(
        (&read["content"], &read["campaigns"]["totalCount"]),
        (&json!("Hello {{ channel_name }}: {{ offer }}"), &json!(1))
    );
    let listed = story.run("list-templates", json!({})).await["templates"]["nodes"][0].clone();
    assert_eq!((&listed["requiredParams"], &listed["usageCount"]), (&json!(["offer"]), &json!(2)));
    let shorter = story.input("update-template", json!({ "id": template, "content": "{{ offer }}" })).await;
    assert_eq!(shorter["updateTemplate"]["template"]["placeholders"], json!(["offer"]));
    let draft = json!({ "content": "Bye, {{ title }}!", "channelId": channel });
    assert_eq!(story.run("preview-draft", draft).await["previewTemplate"]["text"], "Bye, Extra!");
    let second = story.input("create-template", json!({ "name": "bye", "content": "Bye" })).await;
    story.input("delete-template", json!({ "id": second["createTemplate"]["template"]["id"] })).await;
}

/// A sequence is made, changed and run; a lead goes through it, is stopped, goes on, and is taken out.
async fn sequences(herald: &TestApp, story: &mut Story) {
    let lead = crate::retention::somebody(herald.services()).await;
    let ready = "mutation {
        saveIntegrationConfig(input: { webhook: { secret: \"a secret of some length\" } }) { integrationConfig { id } }
        createScript(input: { name: \"hook\", type: WEBHOOK, content: \"https://example.org/\", isDefault: true }) { script { id } }
    }";
    story.client.data(ready, json!({})).await;
    let steps = json!([{ "channel": "WEBHOOK", "delayValue": 2, "delayUnit": "WEEKS", "conditions": { "leadSources": ["API"] } }]);
    let made = story.input("create-retention-sequence", json!({ "name": "back", "steps": steps })).await;
    let made = made["createRetentionSequence"]["sequence"].clone();
    assert_eq!((&made["status"], &made["channels"]), (&json!("DRAFT"), &json!(["WEBHOOK"])));
    let id = made["id"].clone();
    let more = json!({ "id": id, "name": "back again", "triggerConfig": { "source": "crm" }, "expectedVersion": made["version"] });
    let changed = story.input("update-retention-sequence", more).await["updateRetentionSequence"]["sequence"].clone();
    assert_eq!((&changed["name"], &changed["triggerConfig"]["source"]), (&json!("back again"), &json!("CRM")));
    let steps = json!([{ "channel": "WEBHOOK", "delayValue": 3 }, { "channel": "WEBHOOK", "isActive": false }]);
    let replaced = story.input("replace-sequence-steps", json!({ "sequenceId": id, "steps": steps })).await;
    assert_eq!(replaced["replaceSequenceSteps"]["sequence"]["stepsVersion"], 2);
    story.input("activate-retention-sequence", json!({ "id": id })).await;
    let enrolled = story.input("enroll-lead", json!({ "sequenceId": id, "leadId": lead })).await;
    let enrollment = enrolled["enrollLead"]["enrollment"].clone();
    assert_eq!(enrollment["executions"][0]["status"], "SCHEDULED", "{enrollment}");
    let progress = story.first("sequence-progress", json!({ "id": id })).await["sequenceProgress"].clone();
    assert_eq!((&progress["enrolled"], &progress["status"]), (&json!(1), &json!("ACTIVE")), "{progress}");
    let total =
        |counts: &Json| counts.as_array().unwrap().iter().map(|one| one["count"].as_i64().unwrap()).sum::<i64>();
    let steps = progress["steps"].as_array().unwrap();
    let of_steps: i64 = steps.iter().map(|step| total(&step["executionCounts"])).sum();
    assert_eq!(of_steps, total(&progress["executions"]), "{progress}");
    let ahead =
        story.first("sequence-progress", json!({ "id": id, "after": 999_999 })).await["sequenceProgress"].clone();
    assert_eq!(ahead["version"], progress["version"], "a version from before a restore is another one");
    let update = story.first("enrollment-updated", json!({ "sequenceId": id, "leadId": lead })).await;
    assert_eq!(update["enrollmentUpdated"]["enrollment"]["id"], enrollment["id"]);
    let one = json!({ "id": enrollment["id"] });
    story.input("pause-enrollment", one.clone()).await;
    story.input("resume-enrollment", one.clone()).await;
    let cancelled = story.input("cancel-enrollment", one).await["cancelEnrollment"]["enrollment"].clone();
    assert_eq!((&cancelled["status"], &cancelled["endReason"]), (&json!("CANCELLED"), &json!("CANCELLED")));
    let listed = story.run("sequence-enrollments", json!({ "filter": { "leadId": lead } })).await;
    assert_eq!(listed["sequenceEnrollments"]["nodes"][0]["executions"][0]["reason"], "ENDED", "{listed}");
    story.input("pause-retention-sequence", json!({ "id": id })).await;
    let listed = story.run("list-retention-sequences", json!({ "filter": { "statuses": ["PAUSED"] } })).await;
    assert_eq!(listed["retentionSequences"]["nodes"][0]["enrollmentCount"], 1);
    let shown = story.run("retention-sequence", json!({ "id": id })).await["retentionSequence"].clone();
    assert_eq!((&shown["steps"][1]["isActive"], &shown["enrollments"]["totalCount"]), (&json!(false), &json!(1)));
    story.input("archive-retention-sequence", json!({ "id": id })).await;
    let deleted = story.input("delete-retention-sequence", json!({ "id": id })).await;
    assert_eq!(deleted["deleteRetentionSequence"]["deletedId"], id);
}
