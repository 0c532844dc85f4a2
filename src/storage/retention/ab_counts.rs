//! What the attempts of A/B tests say, counted by leads: one statement, however many tests.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Value};

use crate::sql::Dialect;
use domain::error::{Error, Result};
use domain::id::AbTestId;
use domain::retention::ab_test::{AbTestGoal, Counts};
use domain::retention::words::AbVariant;

/// The leads of both variants of a test, for every goal that a test can have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leads([Variant; 2]);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Variant {
    assigned: u64,
    sent: u64,
    converted: u64,
    clicked: u64,
    replied: u64,
}

impl Leads {
    /// The counts of one variant, with what the goal says as their successes.
    pub fn of(&self, variant: AbVariant, goal: AbTestGoal) -> Counts {
        let Variant { assigned, sent, converted, clicked, replied } = self.0[usize::from(variant == AbVariant::B)];
        let successes = match goal {
            AbTestGoal::Conversion => converted,
            AbTestGoal::Click => clicked,
            AbTestGoal::Reply => replied,
        };
        Counts { assigned, sent, successes }
    }
}

/// The condition on contacts that may have reached the lead.
const SENT: &str = "a.status IN ('SENT', 'DELIVERED', 'SUCCESS', 'BOUNCED', 'UNKNOWN')";

/// Counts the leads of tests. A conversion counts whatever it is attributed to: who reads the one text on Monday and buys after
/// another on Friday, counts for the text of Monday.
pub async fn count(db: &impl ConnectionTrait, tests: &[AbTestId]) -> Result<HashMap<AbTestId, Leads>> {
    if tests.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (1..=tests.len()).map(|place| format!("${place}")).collect();
    let leads = |what: &str| format!("COUNT(DISTINCT CASE WHEN {SENT} AND {what} THEN a.lead_id END)");
    let converted = "EXISTS (SELECT 1 FROM conversions c
        WHERE c.lead_id = a.lead_id AND c.created_at >= a.started_at AND c.status <> 'REJECTED')";
    let sql = format!(
        "SELECT a.ab_test_id AS test, a.ab_variant AS variant, COUNT(DISTINCT a.lead_id) AS assigned,
            {} AS sent, {} AS converted, {} AS clicked, {} AS replied
         FROM contact_attempts a
         WHERE a.ab_test_id IN ({}) AND a.ab_variant IS NOT NULL
         GROUP BY a.ab_test_id, a.ab_variant",
        leads("1 = 1"),
        leads(converted),
        leads("a.clicked"),
        leads("a.replied"),
        places.join(", "),
    );
    let dialect = Dialect(db.get_database_backend());
    let mut found: HashMap<AbTestId, Leads> = HashMap::new();
    for row in db.query_all_raw(dialect.statement(&sql, tests.iter().map(|test| Value::from(*test)))).await? {
        let number =
            |column: &str| -> Result<u64> { u64::try_from(row.try_get::<i64>("", column)?).map_err(Error::internal) };
        let variant: AbVariant = row.try_get("", "variant")?;
        let leads = found.entry(row.try_get("", "test")?).or_default();
        leads.0[usize::from(variant == AbVariant::B)] = Variant {
            assigned: number("assigned")?,
            sent: number("sent")?,
            converted: number("converted")?,
            clicked: number("clicked")?,
            replied: number("replied")?,
        };
    }
    Ok(found)
}
