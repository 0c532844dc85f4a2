//! What is due is found by its index, however many steps there are.

use sea_orm::{ConnectionTrait, Statement};
use storage::retention::queue::claim::due_sql;
use storage::sql::Dialect;

use super::engine::{Bureau, email};
use crate::harness::{Postgres, only_on};
use domain::retention::words::ContactChannel;

/// Executions in the table: `HERALD_TEST_EXECUTIONS`, 50,000 by default.
fn executions() -> u64 {
    std::env::var("HERALD_TEST_EXECUTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(50_000)
}

#[tokio::test]
async fn heavy_the_due_steps_are_found_by_their_index() {
    if !only_on(Postgres, "SQLite's planner has nothing to choose from, and no statistics") {
        return;
    }
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let on = &bureau.office.on;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 0)], |_| ()).await;
    let leads = executions() / 5;
    let db = on.db.reader();
    let fill = [
        format!(
            "INSERT INTO leads (id, source, status, meta, created_at, updated_at)
             SELECT gen_random_uuid(), 'API', 'NEW', '{{}}', timestamptz '2026-01-01', timestamptz '2026-01-01'
             FROM generate_series(1, {leads})"
        ),
        format!(
            "INSERT INTO sequence_enrollments (id, sequence_id, lead_id, status, steps_version, enrolled_at, meta)
             SELECT gen_random_uuid(), '{}', id, 'ACTIVE', 1, timestamptz '2026-01-01', '{{}}' FROM leads",
            sequence.id
        ),
        // Most are done, some are due, some are to come: spread over a year and over the channels.
        "INSERT INTO sequence_step_executions (id, enrollment_id, step_id, status, scheduled_at, created_at, channel)
             SELECT gen_random_uuid(), n.id, (SELECT id FROM sequence_steps LIMIT 1),
                 CASE WHEN g < 5 THEN 'SENT' ELSE 'SCHEDULED' END,
                 timestamptz '2026-01-01' + random() * interval '365 days', timestamptz '2026-01-01',
                 (ARRAY['EMAIL', 'SMS', 'CALL', 'WEBHOOK'])[1 + (random() * 3)::int]
             FROM sequence_enrollments n, generate_series(1, 5) g"
            .to_owned(),
        "ANALYZE".to_owned(),
    ];
    for statement in fill {
        db.execute_unprepared(&statement).await.unwrap();
    }
    let dialect = Dialect(db.get_database_backend());
    let sql = format!("EXPLAIN {}", due_sql(dialect));
    let values: [sea_orm::Value; 4] = [
        "EMAIL".into(),
        "2026-03-03T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().into(),
        200_i64.into(),
        "2026-03-03T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().into(),
    ];
    let plan = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), &sql, values)).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("sequence_step_executions_due"), "{plan}");
    assert!(!plan.contains("Seq Scan on sequence_step_executions"), "{plan}");
}
