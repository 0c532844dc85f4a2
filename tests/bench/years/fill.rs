//! The database of somebody who has run Herald for two years, written by SQL.

use domain::broadcast::CampaignStatus;
use domain::retention::words::ContactChannel;
use sea_orm::{ConnectionTrait, Statement};
use storage::db::patiently;
use storage::retention::{ab_test, campaign, script, sequence, sequence_step};

use crate::rows;
use crate::support::Bench;

/// Seconds in two years.
const SPAN: u32 = 2 * 365 * 86_400;

/// Fills it with so many of each big row.
pub async fn fill(bench: &Bench, rows: u64) -> anyhow::Result<()> {
    let on = &bench.on;
    let actor = bench.admin().await?;
    // One campaign that has begun, of which the others are copies.
    let first = bench.campaign(&actor, 100, 6_000).await?;
    service::broadcast::campaign::start(on, &actor, first).await?;
    let now = on.now();
    let (campaigns, sequences) = ((0..50).map(|_| rows::campaign(now)).collect(), (0..20).map(|_| rows::sequence(now)));
    let sequences: Vec<_> = sequences.collect();
    let steps: Vec<_> = sequences.iter().flat_map(|of| (1..=5).map(|order| rows::step(of.id, order, now))).collect();
    let scripts: Vec<_> = (0..50).map(|_| rows::script(ContactChannel::Email, now)).collect();
    let test = rows::ab_test([scripts[0].id, scripts[1].id], now);
    rows::insert::<campaign::Entity, _>(on, campaigns).await;
    rows::insert::<sequence::Entity, _>(on, sequences).await;
    rows::insert::<sequence_step::Entity, _>(on, steps).await;
    rows::insert::<script::Entity, _>(on, scripts).await;
    rows::insert::<ab_test::Entity, _>(on, vec![test]).await;
    for sql in broadcast(rows).iter().chain(&people(rows)).chain(&contacts(rows)).chain(&logs(rows)) {
        run(bench, sql).await?;
    }
    let completed = CampaignStatus::Completed.to_string();
    run(bench, &format!("UPDATE broadcast_campaign_progress SET status = '{completed}', version = version + 1"))
        .await?;
    patiently(storage::sums::add_up(&on.db)).await?;
    for table in [
        "channels",
        "jobs",
        "leads",
        "contact_attempts",
        "sequence_enrollments",
        "sequence_step_executions",
        "conversions",
        "audit_logs",
        "campaign_leads",
        "webhook_events",
        "time_sums",
        "consents",
    ] {
        run(bench, &format!("VACUUM ANALYZE {table}")).await?;
    }
    Ok(())
}

async fn run(bench: &Bench, sql: &str) -> anyhow::Result<()> {
    let began = std::time::Instant::now();
    let db = bench.on.db.reader();
    // VACUUM stands in no transaction.
    let told = if sql.starts_with("VACUUM") {
        db.execute_unprepared(sql).await
    } else {
        patiently(db.execute_raw(Statement::from_string(bench.on.db.backend(), sql))).await
    };
    told.map_err(|error| anyhow::anyhow!("{error}: {sql}"))?;
    eprintln!(
        "{:>6.1} s  {}",
        began.elapsed().as_secs_f64(),
        sql.split_whitespace().take(4).collect::<Vec<_>>().join(" ")
    );
    Ok(())
}

/// One of these words, by the row's number.
fn one_of(words: &[&str]) -> String {
    format!("(ARRAY['{}'])[1 + n % {}]", words.join("','"), words.len())
}

/// An instant within the two years before now, by the row's number.
fn then(rows: u64) -> String {
    format!("now() - make_interval(secs => n * {SPAN}.0 / {rows})")
}

fn broadcast(rows: u64) -> [String; 5] {
    let at = then(rows);
    let category = one_of(&["news", "tech", "crypto", "music", "sport", "business", "games", "books"]);
    let status = one_of(&["SENT", "SENT", "SENT", "SENT", "SENT", "SENT", "SENT", "FAILED", "CANCELLED", "UNKNOWN"]);
    [
        format!(
            "INSERT INTO channels (id, username, title, category, category_fold, member_count, is_active, is_verified, last_checked,
                 collected_at, created_at, updated_at)
             SELECT gen_random_uuid(), 'channel_' || md5(n::text), 'Title ' || n, {category}, {category}, n % 90000, n % 50 > 0,
                 n % 9 = 0, {at}, {at}, {at}, {at} FROM generate_series(1, {rows}) n"
        ),
        // Copies of the one campaign that was started: all but what tells them apart stays.
        "INSERT INTO broadcast_campaigns
         SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'name', 'Campaign ' || n, 'name_fold',
             'campaign ' || n, 'created_at', now() - make_interval(hours => n)))).*
         FROM broadcast_campaigns c, generate_series(1, 200) n"
            .into(),
        "INSERT INTO broadcast_campaign_progress
         SELECT (jsonb_populate_record(p, jsonb_build_object('campaign_id', c.id))).*
         FROM broadcast_campaign_progress p, broadcast_campaigns c WHERE c.id <> p.campaign_id"
            .into(),
        format!(
            "INSERT INTO jobs (id, campaign_id, position, channel_id, status, change, created_at, sent_at, failed_at, attempts, reason,
                 reason_group)
             SELECT gen_random_uuid(), c.ids[1 + n % 200], 100 + n / 200, ch.id, {status}, n, {at}, CASE WHEN n % 10 < 7 THEN {at} END,
                 CASE WHEN n % 10 = 7 THEN {at} END, 1, CASE WHEN n % 10 = 7 THEN {} END, CASE WHEN n % 10 = 7 THEN 'CHANNEL' END
             FROM (SELECT id, row_number() OVER () AS n FROM channels LIMIT {rows}) ch,
                 (SELECT array_agg(campaign_id) AS ids FROM broadcast_campaign_progress WHERE total > 0) c",
            one_of(&["CHAT_WRITE_FORBIDDEN", "USERNAME_NOT_OCCUPIED", "CHANNEL_PRIVATE"])
        ),
        "UPDATE broadcast_campaign_progress p SET total = s.total, queued = s.queued, sending = 0, sent = s.sent, failed = s.failed,
             cancelled = s.cancelled, unknown = s.unknown, version = version + 1
         FROM (SELECT campaign_id, COUNT(*) AS total, COUNT(*) FILTER (WHERE status = 'QUEUED') AS queued,
                 COUNT(*) FILTER (WHERE status = 'SENT') AS sent, COUNT(*) FILTER (WHERE status = 'FAILED') AS failed,
                 COUNT(*) FILTER (WHERE status = 'CANCELLED') AS cancelled, COUNT(*) FILTER (WHERE status = 'UNKNOWN') AS unknown
             FROM jobs GROUP BY campaign_id) s WHERE s.campaign_id = p.campaign_id"
            .into(),
    ]
}

/// All ids of a table, in an array.
const ALL: &str = "(SELECT array_agg(id) AS ids FROM";

fn people(rows: u64) -> [String; 2] {
    let (at, all) = (then(rows), ALL);
    [
        format!(
            "INSERT INTO leads (id, external_id, first_name, last_name, names_fold, email, phone, telegram_username, source, status, meta,
                 created_at, updated_at)
             SELECT gen_random_uuid(), 'crm-' || n, 'First' || n % 5000, 'Last' || n, 'first' || n % 5000 || ' last' || n,
                 'person' || n || '@example.com', '+49151' || lpad(n::text, 8, '0'), 'person_' || n, {}, {}, '{{}}', {at}, {at}
             FROM generate_series(1, {rows}) n",
            one_of(&["UPLOAD", "API", "LANDING"]),
            one_of(&["NEW", "IN_PROGRESS", "CONTACTED", "CONVERTED", "DO_NOT_CONTACT"])
        ),
        format!(
            "INSERT INTO campaign_leads (id, campaign_id, lead_id, status, assigned_at)
             SELECT gen_random_uuid(), c.ids[1 + n % 50], l.id, {}, {at}
             FROM (SELECT id, row_number() OVER () AS n FROM leads) l, {all} retention_campaigns) c",
            one_of(&["PENDING", "COMPLETED", "IN_PROGRESS"])
        ),
    ]
}

fn contacts(rows: u64) -> [String; 4] {
    let (at, all, tenth) = (then(rows), ALL, rows / 10);
    let channel = one_of(&["EMAIL", "SMS", "CALL", "WEBHOOK", "TELEGRAM"]);
    let status = one_of(&["SENT", "DELIVERED", "FAILED", "SUCCESS", "OPENED", "CLICKED", "REPLIED"]);
    [
        format!(
            "INSERT INTO contact_attempts (id, lead_id, campaign_id, step_id, script_id, channel, status, started_at, cost_micros,
                 currency, result, provider)
             SELECT gen_random_uuid(), l.id, c.ids[1 + n % 50], s.ids[1 + n % 100], t.ids[1 + n % 50], {channel}, {status}, {at}, n % 1000,
                 'EUR', CASE WHEN n % 5 = 0 THEN '{{\"opened\": true, \"clicked\": true}}'::jsonb END, {}
             FROM (SELECT id, row_number() OVER () AS n FROM leads) l, {all} retention_campaigns) c, {all} sequence_steps) s,
                 {all} scripts) t",
            one_of(&["smtp", "twilio", "vapi", "instantly"])
        ),
        format!(
            "INSERT INTO conversions (id, lead_id, channel, revenue_micros, currency, status, source, subject_id, created_at, updated_at)
             SELECT gen_random_uuid(), l.ids[1 + n % 1000], {channel}, 1000000, 'EUR', {}, 'keitaro', n::text, {at}, {at}
             FROM generate_series(1, {tenth}) n, (SELECT array_agg(id) AS ids FROM (SELECT id FROM leads LIMIT 1000) some) l",
            one_of(&["SALE", "LEAD", "REJECTED"])
        ),
        format!(
            "INSERT INTO sequence_enrollments (id, sequence_id, lead_id, status, steps_version, enrolled_at, meta)
             SELECT gen_random_uuid(), s.ids[1 + n % 20], l.id, {}, 1, {at}, '{{}}'
             FROM (SELECT id, row_number() OVER () AS n FROM leads) l, {all} retention_sequences) s",
            one_of(&["COMPLETED", "COMPLETED", "COMPLETED", "CANCELLED", "CONVERTED"])
        ),
        format!(
            "INSERT INTO sequence_step_executions (id, enrollment_id, step_id, status, scheduled_at, created_at, channel)
             SELECT gen_random_uuid(), e.id, s.ids[1 + n % 100], {}, {at}, {at}, {channel}
             FROM (SELECT id, row_number() OVER () AS n FROM sequence_enrollments) e, {all} sequence_steps) s",
            one_of(&["SENT", "SENT", "SENT", "FAILED", "SKIPPED"])
        ),
    ]
}

fn logs(rows: u64) -> [String; 3] {
    let (at, tenth) = (then(rows), rows / 10);
    [
        // Sealed: nobody has to go through them.
        format!(
            "INSERT INTO audit_logs (id, user_id, action, resource_type, resource_id, metadata, severity, \"timestamp\", seq, hash)
             SELECT gen_random_uuid(), u.id, {}, {}, gen_random_uuid(), '{{}}', {}, {at}, 1000000 + n, md5(n::text)
             FROM generate_series(1, {rows}) n, (SELECT id FROM users LIMIT 1) u",
            one_of(&["USER_LOGIN", "LEAD_CREATED", "LEAD_UPDATED", "CAMPAIGN_STARTED"]),
            one_of(&["User", "Lead", "Lead", "BroadcastCampaign"]),
            one_of(&["INFO", "INFO", "INFO", "WARNING"])
        ),
        format!(
            "INSERT INTO webhook_events (id, provider, dedupe_key, status, body, received_at, processed_at)
             SELECT gen_random_uuid(), {}, md5(n::text), {}, '{{}}', {at}, {at} FROM generate_series(1, {tenth}) n",
            one_of(&["twilio", "vapi", "instantly", "keitaro"]),
            one_of(&["PROCESSED", "PROCESSED", "PROCESSED", "FAILED"])
        ),
        format!(
            "INSERT INTO refusals (id, kind, hash, source, said_at, created_at)
             SELECT gen_random_uuid(), 'EMAIL', md5(n::text), 'STOP', {at}, {at} FROM generate_series(1, {tenth}) n"
        ),
    ]
}
