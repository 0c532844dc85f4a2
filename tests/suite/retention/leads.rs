//! Each address is one lead's, however it is written and however many come at once.

use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use super::{lead, some_leads, try_lead};
use crate::harness::{Client, TestApp};

async fn count(by: &Client, filter: Json) -> Json {
    let list = "query($filter: LeadFilter) { leads(filter: $filter) { totalCount } }";
    by.data(list, json!({ "filter": filter })).await["leads"]["totalCount"].clone()
}

async fn update(by: &Client, input: Json) -> crate::harness::Reply {
    let update = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) {
        lead { id email phone status notes version doNotContact } } }";
    by.query(update, json!({ "input": input })).await
}

#[tokio::test]
async fn a_lead_is_found_by_any_spelling_of_its_addresses() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let made = lead(&operator, json!({ "email": " Ann@Example.COM", "phone": "+1 (415) 555-2671" })).await;
    assert_eq!(made["isNew"], true);
    assert_eq!((&made["lead"]["email"], &made["lead"]["phone"]), (&json!("ann@example.com"), &json!("+14155552671")));
    for again in [
        json!({ "email": "ANN@example.com" }),
        json!({ "phone": "0014155552671" }),
        json!({ "email": "ann@example.com", "phone": "+14155552671", "firstName": "Other" }),
        json!({ "email": "ann@example.com", "phone": "+14155552672" }),
    ] {
        let found = lead(&operator, again).await;
        assert_eq!((&found["isNew"], &found["lead"]), (&json!(false), &made["lead"]));
    }
    assert_eq!(count(&operator, json!({})).await, 1);
}

#[tokio::test]
async fn a_key_that_a_known_lead_has_not_is_its_own_from_now_on() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let first = lead(&operator, json!({ "email": "d@example.com" })).await["lead"]["id"].clone();
    let both = lead(&operator, json!({ "email": "d@example.com", "phone": "+4915140000020" })).await;
    assert_eq!((&both["isNew"], &both["lead"]["phone"]), (&json!(false), &json!("+4915140000020")));
    assert_eq!(
        lead(&operator, json!({ "phone": "+4915140000020" })).await["lead"]["id"],
        first,
        "one person, one lead"
    );
    let late = json!({ "leadId": first, "channel": "EMAIL", "status": "SENT", "startedAt": "2130-01-01T00:00:00Z" });
    assert_eq!(super::contact(&operator, late).await.violations(), ["input.startedAt"]);
}

#[tokio::test]
async fn an_email_and_a_phone_of_two_leads_are_a_conflict_that_names_both() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let ann = lead(&operator, json!({ "email": "ann@example.com" })).await["lead"]["id"].clone();
    let bob = lead(&operator, json!({ "phone": "+14155552671" })).await["lead"]["id"].clone();
    let both = try_lead(&operator, json!({ "email": "ann@example.com", "phone": "+14155552671" })).await;
    assert_eq!(both.code(), "CONFLICT");
    let expected = format!(
        "the email is that of the lead {}, the phone number that of the lead {}",
        ann.as_str().unwrap(),
        bob.as_str().unwrap()
    );
    assert_eq!(both.message(), expected);
    let taken = update(&operator, json!({ "id": bob, "email": "ann@example.com" })).await;
    assert_eq!(taken.code(), "CONFLICT");
    assert!(taken.message().contains(ann.as_str().unwrap()), "{}", taken.message());
    let freed = update(&operator, json!({ "id": ann, "email": null, "externalId": "crm-1" })).await;
    assert_eq!(freed.data()["updateLead"]["lead"]["email"], Json::Null);
    update(&operator, json!({ "id": bob, "email": "ann@example.com" })).await.data();
}

#[tokio::test]
async fn many_at_once_make_one_lead() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let inputs = (0..20).map(|n| match n % 3 {
        0 => json!({ "email": "ann@example.com" }),
        1 => json!({ "email": "ANN@example.com", "phone": "+14155552671" }),
        _ => json!({ "email": "ann@example.com", "idempotencyKey": format!("k{n}") }),
    });
    let answers = join_all(inputs.map(|input| lead(&operator, input))).await;
    let new = answers.iter().filter(|answer| answer["isNew"] == true).count();
    assert_eq!(new, 1);
    assert!(answers.iter().all(|answer| answer["lead"]["id"] == answers[0]["lead"]["id"]));
    assert_eq!(count(&operator, json!({})).await, 1);
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_and_a_stale_one_is_refused() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let input = json!({ "email": "ann@example.com", "idempotencyKey": "k" });
    let first = lead(&operator, input.clone()).await;
    assert_eq!(first["isNew"], true);
    assert_eq!(lead(&operator, input).await, first, "isNew too: it is the same request");
    let other = json!({ "email": "bob@example.com", "idempotencyKey": "k" });
    assert_eq!(try_lead(&operator, other).await.code(), "IDEMPOTENCY_CONFLICT");
    let change = json!({ "id": first["lead"]["id"], "firstName": "Ann", "expectedVersion": 1 });
    assert_eq!(update(&operator, change.clone()).await.data()["updateLead"]["lead"]["version"], 2);
    assert_eq!(update(&operator, change).await.code(), "CONFLICT");
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let wrong = json!({
        "email": "ann", "phone": "0151 23", "telegramUsername": "x", "timeZone": "Berlin", "language": "German!",
        "source": "x".repeat(101), "meta": [1], "notes": "x".repeat(10_001), "firstName": "x".repeat(201),
    });
    let mut paths = try_lead(&operator, wrong).await.violations();
    paths.sort();
    let fields = ["email", "firstName", "language", "meta", "notes", "phone", "source", "telegramUsername", "timeZone"];
    assert_eq!(paths, fields.map(|field| format!("input.{field}")));
    assert_eq!(try_lead(&operator, json!({ "firstName": "Ann" })).await.violations(), ["input.email"]);
    let large = json!({ "email": "a@example.com", "meta": { "a": "x".repeat(17_000) } });
    assert_eq!(try_lead(&operator, large).await.violations(), ["input.meta"]);
}

#[tokio::test]
async fn a_lead_only_goes_forward() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let id = lead(&operator, json!({ "email": "ann@example.com" })).await["lead"]["id"].clone();
    update(&operator, json!({ "id": id, "status": "CONVERTED" })).await.data();
    let back = update(&operator, json!({ "id": id, "status": "NEW" })).await;
    assert_eq!((back.code(), back.message()), ("PRECONDITION_FAILED", "the lead cannot go from CONVERTED to NEW"));
    let ended = update(&operator, json!({ "id": id, "status": "DO_NOT_CONTACT" })).await;
    let channels = ended.data()["updateLead"]["lead"]["doNotContact"].as_array().unwrap().len();
    assert_eq!(channels, 5, "it refuses every channel");
}

#[tokio::test]
async fn names_emails_and_phones_are_searched_and_the_numbers_add_up() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    for input in [
        json!({ "email": "ann@example.com", "firstName": "Ann", "lastName": "O'Hara_1", "source": "crm" }),
        json!({ "email": "bob@example.com", "firstName": "Bob", "lastName": "Annison", "phone": "+14155552671" }),
        json!({ "externalId": "7", "firstName": "Юлия", "source": "crm" }),
    ] {
        lead(&operator, input).await;
    }
    for (search, found) in [
        ("ann", 2),
        ("ann hara", 1),
        ("hara ANN", 1),
        ("a_1", 1),
        ("%", 0),
        ("(415) 555-26", 1),
        ("EXAMPLE.com", 2),
        ("Юлия", 1),
        ("  ", 3),
        ("nobody", 0),
    ] {
        assert_eq!(count(&operator, json!({ "search": search })).await, found, "{search}");
    }
    assert_eq!(count(&operator, json!({ "sources": ["CRM", "manual"], "statuses": ["NEW"] })).await, 3);
    assert_eq!(count(&operator, json!({ "createdBefore": "2020-01-01T00:00:00Z" })).await, 0);
    let stats = "{ leadStats { total byStatus { status count } bySource { source count } } }";
    let stats = operator.data(stats, json!({})).await["leadStats"].clone();
    assert_eq!(stats["bySource"], json!([{ "source": "CRM", "count": 2 }, { "source": "MANUAL", "count": 1 }]));
    assert_eq!((&stats["total"], &stats["byStatus"][0]), (&json!(3), &json!({ "status": "NEW", "count": 3 })));
    let long = operator
        .query("query($s: String) { leads(filter: { search: $s }) { totalCount } }", json!({ "s": "x".repeat(201) }));
    assert_eq!(long.await.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn an_auditor_sees_leads_but_not_how_they_are_reached() {
    let herald = TestApp::api_only().await;
    let (operator, auditor) = (herald.operator().await, herald.auditor().await);
    let ann = json!({ "email": "ann@example.com", "phone": "+14155552671", "firstName": "Ann", "notes": "likes tea" });
    let id = lead(&operator, ann).await["lead"]["id"].clone();
    super::contact(&operator, json!({ "leadId": id, "channel": "SMS", "status": "SENT", "notes": "x", "result": {} }))
        .await;
    let read = "query($id: ID!) { lead(id: $id) { firstName email phone notes telegramUsername
        contactAttempts { nodes { status notes result } } } }";
    let shown = auditor.data(read, json!({ "id": id })).await["lead"].clone();
    let attempts = json!({ "nodes": [{ "status": "SENT", "notes": null, "result": null }] });
    let expected = json!({ "firstName": "Ann", "email": null, "phone": null, "notes": null, "telegramUsername": null,
        "contactAttempts": attempts });
    assert_eq!(shown, expected);
    assert_eq!(operator.data(read, json!({ "id": id })).await["lead"]["email"], "ann@example.com");
    for (search, found) in [("ann", 1), ("example", 0), ("415555", 0)] {
        assert_eq!(count(&auditor, json!({ "search": search })).await, found, "{search}");
    }
}

#[tokio::test]
async fn who_was_erased_does_not_come_back_by_hand() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ann = lead(&admin, json!({ "email": "ann@example.com", "phone": "+14155552671" })).await["lead"]["id"].clone();
    let erase = "mutation($id: ID!) { eraseLead(input: { id: $id }) { erasedId } }";
    admin.data(erase, json!({ "id": ann })).await;
    for again in
        [json!({ "email": "ANN@example.com" }), json!({ "phone": "+1 415 555 2671", "email": "a@example.com" })]
    {
        assert_eq!(try_lead(&admin, again).await.code(), "PRECONDITION_FAILED");
    }
    let bob = lead(&admin, json!({ "email": "bob@example.com" })).await["lead"]["id"].clone();
    let renamed = update(&admin, json!({ "id": bob, "email": "ann@example.com" })).await;
    assert_eq!(renamed.code(), "PRECONDITION_FAILED");
}

#[tokio::test]
async fn a_deleted_lead_takes_its_history_along_and_may_come_back() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let ids = some_leads(&operator, "gone", 1).await;
    super::contact(&operator, json!({ "leadId": ids[0], "channel": "SMS", "status": "SENT" })).await.data();
    let delete = "mutation($id: ID!) { deleteLead(input: { id: $id }) { deletedId } }";
    assert_eq!(operator.data(delete, json!({ "id": ids[0] })).await["deleteLead"]["deletedId"], ids[0]);
    assert_eq!(operator.query(delete, json!({ "id": ids[0] })).await.code(), "NOT_FOUND");
    let left = operator.data("{ contactAttempts { totalCount } }", json!({})).await;
    assert_eq!(left["contactAttempts"]["totalCount"], 0);
    assert_eq!(lead(&operator, json!({ "email": "gone0@example.com" })).await["isNew"], true);
}

#[tokio::test]
async fn leads_are_listed_by_name_and_by_address_with_those_that_have_none_first() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    for input in [
        json!({ "externalId": "b", "firstName": "Berta", "lastName": "armel", "email": "z@example.com" }),
        json!({ "externalId": "none", "phone": "+14155552671" }),
        json!({ "externalId": "a", "firstName": "anna", "email": "b@example.com" }),
        json!({ "externalId": "c", "firstName": "Я", "email": "a@example.com" }),
        json!({ "externalId": "d", "firstName": "BERTA", "lastName": "Zar", "phone": "+14155552672" }),
    ] {
        lead(&operator, input).await;
    }
    let list = "query($order: LeadOrder, $after: String) { leads(first: 2, after: $after, orderBy: $order) {
        nodes { externalId } pageInfo { hasNextPage endCursor } } }";
    let walk = async |field: &str, direction: &str| {
        let (mut found, mut after) = (Vec::new(), Json::Null);
        loop {
            let variables = json!({ "order": { "field": field, "direction": direction }, "after": after });
            let page = operator.data(list, variables).await["leads"].clone();
            let nodes = page["nodes"].as_array().unwrap();
            found.extend(nodes.iter().map(|node| node["externalId"].as_str().unwrap().to_owned()));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                return found;
            }
        }
    };
    for (field, wanted) in [("NAME", ["none", "a", "b", "d", "c"]), ("EMAIL", ["none", "d", "c", "a", "b"])] {
        assert_eq!(walk(field, "ASC").await, wanted, "{field}");
        assert_eq!(walk(field, "DESC").await, wanted.iter().rev().copied().collect::<Vec<_>>(), "{field}");
    }
    let auditor = herald.auditor().await;
    let by = async |field: &str| auditor.query(list, json!({ "order": { "field": field } })).await;
    assert_eq!(by("EMAIL").await.code(), "FORBIDDEN", "the order says what the address is");
    by("NAME").await.data();
}
