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

/// Whether it has been filled before.
pub async fn is_filled(bench: &Bench) -> anyhow::Result<bool> {
    let sql = "SELECT 1 FROM pg_proc WHERE proname = 'id_of'";
    let found = bench.on.db.reader().query_one_raw(Statement::from_string(bench.on.db.backend(), sql)).await?;
    Ok(found.is_some())
}

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
    run(bench, "VACUUM ANALYZE").await
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

/// One of these words, so often each as it says, by the row's number. What stands by rare rows is the first.
fn one_of(salt: u8, words: &[(&str, usize)]) -> String {
    let all: Vec<_> = words.iter().flat_map(|(word, often)| std::iter::repeat_n(format!("'{word}'"), *often)).collect();
    format!("(ARRAY[{}])[1 + abs(hashint8extended(n, {salt}) % {})]", all.join(","), all.len())
}

/// Evenly one of the ids of `ids.ids`, but a third of all is the first one's.
fn owner(ids: &str, salt: u8, many: usize) -> String {
    format!("{ids}.ids[1 + (n % 3 > 0)::int * abs(hashint8extended(n, {salt}) % {many})]")
}

/// An instant within the two years before now, by the row's number: the last row is of now.
fn then(rows: u64) -> String {
    format!("(now() - make_interval(secs => ({rows} - n) * {SPAN}.0 / {rows}))")
}

/// Functions of this database: an id of an instant, as Herald makes them.
const IDS: &str = "CREATE FUNCTION id_of(at timestamptz, n bigint) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid $$";

fn broadcast(rows: u64) -> [String; 8] {
    let at = then(rows);
    let category = one_of(1, &[("news", 40), ("tech", 20), ("crypto", 20), ("music", 10), ("sport", 8), ("books", 2)]);
    let ended = one_of(2, &[("SENT", 160), ("FAILED", 38), ("CANCELLED", 2)]);
    let status = format!("CASE WHEN c.k >= 198 THEN 'QUEUED' WHEN n % 9973 = 0 THEN 'UNKNOWN' ELSE {ended} END");
    let reason = one_of(3, &[("CHAT_WRITE_FORBIDDEN", 70), ("USERNAME_NOT_OCCUPIED", 28), ("CHANNEL_PRIVATE", 2)]);
    [
        IDS.into(),
        format!(
            "INSERT INTO channels (id, username, title, category, category_fold, member_count, is_active, is_verified, last_checked,
                 collected_at, created_at, updated_at)
             SELECT id_of({at}, n), CASE WHEN n % 5000 = 0 THEN 'rarity_' ELSE 'channel_' END || md5(n::text), 'Title ' || n,
                 CASE WHEN n % 7001 = 0 THEN 'games' ELSE {category} END, CASE WHEN n % 7001 = 0 THEN 'games' ELSE {category} END,
                 NULLIF(abs(hashint8extended(n, 4) % 90000), 7), abs(hashint8extended(n, 5) % 50) > 0, n % 4001 = 0, {at}, {at}, {at}, {at}
             FROM generate_series(1, {rows}) n"
        ),
        "INSERT INTO batch_channels (batch_id, channel_id) SELECT b.id, c.id FROM batches b, channels c ON CONFLICT DO NOTHING".into(),
        "UPDATE batches SET channel_count = (SELECT COUNT(*) FROM batch_channels)".into(),
        // Copies of the one campaign that was started: all but what tells them apart stays. The newest has the highest number.
        format!(
            "INSERT INTO broadcast_campaigns
             SELECT (jsonb_populate_record(c, jsonb_build_object('id', id_of(n.at, n.k), 'name', 'Campaign ' || n.k, 'name_fold',
                 'campaign ' || n.k, 'created_at', n.at, 'status', CASE WHEN n.k >= 198 THEN 'PAUSED' ELSE 'COMPLETED' END))).*
             FROM broadcast_campaigns c, (SELECT k, now() - make_interval(secs => (201 - k) * {SPAN}.0 / 200) AS at
                 FROM generate_series(1, 200) k) n"
        ),
        "INSERT INTO broadcast_campaign_progress
         SELECT (jsonb_populate_record(p, jsonb_build_object('campaign_id', c.id, 'status', c.status))).*
         FROM broadcast_campaign_progress p, broadcast_campaigns c WHERE c.id <> p.campaign_id"
            .into(),
        // One after the other, as campaigns are: the older, the more; a channel has had five.
        format!(
            "INSERT INTO jobs (id, campaign_id, position, channel_id, status, change, created_at, sent_at, failed_at, attempts, reason)
             SELECT id_of({at}, n), c.ids[c.k], 1000 + n, ch.ids[1 + n % ({rows} / 5)], {status}, n, {at},
                 CASE WHEN {status} = 'SENT' THEN {at} END, CASE WHEN {status} = 'FAILED' THEN {at} END, 1,
                 CASE WHEN {status} = 'FAILED' THEN {reason} END
             FROM (SELECT n, 1 + floor(200 * (n::float / ({rows} + 1)) ^ 2)::int AS k, i.ids FROM generate_series(1, {rows}) n,
                     (SELECT array_agg(id ORDER BY created_at) AS ids FROM broadcast_campaigns WHERE name LIKE 'Campaign %') i) c,
                 (SELECT array_agg(id) AS ids FROM channels) ch"
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
const ALL: &str = "(SELECT array_agg(id ORDER BY id) AS ids FROM";

fn people(rows: u64) -> [String; 3] {
    let (at, all, tenth) = (then(rows), ALL, rows / 10);
    let first = one_of(1, &[("anna", 5), ("boris", 5), ("carla", 5), ("dmitri", 5), ("elena", 5), ("person", 1)]);
    let source = one_of(2, &[("UPLOAD", 80), ("API", 19), ("LIST", 1)]);
    let status = one_of(3, &[("NEW", 50), ("IN_PROGRESS", 20), ("CONTACTED", 25), ("CONVERTED", 5)]);
    let state = one_of(4, &[("COMPLETED", 80), ("CONTACTED", 19), ("PENDING", 1)]);
    [
        format!(
            "INSERT INTO leads (id, external_id, first_name, last_name, names_fold, email, phone, telegram_username, source, status, meta,
                 created_at, updated_at)
             SELECT id_of({at}, n), 'crm-' || n, {first}, 'Last' || n, {first} || ' last' || n, 'person' || n || '@example.com',
                 '+49151' || lpad(n::text, 8, '0'), 'person_' || n, CASE WHEN n % 8009 = 0 THEN 'LANDING' ELSE {source} END,
                 CASE WHEN n % 9973 = 0 THEN 'DO_NOT_CONTACT' ELSE {status} END, '{{}}', {at}, {at}
             FROM generate_series(1, {rows}) n"
        ),
        format!(
            "INSERT INTO campaign_leads (id, campaign_id, lead_id, status, assigned_at)
             SELECT id_of(l.created_at, n), {}, l.id, {state}, l.created_at
             FROM (SELECT id, created_at, row_number() OVER () AS n FROM leads) l, {all} retention_campaigns) c",
            owner("c", 5, 50)
        ),
        format!(
            "INSERT INTO consents (id, lead_id, channel, kind, source, given_at, created_at)
             SELECT id_of(created_at, n), id, 'EMAIL', 'GIVEN', 'LANDING', created_at, created_at
             FROM (SELECT id, created_at, row_number() OVER () AS n FROM leads) l WHERE n % 10 = 0 LIMIT {tenth}"
        ),
    ]
}

fn contacts(rows: u64) -> [String; 5] {
    let (at, all, tenth) = (then(rows), ALL, rows / 10);
    let channel = one_of(1, &[("EMAIL", 70), ("SMS", 20), ("CALL", 9), ("TELEGRAM", 1)]);
    let status = one_of(2, &[("SENT", 20), ("DELIVERED", 55), ("FAILED", 15), ("SUCCESS", 10)]);
    let end = one_of(3, &[("COMPLETED", 80), ("CANCELLED", 19), ("CONVERTED", 1)]);
    let done = one_of(4, &[("SENT", 80), ("FAILED", 10), ("SKIPPED", 10)]);
    let (provider, told) = (
        one_of(6, &[("smtp", 70), ("twilio", 29), ("vapi", 1)]),
        one_of(7, &[("LEAD", 80), ("SALE", 19), ("REJECTED", 1)]),
    );
    [
        format!(
            "INSERT INTO contact_attempts (id, lead_id, campaign_id, step_id, script_id, channel, status, started_at, cost_micros,
                 currency, result, provider, provider_ref)
             SELECT id_of({at}, n), l.ids[1 + abs(hashint8extended(n, 8) % {rows})], CASE WHEN n % 5 > 0 THEN {} END,
                 s.ids[1 + n % 100], {}, CASE WHEN n % 8009 = 0 THEN 'WEBHOOK' ELSE {channel} END,
                 CASE WHEN n % 9973 = 0 THEN 'UNKNOWN' ELSE {status} END, {at}, n % 1000, 'EUR',
                 CASE WHEN n % 7 = 0 THEN '{{\"opened\": true, \"clicked\": true}}'::jsonb END, {provider}, 'ref-' || n
             FROM generate_series(1, {rows}) n, {all} leads) l, {all} retention_campaigns) c, {all} sequence_steps) s,
                 {all} scripts) t",
            owner("c", 9, 50),
            owner("t", 10, 50)
        ),
        format!(
            "INSERT INTO conversions (id, lead_id, campaign_id, channel, revenue_micros, currency, status, source, subject_id, click_id,
                 sub_id, created_at, updated_at)
             SELECT id_of({0}, n), CASE WHEN n % 20 > 0 THEN l.ids[1 + n % {rows}] END, {1}, {channel},
                 abs(hashint8extended(n, 11) % 100000000), 'EUR', {told}, CASE WHEN n % 4001 = 0 THEN 'manual' ELSE 'keitaro' END, n::text,
                 'click-' || n, 'sub-' || n % 100, {0}, {0}
             FROM generate_series(1, {tenth}) n, {all} leads) l, {all} retention_campaigns) c",
            then(tenth),
            owner("c", 12, 50)
        ),
        format!(
            "INSERT INTO sequence_enrollments (id, sequence_id, lead_id, status, steps_version, enrolled_at, meta)
             SELECT id_of(l.created_at, n), {}, l.id, CASE WHEN n % 9973 = 0 THEN 'PAUSED' ELSE {end} END, 1, l.created_at, '{{}}'
             FROM (SELECT id, created_at, row_number() OVER () AS n FROM leads) l, {all} retention_sequences) s",
            owner("s", 13, 20)
        ),
        format!(
            "INSERT INTO sequence_step_executions (id, enrollment_id, step_id, status, scheduled_at, created_at, channel)
             SELECT id_of(e.enrolled_at, n), e.id, s.ids[1 + n % 100], {done}, e.enrolled_at, e.enrolled_at, {channel}
             FROM (SELECT id, enrolled_at, row_number() OVER () AS n FROM sequence_enrollments) e, {all} sequence_steps) s"
        ),
        format!(
            "INSERT INTO tracked_links (key, contact_attempt_id, targets)
             SELECT md5(id::text), id, '[\"https://example.com\"]' FROM contact_attempts WHERE clicked LIMIT {tenth}"
        ),
    ]
}

fn logs(rows: u64) -> [String; 10] {
    let (at, tenth) = (then(rows), rows / 10);
    let action = one_of(1, &[("LEAD_UPDATED", 60), ("LEAD_CREATED", 30), ("USER_LOGIN", 9), ("CAMPAIGN_STARTED", 1)]);
    let about = one_of(2, &[("Lead", 90), ("User", 9), ("BroadcastCampaign", 1)]);
    let severity = one_of(3, &[("INFO", 95), ("WARNING", 5)]);
    let provider = one_of(4, &[("twilio", 70), ("keitaro", 29), ("vapi", 1)]);
    let address = one_of(5, &[("EMAIL", 80), ("PHONE", 19), ("TELEGRAM", 1)]);
    let import = one_of(6, &[("COMPLETED", 9), ("FAILED", 1)]);
    [
        "INSERT INTO users SELECT (jsonb_populate_record(u, jsonb_build_object('id', gen_random_uuid(), 'username', 'user_' || n))).*
         FROM users u, generate_series(1, 50) n"
            .into(),
        // Sealed: nobody has to go through them. A tenth is about one thing.
        "ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only".into(),
        format!(
            "INSERT INTO audit_logs (id, user_id, action, resource_type, resource_id, metadata, severity, \"timestamp\", seq, hash)
             SELECT id_of({at}, n), CASE WHEN n % 4001 = 0 THEN u.ids[2] ELSE u.ids[1] END, {action},
                 CASE WHEN n % 10 = 0 THEN 'BroadcastCampaign' ELSE {about} END,
                 CASE WHEN n % 10 = 0 THEN (SELECT id FROM broadcast_campaigns ORDER BY id LIMIT 1) ELSE gen_random_uuid() END, '{{}}',
                 CASE WHEN n % 9973 = 0 THEN 'ERROR' ELSE {severity} END, {at}, 1000000 + n, md5(n::text)
             FROM generate_series(1, {rows}) n, {ALL} users) u"
        ),
        "ALTER TABLE audit_logs ENABLE TRIGGER audit_logs_append_only".into(),
        format!(
            "INSERT INTO webhook_events (id, provider, dedupe_key, status, body, received_at, processed_at, is_keyed)
             SELECT id_of({0}, n), {provider}, md5(n::text), CASE WHEN n % 4001 = 0 THEN 'FAILED' ELSE 'PROCESSED' END, '{{}}', {0}, {0},
                 TRUE FROM generate_series(1, {tenth}) n",
            then(tenth)
        ),
        format!(
            "INSERT INTO refusals (id, kind, hash, channel, source, said_at, created_at, lifted_at)
             SELECT id_of({0}, n), {address}, md5(n::text), CASE WHEN n % 4001 = 0 THEN 'CALL' WHEN n % 2 = 0 THEN 'EMAIL' END, 'STOP',
                 {0}, {0}, CASE WHEN n % 50 = 0 THEN {0} END FROM generate_series(1, {tenth}) n",
            then(tenth)
        ),
        format!(
            "INSERT INTO tasks (id, kind, subject_id, status, done, input, cursor, asker, created_by_id, created_at, completed_at, version)
             SELECT id_of({0}, n), 'ASSIGN_LEADS', gen_random_uuid(), 'COMPLETED', 1, '{{}}', '{{}}', '{{}}', u.ids[1], {0}, {0}, 1
             FROM generate_series(1, {tenth}) n, {ALL} users) u",
            then(tenth)
        ),
        format!(
            "INSERT INTO uploads (id, user_id, node_id, bytes, created_at, used_at)
             SELECT gen_random_uuid(), u.ids[1], gen_random_uuid(), 1, now(), now() FROM generate_series(1, {tenth}) n, {ALL} users) u"
        ),
        format!(
            "INSERT INTO lead_imports (id, upload_id, node_id, status, format, mapping, created_at, completed_at, created_by_id)
             SELECT id_of({0}, n), f.ids[n], gen_random_uuid(), {import}, 'CSV', '{{}}', {0}, {0}, u.ids[1]
             FROM generate_series(1, {tenth}) n, {ALL} users) u, {ALL} uploads) f",
            then(tenth)
        ),
        format!(
            "INSERT INTO channel_imports (id, upload_id, node_id, status, created_at, completed_at, created_by_id)
             SELECT id_of({0}, n), f.ids[n], gen_random_uuid(), {import}, {0}, {0}, u.ids[1]
             FROM generate_series(1, {tenth}) n, {ALL} users) u, {ALL} uploads) f",
            then(tenth)
        ),
    ]
}
