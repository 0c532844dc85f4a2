//! What conversion rules found when they were looked at last, and what they look at.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{IntoActiveModel, Value};

use crate::sql::Dialect;
use domain::error::{Error, Result};
use domain::id::ConversionRuleId;
use domain::retention::credentials::Provider;
use domain::retention::performance::{Part, Performance};
use domain::retention::words::ContactChannel;
use domain::statistics::Pairs;

/// How a rule stood.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "conversion_rule_checks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub rule_id: ConversionRuleId,
    pub checked_at: DateTimeUtc,
    /// Whether its channel did surely worse than it wants.
    pub is_worse: bool,
    /// Attempts that it looked at: those of which it would be known.
    pub attempts: i64,
    /// The value of the metric; none where nobody reports what it measures.
    pub measured: Option<f64>,
}

joins_nothing!();

impl Entity {
    /// How these rules stood.
    pub fn of(rules: &[ConversionRuleId]) -> Select<Self> {
        Self::find().filter(Column::RuleId.is_in(rules.iter().copied()))
    }

    /// Keeps how a rule stands.
    pub async fn keep(tx: &impl ConnectionTrait, row: Model) -> Result<()> {
        let columns = [Column::CheckedAt, Column::IsWorse, Column::Attempts, Column::Measured];
        let known = OnConflict::column(Column::RuleId).update_columns(columns).to_owned();
        Self::insert(row.into_active_model()).on_conflict(known).exec_without_returning(tx).await?;
        Ok(())
    }
}

/// How the channels did from `since` on: one statement over all attempts that a provider accepted. Amounts are numbers here, of
/// whatever currency; the revenue of an attempt counts in the currency of its cost, if it has one.
pub async fn performance(
    db: &impl ConnectionTrait,
    channels: &[ContactChannel],
    since: DateTimeUtc,
) -> Result<HashMap<ContactChannel, Performance>> {
    let places: Vec<String> = (2..channels.len() + 2).map(|place| format!("${place}")).collect();
    let sql = format!(
        "SELECT channel, provider, tracks_clicks, COUNT(*) AS n,
            SUM(CASE WHEN status IN ('DELIVERED', 'SUCCESS') THEN 1 ELSE 0 END) AS delivered,
            SUM(CASE WHEN clicked THEN 1 ELSE 0 END) AS clicked,
            SUM(CASE WHEN replied THEN 1 ELSE 0 END) AS replied,
            SUM(CASE WHEN conversions > 0 THEN 1 ELSE 0 END) AS converted,
            COALESCE(SUM(cost), 0.0) AS cost, COALESCE(SUM(cost * cost), 0.0) AS cost_squares,
            COALESCE(SUM(CASE WHEN clicked THEN cost ELSE 0.0 END), 0.0) AS cost_of_clicked,
            COALESCE(SUM(revenue), 0.0) AS revenue, COALESCE(SUM(revenue * revenue), 0.0) AS revenue_squares,
            COALESCE(SUM(revenue * cost), 0.0) AS revenue_by_cost
         FROM (
            SELECT a.channel, a.provider, a.tracks_clicks, a.status, a.clicked, a.replied, COUNT(c.id) AS conversions,
                CAST(COALESCE(a.cost_micros, 0) AS double precision) / 1000000.0 AS cost,
                COALESCE(SUM(CASE WHEN c.status <> 'LEAD' AND (a.currency IS NULL OR a.currency = c.currency)
                    THEN CAST(c.revenue_micros AS double precision) / 1000000.0 ELSE 0.0 END), 0.0) AS revenue
            FROM contact_attempts a
            LEFT JOIN conversions c ON c.contact_attempt_id = a.id AND c.status <> 'REJECTED'
            WHERE a.started_at >= $1 AND a.channel IN ({})
              AND a.status IN ('SENT', 'DELIVERED', 'SUCCESS', 'BOUNCED')
            GROUP BY a.id, a.channel, a.provider, a.tracks_clicks, a.status, a.clicked, a.replied, a.cost_micros
         ) AS attempts
         GROUP BY channel, provider, tracks_clicks",
        places.join(", ")
    );
    let values = std::iter::once(Value::from(since)).chain(channels.iter().map(|channel| Value::from(*channel)));
    let rows = db.query_all_raw(Dialect(db.get_database_backend()).statement(&sql, values)).await?;
    let mut all: HashMap<ContactChannel, Performance> = HashMap::new();
    for row in &rows {
        let provider: Option<String> = row.try_get("", "provider")?;
        let provider = provider.and_then(|name| Provider::named(&name));
        all.entry(row.try_get("", "channel")?).or_default().add(
            provider,
            row.try_get("", "tracks_clicks")?,
            &read(row)?,
        );
    }
    Ok(all)
}

fn read(row: &QueryResult) -> Result<Part> {
    let count =
        |column: &str| -> Result<u64> { u64::try_from(row.try_get::<i64>("", column)?).map_err(Error::internal) };
    let sum = |column: &str| -> Result<f64> { Ok(row.try_get("", column)?) };
    let (attempts, clicked, clicks) = (count("n")?, count("clicked")?, sum_of_ones(row)?);
    Ok(Part {
        attempts,
        delivered: count("delivered")?,
        clicked,
        replied: count("replied")?,
        converted: count("converted")?,
        cost_by_click: Pairs {
            count: attempts,
            y: sum("cost")?,
            yy: sum("cost_squares")?,
            x: clicks,
            xx: clicks,
            xy: sum("cost_of_clicked")?,
        },
        revenue_by_cost: Pairs {
            count: attempts,
            y: sum("revenue")?,
            yy: sum("revenue_squares")?,
            x: sum("cost")?,
            xx: sum("cost_squares")?,
            xy: sum("revenue_by_cost")?,
        },
    })
}

/// Clicks as a sum: each is one, and so is its square.
fn sum_of_ones(row: &QueryResult) -> Result<f64> {
    let clicked = u32::try_from(row.try_get::<i64>("", "clicked")?).map_err(Error::internal)?;
    Ok(clicked.into())
}
