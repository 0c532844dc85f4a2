//! Each condition and each order of a list over a large table has an index, or a reason why it has none: a new one without either fails.
//! And no list is counted without end.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::harness::{Counted, Postgres, TestApp, only_on};

/// The lists that may have millions of nodes, with their tables.
const LARGE: [(&str, &str); 12] = [
    ("auditLogs", "audit_logs"),
    ("channelImports", "channel_imports"),
    ("channels", "channels"),
    ("contactAttempts", "contact_attempts"),
    ("conversions", "conversions"),
    ("jobs", "jobs"),
    ("leadImports", "lead_imports"),
    ("leads", "leads"),
    ("refusals", "refusals"),
    ("sequenceEnrollments", "sequence_enrollments"),
    ("tasks", "tasks"),
    ("webhookEvents", "webhook_events"),
];

/// Of these there are as many as people make by hand.
const SMALL: [&str; 12] = [
    "abTests",
    "apiTokens",
    "batches",
    "broadcastCampaigns",
    "conversionRules",
    "integrationConfigs",
    "retentionCampaigns",
    "retentionSequences",
    "scripts",
    "telegramAccounts",
    "templates",
    "users",
];

/// What goes by no index, and why that is well.
const WITHOUT: [(&str, &str); 0] = [];

const SCHEMA: &str = "{ __schema { types { name
    fields { name args { name type { ...T } } type { ...T } }
    inputFields { name type { ...T } } enumValues { name } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

fn named(mut of: &Json) -> &str {
    while !of["ofType"].is_null() {
        of = &of["ofType"];
    }
    of["name"].as_str().unwrap()
}

fn list<'a>(of: &'a Json, what: &str) -> impl Iterator<Item = &'a Json> {
    of[what].as_array().into_iter().flatten()
}

/// A value that a condition may have.
fn value(types: &BTreeMap<String, Json>, of_list: &str, name: &str, of: &Json) -> Json {
    if of["kind"] == "NON_NULL" {
        return value(types, of_list, name, &of["ofType"]);
    }
    if of["kind"] == "LIST" {
        return json!([value(types, of_list, name, &of["ofType"])]);
    }
    let kind = named(of);
    match kind {
        "ID" => {
            let noun = match (of_list, name) {
                ("jobs", "campaignId") | (_, "subjectId" | "resourceId") => "BroadcastCampaign",
                (_, "campaignId" | "campaignIds") => "RetentionCampaign",
                (_, "userId" | "createdById") => "User",
                (_, "sequenceId") => "RetentionSequence",
                ("channels", "ids") | (_, "channelId") => "Channel",
                ("leads", "ids") | (_, "leadId") => "Lead",
                (_, "scriptId") => "Script",
                _ => panic!("what has the id {name} of {of_list}?"),
            };
            json!(URL_SAFE_NO_PAD.encode(format!("{noun}:{}", Uuid::max())))
        }
        "Int" => json!(7),
        "Boolean" => json!(true),
        "DateTime" => json!("2026-06-01T00:00:00Z"),
        "String" => json!(match name {
            "email" => "ann@example.com",
            "phone" => "+4915123456789",
            "provider" => "twilio",
            _ => "something",
        }),
        _ => list(&types[kind], "enumValues").next().unwrap()["name"].clone(),
    }
}

/// How the database finds what a statement wants, of whatever values, if it may not do without an index.
async fn plan(herald: &TestApp, sql: &str, settings: &str) -> String {
    let values = (1..1_000).take_while(|place| sql.contains(&format!("${place}"))).map(|_| "NULL").collect::<Vec<_>>();
    let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
    let (prepare, explain) = (format!("PREPARE asked AS {sql}"), format!("EXPLAIN EXECUTE asked{values}"));
    let (prepare, explain) = (&prepare, &explain);
    let rows = herald.services().db.write(|tx| async move {
        tx.execute_unprepared(&format!("SET LOCAL plan_cache_mode = force_generic_plan; {settings}")).await?;
        tx.execute_unprepared(prepare).await?;
        let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), explain)).await?;
        tx.execute_unprepared("DEALLOCATE asked").await?;
        Ok(rows)
    });
    let rows = rows.await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_condition_and_each_order_of_a_large_list_has_an_index() {
    if !only_on(Postgres, "SQLite's planner can't be told to do without what it would choose") {
        return;
    }
    let herald = TestApp::api_only().await;
    let counted = Counted::over(&herald).await;
    let schema = counted.run(SCHEMA, Json::Null).await.1;
    let types =
        list(&schema["__schema"], "types").map(|kind| (kind["name"].as_str().unwrap().to_owned(), kind.clone()));
    let types: BTreeMap<String, Json> = types.collect();
    let large = BTreeMap::from(LARGE);
    let mut without = Vec::new();
    for field in list(&types["Query"], "fields") {
        let name = field["name"].as_str().unwrap();
        let kind = |arg: &str| list(field, "args").find(|one| one["name"] == arg).map(|one| named(&one["type"]));
        if !named(&field["type"]).ends_with("Connection") {
            continue;
        }
        let Some(table) = large.get(name) else {
            assert!(SMALL.contains(&name), "is {name} a list of a large table?");
            continue;
        };
        let of_table = |sql: &&String| sql.contains(&format!("FROM \"{table}\""));
        for condition in list(&types[kind("filter").unwrap()], "inputFields") {
            let what = condition["name"].as_str().unwrap();
            let filter = json!({ what: value(&types, name, what, &condition["type"]) });
            let query = format!("query($f: {}) {{ {name}(filter: $f) {{ totalCount }} }}", kind("filter").unwrap());
            let statements = counted.run_for(&query, json!({ "f": filter })).await;
            for sql in statements.iter().filter(of_table) {
                // A bitmap is made of what an index has for a condition, and of nothing else.
                let settings = "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off";
                let plan = plan(&herald, sql, settings).await;
                if plan.contains(&format!("Seq Scan on {table}")) {
                    without.push(format!("{name} where {what}"));
                }
            }
        }
        // As it is sorted unless told otherwise, and in each other way.
        let mut orders = vec![(name.to_owned(), String::new())];
        if let Some(order) = kind("orderBy") {
            let words = list(&types[order], "inputFields").find(|one| one["name"] == "field").unwrap();
            for word in list(&types[named(&words["type"])], "enumValues") {
                let word = word["name"].as_str().unwrap();
                orders.push((format!("{name} by {word}"), format!(", orderBy: {{ field: {word}, direction: DESC }}")));
            }
        }
        for (told, order) in orders {
            let query = format!("{{ {name}(first: 3{order}) {{ nodes {{ id }} }} }}");
            for sql in counted.statements(&query).await.iter().filter(of_table) {
                let plan = plan(&herald, sql, "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off").await;
                // Those alike in the index may be sorted among themselves: an incremental sort.
                let is_sort = |line: &str| line.trim_start_matches([' ', '-', '>']).starts_with("Sort  (");
                if plan.lines().any(is_sort) {
                    without.push(told.clone());
                }
            }
        }
    }
    let known: Vec<&str> = WITHOUT.iter().map(|(what, _)| *what).collect();
    assert_eq!(without, known);
}

/// How the database finds what a statement of `table` wants.
async fn found_by(herald: &TestApp, counted: &Counted, query: &str, table: &str) -> String {
    let statements = counted.statements(query).await;
    let sql = statements.iter().rfind(|sql| sql.contains(&format!("FROM \"{table}\""))).unwrap();
    if herald.services().db.is_postgres() {
        return plan(herald, sql, "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off").await;
    }
    let explain = Statement::from_string(herald.services().db.backend(), format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = herald.services().db.reader().query_all_raw(explain).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(3).unwrap()).collect::<Vec<_>>().join("\n")
}

/// What became of the contacts with a script is added up without a look at the contacts.
#[tokio::test]
async fn the_numbers_of_a_script_come_from_its_index_alone() {
    let herald = TestApp::api_only().await;
    let counted = Counted::over(&herald).await;
    let script = URL_SAFE_NO_PAD.encode(format!("Script:{}", Uuid::max()));
    let query = format!("{{ contactAttemptStats(filter: {{ scriptId: \"{script}\" }}) {{ total }} }}");
    let plan = found_by(&herald, &counted, &query, "contact_attempts").await;
    let is_alone =
        ["Index Only Scan using contact_attempts_script_id", "USING COVERING INDEX contact_attempts_script_id"];
    assert!(is_alone.iter().any(|way| plan.contains(way)), "{plan}");
}

/// On SQLite, which has no numbers from which it could choose.
#[tokio::test]
async fn leads_of_a_large_campaign_are_met_in_the_order_of_the_list_and_of_a_small_one_by_their_ids() {
    let herald = TestApp::api_only().await;
    let (admin, on) = (herald.admin().await, herald.services());
    let made = "mutation($name: String!) { createRetentionCampaign(input: { name: $name, channels: [CALL], contactHoursStart: \"00:00\",
        contactHoursEnd: \"23:59\", contactDays: [MON], timeZone: \"UTC\" }) { campaign { id } } }";
    crate::letters::fill(on, 10_050).await;
    let mut pages = Vec::new();
    for (name, which) in [("large", "TRUE"), ("small", "email LIKE '%7@many.example'")] {
        let id = admin.data(made, json!({ "name": name })).await["createRetentionCampaign"]["campaign"]["id"].clone();
        let new = if on.db.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
        let fill = &format!(
            "INSERT INTO campaign_leads (id, campaign_id, lead_id, status, assigned_at)
             SELECT {new}, c.id, l.id, 'PENDING', l.created_at FROM leads l, retention_campaigns c WHERE c.name = '{name}' AND {which}"
        );
        on.db.write(|tx| async move { Ok(tx.execute_unprepared(fill).await.map(drop)?) }).await.unwrap();
        let list = format!("leads(first: 40, filter: {{ campaignIds: [{id}] }}) {{ nodes {{ email }} totalCount }}");
        let others = "leads(first: 40) { nodes { email } }";
        let found = admin.data(&format!("{{ list: {list} others: {others} }}"), json!({})).await;
        assert_eq!(found["list"]["nodes"].as_array().unwrap().len(), 40);
        assert_eq!(name == "large", found["list"]["nodes"] == found["others"]["nodes"], "{name}");
        let counted = Counted::over(&herald).await;
        pages.push(found_by(&herald, &counted, &format!("{{ {list} }}").replace(" totalCount", ""), "leads").await);
    }
    if !on.db.is_postgres() {
        assert!(pages[0].contains("CORRELATED") && !pages[0].contains("USE TEMP B-TREE"), "{}", pages[0]);
        assert!(pages[1].contains("LIST SUBQUERY"), "{}", pages[1]);
    }
}

/// Where no number is kept a list is counted so far and no further, and says so; a condition on what lies below a node, too.
#[tokio::test]
async fn a_length_that_nobody_keeps_is_counted_up_to_a_limit_and_says_so() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let is_postgres = herald.services().db.is_postgres();
    let (numbers, id) = if is_postgres {
        ("generate_series(1, 10050) AS s(n)", "gen_random_uuid()")
    } else {
        let numbers =
            "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10050) SELECT n FROM s)";
        (numbers, "randomblob(16)")
    };
    let at = "'2026-03-01T12:00:00.000000Z'";
    let fill = format!(
        "INSERT INTO channels (id, username, category, category_fold, is_verified, collected_at, created_at, updated_at)
         SELECT {id}, 'part_' || n, 'a', 'a', n > 20, {at}, {at}, {at} FROM {numbers}"
    );
    let (db, fill) = (&herald.services().db, &fill);
    db.write(|tx| async move { Ok(tx.execute_unprepared(fill).await.map(drop)?) }).await.unwrap();
    let batch = "mutation { createBatch(input: { name: \"all\", all: true }) { batch { channelCount } } }";
    admin.data(batch, json!({})).await;
    let query = "{ all: channels { totalCount isExact } part: channels(filter: { usernameContains: \"part\" }) { isExact totalCount }
        few: channels(filter: { isVerified: false, usernameContains: \"part\" }) { totalCount isExact }
        batches { nodes { channels { totalCount isExact } some: channels(filter: { isVerified: true }) { totalCount isExact }
            few: channels(filter: { isVerified: false }) { totalCount isExact } } } }";
    let found = admin.data(query, json!({})).await;
    let (all, few) = (json!({ "totalCount": 10_050, "isExact": true }), json!({ "totalCount": 20, "isExact": true }));
    let some = json!({ "totalCount": 10_001, "isExact": false });
    assert_eq!((&found["all"], &found["few"]), (&all, &few));
    assert_eq!(found["part"], some);
    assert_eq!(found["batches"]["nodes"][0], json!({ "channels": all, "some": some, "few": few }));
}
