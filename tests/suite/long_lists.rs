//! Lists of tables with millions of rows: they go by an index, or by what is counted already.

use domain::broadcast::JobStatus;
use domain::id::{BroadcastCampaignId, WebhookEventId};
use domain::retention::words::WebhookEventStatus;
use graphql::engine::id::GlobalId;
use sea_orm::{ConnectionTrait, DatabaseBackend, EntityTrait, QueryTrait, Select, Statement};
use serde_json::{Value as Json, json};
use storage::Noun;
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::job::{self, JobFilter};
use storage::filter::Filter;
use storage::retention::lead_filter::LeadFilter;
use storage::retention::webhook_event;

use crate::campaigns::seed;
use crate::harness::{Counted, Postgres, TestApp, only_on};
use crate::retention::rows;

const JOBS: &str =
    "query($filter: JobFilter, $order: JobOrder, $first: Int, $after: String, $last: Int, $before: String) {
    jobs(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last, before: $before) { totalCount
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

async fn run(herald: &TestApp, sql: &str) {
    let db = &herald.services().db;
    db.write(|tx| async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }).await.unwrap();
}

/// Three campaigns of 60 jobs: one has jobs in all states, one mostly failed, of one all were sent.
async fn in_all_states(herald: &TestApp) -> Vec<job::Model> {
    seed(herald, 3, 60).await;
    let of = |n: usize| format!("campaign_id = (SELECT id FROM broadcast_campaigns WHERE name = 'campaign {n}')");
    let state = |n: usize, status: &str, which: &str| {
        format!("UPDATE jobs SET status = '{status}' WHERE {} AND {which}", of(n))
    };
    let mut sql = vec![
        state(0, "SENT", "position <= 30"),
        state(0, "SENDING", "position IN (29, 31, 32)"),
        state(0, "FAILED", "position IN (3, 14, 28)"),
        state(0, "CANCELLED", "position IN (7, 60)"),
        state(0, "UNKNOWN", "position IN (5, 33)"),
        state(1, "FAILED", "position > 2"),
        state(1, "CANCELLED", "position = 59"),
        state(2, "SENT", "position > 0"),
        "UPDATE jobs SET failed_at = created_at, reason = CASE WHEN position % 2 = 0 THEN 'EVEN' ELSE 'ODD' END
         WHERE status = 'FAILED'"
            .into(),
    ];
    let count = |status: &str| {
        format!(
            "{} = (SELECT COUNT(*) FROM jobs j WHERE j.campaign_id = p.campaign_id AND j.status = '{status}')",
            status.to_lowercase()
        )
    };
    let counts = ["QUEUED", "SENDING", "SENT", "FAILED", "CANCELLED", "UNKNOWN"].map(count).join(", ");
    sql.push(format!("UPDATE broadcast_campaign_progress AS p SET {counts}"));
    for sql in &sql {
        run(herald, sql).await;
    }
    let mut jobs = job::Entity::all().all(herald.services().db.reader()).await.unwrap();
    jobs.sort_by_key(|job| job.id);
    jobs
}

fn ids(page: &Json) -> Vec<String> {
    page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

/// All of the list, page by page, forwards and then backwards.
async fn walk(counted: &Counted, filter: &Json, order: &Json) -> (Vec<String>, Vec<String>, Json) {
    let (mut forth, mut back) = (Vec::new(), Vec::new());
    let mut count = Json::Null;
    for is_back in [false, true] {
        let mut cursor = Json::Null;
        loop {
            let asked = if is_back {
                json!({ "filter": filter, "order": order, "last": 7, "before": cursor })
            } else {
                json!({ "filter": filter, "order": order, "first": 7, "after": cursor })
            };
            let page = counted.run(JOBS, asked).await.1["jobs"].clone();
            count = page["totalCount"].clone();
            let info = &page["pageInfo"];
            if is_back {
                back.splice(0..0, ids(&page));
            } else {
                forth.extend(ids(&page));
            }
            let (more, next) = if is_back { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
            if info[more] == false {
                break;
            }
            cursor = info[next].clone();
        }
    }
    (forth, back, count)
}

/// Whether a job is wanted.
type Wanted = Box<dyn Fn(&job::Model) -> bool>;

#[tokio::test]
async fn each_list_of_jobs_has_what_was_asked_whatever_way_it_is_read() {
    let herald = TestApp::api_only().await;
    let all = in_all_states(&herald).await;
    let counted = Counted::over(&herald).await;
    let campaigns: Vec<BroadcastCampaignId> = all.iter().map(|job| job.campaign_id).collect();
    let (first, last) = (campaigns[0], campaigns[campaigns.len() - 1]);
    let channel = all[70].channel_id;
    let mut filters: Vec<(Json, Wanted)> = vec![
        (json!({}), Box::new(|_| true)),
        (json!({ "channelId": channel.global() }), Box::new(move |job| job.channel_id == channel)),
        (json!({ "errors": ["ODD"] }), Box::new(|job| job.reason.as_deref() == Some("ODD"))),
        (json!({ "sentChangeStatuses": ["QUEUED"] }), Box::new(|_| false)),
        (json!({ "statuses": [] }), Box::new(|_| false)),
    ];
    for statuses in [
        vec![JobStatus::Queued],
        vec![JobStatus::Sending],
        vec![JobStatus::Cancelled],
        vec![JobStatus::Unknown],
        vec![JobStatus::Failed],
        vec![JobStatus::Sent],
        vec![JobStatus::Queued, JobStatus::Failed, JobStatus::Unknown, JobStatus::Queued],
        vec![JobStatus::Sent, JobStatus::Cancelled],
    ] {
        for campaign in [None, Some(first), Some(last)] {
            let mut filter = json!({ "statuses": statuses.iter().map(ToString::to_string).collect::<Vec<_>>() });
            if let Some(campaign) = campaign {
                filter["campaignId"] = campaign.global().to_string().into();
            }
            let statuses = statuses.clone();
            let is_wanted = move |job: &job::Model| {
                statuses.contains(&job.status) && campaign.is_none_or(|campaign| job.campaign_id == campaign)
            };
            filters.push((filter, Box::new(is_wanted)));
        }
    }
    for (filter, is_wanted) in &filters {
        for (field, direction) in [("CREATED_AT", "DESC"), ("POSITION", "ASC"), ("POSITION", "DESC")] {
            let mut wanted: Vec<&job::Model> = all.iter().filter(|job| is_wanted(job)).collect();
            if field == "POSITION" {
                wanted.sort_by_key(|job| (job.position, job.id));
            }
            if direction == "DESC" {
                wanted.reverse();
            }
            let wanted: Vec<String> = wanted.iter().map(|job| job.id.global().to_string()).collect();
            let (forth, back, count) = walk(&counted, filter, &json!({ "field": field, "direction": direction })).await;
            assert_eq!(forth, wanted, "{filter} by {field} {direction}");
            assert_eq!(back, wanted, "{filter} by {field} {direction} from its end");
            assert_eq!(count, wanted.len(), "{filter}");
        }
    }
}

#[tokio::test]
async fn where_the_counters_say_that_there_are_none_no_job_is_looked_at() {
    let herald = TestApp::api_only().await;
    seed(&herald, 3, 5).await;
    let counted = Counted::over(&herald).await;
    let below =
        "{ broadcastCampaigns { nodes { jobs(filter: { statuses: [SENDING] }) { totalCount nodes { id } } } } }";
    let campaign = counted.run("{ broadcastCampaigns(first: 1) { nodes { id } } }", json!({})).await.1;
    let campaign = campaign["broadcastCampaigns"]["nodes"][0]["id"].as_str().unwrap();
    let of_one =
        format!("{{ jobs(filter: {{ statuses: [SENDING], campaignId: \"{campaign}\" }}) {{ nodes {{ id }} }} }}");
    for query in ["{ jobs(filter: { statuses: [SENDING, CANCELLED] }) { totalCount nodes { id } } }", below, &of_one] {
        let statements = counted.statements(query).await;
        let reads = |table: &str| statements.iter().any(|sql| sql.contains(&format!("FROM \"{table}\"")));
        assert!(reads("broadcast_campaign_progress") && !reads("jobs"), "{query}: {statements:?}");
    }
    let (_, data) = counted.run("{ jobs { totalCount } }", json!({})).await;
    assert_eq!(data["jobs"]["totalCount"], 15);
    let counts = counted.statements("{ jobs { totalCount } }").await;
    assert!(counts.iter().all(|sql| !sql.contains("jobs\"")), "{counts:?}");
}

#[tokio::test]
async fn of_a_list_whose_length_alone_is_asked_no_page_is_read() {
    let herald = TestApp::api_only().await;
    seed(&herald, 2, 5).await;
    let counted = Counted::over(&herald).await;
    for list in ["jobs", "channels", "leads", "batches", "users", "auditLogs", "contactAttempts", "sequenceEnrollments"]
    {
        let statements =
            counted.statements(&format!("{{ {list}(first: 3) {{ __typename count: totalCount }} }}")).await;
        assert_eq!(statements.len(), 1, "{list}: {statements:?}");
        assert!(statements[0].contains("COUNT") || statements[0].contains("SUM"), "{list}: {statements:?}");
    }
    let nested = "{ batches { nodes { channels(filter: { isActive: true }) { ...Length } } } }
        fragment Length on ChannelConnection { totalCount }";
    let statements = counted.statements(nested).await;
    assert_eq!(statements.len(), 2, "{statements:?}");
    for page in ["nodes { id }", "edges { cursor }", "pageInfo { hasNextPage }", "... { nodes { id } }"] {
        let both = counted.statements(&format!("{{ channels {{ totalCount {page} }} }}")).await;
        assert_eq!(both.len(), 2, "{page}: {both:?}");
    }
    let admin = herald.admin().await;
    let refused = admin.query("{ channels(first: 1000) { totalCount } }", json!({})).await;
    assert_eq!(refused.code(), "BAD_USER_INPUT", "what is wrong with a page that nobody reads is told all the same");
}

/// How the database finds what is wanted, when reading the whole table is the last that it would do.
async fn plan<E: EntityTrait>(herald: &TestApp, select: Select<E>) -> String {
    let db = &herald.services().db;
    let statement = &select.build(db.backend());
    let rows = db.write(|tx| async move {
        let explain = if tx.get_database_backend() == DatabaseBackend::Postgres {
            tx.execute_unprepared("SET LOCAL enable_seqscan = off").await?;
            "EXPLAIN"
        } else {
            "EXPLAIN QUERY PLAN"
        };
        let (sql, values) = (format!("{explain} {}", statement.sql), statement.values.clone());
        Ok(tx.query_all_raw(Statement { sql, values, db_backend: statement.db_backend }).await?)
    });
    let column = if db.is_postgres() { 0 } else { 3 };
    let rows = rows.await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap()).collect::<Vec<_>>().join("\n")
}

/// A callback that has been dealt with.
fn callback(herald: &TestApp) -> webhook_event::Model {
    let id = WebhookEventId::generate();
    webhook_event::Model {
        id,
        provider: "twilio".into(),
        dedupe_key: id.to_string(),
        status: WebhookEventStatus::Processed,
        query: None,
        content_type: None,
        body: String::new(),
        attempts: 1,
        error_message: None,
        received_at: herald.services().now(),
        not_before: None,
        processed_at: Some(herald.services().now()),
        outcome: None,
        is_keyed: true,
    }
}

#[tokio::test]
async fn jobs_in_rare_states_and_callbacks_without_keys_have_an_index() {
    let herald = TestApp::api_only().await;
    let all = in_all_states(&herald).await;
    let keyed = (0..500).map(|_| callback(&herald)).collect();
    rows::insert::<webhook_event::Entity, _>(herald.services(), keyed).await;
    run(&herald, "ANALYZE").await;
    let campaign = all[0].campaign_id;
    let of = |statuses: &[JobStatus]| {
        let filter = JobFilter { statuses: Some(statuses.to_vec()), ..JobFilter::default() };
        filter.cut(job::Entity::of(campaign))
    };
    for (index, select) in [
        ("jobs_aside", of(&[JobStatus::Cancelled])),
        ("jobs_aside", of(&[JobStatus::Unknown, JobStatus::Cancelled])),
        ("jobs_failed_at", of(&[JobStatus::Failed])),
    ] {
        let plan = plan(&herald, select).await;
        assert!(plan.contains(index) || (index == "jobs_failed_at" && plan.contains("jobs_reason")), "{index}: {plan}");
    }
    let plan = plan(&herald, webhook_event::Entity::unkeyed()).await;
    assert!(plan.contains("webhook_events_unkeyed"), "{plan}");
}

#[tokio::test]
async fn searches_go_by_groups_of_letters_where_the_database_has_them() {
    if !only_on(Postgres, "SQLite: see letters") {
        return;
    }
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
    for (name, email, phone) in
        [("Анна", "ann@example.com", "+4915123456789"), ("Bob", "bob@example.com", "+4915123456780")]
    {
        admin.data(create, json!({ "input": { "firstName": name, "email": email, "phone": phone } })).await;
    }
    let search = |text: &str| LeadFilter { search: Some(text.into()), ..LeadFilter::default() }.select();
    for text in ["ann@exam", "example bob", "0151 2345678"] {
        let plan = plan(&herald, search(text)).await;
        assert!(plan.contains("leads_search"), "{text}: {plan}");
    }
    let part = ChannelFilter { username_contains: Some("@News".into()), ..ChannelFilter::default() };
    let plan = plan(&herald, part.select()).await;
    assert!(plan.contains("channels_search"), "{plan}");
    let found = async |text: &str| {
        let query = "query($text: String!) { leads(filter: { search: $text }) { totalCount nodes { firstName } } }";
        admin.data(query, json!({ "text": text })).await["leads"]["nodes"].clone()
    };
    let asked = ["АНН", "an", "bob example", "4915123456780", "_", "example"];
    let mut with = Vec::new();
    for text in asked {
        with.push(found(text).await);
    }
    storage::tallies::sort_in(&herald.services().db).await.unwrap();
    for (text, with) in asked.iter().zip(&with) {
        assert_eq!(found(text).await, *with, "{text}, once it is sorted in");
    }
    assert_eq!((&with[0], &with[2]), (&json!([{ "firstName": "Анна" }]), &json!([{ "firstName": "Bob" }])));
    // As where the extension may not be added.
    run(&herald, "DROP EXTENSION pg_trgm CASCADE").await;
    storage::tallies::sort_in(&herald.services().db).await.unwrap();
    for (text, with) in asked.iter().zip(with) {
        assert_eq!(found(text).await, with, "{text}");
    }
}

const COUNTS: &str = "{ leads { totalCount } news: leads(filter: { statuses: [NEW], sources: [\"LIST\"] }) { totalCount }
    leadStats { total byStatus { status count } bySource { source count } }
    channels { totalCount } some: channels(filter: { isActive: true, categories: [\"Tech\"] }) { totalCount }
    channelCategories { category channelCount activeChannelCount }
    contactAttempts { totalCount } calls: contactAttempts(filter: { channels: [CALL], statuses: [SUCCESS] }) { totalCount }
    contactAttemptStats { total groups { channel status count averageDuration averageCosts { currency amount } } }
    retentionCampaigns { nodes { leadCount leadCounts { status count } attemptCounts { channel count }
        campaignLeads(statuses: [PENDING]) { totalCount } contactAttempts { totalCount } } } }";

/// What is kept is what would be counted, after each kind of change: in one transaction and in many at once.
#[tokio::test]
async fn numbers_that_are_kept_are_those_that_would_be_counted() {
    let herald = TestApp::api_only().await;
    let (admin, db) = (herald.admin().await, &herald.services().db);
    let campaign =
        "mutation { createRetentionCampaign(input: { name: \"all\", channels: [CALL], contactHoursStart: \"00:00\",
        contactHoursEnd: \"23:59\", contactDays: [MON], timeZone: \"UTC\" }) { campaign { id } } }";
    let campaign = admin.data(campaign, json!({})).await["createRetentionCampaign"]["campaign"]["id"].clone();
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
    let record = "mutation($input: RecordContactAttemptInput!) { recordContactAttempt(input: $input) { contactAttempt { id } } }";
    let channel = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
    let one = async |n: usize| {
        let source = if n.is_multiple_of(2) { "list" } else { "crm" };
        let lead = json!({ "input": { "email": format!("{n}@example.com"), "source": source } });
        let lead = admin.data(create, lead).await["createLead"]["lead"]["id"].clone();
        let call = json!({ "leadId": lead, "campaignId": campaign, "channel": "CALL", "status": "SUCCESS", "duration": 30 + n });
        admin.data(record, json!({ "input": call })).await;
        let new = json!({ "username": format!("tally_{n}"), "category": if n < 4 { "tech" } else { "Tech" } });
        admin.data(channel, json!({ "input": new })).await;
        lead
    };
    let leads = futures_util::future::join_all((0..8).map(one)).await;
    admin
        .data(
            "mutation($id: ID!) { assignLeads(input: { campaignId: $id, all: true }) { assigned } }",
            json!({ "id": campaign }),
        )
        .await;
    admin.data("mutation($id: ID!) { eraseLead(input: { id: $id }) { erasedId } }", json!({ "id": leads[0] })).await;
    admin.data("mutation($id: ID!) { deleteLead(input: { id: $id }) { deletedId } }", json!({ "id": leads[1] })).await;
    run(&herald, "UPDATE channels SET is_active = FALSE WHERE username = 'tally_5'").await;
    run(
        &herald,
        "UPDATE contact_attempts SET status = 'FAILED', cost_micros = 5, currency = 'EUR' WHERE duration = 33",
    )
    .await;
    let kept = admin.data(COUNTS, json!({})).await;
    assert_eq!(kept["leads"]["totalCount"], 7);
    assert_eq!(kept["some"]["totalCount"], 7);
    assert_eq!(kept["channelCategories"], json!([{ "category": "Tech", "channelCount": 8, "activeChannelCount": 7 }]));
    assert_eq!((&kept["contactAttempts"]["totalCount"], &kept["calls"]["totalCount"]), (&json!(7), &json!(6)));
    assert_eq!(kept["retentionCampaigns"]["nodes"][0]["contactAttempts"]["totalCount"], 7);
    if !db.is_postgres() {
        return;
    }
    // Many notes, added up by two at once.
    let noise =
        "INSERT INTO tallies SELECT 'leads', NULL, 'NEW', 'CRM', '', CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END, 0, 0, 0, 0
                 FROM generate_series(1, 3000) n";
    run(&herald, noise).await;
    let (one, other) = tokio::join!(storage::tallies::add_up(db), storage::tallies::add_up(db));
    one.and(other).unwrap();
    assert_eq!(admin.data(COUNTS, json!({})).await, kept);
    let count = Statement::from_string(db.backend(), "SELECT COUNT(*) AS n FROM tallies");
    let rows: i64 = db.reader().query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap();
    assert!(rows < 100, "{rows} rows");
    // Counted anew, as the update does in a database that is full.
    run(&herald, "DELETE FROM seaql_migrations WHERE version LIKE '%000284%'").await;
    for table in ["leads", "contact_attempts", "campaign_leads", "sequence_step_executions", "channels"] {
        run(&herald, &format!("DROP FUNCTION tally_{table} CASCADE")).await;
    }
    run(&herald, "DROP TABLE tallies").await;
    assert_eq!(db.migrate().await.unwrap(), 1);
    assert_eq!(admin.data(COUNTS, json!({})).await, kept);
}
