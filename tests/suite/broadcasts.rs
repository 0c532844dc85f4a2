//! A broadcaster's day: what a start would find, why messages failed and what can be done, and audiences of nobody.

use serde_json::{Value as Json, json};

use crate::harness::{Client, TestApp, eventually};

const CHANNEL: &str =
    "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id username } } }";
const BATCH: &str = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id channelCount } } }";
const TEMPLATE: &str =
    "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id content warnings } } }";
const CREATE: &str =
    "mutation($input: CreateBroadcastCampaignInput!) { createBroadcastCampaign(input: $input) { campaign { id } } }";
const START: &str = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
const PREFLIGHT: &str = "query($id: ID!) { broadcastCampaignPreflight(id: $id) {
    isReady recipients problems warnings closedChannels paidChannels
    leftOut { count usernames failure { reason sentence remedy group } } unknownPlaceholders { name count } } }";
const CAMPAIGN: &str = "query($id: ID!) { broadcastCampaign(id: $id) {
    status pausedBy pauseReason counters { total sent failed } failures { reason sentence remedy group count } } }";
const RETRY: &str = "mutation($input: RetryFailedJobsInput!) { retryFailedJobs(input: $input) {
    retried skipped skippedBecause { reason sentence remedy count } } }";
const JOBS: &str = "query($id: ID!, $filter: JobFilter) { broadcastCampaign(id: $id) { jobs(filter: $filter) {
    totalCount nodes { id status errorMessage telegramError failure { reason group } channel { username } } } } }";

async fn channels(admin: &Client, category: &str, usernames: &[String]) -> Vec<Json> {
    let mut ids = Vec::new();
    for username in usernames {
        let input = json!({ "input": { "username": username, "category": category } });
        ids.push(admin.data(CHANNEL, input).await["createChannel"]["channel"]["id"].clone());
    }
    ids
}

async fn template(admin: &Client, content: &str) -> Json {
    let input = json!({ "input": { "name": "text", "content": content } });
    admin.data(TEMPLATE, input).await["createTemplate"]["template"].clone()
}

async fn campaign(admin: &Client, batch: &Json, template: &Json, more: Json) -> Json {
    let mut input = json!({ "name": "day", "batchId": batch, "templateId": template, "mode": "LIVE",
        "deliveryRate": 60_000, "retryLimit": 0 });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    admin.data(CREATE, json!({ "input": input })).await["createBroadcastCampaign"]["campaign"]["id"].clone()
}

async fn until(admin: &Client, id: &Json, status: &str) -> Json {
    eventually(&format!("the campaign is {status}"), async || {
        admin.data(CAMPAIGN, json!({ "id": id })).await["broadcastCampaign"]["status"] == status
    })
    .await;
    admin.data(CAMPAIGN, json!({ "id": id })).await["broadcastCampaign"].clone()
}

async fn batch_of(admin: &Client, category: &str) -> Json {
    let input = json!({ "input": { "name": category, "filter": { "category": category } } });
    admin.data(BATCH, input).await["createBatch"]["batch"]["id"].clone()
}

#[tokio::test]
async fn failures_have_sentences_and_groups_and_are_retried_by_their_reason() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let names = ["day_a_forbidden", "day_b_forbidden", "day_c_nobody", "day_fine"].map(ToOwned::to_owned);
    channels(&admin, "day", &names).await;
    let batch = batch_of(&admin, "day").await;
    let text = template(&admin, "Hello, {{ username }}!").await["id"].clone();
    let id = campaign(&admin, &batch, &text, json!({})).await;
    admin.data(START, json!({ "id": id })).await;
    let ended = until(&admin, &id, "COMPLETED").await;
    let failures = ended["failures"].as_array().unwrap().clone();
    let counts: Vec<_> =
        failures.iter().map(|it| (it["reason"].clone(), it["group"].clone(), it["count"].clone())).collect();
    assert_eq!(
        json!(counts),
        json!([["CHAT_WRITE_FORBIDDEN", "CLOSED", 2], ["USERNAME_NOT_OCCUPIED", "GONE", 1]]),
        "{failures:?}"
    );
    assert_eq!(failures[0]["sentence"], "We may not write there: only others may post.");
    assert!(failures.iter().all(|failure| failure["remedy"].as_str().unwrap().ends_with('.')));

    let jobs = async |filter: Json| {
        let read = json!({ "id": id, "filter": filter });
        admin.data(JOBS, read).await["broadcastCampaign"]["jobs"].clone()
    };
    let found = jobs(json!({ "errors": ["chat_write_forbidden"] })).await;
    assert_eq!((&found["totalCount"], found["nodes"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(found["nodes"][0]["failure"], json!({ "reason": "CHAT_WRITE_FORBIDDEN", "group": "CLOSED" }));
    assert_eq!(found["nodes"][0]["telegramError"], "CHAT_WRITE_FORBIDDEN");
    assert_eq!(jobs(json!({ "errors": ["PEER_FLOOD"] })).await["totalCount"], 0);
    assert_eq!(jobs(json!({ "statuses": ["SENT"] })).await["nodes"][0]["failure"], Json::Null);
    let blank = admin.query(JOBS, json!({ "id": id, "filter": { "errors": [" "] } })).await;
    assert_eq!(blank.violations(), ["filter.errors"]);

    let retry = async |filter: Json| {
        let mut input = json!({ "campaignId": id, "idempotencyKey": filter.to_string() });
        if !filter.is_null() {
            input["filter"] = filter;
        }
        admin.query(RETRY, json!({ "input": input })).await
    };
    for wrong in [json!({ "errors": [] }), json!({ "errors": [""] })] {
        assert_eq!(retry(wrong.clone()).await.violations()[0], "input.filter.errors", "{wrong}");
    }
    assert_eq!(retry(json!({ "errors": null })).await.code(), "BAD_USER_INPUT", "null is not everything");
    // The name that leads nowhere was taken out of use: its job would not be sent, so it is left with what Telegram said.
    for _ in 0..2 {
        let all = retry(Json::Null).await.data()["retryFailedJobs"].clone();
        assert_eq!((&all["retried"], &all["skipped"]), (&json!(2), &json!(1)), "{all}");
        assert_eq!(all["skippedBecause"][0]["reason"], "CHANNEL_INACTIVE");
    }
    let again = until(&admin, &id, "COMPLETED").await;
    assert_eq!(again["counters"], json!({ "total": 4, "sent": 1, "failed": 3 }));
    let left = jobs(json!({ "errors": ["USERNAME_NOT_OCCUPIED"] })).await["nodes"][0].clone();
    assert_eq!((&left["status"], &left["errorMessage"]), (&json!("FAILED"), &json!("USERNAME_NOT_OCCUPIED")));
    let one = "mutation($id: ID!) { retryJob(input: { id: $id }) { job { status } } }";
    let told = admin.query(one, json!({ "id": left["id"] })).await;
    assert_eq!(told.code(), "PRECONDITION_FAILED");
    assert!(told.message().contains("@day_c_nobody is inactive"), "{}", told.message());
    let by_reason = retry(json!({ "errors": ["USERNAME_NOT_OCCUPIED"] })).await.data()["retryFailedJobs"].clone();
    assert_eq!((&by_reason["retried"], &by_reason["skipped"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn a_preflight_says_what_the_start_would_find() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    channels(&admin, "pre", &["pre_one", "pre_two", "pre_nobody"].map(ToOwned::to_owned)).await;
    let batch = batch_of(&admin, "pre").await;
    let text = template(&admin, "Hi {username}, {{ title | default('friends') }}!").await;
    assert_eq!(text["warnings"].as_array().unwrap().len(), 1, "{text}");
    let first = campaign(&admin, &batch, &text["id"], json!({})).await;
    let look = async |id: &Json| admin.data(PREFLIGHT, json!({ "id": id })).await["broadcastCampaignPreflight"].clone();
    let found = look(&first).await;
    assert_eq!((&found["isReady"], &found["recipients"], &found["leftOut"]), (&json!(true), &json!(3), &json!([])));
    assert!(found["warnings"][0].as_str().unwrap().starts_with("{username} is filled in by nobody"), "{found}");
    assert_eq!(found["unknownPlaceholders"], json!([{ "name": "title", "count": 3 }]));
    admin.data(START, json!({ "id": first })).await;
    until(&admin, &first, "COMPLETED").await;
    assert_eq!(admin.query(PREFLIGHT, json!({ "id": first })).await.code(), "PRECONDITION_FAILED");

    // The name that leads nowhere is left out now, and it is said why.
    let second = campaign(&admin, &batch, &text["id"], json!({})).await;
    let found = look(&second).await;
    assert_eq!(found["recipients"], 2);
    let left = &found["leftOut"][0];
    assert_eq!((&left["count"], &left["usernames"]), (&json!(1), &json!(["pre_nobody"])));
    assert_eq!(left["failure"]["reason"], "USERNAME_NOT_OCCUPIED");
    let third = campaign(&admin, &batch, &text["id"], json!({ "mode": "TEST", "testLimit": 1 })).await;
    let found = look(&third).await;
    assert_eq!(found["recipients"], 1);
    assert!(
        found["leftOut"].as_array().unwrap().iter().any(|left| left["failure"]["reason"] == "TEST_LIMIT"),
        "{found}"
    );

    // What the start refuses the preflight tells, in the same words.
    let odd = template(&admin, "{% if username == 'pre_one' %}{% else %}x{% endif %}").await["id"].clone();
    let fourth = campaign(&admin, &batch, &odd, json!({})).await;
    let found = look(&fourth).await;
    assert_eq!((&found["isReady"], &found["problems"]), (&json!(false), &json!(["the text for @pre_one is empty"])));
    let refused = admin.query(START, json!({ "id": fourth })).await;
    assert!(refused.message().contains("the text for @pre_one is empty"), "{}", refused.message());
}

#[tokio::test]
async fn what_pauses_by_itself_is_found_in_the_list() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    // Far more than are in the air when the pause comes.
    let names: Vec<String> = (0..80).map(|n| format!("self_{n:02}_forbidden")).collect();
    channels(&admin, "self", &names).await;
    let batch = batch_of(&admin, "self").await;
    let text = template(&admin, "Hello, {{ username }}!").await["id"].clone();
    let failing = campaign(&admin, &batch, &text, json!({ "deliveryRate": 900 })).await;
    admin.data(START, json!({ "id": failing })).await;
    let paused = until(&admin, &failing, "PAUSED").await;
    assert_eq!(paused["pausedBy"], "HERALD", "{paused}");
    assert!(paused["pauseReason"].as_str().unwrap().contains("in a row failed"));
    let slow = campaign(&admin, &batch, &text, json!({ "deliveryRate": 1 })).await;
    admin.data(START, json!({ "id": slow })).await;
    let pause = "mutation($id: ID!) { pauseBroadcastCampaign(input: { id: $id }) { campaign { pausedBy } } }";
    let by_hand = admin.data(pause, json!({ "id": slow })).await;
    assert_eq!(by_hand["pauseBroadcastCampaign"]["campaign"]["pausedBy"], "PERSON");
    let list =
        "query($by: PausedBy) { broadcastCampaigns(filter: { pausedBy: $by }) { nodes { id pausedBy } totalCount } }";
    for (by, id) in [("HERALD", &failing), ("PERSON", &slow)] {
        let found = admin.data(list, json!({ "by": by })).await["broadcastCampaigns"].clone();
        assert_eq!(found, json!({ "nodes": [{ "id": id, "pausedBy": by }], "totalCount": 1 }));
    }
    let cancel = "mutation($id: ID!) { cancelBroadcastCampaign(input: { id: $id }) { campaign { pausedBy } } }";
    let cancelled = admin.data(cancel, json!({ "id": failing })).await;
    assert_eq!(cancelled["cancelBroadcastCampaign"]["campaign"]["pausedBy"], Json::Null);
    assert_eq!(admin.data(list, json!({ "by": "HERALD" })).await["broadcastCampaigns"]["totalCount"], 0);
}

#[tokio::test]
async fn an_audience_of_nobody_is_told_where_it_is_written() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "news", &["pick_one", "pick_two"].map(ToOwned::to_owned)).await;
    let batch = async |more: Json| {
        let mut input = json!({ "name": "b" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.query(BATCH, json!({ "input": input })).await
    };
    let misspelt = batch(json!({ "filter": { "category": "newz" } })).await;
    assert_eq!(misspelt.violations(), ["input.filter.category"]);
    assert_eq!(misspelt.message(), "nothing has the category \"newz\"; did you mean \"news\"?");
    let half = batch(json!({ "filter": { "categories": ["news", "sport"] } })).await;
    assert_eq!(half.message(), "nothing has the category \"sport\"; there are: news");
    let none = batch(json!({ "filter": { "category": "news", "isVerified": true } })).await;
    assert_eq!(none.violations(), ["input.filter"]);
    assert!(none.message().contains("allowEmpty: true"), "{}", none.message());
    assert_eq!(batch(json!({ "channelIds": [] })).await.violations(), ["input.channelIds"]);
    assert_eq!(admin.data("{ batches { totalCount } }", json!({})).await["batches"]["totalCount"], 0);

    let count = |reply: crate::harness::Reply| reply.data()["createBatch"]["batch"]["channelCount"].clone();
    assert_eq!(count(batch(json!({ "filter": { "category": " News " } })).await), 2, "neither case nor blanks count");
    assert_eq!(count(batch(json!({ "filter": { "category": "newz" }, "allowEmpty": true })).await), 0);
    let empty = batch(json!({})).await.data()["createBatch"]["batch"].clone();
    let add = "mutation($input: AddBatchChannelsInput!) { addBatchChannels(input: $input) { added } }";
    let nobody = admin.query(add, json!({ "input": { "batchId": empty["id"], "channelIds": [] } })).await;
    assert_eq!(nobody.violations(), ["input.channelIds"]);
    admin.data(add, json!({ "input": { "batchId": empty["id"], "channelIds": ids } })).await;
    let refresh = "mutation($input: RefreshChannelsInput!) { refreshChannels(input: $input) { requested } }";
    let nobody = admin.query(refresh, json!({ "input": { "filter": { "category": "newz" } } })).await;
    assert!(nobody.message().contains("did you mean \"news\"?"), "{}", nobody.message());
}

#[tokio::test]
async fn leads_that_are_nobody_are_told_too() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let lead = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
    admin.data(lead, json!({ "input": { "email": "a@example.com", "source": "facebook" } })).await;
    let campaign = "mutation { createRetentionCampaign(input: { name: \"r\" }) { campaign { id } } }";
    let id = admin.data(campaign, json!({})).await["createRetentionCampaign"]["campaign"]["id"].clone();
    let assign = "mutation($input: AssignLeadsInput!) { assignLeads(input: $input) { assigned } }";
    let remove = "mutation($input: RemoveLeadsInput!) { removeLeads(input: $input) { removed } }";
    for mutation in [assign, remove] {
        let ask = async |more: Json| {
            let mut input = json!({ "campaignId": id });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            admin.query(mutation, json!({ "input": input })).await
        };
        let misspelt = ask(json!({ "filter": { "sources": ["facebok"] } })).await;
        assert_eq!(misspelt.violations(), ["input.filter.sources"]);
        assert_eq!(misspelt.message(), "nothing has the source \"FACEBOK\"; did you mean \"FACEBOOK\"?");
        assert_eq!(ask(json!({ "filter": { "statuses": ["CONVERTED"] } })).await.violations(), ["input.filter"]);
        assert_eq!(ask(json!({ "leadIds": [] })).await.violations(), ["input.leadIds"]);
        let allowed = ask(json!({ "filter": { "statuses": ["CONVERTED"] }, "allowEmpty": true })).await;
        assert!(allowed.errors().is_empty(), "{:?}", allowed.errors());
        let all = ask(json!({ "filter": { "sources": ["facebook"] } })).await.data().clone();
        assert!(
            all.as_object()
                .unwrap()
                .values()
                .all(|moved| moved == &json!({ "assigned": 1 }) || moved == &json!({ "removed": 1 })),
            "{all}"
        );
    }
}

#[tokio::test]
async fn a_photo_needs_no_text() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "photo", &["photo_one", "photo_two"].map(ToOwned::to_owned)).await;
    let batch = batch_of(&admin, "photo").await;
    let photo = json!({ "name": "p", "mediaType": "PHOTO", "mediaUrl": "https://example.org/x.jpg" });
    let made = admin.data(TEMPLATE, json!({ "input": photo })).await["createTemplate"]["template"].clone();
    assert_eq!(made["content"], "");
    let bare = admin.query(TEMPLATE, json!({ "input": { "name": "p" } })).await;
    assert_eq!(bare.violations(), ["input.content"]);
    let change = "mutation($input: UpdateTemplateInput!) { updateTemplate(input: $input) { template { content } } }";
    let stripped = json!({ "input": { "id": made["id"], "mediaType": null, "mediaUrl": null } });
    assert_eq!(admin.query(change, stripped).await.violations(), ["input.content"], "nothing would be left");
    let preview = "query($channel: ID!, $id: ID, $content: String, $media: MediaType) {
        previewTemplate(channelId: $channel, templateId: $id, content: $content, mediaType: $media) { text fits warnings } }";
    let shown = async |variables: Json| admin.query(preview, variables).await;
    let stored = shown(json!({ "channel": ids[0], "id": made["id"] })).await.data()["previewTemplate"].clone();
    assert_eq!(stored, json!({ "text": "", "fits": true, "warnings": [] }));
    let draft =
        shown(json!({ "channel": ids[0], "content": "", "media": "VIDEO" })).await.data()["previewTemplate"].clone();
    assert_eq!(draft["fits"], true);
    let draft =
        shown(json!({ "channel": ids[0], "content": "%name% {{ username }}" })).await.data()["previewTemplate"].clone();
    assert!(draft["warnings"][0].as_str().unwrap().starts_with("%name% is filled in by nobody"), "{draft}");

    let id = campaign(&admin, &batch, &made["id"], json!({ "deliveryRate": 60 })).await;
    admin.data(START, json!({ "id": id })).await;
    let pause = "mutation($id: ID!) { pauseBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
    let resume = "mutation($id: ID!) { resumeBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
    admin.data(pause, json!({ "id": id })).await;
    let edit = "mutation($input: UpdateBroadcastCampaignInput!) { updateBroadcastCampaign(input: $input) { campaign { content } } }";
    for content in ["with a word", ""] {
        let edited =
            admin.data(edit, json!({ "input": { "id": id, "content": content, "deliveryRate": 60_000 } })).await;
        assert_eq!(edited["updateBroadcastCampaign"]["campaign"]["content"], content);
    }
    let long = json!({ "input": { "id": id, "content": "x".repeat(1_025) } });
    assert_eq!(admin.query(edit, long).await.violations()[0], "input.content");
    admin.data(resume, json!({ "id": id })).await;
    assert_eq!(until(&admin, &id, "COMPLETED").await["counters"]["sent"], 2);
}
