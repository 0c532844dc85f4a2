//! A new row as JSON, so that a repetition of the request that made it is answered after the row was deleted, too.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ArrayType, Value};
use sea_orm::{ActiveModelTrait, EntityTrait, IdenStatic, Iterable, ModelTrait, TryIntoModel};
use serde_json::Value as Json;
use uuid::Uuid;

type ColumnOf<M> = <<M as ModelTrait>::Entity as EntityTrait>::Column;

/// The row, column by column; those that are null are left out.
pub(super) fn kept<M: ModelTrait>(row: &M) -> Json {
    let field = |column: ColumnOf<M>| Some((column.as_str().to_owned(), json(row.get(column))?));
    Json::Object(ColumnOf::<M>::iter().filter_map(field).collect())
}

/// The row that was kept; None if a later version of Herald has other columns.
pub(super) fn restored<M>(kept: &Json) -> Option<M>
where
    M: ModelTrait,
    <M::Entity as EntityTrait>::ActiveModel: TryIntoModel<M>,
{
    let mut row = <<M::Entity as EntityTrait>::ActiveModel as ActiveModelTrait>::default();
    for column in ColumnOf::<M>::iter() {
        let value = value(&M::get_value_type(column), kept.get(column.as_str()))?;
        row.try_set(column, value).ok()?;
    }
    row.try_into_model().ok()
}

fn json(value: Value) -> Option<Json> {
    Some(match value {
        Value::Bool(told) => told?.into(),
        Value::Int(number) => number?.into(),
        Value::BigInt(number) => number?.into(),
        Value::Double(number) => number?.into(),
        Value::String(text) => text?.into(),
        Value::Uuid(id) => id?.to_string().into(),
        Value::ChronoDateTimeUtc(at) => at?.to_rfc3339().into(),
        Value::Json(json) => *json?,
        _ => return None,
    })
}

/// The value of a column of this kind; None if what was kept is none.
fn value(kind: &ArrayType, kept: Option<&Json>) -> Option<Value> {
    let null = kept.is_none();
    let text = || kept.and_then(Json::as_str);
    let read = match kind {
        ArrayType::Bool => Value::Bool(kept.and_then(Json::as_bool)),
        ArrayType::Int => Value::Int(kept.and_then(Json::as_i64).and_then(|number| number.try_into().ok())),
        ArrayType::BigInt => Value::BigInt(kept.and_then(Json::as_i64)),
        ArrayType::Double => Value::Double(kept.and_then(Json::as_f64)),
        ArrayType::String => Value::String(text().map(ToOwned::to_owned)),
        ArrayType::Uuid => Value::Uuid(text().and_then(|text| Uuid::try_parse(text).ok())),
        ArrayType::ChronoDateTimeUtc => Value::ChronoDateTimeUtc(text().and_then(instant)),
        ArrayType::Json => Value::Json(kept.cloned().map(Box::new)),
        _ => return None,
    };
    (null || read != read.as_null()).then_some(read)
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_row_comes_back_as_it_was() {
        let now = DateTime::from_timestamp_millis(1_900_000_000_123).expect("an instant");
        let template = testing::template("Hello {{ name }}", now);
        assert_eq!(restored(&kept(&template)), Some(template));
        let batch = testing::batch(domain::id::UserId::generate(), 3, now);
        assert_eq!(restored(&kept(&batch)), Some(batch));
        let channel = testing::channel("durov", now);
        assert_eq!(restored(&kept(&channel)), Some(channel.clone()));
        assert_eq!(restored::<storage::broadcast::channel::Model>(&Json::Null), None);
    }
}
