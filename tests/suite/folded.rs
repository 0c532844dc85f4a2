//! Searches and orders by name: one fold of text, whichever the database, in any case and spelling.

use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};

use crate::harness::{Client, TestApp, eventually};
use herald::app::Parts;

/// Names that are hard to sort and to search, in the order that is wanted.
const SORTED: [&str; 12] =
    ["50% off", "ALPHA", "Alpha", "alpha", "beta_1", "betaX1", "Straße", "Z", "Éclair", "Ёж", "ёлка", "Яблоко"];

/// Parts of names, and the names that have them.
const FOUND: [(&str, &[&str]); 10] = [
    ("aLPHA", &["ALPHA", "Alpha", "alpha"]),
    ("ЯБЛОКО", &["Яблоко"]),
    ("яблоко", &["Яблоко"]),
    ("еж", &["Ёж"]),
    ("ЕЛКА", &["ёлка"]),
    ("STRASSE", &["Straße"]),
    ("e\u{301}CLAIR", &["Éclair"]),
    ("a_1", &["beta_1"]),
    (" % ", &["50% off"]),
    ("\\", &[]),
];

struct List {
    create: &'static str,
    input: Json,
    name: &'static str,
    part: &'static str,
    order: &'static str,
}

fn lists(batch: &Json, template: &Json) -> Vec<List> {
    let list = |create, input, name, part, order| List { create, input, name, part, order };
    vec![
        list("CreateTemplateInput createTemplate", json!({ "content": "x" }), "templates", "nameContains", "Template"),
        list("CreateBatchInput createBatch", json!({}), "batches", "nameContains", "Batch"),
        list(
            "CreateBroadcastCampaignInput createBroadcastCampaign",
            json!({ "batchId": batch, "templateId": template, "mode": "TEST" }),
            "broadcastCampaigns",
            "nameContains",
            "BroadcastCampaign",
        ),
        list(
            "CreateScriptInput createScript",
            json!({ "type": "SMS", "content": "x" }),
            "scripts",
            "nameContains",
            "Script",
        ),
        list(
            "CreateRetentionCampaignInput createRetentionCampaign",
            json!({ "channels": ["EMAIL"] }),
            "retentionCampaigns",
            "search",
            "RetentionCampaign",
        ),
        list(
            "CreateRetentionSequenceInput createRetentionSequence",
            json!({ "triggerType": "MANUAL" }),
            "retentionSequences",
            "search",
            "RetentionSequence",
        ),
    ]
}

impl List {
    async fn fill(&self, by: &Client) {
        let (input, create) = self.create.split_once(' ').unwrap();
        let mutation = format!("mutation($input: {input}!) {{ {create}(input: $input) {{ __typename }} }}");
        // Last first: no list is in its order by chance.
        for name in SORTED.iter().rev() {
            let mut fields = self.input.clone();
            fields["name"] = json!(name);
            by.data(&mutation, json!({ "input": fields })).await;
        }
    }

    async fn names(&self, by: &Client, arguments: &str) -> (Vec<String>, Json) {
        let Self { name: list, .. } = self;
        let read = format!("{{ {list}(first: 100, {arguments}) {{ nodes {{ name }} pageInfo {{ endCursor }} }} }}");
        let page = by.data(&read, json!({})).await[*list].clone();
        let names = page["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned());
        (names.collect(), page["pageInfo"]["endCursor"].clone())
    }

    async fn found(&self, by: &Client, part: &str) -> Vec<String> {
        let mut names = self.names(by, &format!("filter: {{ {}: {} }}", self.part, json!(part))).await.0;
        names.sort_unstable();
        names
    }
}

#[tokio::test]
async fn names_are_found_in_any_case_and_sorted_as_people_sort_on_both_databases() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let batch = "mutation { createBatch(input: { name: \"one\",  }) { batch { id } } }";
    let batch = admin.data(batch, json!({})).await["createBatch"]["batch"]["id"].clone();
    let template = "mutation { createTemplate(input: { name: \"one\", content: \"x\" }) { template { id } } }";
    let template = admin.data(template, json!({})).await["createTemplate"]["template"]["id"].clone();
    for list in lists(&batch, &template) {
        list.fill(&admin).await;
        for (part, wanted) in FOUND {
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            assert_eq!(list.found(&admin, part).await, wanted, "{} with {part}", list.name);
        }
        let by_name = |direction: &str| format!("orderBy: {{ field: NAME, direction: {direction} }}");
        let (mut sorted, _) = list.names(&admin, &by_name("ASC")).await;
        sorted.retain(|name| name != "one");
        assert_eq!(sorted, SORTED, "{}", list.name);
        let (mut falling, _) = list.names(&admin, &by_name("DESC")).await;
        falling.retain(|name| name != "one");
        falling.reverse();
        assert_eq!(falling, SORTED, "{} from the end", list.name);
        // A page a name: each cursor goes on behind its own name, also among those that differ in case only.
        let (mut walked, mut after) = (Vec::new(), String::new());
        loop {
            let List { name: list, order, .. } = &list;
            let read = format!(
                "query($o: {order}Order) {{ {list}(first: 1, {after} orderBy: $o) {{ nodes {{ name }}
                 pageInfo {{ endCursor hasNextPage }} }} }}"
            );
            let order = json!({ "o": { "field": "NAME", "direction": "ASC" } });
            let page = admin.data(&read, order).await[*list].clone();
            walked.push(page["nodes"][0]["name"].as_str().unwrap().to_owned());
            after = format!("after: {},", page["pageInfo"]["endCursor"]);
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        walked.retain(|name| name != "one");
        assert_eq!(walked, SORTED, "{} page by page", list.name);
    }
}

async fn leads(by: &Client, search: &str) -> Vec<String> {
    let read = "query($s: String) { leads(first: 100, filter: { search: $s }) { nodes { externalId } } }";
    let found = by.data(read, json!({ "s": search })).await["leads"]["nodes"].clone();
    let ids = found.as_array().unwrap().iter().map(|lead| lead["externalId"].as_str().unwrap().to_owned());
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    ids
}

async fn create_lead(by: &Client, input: Json) -> Json {
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id version } } }";
    by.data(create, json!({ "input": input })).await["createLead"]["lead"].clone()
}

/// Leads that came by each way: by hand, and by a list.
async fn people(by: &Client) {
    create_lead(by, json!({ "externalId": "anna", "firstName": "Анна", "lastName": "Ёлкина", "email": "A1@x.org" }))
        .await;
    create_lead(by, json!({ "externalId": "jorg", "firstName": "JÖRG", "lastName": "Groß_e", "email": "j@x.org" }))
        .await;
    let list = "externalId,firstName,lastName,email\nlist,ЁЖИК,МÜЛЛЕР,L@x.org\nnone,,,n@x.org\n";
    let upload = by.upload(list).await;
    let import = "mutation($id: ID!) { importLeads(input: { uploadId: $id }) { import { id } } }";
    let import = by.data(import, json!({ "id": upload })).await["importLeads"]["import"]["id"].clone();
    eventually("the list is in", async || {
        let read = "query($id: ID!) { leadImport(id: $id) { status inserted } }";
        by.data(read, json!({ "id": import })).await["leadImport"] == json!({ "status": "COMPLETED", "inserted": 2 })
    })
    .await;
}

#[tokio::test]
async fn leads_are_found_in_any_case_wherever_they_came_from_and_mutations_find_the_same() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    people(&admin).await;
    let table: [(&str, &[&str]); 12] = [
        ("анна", &["anna"]),
        ("АННА", &["anna"]),
        ("елкина", &["anna"]),
        ("ёлкина АнНа", &["anna"]),
        ("jörg", &["jorg"]),
        ("jo\u{308}RG", &["jorg"]),
        ("GROSS", &["jorg"]),
        ("ß_", &["jorg"]),
        ("ежик мüллер", &["list"]),
        ("A1@X.ORG", &["anna"]),
        ("jorg", &[]),
        ("%", &[]),
    ];
    for (search, wanted) in table {
        assert_eq!(leads(&admin, search).await, wanted, "{search}");
    }
    // A change takes the old name away.
    let lead = create_lead(&admin, json!({ "externalId": "new", "firstName": "Ольга", "email": "new@x.org" })).await;
    let update = "mutation($id: ID!, $name: String) {
        updateLead(input: { id: $id, firstName: $name }) { lead { version } } }";
    admin.data(update, json!({ "id": lead["id"], "name": "ЮЛИЯ" })).await;
    assert_eq!((leads(&admin, "ольга").await, leads(&admin, "юлия").await), (vec![], vec!["new".to_owned()]));

    let campaign =
        "mutation { createRetentionCampaign(input: { name: \"c\", channels: [EMAIL] }) { campaign { id } } }";
    let campaign = admin.data(campaign, json!({})).await["createRetentionCampaign"]["campaign"]["id"].clone();
    let assign = "mutation($c: ID!, $s: String) {
        assignLeads(input: { campaignId: $c, filter: { search: $s } }) { assigned } }";
    let assigned = admin.data(assign, json!({ "c": campaign, "s": "АННА" })).await;
    assert_eq!(assigned["assignLeads"]["assigned"], 1);
    let remove = "mutation($c: ID!, $s: String) {
        removeLeads(input: { campaignId: $c, filter: { search: $s } }) { removed } }";
    let removed = admin.data(remove, json!({ "c": campaign, "s": "еЛКИНА" })).await;
    assert_eq!(removed["removeLeads"]["removed"], 1);
}

async fn channels(by: &Client) {
    for (username, category) in
        [("ch_one", "Новости"), ("ch_two", "НОВОСТИ"), ("ch_three", "Ёлки"), ("ch_four", "cars")]
    {
        let create = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
        by.data(create, json!({ "input": { "username": username, "category": category } })).await;
    }
    let upload = by.upload("{\"username\":\"ch_five\",\"category\":\"нОвОсТи\"}\n").await;
    let import = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id } } }";
    let import = by.data(import, json!({ "id": upload })).await["importChannels"]["import"]["id"].clone();
    eventually("the list is in", async || {
        let read = "query($id: ID!) { channelImport(id: $id) { status } }";
        by.data(read, json!({ "id": import })).await["channelImport"]["status"] == "COMPLETED"
    })
    .await;
}

#[tokio::test]
async fn categories_are_one_in_any_case_with_blanks_around_them_too() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    channels(&admin).await;
    let count = async |filter: Json| {
        let read = "query($f: ChannelFilter) { channels(filter: $f) { totalCount } }";
        admin.data(read, json!({ "f": filter })).await["channels"]["totalCount"].clone()
    };
    for category in ["новости", "НОВОСТИ", " Новости "] {
        assert_eq!(count(json!({ "category": category })).await, 3, "{category}");
        assert_eq!(count(json!({ "categories": [category, "CARS", "ЕЛКИ"] })).await, 5, "{category}");
    }
    assert_eq!(count(json!({ "category": "новости", "categories": ["НОВОСТИ", "cars"] })).await, 3);
    assert_eq!(count(json!({ "usernameContains": " CH_T" })).await, 2);
    let batch = "mutation { createBatch(input: { name: \"n\", filter: { category: \" НОВОСТИ\" } }) { batch { channelCount } } }";
    assert_eq!(admin.data(batch, json!({})).await["createBatch"]["batch"]["channelCount"], 3);
    let categories = admin.data("{ channelCategories { category channelCount } }", json!({})).await;
    assert_eq!(categories["channelCategories"][0], json!({ "category": "НОВОСТИ", "channelCount": 3 }));
    assert_eq!(categories["channelCategories"].as_array().unwrap().len(), 3);
    let sorted = "{ channels(orderBy: { field: CATEGORY }) { nodes { category } } }";
    let sorted = admin.data(sorted, json!({})).await["channels"]["nodes"].clone();
    let sorted: Vec<_> = sorted.as_array().unwrap().iter().map(|channel| channel["category"].clone()).collect();
    assert_eq!(sorted, ["cars", "Ёлки", "НОВОСТИ", "Новости", "нОвОсТи"]);
}

#[tokio::test]
async fn rows_from_before_are_folded_when_herald_is_updated() {
    let mut herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    people(&admin).await;
    channels(&admin).await;
    let batch = "mutation { createBatch(input: { name: \"Ёлка\",  }) { batch { id } } }";
    admin.data(batch, json!({})).await;
    before(&herald).await;
    herald.restart(Parts { api: true, worker: false }).await;
    let admin = herald.admin().await;
    assert_eq!(leads(&admin, "елкина").await, ["anna"]);
    assert_eq!(leads(&admin, "ежик").await, ["list"]);
    let found = "{ batches(filter: { nameContains: \"ЕЛКА\" }) { totalCount } }";
    assert_eq!(admin.data(found, json!({})).await["batches"]["totalCount"], 1);
    let found = "{ channels(filter: { category: \"новости\" }) { totalCount } }";
    assert_eq!(admin.data(found, json!({})).await["channels"]["totalCount"], 3);
}

/// Makes the database what it was before texts were folded.
async fn before(herald: &TestApp) {
    let columns = [
        ("batches", "name_fold"),
        ("templates", "name_fold"),
        ("broadcast_campaigns", "name_fold"),
        ("scripts", "name_fold"),
        ("retention_sequences", "name_fold"),
        ("retention_sequences", "description_fold"),
        ("retention_campaigns", "name_fold"),
        ("retention_campaigns", "description_fold"),
        ("api_tokens", "name_fold"),
        ("telegram_accounts", "label_fold"),
        ("leads", "names_fold"),
        ("channels", "category_fold"),
    ];
    let indexes = columns.iter().filter(|(table, column)| *table != "leads" && !column.starts_with("desc"));
    let mut statements: Vec<String> = indexes.map(|(table, column)| format!("DROP INDEX {table}_{column}")).collect();
    statements.extend(
        ["channels_category_fold_member_count", "leads_names", "leads_emails"].map(|name| format!("DROP INDEX {name}")),
    );
    statements.extend(columns.iter().map(|(table, column)| format!("ALTER TABLE {table} DROP COLUMN {column}")));
    statements.extend([
        "CREATE INDEX templates_name ON templates (name, id)".into(),
        "CREATE INDEX telegram_accounts_label ON telegram_accounts (label, id)".into(),
        "CREATE INDEX channels_category ON channels (category, id)".into(),
        "CREATE INDEX channels_category_member_count ON channels (category, (COALESCE(member_count, -1)), id)".into(),
        "DELETE FROM seaql_migrations WHERE version LIKE '%000230_folded_texts' OR version LIKE '%_orders_of_leads'"
            .into(),
    ]);
    if herald.services().db.is_postgres() {
        // Later updates count by these columns and have an index of them.
        for table in ["leads", "contact_attempts", "campaign_leads", "sequence_step_executions", "channels"] {
            statements.insert(0, format!("DROP FUNCTION tally_{table} CASCADE"));
        }
        let later = "DELETE FROM seaql_migrations WHERE version LIKE '%000281%' OR version LIKE '%000284%'";
        statements.extend(["DROP TABLE tallies".into(), "DROP INDEX channels_search".into(), later.into()]);
    } else {
        for index in ["leads_search", "channels_search"] {
            let triggers = ["changed", "removed"].map(|when| format!("DROP TRIGGER {index}_{when}"));
            statements.splice(0..0, triggers.into_iter().chain([format!("DROP TABLE {index}")]));
        }
        let noted = ["DROP TABLE letters", "DELETE FROM seaql_migrations WHERE version LIKE '%_letters'"];
        statements.extend(noted.map(Into::into));
    }
    let statements = &statements;
    let write = herald.services().db.write(|tx| async move {
        for statement in statements {
            tx.execute_unprepared(statement).await?;
        }
        Ok(())
    });
    write.await.unwrap();
}
