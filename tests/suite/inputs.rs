//! What values become: a bad one lets nothing run, what is left out is the default, texts are what they are written as, and an
//! empty condition picks nobody where something is changed.

use serde_json::{Value as Json, json};

use crate::document::{CREATE, names, refused, template};
use crate::harness::{RawSocket, TestApp};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases and what holds for each")]
async fn a_bad_value_lets_nothing_run() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let first = "a: createTemplate(input: { name: \"ran\", content: \"x\" }) { template { id } }";
    let cases = [
        (
            "$v: String!",
            "b: createTemplate(input: { name: $v, content: \"x\" }) { template { id } }",
            json!({}),
            "input.name",
        ),
        (
            "$v: String!",
            "b: createTemplate(input: { name: $v, content: \"x\" }) { template { id } }",
            json!({ "v": null }),
            "input.name",
        ),
        (
            "$v: String!",
            "b: createTemplate(input: { name: $v, content: \"x\" }) { template { id } }",
            json!({ "v": 3 }),
            "input.name",
        ),
        (
            "$v: Int!",
            "b: updateTemplate(input: { id: \"x\", expectedVersion: $v }) { template { id } }",
            json!({ "v": 3_000_000_000_u32 }),
            "input.expectedVersion",
        ),
        (
            "$v: Int = 1",
            "b: createBroadcastCampaign(input: { name: \"x\", batchId: \"x\", templateId: \"x\", deliveryRate: $v }) { campaign { id } }",
            json!({ "v": null }),
            "input.deliveryRate",
        ),
        (
            "$v: [ID!]!",
            "b: addBatchChannels(input: { batchId: \"x\", channelIds: $v }) { batch { id } }",
            json!({ "v": ["a", null] }),
            "input.channelIds.1",
        ),
        (
            "$v: CreateTemplateInput!",
            "b: createTemplate(input: $v) { template { id } }",
            json!({ "v": { "content": "x" } }),
            "input.name",
        ),
        (
            "$v: CreateTemplateInput!",
            "b: createTemplate(input: $v) { template { id } }",
            json!({ "v": { "name": "x", "content": "y", "other": 1 } }),
            "input.other",
        ),
        (
            "$v: DateTime!",
            "b: createApiToken(input: { name: \"x\", role: AUDITOR, expiresAt: $v }) { token }",
            json!({ "v": "tomorrow" }),
            "input.expiresAt",
        ),
    ];
    for (variable, second, variables, path) in cases {
        let document = format!("mutation({variable}) {{ {first} {second} }}");
        let reply = admin.query(&document, variables).await;
        refused(&reply, "BAD_USER_INPUT", &document);
        assert_eq!(reply.violations(), [path], "{document}");
    }
    for (second, code) in [
        (
            "b: createApiToken(input: { name: \"x\", role: AUDITOR, expiresAt: \"tomorrow\" }) { token }",
            "BAD_USER_INPUT",
        ),
        (
            "b: updateTemplate(input: { id: \"x\", expectedVersion: 3000000000 }) { template { id } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("b: createTemplate(input: { name: null, content: \"x\" }) { template { id } }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "b: createLead(input: { email: \"t@w.example\", meta: { a: [{ b: 1, b: 2 }] } }) { lead { id } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ] {
        let document = format!("mutation {{ {first} {second} }}");
        let reply = admin.query(&document, json!({})).await;
        refused(&reply, code, &document);
        assert_eq!(reply.violations().len(), 1, "{document}: {:?}", reply.violations());
    }
    let missing = admin.query(CREATE, json!({})).await;
    assert_eq!(missing.message(), "variable $name was not given");
    assert!(names(&admin).await.is_empty(), "nothing has run");
    let unused =
        admin.query("query A($v: Int!) { users(first: $v) { totalCount } }", json!({ "v": 1, "other": [{}] })).await;
    assert_eq!(unused.data()["users"]["totalCount"], 1, "what is not declared is not looked at");
}

#[tokio::test]
async fn nothing_runs_over_a_socket_either() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    let mut ask = async |query: &str, variables: Json| {
        let payload = json!({ "query": query, "variables": variables });
        socket.say(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
        socket.json().await
    };
    let bad = "mutation($v: Int!) { a: createTemplate(input: { name: \"ran\", content: \"x\" }) { template { id } }
        b: updateTemplate(input: { id: \"x\", expectedVersion: $v }) { template { id } } }";
    let told = ask(bad, json!({ "v": "1" })).await;
    assert_eq!((&told["type"], &told["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("BAD_USER_INPUT")));
    let told = ask("{ viewer { a: id } viewer { a: username } }", json!({})).await;
    assert_eq!(told["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    // Half a character ends nothing but what has it.
    let half = r#"{"id":"1","type":"subscribe","payload":{"query":"query($s: String) { templates(filter: { nameContains: $s }) { totalCount } }","variables":{"s":"a\ud83d"}}}"#;
    socket.send(tokio_tungstenite::tungstenite::Message::text(half)).await;
    let told = socket.json().await;
    assert_eq!((&told["type"], &told["id"]), (&json!("error"), &json!("1")));
    assert_eq!(told["payload"][0]["extensions"]["code"], "BAD_USER_INPUT");
    let mut ask = async |query: &str, variables: Json| {
        let payload = json!({ "query": query, "variables": variables });
        socket.say(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
        socket.json().await
    };
    let told = ask("{ viewer { username @skip(if: true) } }", json!({})).await;
    assert_eq!(told["payload"]["data"], json!({ "viewer": {} }));
    assert!(names(&admin).await.is_empty());
}

#[tokio::test]
async fn a_variable_that_is_left_out_is_the_default() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for name in ["b", "a"] {
        template(&admin, name).await;
    }
    let ordered = "query($d: OrderDirection, $f: Int) { templates(orderBy: { field: NAME, direction: $d }, first: $f) { nodes { name } } }";
    let found = admin.data(ordered, json!({})).await;
    assert_eq!(found["templates"]["nodes"], json!([{ "name": "a" }, { "name": "b" }]));
    let found = admin.data(ordered, json!({ "d": "DESC" })).await;
    assert_eq!(found["templates"]["nodes"], json!([{ "name": "b" }, { "name": "a" }]));
    let null = admin.query(ordered, json!({ "d": null })).await;
    refused(&null, "BAD_USER_INPUT", ordered);
    assert_eq!(null.violations(), ["orderBy.direction"]);
    let tests = "query($d: OrderDirection) { abTests(direction: $d) { totalCount } }";
    assert_eq!(admin.data(tests, json!({})).await["abTests"]["totalCount"], 0);
}

#[tokio::test]
async fn texts_are_stored_as_they_are_written() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let cases = [
        (r#""a\uD83D\uDE00b""#, "a😀b"),
        (r#""a\u{1F600}b""#, "a😀b"),
        (r#""""a \""" b""""#, "a \"\"\" b"),
        (r#""\/ \\ \" \n""#, "/ \\ \" \n"),
        ("\"\"\"\n    two\n      lines\n  \"\"\"", "two\n  lines"),
    ];
    for (number, (literal, expected)) in cases.into_iter().enumerate() {
        let document = format!(
            "mutation {{ createTemplate(input: {{ name: \"{number}\", content: {literal} }}) {{ template {{ content }} }} }}"
        );
        let created = admin.data(&document, json!({})).await;
        assert_eq!(created["createTemplate"]["template"]["content"], expected, "{literal}");
    }
    for literal in [r#""\uD83D""#, r#""\uDE00\uD83D""#, r#""\u{110000}""#] {
        let document = format!(
            "mutation {{ createTemplate(input: {{ name: \"x\", content: {literal} }}) {{ template {{ id }} }} }}"
        );
        refused(&admin.query(&document, json!({})).await, "GRAPHQL_PARSE_FAILED", literal);
    }
    let half = br#"{"query":"query($s: String) { templates(filter: { nameContains: $s }) { totalCount } }","variables":{"s":"a\uD83D"}}"#;
    let request = admin.request(reqwest::Method::POST, "/graphql").header("content-type", "application/json");
    let told: Json = request.body(half.to_vec()).send().await.unwrap().json().await.unwrap();
    let message = told["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("variables.s: not valid Unicode"), "{message}");
}

#[tokio::test]
async fn an_empty_condition_picks_nobody_where_something_is_changed() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let batch = "mutation($c: String) { createBatch(input: { name: \"n\", filter: { category: $c } }) { batch { channelCount } } }";
    let whole = "mutation($i: CreateBatchInput!) { createBatch(input: $i) { batch { channelCount } } }";
    for (document, variables) in [
        (batch, json!({ "c": null })),
        (batch, json!({ "c": " " })),
        (batch, json!({ "c": "\u{0}" })),
        (whole, json!({ "i": { "name": "n", "filter": { "category": null } } })),
        (whole, json!({ "i": { "name": "n", "filter": { "category": "\n" } } })),
        ("mutation { createBatch(input: { name: \"n\", filter: { category: null } }) { batch { id } } }", json!({})),
        (
            "mutation($f: ChannelFilter = { category: null }) { createBatch(input: { name: \"n\", filter: $f }) { batch { id } } }",
            json!({}),
        ),
        (
            "mutation($i: CreateBatchInput! = { name: \"n\", filter: { isActive: true, category: \" \" } }) { createBatch(input: $i) { batch { id } } }",
            json!({}),
        ),
        ("mutation { createBatch(input: { name: \"n\", filter: { category: \"\" } }) { batch { id } } }", json!({})),
    ] {
        let reply = admin.query(document, variables).await;
        refused(&reply, "BAD_USER_INPUT", document);
        assert!(reply.violations()[0].ends_with("filter.category"), "{document}");
    }
    assert_eq!(admin.data("{ batches { totalCount } }", json!({})).await["batches"]["totalCount"], 0);
    let listed = "query($c: String) { channels(filter: { category: $c }) { totalCount } }";
    assert_eq!(admin.data(listed, json!({ "c": null })).await["channels"]["totalCount"], 0, "in a list null is any");
    let left_out = admin.query(batch, json!({})).await;
    refused(&left_out, "BAD_USER_INPUT", "nothing is left of the filter");
    assert_eq!(left_out.violations(), ["input.filter"]);
    let channel = "mutation { createChannel(input: { username: \"a_channel\", category: \"x\" }) { channel { id } } }";
    admin.data(channel, json!({})).await;
    for all in [json!({ "name": "n", "filter": {} }), json!({ "name": "n", "all": true })] {
        admin.data(whole, json!({ "i": all })).await;
    }
}

/// Updates of nothing that is there, with mistakes beside it: field, input, what is selected, and the paths that are told.
const MISTAKES: [(&str, &str, &str, &str); 14] = [
    (
        "updateTemplate",
        r#"name: "", content: "{{ open", mediaUrl: "ftp://x/y""#,
        "template { id }",
        "id name content mediaUrl",
    ),
    ("updateScript", r#"name: "", content: "{{ open", subject: "{{ open""#, "script { id }", "id name subject content"),
    (
        "updateRetentionCampaign",
        r#"name: "", timeZone: "Mars", contactHoursStart: "25:00", maxContactsPerDay: 0"#,
        "campaign { id }",
        "id contactHoursStart name timeZone maxContactsPerDay",
    ),
    (
        "updateRetentionSequence",
        r#"name: "", triggerConfig: { lookbackMinutes: -1 }"#,
        "sequence { id }",
        "id name triggerConfig",
    ),
    ("updateTelegramAccount", r#"label: "", messagesPerMinute: 0"#, "account { id }", "id label messagesPerMinute"),
    ("updateConversionRule", "confidence: 2, sampleSize: 0", "conversionRule { id }", "id sampleSize confidence"),
    ("updateAbTest", r#"name: "", minSample: 1, variantAId: "y""#, "abTest { id }", "variantAId id name minSample"),
    ("updateLead", r#"email: "y""#, "lead { id }", "id email"),
    ("updateChannel", r#"username: "a b", title: "\u0000""#, "channel { id }", "id username title"),
    ("updateBatch", r#"name: """#, "batch { id }", "id name"),
    ("switchIntegration", r#"from: "nobody", perSecond: 0"#, "integrationConfig { id }", "id from perSecond"),
    ("switchIntegration", r#"currency: "dollars""#, "integrationConfig { id }", "id currency"),
    ("updateUser", r#"password: "short""#, "user { id }", "id password"),
    ("updateBroadcastCampaign", r#"name: "", deliveryRate: 0"#, "campaign { id }", "id name deliveryRate"),
];

#[tokio::test]
async fn a_wrong_id_hides_nothing_of_what_else_is_wrong_whatever_is_changed() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ask = async |call: &str| {
        let reply = admin.query(&format!("mutation {{ {call} }}"), json!({})).await;
        assert_eq!(reply.code(), "BAD_USER_INPUT", "{call}: {reply:?}");
        let paths = reply.violations();
        paths.iter().map(|path| path.trim_start_matches("input.").to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (field, input, of, wrong) in MISTAKES {
        let found = ask(&format!("{field}(input: {{ id: \"x\", {input} }}) {{ {of} }}")).await;
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split(' ').map(ToOwned::to_owned).collect();
            words.sort();
            words
        };
        assert_eq!(sorted(&found), sorted(wrong), "{field}");
    }
    // What may be right of some row is not called wrong.
    for (field, input, of) in [
        ("updateTemplate", r#"content: """#, "template { id }"),
        ("updateTemplate", "mediaType: PHOTO", "template { id }"),
        ("updateTemplate", r#"content: "a_b*c""#, "template { id }"),
        ("updateScript", r#"plainContent: "Hello", format: HTML"#, "script { id }"),
        ("updateScript", "vapiConfig: { firstMessage: \"Hello\" }", "script { id }"),
        ("switchIntegration", r#"from: "+15550100""#, "integrationConfig { id }"),
        ("switchIntegration", "perSecond: 1, currency: \"EUR\"", "integrationConfig { id }"),
        ("updateTemplate", "mediaType: null, mediaUrl: null", "template { id }"),
        ("updateScript", r#"subject: "Hello""#, "script { id }"),
        ("updateScript", "content: null", "script { id }"),
        ("updateRetentionCampaign", r#"contactHoursStart: "09:00""#, "campaign { id }"),
        ("updateRetentionCampaign", r#"contactHoursEnd: "18:00""#, "campaign { id }"),
        ("updateRetentionCampaign", "endDate: \"2020-01-01T00:00:00Z\"", "campaign { id }"),
        ("updateRetentionSequence", "triggerConfig: { status: CONVERTED }", "sequence { id }"),
        ("updateConversionRule", r#"value: "7""#, "conversionRule { id }"),
        ("updateAbTest", "minDays: 100", "abTest { id }"),
        ("updateAbTest", "maxDays: 3", "abTest { id }"),
    ] {
        assert_eq!(ask(&format!("{field}(input: {{ id: \"x\", {input} }}) {{ {of} }}")).await, "id", "{field} {input}");
    }
}

/// What an object has twice, in whichever way it comes, is refused by name, and nothing is done.
#[tokio::test]
async fn what_is_given_twice_is_refused_and_nothing_is_done() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let lead = |meta: &str| {
        format!("mutation {{ createLead(input: {{ email: \"a@x.com\", meta: {meta} }}) {{ lead {{ id }} }} }}")
    };
    for (meta, way) in [
        ("{ a: 1, a: 2 }", "input.meta.a"),
        ("{ a: 1, a: 1 }", "input.meta.a"),
        ("{ a: { b: [0, { c: 1, d: 2, c: 3 }] } }", "input.meta.a.b.1.c"),
        ("{ a: null, b: {}, a: {} }", "input.meta.a"),
    ] {
        let told = admin.query(&lead(meta), json!({})).await;
        assert_eq!(told.code(), "GRAPHQL_VALIDATION_FAILED", "{meta}: {told:?}");
        assert_eq!(told.violations(), [way], "{meta}");
    }
    for default in
        ["mutation($m: JSON = { a: 1, a: 2 }) { createLead(input: { email: \"a@x.com\", meta: $m }) { isNew } }"]
    {
        assert_eq!(admin.query(default, json!({})).await.code(), "GRAPHQL_VALIDATION_FAILED");
    }
    let with_variable =
        "mutation($v: Int) { createLead(input: { email: \"a@x.com\", meta: { a: $v, a: $v } }) { isNew } }";
    assert_eq!(admin.query(with_variable, json!({ "v": 1 })).await.code(), "GRAPHQL_VALIDATION_FAILED");
    let document = "mutation($m: JSON) { createLead(input: { email: \\\"a@x.com\\\", meta: $m }) { isNew } }";
    let post = async |body: String| {
        let request = admin.request(reqwest::Method::POST, "/graphql").header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for (rest, way) in [
        (r#""variables":{"m":{"a":1,"a":2}}"#, "variables.m.a"),
        (r#""variables":{"m":{"l":[{"x":1,"x":1}]}}"#, "variables.m.l.0.x"),
        (r#""variables":{"m":{}},"variables":{"m":{}}"#, "variables"),
        (r#""query":"{ viewer { id } }""#, "query"),
    ] {
        let (status, text) = post(format!(r#"{{"query":"{document}",{rest}}}"#)).await;
        assert!(status == 400 && text.contains(&format!("{way} is given twice")), "{rest}: {status} {text}");
    }
    let (status, text) =
        post(format!(r#"{{"query":"{document}","variables":{{"m":{{"a":{{"a":1}},"b":{{"a":1}}}}}}}}"#)).await;
    assert!(status == 200 && text.contains("\"isNew\":true"), "{status} {text}: only this one was made");
    let request =
        admin.request(reqwest::Method::GET, "/graphql?query=%7Bviewer%7Bid%7D%7D&query=%7Bviewer%7Busername%7D%7D");
    assert_eq!(request.send().await.unwrap().status(), 400);
}
