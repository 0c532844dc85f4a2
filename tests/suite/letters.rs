//! Parts of words are found by an index of their letters on SQLite too, and what it finds is what a look at every row finds.

use std::collections::BTreeSet;
use std::sync::Mutex;

use domain::id::LeadId;
use sea_orm::{ConnectionTrait, DatabaseBackend, EntityTrait, QueryTrait, Select, Statement};
use serde_json::json;
use service::Services;
use service::check::{self, Finding};
use service::retention::lead_erase;
use storage::Folded;
use storage::broadcast::channel_filter::ChannelFilter;
use storage::letters::{BEHIND, sort_in};
use storage::retention::lead;
use storage::retention::lead_filter::LeadFilter;

use crate::harness::{Sqlite, TestApp, only_on};
use crate::retention::rows;

const WHY: &str = "PostgreSQL keeps its indexes by itself";

async fn run(on: &Services, sql: &str) {
    on.db.write(|tx| async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }).await.unwrap();
}

async fn number(on: &Services, sql: &str) -> i64 {
    let row = on.db.reader().query_one_raw(Statement::from_string(on.db.backend(), sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

/// Puts `count` leads more into the table, and as many channels: many of each are alike.
pub async fn fill(on: &Services, count: usize) {
    let (numbers, id) = if on.db.is_postgres() {
        (format!("generate_series(1, {count}) AS s(n)"), "gen_random_uuid()")
    } else {
        let numbers = format!(
            "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)"
        );
        (numbers, "randomblob(16)")
    };
    let at = "'2026-03-01T12:00:00.000000Z'";
    run(
        on,
        &format!(
            "INSERT INTO leads (id, first_name, names_fold, email, source, status, meta, created_at, updated_at)
             SELECT {id}, 'Common', CASE WHEN n = 77 THEN 'common rarity' ELSE 'common' END, 'm' || n || '@many.example', 'LIST', 'NEW',
                 '{{}}', {at}, {at} FROM {numbers}"
        ),
    )
    .await;
    run(
        on,
        &format!(
            "INSERT INTO channels (id, username, category, category_fold, collected_at, created_at, updated_at)
             SELECT {id}, 'common_' || n || CASE WHEN n = 77 THEN '_rarity' ELSE '' END, 'a', 'a', {at}, {at}, {at} FROM {numbers}"
        ),
    )
    .await;
}

fn search(text: &str) -> LeadFilter {
    LeadFilter { search: Some(text.into()), ..LeadFilter::default() }
}

fn username(part: &str) -> ChannelFilter {
    ChannelFilter { username_contains: Some(part.into()), ..ChannelFilter::default() }
}

/// Whether SQLite would go by the index of letters.
async fn goes_by_letters<E: EntityTrait>(on: &Services, select: &Select<E>) -> bool {
    let statement = select.build(DatabaseBackend::Sqlite);
    let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
    let rows = on.db.reader().query_all_raw(Statement { sql, ..statement }).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.try_get_by_index(3).unwrap()).collect();
    let is_narrowed = plan.iter().any(|step| step.contains("SEARCH leads USING INTEGER PRIMARY KEY"))
        || plan.iter().any(|step| step.contains("SEARCH channels USING INTEGER PRIMARY KEY"));
    is_narrowed && plan.iter().any(|step| step.contains("VIRTUAL TABLE INDEX"))
}

async fn ids(on: &Services, select: Select<lead::Entity>) -> BTreeSet<LeadId> {
    select.all(on.db.reader()).await.unwrap().into_iter().map(|row| row.id).collect()
}

/// Texts that are hard to search, as they are folded.
const NAMES: [&str; 15] = [
    "анна\nелкина",
    "jörg\ngross_e",
    "strasse 5%",
    "日本語 ガ",
    "\"quoted\" name",
    "o'neil \\ back",
    "istanbul i\u{307}i",
    "dž ĳssel",
    "a😀b😀c",
    "ann* or near(bob)",
    "li",
    "",
    "e\u{301}clair {x} : y",
    "an-na ^caret",
    "x \u{308}nna",
];

#[tokio::test]
async fn each_part_of_a_text_finds_what_a_look_at_every_row_finds() {
    let herald = TestApp::api_only().await;
    let on = herald.services();
    let leads: Vec<lead::Model> = NAMES
        .iter()
        .enumerate()
        .map(|(n, name)| lead::Model {
            names_fold: Folded::of(name),
            email: Some(format!("mail.{n}_x@exämple{n}.org")),
            phone: Some(format!("+49151234567{n:02}")),
            ..rows::lead(on.now())
        })
        .collect();
    // The index knows half of them, and the others are looked at one by one.
    let (known, unknown) = leads.split_at(leads.len() / 2);
    rows::insert::<lead::Entity, _>(on, known.to_vec()).await;
    sort_in(&on.db, 1).await.unwrap();
    rows::insert::<lead::Entity, _>(on, unknown.to_vec()).await;
    let mut parts = BTreeSet::from([
        "0049 151".to_owned(),
        "(0151) 2345".into(),
        "xn--".into(),
        "@exämple1.org".into(),
        "\0".into(),
        "\u{a8}nna".into(),
    ]);
    for text in NAMES.iter().copied().chain(["mail.3_x@exämple3.org", "+4915123456703"]) {
        let letters: Vec<char> = text.chars().collect();
        for from in 0..letters.len() {
            for to in from + 1..=letters.len().min(from + 7) {
                parts.insert(letters[from..to].iter().collect());
            }
        }
    }
    let (mut narrowed, mut found) = (0, 0);
    for part in &parts {
        for is_blind_to_contacts in [false, true] {
            if part.contains('\0') && on.db.is_postgres() {
                continue;
            }
            let filter = LeadFilter { is_blind_to_contacts, ..search(part) };
            let all = ids(on, filter.select()).await;
            let by_index = filter.narrowed(on.db.reader()).await.unwrap();
            assert_eq!(ids(on, by_index.clone()).await, all, "{part:?}");
            narrowed += usize::from(!on.db.is_postgres() && goes_by_letters(on, &by_index).await);
            found += all.len();
        }
    }
    assert!(found > parts.len(), "{found} of {}", parts.len());
    assert!(on.db.is_postgres() || narrowed > parts.len(), "{narrowed} of {}", parts.len());
}

#[tokio::test]
async fn what_few_have_goes_by_the_index_and_what_many_have_by_the_order_of_the_list() {
    if !only_on(Sqlite, "PostgreSQL's planner knows which words are rare") {
        return;
    }
    let herald = TestApp::api_only().await;
    let (on, admin) = (herald.services(), herald.admin().await);
    fill(on, 10_050).await;
    let db = on.db.reader();
    let unsorted = search("rarity").narrowed(db).await.unwrap();
    assert!(!goes_by_letters(on, &unsorted).await, "so many are not looked at one by one");
    sort_in(&on.db, BEHIND).await.unwrap();
    for (text, is_rare) in [
        ("rarity", true),
        ("m77@many", true),
        ("common", false),
        ("common rarity", true),
        ("co", false),
        ("ra rarity", true),
    ] {
        let leads = search(text).narrowed(db).await.unwrap();
        assert_eq!(goes_by_letters(on, &leads).await, is_rare, "{text}");
    }
    for (part, is_rare) in [("@77_rarity", true), ("https://t.me/common_77_", true), ("common", false), ("_7", false)] {
        let channels = username(part).narrowed(db).await.unwrap();
        assert_eq!(goes_by_letters(on, &channels).await, is_rare, "{part}");
    }
    let query = "{ rare: leads(filter: { search: \"RARITY\" }) { totalCount isExact nodes { firstName } }
        many: leads(filter: { search: \"many\" }, first: 2) { totalCount isExact nodes { firstName } }
        leadStats(filter: { search: \"rarity\" }) { total }
        channels(filter: { usernameContains: \"rarity\" }) { totalCount isExact nodes { username } } }";
    let found = admin.data(query, json!({})).await;
    assert_eq!(found["rare"], json!({ "totalCount": 1, "isExact": true, "nodes": [{ "firstName": "Common" }] }));
    assert_eq!((&found["many"]["totalCount"], &found["many"]["isExact"]), (&json!(10_001), &json!(false)));
    assert_eq!(found["leadStats"]["total"], 1);
    assert_eq!(
        found["channels"],
        json!({ "totalCount": 1, "isExact": true, "nodes": [{ "username": "common_77_rarity" }] })
    );
}

/// How many blocks of the index have these bytes.
async fn blocks(on: &Services, hex: &str) -> i64 {
    number(on, &format!("SELECT COUNT(*) FROM leads_search_data WHERE instr(hex(block), '{hex}') > 0")).await
}

#[tokio::test]
async fn of_an_erased_person_no_letter_stays_in_the_index() {
    if !only_on(Sqlite, WHY) {
        return;
    }
    let herald = TestApp::api_only().await;
    let (on, admin) = (herald.services(), herald.admin().await);
    fill(on, 500).await;
    sort_in(&on.db, BEHIND).await.unwrap();
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
    // Letters that share no byte with those of others: an index leaves out what a word has in common with the one before.
    let known = [("日本語", "97A5"), ("한국말", "959C"), ("ガギグ", "82AC")];
    let mut ids = Vec::new();
    for (n, (name, hex)) in known.iter().enumerate() {
        let input = json!({ "firstName": name, "email": format!("p{n}@person.example") });
        let id = admin.data(create, json!({ "input": input })).await["createLead"]["lead"]["id"].clone();
        ids.push(id);
        sort_in(&on.db, 1).await.unwrap();
        assert!(blocks(on, hex).await > 0, "{name} can be seen where it is");
    }
    let erase = "mutation($id: ID!) { eraseLead(input: { id: $id }) { erasedId } }";
    let delete = "mutation($id: ID!) { deleteLead(input: { id: $id }) { deletedId } }";
    let update = "mutation($id: ID!) { updateLead(input: { id: $id, firstName: \"Other\" }) { lead { id } } }";
    for ((mutation, id), (name, hex)) in [erase, delete, update].iter().zip(&ids).zip(known) {
        admin.data(mutation, json!({ "id": id })).await;
        assert_eq!(blocks(on, hex).await, 0, "{name}");
    }
    // The index has what the table has, text by text.
    run(on, "INSERT INTO leads_search (leads_search, rank) VALUES ('integrity-check', 1)").await;
    run(on, "INSERT INTO channels_search (channels_search, rank) VALUES ('integrity-check', 1)").await;
    let rare = search("rarity").narrowed(on.db.reader()).await.unwrap().all(on.db.reader()).await.unwrap();
    lead_erase::erase(on, &service::Actor::system(), rare[0].id).await.unwrap();
    assert!(search("rarity").select().all(on.db.reader()).await.unwrap().is_empty());
}

async fn look(on: &Services, mends: bool) -> Vec<String> {
    let found = Mutex::new(Vec::new());
    let tell = |finding: &Finding| found.lock().unwrap().push(finding.found.clone());
    Box::pin(check::run(on, None, true, mends, &tell)).await.unwrap();
    found.into_inner().unwrap()
}

#[tokio::test]
async fn the_index_is_filled_by_the_update_checked_mended_and_right_in_a_compacted_file_and_in_a_copy() {
    if !only_on(Sqlite, WHY) {
        return;
    }
    let herald = TestApp::api_only().await;
    let on = herald.services();
    for part in
        ["changed", "removed"].iter().flat_map(|what| ["leads", "channels"].map(|of| format!("{of}_search_{what}")))
    {
        run(on, &format!("DROP TRIGGER {part}")).await;
    }
    for table in ["leads", "channels"] {
        run(on, &format!("DROP TABLE {table}_search")).await;
    }
    run(on, "DROP TABLE letters").await;
    run(on, "DELETE FROM seaql_migrations WHERE version LIKE '%_letters'").await;
    fill(on, 400).await;
    assert_eq!(on.db.migrate().await.unwrap(), 2);
    let count = async |on: &Services| {
        number(on, "SELECT COUNT(*) FROM leads_search WHERE leads_search MATCH '\"rarity\"'").await
            + number(on, "SELECT COUNT(*) FROM channels_search WHERE channels_search MATCH '\"rarity\"'").await
    };
    assert_eq!(count(on).await, 2);
    assert_eq!(look(on, false).await, Vec::<String>::new());
    // Numbers that were given anew would lead to others.
    run(on, "DELETE FROM leads WHERE names_fold = 'common' AND email LIKE 'm1%'").await;
    run(on, "DELETE FROM channels WHERE username LIKE 'common_1%'").await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    on.db.copy_to(&copy).await.unwrap();
    on.db.compact().await.unwrap();
    let copied = Services { db: storage::Db::sqlite(&copy).await.unwrap(), ..on.clone() };
    for on in [on, &copied] {
        let found = search("rarity").narrowed(on.db.reader()).await.unwrap();
        assert!(goes_by_letters(on, &found).await);
        assert_eq!(found.all(on.db.reader()).await.unwrap().len(), 1);
        run(on, "INSERT INTO leads_search (leads_search, rank) VALUES ('integrity-check', 1)").await;
        run(on, "INSERT INTO channels_search (channels_search, rank) VALUES ('integrity-check', 1)").await;
    }
    copied.db.close().await.unwrap();
    run(on, "INSERT INTO leads_search (leads_search) VALUES ('delete-all')").await;
    let lacks = look(on, false).await;
    assert!(lacks.len() == 1 && lacks[0].contains("rows of leads are in the index of their letters"), "{lacks:?}");
    assert_eq!(look(on, true).await, lacks);
    assert_eq!(look(on, false).await, Vec::<String>::new());
    assert_eq!(count(on).await, 2);
}

async fn found(on: &Services, text: &str) -> (usize, bool) {
    let select = search(text).narrowed(on.db.reader()).await.unwrap();
    (select.clone().all(on.db.reader()).await.unwrap().len(), goes_by_letters(on, &select).await)
}

#[tokio::test]
async fn what_the_index_does_not_know_yet_is_found_and_what_has_another_number_does_not_mislead_it() {
    if !only_on(Sqlite, WHY) {
        return;
    }
    let herald = TestApp::api_only().await;
    let on = herald.services();
    fill(on, 400).await;
    assert_eq!(number(on, "SELECT COUNT(*) FROM leads_search_docsize").await, 0, "not in their own transaction");
    assert_eq!(found(on, "rarity").await, (1, true));
    sort_in(&on.db, BEHIND).await.unwrap();
    assert_eq!(number(on, "SELECT COUNT(*) FROM leads_search_docsize").await, 0, "so few are not worth it");
    sort_in(&on.db, 1).await.unwrap();
    assert_eq!(number(on, "SELECT COUNT(*) FROM leads_search_docsize").await, 400);
    assert_eq!(found(on, "rarity").await, (1, true));
    assert_eq!(look(on, false).await, Vec::<String>::new());
    // The number of the last one is given again.
    let add = "INSERT INTO leads (id, names_fold, email, source, status, meta, created_at, updated_at)
        VALUES (randomblob(16), 'another rarity', NULL, 'LIST', 'NEW', '{}', '2026-03-01 00:00:00+00:00', '2026-03-01 00:00:00+00:00')";
    for round in 0..3 {
        run(on, "DELETE FROM leads WHERE rowid >= 400").await;
        run(on, add).await;
        assert_eq!(number(on, "SELECT MAX(rowid) FROM leads").await, 400);
        assert_eq!(found(on, "rarity").await, (2, true), "{round}");
        assert_eq!(found(on, "m400@many").await, (0, true), "{round}");
        if round == 1 {
            sort_in(&on.db, 1).await.unwrap();
        }
        assert_eq!(look(on, false).await, Vec::<String>::new(), "{round}");
    }
    run(on, "DELETE FROM leads WHERE rowid >= 400").await;
    // As a dump that is read in again has them.
    run(on, "DELETE FROM leads WHERE rowid <= 10").await;
    run(on, "UPDATE leads SET rowid = rowid - 10").await;
    assert_eq!(found(on, "rarity").await, (1, false), "the index is asked nothing");
    assert_eq!(look(on, false).await.len(), 1);
    sort_in(&on.db, BEHIND).await.unwrap();
    assert_eq!(found(on, "rarity").await, (1, true));
    assert_eq!(look(on, false).await, Vec::<String>::new());
    run(on, "INSERT INTO leads_search (leads_search, rank) VALUES ('integrity-check', 1)").await;
    // Nobody is left.
    run(on, "DELETE FROM leads").await;
    assert_eq!(number(on, "SELECT number FROM letters WHERE name = 'leads'").await, 0);
    run(on, add).await;
    assert_eq!(found(on, "rarity").await, (1, true));
    sort_in(&on.db, 1).await.unwrap();
    assert_eq!(found(on, "rarity").await, (1, true));
    assert_eq!(look(on, true).await, Vec::<String>::new());
}
