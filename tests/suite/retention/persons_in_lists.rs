//! Lists as people have them: odd line ends and separators, fields that can't be read, and one person in several lines.

use std::fmt::Write;

use domain::retention::words::{ContactAttemptStatus, ContactChannel, ConversionMetric};
use serde_json::{Value as Json, json};
use service::retention::conversion_rule_check::ruled_out;
use storage::retention::{contact_attempt, lead};

use super::{lead as created, rows};
use crate::harness::{Client, TestApp, eventually};

/// Imports a list, and returns the import as it ended.
pub(super) async fn imported(by: &Client, list: impl Into<String>, more: Json) -> Json {
    let mut input = json!({ "uploadId": by.upload(list.into()).await });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let start = "mutation($input: ImportLeadsInput!) { importLeads(input: $input) { import { id } } }";
    let id = by.data(start, json!({ "input": input })).await["importLeads"]["import"]["id"].clone();
    let read = "query($id: ID!) { leadImport(id: $id) { status lines inserted duplicates invalid errorMessage
        errors { line message } } }";
    let mut import = Json::Null;
    eventually("the import has ended", async || {
        import = by.data(read, json!({ "id": id })).await["leadImport"].clone();
        import["status"] == "COMPLETED" || import["status"] == "FAILED"
    })
    .await;
    import
}

fn counts(import: &Json) -> [i64; 4] {
    ["lines", "inserted", "duplicates", "invalid"].map(|count| import[count].as_i64().unwrap())
}

/// All leads by their emails, phones and names at Telegram.
async fn people(by: &Client) -> Vec<String> {
    let read = "{ leads(first: 100) { nodes { email phone telegramUsername firstName doNotContact } } }";
    let all = by.data(read, json!({})).await["leads"]["nodes"].clone();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let told =
        |lead: &Json| ["email", "phone", "telegramUsername", "firstName"].map(|name| text(&lead[name])).join(",");
    let mut people: Vec<String> = all.as_array().unwrap().iter().map(told).collect();
    people.sort();
    people
}

#[tokio::test]
async fn lines_and_separators_of_any_program_are_understood() {
    for list in [
        "email,firstName\rann@example.com,Ann\rbob@example.com,Bob\r",
        "email,firstName,\"Notes, long\"\rann@example.com,Ann,\"two\nlines\"\rbob@example.com,Bob,",
        "sep=;\r\nemail;firstName\r\nann@example.com;Ann\r\nbob@example.com;Bob\r\n",
        "sep=|\remail|firstName\rann@example.com|Ann\rbob@example.com|Bob\r",
        "\"Name, full\";\"Tags, a, b, c\";email;firstName\n;;ann@example.com;Ann\n;;bob@example.com;Bob\n",
        "email;firstName;;\nann@example.com;Ann;;;\nbob@example.com;Bob;\n",
    ] {
        let herald = TestApp::api_only().await;
        let operator = herald.operator().await;
        let import = imported(&operator, list, json!({})).await;
        assert_eq!(counts(&import), [2, 2, 0, 0], "{list:?}: {import}");
        assert_eq!(people(&operator).await, ["ann@example.com,,,Ann", "bob@example.com,,,Bob"], "{list:?}");
    }
}

#[tokio::test]
async fn a_list_in_which_nobody_can_be_reached_is_refused_at_once() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    for (list, more) in [
        ("Notes:\n\nemail,phone\nann@example.com,\n", json!({})),
        ("First Name,Notes,E-mail 1 - Value\nAnn,x,ann@example.com ::: b@example.com\n", json!({})),
        ("email,notes\nann@example.com,x\n", json!({ "mapping": { "notes": "notes" } })),
    ] {
        let import = imported(&operator, list, more).await;
        assert_eq!((&import["status"], counts(&import)), (&json!("FAILED"), [0; 4]), "{list}");
        let header = list.lines().next().unwrap().replace(',', ", ");
        assert!(import["errorMessage"].as_str().unwrap().contains(&header), "the columns are named: {import}");
    }
    let telegram = json!({ "isSuppressionList": true });
    assert_eq!(imported(&operator, "telegram\n@somebody\n", telegram).await["status"], "COMPLETED");
}

#[tokio::test]
async fn a_line_is_kept_without_the_field_that_can_not_be_read() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let list = [
        "email;phone;firstName;timeZone;language;notes;meta".to_owned(),
        "ann@example.com;;\"Ann\nMarie\";GMT+3;de_DE;".to_owned() + &"x".repeat(3_000) + ";",
        "bob@example.com;0151 2345678;Bob;Mars/Base;;;plan=gold".to_owned(),
        "nobody;0151 2345678;Eve;;;;".to_owned(),
    ];
    let import = imported(&operator, list.join("\n"), json!({})).await;
    assert_eq!(counts(&import), [3, 2, 0, 1], "{import}");
    let told = |index: usize| import["errors"][index]["message"].as_str().unwrap_or_default().to_owned();
    for field in ["phone", "timeZone", "meta"] {
        assert!(told(0).contains(field), "{import}");
    }
    assert!(told(1).starts_with("email: "), "{import}");
    assert_eq!(people(&operator).await, ["ann@example.com,,,Ann Marie", "bob@example.com,,,Bob"]);
    let objects =
        "{\"email\":\"cid@example.com\",\"phone\":[1],\"meta\":7}\n{\"email\":\"dee@example.com\",\"notes\":true}\n";
    let import = imported(&operator, objects, json!({ "format": "JSONL" })).await;
    assert_eq!((counts(&import), import["errors"].as_array().unwrap().len()), ([2, 2, 0, 0], 2), "{import}");
}

#[tokio::test]
async fn one_person_is_one_lead_whichever_key_a_list_tells_first() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let three = ["d1@example.com,", "D1@EXAMPLE.com,+4915140000001", ",+49 151 40000001"];
    let import = imported(&operator, format!("email,phone\n{}\n", three.join("\n")), json!({})).await;
    assert_eq!(counts(&import), [3, 1, 2, 0], "{import}");
    assert_eq!(people(&operator).await, ["d1@example.com,+4915140000001,,"]);

    // So far apart that they are written by transactions of their own; and the third by another list.
    let mut list = "email,phone\nd2@example.com,\n".to_owned();
    for n in 0..10_500 {
        writeln!(list, "p{n}@example.com,").unwrap();
    }
    list += "d2@example.com,+4915140000002\n";
    let import = imported(&operator, list, json!({})).await;
    assert_eq!(counts(&import), [10_502, 10_501, 1, 0], "{import}");
    let import = imported(&operator, "email,phone\n,+4915140000002\n", json!({})).await;
    assert_eq!(counts(&import), [1, 0, 1, 0], "{import}");
}

#[tokio::test]
async fn what_is_refused_at_a_key_that_comes_later_is_refused_by_its_lead() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let refuse = "mutation($input: SetDoNotContactInput!) { setDoNotContact(input: $input) { lead { id } } }";
    for (phone, channels) in [("+4915140000003", Json::Null), ("+4915140000004", json!(["SMS"]))] {
        let gone = created(&operator, json!({ "phone": phone })).await["lead"]["id"].clone();
        let said = json!({ "leadId": gone, "channels": channels, "source": "STOP" });
        operator.data(refuse, json!({ "input": said })).await;
        operator
            .data("mutation($id: ID!) { deleteLead(input: { id: $id }) { deletedId } }", json!({ "id": gone }))
            .await;
    }
    for name in ["ann", "bob", "cid"] {
        created(&operator, json!({ "email": format!("{name}@example.com") })).await;
    }
    let list = "email,phone\nann@example.com,+4915140000003\nbob@example.com,+4915140000004\n\
        cid@example.com,+4915140000005\n";
    let import = imported(&operator, list, json!({})).await;
    assert_eq!(counts(&import), [3, 0, 2, 1], "{import}");
    let known = people(&operator).await;
    assert_eq!(known, ["ann@example.com,,,", "bob@example.com,+4915140000004,,", "cid@example.com,+4915140000005,,"]);
    let read = "{ leads(first: 9, filter: { search: \"bob\" }) { nodes { doNotContact } } }";
    assert_eq!(operator.data(read, json!({})).await["leads"]["nodes"][0]["doNotContact"], json!(["SMS"]));
}

#[tokio::test]
async fn a_name_at_telegram_leads_to_the_one_who_has_it() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let first = created(&operator, json!({ "telegramUsername": "same_name" })).await;
    let again = created(&operator, json!({ "telegramUsername": "@Same_Name", "email": "a@example.com" })).await;
    assert_eq!((&again["lead"]["id"], &again["isNew"]), (&first["lead"]["id"], &json!(false)));
    // Another email: two people who share a name, until somebody merges them.
    let other = created(&operator, json!({ "telegramUsername": "same_name", "email": "b@example.com" })).await;
    assert_eq!(other["isNew"], true);
    let known = created(&operator, json!({ "email": "c@example.com" })).await;
    let named = created(&operator, json!({ "email": "c@example.com", "telegramUsername": "third_name" })).await;
    assert_eq!(named["lead"]["id"], known["lead"]["id"]);
    let list = "email,telegram\n,\nd@example.com,third_name\n";
    assert_eq!(counts(&imported(&operator, list, json!({})).await), [1, 1, 0, 0], "another email, another lead");
    let at_once = (0..8).map(|_| created(&operator, json!({ "telegramUsername": "at_once" })));
    let made = futures_util::future::join_all(at_once).await;
    assert_eq!(made.iter().filter(|made| made["isNew"] == true).count(), 1, "{made:?}");
}

#[tokio::test]
async fn all_mistakes_of_a_sequence_are_told_at_once_each_with_its_place() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let script = json!({ "name": "x", "type": "SMS", "content": "x" });
    let script = super::script(&operator, script).await;
    let steps = json!([
        { "channel": "SMS", "scriptId": script, "delayValue": -1, "delayUnit": "HOURS" },
        { "channel": "EMAIL", "scriptId": script, "delayValue": 1, "delayUnit": "HOURS" },
    ]);
    let create = "mutation($input: CreateRetentionSequenceInput!) { createRetentionSequence(input: $input) { sequence { id } } }";
    let input = json!({ "name": " ", "triggerType": "MANUAL", "channels": ["SMS"], "steps": steps });
    let refused = operator.query(create, json!({ "input": input })).await;
    let mut paths = refused.violations();
    paths.sort();
    let wanted = ["input.name", "input.steps.0.delayValue", "input.steps.1.channel", "input.steps.1.scriptId"];
    assert_eq!(paths, wanted, "{refused:?}");
    let input = json!({ "name": "q", "triggerType": "MANUAL", "channels": ["SMS"] });
    let id =
        operator.data(create, json!({ "input": input })).await["createRetentionSequence"]["sequence"]["id"].clone();
    let replace =
        "mutation($input: ReplaceSequenceStepsInput!) { replaceSequenceSteps(input: $input) { sequence { id } } }";
    let refused = operator.query(replace, json!({ "input": { "sequenceId": id, "steps": steps } })).await;
    let mut paths = refused.violations();
    paths.sort();
    assert_eq!(paths, wanted[1..], "{refused:?}");
}

#[tokio::test]
async fn a_rule_on_what_nobody_reports_leaves_out_nothing_and_says_so() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let create = "mutation($input: CreateConversionRuleInput!) { createConversionRule(input: $input) { conversionRule { id } } }";
    for metric in ["DELIVERY_RATE", "CTR", "REPLY_RATE"] {
        let rule = json!({ "channel": "EMAIL", "metric": metric, "value": "0.5", "conversionRate": 0.1, "sampleSize": 10,
            "confidence": 0.9 });
        operator.data(create, json!({ "input": rule })).await;
    }
    let person = rows::lead(on.now());
    let by = |provider: &str| contact_attempt::Model {
        provider: Some(provider.into()),
        status: ContactAttemptStatus::Sent,
        ..rows::attempt(person.id, ContactChannel::Email, on.now())
    };
    rows::insert::<lead::Entity, _>(on, vec![person.clone()]).await;
    rows::insert::<contact_attempt::Entity, _>(on, (0..12).map(|_| by("smtp")).collect()).await;
    let out = ruled_out(on, &[ContactChannel::Email], on.now()).await.unwrap();
    assert!(out.is_empty(), "mail servers report nothing");
    let list = "{ conversionRules(first: 9) { nodes { metric finding { attempts measured isWorse } } } }";
    let shown = operator.data(list, json!({})).await["conversionRules"]["nodes"].clone();
    for rule in shown.as_array().unwrap() {
        let wanted = json!({ "attempts": 0, "measured": null, "isWorse": false });
        assert_eq!(rule["finding"], wanted, "{shown}");
    }
    // Instantly reports clicks and replies: that there are none says something.
    let other = TestApp::api_only().await;
    let on = other.services();
    rows::insert::<lead::Entity, _>(on, vec![person.clone()]).await;
    rows::insert::<contact_attempt::Entity, _>(on, (0..12).map(|_| by("instantly")).collect()).await;
    let rule = |metric| storage::retention::conversion_rule::Model {
        id: domain::id::ConversionRuleId::generate(),
        channel: ContactChannel::Email,
        metric,
        value_micros: 500_000,
        conversion_rate: 0.0,
        sample_size: 10,
        confidence: 0.9,
        is_active: true,
        created_at: on.now(),
        updated_at: on.now(),
        version: 1,
    };
    let rules = vec![rule(ConversionMetric::DeliveryRate), rule(ConversionMetric::Ctr)];
    rows::insert::<storage::retention::conversion_rule::Entity, _>(on, rules).await;
    assert_eq!(ruled_out(on, &[ContactChannel::Email], on.now()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_phone_tells_the_time_zone_where_its_country_has_only_one() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let read = "query($id: ID!) { lead(id: $id) { timeZone } }";
    let zone = async |id: &Json| operator.data(read, json!({ "id": id })).await["lead"]["timeZone"].clone();
    for (phone, own, wanted) in [
        ("+4915123456789", Json::Null, json!("Europe/Berlin")),
        ("+447700900123", json!("America/New_York"), json!("America/New_York")),
        ("+14155552671", Json::Null, Json::Null),
    ] {
        let made = created(&operator, json!({ "phone": phone, "timeZone": own })).await;
        assert_eq!(zone(&made["lead"]["id"]).await, wanted, "{phone}");
    }
    let made = created(&operator, json!({ "email": "ann@example.com" })).await["lead"]["id"].clone();
    let update = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) { lead { id } } }";
    for (input, wanted) in [
        (json!({ "phone": "+4915140000009" }), json!("Europe/Berlin")),
        (json!({ "phone": "+819012345678" }), json!("Asia/Tokyo")),
        (json!({ "phone": "+14155552672" }), Json::Null),
        (json!({ "timeZone": "America/Denver" }), json!("America/Denver")),
        (json!({ "phone": "+819012345678" }), json!("America/Denver")),
        (json!({ "timeZone": null }), Json::Null),
    ] {
        let mut input = input;
        input["id"] = made.clone();
        operator.data(update, json!({ "input": input })).await;
        assert_eq!(zone(&made).await, wanted, "{input}");
    }
    let list = "email,phone,timeZone\nb@example.com,+4915140000010,\nc@example.com,+4915140000011,Asia/Tokyo\n\
        d@example.com,+14155552673,\n";
    assert_eq!(counts(&imported(&operator, list, json!({})).await), [3, 3, 0, 0]);
    let all = "{ leads(first: 100) { nodes { email timeZone } } }";
    let all = operator.data(all, json!({})).await["leads"]["nodes"].clone();
    for (email, wanted) in [("b", json!("Europe/Berlin")), ("c", json!("Asia/Tokyo")), ("d", Json::Null)] {
        let lead = all.as_array().unwrap().iter().find(|lead| lead["email"] == format!("{email}@example.com")).unwrap();
        assert_eq!(lead["timeZone"], wanted, "{email}");
    }
}
